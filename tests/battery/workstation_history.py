"""Histories of a clinic with several workstations, each from one seed, and what must hold after.

People work at any of them, while processes are killed and frozen, cables cut and pulled out, the
database's server is stopped, and another workstation is chosen to keep the calendars. What must
hold at every step is the `Referee`'s; `converge` ends the faults and checks the rest.

Processes have no virtual time, so a seed gives the same doings and faults, not the same moments.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from tests.battery.workstation import Json
from tests.battery.workstation_answers import Gone, Refused
from tests.battery.workstation_doings import WIDE, Look, Wish, WorkstationDoings
from tests.battery.workstations import Workstation, until

CALM = 120.0
"""Seconds for everything to be equal again."""


class WorkstationHistory(WorkstationDoings):
    # ── the whole ─────────────────────────────────────────────────────────────────────────────

    def play(self, operations: int) -> None:
        doings: list[tuple[Callable[[], None], int]] = [
            (self.somebody_books, 14),
            (self.somebody_edits, 16),
            (self.somebody_cancels, 6),
            (self.a_file_comes_in, 4),
            (self.somebody_uploads, 8),
            (self.somebody_changes_privacy, 4),
            (self.somebody_adds_to_google, 2),
            (self.time_passes, 5),
        ]
        faults: list[tuple[Callable[[], None], int]] = [
            (self.one_is_killed, 3),
            (self.one_sleeps, 3),
            (self.one_is_stopped, 2),
            (self.all_are_killed, 1),
            (self.one_is_killed_in_a_call, 3),
            (self.one_sleeps_in_a_call, 4),
            (self.a_call_is_late, 3),
            (self.a_cable_is_cut, 4),
            (self.a_plug_is_pulled, 3),
            (self.commits_are_lost, 5),
            (self.answers_are_lost, 5),
            (self.a_cable_is_slow, 2),
            (self.the_server_restarts, 1),
            (self.another_is_chosen, 2),
        ]
        self.a_file_comes_in()
        for number in range(operations):
            self.settle()
            choices = faults if number % 4 == 3 else doings
            action = self.rng.choices([a for a, _ in choices], [w for _, w in choices])[0]
            self.note(action.__name__)
            action()
            time.sleep(self.rng.choice([0.0, 0.05, 0.2]))

    # ── what goes wrong ───────────────────────────────────────────────────────────────────────

    def later(self, seconds: float, end: Callable[[], None], name: str) -> None:
        self.wakes.append((time.monotonic() + seconds, end, name))

    def _victim(self) -> Workstation | None:
        """Somebody else can go on working. More often than not it is the one that keeps the
        calendars."""
        well = [each for each in self.site.on if each.name not in self.ill]
        if len(well) < 2:
            return None
        keeper = [each for each in well if self.keeps(each)]
        return self.rng.choice(keeper if keeper and self.rng.random() < 0.6 else well)

    def somewhere_well(self) -> Workstation | None:
        well = [each for each in self.site.on if each.name not in self.ill]
        return self.rng.choice(well) if well else None

    def _ill_for(self, victim: Workstation, seconds: float, end: Callable[[], None]) -> None:
        self.ill.add(victim.name)

        def well() -> None:
            end()
            self.ill.discard(victim.name)

        self.later(seconds, well, f"{victim.name} is well again")

    def keeps(self, place: Workstation) -> bool:
        holders = self.site.holders()
        return bool(holders) and holders[-1][0] == place.name

    def one_is_killed(self) -> None:
        if victim := self._victim():
            self.count("killed while it kept the calendars" if self.keeps(victim) else "killed")
            victim.kill()
            self._ill_for(victim, self.rng.uniform(0.2, 4.0), victim.start)

    def all_are_killed(self) -> None:
        """As when the power fails."""
        for victim in self.site.on:
            if victim.name not in self.ill:
                self.count("killed, all at once")
                victim.kill()
                self._ill_for(victim, self.rng.uniform(0.0, 1.0), victim.start)

    def one_is_stopped(self) -> None:
        if victim := self._victim():
            self.count("stopped in order")
            victim.stop()
            self._ill_for(victim, self.rng.uniform(0.2, 4.0), victim.start)

    def one_sleeps(self) -> None:
        if victim := self._victim():
            long = self.rng.random() < 0.6
            name = "slept longer than the lease" if long else "slept a moment"
            self.count(name + (" while it kept the calendars" if self.keeps(victim) else ""))
            victim.freeze()
            seconds = self.site.lease_seconds * (self.rng.uniform(1.3, 2.2) if long else 0.3)
            self._ill_for(victim, seconds, victim.wake)

    def one_is_killed_in_a_call(self) -> None:
        """Google has done what it asked for, and it never learns of that."""
        if victim := self._victim():

            def die() -> None:
                self.count("killed while Google answered")
                os.kill(victim.pid, signal.SIGKILL)

            self._in_a_call(victim, die, self.rng.uniform(1.0, 4.0))

    def one_sleeps_in_a_call(self) -> None:
        if victim := self._victim():

            def sleep() -> None:
                self.count("slept long while Google answered")
                victim.freeze()

            self._in_a_call(victim, sleep, self.site.lease_seconds * self.rng.uniform(1.3, 2.2))

    def _in_a_call(self, victim: Workstation, happens: Callable[[], None], seconds: float) -> None:
        self.site.referee.at_write[victim.name] = happens
        self.somebody_uploads()

        def over() -> None:
            self.site.referee.at_write.pop(victim.name, None)
            if victim.frozen:
                victim.wake()
            if not victim.runs:
                victim.start()

        self._ill_for(victim, seconds, over)

    def a_call_is_late(self) -> None:
        """It reaches Google when others may have taken over long since."""
        if victim := self._victim():
            seconds = self.site.lease_seconds * self.rng.choice([0.5, 1.5])
            victim.google.deliver_late(b"POST /batch", seconds)
            if self.rng.random() < 0.5:
                self.count("killed with a call under way")
                self._ill_for(victim, 2.0 + seconds, lambda: self._restart(victim))
                self.later(0.5, victim.kill, f"{victim.name} is killed")

    @staticmethod
    def _restart(victim: Workstation) -> None:
        if not victim.runs:
            victim.start()

    def a_cable_is_cut(self) -> None:
        if victim := self.somewhere_well():
            self.rng.choice([victim.database, victim.database, victim.google]).cut()

    def a_plug_is_pulled(self) -> None:
        if victim := self._victim():
            self.count("plugs pulled" + (" of the keeper" if self.keeps(victim) else ""))
            cables = self.rng.choice([[victim.database], [victim.database, victim.google]])
            for each in cables:
                each.pull_out()

            def plug_in() -> None:
                for each in cables:
                    each.plug_in()

            seconds = self.site.lease_seconds * self.rng.choice([0.4, 1.5, 2.2])
            self._ill_for(victim, seconds, plug_in)

    def commits_are_lost(self) -> None:
        if victim := self.somewhere_well():
            victim.database.lose_commits(self.rng.choice([1, 1, 3]))

    def answers_are_lost(self) -> None:
        if victim := self.somewhere_well():
            victim.database.lose_answers(self.rng.choice([1, 1, 3]))

    def a_cable_is_slow(self) -> None:
        if victim := self.somewhere_well():
            cable = self.rng.choice([victim.database, victim.google])
            cable.delay = self.rng.choice([0.01, 0.05])
            self.count("slow cables")

            def quick() -> None:
                cable.delay = 0.0

            self.later(2.0, quick, f"{victim.name} is quick again")

    def the_server_restarts(self) -> None:
        how = self.rng.choice([signal.SIGINT, signal.SIGQUIT])
        self.count("server restarts")
        self.site.server.process.stop(how)
        time.sleep(self.rng.choice([0.0, 1.0, 3.0]))
        self.site.server.process.start()

    def another_is_chosen(self) -> None:
        place = self.somewhere()
        if place is None:
            return
        try:
            others = place.ask("workstations").result(5)
        except (Gone, Refused, TimeoutError):
            return
        if on := [key for key, each in others.items() if each["on"]]:
            place.ask("keep", workstation=self.rng.choice(sorted(on)))
            self.count("another was chosen")

    # ── what must hold after ──────────────────────────────────────────────────────────────────

    def converge(self) -> None:
        """Everything is mended; then Google equals the book, and nobody has anything to do."""
        self.note("calm")
        for _, end, _ in self.wakes:
            end()
        self.wakes = []
        for each in self.site.workstations:
            each.database.mend()
            each.google.mend()
        for each in self.site.workstations:
            each.listens()
        self._answers_come()
        for who in self.tenants:
            self._calendar_is_equal(who)
        self._one_keeps()
        self._nothing_is_lost()
        self._nothing_to_do()
        self.site.referee.check()
        self.site.check_one_holder()

    def _answers_come(self) -> None:
        wishes = [*self.disclosures.values(), self.imported]
        asked = [each.under_way[0] for each in self.entries if each.under_way]
        asked += [each.under_way[0] for each in wishes if each.under_way]
        for answer in asked:
            assert answer.wait(CALM), "somebody waits for ever"
        for upload in self.uploads:
            assert upload.wait(CALM), "an upload never ends"
            self._outcome(upload)
        self.settle()

    def _calendar_is_equal(self, who: str) -> None:
        """Removals that were held are let go; then the background sync does it by itself."""
        place = self.rng.choice(self.site.workstations)
        ends = time.monotonic() + CALM
        result: Json = {}
        while time.monotonic() < ends:
            result = place.do("sync", who=who, release=True)
            if result["error"] is None and not result["failed"] and not result["held"]:
                break
            time.sleep(0.5)
        assert result.get("error") is None, f"{who}: {result}"
        until(lambda: not self._differences(who), f"{who} stays unequal", CALM)

    def _differences(self, who: str) -> list[str]:
        wanted = self.site.workstations[0].do("desired", who=who)["events"]
        live = self.site.referee.live(self.tenants[who].calendar_id)
        shown = {
            key: [each.get("summary", ""), each.get("location", "")] for key, each in live.items()
        }
        differing = (key for key in wanted.keys() & shown.keys() if wanted[key] != shown[key])
        return [
            *(f"missing {key}" for key in wanted.keys() - shown.keys()),
            *(f"ghost {key}" for key in shown.keys() - wanted.keys()),
            *(f"stale {key}: {shown[key]} instead of {wanted[key]}" for key in differing),
        ]

    def _one_keeps(self) -> None:
        def sure() -> list[str]:
            return [each.name for each in self.site.workstations if each.do("lease")["held"]]

        until(lambda: len(sure()) == 1, "nobody keeps the calendars")

    def _nothing_is_lost(self) -> None:
        for place in self.site.workstations:
            books = {who: place.do("book", who=who, **WIDE) for who in self.tenants}
            for entry in self.entries:
                found = [
                    (key, each)
                    for book in books.values()
                    for key, each in book.items()
                    if each["type"] == entry.marker
                ]
                assert len(found) <= 1, f"{entry.marker} is in the book twice"
                look = Look(found[0][1]["location"], found[0][1]["cancelled"]) if found else None
                assert look in entry.possible, f"{entry.marker}: {look}, not {entry.possible}"
            rows = {
                each["source_id"]: each["location"]
                for book in books.values()
                for each in book.values()
                if each["source"] == "desk" and not each["cancelled"]
            }
            assert rows in self.imported.possible, f"{rows}, not {self.imported.possible}"
            for who, wish in self.disclosures.items():
                self._is_disclosed(place, who, wish)

    def _is_disclosed(self, place: Workstation, who: str, wish: Wish) -> None:
        """Settings that another workstation changed are known by a notice, or a look at them."""

        def value() -> tuple[str, bool]:
            disclosed = place.do("disclosed", who=who)
            return disclosed["client_name"], disclosed["location"]

        wanted = f"{place.name}: what {who} discloses is not one of {wish.possible}"
        until(lambda: value() in wish.possible, wanted, 20.0)

    def _nothing_to_do(self) -> None:
        for who in self.tenants:
            for place in self.site.workstations:
                result = place.do("sync", who=who, release=False)
                assert result["error"] is None, result
                assert result["calls"] == 0, f"not silent at {place.name}: {result}"
            proof = self.rng.choice(self.site.workstations).do("audit", who=who)
            assert proof["error"] is None, proof
            assert proof["differences"] == [], proof
            assert not self._differences(who)
