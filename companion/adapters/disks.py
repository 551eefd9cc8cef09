"""Disks: whether two folders lie on the same disk.

POSIX compares device numbers, on Linux also the disks under them: two partitions of one disk fail
together. Windows compares volumes; a network share (``\\\\server\\share``) is another computer's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PureWindowsPath

_SYSTEM = Path("/sys/dev/block")


def on_another_disk(folder: Path, home: Path) -> bool:
    """Both must exist; blocking. Raises OSError. Where the system does not say which disks lie
    under two devices, each is taken for a disk."""
    if sys.platform == "win32" and is_share(folder.resolve()) != is_share(home.resolve()):
        return True
    first, second = folder.stat().st_dev, home.stat().st_dev
    if first == second:
        return False
    return not (disks_of(first) & disks_of(second))


def is_share(folder: Path | PureWindowsPath) -> bool:
    """Of Windows; a drive letter that stands for a share is resolved before."""
    return PureWindowsPath(folder).drive.startswith("\\\\")


def disks_of(device: int, system: Path = _SYSTEM) -> set[str]:
    """Names of the disks that lie under a device; the device's own number where unknown."""
    if sys.platform == "win32":
        number = str(device)
    else:
        number = f"{os.major(device)}:{os.minor(device)}"
    node = system / number
    if not node.exists():  # Windows, a network, memory, a file system over several devices
        return {number}
    return _under(node.resolve())


def _under(node: Path) -> set[str]:
    """Encrypted and joined volumes lie on others (`slaves`), a partition in its disk's folder."""
    slaves = node / "slaves"
    lower = sorted(slaves.iterdir()) if slaves.is_dir() else []
    if lower:
        return set().union(*(_under(each.resolve()) for each in lower))
    return {node.parent.name if (node / "partition").exists() else node.name}
