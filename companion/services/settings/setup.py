"""Setup: how far each practitioner has come on the vendor's eight steps, and the upload after them.

Most steps follow from the settings. The others (a check that succeeded, choices that were applied,
the first upload) are saved as marks that name what they were true for: another account or calendar
makes the step due again. A calendar that is filled shows that sign-in and calendar work, by the
choices as they are. Copying settings copies steps 7 and 8, never whose calendar it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from companion.domain.errors import BadInput
from companion.domain.settings import PractitionerSettings, Settings, SyncChoices
from companion.services.access.policy import Action
from companion.services.access.rules import allows
from companion.services.ports import Clock, SettingsStore
from companion.services.settings.practitioners import shown_anew

STEPS = (
    "Enable Google Calendar Sync",
    "Google Login",
    "Connect to Google",
    "Calendar",
    "Test Credentials",
    "Check Calendar is accessible",
    "Sync period",
    "Items to include",
    "Upload to Google",
)
"""The vendor's words and order; the last is what they lead to."""
CALENDAR = 4
PERIOD, ITEMS = "period", "items"
PARTS: Mapping[str, tuple[str, ...]] = {
    PERIOD: ("days_in_arrears", "days_in_advance"),
    ITEMS: ("disclosure", "colour", "type_colours", "reminder"),
    "habits": ("put_back_deleted", "tidy_past"),
}
"""What can be copied: fields of SyncChoices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupStep:
    number: int
    title: str
    done: bool
    failed: bool = False
    """The check was made, and did not succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupProgress:
    practitioner_id: str
    name: str
    steps: tuple[SetupStep, ...]

    @property
    def current(self) -> SetupStep | None:
        """Where to go on; None when all is done."""
        return next((step for step in self.steps if not step.done), None)

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def to_connect(self) -> frozenset[int]:
        """The steps that lead to a connected calendar, until there is one."""
        connected = self.steps[CALENDAR - 1].done
        return frozenset() if connected else frozenset(range(1, CALENDAR + 1))


def progress_of(record: PractitionerSettings, *, filled: bool = False) -> SetupProgress:
    """`filled`: the background sync has filled the calendar without a button being pressed."""
    google, marks = record.google, record.setup
    filled = google.connected and (filled or _uploaded(record) in marks)
    facts = (
        record.choices.enabled,
        bool(google.login or google.account),
        bool(google.account),
        google.connected,
        _checked(record, _tested(record), filled=filled),
        _checked(record, _accessible(record), filled=filled),
        filled or PERIOD in marks,
        filled or ITEMS in marks,
        filled,
    )
    steps = zip(STEPS, facts, strict=True)
    wrong = {
        number
        for number, mark in ((5, _tested(record)), (6, _accessible(record)))
        if _failed(mark) in marks
    }
    return SetupProgress(
        practitioner_id=record.practitioner.id,
        name=record.practitioner.name,
        steps=tuple(
            SetupStep(number=number, title=title, done=done, failed=number in wrong)
            for number, (title, done) in enumerate(steps, 1)
        ),
    )


def _checked(record: PractitionerSettings, mark: str, *, filled: bool) -> bool:
    """By the check, or by a calendar that was filled; a check that failed counts more."""
    good = filled or mark in record.setup
    return record.google.connected and good and _failed(mark) not in record.setup


def _failed(mark: str) -> str:
    return f"not {mark}"


def _tested(record: PractitionerSettings) -> str:
    return f"tested {record.google.account}"


def _accessible(record: PractitionerSettings) -> str:
    return f"accessible {record.google.calendar_id}"


def _uploaded(record: PractitionerSettings) -> str:
    return f"uploaded {record.google.calendar_id}"


