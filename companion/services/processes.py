"""Other programs that we start: what they are given of this process's environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SECRET_NAME = re.compile(
    r"^COMPANION_|PASS|SECRET|TOKEN|CREDENTIAL|PRIVATE|_PWD$|_AUTH$|(^|_)(API)?KEY(_ID)?$|DSN$",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(r"://[^/\s@]*:[^/\s@]*@")
"""An address with a password in it: a database's, a proxy's."""


def without_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """For a child: without our own variables, and without what bears a password or may be one."""
    return {
        name: value
        for name, value in variables.items()
        if not _SECRET_NAME.search(name) and not _SECRET_VALUE.search(value)
    }
