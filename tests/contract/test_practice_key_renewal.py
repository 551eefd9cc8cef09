"""The practice key is renewed: who knew the old one is shut out, and nobody who has the new one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import URL, Connection, Engine, event

from companion.adapters.database.inspection import inspect_database
from companion.adapters.database.practice_row import PracticeRow, secrets_key_of
from companion.adapters.database.schema import secrets
from companion.adapters.database.secrets import RowSealing
from companion.adapters.practice_note import practice_note
from companion.domain.errors import BadInput, Busy, SecretsDamaged, SecretsUnavailable
from companion.domain.practice_errors import PracticeKeyRenewed
from companion.domain.practice_key import PracticeKey, practice_key_of
from companion.environment import Environment
from companion.instance import Instance
from companion.main import open_ports
from companion.services.home_ports import Ports
from companion.storage import renewing_key
from companion.storage.home import sealed_secrets
from companion.storage.joining import join_practice_here, type_practice_key
from companion.storage.membership import KEY_NAME, membership_of, with_key_in_use
from companion.storage.renewing_key import renew_practice_key
from companion.storage.returning import leave_here, take_everything
from tests.fakes.moving_practice import (
    TOKENS,
    Kept,
    at,
    connected,
    dump_of,
    filled_practice,
    join,
    kept_in,
    made_of,
    share,
    shown,
)

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("own_keyring")]


def row_in(url: URL) -> PracticeRow:
    row = inspect_database(url).row
    assert row is not None
    return row


def envelopes(url: URL) -> list[tuple[str, int, bytes, bytes]]:
    with connected(url) as connection:
        return connection.execute(
            "SELECT name, generation, nonce, sealed FROM secrets ORDER BY name"
        ).fetchall()


async def key_of(environment: Environment) -> PracticeKey:
    """As `practice key` shows it."""
    note = practice_note(environment.home)
    assert note is not None
    member = await membership_of(note, environment, sealed_secrets(environment, holder="a test"))
    return with_key_in_use(member).key


async def test_the_old_key_and_what_was_copied_by_it_open_nothing_any_more(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, made = await filled_practice(first, practice_url)
    row = row_in(practice_url)
    copied = secrets_key_of(row, made.key)  # by somebody who left
    renewed = await renew_practice_key(first)
    assert (renewed.secrets, renewed.others) == (len(TOKENS), ())
    assert await kept_in(first) == before
    assert await key_of(first) == renewed.key != made.key
    with pytest.raises(BadInput, match="was renewed since"):
        secrets_key_of(row_in(practice_url), made.key)
    with pytest.raises(BadInput, match="was renewed since"):
        await join(second, practice_url, made)
    assert practice_note(second.home) is None
    stolen = RowSealing(row.practice_id, copied, bytes)
    for each in envelopes(practice_url):
        with pytest.raises(SecretsDamaged):
            stolen.opened(*each)
    await join_practice_here(second, shown(practice_url), renewed.key.text)
    assert await kept_in(second) == before


async def test_another_workstation_stops_and_goes_on_once_it_is_given_the_new_key(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, _made = await share(first, second, practice_url)
    await kept_in(second)
    note = practice_note(second.home)
    renewed = await renew_practice_key(first)
    assert len(renewed.others) == 1
    for refused in (kept_in(second), key_of(second), take_everything(second)):
        with pytest.raises(PracticeKeyRenewed, match="Nothing is lost") as told:
            await refused
        assert "practice join" in told.value.remedy
    await join_practice_here(second, shown(practice_url), renewed.key.text)
    assert practice_note(second.home) == note
    assert await kept_in(second) == await kept_in(first) == before


async def test_one_that_is_shut_out_may_leave(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    await join(second, practice_url, await made_of(first, practice_url))
    await kept_in(second)
    await renew_practice_key(first)
    await leave_here(second)
    assert practice_note(second.home) is None
    assert (await renew_practice_key(first)).others == ()


async def on(ports: Ports) -> None:
    assert ports.practice is not None
    await ports.practice.stay_on(str)


async def test_what_is_open_meanwhile_goes_on_with_the_new_key_or_writes_nothing(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    await share(first, second, practice_url)
    async with (
        open_ports(first, holder="the app") as here,
        open_ports(second, holder="the app") as there,
    ):
        staying = asyncio.create_task(on(here))
        await there.secrets.put("feed/1", "made before")
        renewed = await renew_practice_key(first)
        name = "google/token/anna-example"
        for refused in (
            there.secrets.get(name),
            there.secrets.put(name, "under the old key"),
            there.secrets.exchange(name, None, "under the old key"),
            there.secrets.check(),
            on(there),
        ):
            with pytest.raises(PracticeKeyRenewed):
                await refused
        assert there.practice is not None
        mine = {each.id: each.on for each in await there.practice.workstations()}
        assert mine[there.practice.this_one] is False, "the others see that it has stopped"
        assert await here.secrets.get("feed/1") == "made before"
        await here.secrets.put("feed/2", "made after")
        assert renewed.key.fingerprint in await here.secrets.check()
        assert not staying.done()
        await join_practice_here(second, shown(practice_url), renewed.key.text)
        assert await there.secrets.get("feed/2") == "made after"
        staying.cancel()
    assert (await kept_in(second)).secrets == {
        **TOKENS,
        "feed/1": "made before",
        "feed/2": "made after",
    }


async def test_what_is_written_at_the_same_moment_opens_with_the_new_key(
    first: Environment, practice_url: URL
) -> None:
    await filled_practice(first, practice_url)
    async with open_ports(first, holder="the app") as ports:
        written: dict[str, str] = {}

        async def write(worker: int) -> None:
            for number in range(12):
                name = f"feed/{worker}-{number % 4}"
                await ports.secrets.put(name, f"text {number}")
                written[name] = f"text {number}"

        writing = asyncio.gather(*map(write, range(4)))
        for _ in range(3):
            await renew_practice_key(first)
        await writing
        await renew_practice_key(first)
    assert (await kept_in(first)).secrets == {**TOKENS, **written}


async def test_of_two_who_renew_it_at_once_one_is_told_and_can_go_on(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, _made = await share(first, second, practice_url)
    await kept_in(second)
    results = await asyncio.gather(
        renew_practice_key(first), renew_practice_key(second), return_exceptions=True
    )
    (won,) = [each for each in results if not isinstance(each, BaseException)]
    (lost,) = [each for each in results if isinstance(each, BaseException)]
    assert isinstance(lost, Busy | PracticeKeyRenewed)
    winner, loser = (first, second) if results[0] is won else (second, first)
    assert await kept_in(winner) == before
    with pytest.raises(PracticeKeyRenewed):
        await kept_in(loser)
    await join_practice_here(loser, shown(practice_url), won.key.text)
    assert await kept_in(loser) == before


async def test_who_proved_the_old_key_a_moment_too_early_changes_nothing(
    first: Environment, second: Environment, practice_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    await share(first, second, practice_url)
    early = inspect_database(practice_url)
    won = await renew_practice_key(first)
    monkeypatch.setattr(renewing_key, "inspect_database", lambda _url: early)
    row, kept = row_in(practice_url), envelopes(practice_url)
    with pytest.raises(Busy, match="at this moment, and that one counts"):
        await renew_practice_key(second)
    assert (row_in(practice_url), envelopes(practice_url)) == (row, kept)
    monkeypatch.undo()
    await join_practice_here(second, shown(practice_url), won.key.text)
    assert await kept_in(second) == await kept_in(first)


class Killed(BaseException):
    pass


def killed_at_commit(*, before: bool) -> Callable[[], None]:
    """At the COMMIT of the renewal, on either side of it. Returns what ends that."""

    def writes(connection: Connection) -> bool:
        return connection.get_isolation_level() == "READ COMMITTED" and bool(
            connection.scalar(secrets.select().where(secrets.c.generation > 1))
        )

    def commit(connection: Connection) -> None:
        if not writes(connection):
            return
        if not before:
            connection.connection.driver_connection.commit()  # type: ignore[union-attr]
        raise Killed

    event.listen(Engine, "commit", commit)
    return lambda: event.remove(Engine, "commit", commit)


@pytest.mark.parametrize("arrived", [False, True])
async def test_killed_at_the_commit_either_key_opens_everything(
    arrived: bool, first: Environment, practice_url: URL
) -> None:
    before, made = await filled_practice(first, practice_url)
    end = killed_at_commit(before=not arrived)
    try:
        with pytest.raises(Killed):
            await renew_practice_key(first)
    finally:
        end()
    assert (await whole_and_renewed_once_more(first, practice_url, before) != made.key) is arrived


async def whole_and_renewed_once_more(
    environment: Environment, url: URL, before: Kept
) -> PracticeKey:
    """The key that counted until then."""
    assert await kept_in(environment) == before
    counted = await key_of(environment)
    secrets_key_of(row_in(url), counted)
    again = await renew_practice_key(environment)
    assert await kept_in(environment) == before
    assert await key_of(environment) == again.key
    kept = await sealed_secrets(environment, holder="a test").get(KEY_NAME)
    assert kept == again.key.text, "none of those before is kept any longer"
    return counted


async def test_killed_while_the_secrets_are_sealed_anew_the_old_key_counts(
    first: Environment, practice_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, made = await filled_practice(first, practice_url)
    monkeypatch.setattr(renewing_key, "names_besides", lambda *_: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        await renew_practice_key(first)
    monkeypatch.undo()
    assert await whole_and_renewed_once_more(first, practice_url, before) == made.key


async def test_interrupted_while_the_secrets_are_sealed_anew_it_can_be_renewed_once_more(
    first: Environment, practice_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _made = await filled_practice(first, practice_url)
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def halted(*_of: object) -> tuple[str, ...]:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(30)
        return ()

    monkeypatch.setattr(renewing_key, "names_besides", halted)
    renewing = asyncio.create_task(renew_practice_key(first))
    await begun.wait()
    renewing.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await renewing
    monkeypatch.undo()
    await whole_and_renewed_once_more(first, practice_url, before)


async def test_the_new_key_counts_where_it_could_not_be_noted_alone(
    first: Environment, practice_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _made = await filled_practice(first, practice_url)
    store = sealed_secrets(first, holder="a test")
    put = store.put

    async def put_once(name: str, value: str) -> None:
        await put(name, value)
        monkeypatch.setattr(store, "put", refuse)

    async def refuse(_name: str, _value: str) -> None:
        raise SecretsUnavailable

    monkeypatch.setattr(store, "put", put_once)
    renewed = await renew_practice_key(first, store=store)
    assert await kept_in(first) == before
    assert await key_of(first) == renewed.key


async def test_a_computer_that_can_keep_no_key_does_not_renew_it(
    first: Environment, practice_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, made = await filled_practice(first, practice_url)
    unattended = at(first.home, database_url=shown(practice_url), practice_key=made.key.text)
    store = sealed_secrets(unattended, holder="a test")

    async def refuse(*_values: str) -> None:
        raise SecretsUnavailable

    monkeypatch.setattr(store, "put", refuse)
    row = row_in(practice_url)
    with pytest.raises(SecretsUnavailable, match="so it was not renewed"):
        await renew_practice_key(unattended, store=store)
    assert row_in(practice_url) == row
    assert await kept_in(unattended) == before


async def test_the_variable_opens_with_the_new_key_and_an_old_one_there_is_told(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, made = await filled_practice(first, practice_url)
    address = shown(practice_url)
    lone = at(second.home, database_url=address, practice_key=made.key.text)
    assert await kept_in(lone) == before
    renewed = await renew_practice_key(first)
    with pytest.raises(PracticeKeyRenewed) as told:
        await kept_in(lone)
    assert "COMPANION_PRACTICE_KEY" in told.value.remedy
    assert await kept_in(at(lone.home, database_url=address, practice_key=renewed.key.text))
    stale = at(first.home, database_url=address, practice_key=made.key.text)
    assert await kept_in(stale) == before, "what it keeps itself opens"


async def test_neither_key_is_in_the_database_a_log_or_an_error(
    first: Environment,
    second: Environment,
    practice_url: URL,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    _before, made = await share(first, second, practice_url)
    renewed = await renew_practice_key(first)
    said = [repr(renewed), *(str(each) for each in caplog.records)]
    with pytest.raises(PracticeKeyRenewed) as told:
        await kept_in(second)
    said += [repr(told.value), str(told.value), caplog.text]
    said.append(dump_of(practice_url).decode("latin-1"))
    for key in (made.key, renewed.key, practice_key_of(renewed.key.text)):
        hidden = (key.text, key.text.replace("-", ""), key.secret.hex())
        assert not [each for text in said for each in hidden if each in text]


async def test_the_new_key_is_typed_while_the_app_runs_and_no_other_is_taken(
    first: Environment, second: Environment, practice_url: URL
) -> None:
    before, made = await share(first, second, practice_url)
    await kept_in(second)
    renewed = await renew_practice_key(first)
    with Instance(second.home).hold(8080):  # as the app that waits for it
        for typed in (made.key.text, PracticeKey(bytes(20)).text, "nonsense", ""):
            with pytest.raises(BadInput) as refused:
                await type_practice_key(second, typed)
            assert refused.value.field == "practice_key"
            with pytest.raises(PracticeKeyRenewed):
                await key_of(second)
        await type_practice_key(second, renewed.key.text.lower())
        assert await kept_in(second) == before
    with pytest.raises(BadInput, match="joined no practice"):
        await type_practice_key(at(second.home.with_name("third")), renewed.key.text)


async def test_a_home_of_its_own_has_no_key_to_renew(first: Environment) -> None:
    with pytest.raises(BadInput, match="joined no practice"):
        await renew_practice_key(first)
