"""Whatever happens in Cliniko, and whenever it is fetched: changes add up to the whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.cliniko import START, Clinic, Row, clinic

Known = dict[str, list[Row]]
Edit = Callable[[Clinic, int], object]


def _live(there: Clinic, kind: str, which: int) -> int | None:
    """One of the bookings of this kind that stand in the calendar."""
    found = [
        each.id
        for each in there.account.bookings.values()
        if each.fields["kind"].startswith(kind)
        and each.archived_at is None
        and each.deleted_at is None
        and each.fields.get("cancelled_at") is None
    ]
    return found[which % len(found)] if found else None


def _on(kind: str, act: Callable[[Clinic, int], Any]) -> Edit:
    def edit(there: Clinic, which: int) -> None:
        number = _live(there, kind, which)
        if number is not None:
            act(there, number)

    return edit


def _leave(there: Clinic, group: int) -> None:
    for each in there.account.attendees_of(group)[:1]:
        there.account.cancel_attendee(each.id)


def _vanish_attendee(there: Clinic, group: int) -> None:
    for each in there.account.attendees_of(group)[-1:]:
        there.account.delete(there.account.attendees, each.id)


EDITS: dict[str, Edit] = {
    "book": lambda there, which: there.book(days=1 + which),
    "group": lambda there, which: there.group(there.mira, days=1 + which),
    "block": lambda there, which: (
        there.account.block(there.practitioner, START + timedelta(days=which), business=there.place)
        and None
    ),
    "move": _on("", lambda there, it: there.account.move(it, START + timedelta(days=9))),
    "cancel": _on("individual", lambda there, it: there.account.cancel(it)),
    "miss": _on(
        "individual",
        lambda there, it: there.account.edit(there.account.bookings, it, did_not_arrive=True),
    ),
    "delete": _on("", lambda there, it: there.account.delete(there.account.bookings, it)),
    "join": _on("group", lambda there, it: there.account.attend(it, there.otto)),
    "leave": _on("group", _leave),
    "lose": _on("group", _vanish_attendee),
}
steps = st.lists(
    st.tuples(st.sampled_from([*EDITS, "fetch", "fetch"]), st.integers(0, 5), st.integers(0, 400)),
    min_size=4,
    max_size=14,
)


def grouped(rows: list[Row]) -> Known:
    found: Known = {}
    for row in rows:
        found.setdefault(row["id"], []).append(row)
    return found


def calendar(known: Known) -> dict[str, set[tuple[str, str]]]:
    """What takes place: start and client, by booking."""
    gone = ("cancelled_at", "deleted_at", "archived_at", "did_not_arrive")
    live = {
        number: {
            (row["starts_at"], row["patient_id"])
            for row in rows
            if not any(row[name] for name in gone)
        }
        for number, rows in known.items()
    }
    return {number: rows for number, rows in live.items() if rows}


@pytest.mark.parametrize("deletes_apart", [False, True])
@given(steps=steps)
@settings(max_examples=12, deadline=None)
def test_changes_add_up_to_the_whole(
    steps: list[tuple[str, int, int]], *, deletes_apart: bool
) -> None:
    with clinic() as there, tempfile.TemporaryDirectory() as folder:
        there.account.deletes_apart = deletes_apart
        answer, rows = there.fetch(Path(folder))
        known = grouped(rows)
        for name, which, seconds in [*steps, ("fetch", 0, 0)]:
            there.after(seconds=seconds)
            if name != "fetch":
                EDITS[name](there, which)
                continue
            answer, rows = there.fetch(Path(folder), answer.cursor)
            known = grouped(rows) if answer.whole else known | grouped(rows)
        _answer, rows = there.fetch(Path(folder))
        assert calendar(known) == calendar(grouped(rows))
