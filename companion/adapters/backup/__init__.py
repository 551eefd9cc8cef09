"""A backup file: parts of the home sealed under a passphrase; and putting them back."""

from companion.adapters.backup.archive import SealedArchive
from companion.adapters.backup.home_copy import HomeCopy
from companion.adapters.backup.swap import HomeSwap, Move, Swap

__all__ = ["HomeCopy", "HomeSwap", "Move", "SealedArchive", "Swap"]
