"""Making a practice: all that a home keeps goes into a database that its workstations share.

One transaction writes everything and reads it back before the COMMIT. The files of the home lie in
a folder of it afterwards, and the book among them says where it went, so that no copy of it is ever
taken for the practice.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from uuid import uuid4

from sqlalchemy import URL, Connection, insert, select

import companion
from companion.adapters.backup import Swap
from companion.adapters.backup.swap import close_up
from companion.adapters.clock import SystemClock
from companion.adapters.database import copying
from companion.adapters.database.claiming import claim_calendars
from companion.adapters.database.errors import translating
from companion.adapters.database.inspection import DatabaseInspection, inspect_database
from companion.adapters.database.opening_practice import open_practice_database
from companion.adapters.database.postgres import engine_of, url_of
from companion.adapters.database.practice_row import (
    add_workstation,
    create_practice_row,
    mark_moved,
    practice_in,
)
from companion.adapters.database.schema import (
    commits,
    documents,
    lease,
    paces,
    practice,
    secrets,
    turns,
    workstations,
)
from companion.adapters.database.secrets import RowSealing
from companion.adapters.database.settings import DocumentStorage
from companion.adapters.database.sqlite import writing_engine
from companion.adapters.practice_note import (
    Direction,
    MovingNote,
    PracticeNote,
    Stage,
    practice_note,
    write_note,
)
from companion.adapters.setting_tables import fill
from companion.domain.errors import BadInput, StoreDamaged, StoreError
from companion.domain.practice_key import SECRET_BYTES, PracticeKey, practice_key_of
from companion.environment import Environment
from companion.services.changes import Changes
from companion.services.files import Disk, disk_trouble, make_folder
from companion.services.pools import BACKUPS
from companion.services.workstations import workstation_name
from companion.storage.home import open_home
from companion.storage.membership import Membership, place_of
from companion.storage.moving import (
    HOLDER,
    after_the_commit,
    commit_or_ask,
    end_move,
    exclusive_home,
    fresh_folder,
    lock_moves,
    moves_into_practice,
    notes_of,
    only_transaction,
    recover_move_locked,
    row_after_moves,
    staged_secrets,
    staging_of,
    swap_of,
    withdraw,
)

OF_A_PRACTICE = (documents, secrets, practice, workstations, lease, turns, commits, paces)
ASIDE = "before-practice"
README = "MOVED.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeMade:
    note: PracticeNote
    key: PracticeKey
    rows: Mapping[str, int]  # by table, as they were read back
    secrets: int
    aside: Path  # with what the home kept until now


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    documents: Mapping[str, str]
    secrets: Mapping[str, str]
    origin: str
    """Id of the practice that this home was once before; empty for none."""


async def create_practice(
    environment: Environment,
    address: str,
    *,
    name: str,
    disk: Disk | None = None,
    random: Callable[[int], bytes] = os.urandom,
) -> PracticeMade:
    """`name`: of this workstation. The practice key is COMPANION_PRACTICE_KEY, or a new one.
    Raises Busy, BadInput, StoreError, SecretsError; then the home is as it was."""
    disk, home = disk or Disk(), environment.home
    url, name = url_of(address), workstation_name(name)
    given = environment.practice_key
    key = practice_key_of(given) if given.strip() else PracticeKey(random(SECRET_BYTES))
    await asyncio.to_thread(make_folder, home)
    with exclusive_home(environment):
        await recover_move_locked(environment, disk)
        if (known := practice_note(home)) is not None:
            raise BadInput(
                f"This computer belongs to the practice in {known.place} already.",
                "python run.py practice status says more.",
                field="database",
            )
        note = PracticeNote(
            practice_id=uuid4().hex, workstation_id=uuid4().hex, place=place_of(url), name=name
        )
        gathered = await _gather(environment, note.workstation_id)
        member = Membership(note=note, url=url, key=key)
        await BACKUPS.run(_prepare_database, url, note.place, gathered.origin)
        now = SystemClock(environment.now).now()
        moving = MovingNote(
            direction=Direction.INTO_PRACTICE,
            stage=Stage.COPYING,
            practice_id=note.practice_id,
            workstation_id=note.workstation_id,
            place=note.place,
            aside=f"{ASIDE}-{now:%Y%m%d-%H%M%S}",
        )
        write_note(home, moving, disk)
        try:
            staging = staging_of(home)
            await BACKUPS.run(fresh_folder, staging)
            await member.keep(staged_secrets(environment, staging), environment)
            write_note(staging, note, disk)
        except BaseException:
            end_move(home, disk)
            raise
        mover = _Mover(environment, member, gathered, name=name, disk=disk, random=random)
        rows = await BACKUPS.run(mover.move, moving)
    return PracticeMade(
        note=note, key=key, rows=rows, secrets=len(gathered.secrets), aside=home / moving.aside
    )


async def _gather(environment: Environment, workstation_id: str) -> _Gathered:
    """All that is not in the home's database, which is proven to be whole. The folders that it
    watches, and its backups, are this workstation's."""
    clock = SystemClock(environment.now)
    async with AsyncExitStack() as stack:
        opened = await open_home(environment, stack, holder=HOLDER, clock=clock, changes=Changes())
        finding = await opened.stores.integrity()
        if finding != "ok":
            raise StoreDamaged(
                "The book of this home is damaged, so it was not moved.",
                "Run the doctor, or restore a backup: python run.py doctor",
                detail="integrity",
            )
        storage = DocumentStorage({})
        settings = opened.settings.read().with_folders_at(workstation_id)
        # Another writer's name: a copy of this home that still runs somewhere stops by it.
        fill(storage, replace(settings, restored_as=token_hex(8)))
        names = await opened.secrets.names()
        values = {each: await opened.secrets.get(each) for each in names}
        return _Gathered(
            documents={**storage.changed(), **notes_of(environment.home, workstation_id)},
            secrets={each: value for each, value in values.items() if value is not None},
            origin=await practice_of(environment),
        )


