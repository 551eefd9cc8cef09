"""What projecting and planning a large practice costs: every midnight, window and privacy change.

A hundred thousand appointments of fifty practitioners, five thousand clients, a note on every
third and a weekly series now and then, projected and planned as the sync does it: once all of it
new, once with nothing changed. Prints seconds, memory and the ratio to hashing the same texts,
which is what no plan can do without. Then what it costs to take twenty thousand names out of all
texts: the first time, and again, when it is remembered where names stand.
"""

from __future__ import annotations

import gc
import hashlib
import random
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import product

import pytest

from companion.domain.appointments import Appointment, AppointmentKind, Recurrence, appointment_id
from companion.domain.client_names import NOBODY, ClientNames
from companion.domain.disclosure import ClientName, Disclosure, DisclosureItem
from companion.domain.events import CalendarEvent, project
from companion.domain.reconcile import LedgerEntry, SyncPlan, reconcile
from companion.domain.window import SyncWindow
from tests.fakes.ledger_rows import row_of
from tests.samples import ordinary_notes

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

PRACTITIONERS, EACH, A_DAY = 50, 2_000, 20
WINDOW = SyncWindow(
    first_day=date(2026, 3, 1), last_day=date(2026, 7, 1), timezone="Australia/Sydney"
)
INITIALS = Disclosure(items=frozenset(DisclosureItem), client_name=ClientName.INITIALS)
SYLLABLES = ("ba", "de", "ki", "lo", "mu", "na", "re", "so", "ta", "vi")
NAMES = ["".join(parts).title() for parts in product(SYLLABLES, SYLLABLES, SYLLABLES)]
TYPES = ("Initial consultation", "Standard consultation", "Long consultation", "Review", "Exercise")


def appointments(practitioner: int) -> Iterator[Appointment]:
    """From 2 March 2026 on, twenty a day of a half hour each, of four hundred clients; each comes
    mostly for the same thing, into the practitioner's own room."""
    chance = random.Random(practitioner)
    for number in range(EACH):
        day, slot = divmod(number, A_DAY)
        client = (practitioner * 100 + chance.randrange(400)) % 5_000
        start = datetime(2026, 3, 2, 8) + timedelta(days=day, minutes=30 * slot)  # noqa: DTZ001 - wall time
        note = f"{NAMES[client % 1_000]} asked for the earlier time.\nBring results {number}."
        yield Appointment(
            id=appointment_id("pms", f"{practitioner}/{number}", bytes(32)),
            practitioner_id=f"p{practitioner}",
            kind=AppointmentKind.CLIENT,
            start=start,
            end=start + timedelta(minutes=30),
            timezone="Australia/Sydney",
            appointment_type=TYPES[(client if chance.random() < 0.8 else number) % 5],
            client_id=str(client),
            client_first_name=NAMES[client * 7 % 1_000],
            client_last_name=NAMES[client % 1_000],
            location=f"Room {practitioner if chance.random() < 0.9 else number % 9}",
            notes=note if number % 3 == 0 else "",
            recurrence=Recurrence(rule="FREQ=WEEKLY;COUNT=2") if number % 500 == 9 else None,
        )


def projected(
    books: Sequence[Sequence[Appointment]], shown: Disclosure, names: ClientNames = NOBODY
) -> list[list[CalendarEvent]]:
    return [
        project(book, WINDOW, shown, names=names, practitioner_name="Ada Quill") for book in books
    ]


def planned(
    desired: Sequence[Sequence[CalendarEvent]], ledgers: Sequence[Sequence[LedgerEntry]]
) -> list[SyncPlan]:
    return [
        reconcile(events, ledger, WINDOW) for events, ledger in zip(desired, ledgers, strict=True)
    ]


def timed(
    books: Sequence[Sequence[Appointment]],
    shown: Disclosure,
    ledgers: Sequence[Sequence[LedgerEntry]],
) -> tuple[list[list[CalendarEvent]], list[SyncPlan], float]:
    """Events, plans, and the processor's seconds for both."""
    began = time.process_time()
    desired = projected(books, shown)
    middle = time.process_time()
    plans = planned(desired, ledgers)
    ended = time.process_time()
    print(
        f"client's name {shown.client_name}: projected {middle - began:.2f} s, "
        f"planned {ended - middle:.2f} s, together {ended - began:.2f} s"
    )
    return desired, plans, ended - began


