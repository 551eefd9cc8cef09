"""Actions by role, rules beside methods, and the gate that asks them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import assert_type

import pytest

from companion.domain.errors import NotAllowed, SignedOut
from companion.domain.users import Role, User
from companion.services.access.gate import gated
from companion.services.access.policy import POLICY, Action, Reach, may
from companion.services.access.rules import Rule, allows, allows_signed_in
from companion.services.acting import caused
from companion.services.feeds.feeds import Feeds
from companion.web.access import PageServices, page_services
from tests.fakes.services import fake_application, the_sample

ANNA, BEN = "anna-lee", "ben-oduya"
USERS = {
    Role.ADMINISTRATOR: User(id="robin", name="Robin", role=Role.ADMINISTRATOR),
    Role.RECEPTION: User(id="kim", name="Kim", role=Role.RECEPTION),
    Role.PRACTITIONER: User(id="anna", name="Anna", role=Role.PRACTITIONER, practitioner_id=ANNA),
}
EVERY_ACTION_AS_EVERY_ROLE = {
    # action: (administrator, reception, practitioner) may do it to (their own, another's, all)
    Action.OWN_ACCOUNT: ("yyy", "yyy", "yyy"),
    Action.SEE_STATUS: ("yyy", "yyy", "ynn"),
    Action.SEE_BOOK: ("yyy", "yyy", "ynn"),
    Action.EDIT_BOOK: ("yyy", "yyy", "nnn"),
    Action.EXPORT: ("yyy", "yyy", "ynn"),
    Action.IMPORT: ("yyy", "yyy", "nnn"),
    Action.GOOGLE: ("yyy", "nnn", "ynn"),
    Action.UPLOAD: ("yyy", "nnn", "ynn"),
    Action.PHONE: ("yyy", "nnn", "ynn"),
    Action.PAUSE: ("yyy", "yyy", "nnn"),
    Action.PRACTITIONERS: ("yyy", "nnn", "nnn"),
    Action.PRACTICE: ("yyy", "nnn", "nnn"),
    Action.USERS: ("yyy", "nnn", "nnn"),
}


def test_the_table_of_this_test_names_every_action() -> None:
    assert set(EVERY_ACTION_AS_EVERY_ROLE) == set(Action)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role)
def test_every_action_as_every_role(action: Action, role: Role) -> None:
    user = USERS[role]
    expected = EVERY_ACTION_AS_EVERY_ROLE[action][list(Role).index(role)]
    got = "".join("y" if may(user, action, whose) else "n" for whose in (ANNA, BEN, None))
    assert got == expected
    for whose, allowed in zip((ANNA, BEN, None), got, strict=True):
        if allowed == "n":
            with pytest.raises(NotAllowed):
                Rule(action).check(user, (whose,) if whose else ())


def test_a_practitioner_user_without_a_practitioner_has_nothing_of_their_own() -> None:
    nobody = replace(USERS[Role.PRACTITIONER], practitioner_id="")
    for action in Action:
        assert not may(nobody, action, "") or POLICY[Role.PRACTITIONER][action] is Reach.ALL


def test_a_refusal_says_who_and_what_to_do() -> None:
    with pytest.raises(NotAllowed) as caught:
        Rule(Action.GOOGLE).check(USERS[Role.RECEPTION], (ANNA,))
    assert str(caught.value).startswith("Kim may not change settings of Google. Ask an admin")


# ── the gate ──────────────────────────────────────────────────────────────────────────────────


class Diary:
    """A service that notes which of its methods were reached."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.open = True
        self._pages = 12

    async def _owner(self, key: str) -> str | None:
        return {"a": ANNA, "b": BEN}.get(key)

    @property
    @allows(Action.PRACTICE)
    def pages(self) -> int:
        return self._pages

    @allows_signed_in
    def today(self) -> str:
        return self._note("today")

    @allows(Action.SEE_BOOK)
    def every(self) -> str:
        return self._note("every")

    @allows(Action.SEE_BOOK, somewhere=True)
    def count(self) -> str:
        return self._note("count")

    @allows(Action.SEE_BOOK, of="practitioner_id")
    def one(self, day: int, practitioner_id: str = "") -> str:
        return self._note("one")

    @allows(Action.SEE_BOOK, of="practitioner_id")
    async def named(self, *, practitioner_id: str) -> str:
        return self._note("named")

    @allows(Action.SEE_BOOK, of="practitioner_ids")
    def several(self, practitioner_ids: Sequence[str]) -> str:
        return self._note("several")

    @allows(Action.SEE_BOOK, of="key", owner=_owner)
    async def entry(self, key: str) -> str:
        return self._note("entry")

    @allows(Action.PHONE, of="practitioner_id", only_own=True)
    def secret(self, practitioner_id: str) -> str:
        return self._note("secret")

    def unmarked(self) -> str:
        return self._note("unmarked")

    @staticmethod
    def helper() -> str:
        return "helper"

    def _note(self, name: str) -> str:
        self.reached.append(name)
        return name


