"""A real Syncing over a test's own fakes, for services that ask it to remove events."""

from __future__ import annotations

import random

from companion.services.changes import Changes
from companion.services.known_names import KnownNames
from companion.services.ports import ActivityLog, Clock, Google, Ledger, SettingsStore
from companion.services.sync.pacing import Pacer
from companion.services.sync.snapshot import NamedLocks, SyncParts
from companion.services.sync.syncing import Syncing
from tests.fakes.book_store import MemoryBook
from tests.fakes.locks import FreeLocks


def syncing_over(
    *,
    google: Google,
    settings: SettingsStore,
    ledger: Ledger,
    activity: ActivityLog,
    clock: Clock,
    locks: NamedLocks | None = None,
) -> Syncing:
    """With an empty book and Google's usual limits."""
    book = MemoryBook()
    return Syncing(
        SyncParts(
            book=book,
            names=KnownNames(book),
            ledger=ledger,
            settings=settings,
            google=google,
            activity=activity,
            locks=locks or FreeLocks(),
            pacer=Pacer(clock, user_rate=10, project_rate=166),
            clock=clock,
            chance=random.Random(1),
        ),
        Changes(),
    )
