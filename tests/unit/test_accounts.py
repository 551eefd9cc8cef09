"""Users, passwords, signing in: rule by rule."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from companion.adapters.passwords import Argon2Passwords
from companion.adapters.sessions import SessionFile
from companion.domain.errors import BadInput, NotFound, StoreError
from companion.domain.tokens import token_hash
from companion.domain.users import Role, User
from companion.services.accounts.accounts import SignInRefused
from companion.services.accounts.sessions import Session
from tests.fakes.account_fixture import GOOD, NEXT, Fixture, enter
from tests.fakes.clock import FakeClock


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


# ── who there is ──────────────────────────────────────────────────────────────────────────────


async def test_the_first_user_is_an_administrator_and_there_is_one_first_only(
    fixture: Fixture,
) -> None:
    user = await fixture.accounts.add_first("  Robin   Sample ", GOOD)
    assert (user.name, user.role, user.must_change) == (
        "Robin Sample",
        Role.ADMINISTRATOR,
        False,
    )
    with pytest.raises(BadInput, match="administrator already"):
        await fixture.accounts.add_first("Someone Else", NEXT)
    assert [each.name for each in fixture.accounts.users()] == ["Robin Sample"]


@pytest.mark.parametrize(
    "password",
    ["", "short", "x" * 201, "password123", "Password Password", "robinrobin", "1111111111"],
)
async def test_a_password_that_is_guessed_first_is_refused_at_its_field(
    fixture: Fixture, password: str
) -> None:
    with pytest.raises(BadInput) as caught:
        await fixture.accounts.add_first("Robin", password)
    assert caught.value.field == "new"
    assert password not in str(caught.value) or len(password) < 6
    assert fixture.accounts.users() == ()


async def test_a_password_may_hold_anything_and_be_long(fixture: Fixture) -> None:
    password = "Ω " + "été-" * 40
    await fixture.accounts.add_first("Robin", password)
    assert await enter(fixture, password=password)


async def test_a_new_user_gets_a_password_to_change(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    user, password = await fixture.accounts.add("Kim", Role.RECEPTION)
    assert user.must_change
    assert len(password) == 14
    signed_in, _ = await fixture.accounts.sign_in("KIM", password, machine="front")
    assert signed_in.id == user.id


async def test_two_users_cannot_answer_to_one_name(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    kim, _ = await fixture.accounts.add("Kim", Role.RECEPTION)
    with pytest.raises(BadInput) as caught:
        await fixture.accounts.add("ROBIN", Role.RECEPTION)
    assert caught.value.field == "name"
    with pytest.raises(BadInput):
        await fixture.accounts.edit(kim.id, name="robin")


async def test_a_practitioner_user_belongs_to_a_practitioner_that_there_is(
    fixture: Fixture,
) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    with pytest.raises(BadInput) as caught:
        await fixture.accounts.add("Anna", Role.PRACTITIONER, practitioner_id="nobody")
    assert caught.value.field == "practitioner_id"
    anna, _ = await fixture.accounts.add("Anna", Role.PRACTITIONER, practitioner_id="anna-lee")
    assert anna.practitioner_id == "anna-lee"
    assert (await fixture.accounts.edit(anna.id, role=Role.RECEPTION)).practitioner_id == ""


async def test_one_administrator_always_stays(fixture: Fixture) -> None:
    robin = await fixture.accounts.add_first("Robin", GOOD)
    with pytest.raises(BadInput, match="at least one administrator"):
        await fixture.accounts.remove(robin.id)
    with pytest.raises(BadInput, match="at least one administrator"):
        await fixture.accounts.edit(robin.id, role=Role.RECEPTION)
    kim, _ = await fixture.accounts.add("Kim", Role.ADMINISTRATOR)
    await fixture.accounts.remove(robin.id)
    assert [each.id for each in fixture.accounts.users()] == [kim.id]


async def test_somebody_who_is_gone_is_said_to_be(fixture: Fixture) -> None:
    for ask in (fixture.accounts.user, fixture.accounts.named):
        with pytest.raises(NotFound):
            ask("nobody")


async def test_the_demos_administrator_is_made_once_and_has_no_password(fixture: Fixture) -> None:
    first = await fixture.accounts.add_demo()
    assert await fixture.accounts.add_demo() == first
    with pytest.raises(SignInRefused):
        await fixture.accounts.sign_in(first.name, "", machine="front")


async def test_users_are_noted_without_passwords(fixture: Fixture) -> None:
    await fixture.accounts.add_first("Robin", GOOD)
    kim, password = await fixture.accounts.add("Kim", Role.RECEPTION)
    fresh = await fixture.accounts.reset_password(kim.id)
    lines = [each.text for each in await fixture.activity.recent()]
    assert "The password of Kim was reset." in lines
    for secret in (GOOD, password, fresh):
        assert secret not in " ".join(lines)


# ── passwords ─────────────────────────────────────────────────────────────────────────────────


async def test_a_changed_password_ends_the_other_sessions_and_begins_one(fixture: Fixture) -> None:
    robin = await fixture.accounts.add_first("Robin", GOOD)
    one, other = await enter(fixture), await enter(fixture)
    token = await fixture.accounts.change_password(
        robin.id, present=GOOD, new=NEXT, machine="front"
    )
    sessions = fixture.accounts.sessions
    assert [sessions.user(each) for each in (one, other)] == [None, None]
    assert sessions.user(token_hash(token))
    with pytest.raises(SignInRefused):
        await enter(fixture)
    assert await enter(fixture, password=NEXT)


@pytest.mark.parametrize(
    ("present", "new", "field"),
    [("wrong wrong wrong", NEXT, "present"), (GOOD, "short", "new"), (GOOD, GOOD, "new")],
)
async def test_a_bad_change_names_the_field_and_changes_nothing(
    fixture: Fixture, present: str, new: str, field: str
) -> None:
    robin = await fixture.accounts.add_first("Robin", GOOD)
    with pytest.raises(BadInput) as caught:
        await fixture.accounts.change_password(robin.id, present=present, new=new, machine="front")
    assert caught.value.field == field
    assert await enter(fixture)


async def test_guessing_the_present_password_is_slowed_down_too(fixture: Fixture) -> None:
    robin = await fixture.accounts.add_first("Robin", GOOD)
    for _ in range(3):
        with pytest.raises(BadInput, match="not the present"):
            await fixture.accounts.change_password(robin.id, present="x", new=NEXT, machine="front")
    with pytest.raises(BadInput, match="too often"):
        await fixture.accounts.change_password(robin.id, present=GOOD, new=NEXT, machine="front")


async def test_a_reset_ends_every_session_and_asks_for_a_new_password(fixture: Fixture) -> None:
    robin = await fixture.accounts.add_first("Robin", GOOD)
    hashed = await enter(fixture)
    password = await fixture.accounts.reset_password(robin.id)
    assert fixture.accounts.sessions.user(hashed) is None
    user, _ = await fixture.accounts.sign_in("Robin", password, machine="front")
    assert user.must_change
    await fixture.accounts.change_password(robin.id, present=password, new=NEXT, machine="front")
    assert not fixture.accounts.user(robin.id).must_change


# ── the adapters ──────────────────────────────────────────────────────────────────────────────


def test_passwords_are_kept_as_argon2id() -> None:
    quick = Argon2Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    kept = quick.hash(GOOD)
    assert kept.startswith("$argon2id$")
    assert GOOD not in kept
    assert kept != quick.hash(GOOD)
    assert quick.matches(kept, GOOD)
    assert not quick.matches(kept, NEXT)
    assert not quick.outdated(kept)
    assert Argon2Passwords().outdated(kept)


@pytest.mark.parametrize("kept", ["", "plain", "$argon2id$broken"])
def test_what_is_no_hash_matches_nothing(kept: str) -> None:
    assert not Argon2Passwords().matches(kept, "")


async def test_the_session_file_reads_back_and_is_private(tmp_path: Path) -> None:
    clock = FakeClock()
    session = Session(user_id="robin", epoch=3, began_at=clock.now(), seen_at=clock.now())
    await SessionFile(tmp_path).save({"abc": session})
    assert SessionFile(tmp_path).load() == {"abc": session}
    mode = (tmp_path / "sessions.json").stat().st_mode
    assert os.name == "nt" or mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"a": {"user": "x"}}', b"\xff\xfe", b"null"])
def test_a_damaged_session_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sessions.json").write_bytes(content)
    assert SessionFile(tmp_path).load() == {}


async def test_a_disk_that_refuses_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        await SessionFile(tmp_path / "missing").save({})


def test_a_user_is_found_in_any_spelling_of_the_name() -> None:
    user = User(id="x", name="Zoë  O'Brien", role=Role.RECEPTION)
    assert user.matches_name("zoë o'brien")
    assert not user.matches_name("zoe")
