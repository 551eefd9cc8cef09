"""Assembly: `build` joins the services over the outside parts that it is given.

The real app, the demo and the tests call it alike and differ only in their `Ports`. `Application`
is what commands and pages use; nothing else wires one service to another.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from companion.domain.event_keys import OWN_ID
from companion.services.accounts.accounts import Accounts
from companion.services.book.availability import Availability
from companion.services.book.booking import Booking
from companion.services.book.view import BookView
from companion.services.changes import Changes
from companion.services.checked_home import check_context
from companion.services.feeds.feeds import Feeds
from companion.services.feeds.reachability import Reachability
from companion.services.google.account_changes import AccountChanges
from companion.services.google.connecting import Connecting
from companion.services.google.selftest import SelfTest
from companion.services.google.workspace import Workspace
from companion.services.home_ports import Ports
from companion.services.imports.history import ImportHistory
from companion.services.imports.importing import Importing
from companion.services.known_names import KnownNames
from companion.services.maintenance import computer_checks
from companion.services.maintenance.all_backups import backups_of
from companion.services.maintenance.backup import Backups
from companion.services.maintenance.backup_places import BackupPlaces
from companion.services.maintenance.daily_backups import DailyBackups
from companion.services.maintenance.doctor import Doctor
from companion.services.maintenance.restore_here import RestoreHere
from companion.services.maintenance.support import Support
from companion.services.notices.looking import Looking
from companion.services.notices.notices import Notices
from companion.services.ports import (
    ActivityLog,
    AppointmentBook,
    Clock,
    Lease,
    SettingsStore,
)
from companion.services.settings.practitioners import Practitioners
from companion.services.settings.setup import Setup
from companion.services.settings.transfer import SettingTransfer
from companion.services.sources.fetched_sources import FetchedSources
from companion.services.sources.notes import current_moments
from companion.services.sources.sources import Sources
from companion.services.sources.watchers import Watchers
from companion.services.sources.watching import Watching, sources_of
from companion.services.status import Status
from companion.services.sync.auditing import Auditing
from companion.services.sync.pacing import Pacer
from companion.services.sync.pausing import Pausing
from companion.services.sync.snapshot import SyncParts
from companion.services.sync.staleness import Staleness
from companion.services.sync.sync_requests import SyncRequests
from companion.services.sync.syncing import Syncing
from companion.services.sync.worker import Worker
from companion.services.this_computer import ThisComputer
from companion.services.uploads import Uploads
from companion.services.workstations import SharedPractice


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Every service of one home, for commands and pages."""

    clock: Clock
    changes: Changes
    settings: SettingsStore
    book: AppointmentBook
    activity: ActivityLog
    practitioners: Practitioners
    importing: Importing
    imports: ImportHistory
    sources: Sources
    fetched_sources: FetchedSources
    watching: Watching
    connecting: Connecting
    selftest: SelfTest
    workspace: Workspace
    syncing: Syncing
    auditing: Auditing
    uploads: Uploads
    feeds: Feeds
    reachability: Reachability
    status: Status
    pausing: Pausing
    notices: Notices
    worker: Worker
    asking: SyncRequests
    lease: Lease
    """Whose holder does what one workstation at a time does."""
    stay_on: Callable[[], Coroutine[Any, Any, None]] | None
    """Be seen as on by the other workstations, until cancelled; None in a home of its own."""
    booking: Booking
    book_view: BookView
    availability: Availability
    doctor: Doctor
    support: Support
    backups: Backups
    daily_backups: DailyBackups
    restore_here: RestoreHere
    transfer: SettingTransfer
    accounts: Accounts
    setup: Setup
    this_computer: ThisComputer
    shared_practice: SharedPractice
    recovered: str
    """A sentence when the settings had to come from their last good copy; else empty."""


