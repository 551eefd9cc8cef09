"""Errors of setting up, as a sentence and what to do.

pip reports errors in prose only: one table of patterns translates them and system errors.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple


class ErrorPattern(NamedTuple):
    """A pattern in the output of pip or the system, what it means, what helps."""

    pattern: str
    what: str
    remedy: str


PATTERNS = (
    ErrorPattern(
        pattern=r"DO NOT MATCH THE HASHES",
        what="A package that arrived is not the one that belongs to this version of Calendar "
        "Companion: nothing was installed.",
        remedy="Start again. If it happens again, something on the way to the package server "
        "changes what is downloaded: tell whoever looks after the network.",
    ),
    ErrorPattern(
        pattern=r"No space left on device|Errno 28\b|not enough space on|Disk quota exceeded",
        what="The disk is full.",
        remedy="Free about 1 GB on the disk of {root} and start again.",
    ),
    ErrorPattern(
        pattern=r"WinError 206|Errno 36\b|name too long|extension is too long|Long Path",
        what="The folder's path is too long for this computer: {root}",
        remedy="Move the folder to a short path, such as C:\\Companion, and start again.",
    ),
    ErrorPattern(
        pattern=r"Read-only file system|Permission denied|Errno (13|30)\b|WinError 5\b"
        r"|Access is denied",
        what="This folder cannot be written to: {root}",
        remedy="Move the whole folder to one that is yours, such as Documents, and start again. "
        "If it is yours already, close other Calendar Companion windows first.",
    ),
    ErrorPattern(
        pattern=r"CERTIFICATE_VERIFY_FAILED|SSLError",
        what="The connection to the package server is not trusted: a firewall or virus scanner "
        "opens encrypted traffic, or this computer's clock is wrong.",
        remedy="Check date and time; otherwise ask whoever looks after the network to allow pip.",
    ),
    ErrorPattern(
        pattern=r"Retrying \(|ConnectionError|Connection refused|getaddrinfo|name resolution"
        r"|timed out|ProxyError|Network is unreachable|IncompleteRead",
        what="The packages could not be fetched.",
        remedy="Check this computer's internet connection and start again. Only the first start "
        "and an update need it; what was fetched already is kept.",
    ),
    ErrorPattern(
        pattern=r"No matching distribution|require a different python version",
        what="A package has no ready-made version for this computer (Python {python}).",
        remedy="Install a 64-bit Python 3.11, 3.12, 3.13 or 3.14 from "
        "https://www.python.org/downloads/ and start again. If this is one, the package server "
        "that this computer uses does not have the package: tell whoever looks after it.",
    ),
)
"""The first that fits counts."""


class SetupError(Exception):
    """What happened and what to do, in words for someone who has never seen Python."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    @classmethod
    def explaining(cls, output: str, root: Path) -> SetupError:
        """The sentence for the output of pip or the system."""
        for known in PATTERNS:
            if re.search(known.pattern, output, re.IGNORECASE):
                facts = {"root": root, "python": "{}.{}".format(*sys.version_info)}
                return cls(known.what.format(**facts), known.remedy.format(**facts))
        return cls(
            "The installation failed.",
            f"Start again. If it fails again, send {root / '.venv-setup.log'} to your support.",
        )