async def practice_of(environment: Environment) -> str:
    """Id of the practice that the book of this home was taken from; empty for none."""

    def look() -> str:
        with only_transaction(writing_engine(environment.book)) as connection:
            row = practice_in(connection)
        return "" if row is None else row.practice_id

    return await BACKUPS.run(look)


def _prepare_database(url: URL, place: str, origin: str) -> None:
    """Tables that may be filled. Raises BadInput where somebody's data are in them."""
    found = inspect_database(url)
    _check_free(found, place, origin)
    database = open_practice_database(url, SystemClock(""))
    database.access.close()


def _check_free(found: DatabaseInspection, place: str, origin: str) -> None:
    if found.foreign:
        raise BadInput(
            f"The database {place} holds tables of something else.",
            "Give an empty one, made for this: CREATE DATABASE companion",
            field="database",
        )
    if found.row is None:
        return
    if not found.row.moved_to:
        raise BadInput(
            f"There is a practice in the database {place} already.",
            "To belong to it: python run.py practice join. To make another one, give an empty "
            "database.",
            field="database",
        )
    if found.row.practice_id != origin:
        raise BadInput(
            f"The database {place} held another practice, which has moved away.",
            "Give an empty database.",
            field="database",
        )


class _Mover:
    """Blocking; the home and the app's lock are held."""

    def __init__(
        self,
        environment: Environment,
        member: Membership,
        gathered: _Gathered,
        *,
        name: str,
        disk: Disk,
        random: Callable[[int], bytes],
    ) -> None:
        self._environment = environment
        self._member = member
        self._gathered = gathered
        self._name = name
        self._disk = disk
        self._random = random

    def move(self, note: MovingNote) -> Mapping[str, int]:
        """Raises CompanionError; the home is in charge then, unless the note is still there."""
        home = self._environment.home
        try:
            close_up(self._environment.book, 3.0)
            rows, note = self._into_database(note)
        except BaseException:
            withdraw(home, self._disk, self._arrived)
            raise
        with after_the_commit(note):
            finish_creating(self._environment, note, swap_of(home, self._disk))
            end_move(home, self._disk)
        return rows

    def _into_database(self, note: MovingNote) -> tuple[Mapping[str, int], MovingNote]:
        engine = engine_of(self._member.url, 1)
        source = writing_engine(self._environment.book)
        decided = replace(note, stage=Stage.DECIDING)
        try:
            with (
                translating(),
                source.begin() as from_home,  # nobody else writes to it meanwhile
                closing(engine.connect()) as connection,
            ):
                connection.begin()
                rows = self._fill(from_home, connection)
                write_note(self._environment.home, decided, self._disk)
                commit_or_ask(connection, self._arrived)
                return rows, decided
        finally:
            engine.dispose()
            source.dispose()

    def _arrived(self) -> bool:
        """As `commit_or_ask` and `withdraw` ask it."""
        row = row_after_moves(self._member.url)
        return row is not None and row.practice_id == self._member.note.practice_id

    def _fill(self, from_home: Connection, connection: Connection) -> Mapping[str, int]:
        lock_moves(connection)
        self._clear(connection)
        copying.copy_rows(from_home, connection)
        for name, body in self._gathered.documents.items():
            connection.execute(insert(documents).values(name=name, body=body, version=1))
        note = self._member.note
        now = SystemClock(self._environment.now).now()
        key = create_practice_row(
            connection, note.practice_id, self._member.key, at=now, random=self._random
        )
        sealing = RowSealing(note.practice_id, key, self._random)
        for name, value in self._gathered.secrets.items():
            sealing.put(connection, name, value)
        add_workstation(connection, note.workstation_id, self._name, companion.__version__)
        rows = self._prove(from_home, connection, sealing)
        claim_calendars(connection, now)
        return rows

    def _clear(self, connection: Connection) -> None:
        """What this home left there when it took everything back."""
        row = practice_in(connection)
        if row is None:
            if not copying.is_empty(connection, (*copying.OF_A_HOME, documents, secrets)):
                raise BadInput(
                    f"The database {self._member.note.place} holds data of no practice.",
                    "Give an empty one.",
                    field="database",
                )
            return
        if row.practice_id != self._gathered.origin or not row.moved_to:
            raise BadInput("Another practice was made in this database just now.", field="database")
        copying.open_to_writers(connection)
        copying.remove_rows(connection, (*copying.OF_A_HOME, *OF_A_PRACTICE))

    def _prove(
        self, from_home: Connection, connection: Connection, sealing: RowSealing
    ) -> Mapping[str, int]:
        """Read back before the COMMIT, and compared. Raises StoreError."""
        here, there = copying.digests(from_home), copying.digests(connection)
        wrong = [name for name in here if here[name] != there[name]]
        written = connection.execute(select(documents.c.name, documents.c.body))
        kept = {row.name: row.body for row in written}
        if kept != dict(self._gathered.documents):
            wrong.append("documents")
        opened = {
            row.name: sealing.opened(row.name, row.generation, row.nonce, row.sealed)
            for row in connection.execute(select(secrets))
        }
        if opened != dict(self._gathered.secrets):
            wrong.append("secrets")
        if wrong:
            raise StoreError(
                "The database does not give back what was written to it, so nothing was moved.",
                "Ask whoever looks after the database server.",
                detail=" ".join(wrong),
            )
        return {name: count for name, (count, _digest) in there.items()}


def finish_creating(environment: Environment, note: MovingNote, swap: Swap) -> None:
    """The practice has everything: the files change places. May be done again. Blocking."""
    if environment.book.exists():
        with only_transaction(writing_engine(environment.book)) as connection:
            mark_moved(connection, note.practice_id, f"the practice in {note.place}")
    aside = environment.home / note.aside
    make_folder(aside)
    try:
        swap.disk.write(aside / README, _README.format(place=note.place).encode())
    except OSError as error:
        raise disk_trouble(error, aside) from error
    swap.run(moves_into_practice(environment, note.aside), environment.book)


_README = """\
What lies here is no longer used.

The data of this computer were moved into the practice in {place}, which several workstations share.
These are the files as they were before. Calendar Companion does not open this copy of the book, so
that no calendar is ever kept by two. Once backups of the practice are made, delete this folder.
"""