def test_projecting_and_planning_a_hundred_thousand() -> None:
    books = [list(appointments(number)) for number in range(PRACTITIONERS)]
    gc.collect()
    gc.freeze()
    desired = projected(books, INITIALS)
    print(f"\n{sum(map(len, desired)):,} events")
    ledgers = [[row_of(event) for event in events] for events in desired]
    # As at midnight: everything is projected anew, and nothing has changed.
    again, plans, seconds = timed(books, INITIALS, ledgers)
    assert not any(plan.actions for plan in plans)
    # As after a change of what is shown: every event differs.
    fewer, plans, _ = timed(books, replace(INITIALS, client_name=ClientName.NONE), ledgers)
    assert all(len(plan.updates) == len(events) for plan, events in zip(plans, fewer, strict=True))
    texts = [
        f"{each.start}{each.summary}{each.location}{each.description}".encode()
        for events in again
        for each in events
    ]
    began = time.process_time()
    for text in texts:
        hashlib.blake2b(text, digest_size=16).hexdigest()
    ratio = seconds / (time.process_time() - began)
    print(f"ratio to hashing the same texts: {ratio:.0f}")
    assert ratio < 100
    del desired, again, fewer, plans
    gc.collect()
    tracemalloc.start()
    kept = projected(books[:5], INITIALS)
    size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    count = sum(map(len, kept))
    print(f"memory of an event: {size // count} bytes, {peak // count} at most while projecting")
    gc.unfreeze()


def everybody(books: Sequence[Sequence[Appointment]]) -> ClientNames:
    """Twenty thousand clients: the books' own, invented ones, and people with ordinary words."""
    of_book = {(e.client_first_name, e.client_last_name) for book in books for e in book}
    others = ["".join(parts).title() for parts in product(SYLLABLES, repeat=4)]
    pairs = ((others[n % 7_919], others[n * 13 % 10_000]) for n in range(20_000))
    began = time.process_time()
    names = NOBODY.with_names({*of_book, *pairs, *ordinary_notes.CLIENTS})
    print(f"\n{len(names):,} names read in {time.process_time() - began:.2f} s")
    return names


def with_ordinary_notes(book: Sequence[Appointment]) -> list[Appointment]:
    """Each note of another length, and full of words that are clients' names too."""
    notes = list(ordinary_notes.ordinary_notes(len(book)))
    return [
        replace(each, notes=f"{notes[number]}\n{each.id}") if each.notes else each
        for number, each in enumerate(book)
    ]


@pytest.mark.parametrize("kind", ["usual notes", "ordinary words"])
def test_twenty_thousand_names_cost_hardly_more_than_none(kind: str) -> None:
    books = [list(appointments(number)) for number in range(10)]
    names = everybody(books)
    if kind == "ordinary words":
        books = [with_ordinary_notes(book) for book in books]
    seconds: dict[str, float] = {}
    for _ in range(6):  # in turn, the best of each: the machine is busy with other things too
        names.kept.clear()
        for what, known in (("none", NOBODY), ("first", names), ("again", names)):
            began = time.process_time()
            projected(books, INITIALS, known)
            took = time.process_time() - began
            seconds[what] = min(took, seconds.get(what, took))
    print(kind, {what: f"{took:.2f} s" for what, took in seconds.items()})
    first, again = (seconds[what] / seconds["none"] for what in ("first", "again"))
    print(f"ratio to none: {first:.2f} the first time, {again:.2f} again")
    assert again < 1.3


def test_a_plan_with_twenty_thousand_names() -> None:
    books = [list(appointments(number)) for number in range(PRACTITIONERS)]
    names = everybody(books)
    gc.collect()
    gc.freeze()
    desired = projected(books, INITIALS, names)
    ledgers = [[row_of(event) for event in events] for events in desired]
    began = time.process_time()
    plans = planned(desired, ledgers)
    print(f"{sum(map(len, desired)):,} events planned in {time.process_time() - began:.2f} s")
    assert not any(plan.actions for plan in plans)
    gc.unfreeze()