def as_role(role: Role) -> tuple[Diary, Diary]:
    """(behind the gate, itself)."""
    diary = Diary()
    return gated(diary, lambda: USERS[role]), diary


def refused(call: Callable[[], object], diary: Diary) -> bool:
    with pytest.raises(NotAllowed):
        call()
    return diary.reached == []


@pytest.mark.parametrize("role", Role)
def test_a_method_is_reached_by_whom_its_rule_lets_in(role: Role) -> None:
    gate, _ = as_role(role)
    assert (gate.today(), gate.count(), gate.one(1, ANNA)) == ("today", "count", "one")


def test_what_is_everybodys_is_refused_to_a_practitioner() -> None:
    gate, diary = as_role(Role.PRACTITIONER)
    assert refused(gate.every, diary)
    assert refused(lambda: gate.pages, diary)


def test_whose_it_is_may_be_said_by_place_by_name_or_not_at_all() -> None:
    gate, diary = as_role(Role.PRACTITIONER)
    for call in (
        lambda: gate.one(1, BEN),
        lambda: gate.one(1, practitioner_id=BEN),
        lambda: gate.one(1),
        lambda: gate.one(practitioner_id=BEN, day=1),
        lambda: gate.one(1, ""),
        lambda: gate.named(practitioner_id=BEN),
    ):
        assert refused(call, diary)
    assert gate.one(practitioner_id=ANNA, day=1) == "one"


def test_a_list_is_theirs_only_when_all_of_it_is() -> None:
    gate, diary = as_role(Role.PRACTITIONER)
    for others in ([ANNA, BEN], [BEN], []):
        assert refused(lambda others=others: gate.several(others), diary)  # type: ignore[misc]
    assert gate.several([ANNA, ANNA]) == "several"


async def test_whose_a_thing_is_is_looked_up_in_the_service() -> None:
    gate, diary = as_role(Role.PRACTITIONER)
    for key in ("b", "gone"):
        with pytest.raises(NotAllowed):
            await gate.entry(key)
    assert diary.reached == []
    assert await gate.entry("a") == "entry"
    gate, _ = as_role(Role.RECEPTION)
    assert await gate.entry("gone") == "entry"


def test_what_is_its_owners_alone_is_refused_to_administrators() -> None:
    gate, diary = as_role(Role.ADMINISTRATOR)
    assert refused(lambda: gate.secret(ANNA), diary)
    assert refused(lambda: gate.secret(""), diary)
    assert as_role(Role.PRACTITIONER)[0].secret(ANNA) == "secret"


def test_what_has_no_rule_is_refused_to_administrators_too() -> None:
    gate, diary = as_role(Role.ADMINISTRATOR)
    assert refused(gate.unmarked, diary)
    assert refused(gate.helper, diary)
    assert gate.pages == 12
    for name in ("open", "_pages", "reached"):
        assert not hasattr(gate, name)


def test_the_service_itself_checks_no_rule() -> None:
    _, diary = as_role(Role.PRACTITIONER)
    assert (diary.every(), diary.unmarked(), diary.secret(BEN)) == ("every", "unmarked", "secret")


