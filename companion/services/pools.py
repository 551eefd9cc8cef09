"""Pools: what takes long runs in a few threads of its own kind.

So whatever somebody asks for, and however often, keeps nobody waiting who asks for something else;
the event loop's own threads are left to what is over in a moment. Their threads are daemons: the
program's end waits for none of them, because what they write takes its place only when it is whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from companion.services.threads import Threads

Result = TypeVar("Result")


class Pool:
    def __init__(self, name: str, size: int) -> None:
        self._threads: Threads[None] = Threads(lambda: None, size=size, name=name)

    async def run(self, work: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """As `asyncio.to_thread`. A cancelled wait leaves work that has begun running to its
        end; what has not begun is begun all the same."""
        return await self._threads.run(lambda _none: work(*args, **kwargs))


PASSWORDS = Pool("passwords", 2)
"""Hashing one takes tenths of a second and much memory."""
READING = Pool("reading", 2)
"""Each waits for a process that reads a file."""
IMPORTS = Pool("imports", 2)
"""What a file means, and what it would change in the book."""
BACKUPS = Pool("backups", 1)
EXPORTS = Pool("exports", 2)
"""Calendar files, previews of what would be shown, the support bundle."""
FEEDS = Pool("feeds", 1)
BOOK = Pool("book", 2)
"""What the screen of the book shows."""
SYNC = Pool("sync", 2)
"""What a calendar should hold."""
SECRETS = Pool("secrets", 2)
"""The system's password store may ask a person."""
LOCKS = Pool("locks", 8)
"""Waiting until another process of this home is done."""
PACING = Pool("pacing", 1)
"""What other processes spend of Google's quota."""
NOTICES = Pool("notices", 2)
"""Messages to people, each of which waits for a server or the desktop."""
SOURCES = Pool("sources", 8)
"""Other programs' appointments, which are fetched; each waits for a network."""
PROGRAMS = Pool("programs", 2)
"""Another program of ours that has yet to answer."""
PROBES = Pool("probes", 8)
"""The doctor's questions, which wait for a network."""
