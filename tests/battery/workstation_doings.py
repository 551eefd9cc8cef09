"""What people do in a clinic with several workstations, and what they were told of it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tests.battery.workstation import Json
from tests.battery.workstation_answers import Answer, Gone, Refused
from tests.battery.workstations import Site, Workstation

FIRST = datetime(2026, 3, 3, 9, 0)  # noqa: DTZ001 - wall time
WIDE = {"start": "2026-02-01T00:00:00", "end": "2026-06-01T00:00:00"}
HEADER = (
    "Appointment ID,Type,Client ID,Client First Name,Client Last Name,Consultation Type,"
    "Start,End,All Day,Practitioner,Location,Status,Cancelled,Notes"
)


class Look(NamedTuple):
    """What can be seen of an appointment."""

    location: str
    cancelled: bool


@dataclass
class Entry:
    """An appointment that people entered in a Book, and what it may look like: one way when they
    were answered, several where the answer was lost."""

    who: str
    marker: str
    possible: set[Look | None]
    key: str = ""
    under_way: tuple[Answer, Look] | None = None
    doubtful: bool = False


@dataclass
class Wish:
    """A value that people set, in the same way."""

    possible: list[Any]
    under_way: tuple[Answer, Any] | None = None


@dataclass
class Doings:
    """What was done, and what became of it."""

    done: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in sorted(self.done.items()))


class WorkstationDoings:
    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.tenants = {each.id: each for each in site.tenants}
        self.rng = random.Random(seed)
        self.seed = seed
        self.log: list[str] = []
        self.doings = Doings()
        self.entries: list[Entry] = []
        self.disclosures = {who: Wish([("initials", True)]) for who in self.tenants}
        self.imported = Wish([{}])
        self.uploads: list[Answer] = []
        self.numbers = 0
        self.ill: set[str] = set()
        """Off, asleep or without a cable; what ends that is among `wakes`."""
        self.wakes: list[tuple[float, Callable[[], None], str]] = []
        """What ends by itself: moment, how, and its name."""

    def note(self, what: str) -> None:
        self.log.append(f"{time.monotonic():.2f} {what}")

    def count(self, what: str, number: int = 1) -> None:
        self.doings.done[what] += number

    def somewhere(self) -> Workstation | None:
        on = self.site.on
        return self.rng.choice(on) if on else None

    def who(self) -> str:
        return self.rng.choice(sorted(self.tenants))

    def settle(self) -> None:
        """What was answered meanwhile, and what ends by itself."""
        for entry in self.entries:
            if entry.under_way and entry.under_way[0].over:
                self._settle_entry(entry)
        for wish in [*self.disclosures.values(), self.imported]:
            if wish.under_way and wish.under_way[0].over:
                self._settle_wish(wish)
        now = time.monotonic()
        due = [each for each in self.wakes if each[0] <= now]
        self.wakes = [each for each in self.wakes if each[0] > now]
        for _, end, name in due:
            self.note(name)
            end()

    def _outcome(self, answer: Answer) -> tuple[str, Json]:
        try:
            result = answer.result(0)
        except Gone:
            self.count("doings of unknown outcome")
            return "unknown", {}
        except Refused as error:
            self.count(f"times told {error}")
            return str(error), {}
        self.count("doings acknowledged")
        return "done", result

    def _settle_entry(self, entry: Entry) -> None:
        assert entry.under_way is not None
        (answer, look), entry.under_way = entry.under_way, None
        outcome, result = self._outcome(answer)
        if outcome == "done":
            entry.key = entry.key or result["key"]
            entry.possible = {look}
            entry.doubtful = False
        elif outcome == "ChangedMeanwhile":
            assert entry.doubtful, f"{entry.marker}: a conflict, though nobody else edited it"
        elif outcome != "NotFound":
            entry.possible.add(look)
            entry.doubtful = True

    def _settle_wish(self, wish: Wish) -> None:
        assert wish.under_way is not None
        (answer, value), wish.under_way = wish.under_way, None
        outcome, _ = self._outcome(answer)
        wish.possible = [value] if outcome == "done" else [*wish.possible, value]

    # ── what people do ────────────────────────────────────────────────────────────────────────

    def somebody_books(self) -> None:
        place = self.somewhere()
        if place is None:
            return
        self.numbers += 1
        day, slot = divmod(self.numbers, 24)
        start = FIRST + timedelta(days=day, minutes=20 * slot)
        entry = Entry(who=self.who(), marker=f"Visit {self.numbers}", possible={None})
        made = place.ask("new", who=entry.who, start=start.isoformat(), marker=entry.marker)
        entry.under_way = (made, Look("Room 0", cancelled=False))
        self.entries.append(entry)
        made.wait(self.rng.choice([0.0, 0.5]))

    def _free(self) -> list[Entry]:
        """Nobody edits what somebody else is editing: with two at once the later one is told,
        which tests of its own show."""
        return [each for each in self.entries if each.key and not each.under_way]

    def somebody_edits(self) -> None:
        place, free = self.somewhere(), self._free()
        if place is None or not free:
            return
        entry = self.rng.choice(free)
        looks = [each for each in entry.possible if each is not None]
        look = Look(f"Room {self.rng.randint(1, 99)}", cancelled=looks[0].cancelled)
        if len(looks) > 1:
            return
        answer = place.ask("place", key=entry.key, location=look.location)
        entry.under_way = (answer, look)
        answer.wait(self.rng.choice([0.0, 0.5]))

    def somebody_cancels(self) -> None:
        place, free = self.somewhere(), self._free()
        if place is None or not free:
            return
        entry = self.rng.choice(free)
        looks = [each for each in entry.possible if each is not None]
        if len(looks) > 1:
            return
        look = looks[0]._replace(cancelled=not looks[0].cancelled)
        answer = place.ask("cancel", key=entry.key, cancelled=look.cancelled)
        entry.under_way = (answer, look)
        answer.wait(self.rng.choice([0.0, 0.5]))

    def a_file_comes_in(self) -> None:
        """An export of everything, with changes, new and missing rows."""
        place = self.somewhere()
        if place is None or self.imported.under_way:
            return
        rows = dict(self.imported.possible[-1])
        for number in range(30):
            if not self.imported.possible[-1] or self.rng.random() < 0.3:
                rows[str(number)] = f"Room {self.rng.randint(1, 99)}"
            elif self.rng.random() < 0.1:
                rows.pop(str(number), None)
        if not rows:
            return
        self.numbers += 1
        path = self.site.folder / f"export-{self.seed}-{self.numbers}.csv"
        names = sorted(self.tenants)
        lines = [HEADER]
        for key, room in rows.items():
            number = int(key)
            start = FIRST + timedelta(days=20 + number // 8, minutes=30 * (number % 8))
            end = start + timedelta(minutes=30)
            lines.append(
                f"{key},Client,C{key},Mira,Quillfeather,Standard,{start:%d/%m/%Y %H:%M},"
                f"{end:%d/%m/%Y %H:%M},No,{names[number % len(names)].title()} Example,"
                f"{room},Busy,No,private words"
            )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        answer = place.ask("bring", file=str(path), snapshot=True)
        self.imported.under_way = (answer, rows)
        self.count("files brought")

    def somebody_uploads(self) -> None:
        place = self.somewhere()
        if place is not None:
            self.uploads.append(place.ask("upload", who=self.who()))
            self.count("uploads pressed")

    def somebody_changes_privacy(self) -> None:
        place, who = self.somewhere(), self.who()
        wish = self.disclosures[who]
        if place is None or wish.under_way:
            return
        value = (self.rng.choice(["initials", "first", "none"]), self.rng.random() < 0.7)
        answer = place.ask("disclose", who=who, client_name=value[0], location=value[1])
        wish.under_way = (answer, value)
        answer.wait(self.rng.choice([0.0, 0.5]))
        self.count("privacy changed")

    def somebody_adds_to_google(self) -> None:
        self.site.referee.person_adds(self.tenants[self.who()].calendar_id, "Dentist")

    def time_passes(self) -> None:
        time.sleep(self.rng.choice([0.3, 1.0, 2.0]))
