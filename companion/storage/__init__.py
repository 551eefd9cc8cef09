"""Storage: what is kept, and where. A home keeps all of it in its own folder (`home`), a practice
that several workstations share keeps most of it in PostgreSQL (`practice`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from companion.services.maintenance.daily_backups import BackupNotes
from companion.services.notices.keeping import NoticeStore
from companion.services.ports import (
    AlwaysHeld,
    DatabaseServer,
    Lease,
    Messages,
    SecretStore,
    SettingsStore,
    SharedPace,
    Stores,
    WorkstationRegistry,
)
from companion.services.sources.notes import SourceNotes
from companion.services.sync.snapshot import NamedLocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What differs between a home and a practice; each field is as of `Ports`."""

    settings: SettingsStore
    stores: Stores
    secrets: SecretStore
    source_notes: SourceNotes
    backup_notes: BackupNotes
    notices: NoticeStore
    sync_locks: NamedLocks
    recovered: Callable[[], str] = lambda: ""
    lease: Lease = field(default_factory=AlwaysHeld)
    shared_pace: SharedPace | None = None
    messages: Messages | None = None
    practice: WorkstationRegistry | None = None
    server: DatabaseServer | None = None
