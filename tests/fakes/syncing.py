"""A Connecting over a test's own fakes, with the real Syncing that removes events for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from secrets import token_hex

from companion.services.changes import Changes
from companion.services.google.connecting import Connecting
from companion.services.known_names import KnownNames
from companion.services.ports import (
    ActivityLog,
    Clock,
    Google,
    Ledger,
    SecretStore,
    SettingsStore,
)
from companion.services.sync.pacing import Pacer
from companion.services.sync.snapshot import NamedLocks, SyncParts
from companion.services.sync.syncing import Syncing
from tests.fakes.book_store import MemoryBook
from tests.fakes.locks import FreeLocks


def connecting_over(
    *,
    google: Google,
    settings: SettingsStore,
    secrets: SecretStore,
    ledger: Ledger,
    activity: ActivityLog,
    clock: Clock,
    locks: NamedLocks | None = None,
    random_word: Callable[[], str] = lambda: token_hex(8),
) -> Connecting:
    """With an empty book and Google's usual limits."""
    book = MemoryBook()
    parts = SyncParts(
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
    )
    return Connecting(
        google=google,
        settings=settings,
        secrets=secrets,
        ledger=ledger,
        activity=activity,
        clock=clock,
        syncing=Syncing(parts, Changes()),
        random_word=random_word,
    )
