"""Every action as every role, and no page, route or method without an action."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast, get_type_hints

import pytest
from fastapi.routing import APIRoute
from nicegui import Client
from nicegui.testing.general import nicegui_reset_globals

from companion.domain.errors import NotAllowed, SignedOut
from companion.domain.users import Role, User
from companion.services.accounts.policy import POLICY, Action, Reach, may, require
from companion.services.assembly import Application
from companion.web.access import METHODS, NEVER, PAGES, ROUTES, Gate, check
from companion.web.app import create_app
from companion.web.options import AppOptions
from companion.web.ui.upload_board import UploadBoard
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
    Action.PRACTITIONERS: ("yyy", "nnn", "nnn"),
    Action.PRACTICE: ("yyy", "nnn", "nnn"),
    Action.USERS: ("yyy", "nnn", "nnn"),
}
INTERNAL_PARTS = frozenset({"watching"})


def parts() -> dict[str, type]:
    found = get_type_hints(Application)
    del found["recovered"]  # a text
    return {**found, "live": UploadBoard}


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
                require(user, action, whose)


def test_a_practitioner_user_without_a_practitioner_has_nothing_of_their_own() -> None:
    nobody = replace(USERS[Role.PRACTITIONER], practitioner_id="")
    for action in Action:
        assert not may(nobody, action, "") or POLICY[Role.PRACTITIONER][action] is Reach.ALL


def test_a_refusal_says_who_and_what_to_do() -> None:
    with pytest.raises(NotAllowed) as caught:
        require(USERS[Role.RECEPTION], Action.GOOGLE, ANNA)
    assert str(caught.value).startswith("Kim may not change settings of Google. Ask an admin")


# ── complete ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("part", [e for e in parts() if e not in INTERNAL_PARTS])
def test_every_method_that_a_handler_can_reach_names_an_action(part: str) -> None:
    """Whoever adds a public method adds it to METHODS, or to NEVER, in companion.web.access."""
    public = {
        f"{part}.{name}"
        for name, value in inspect.getmembers(parts()[part])
        if not name.startswith("_") and (callable(value) or isinstance(value, property))
    }
    assert public - METHODS.keys() - NEVER == set()


def test_the_tables_name_nothing_that_is_gone() -> None:
    def known(full: str) -> bool:
        part, _, name = full.partition(".")
        return hasattr(parts()[part], name) or f"self.{name} = " in inspect.getsource(parts()[part])

    assert [each for each in (*METHODS, *NEVER) if not known(each)] == []
    assert METHODS.keys() & NEVER == set()


@pytest.mark.parametrize("full", [e for e in METHODS if METHODS[e].whose])
def test_a_rule_names_an_argument_that_its_method_has(full: str) -> None:
    part, _, name = full.partition(".")
    assert METHODS[full].whose in inspect.signature(getattr(parts()[part], name)).parameters


def test_every_page_and_route_names_an_action(tmp_path: Path) -> None:
    application = fake_application(the_sample())
    with nicegui_reset_globals():
        options = AppOptions(port=8080, home=tmp_path, version="1")
        guard = cast(Any, create_app(application.services, options))
        pages = set(Client.page_routes.values())
        routes = {each.path for each in guard.app.routes if isinstance(each, APIRoute)}
    assert pages
    assert pages - PAGES.keys() == set()
    assert {each for each in routes if not each.startswith("/_nicegui")} - ROUTES.keys() == set()


# ── the gate ──────────────────────────────────────────────────────────────────────────────────


class Recording:
    """Stands for every part of the house: notes what came through."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self.came: list[str] = []

    def __getattr__(self, name: str) -> Any:
        original = getattr(self._kind, name)
        names = list(inspect.signature(original).parameters)[1:]

        def method(*args: Any, **kwargs: Any) -> Any:
            self.came.append(name)

        method.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(each, inspect.Parameter.POSITIONAL_OR_KEYWORD) for each in names]
        )
        return method


def gate(who: User) -> tuple[Gate, dict[str, Recording]]:
    recordings = {name: Recording(kind) for name, kind in parts().items()}
    live = recordings["live"]

    class Parts:
        def __getattr__(self, name: str) -> Recording:
            return recordings[name]

    return Gate(cast(Application, Parts()), lambda: who, live=live), recordings


def is_method(full: str) -> bool:
    part, _, name = full.partition(".")
    return callable(getattr(parts()[part], name, None))


