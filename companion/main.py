"""The composition root: each real part is named once, here.

`open_companion` reads like a parts list: environment → stores → Google → services. Commands and
the app open the house the same way and differ only in what they call.
"""

from __future__ import annotations

import logging
import os
import random
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import platformdirs

from companion.adapters.clock import SystemClock
from companion.adapters.database.opening import Database, open_database, path_of
from companion.adapters.feed_files import FeedFiles
from companion.adapters.file_locks import FileLock, NamedFileLocks
from companion.adapters.google.service import GoogleGateway
from companion.adapters.icalendar import CalendarWriter
from companion.adapters.keyring_entry import KeyringEntry
from companion.adapters.logs import FILE_NAME, log_to
from companion.adapters.network.interfaces import MachineNetwork
from companion.adapters.passwords import Argon2Passwords
from companion.adapters.probes import MachineProbes
from companion.adapters.secrets import LOCK_NAME, SealedSecrets
from companion.adapters.sessions import SessionFile
from companion.adapters.settings import SettingsFile
from companion.adapters.source_notes import LOCK_NAME as SOURCES_LOCK
from companion.adapters.source_notes import SourceNotesFile
from companion.adapters.tabular.tables import TableFiles
from companion.care import Rooms, care_for, finish_restore, restoring
from companion.domain.appointments import Practitioner
from companion.domain.errors import CompanionError
from companion.domain.event_keys import OWN_ID
from companion.services.accounts.accounts import Accounts
from companion.services.application import Services
from companion.services.book.availability import Availability
from companion.services.book.booking import Booking
from companion.services.book.view import BookView
from companion.services.changes import Changes
from companion.services.feeds.feeds import Feeds
from companion.services.feeds.reachability import ANYWHERE, Reachability
from companion.services.files import Disk, disk_trouble, make_folder, write_durably
from companion.services.google.connecting import Connected, Connecting
from companion.services.google.consents import CalendarChoice
from companion.services.imports.importing import Importing
from companion.services.settings.practitioners import Practitioners
from companion.services.settings.setup import Setup
from companion.services.sources.sources import Sources
from companion.services.sources.watching import Watching
from companion.services.status import Status
from companion.services.sync.auditing import Auditing
from companion.services.sync.pacing import Pacer
from companion.services.sync.snapshot import SyncParts
from companion.services.sync.staleness import Staleness
from companion.services.sync.syncing import Syncing
from companion.services.sync.worker import Worker

if TYPE_CHECKING:
    from companion.services.maintenance.restore import Restoring
    from companion.services.ports import SecretStore

log = logging.getLogger(__name__)
FEED_PORT = 8090
LISTENER_NOTE = "phones.listener"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the environment variables of the contract say."""

    home: Path
    database_url: str = ""
    google_api: str = ""
    secrets_key: str = ""
    now: str = ""

    @classmethod
    def of_process(cls, variables: Mapping[str, str] = os.environ) -> Environment:
        home = variables.get("COMPANION_HOME", "").strip()
        return cls(
            home=Path(home).expanduser()
            if home
            else Path(platformdirs.user_data_dir("Calendar Companion", appauthor=False)),
            database_url=variables.get("COMPANION_DATABASE_URL", "").strip(),
            google_api=variables.get("COMPANION_GOOGLE_API", "").strip(),
            secrets_key=variables.get("COMPANION_SECRETS_KEY", ""),
            now=variables.get("COMPANION_NOW", ""),
        )

    @property
    def book(self) -> Path:
        """The database's file. Raises BadInput for a URL that names none."""
        return path_of(self.database_url) if self.database_url else self.home / "companion.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Everything that is open, for commands and for the app."""

    home: Path
    services: Services
    database: Database
    secrets: SecretStore
    recovered: str
    """A sentence when the settings had to come from their last good copy; else empty."""

    def practitioner(self, wanted: str) -> Practitioner:
        """By id or name; raises NotFound."""
        return self.services.settings.read().practitioner(wanted).practitioner

    def names(self) -> dict[str, str]:
        records = self.services.settings.read().practitioners
        return {key: each.practitioner.name for key, each in records.items()}

    def chosen(self, wanted: Sequence[str], *, everybody: bool) -> list[Practitioner]:
        """The named ones; without names (or with `everybody`) all that sync."""
        if wanted and not everybody:
            return [self.practitioner(each) for each in wanted]
        return [
            each.practitioner
            for each in self.services.settings.read().practitioners.values()
            if each.syncs
        ]

    def feed_address(self) -> str:
        return self.services.reachability.address()

    async def connect(
        self,
        practitioner_id: str,
        *,
        login: str,
        calendar_id: str,
        new_calendar: str | None,
        show: Callable[[str], None],
        browser: bool,
    ) -> Connected:
        """The loopback sign-in of the command line; `show` gets the address to open."""
        from companion.adapters.google.loopback import Loopback

        choice = None
        if calendar_id:
            choice = CalendarChoice(kind="existing", calendar_id=calendar_id)
        elif new_calendar is not None:
            choice = CalendarChoice(kind="new", name=new_calendar)
        async with Loopback() as loopback:
            start = await self.services.connecting.begin(
                practitioner_id, login=login, calendar=choice, redirect_uri=loopback.redirect_uri
            )
            show(start.url)
            if browser:
                webbrowser.open(start.url)
            answer = await loopback.answer(start.state)
            return await self.services.connecting.finish(answer)

    @staticmethod
    def write_file(path: Path, content: bytes) -> None:
        """A file a person asked for; whole or not at all. Raises StoreError."""
        try:
            write_durably(path, content, Disk())
        except OSError as error:
            raise disk_trouble(error, path) from error


