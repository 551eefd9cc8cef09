"""Services: the use cases that the command line and the pages call, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from companion.services.accounts.accounts import Accounts
from companion.services.book.availability import Availability
from companion.services.book.booking import Booking
from companion.services.book.view import BookView
from companion.services.changes import Changes
from companion.services.feeds.feeds import Feeds
from companion.services.feeds.reachability import Reachability
from companion.services.google.connecting import Connecting
from companion.services.imports.importing import Importing
from companion.services.maintenance.backup import Backups
from companion.services.maintenance.doctor import Doctor
from companion.services.maintenance.support import Support
from companion.services.ports import ActivityLog, AppointmentBook, Clock, SettingsStore
from companion.services.settings.practitioners import Practitioners
from companion.services.settings.setup import Setup
from companion.services.settings.transfer import SettingTransfer
from companion.services.sources.sources import Sources
from companion.services.sources.watching import Watching
from companion.services.status import Status
from companion.services.sync.auditing import Auditing
from companion.services.sync.syncing import Syncing
from companion.services.sync.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    clock: Clock
    changes: Changes
    settings: SettingsStore
    book: AppointmentBook
    activity: ActivityLog
    practitioners: Practitioners
    importing: Importing
    sources: Sources
    watching: Watching
    connecting: Connecting
    syncing: Syncing
    auditing: Auditing
    feeds: Feeds
    reachability: Reachability
    status: Status
    worker: Worker
    booking: Booking
    book_view: BookView
    availability: Availability
    doctor: Doctor
    support: Support
    backups: Backups
    transfer: SettingTransfer
    accounts: Accounts
    setup: Setup
