"""The sample practice: six invented practitioners over eight weeks, for the demo and for tests.

Two weeks lie behind *today* and six before it. Client and casual appointments come from an
export of the practice software (`SamplePractice.imported`, as a file in `sample_export`); the
lunches, staff meetings and some leave were entered in our own book (`SamplePractice.own`).
Everything is drawn from one fixed seed: the same day and zone give the same practice.

Every person here is invented.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import (
    Appointment,
    AppointmentKind,
    AppointmentStatus,
    OccurrenceChange,
    Practitioner,
    Recurrence,
    ShowAs,
)
from companion.domain.event_keys import OWN_ID
from companion.sandbox import sample_names as names
from companion.sandbox.google import SimulatedGoogle
from companion.sandbox.sample_export import later, write_csv
from companion.sandbox.sample_names import OPENING, SAMPLE_SOURCE

WEEKS_BEFORE, WEEKS_AFTER = 2, 6
_CLOSING = time(17, 15)
_LUNCH = (time(12, 30), time(13, 0))
_LENGTHS = (30, 30, 45, 60)
_FULL, _CANCELLED, _DOUBLE, _CASUAL, _TENTATIVE = 0.7, 0.07, 0.02, 0.06, 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePractice:
    name: str
    timezone: str
    practitioners: tuple[Practitioner, ...]
    own: tuple[Appointment, ...]
    """Entered in our own book: series with moved and cancelled occurrences, and leave."""
    imported: tuple[Appointment, ...]
    """What importing `sample_export_csv` brings."""

    @property
    def appointments(self) -> tuple[Appointment, ...]:
        return self.own + self.imported


def sample_practice(today: date, timezone: str = "Australia/Sydney") -> SamplePractice:
    practitioners = tuple(
        Practitioner(
            id=person.id,
            name=person.name,
            email=person.email,
            timezone=timezone,
            display_order=order,
        )
        for order, person in enumerate(names.PRACTITIONERS)
    )
    monday = today - timedelta(days=today.weekday(), weeks=WEEKS_BEFORE)
    chance = random.Random("sample practice")  # noqa: S311 - the same practice every time
    return SamplePractice(
        name="Banksia Allied Health (sample)",
        timezone=timezone,
        practitioners=practitioners,
        own=tuple(_own(practitioners, monday, timezone)),
        imported=tuple(_imported(practitioners, monday, today, chance)),
    )


def sample_export_csv(
    today: date, timezone: str = "Australia/Sydney", *, changed: bool = False
) -> str:
    """The imported part as the practice software exports it; *changed*: two days later."""
    practice = sample_practice(today, timezone)
    rows = later(practice.imported, today) if changed else practice.imported
    return write_csv(rows, practice.practitioners)


def add_accounts(google: SimulatedGoogle, practice: SamplePractice) -> None:
    """A simulated Google account for each practitioner, with a private event in its calendar."""
    for person in practice.practitioners:
        google.add_account(person.email, name=person.name, timezone=person.timezone)
        morning = google.now().astimezone(ZoneInfo(person.timezone)).date() + timedelta(days=1)
        times = {
            key: {"dateTime": f"{morning}T{clock}:00", "timeZone": person.timezone}
            for key, clock in (("start", "07:00"), ("end", "07:30"))
        }
        private = {"summary": "Swim (my own, not from the practice)", **times}
        google.calendars[person.email].insert(private, person.email)


# Our own book


def _own(
    practitioners: tuple[Practitioner, ...], monday: date, timezone: str
) -> Iterator[Appointment]:
    for number, person in enumerate(practitioners):
        yield _series(
            person,
            "lunch",
            "Lunch",
            (monday, *_LUNCH),
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            (
                _moved(monday + timedelta(days=15 + number % 3), _LUNCH, timedelta(minutes=45)),
                _gone(monday + timedelta(days=22 + number % 2), _LUNCH),
            ),
        )
        staff = (time(8, 0), time(8, 40))
        tuesday = monday + timedelta(days=1)
        yield _series(
            person,
            "staff-meeting",
            "Staff meeting",
            (tuesday, *staff),
            "FREQ=WEEKLY;BYDAY=TU",
            (
                _moved(tuesday + timedelta(weeks=3), staff, timedelta(days=1)),
                _gone(tuesday + timedelta(weeks=4), staff),
            ),
        )
    leave = datetime.combine(monday + timedelta(weeks=4, days=2), time())
    yield Appointment(
        id=f"{OWN_ID}sample-leave",
        practitioner_id=practitioners[1].id,
        kind=AppointmentKind.CASUAL,
        start=leave,
        end=leave + timedelta(days=3),
        all_day=True,
        timezone=timezone,
        show_as=ShowAs.OUT_OF_OFFICE,
        title="Annual leave",
        appointment_type="Leave",
    )


def _series(
    person: Practitioner,
    what: str,
    title: str,
    first: tuple[date, time, time],
    rule: str,
    changes: tuple[OccurrenceChange, ...],
) -> Appointment:
    day, start, end = first
    return Appointment(
        id=f"{OWN_ID}sample-{what}-{person.id}",
        practitioner_id=person.id,
        kind=AppointmentKind.MEETING,
        start=datetime.combine(day, start),
        end=datetime.combine(day, end),
        timezone=person.timezone,
        title=title,
        appointment_type=title,
        recurring=True,
        recurrence=Recurrence(rule=rule, changes=changes),
    )


def _moved(day: date, times: tuple[time, time], by: timedelta) -> OccurrenceChange:
    start, end = (datetime.combine(day, clock) for clock in times)
    return OccurrenceChange(original_start=start, start=start + by, end=end + by)


def _gone(day: date, times: tuple[time, time]) -> OccurrenceChange:
    return OccurrenceChange(original_start=datetime.combine(day, times[0]), cancelled=True)


# The imported part


def _imported(
    practitioners: tuple[Practitioner, ...], monday: date, today: date, chance: random.Random
) -> Iterator[Appointment]:
    number = 4_100
    for offset in range(7 * (WEEKS_BEFORE + WEEKS_AFTER)):
        day = monday + timedelta(days=offset)
        # A demo that is tried on a Sunday has appointments today, too.
        if day.weekday() > 4 and day != today:
            continue
        for person in practitioners:
            if day.weekday() == person.display_order % 5 and day != today:
                continue  # everybody's free weekday
            for drawn in _day(person, day, chance):
                number += 1
                yield _numbered(drawn, number, chance)
    for week in range(WEEKS_BEFORE + WEEKS_AFTER):
        number += 1
        day = monday + timedelta(weeks=week, days=3)
        start = datetime.combine(day, time(16, 0) if week != 3 else time(15, 0))
        supervision = _appointment(
            practitioners[4], AppointmentKind.MEETING, start, 45, "Clinical supervision"
        )
        status = AppointmentStatus.CANCELLED if week == 4 else AppointmentStatus.BOOKED
        yield _numbered(replace(supervision, recurring=True, status=status), number, chance)
    leave = datetime.combine(monday + timedelta(weeks=3), time())
    yield _numbered(
        replace(
            _appointment(practitioners[3], AppointmentKind.CASUAL, leave, 0, "Leave"),
            end=leave + timedelta(days=2),
            all_day=True,
            show_as=ShowAs.OUT_OF_OFFICE,
            notes="Conference in Hobart",
        ),
        number + 1,
        chance,
    )


def _day(person: Practitioner, day: date, chance: random.Random) -> Iterator[Appointment]:
    """One practitioner's day: slots from opening to closing, most of them taken."""
    clock = datetime.combine(day, OPENING)
    lunch = datetime.combine(day, _LUNCH[0]), datetime.combine(day, _LUNCH[1])
    while clock < datetime.combine(day, _CLOSING):
        length = chance.choice(_LENGTHS)
        end = clock + timedelta(minutes=length)
        if clock < lunch[1] and end > lunch[0]:
            clock = lunch[1]
            continue
        if chance.random() < _FULL:
            yield _visit(person, clock, length, chance)
            if chance.random() < _DOUBLE:
                yield _visit(person, clock + timedelta(minutes=15), 30, chance)
        clock = end


