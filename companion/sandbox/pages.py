"""The simulated Google's pages for people: the frame, the accounts, and a calendar's agenda.

Everything a calendar holds comes from outside and is escaped. The pages carry their style within,
fetch nothing from anywhere, follow the system's light or dark scheme, and refresh the agenda in
place every two seconds, except while a form on it is in use.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from html import escape
from itertools import groupby
from urllib.parse import quote
from zoneinfo import ZoneInfo

from companion.sandbox.calendars import Calendar
from companion.sandbox.events import Event
from companion.sandbox.google import SimulatedGoogle
from companion.sandbox.listing import ListQuery, entries
from companion.sandbox.moments import day_moment

_WEEKS_BEFORE, _WEEKS_AFTER = 2, 10
_COLOURS = {
    "1": "#7986cb",
    "2": "#33b679",
    "3": "#8e24aa",
    "4": "#e67c73",
    "5": "#f6bf26",
    "6": "#f4511e",
    "7": "#039be5",
    "8": "#616161",
    "9": "#3f51b5",
    "10": "#0b8043",
    "11": "#d50000",
}
_STYLE = """
:root { color-scheme: light dark; --ground: #f6f8fc; --card: #fff; --ink: #1f1f1f;
  --soft: #52575c; --line: #dde1e7; --accent: #0b57d0; --on-accent: #fff; --note: #fff4cc;
  --bar: #039be5; }
@media (prefers-color-scheme: dark) { :root { --ground: #131314; --card: #1e1f20; --ink: #e3e3e3;
  --soft: #b4b8bd; --line: #3c4043; --accent: #a8c7fa; --on-accent: #062e6f; --note: #3d3520; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
header, main { max-width: 760px; margin: 0 auto; padding: 0 16px; }
header { padding-top: 20px; }
.demo { background: var(--note); border-radius: 8px; padding: 6px 12px; font-size: 14px;
  display: inline-block; }
h1 { font-size: 24px; font-weight: 500; margin: 12px 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 16px; font-weight: 600; margin: 24px 0 8px; }
.card > h2:first-child, .card > input + h2 { margin-top: 0; }
p { margin: 4px 0 12px; } .soft { color: var(--soft); font-size: 14px; }
a { color: var(--accent); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 16px; margin: 0 0 12px; }
ul { list-style: none; margin: 0; padding: 0; } li + li { border-top: 1px solid var(--line); }
.event { display: flex; gap: 12px; padding: 10px 0; align-items: flex-start; flex-wrap: wrap; }
.bar { width: 4px; align-self: stretch; border-radius: 2px; background: var(--bar); }
.when { flex: 0 0 112px; font-variant-numeric: tabular-nums; }
.what { flex: 1 1 180px; min-width: 0; overflow-wrap: anywhere; white-space: pre-line; }
code { overflow-wrap: anywhere; }
.today h2 { color: var(--accent); }
details { font-size: 14px; } summary { cursor: pointer; padding: 4px 0; color: var(--accent); }
form { display: inline-flex; gap: 8px; flex-wrap: wrap; margin: 4px 8px 4px 0; }
button, .button { font: inherit; min-height: 36px; padding: 4px 16px; border-radius: 18px;
  border: 1px solid var(--line); background: var(--card); color: var(--accent); cursor: pointer; }
button.main { background: var(--accent); color: var(--on-accent); border-color: var(--accent); }
input, select { font: inherit; padding: 6px 8px; border: 1px solid var(--soft);
  border-radius: 8px; background: var(--card); color: var(--ink); max-width: 100%; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
label.row { display: flex; gap: 12px; align-items: flex-start; padding: 10px 0; }
label.row input { width: 20px; height: 20px; margin: 2px 0 0;
  flex: none; }
.account { display: flex; gap: 12px; align-items: center; padding: 10px 0; }
.face { width: 36px; height: 36px; border-radius: 50%; background: var(--accent);
  color: var(--on-accent); display: grid; place-items: center; font-weight: 600; flex: none; }
.narrow { max-width: 460px; } .end { display: flex; justify-content: flex-end; gap: 8px; }
"""
_REFRESH = """
<script>
setInterval(async () => {
  if (document.querySelector("details[open]") || document.activeElement.closest("form")) return;
  try {
    const page = new DOMParser().parseFromString(
      await (await fetch(location.href)).text(), "text/html");
    const fresh = page.querySelector("main");
    const shown = document.querySelector("main");
    if (fresh && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh);
  } catch { /* the demo has been stopped: keep what is shown */ }
}, 2000);
</script>
"""


def frame(
    heading: str,
    content: str,
    *,
    refresh: bool = False,
    narrow: bool = False,
    site: str = "Google",
) -> bytes:
    """A whole page; *heading* is plain text, *content* is HTML; *site*: whose it seems to be."""
    title = f"Simulated {site} – demo"
    width = ' class="narrow"' if narrow else ""
    return (
        f'<!doctype html><html lang="en-AU"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="referrer" content="same-origin"><link rel="icon" href="data:,">'
        f"<title>{escape(heading)} · {title}</title><style>{_STYLE}</style></head><body>"
        f'<header{width}><div class="demo">{title}: nothing here reaches the real {site}</div>'
        f"<h1>{escape(heading)}</h1></header><main{width}>{content}</main>"
        f"{_REFRESH if refresh else ''}</body></html>"
    ).encode()


def accounts_page(google: SimulatedGoogle) -> bytes:
    cards = []
    for account in google.accounts.values():
        rows = "".join(
            f'<li class="event"><span class="what"><a href="{view_path(calendar, account.email)}">'
            f"{escape(calendar.summary)}</a></span>"
            f'<span class="soft">{_count(calendar)}</span></li>'
            for calendar in google.calendars.values()
            if account.email in calendar.readers
        )
        cards.append(
            f'<section class="card"><div class="account"><span class="face" aria-hidden="true">'
            f"{escape(account.name[:1])}</span><div>{escape(account.name)}<br>"
            f'<span class="soft">{escape(account.email)}</span></div></div>'
            f"<ul>{rows}</ul></section>"
        )
    intro = "<p>Sample accounts and the calendars in them, as Google would hold them.</p>"
    return frame("Accounts", intro + "".join(cards), refresh=True)


def view_path(calendar: Calendar, email: str) -> str:
    return f"/view/{quote(email, safe='')}/{quote(calendar.id, safe='')}"


def calendar_page(calendar: Calendar, email: str, now: datetime) -> bytes:
    zone = calendar.zone
    today = now.astimezone(zone).date()
    base = view_path(calendar, email)
    first, last = today - timedelta(weeks=_WEEKS_BEFORE), today + timedelta(weeks=_WEEKS_AFTER)
    shown = sorted(
        _visible(calendar, first, last),
        key=lambda event: (_day(event, zone), event.start.instant, event.id),
    )
    sections = []
    for week, in_week in groupby(shown, key=lambda event: _monday(_day(event, zone))):
        days = []
        for day, on_day in groupby(in_week, key=lambda event: _day(event, zone)):
            rows = "".join(_row(event, zone, base) for event in on_day)
            mark = " today" if day == today else ""
            label = f"{day:%A} {day.day} {day:%B}{' · today' if day == today else ''}"
            days.append(f'<div class="card{mark}"><h2>{label}</h2><ul>{rows}</ul></div>')
        sections.append(
            f"<section><h2>Week of {week.day} {week:%B %Y}</h2>{''.join(days)}</section>"
        )
    empty = '<p class="card">Nothing in this calendar yet.</p>'
    intro = (
        f'<p class="soft">{escape(email)} · {escape(calendar.timezone)} · '
        f'{_count(calendar)} · <a href="/">all accounts</a></p>{_own_event_form(base, today)}'
    )
    return frame(calendar.summary, intro + ("".join(sections) or empty), refresh=True)


def _visible(calendar: Calendar, first: date, last: date) -> Iterable[Event]:
    """Live single events and instances between two days of the calendar."""
    since, until = (day_moment(day, calendar.zone).instant for day in (first, last))
    query = ListQuery(single_events=True, time_min=since, time_max=until)
    return entries(calendar, query)


def _day(event: Event, zone: ZoneInfo) -> date:
    return event.start.day or datetime.fromtimestamp(event.start.instant, zone).date()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _count(calendar: Calendar) -> str:
    number = sum(1 for _ in calendar.live())
    return f"{number} event{'' if number == 1 else 's'}"


def _times(event: Event, zone: ZoneInfo) -> str:
    if event.start.day is not None and event.end.day is not None:
        days = (event.end.day - event.start.day).days
        return "All day" if days <= 1 else f"{days} days"
    start, end = (
        datetime.fromtimestamp(moment.instant, zone) for moment in (event.start, event.end)
    )
    return f"{start:%H:%M} – {end:%H:%M}"


def _row(event: Event, zone: ZoneInfo, base: str) -> str:
    fields = event.fields
    colour = _COLOURS.get(fields.get("colorId", ""), "var(--bar)")
    title = escape(str(fields.get("summary", "(No title)")))
    notes = "".join(
        f'<br><span class="soft">{escape(str(fields[key]))}</span>'
        for key in ("location", "description")
        if key in fields
    )
    action = f"{base}/{quote(event.id, safe='')}"
    buttons = "".join(
        f'<button name="minutes" value="{minutes}">{label}</button>'
        for minutes, label in ((-30, "30 min earlier"), (30, "30 min later"), (1440, "Next day"))
    )
    return (
        f'<li class="event"><span class="bar" style="background:{colour}" aria-hidden="true">'
        f'</span><span class="when">{_times(event, zone)}</span><span class="what">'
        f"<bdi>{title}</bdi>{notes}<details><summary>Change as in Google</summary>"
        f'<form method="post" action="{action}/move">{buttons}</form>'
        f'<form method="post" action="{action}/delete"><button>Delete</button></form>'
        f"</details></span></li>"
    )


def _own_event_form(base: str, today: date) -> str:
    return (
        f'<details class="card"><summary>Add an event of my own</summary>'
        f'<form method="post" action="{base}/add">'
        f'<label>Title <input name="summary" value="Dentist" required maxlength="200"></label>'
        f'<label>Start <input name="start" type="datetime-local" required '
        f'value="{today.isoformat()}T12:00"></label><button class="main">Add</button>'
        f"</form></details>"
    )
