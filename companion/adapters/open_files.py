"""How many files and connections this process may have open at once."""

from __future__ import annotations

import sys
from contextlib import suppress

WANTED = 4_096
"""macOS begins with 256, most Linux systems with 1,024."""


def raise_open_files() -> int:
    """Raise the bound as far as the system lets us, up to `WANTED`; what it is then."""
    if sys.platform == "win32":  # sockets do not count there
        return WANTED
    else:  # noqa: RET505 - mypy looks at this for one system at a time
        import resource

        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        soft, hard = (WANTED if each == resource.RLIM_INFINITY else each for each in limits)
        if soft < min(WANTED, hard):
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (min(WANTED, hard), limits[1]))
                return min(WANTED, hard)
        return soft