def _visit(
    person: Practitioner, start: datetime, length: int, chance: random.Random
) -> Appointment:
    if chance.random() < _CASUAL:
        what = chance.choice(names.CASUAL_TYPES)
        return replace(
            _appointment(person, AppointmentKind.CASUAL, start, length, what),
            show_as=ShowAs.BUSY if what == "Walk-in" else ShowAs.OUT_OF_OFFICE,
        )
    index = chance.randrange(len(names.CLIENTS))
    first, last = names.CLIENTS[index]
    visit = _appointment(
        person, AppointmentKind.CLIENT, start, length, chance.choice(names.CONSULTATION_TYPES)
    )
    cancelled = chance.random() < _CANCELLED
    tentative = chance.random() < _TENTATIVE
    return replace(
        visit,
        client_id=f"C{1001 + 7 * index}",
        client_first_name=first,
        client_last_name=last,
        status=AppointmentStatus.CANCELLED if cancelled else AppointmentStatus.BOOKED,
        show_as=ShowAs.TENTATIVE if tentative else ShowAs.BUSY,
        notes=chance.choice(names.NOTES) if chance.random() < 0.2 else "",
    )


def _appointment(
    person: Practitioner, kind: AppointmentKind, start: datetime, length: int, what: str
) -> Appointment:
    return Appointment(
        id="",
        practitioner_id=person.id,
        kind=kind,
        start=start,
        end=start + timedelta(minutes=length),
        timezone=person.timezone,
        appointment_type=what,
        location=names.LOCATIONS[start.weekday() % len(names.LOCATIONS)],
        source=SAMPLE_SOURCE,
    )


def _numbered(drawn: Appointment, number: int, chance: random.Random) -> Appointment:
    """The appointment with its id, and with the moments at which the reception made it."""
    day = drawn.start.date() - timedelta(days=chance.randrange(20, 60))
    opening = datetime.combine(day, OPENING, tzinfo=ZoneInfo(drawn.timezone))
    created = (opening + timedelta(minutes=chance.randrange(500))).astimezone(UTC)
    return replace(
        drawn,
        id=f"sample-{number}",
        source_id=f"A{number}",
        created=created,
        created_by=chance.choice(names.RECEPTION),
        updated=created,
    )