@asynccontextmanager
async def open_companion(
    environment: Environment, *, holder: str, phones: tuple[str, int] | None = None
) -> AsyncIterator[Application]:
    """Open every store and service of one home. `holder` says in words who we are, for others
    that have to wait; `phones` is the host and port of their listener, None for where the app last
    had it. Raises CompanionError when something cannot be opened."""
    home = environment.home
    async with AsyncExitStack() as stack:
        make_folder(home)
        finish_restore(home)
        stack.enter_context(log_to(home))
        clock = SystemClock(environment.now)
        changes = Changes()
        settings = SettingsFile(
            home, lock=FileLock(home / "settings.lock", holder=holder), changes=changes
        )
        install_id = settings.read().install_id
        database = open_database(environment.book, clock, changes=changes)
        stack.push_async_callback(database.close)
        secrets = SealedSecrets(
            home,
            vault=KeyringEntry(home),
            lock=FileLock(home / LOCK_NAME, holder=holder),
            passphrase=environment.secrets_key,
        )
        google = GoogleGateway(
            secrets=secrets, clock=clock, install_id=install_id, api_root=environment.google_api
        )
        stack.callback(google.close)
        practice = settings.read().practice
        pacer = Pacer(clock, user_rate=practice.user_rate, project_rate=practice.project_rate)
        staleness = Staleness(
            book=database.book, ledger=database.ledger, settings=settings, clock=clock
        )
        parts = SyncParts(
            book=database.book,
            ledger=database.ledger,
            settings=settings,
            google=google,
            activity=database.activity,
            locks=NamedFileLocks(home / "turns", holder=holder),
            pacer=pacer,
            clock=clock,
            chance=random.Random(),  # noqa: S311 - jitter
            stale_since=staleness.for_google,
        )
        syncing = Syncing(parts, changes)
        auditing = Auditing(syncing=syncing, ledger=database.ledger, settings=settings)

        probes = MachineProbes(google_api=environment.google_api)
        bound, port = phones or noted_listener(home)
        reachability = Reachability(
            settings=settings,
            feeds=database.feeds,
            network=MachineNetwork(),
            probes=probes,
            clock=clock,
            bound=bound,
            port=port,
        )
        feeds = Feeds(
            book=database.book,
            settings=settings,
            store=database.feeds,
            secrets=secrets,
            activity=database.activity,
            clock=clock,
            changes=changes,
            writer=CalendarWriter(install_id),
            kept=FeedFiles(home / "feeds"),
            listener=reachability.listener,
            stale_since=staleness.since,
        )
        stack.push_async_callback(feeds.close)
        worker = Worker(
            syncing=syncing,
            auditing=auditing,
            book=database.book,
            settings=settings,
            clock=clock,
            chance=random.Random(),  # noqa: S311 - jitter
            changes=changes,
            staleness=staleness,
            daily=(
                feeds.tidy,
                lambda: database.activity.prune(
                    clock.now() - settings.read().practice.activity_kept
                ),
            ),
        )
        practitioners = Practitioners(
            settings=settings, book=database.book, clock=clock, leaving=(feeds.revoke_all,)
        )
        importing = Importing(
            book=database.book,
            settings=settings,
            practitioners=practitioners,
            reader=TableFiles(),
            activity=database.activity,
            clock=clock,
        )
        notes = SourceNotesFile(home, lock=FileLock(home / SOURCES_LOCK, holder=holder))

        connecting = Connecting(
            google=google,
            settings=settings,
            secrets=secrets,
            ledger=database.ledger,
            activity=database.activity,
            clock=clock,
            syncing=syncing,
        )
        care = care_for(
            Rooms(
                home=home,
                clock=clock,
                settings=settings,
                database=database,
                secrets=secrets,
                google=google,
                connecting=connecting,
                google_api=environment.google_api,
                secrets_key=environment.secrets_key,
                listener=reachability.listener,
            )
        )
        yield Application(
            home=home,
            database=database,
            secrets=secrets,
            recovered=settings.recovered,
            services=Services(
                clock=clock,
                changes=changes,
                settings=settings,
                book=database.book,
                activity=database.activity,
                practitioners=practitioners,
                importing=importing,
                sources=Sources(
                    settings=settings, notes=notes, importing=importing, spool=home / "watched"
                ),
                watching=Watching(
                    settings=settings,
                    notes=notes,
                    importing=importing,
                    book=database.book,
                    activity=database.activity,
                    clock=clock,
                    spool=home / "watched",
                ),
                connecting=connecting,
                syncing=syncing,
                auditing=auditing,
                feeds=feeds,
                reachability=reachability,
                status=Status(
                    settings=settings,
                    book=database.book,
                    ledger=database.ledger,
                    feeds=database.feeds,
                    activity=database.activity,
                    syncing=syncing,
                    clock=clock,
                    staleness=staleness,
                ),
                worker=worker,
                booking=Booking(
                    book=database.book,
                    settings=settings,
                    clock=clock,
                    identity=lambda: f"{OWN_ID}{uuid4().hex}",
                ),
                book_view=BookView(
                    book=database.book,
                    settings=settings,
                    ledger=database.ledger,
                    feeds=database.feeds,
                    clock=clock,
                ),
                availability=Availability(settings=settings),
                doctor=care.doctor,
                support=care.support,
                backups=care.backups,
                transfer=care.transfer,
                setup=Setup(settings, clock),
                accounts=Accounts(
                    settings=settings,
                    passwords=Argon2Passwords(),
                    sessions=SessionFile(home),
                    activity=database.activity,
                    clock=clock,
                ),
            ),
        )


