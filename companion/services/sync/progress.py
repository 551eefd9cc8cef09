"""Progress: what a running pass publishes to its subscribers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SyncPhase(StrEnum):
    PLANNING = "planning"
    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def running(self) -> bool:
        return self in {SyncPhase.PLANNING, SyncPhase.WRITING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    practitioner_id: str
    done: int
    total: int
    phase: SyncPhase
    seconds_left: float | None = None
    text: str = ""
    elsewhere: bool = False
    """Another workstation's pass."""

    @property
    def sentence(self) -> str:
        if self.elsewhere:
            return "Another workstation is writing to Google now; this one follows it."
        return "Writing to Google now."
