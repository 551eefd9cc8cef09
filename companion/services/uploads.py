"""Uploads: one practitioner's calendar is filled, proved against Google's own list, and marked.

What a page's *Upload to Google* and the command `upload` do. Safe to repeat and to interrupt: what
was written stays, and the next upload or the background sync does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from companion.services.settings.setup import Setup
from companion.services.sync.auditing import Auditing
from companion.services.sync.syncing import Syncing

if TYPE_CHECKING:
    from companion.domain.sync_state import Held, Proof
    from companion.services.sync.passes import PassResult
    from companion.services.sync.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadResult:
    written: PassResult
    proof: Proof | None
    """How book and Google compare afterwards; None where not everything could be written, or
    where Google could not be asked."""


class Uploads:
    def __init__(self, *, syncing: Syncing, auditing: Auditing, setup: Setup) -> None:
        self._syncing = syncing
        self._auditing = auditing
        self._setup = setup

    async def run(
        self,
        practitioner_id: str,
        *,
        release: Held | None = None,
        progress: Callable[[Progress], None] | None = None,
        on_written: Callable[[PassResult], None] | None = None,
    ) -> UploadResult:
        """Write, prove, mark the setup step as done.

        `release`: removals that were shown to the person who lets them go. `on_written` is called
        before Google is asked for its own list, which takes a while. A pass of this practitioner
        that is already running is followed. Errors of Google are in the result; raises
        NotFound, and StoreError where the mark cannot be kept."""
        written = await self._syncing.run(
            practitioner_id,
            cause="upload",
            release_held=release is not None,
            shown=release,
            progress=progress,
        )
        if on_written is not None:
            on_written(written)
        if written.error is not None or written.failed:
            return UploadResult(written=written, proof=None)
        proved = await self._auditing.audit(practitioner_id, repair=False)
        if proved.error is not None:
            return UploadResult(written=written, proof=None)
        await self._setup.uploaded(practitioner_id)
        return UploadResult(written=written, proof=proved.proof)

    def cancel(self, practitioner_id: str) -> None:
        """Ask a running upload to stop after the write under way."""
        self._syncing.cancel(practitioner_id)
