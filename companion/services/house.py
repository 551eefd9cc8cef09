"""Services: the use cases that the command line and the pages call, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from companion.services.accounts import Accounts
from companion.services.auditing import Auditing
from companion.services.availability import Availability
from companion.services.backup import Backups
from companion.services.book_view import BookView
from companion.services.booking import Booking
from companion.services.connecting import Connecting
from companion.services.doctor import Doctor
from companion.services.feeds import Feeds
from companion.services.importing import Importing
from companion.services.ports import ActivityLog, AppointmentBook, Clock, SettingsStore
from companion.services.practitioners import Practitioners
from companion.services.reachability import Reachability
from companion.services.setting_transfer import SettingTransfer
from companion.services.setup import Setup
from companion.services.sources import Sources
from companion.services.status import Status
from companion.services.support import Support
from companion.services.syncing import Syncing
from companion.services.watching import Watching
from companion.services.worker import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    clock: Clock
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
