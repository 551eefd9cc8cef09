"""PageServices: the services that pages are given. Each is behind the gate, which checks at every
call whether the user at the page may make it (`companion.services.access`): a page that was opened
before a role changed, or before a session ended, can do no more than one opened now.

Stores, worker and the like are no services for pages, so they are not here. The program's own work
(uploads under way, the pulse of the book, schedules) has the services themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from companion.services.access.gate import Who, gated
from companion.services.accounts.accounts import Accounts
from companion.services.assembly import Application
from companion.services.book.availability import Availability
from companion.services.book.booking import Booking
from companion.services.book.view import BookView
from companion.services.feeds.feeds import Feeds
from companion.services.feeds.reachability import Reachability
from companion.services.google.connecting import Connecting
from companion.services.google.selftest import SelfTest
from companion.services.google.workspace import Workspace
from companion.services.imports.history import ImportHistory
from companion.services.imports.importing import Importing
from companion.services.maintenance.backup import Backups
from companion.services.maintenance.daily_backups import DailyBackups
from companion.services.maintenance.doctor import Doctor
from companion.services.maintenance.restore_here import RestoreHere
from companion.services.maintenance.support import Support
from companion.services.notices.notices import Notices
from companion.services.ports import Clock
from companion.services.settings.practitioners import Practitioners
from companion.services.settings.reading import SettingsReader
from companion.services.settings.setup import Setup
from companion.services.settings.transfer import SettingTransfer
from companion.services.sources.fetched_sources import FetchedSources
from companion.services.sources.sources import Sources
from companion.services.status import Status
from companion.services.sync.auditing import Auditing
from companion.services.sync.pausing import Pausing
from companion.services.sync.syncing import Syncing
from companion.services.this_computer import ThisComputer
from companion.services.workstations import SharedPractice


@dataclass(frozen=True, slots=True, kw_only=True)
class PageServices:
    clock: Clock
    """Without a gate: it needs no permission."""
    settings: SettingsReader
    practitioners: Practitioners
    importing: Importing
    imports: ImportHistory
    sources: Sources
    fetched_sources: FetchedSources
    connecting: Connecting
    selftest: SelfTest
    workspace: Workspace
    syncing: Syncing
    auditing: Auditing
    feeds: Feeds
    reachability: Reachability
    status: Status
    pausing: Pausing
    notices: Notices
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


def page_services(services: Application, who: Who) -> PageServices:
    """`who` gives the user at the page, at every call."""
    apart: dict[str, Any] = {
        "clock": services.clock,
        "settings": gated(SettingsReader(services.settings), who),
    }
    names = [each.name for each in fields(PageServices) if each.name not in apart]
    return PageServices(**apart, **{name: gated(getattr(services, name), who) for name in names})
