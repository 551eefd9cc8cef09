"""SyncRequests: a person wants every calendar looked at now, whichever workstation keeps them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from companion.domain.sync_state import SyncState
from companion.services.ports import Lease, Ledger, SettingsStore
from companion.services.sync.worker import Worker


@dataclass(slots=True, kw_only=True)
class SyncRequests:
    worker: Worker
    lease: Lease
    ledger: Ledger
    settings: SettingsStore

    async def sync_now(self) -> None:
        """Returns once it is asked for; where no workstation is on, the next that is does it.
        Raises StoreError."""
        if self.lease.held:
            self.worker.sync_now()
            return
        for practitioner_id, record in self.settings.read().practitioners.items():
            if record.syncs:
                await self.ledger.edit_state(practitioner_id, _asked)


def _asked(state: SyncState) -> SyncState:
    return replace(state, fingerprint="", asked=state.asked + 1)
