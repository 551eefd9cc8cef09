"""Whatever becomes of the notices, nothing that another workstation wrote stays unknown here."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from companion.adapters.database import announcing
from companion.adapters.database.hub import Hub
from companion.services.changes import Changes

WHO = ("mira", "omar")
STEPS = st.one_of(
    st.tuples(
        st.sampled_from(("own", "foreign")),
        st.sampled_from(WHO),
        st.sampled_from(("told", "lost", "twice")),
    ),
    st.tuples(st.just("hear"), st.just(""), st.just("")),
    st.tuples(st.just("look"), st.just(""), st.just("")),
    st.tuples(st.just("reconnect"), st.just(""), st.just("")),
)


@dataclass
class Database:
    """As much of a connection as the hub needs for its facts."""

    facts: dict[str, str | None] = field(default_factory=lambda: {"i": "0.0"})

    def execute(self, query: bytes) -> Database:
        assert query == announcing.ALL_FACTS.encode()
        return self

    def fetchone(self) -> tuple[dict[str, str | None]]:
        return (dict(self.facts),)


class Pauses(threading.Event):
    """In each pause of the hub another workstation may write."""

    def __init__(self, world: World, writes: list[tuple[str, str]]) -> None:
        super().__init__()
        self._world = world
        self._writes = writes

    def wait(self, timeout: float | None = None) -> bool:
        if self._writes:
            self._world.write("foreign", *self._writes.pop())
        return False


@dataclass
class World:
    hub: Hub
    database: Any = field(default_factory=Database)
    quick: int = 0
    """Notices that come while it looks at everything."""
    on_the_way: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    """Whose appointments another workstation wrote since they were last published here."""

    def write(self, by: str, who: str, fate: str) -> None:
        fact = f"p/{who}"
        revision = str(int(self.database.facts.get(fact) or 0) + 1)
        self.database.facts[fact] = revision
        origin = self.hub.origin if by == "own" else "elsewhere"
        notice = json.dumps({"from": origin, "facts": {fact: revision}})
        self.on_the_way += [notice] * {"told": 1, "lost": 0, "twice": 2}[fate]
        if by == "foreign":
            self.unknown.add(who)
        else:
            self.unknown.discard(who)  # the commit itself is published, and read after it

    def hear(self) -> None:
        if self.on_the_way:
            self.hub._inbox.append(self.on_the_way.pop(0))
            self.hub._read_inbox(self.database)

    def look(self) -> None:
        self.hub._look(self.database)


class Told(Hub):
    """Publishes at once what it would hand to the event loop."""

    world: World

    def _hear(self, connection: Any) -> None:
        """What is on the way may come any time."""
        for _ in range(self.world.quick):
            if self.world.on_the_way:
                self._inbox.append(self.world.on_the_way.pop(0))

    def _on_loop(self, call: Any, *what: Any) -> None:
        if call == self._publish:
            for change in what[0]:
                self.world.unknown -= change.practitioner_ids


@given(
    st.lists(STEPS, max_size=30),
    st.integers(0, 3),
    st.lists(st.tuples(st.sampled_from(WHO), st.sampled_from(("told", "lost"))), max_size=3),
)
def test_after_a_look_everything_that_others_wrote_was_published(
    steps: list[tuple[str, str, str]], quick: int, in_pauses: list[tuple[str, str]]
) -> None:
    hub = Told(lambda: NotImplemented, Changes())
    world = hub.world = World(hub=hub, quick=quick)
    hub._somebody_reads = True
    hub._closing = Pauses(world, in_pauses)
    world.look()
    for what, who, fate in steps:
        if what in {"own", "foreign"}:
            world.write(what, who, fate)
        elif what == "hear":
            world.hear()
        else:
            if what == "reconnect":
                world.on_the_way.clear()
            hub.listening = what != "reconnect"
            world.look()
    in_pauses.clear()
    for _ in range(2):  # what was written during the first is found by the second
        world.look()
    assert not world.unknown
    while world.on_the_way:
        world.hear()
    world.look()
    assert hub._known == world.database.facts
