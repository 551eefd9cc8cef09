"""AppointmentCalendar: EventCalendar as an element; what it shows is pushed, not kept in props.

After an edit only what differs is pushed: a full day is 200 KB, of which one appointment changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import events, ui

from companion.assets import static_dir
from companion.web.ui.presses import once


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSlot:
    """A time that was pointed at; parts may be unknown."""

    start: datetime | None = None
    """Wall time."""
    end: datetime | None = None
    all_day: bool = False
    practitioner_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A move or resize as drawn on screen."""

    key: str
    seen: int
    to: TimeSlot


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Anything else that a menu or key asks for."""

    what: str
    key: str = ""
    seen: int = 0
    place: TimeSlot = TimeSlot()


class AppointmentCalendar(
    ui.element,
    component="calendar.js",
    esm={"companion-calendar": str(static_dir() / "calendar")},
):
    def __init__(
        self,
        *,
        zone: str,
        on_ready: Callable[[bool], Any],
        on_narrow: Callable[[bool], Any],
        on_open: Callable[[str], Any],
        on_create: Callable[[TimeSlot], Any],
        on_move: Callable[[Drop], Any],
        on_act: Callable[[Act], Any],
    ) -> None:
        """`zone` decides where the now-line is. `on_ready` and `on_narrow` get whether the window
        is narrow."""
        super().__init__()
        self.classes("book__grid")
        self.props.update(zone=zone, locale="en-AU")
        self.shown: dict[str, Any] = {}
        """What was pushed last."""

        def listen(
            name: str,
            handler: Callable[[Any], Any],
            read: Callable[[Any], Any],
            *,
            key: Callable[[Any], object] = lambda _event: None,
        ) -> None:
            """`key`: of an action that runs once at a time."""

            async def handle(event: events.GenericEventArguments) -> None:
                result = handler(read(event.args))
                if result is not None:
                    await result

            self.on(name, once(handle, key=key))

        def ready(narrow: bool) -> Any:
            self.shown = {}  # the browser has nothing, or is out of date
            return on_ready(narrow)

        listen("ready", ready, bool)
        listen("narrow", on_narrow, bool)
        listen("open", on_open, lambda args: str(args["key"]), key=lambda _: "open")
        listen("create", on_create, _place, key=lambda _: "create")
        listen("move", on_move, _drop)
        listen("act", on_act, _act, key=_once_at_a_time)

    def show(self, page: dict[str, Any]) -> None:
        self.run_method("show", delta(self.shown, page))
        self.shown = page

    def confirm_move(self, key: str) -> None:
        """A move has been written or refused; the page is drawn as shown next."""
        self.run_method("confirmMove", key)

    def announce(self, sentence: str) -> None:
        """Announce to a screen reader."""
        self.run_method("announce", sentence)

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        contents = super()._displayed_contents(only_visible=only_visible)
        for event in self.shown.get("events", ()):
            contents.append(event["title"])
        return contents


def delta(before: dict[str, Any], page: dict[str, Any]) -> dict[str, Any]:
    """`page` as it is pushed: whole, or as `changed` and `gone` events since the page of stamp
    `base`, where columns, hours and days are the same."""
    if not before or before["options"] != page["options"]:
        return page
    had = {each["id"]: each for each in before["events"]}
    has = {each["id"] for each in page["events"]}
    changed = [each for each in page["events"] if had.get(each["id"]) != each]
    gone = [key for key in had if key not in has]
    kept = {key: value for key, value in page.items() if key != "events"}
    return {**kept, "base": before["stamp"], "changed": changed, "gone": gone}


def _moment(text: Any) -> datetime | None:
    """Naive: what comes from the browser is the clinic's clock."""
    return datetime.fromisoformat(str(text)).replace(tzinfo=None) if text else None


def _place(args: Any) -> TimeSlot:
    known = args or {}
    return TimeSlot(
        start=_moment(known.get("start")),
        end=_moment(known.get("end")),
        all_day=bool(known.get("allDay")),
        practitioner_id=str(known.get("resource") or ""),
    )


def _drop(args: Any) -> Drop:
    return Drop(key=str(args["key"]), seen=int(args["seen"]), to=_place(args))


def _once_at_a_time(event: events.GenericEventArguments) -> str | None:
    """Pages are turned as fast as somebody likes."""
    what = str(event.args["what"])
    return None if what in {"previous", "next"} else what


def _act(args: Any) -> Act:
    return Act(
        what=str(args["what"]),
        key=str(args.get("key") or ""),
        seen=int(args.get("seen") or 0),
        place=_place(args),
    )
