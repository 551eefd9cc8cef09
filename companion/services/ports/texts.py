"""KeptText: one small text that all processes of a home, or of its practice, read and write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class KeptText(Protocol):
    async def read(self) -> str | bytes:
        """Empty where there is nothing, or nothing that can be read."""
        ...

    async def change(self, edit: Callable[[str | bytes], str | None]) -> None:
        """Read and written as one step among all processes; None leaves it as it is. `edit` runs
        in a thread, maybe more than once. Raises what it raises, Busy, StoreError."""
        ...