def restoring_of(environment: Environment) -> Restoring:
    """To put a backup in place of a home that nobody has open. Raises CompanionError."""
    finish_restore(environment.home)
    return restoring(
        environment.home,
        environment.book,
        secrets_key=environment.secrets_key,
        clock=SystemClock(environment.now),
    )


def noted_listener(home: Path) -> tuple[str, int]:
    """Where the app last answered phones, so that a command makes the right links."""
    try:
        host, port = (home / LISTENER_NOTE).read_text(encoding="ascii").split()
        return host, int(port)
    except (OSError, ValueError):
        return ANYWHERE, FEED_PORT


def note_listener(home: Path, host: str, port: int) -> None:
    """A note that cannot be written costs a wrong port in a link that a command prints."""
    with suppress(OSError, ValueError):
        (home / LISTENER_NOTE).write_text(f"{host} {port}", encoding="ascii")


def note_mistake(error: Exception) -> CompanionError:
    """Log where an internal error happened; the error to show instead."""
    home = Environment.of_process().home
    if home.is_dir():
        with log_to(home):
            log.error("an internal error", exc_info=error)
    return CompanionError(
        "Calendar Companion stumbled over a mistake of its own; nothing is lost.",
        f"Try again. If it happens again, send the file {FILE_NAME} of the data folder to "
        "whoever looks after your computers: it holds no client names.",
    )
