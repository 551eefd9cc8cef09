"""How the last weeks went, to be looked at rather than read: a strip of days for each practitioner,
and for the practice what was written each day and how soon. Nothing is shown before there is
something to show; each picture says in words, and in a table, what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup

from companion.domain.sync_history import WITHIN, SyncDay, Verdict, days_of, within
from companion.web.ui import formatting
from companion.web.ui.static_html import StaticHtml, table_of_rows, tag
from companion.web.ui.theme import box, card, scrolling, text

STRIP_DAYS, CHART_DAYS = 14, 28
LEAST_DAYS = 2
"""Days with something to show, before anything is shown."""
_SAID: Mapping[Verdict, str] = {
    "good": "up to date",
    "mixed": "trouble, then up to date",
    "bad": "not up to date",
}
_LONGEST = formatting.duration(WITHIN[-1])


def strip_of(history: str, today: date) -> dict[str, Any] | None:
    """For the practitioner's card: what the strip is called, and (look, title) of each day."""
    seen = {each.day: each for each in days_of(history)}
    days = [today - timedelta(days=ago) for ago in reversed(range(STRIP_DAYS))]
    known = [seen[day] for day in days if day in seen]
    if len(known) < LEAST_DAYS:
        return None
    counts = {look: sum(each.verdict == look for each in known) for look in _SAID}
    parts = [f"{count} {_SAID[look]}" for look, count in counts.items() if count]
    if missing := STRIP_DAYS - len(known):
        parts.append(f"{missing} without a sync")
    return {
        "words": f"The last {STRIP_DAYS} days: {', '.join(parts)}.",
        "days": [[_look(seen.get(day)), _title(day, seen.get(day))] for day in days],
    }


def _look(day: SyncDay | None) -> str:
    return day.verdict if day is not None else "none"


def _title(value: date, day: SyncDay | None) -> str:
    if day is None:
        return f"{formatting.day(value)}: no sync"
    why = f" ({day.trouble.rstrip('.')})" if day.trouble and day.verdict != "good" else ""
    return f"{formatting.day(value)}: {_SAID[day.verdict]}{why}"


def weeks_card(histories: Iterable[str], today: date) -> None:
    """What all of them wrote to Google on each of the last days, and how soon after the book."""
    days = _together(histories, today)
    if sum(bool(each.written) for each in days) < LEAST_DAYS:
        return
    written = sum(each.written for each in days)
    delays = [sum(counts) for counts in zip(*(each.delays for each in days), strict=True)]
    said = f"{formatting.counted(written, 'change')} written to Google in the last four weeks"
    if any(delays):
        said += (
            f"; half of what changed in the book was there {_soon(delays, 0.5)}, "
            f"19 of 20 {_soon(delays, 0.95)}"
        )
    with card("The last four weeks"):
        text(f"{said}.", "soft")
        chart = StaticHtml(_bars(days), "weeks").props("role=img")
        chart.props["aria-label"] = f"{said}. Each day is in the table below."
        with box("fold", tag="details"):
            with box("fold__head", tag="summary"):
                text("The same as a table", "soft", tag="span")
            _table([each for each in days if each.written])


def _together(histories: Iterable[str], today: date) -> list[SyncDay]:
    """One for each of the last days, oldest first."""
    every: dict[date, list[SyncDay]] = {}
    for history in histories:
        for each in days_of(history):
            every.setdefault(each.day, []).append(each)
    made = []
    for ago in reversed(range(CHART_DAYS)):
        day = today - timedelta(days=ago)
        empty = SyncDay(day=day)
        parts = every.get(day, [empty])
        delays = zip(*(part.delays for part in parts), strict=True)
        written = sum(part.written for part in parts)
        made.append(replace(empty, written=written, delays=tuple(map(sum, delays))))
    return made


def _soon(delays: Sequence[int], share: float) -> str:
    bound = within(delays, share)
    if bound is None:
        return f"after more than {_LONGEST}" if sum(delays) else ""
    return f"within {formatting.duration(bound)}"


def _bars(days: Sequence[SyncDay]) -> Markup:
    """Two rows of bars over the same days: how many, and how soon (the shorter, the sooner)."""
    most = max(each.written for each in days)
    many, soon = [], []
    for each in days:
        count = f"{formatting.day(each.day)}: {formatting.counted(each.written, 'change')}"
        # The square root: a first upload of a thousand leaves the days of five to be seen.
        height = round(100 * (each.written / most) ** 0.5)
        many.append(tag("span", _bar(height), title=count))
        said = _soon(each.delays, 0.5)
        title = f"{formatting.day(each.day)}: half {said}" if said else formatting.day(each.day)
        bound = within(each.delays, 0.5)
        place = WITHIN.index(bound) + 1 if bound else len(WITHIN) + 1
        share = round(100 * place / (len(WITHIN) + 1)) if said else 0
        soon.append(tag("span", _bar(share, late=place > 4), title=title))
    first, last = formatting.day(days[0].day), formatting.day(days[-1].day)
    return (
        tag("p", "Changes written each day", class_="weeks__name")
        + tag("div", *many, class_="weeks__bars")
        + tag("p", "From the book to Google: half of them within", class_="weeks__name")
        + tag("div", *soon, class_="weeks__bars weeks__bars--low")
        + tag("div", tag("span", first), tag("span", last), class_="weeks__ends")
    )


def _bar(height: int, *, late: bool = False) -> Markup:
    look = "weeks__bar weeks__bar--late" if late else "weeks__bar"
    return tag("i", Markup(""), class_=look, style=f"height:{height}%") if height else Markup("")


def _table(days: Sequence[SyncDay]) -> None:
    def row(day: SyncDay) -> Markup:
        cells = (formatting.number(day.written), _soon(day.delays, 0.5), _soon(day.delays, 0.95))
        return tag(
            "tr",
            tag("th", formatting.day(day.day), scope="row"),
            *(tag("td", each) for each in cells),
        )

    headings = ("Day", "Changes written", "Half of them", "19 of 20")
    with scrolling("Each day of the last four weeks", tall=True):
        table_of_rows(headings, map(row, reversed(days)))
