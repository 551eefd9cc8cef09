"""RepetitionForm: how a meeting repeats, with the rule in plain words and its next five dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from companion.domain.availability import DAYS
from companion.domain.errors import BadInput
from companion.domain.repetition import Frequency, Repetition, in_words, next_starts
from companion.web.ui import formatting
from companion.web.ui.components.fields import relabel
from companion.web.ui.components.typed_fields import DayField, NumberField
from companion.web.ui.theme import box, text

ONCE = ""
OWN_RULE = "own"
_OFTEN = {
    ONCE: "Does not repeat",
    Frequency.DAILY.value: "Every day",
    Frequency.WEEKDAYS.value: "Every weekday",
    Frequency.WEEKLY.value: "Weekly on days",
    Frequency.MONTHLY_DATE.value: "Monthly on this date",
    Frequency.MONTHLY_WEEKDAY.value: "Monthly on this weekday",
}
_ENDS = {"ever": "For ever", "until": "Until a day", "count": "A number of times"}
_INTERVALS = {
    Frequency.DAILY: "Every … days",
    Frequency.WEEKLY: "Every … weeks",
    Frequency.MONTHLY_DATE: "Every … months",
    Frequency.MONTHLY_WEEKDAY: "Every … months",
}


class RepetitionForm:
    def __init__(self, rule: str, start: datetime, on_change: Callable[[], Any]) -> None:
        """`start` is the first occurrence of `rule`; "" for a single appointment."""
        self._own_rule = rule
        known = Repetition.of(rule, start) if rule else None
        options = dict(_OFTEN)
        if rule and known is None:
            options[OWN_RULE] = "As it is, by a rule of its own"
        chosen = known.frequency.value if known else (OWN_RULE if rule else ONCE)
        self._on_change = on_change
        self._begun = False
        with box("stack") as self.place:
            with box("fields fields--2"):
                self._often = ui.select(
                    options, label="Repeats", value=chosen, on_change=self._changed
                )
                self._interval = NumberField(
                    "Every …",
                    known.interval if known else 1,
                    least=1,
                    most=99,
                    field="interval",
                    on_change=self._changed,
                )
            with box("weekdays", tag="fieldset") as self._days_box:
                text("On", "small", tag="legend")
                weekdays = known.weekdays if known else {start.weekday()}
                self._days = [
                    ui.checkbox(name[:3], value=number in weekdays, on_change=self._changed).props(
                        f'aria-label="{name}" dense'
                    )
                    for number, name in enumerate(DAYS)
                ]
            with box("fields fields--2"):
                ends = "ever"
                if known and known.count:
                    ends = "count"
                elif known and known.until:
                    ends = "until"
                self._ends = ui.select(_ENDS, label="Ends", value=ends, on_change=self._changed)
                self._until = DayField(
                    "Last day",
                    known.until if known else None,
                    near=start.date(),
                    field="until",
                    on_change=self._changed,
                )
                self._count = NumberField(
                    "Times",
                    known.count if known and known.count else 10,
                    least=1,
                    most=1000,
                    field="count",
                    on_change=self._changed,
                )
            for field in (self._often, self._interval, self._ends, self._until, self._count):
                field.classes("field").props("outlined dense options-dense")
            self._words = text("", "small strong").props("aria-live=polite")
            self._dates = text("", "small soft")
        self._begun = True
        self._arrange()

    @property
    def fields(self) -> dict[str, ValidationElement[Any]]:
        """By the field a BadInput names."""
        return {
            "interval": self._interval,
            "until": self._until,
            "count": self._count,
            "recurrence": self._often,
        }

    def rule(self, start: datetime) -> str:
        """RRULE from `start` on, "" for a single one; raises BadInput."""
        often = self._often.value
        if often in {ONCE, None}:
            return ""
        if often == OWN_RULE:
            return self._own_rule
        ends = self._ends.value
        return Repetition(
            frequency=Frequency(often),
            interval=self._interval.whole() if self._has_interval() else 1,
            weekdays=frozenset(number for number, each in enumerate(self._days) if each.value)
            if often == Frequency.WEEKLY
            else frozenset(),
            count=self._count.whole() if ends == "count" else None,
            until=self._until.day() if ends == "until" else None,
        ).rule(start)

    def describe(self, start: datetime) -> None:
        """Show the rule in words, and its next five dates."""
        try:
            rule = self.rule(start)
            sentence = in_words(rule, start) if rule else ""
            coming = next_starts(rule, start, start, 5) if rule else []
        except BadInput as error:
            sentence, coming = error.what.rstrip("."), []
        self._words.set_text(f"{sentence}." if sentence else "")
        days = ", ".join(formatting.day(each.date()) for each in coming)
        self._dates.set_text(f"Next: {days}" if days else "")

    def _has_interval(self) -> bool:
        return self._often.value in {each.value for each in _INTERVALS}

    def _changed(self) -> None:
        if self._begun:
            self._arrange()
            self._on_change()

    def _arrange(self) -> None:
        often, ends = self._often.value, self._ends.value
        repeats = often not in {ONCE, OWN_RULE, None}
        self._interval.set_visibility(self._has_interval())
        if self._has_interval():
            relabel(self._interval, _INTERVALS[Frequency(often)])
        self._days_box.set_visibility(often == Frequency.WEEKLY)
        self._ends.set_visibility(repeats)
        self._until.set_visibility(repeats and ends == "until")
        self._count.set_visibility(repeats and ends == "count")