async def test_an_argument_of_a_method_may_have_any_name() -> None:
    class Notes:
        @allows(Action.EDIT_BOOK)
        async def write(self, text: str, *, user: str, method: str) -> str:
            return f"{text} {user} {method}"

        @allows(Action.EDIT_BOOK)
        def read(self, *, user: str, args: int) -> str:
            return f"{user} {args}"

    notes = gated(Notes(), lambda: USERS[Role.ADMINISTRATOR])
    assert await notes.write("a", user="b", method="c") == "a b c"
    assert notes.read(user="b", args=3) == "b 3"


def test_who_is_there_is_asked_at_every_call() -> None:
    there: list[User] = [USERS[Role.ADMINISTRATOR]]

    def who() -> User:
        if not there:
            raise SignedOut
        return there[0]

    gate = gated(Diary(), who)
    assert gate.every() == "every"
    there[0] = USERS[Role.PRACTITIONER]
    with pytest.raises(NotAllowed):
        gate.every()
    there.clear()
    for call in (gate.today, gate.every):
        with pytest.raises(SignedOut):
            call()


def test_a_rule_that_does_not_fit_its_method_is_refused_when_it_is_written() -> None:
    def method(self: object, key: str) -> None: ...

    async def owner(_service: object, _key: str) -> None: ...

    with pytest.raises(TypeError, match="no argument 'keys'"):
        allows(Action.SEE_BOOK, of="keys")(method)
    with pytest.raises(TypeError, match="cannot wait"):
        allows(Action.SEE_BOOK, of="key", owner=owner)(method)
    with pytest.raises(TypeError, match="directly above"):
        allows(Action.SEE_BOOK)(Diary)


async def test_mypy_knows_what_is_behind_the_gate() -> None:
    """Were the gate or the pages' services `Any`, mypy would call these ignores unused."""
    services = fake_application().services
    pages = page_services(services, lambda: USERS[Role.ADMINISTRATOR])
    assert_type(gated(services.feeds, lambda: USERS[Role.ADMINISTRATOR]), Feeds)
    with pytest.raises(AttributeError):
        await pages.feeds.renamed()  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        await pages.feeds.link(number=1)  # type: ignore[call-arg]


async def test_an_appointment_and_a_link_are_theirs_by_whom_they_belong_to() -> None:
    sample = the_sample()
    application = fake_application(sample)
    await application.write(*sample.appointments)
    first, second = sample.practitioners[0].id, sample.practitioners[1].id
    mine = next(each for each in sample.appointments if each.practitioner_id == first)
    link, _ = await application.services.feeds.add(first, label="Phone")

    def pages_of(practitioner: str) -> PageServices:
        user = replace(USERS[Role.PRACTITIONER], practitioner_id=practitioner)
        return page_services(application.services, lambda: user)

    theirs, others = pages_of(first), pages_of(second)
    asks: tuple[Callable[[PageServices], Awaitable[object]], ...] = (
        lambda pages: pages.booking.open(mine.id),
        lambda pages: pages.book_view.shows(mine.id),
        lambda pages: pages.feeds.url(link.id),
        lambda pages: pages.feeds.revoke(link.id),
    )
    for ask in asks:
        with pytest.raises(NotAllowed):
            await ask(others)
        await ask(theirs)


# ── in whose name ─────────────────────────────────────────────────────────────────────────────


class Noting:
    def __init__(self) -> None:
        self.causes: list[str] = []

    @allows_signed_in
    def at_once(self, *, user: str) -> str:
        self.causes.append(caused("note"))
        return user

    @allows_signed_in
    async def later(self, user: str) -> asyncio.Task[None]:
        await asyncio.sleep(0)
        self.causes.append(caused("note"))
        return asyncio.create_task(self._begun())

    async def _begun(self) -> None:
        await asyncio.sleep(0)
        self.causes.append(caused("task"))


async def test_what_a_page_calls_and_begins_is_done_in_its_users_name() -> None:
    """Whatever its arguments are called."""
    noting = Noting()
    kim = gated(noting, lambda: USERS[Role.RECEPTION])
    assert kim.at_once(user="u") == "u"
    await (await kim.later(user="u"))
    assert noting.causes == ["note by Kim", "note by Kim", "task by Kim"]
    noting.at_once(user="u")
    assert noting.causes[-1] == "note"
