"""Sample bookings for the simulated Cliniko: of the sample practice, and as many as one likes.

The demo's export holds the sample practice's days; here are its evenings and a Saturday class, so
that the two can be tried side by side without a doubt which appointment is which.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from companion.domain.appointments import Practitioner
from companion.sandbox import sample_names as names
from companion.sandbox.cliniko.account import SimulatedClinikoAccount

EVENING = time(17, 30)
_TYPES = ("Initial consultation", "Standard consultation", "Review")


def sample_account(
    now: Callable[[], datetime], practitioners: Sequence[Practitioner], zone: str
) -> SimulatedClinikoAccount:
    """Four weeks of evenings from today on, a class each Saturday and some unavailable time."""
    account = SimulatedClinikoAccount(now=now)
    place = account.add_business("Banksia Evening Clinic", zone)
    types = [account.add_type(each) for each in _TYPES]
    pilates = account.add_type("Pilates class", minutes=60, most=8)
    patients = [account.add_patient(*each) for each in names.CLIENTS]
    chance = random.Random("evenings")  # noqa: S311 - the same evenings every time
    today = now().astimezone(ZoneInfo(zone)).date()
    for person in practitioners:
        first, _space, last = person.name.rpartition(" ")
        practitioner = account.add_practitioner(first or last, last if first else "")
        for day in (today + timedelta(days=each) for each in range(28)):
            evening = datetime.combine(day, EVENING, ZoneInfo(zone))
            if day.weekday() < 5 and chance.random() < 0.5:
                for turn in range(chance.randrange(1, 4)):
                    account.book(
                        practitioner, chance.choice(patients),
                        (evening + timedelta(minutes=45 * turn)).astimezone(UTC),
                        kind_of=chance.choice(types), business=place,
                    )  # fmt: skip
            elif day.weekday() == 4:
                account.block(
                    practitioner, evening.astimezone(UTC), business=place, minutes=90,
                    notes="Not available",
                )  # fmt: skip
    teacher = next(iter(account.practitioners))
    for week in range(4):
        saturday = today + timedelta(days=(5 - today.weekday()) % 7 + 7 * week)
        starts = datetime.combine(saturday, time(9, 30), ZoneInfo(zone)).astimezone(UTC)
        group = account.add_group(teacher, starts, kind_of=pilates, business=place)
        for patient in chance.sample(patients, 5):
            account.attend(group, patient)
    return account


def fill(
    account: SimulatedClinikoAccount, count: int, *, first: datetime, practitioners: int = 20
) -> None:
    """`count` individual appointments from `first` (aware) on, forty a practitioner and day."""
    place = account.add_business("Banksia Street", "Australia/Sydney")
    types = [account.add_type(each) for each in _TYPES]
    people = [
        account.add_practitioner("Sample", f"Practitioner{number:03}")
        for number in range(practitioners)
    ]
    patients = [account.add_patient("Client", f"Number{number:04}") for number in range(2_000)]
    for number in range(count):
        turn, person = divmod(number, practitioners)
        day, slot = divmod(turn, 40)
        account.book(
            people[person], patients[number % len(patients)],
            first + timedelta(days=day, minutes=15 * slot),
            kind_of=types[number % len(types)], business=place, minutes=15,
        )  # fmt: skip
