"""What a person may do on the simulated Google's own pages: look, move, delete, add.

Such edits go round quota, scope and counters, as a person's clicks in Google Calendar do; the
program only learns of them by comparing.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import unquote

from companion.sandbox.calendars import Calendar
from companion.sandbox.moments import wire_time
from companion.sandbox.oauth import html_reply, redirect
from companion.sandbox.pages import accounts_page, calendar_page, frame, view_path
from companion.sandbox.refusals import Json, SimulatedError, not_found
from companion.sandbox.simulator_api import SimulatorApi
from companion.sandbox.wire import ApiRequest, Reply

Form = dict[str, str]


def answer(api: SimulatorApi, request: ApiRequest) -> Reply:
    parts = [unquote(piece) for piece in request.path.strip("/").split("/")]
    try:
        with api.lock:
            if request.path == "/":
                return html_reply(accounts_page(api.google))
            if parts[0] != "view":
                raise not_found()
            return _view(api, request, parts[1:])
    except SimulatedError as refusal:
        text = f'<p class="card">{refusal.message}. <a href="/">Back to the accounts</a></p>'
        return html_reply(frame("That did not work", text), refusal.status)


def _view(api: SimulatorApi, request: ApiRequest, parts: list[str]) -> Reply:
    if len(parts) < 2:
        raise not_found()
    email, calendar_id, *rest = parts
    calendar = api.google.calendars.get(calendar_id)
    if calendar is None or email not in calendar.readers:
        raise not_found()
    if request.method == "GET" and not rest:
        return html_reply(calendar_page(calendar, email, api.clock()))
    if request.method != "POST":
        raise not_found()
    form = request.form
    if rest == ["add"]:
        _add(calendar, email, form)
    elif len(rest) == 2 and rest[1] in _EDITS:
        _EDITS[rest[1]](calendar, rest[0], form)
    else:
        raise not_found()
    return redirect(view_path(calendar, email))


def _add(calendar: Calendar, email: str, form: Form) -> None:
    try:
        start = datetime.fromisoformat(form.get("start", ""))
    except ValueError as err:
        raise not_found() from err
    end = start + timedelta(hours=1)
    times = {
        key: {"dateTime": wall.isoformat(), "timeZone": calendar.timezone}
        for key, wall in (("start", start), ("end", end))
    }
    calendar.insert({"summary": form.get("summary", ""), **times}, email)


def _delete(calendar: Calendar, event_id: str, _form: Form) -> None:
    calendar.delete(event_id)


def _move(calendar: Calendar, event_id: str, form: Form) -> None:
    """By `minutes`; an all-day event by whole days, at least one."""
    try:
        minutes = int(form.get("minutes", ""))
    except ValueError as err:
        raise not_found() from err
    event = calendar.get(event_id)
    changes: Json = {}
    for key, moment in (("start", event.start), ("end", event.end)):
        if moment.day is not None:
            days = round(minutes / 1440) or (1 if minutes > 0 else -1)
            changes[key] = {"date": (moment.day + timedelta(days=days)).isoformat()}
        else:
            changes[key] = {"dateTime": wire_time(moment.instant + 60 * minutes, calendar.zone)}
    calendar.patch(event_id, changes)


_EDITS: dict[str, Callable[[Calendar, str, Form], None]] = {"delete": _delete, "move": _move}