SIMPLE = [
    each
    for each, rule in METHODS.items()
    if rule.whose in {"", "practitioner_id"} and is_method(each)
]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("full", SIMPLE)
@pytest.mark.parametrize("whose", [ANNA, BEN])
def test_every_method_lets_through_whom_the_table_says_and_nobody_else(
    role: Role, full: str, whose: str
) -> None:
    part, _, name = full.partition(".")
    rule, user = METHODS[full], USERS[role]
    door, recordings = gate(user)
    arguments = {"practitioner_id": whose} if rule.whose else {}
    mine = may(user, rule.action, whose if rule.whose else None) if rule.action else True
    somewhere = rule.somewhere and POLICY[role].get(rule.action or Action.USERS, Reach.NONE)
    if mine or somewhere:
        getattr(getattr(door, part), name)(**arguments)
        assert recordings[part].came == [name]
    else:
        with pytest.raises(NotAllowed):
            getattr(getattr(door, part), name)(**arguments)
        assert recordings[part].came == []


@pytest.mark.parametrize("full", sorted(NEVER))
def test_the_programs_own_work_is_closed_to_administrators_too(full: str) -> None:
    part, _, name = full.partition(".")
    door, _ = gate(USERS[Role.ADMINISTRATOR])
    with pytest.raises(NotAllowed):
        getattr(getattr(door, part), name)


def test_a_list_is_theirs_only_when_all_of_it_is() -> None:
    door, recordings = gate(USERS[Role.PRACTITIONER])
    door.book_view.counts([ANNA], 1, 2)
    for others in ([ANNA, BEN], []):
        with pytest.raises(NotAllowed):
            door.book_view.counts(others, 1, 2)
    assert recordings["book_view"].came == ["counts"]


async def test_an_appointment_and_a_link_are_theirs_by_whom_they_belong_to() -> None:
    sample = the_sample()
    application = fake_application(sample)
    await application.write(*sample.appointments)
    first, second = sample.practitioners[0].id, sample.practitioners[1].id
    mine = next(each for each in sample.appointments if each.practitioner_id == first)
    link, _ = await application.services.feeds.add(first, label="Phone")
    for practitioner, allowed in ((first, True), (second, False)):
        user = replace(USERS[Role.PRACTITIONER], practitioner_id=practitioner)
        door = Gate(application.services, lambda user=user: user)  # type: ignore[misc]
        asked: list[Awaitable[object]] = [
            door.book.appointment(mine.id),
            door.booking.open(mine.id),
            door.feeds.url(link.id),
            door.feeds.revoke(link.id),
        ]
        for question in asked:
            if allowed:
                await question
            else:
                with pytest.raises(NotAllowed):
                    await question
        if allowed:
            link, _ = await application.services.feeds.add(first, label="Phone")


def test_nobody_signed_in_reaches_nothing() -> None:
    def nobody() -> User:
        raise SignedOut

    application = fake_application(the_sample())
    door = Gate(application.services, nobody)
    with pytest.raises(SignedOut):
        door.settings.read()


def test_what_stands_in_no_table_is_for_administrators() -> None:
    class Parts:
        class Extra:
            def secret(self) -> str:
                return "x"

        extra = Extra()

    for role, user in USERS.items():
        door = Gate(cast(Application, Parts()), lambda user=user: user)  # type: ignore[misc]
        if role is Role.ADMINISTRATOR:
            assert door.extra.secret() == "x"
        else:
            with pytest.raises(NotAllowed):
                door.extra.secret()


def test_pages_open_to_whom_they_are_for() -> None:
    opened = {
        role: {
            path
            for path, rule in PAGES.items()
            if allowed(user, rule, (ANNA,) if rule.whose else None)
        }
        for role, user in USERS.items()
    }
    assert opened[Role.ADMINISTRATOR] == set(PAGES)
    assert opened[Role.RECEPTION] == {"/", "/book", "/book/print", "/import", "/sources"}
    assert opened[Role.PRACTITIONER] == {
        "/",
        "/book",
        "/book/print",
        "/practitioner/{practitioner_id}",
        "/phone",
        "/phone/{practitioner_id}",
    }


def allowed(user: User, rule: Any, owners: tuple[str, ...] | None) -> bool:
    try:
        check(user, rule, owners)
    except NotAllowed:
        return False
    return True


def test_the_application_has_no_part_that_this_test_overlooks() -> None:
    assert {each.name for each in fields(Application)} | {"live"} == {*parts(), "recovered"}
