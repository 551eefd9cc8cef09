"""Each trouble is told once when it begins and once when it is over, whatever comes between."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from companion.domain.notice_choices import NoticeChoices
from companion.domain.users import Role
from companion.services.notices.keeping import from_json, to_json
from companion.services.notices.telling import (
    Channel,
    Message,
    NoticeBook,
    Way,
    begun,
    due,
    refused,
    sent,
    with_channels,
)
from companion.services.notices.troubles import GONE_FOR, KEPT, Episode, Trouble, TroubleKind, seen

SYDNEY = "Australia/Sydney"
START = datetime(2026, 4, 3, 1, tzinfo=UTC)
"""Two days before the clocks change."""
CHANNELS = (
    Channel(way=Way.DESKTOP),
    Channel(
        way=Way.MAIL,
        address="office@clinic.example",
        roles=frozenset({Role.ADMINISTRATOR, Role.RECEPTION}),
        practitioners=frozenset({"lee"}),
    ),
    Channel(way=Way.WEBHOOK),
)
KINDS = (
    TroubleKind.SIGN_IN,
    TroubleKind.QUESTIONS,
    TroubleKind.DISK,
    TroubleKind.BACKUP,
    TroubleKind.DEVICE,
)


def trouble(kind: TroubleKind) -> Trouble:
    return Trouble(
        key=f"{kind}:x",
        kind=kind,
        what="Something.",
        remedy="Do it.",
        since=START,
        practitioner_id="lee",
    )


@dataclass
class World:
    """A clinic over some days; what arrives is counted by channel, episode and phase."""

    choices: NoticeChoices
    now: datetime = START
    there: set[TroubleKind] = field(default_factory=set)
    hidden: bool = False
    book: NoticeBook = field(default_factory=lambda: NoticeBook(begun_at=START))
    arrived: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    order: list[tuple[str, str, str]] = field(default_factory=list)
    summaries: Counter[tuple[str, object]] = field(default_factory=Counter)
    episodes: dict[str, Episode] = field(default_factory=dict)

    def look(self, outcome: str) -> None:
        """`outcome` of the first message, or of all of them for "refused"."""
        channels = CHANNELS
        book = with_channels(self.book, channels, self.now)
        visible = [] if self.hidden else [trouble(each) for each in sorted(self.there)]
        book = replace(book, episodes=seen(book.episodes, visible, lambda _: self.hidden, self.now))
        if self.hidden:  # what cannot be seen has neither begun nor ended
            assert [each.over_at for each in book.episodes] == [
                each.over_at for each in self.book.episodes if kept(each, self.now)
            ]
        for each in book.episodes:
            if each.begun:
                self.episodes[each.id] = each
        for message in due(book, channels, self.choices, SYDNEY, self.now):
            if message.channel.way is not Way.WEBHOOK:
                assert not self.choices.quiet(self.now, SYDNEY)
            before = book
            book = begun(book, message)
            if outcome == "crash before":
                self.book = from_disk(book)
                return
            if outcome == "refused":
                book = refused(book, message)
                assert book == before
                continue
            self._receive(message)
            if outcome == "crash after":
                self.book = from_disk(book)
                return
            book = sent(book, message, self.today())
            outcome = "arrives"
        self.book = from_disk(book)

    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(SYDNEY)).date()

    def _receive(self, message: Message) -> None:
        if message.summary:
            self.summaries[message.channel.name, self.today()] += 1
        for item in message.items:
            what = (message.channel.way, item.episode.id, item.phase)
            self.arrived[what] += 1
            self.order.append(what)


def kept(episode: Episode, now: datetime) -> bool:
    return episode.over_at is None or abs(now - episode.over_at) <= KEPT


def from_disk(book: NoticeBook) -> NoticeBook:
    """As the next run reads it."""
    kept = from_json(json.loads(json.dumps(to_json(book))))
    assert kept == book
    return kept


steps = st.one_of(
    st.tuples(st.just("there"), st.sampled_from(KINDS)),
    st.tuples(st.just("gone"), st.sampled_from(KINDS)),
    st.tuples(st.just("hidden"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 2, 5, 11, 40, 180, 600, 1440]).map(float)),
    st.tuples(st.just("clock"), st.sampled_from([-90.0, -1.0, 3.0])),
)
quiet = st.sampled_from(
    [(None, None), (time(19), time(7)), (time(0), time(6)), (time(12), time(13))]
)
histories = st.sampled_from([["arrives"], ["refused"], ["arrives", "refused"]]).flatmap(
    lambda outcomes: st.lists(st.tuples(steps, st.sampled_from(outcomes)), max_size=40)
)


def lived(world: World, happened: list[tuple[tuple[str, object], str]]) -> None:
    for (step, value), outcome in happened:
        match step:
            case "there":
                world.there.add(value)  # type: ignore[arg-type]
            case "gone":
                world.there.discard(value)
            case "hidden":
                world.hidden = bool(value)
            case _:
                world.now += timedelta(minutes=float(value))  # type: ignore[arg-type]
        world.look(outcome)
    world.hidden = False
    world.there.clear()
    for _ in range(60):  # a day and a half in which nothing more happens
        world.now += timedelta(minutes=37)
        world.look("arrives")


@settings(max_examples=150, deadline=None)
@given(quiet=quiet, happened=histories)
def test_each_beginning_and_each_end_is_told_once_in_every_way(
    quiet: tuple[time | None, time | None], happened: list[tuple[tuple[str, object], str]]
) -> None:
    world = World(choices=NoticeChoices(quiet_from=quiet[0], quiet_to=quiet[1]))
    lived(world, happened)
    told = world.arrived
    assert all(count == 1 for count in told.values()), told
    happened_at = [e.seen_from for e in world.episodes.values() if e.trouble.handling.event]
    assert all(later - at >= KEPT for at, later in pairwise(sorted(happened_at)))
    for episode, lived_through in world.episodes.items():
        event = lived_through.trouble.handling.event
        assert told[Way.WEBHOOK, episode, "begun"] == 1
        assert told[Way.WEBHOOK, episode, "over"] == (0 if event else 1)
        by_mail = {phase for way, e, phase in told if way is Way.MAIL and e == episode}
        assert by_mail == {"begun"} if event else by_mail in ({"begun", "over"}, {"came and went"})
        begins = told[Way.DESKTOP, episode, "begun"]
        assert told[Way.DESKTOP, episode, "over"] == (0 if event else begins)
        if quiet == (None, None) and not any(o == "refused" for _, o in happened):
            assert begins == 1
    assert all(count == 1 for count in world.summaries.values())
    for way, episode, phase in world.order:
        if phase == "over":
            assert world.order.index((way, episode, "begun")) < world.order.index(
                (way, episode, "over")
            )


@settings(max_examples=150, deadline=None)
@given(
    quiet=quiet,
    happened=st.lists(
        st.tuples(steps, st.sampled_from(["arrives"] * 3 + ["crash before", "crash after"])),
        max_size=30,
    ),
)
def test_a_crash_repeats_a_message_once_at_most_and_loses_none_that_was_tried_once(
    quiet: tuple[time | None, time | None], happened: list[tuple[tuple[str, object], str]]
) -> None:
    world = World(choices=NoticeChoices(quiet_from=quiet[0], quiet_to=quiet[1]))
    lived(world, happened)
    assert all(count <= 2 for count in world.arrived.values())
    crashes = sum(outcome == "crash before" for _, outcome in happened)
    if crashes <= 1:
        for episode in world.episodes:
            assert world.arrived[Way.WEBHOOK, episode, "begun"] >= 1


def test_what_comes_and_goes_within_minutes_is_told_once() -> None:
    world = World(choices=NoticeChoices(quiet_from=None, quiet_to=None))
    for minute in range(240):
        world.now = START + timedelta(minutes=minute)
        shown = minute % int(GONE_FOR / timedelta(minutes=1)) < 3
        world.there = {TroubleKind.DISK} if shown else set()
        world.look("arrives")
    assert {what[2] for what in world.arrived} == {"begun"}
    assert all(count == 1 for count in world.arrived.values())