def build(ports: Ports) -> Application:
    """Nothing is opened or started: `worker.run` and `watching.run` are for the app to call, and
    `feeds.close` for whoever closes the ports."""
    clock, settings, home = ports.clock, ports.settings, ports.home
    book, ledger = ports.stores.book, ports.stores.ledger
    links, activity = ports.stores.feeds, ports.stores.activity
    practice = settings.read().practice
    names = KnownNames(book)

    # ── sync ──────────────────────────────────────────────────────────────────────────────────
    staleness = Staleness(
        book=book,
        ledger=ledger,
        settings=settings,
        clock=clock,
        fetched=lambda: current_moments(ports.source_notes),
    )
    pacer = Pacer(
        clock,
        user_rate=practice.user_rate,
        project_rate=practice.project_rate,
        shared=ports.shared_pace,
    )
    syncing = Syncing(
        SyncParts(
            book=book,
            names=names,
            ledger=ledger,
            settings=settings,
            google=ports.google,
            activity=activity,
            locks=ports.sync_locks,
            pacer=pacer,
            clock=clock,
            chance=ports.chance,
            stale_since=staleness.for_google,
        ),
        ports.changes,
        ports.messages,
    )
    auditing = Auditing(syncing=syncing, ledger=ledger, settings=settings)
    setup = Setup(settings, clock)

    def phones_at() -> str:
        host, port = reachability.listener()
        return f"{host}:{port}" if reachability.listener_status.is_open else ""

    shared_practice = SharedPractice(
        practice=ports.practice,
        server=ports.server,
        activity=activity,
        clock=clock,
    )

    # ── feeds ─────────────────────────────────────────────────────────────────────────────────
    bound, port = ports.listener
    reachability = Reachability(
        settings=settings,
        feeds=links,
        network=ports.network,
        probes=ports.probes,
        clock=clock,
        bound=bound,
        port=port,
    )
    feeds = Feeds(
        book=book,
        names=names,
        settings=settings,
        store=links,
        secrets=ports.secrets,
        activity=activity,
        clock=clock,
        changes=ports.changes,
        writer=ports.feed_writer,
        kept=ports.feed_files,
        listener=reachability.listener,
        stale_since=staleness.since,
        reachable=lambda: shared_practice.reachable,
    )

    async def prune_activity() -> None:
        await activity.prune(clock.now() - settings.read().practice.activity_kept)

    connecting = Connecting(
        google=ports.google,
        settings=settings,
        secrets=ports.secrets,
        ledger=ledger,
        activity=activity,
        clock=clock,
        syncing=syncing,
    )

    async def look(practitioner_id: str) -> None:
        await connecting.test(practitioner_id, fresh=False)
        await syncing.look(practitioner_id)

    worker = Worker(
        syncing=syncing,
        auditing=auditing,
        book=book,
        settings=settings,
        clock=clock,
        chance=ports.chance,
        changes=ports.changes,
        staleness=staleness,
        daily=(feeds.tidy, prune_activity),
        look=look,
    )

    # ── what comes in ─────────────────────────────────────────────────────────────────────────
    practitioners = Practitioners(
        settings=settings,
        book=book,
        clock=clock,
        leaving=(feeds.revoke_all,),
        activity=activity,
    )
    importing = Importing(
        book=book,
        settings=settings,
        practitioners=practitioners,
        reader=ports.workbooks,
        own_layouts=ports.own_layouts,
        activity=activity,
        clock=clock,
    )
    sources, fetched_sources, watching = sources_of(
        settings=settings,
        notes=ports.source_notes,
        remotes=ports.remotes,
        secrets=ports.secrets,
        importing=importing,
        reader=ports.workbooks,
        book=book,
        activity=activity,
        clock=clock,
        spool=home / "watched",
        locks=ports.sync_locks,
        watchers=Watchers(
            practice=ports.practice,
            lease=ports.lease,
            workstations=shared_practice.workstations,
        ),
    )
    backups = backups_of(
        ports.backups,
        stores=ports.stores,
        settings=settings,
        secrets=ports.secrets,
        clock=clock,
        locks=ports.sync_locks,
        home=home,
        program=ports.version,
        places=BackupPlaces(ports.practice, shared_practice.workstations),
    )
    status = Status(
        settings=settings,
        book=book,
        ledger=ledger,
        feeds=links,
        activity_log=activity,
        syncing=syncing,
        clock=clock,
        staleness=staleness,
        next_look=worker.next_look,
        keeping=shared_practice.keeping,
    )
    checked = check_context(
        ports, connecting, reachability, sources, backups.daily, shared_practice
    )
    notices = Notices(
        ways=ports.notices,
        looking=Looking(
            status=status,
            sources=sources,
            staleness=staleness,
            feeds=links,
            activity=activity,
            settings=settings,
            daily_backups=backups.daily,
            disk=partial(computer_checks.disk, checked),
        ),
        names=names,
        settings=settings,
        secrets=ports.secrets,
        activity=activity,
        clock=clock,
        changes=ports.changes,
        chance=ports.chance,
    )
    return Application(
        clock=clock,
        changes=ports.changes,
        settings=settings,
        book=book,
        activity=activity,
        practitioners=practitioners,
        importing=importing,
        imports=ImportHistory(
            book=book,
            settings=settings,
            practitioners=practitioners,
            feeds=links,
            activity=activity,
            clock=clock,
        ),
        sources=sources,
        fetched_sources=fetched_sources,
        watching=watching,
        connecting=connecting,
        selftest=SelfTest(
            ports.google,
            AccountChanges(ports.google, settings, ports.secrets, activity, clock),
            clock,
            program=ports.version,
            random_word=ports.new_id,
        ),
        workspace=Workspace(connecting=connecting, settings=settings, clock=clock),
        syncing=syncing,
        auditing=auditing,
        uploads=Uploads(syncing=syncing, auditing=auditing, setup=setup),
        feeds=feeds,
        reachability=reachability,
        status=status,
        pausing=Pausing(settings, clock),
        notices=notices,
        worker=worker,
        asking=SyncRequests(worker=worker, lease=ports.lease, ledger=ledger, settings=settings),
        lease=ports.lease,
        stay_on=partial(ports.practice.stay_on, phones_at) if ports.practice is not None else None,
        booking=Booking(
            book=book,
            settings=settings,
            clock=clock,
            identity=lambda: f"{OWN_ID}{ports.new_id()}",
        ),
        book_view=BookView(
            book=book, names=names, settings=settings, ledger=ledger, feeds=links, clock=clock
        ),
        availability=Availability(settings=settings),
        doctor=Doctor(checked),
        support=Support(
            settings=settings,
            book=book,
            ledger=ledger,
            feeds=links,
            activity=activity,
            secrets=ports.secrets,
            versions=ports.probes.versions,
            clock=clock,
            home=home,
            program=ports.version,
            log_name=ports.log_name,
            passphrases=(ports.secrets_key,),
        ),
        backups=backups.backups,
        daily_backups=backups.daily,
        restore_here=backups.restore_here,
        transfer=SettingTransfer(settings=settings, clock=clock, activity=activity),
        setup=setup,
        accounts=Accounts(
            settings=settings,
            passwords=ports.passwords,
            sessions=ports.sessions,
            activity=activity,
            clock=clock,
        ),
        this_computer=ThisComputer(ports.desktop),
        shared_practice=shared_practice,
        recovered=ports.recovered(),
    )
