"""`python -m companion`: the program where it is installed as a package."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Windows' Python without a console has no streams; the app's own log is a file anyway."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for life
    from companion.cli import run

    run()


if __name__ == "__main__":
    main()