class Setup:
    def __init__(self, settings: SettingsStore, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    @allows(Action.GOOGLE, of="practitioner_id")
    def steps(self, practitioner_id: str, *, filled: bool = False) -> SetupProgress:
        """Raises NotFound."""
        return progress_of(self._settings.read().record(practitioner_id), filled=filled)

    @allows(Action.GOOGLE)
    def everybody(self, filled: Collection[str] = ()) -> tuple[SetupProgress, ...]:
        """`filled`: ids whose calendars the background sync has filled."""
        return tuple(
            progress_of(record, filled=practitioner_id in filled)
            for practitioner_id, record in self._settings.read().practitioners.items()
        )

    @allows(Action.GOOGLE, of="practitioner_id")
    async def tested(self, practitioner_id: str, *, good: bool) -> None:
        """*Test Credentials* was answered."""
        await self._mark(practitioner_id, _tested, good=good)

    @allows(Action.GOOGLE, of="practitioner_id")
    async def accessible(self, practitioner_id: str, *, good: bool) -> None:
        """*Check Calendar is accessible* was answered."""
        await self._mark(practitioner_id, _accessible, good=good)

    @allows(Action.GOOGLE, of="practitioner_id")
    async def uploaded(self, practitioner_id: str) -> None:
        """The calendar was filled, and compared with the book."""
        await self._mark(practitioner_id, _tested, _accessible, _uploaded, good=True)

    @allows(Action.GOOGLE, of="practitioner_id")
    async def applied(self, practitioner_id: str) -> None:
        """Steps 7 and 8 were looked at and applied."""

        def edit(settings: Settings) -> Settings:
            record = settings.record(practitioner_id)
            return settings.with_practitioner(_with_marks(record, (PERIOD, ITEMS)))

        await self._settings.change(edit)

    async def _mark(
        self,
        practitioner_id: str,
        *marks: Callable[[PractitionerSettings], str],
        good: bool,
    ) -> None:
        def edit(settings: Settings) -> Settings:
            record = settings.record(practitioner_id)
            kept = list(record.setup)
            for mark in (of(record) for of in marks):
                kind = mark.partition(" ")[0]
                kept = [e for e in kept if not e.startswith((f"{kind} ", _failed(f"{kind} ")))]
                kept.append(mark if good else _failed(mark))
            return settings.with_practitioner(replace(record, setup=tuple(kept)))

        await self._settings.change(edit)

    @allows(Action.GOOGLE)
    async def copy(
        self, from_id: str, to_ids: Iterable[str], parts: Iterable[str] = PARTS
    ) -> tuple[str, ...]:
        """To all of them or, raising BadInput or NotFound, to none; the ids that changed.

        `parts`: keys of `PARTS`."""
        chosen, wanted = tuple(parts), tuple(dict.fromkeys(to_ids))
        if not chosen or not set(chosen) <= PARTS.keys():
            raise BadInput("There is nothing chosen to copy.", "Tick what to copy.", field="parts")
        if not set(wanted) - {from_id}:
            raise BadInput("Nobody is chosen.", "Tick who gets it.", field="to")
        changed: list[str] = []

        def edit(settings: Settings) -> Settings:
            changed.clear()
            source = settings.record(from_id).choices
            after = settings
            for practitioner_id in wanted:
                record = settings.record(practitioner_id)
                choices = _copied(source, record.choices, chosen)
                marks = [part for part in chosen if part in {PERIOD, ITEMS}]
                if choices != record.choices:
                    changed.append(practitioner_id)
                fresh = _with_marks(replace(record, choices=choices), marks)
                if choices.disclosure != record.choices.disclosure:
                    fresh = shown_anew(fresh, self._clock.now())
                after = after.with_practitioner(fresh)
            return after

        await self._settings.change(edit)
        return tuple(changed)


def _copied(source: SyncChoices, target: SyncChoices, parts: Iterable[str]) -> SyncChoices:
    values = {name: getattr(source, name) for part in parts for name in PARTS[part]}
    return replace(target, **values)


def _with_marks(record: PractitionerSettings, marks: Iterable[str]) -> PractitionerSettings:
    fresh = [mark for mark in marks if mark not in record.setup]
    return replace(record, setup=(*record.setup, *fresh))
