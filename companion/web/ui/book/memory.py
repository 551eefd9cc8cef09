"""What a browser tab keeps of the Appointment Book over a reload: the edits that can be undone,
and the location that was chosen. It stays in this process, and is each signed-in user's own."""

from __future__ import annotations

from dataclasses import dataclass, field

from nicegui import app

from companion.services.book.trail import Trail


@dataclass(slots=True, kw_only=True)
class TabMemory:
    trail: Trail = field(default_factory=Trail)
    location: str = ""


def tab_memory(user_id: str) -> TabMemory:
    """Of the tab at hand, once it is connected."""
    kept: TabMemory = app.storage.tab.setdefault(f"book of {user_id}", TabMemory())
    return kept
