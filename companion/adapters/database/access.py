"""DatabaseAccess: how the stores reach their database, one transaction for each piece of work.

Each piece of work is a function of a Connection; it runs in a thread, inside one transaction, and
its errors are translated. It must do nothing but read and write through that connection: where
the database asks for it, it runs again from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import CompoundSelect, Connection, CursorResult, Select

from companion.services.changes import Change

Result = TypeVar("Result")
Beside = TypeVar("Beside")
Work = Callable[[Connection], Result]
Question = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]
Rows = CursorResult[*tuple[Any, ...]]
Notice = Callable[[Result], Change | None]
"""What is published of a write; None where it has changed nothing."""


class DatabaseAccess(Protocol):
    @property
    def disk_full(self) -> bool:
        """A write was refused within the last hour because the server's disk was full; never, of a
        home's own file."""
        ...

    async def write(self, work: Work[Result], notice: Notice[Result] | None = None) -> Result:
        """`work` in a transaction of its own, on disk when this returns. `notice` is published
        once it is, even if the caller was cancelled meanwhile."""
        ...

    async def write_after(
        self,
        prepare: Callable[[], Work[Result]],
        notice: Notice[Result] | None = None,
    ) -> Result:
        """`write`, with something slow to do in the thread before other processes must wait."""
        ...

    async def read(self, work: Work[Result]) -> Result:
        """`work` on one snapshot; it cannot write."""
        ...

    async def ask(
        self,
        question: Question,
        answer: Callable[[Rows], Result],
        values: Mapping[str, Any] | None = None,
    ) -> Result:
        """One question, and what `answer` makes of the rows in the thread. It needs no transaction
        to see one moment, so a server is asked once instead of three times."""
        ...

    async def change_sign(self, beside: Callable[[], Beside]) -> tuple[int, Beside]:
        """Differs from before when another process has committed. With what `beside` gives
        between two writes, in the writer's thread."""
        ...

    async def backup_to(self, copy: Path) -> None:
        """An SQLite file of everything, as of one moment."""
        ...

    async def integrity(self) -> str:
        """``ok``, or the first problem found."""
        ...

    def close(self) -> None:
        """Finish what was begun, then let go of the database. Blocks; may be called again."""
        ...
