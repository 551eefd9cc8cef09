"""Data folders that make a practice of themselves, join it, and take it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import keyring
import psycopg
from sqlalchemy import URL

from companion.adapters.practice_note import practice_note
from companion.commands.membership_here import open_once
from companion.domain.reconcile import LedgerEntry, LedgerEntryState
from companion.environment import Environment
from companion.main import open_ports
from companion.services.assembly import build
from companion.services.home_ports import Ports
from companion.services.notices.telling import NoticeBook
from companion.services.ports import BookChange, CalendarRef
from companion.storage.creating import PracticeMade, create_practice
from companion.storage.joining import join_practice_here
from tests.fakes.backup_fixture import appointment
from tests.fakes.clock import MONDAY
from tests.fakes.database_servers import connection_to
from tests.fakes.keyrings_of_keyring import Kept as KeptKeyring

NAMES = ("Anna Example", "Ben Muster")
TOKENS = {"google/client": "the client's secret", "google/token/anna-example": "1//refresh-token"}


CALENDAR = CalendarRef(practitioner_id="anna-example", calendar_id="anna@example.org")
ENTRY = LedgerEntry(
    key="visit",
    event_id="event",
    generation=2,
    state=LedgerEntryState.PENDING,
    fingerprint="f" * 32,
    style="5|10",
    begins=MONDAY,
    ends=MONDAY + timedelta(hours=1),
)


class Kept(NamedTuple):
    """What somebody finds who opens a data folder."""

    install_id: str
    names: frozenset[str]
    appointments: int
    entries: tuple[LedgerEntry, ...]
    id_key: bytes
    secrets: dict[str, str]
    activity: tuple[str, ...]
    notes: tuple[object, ...]
    """On sources, on backups, and the book of notices."""


def shown(url: URL) -> str:
    """As a person gives it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def connected(url: URL) -> psycopg.Connection:
    return connection_to(url, autocommit=False)


def execute(url: URL, statement: str, *values: object) -> None:
    with connected(url) as connection:
        connection.execute(statement.encode(), values or None)


def dump_of(url: URL) -> bytes:
    """Every row of every table."""
    dumped = b""
    with connected(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as rows:
                dumped += b"".join(bytes(each) for each in rows)
    return dumped


def at(home: Path, **more: Any) -> Environment:
    """Its secrets are sealed by the keyring of `a_keyring`."""
    return Environment(home=home, **more)


class _OneKey(KeptKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        return super().get_password("any", username)

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password("any", username, password)

    def delete_password(self, service: str, username: str) -> None:
        super().delete_password("any", username)


@contextmanager
def a_keyring(*, one_key: bool = False) -> Iterator[None]:
    """Of this process, in memory: a passphrase would be stretched again at each opening.
    `one_key`: for all data folders, so that a copy of one opens."""
    before = keyring.get_keyring()
    keyring.set_keyring(_OneKey() if one_key else KeptKeyring())
    try:
        yield
    finally:
        keyring.set_keyring(before)


async def kept_in(environment: Environment) -> Kept:
    """Raises CompanionError where it cannot be opened."""
    async with open_ports(environment, holder="a test") as ports:
        return await kept_by(ports)


async def kept_by(ports: Ports) -> Kept:
    settings = ports.settings.read()
    names = await ports.secrets.names()
    found = {each: await ports.secrets.get(each) for each in names}
    return Kept(
        install_id=settings.install_id,
        names=frozenset(settings.names().values()),
        appointments=await ports.stores.book.count(),
        entries=tuple(await ports.stores.ledger.entries(CALENDAR)),
        id_key=await ports.stores.book.id_key(),
        secrets={name: value for name, value in found.items() if value is not None},
        activity=tuple(each.text for each in await ports.stores.activity.recent(50)),
        notes=(
            await ports.source_notes.read(),
            tuple((await ports.backups.notes.read()).making.values()),
            await ports.notices.store.read(),
        ),
    )


async def fill(environment: Environment) -> Kept:
    """A home with people, appointments, a ledger with an unfinished write, and sealed secrets."""
    async with open_ports(environment, holder="a test") as ports:
        practitioners = build(ports).practitioners
        for each in NAMES:
            await practitioners.add(each)
        visits = [
            replace(appointment(), id=f"visit-{number}", practitioner_id="anna-example")
            for number in range(3)
        ]
        await ports.stores.book.apply(BookChange(put=visits), MONDAY)
        await ports.stores.ledger.write(CALENDAR, [ENTRY])
        await ports.source_notes.change("Reception", lambda note: replace(note, last_file="a.csv"))
        await ports.backups.notes.change(lambda record: replace(record, making={"": "a.ccbackup"}))
        await ports.notices.store.save(NoticeBook(begun_at=MONDAY))
        for name, value in TOKENS.items():
            await ports.secrets.put(name, value)
        return await kept_by(ports)


async def made_of(environment: Environment, url: URL) -> PracticeMade:
    return await create_practice(environment, shown(url), name="Front desk")


async def open_practice_of(
    environment: Environment, *, anyway: bool = False, joining: str | None = None
) -> None:
    note = practice_note(environment.home)
    assert note is not None
    await open_once(environment, note, anyway=anyway, joining=joining)


async def join(environment: Environment, url: URL, made: PracticeMade) -> None:
    await join_practice_here(environment, shown(url), made.key.text)


async def filled_practice(environment: Environment, url: URL) -> tuple[Kept, PracticeMade]:
    """What was in the home, and the practice that was made of it."""
    return await fill(environment), await made_of(environment, url)


async def share(first: Environment, second: Environment, url: URL) -> tuple[Kept, PracticeMade]:
    """A practice made of a filled home, which another computer has joined; and what was in it."""
    before, made = await filled_practice(first, url)
    await join(second, url, made)
    return before, made
