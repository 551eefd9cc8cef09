"""Ports: every part of one home that comes from outside, for `assembly.build`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from companion.services.accounts.accounts import PasswordHasher
from companion.services.accounts.sessions import SessionStore
from companion.services.changes import Changes
from companion.services.feeds.ports import FeedWriter, KeptFeeds
from companion.services.feeds.reachability import ANYWHERE, FEED_PORT, Network
from companion.services.imports.layouts.software import Software
from companion.services.maintenance.all_backups import BackupPorts
from companion.services.maintenance.findings import ComputerProbes, HomeRights
from companion.services.notices.ways import NoticeWays
from companion.services.ports import (
    AlwaysHeld,
    Clock,
    DatabaseServer,
    Google,
    Lease,
    Messages,
    SecretStore,
    SettingsStore,
    SharedPace,
    Stores,
    WorkstationRegistry,
)
from companion.services.sources.notes import SourceNotes
from companion.services.sources.remote import RemoteSources
from companion.services.sync.snapshot import NamedLocks
from companion.services.this_computer import Desktop
from companion.services.workbooks import WorkbookReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Every part that comes from outside, and what is known of this home."""

    home: Path
    """The data folder: drafts, backups and copies of watched files lie in it."""
    clock: Clock
    changes: Changes
    """To which the stores publish."""
    settings: SettingsStore
    stores: Stores
    secrets: SecretStore
    google: Google
    workbooks: WorkbookReader
    own_layouts: Callable[[], Sequence[Software]]
    """Layouts that the practice has added."""
    feed_writer: FeedWriter
    feed_files: KeptFeeds
    source_notes: SourceNotes
    remotes: RemoteSources
    sync_locks: NamedLocks
    """One pass per practitioner among all processes."""
    passwords: PasswordHasher
    sessions: SessionStore
    network: Network
    probes: ComputerProbes
    home_rights: HomeRights
    backups: BackupPorts
    desktop: Desktop
    notices: NoticeWays
    version: str
    """Of Calendar Companion."""
    log_name: str
    listener: tuple[str, int] = (ANYWHERE, FEED_PORT)
    """Where the listener for phones is, or was when the app last ran."""
    secrets_key: str = ""
    """COMPANION_SECRETS_KEY, to warn of a weak one and to keep it out of support bundles."""
    rehearsing: bool = False
    """The clock is set by COMPANION_NOW."""
    recovered: Callable[[], str] = lambda: ""
    """A sentence when the settings had to come from their last good copy; else empty."""
    app_runs: Callable[[], bool] = lambda: False
    """Whether the app of this home is running, in any process."""
    lease: Lease = field(default_factory=AlwaysHeld)
    shared_pace: SharedPace | None = None
    """None where no other process calls Google in this one's name."""
    messages: Messages | None = None
    """To the other workstations that are on."""
    practice: WorkstationRegistry | None = None
    """None for a home that no other computer shares."""
    server: DatabaseServer | None = None
    """Of such a practice."""
    chance: random.Random = field(default_factory=random.Random)
    """Jitter."""
    new_id: Callable[[], str] = lambda: uuid4().hex
