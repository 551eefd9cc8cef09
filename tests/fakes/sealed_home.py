"""A home with a sealed file of secrets, to be opened again and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from companion.adapters.file_locks import FileLock
from companion.adapters.keyring_entry import KeyringEntry
from companion.adapters.secrets import SealedSecrets, argon2id
from companion.services.files import Disk
from tests.fakes.keyrings import GoodKeyring

SECRET = "1//refresh-token-of-anna"


class Home:
    """One data folder and the password store of its user."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keyring = GoodKeyring()

    @property
    def path(self) -> Path:
        return self.folder / "secrets.json"

    def open(
        self,
        passphrase: str = "",
        disk: Disk | None = None,
        stretch: Callable[[str, Mapping[str, Any]], bytes] = argon2id,
    ) -> SealedSecrets:
        """As a newly started process would."""
        return SealedSecrets(
            self.folder,
            vault=KeyringEntry(self.folder, backend=lambda: self.keyring),
            lock=FileLock(self.folder / "secrets.lock", holder="a test"),
            passphrase=passphrase,
            disk=disk,
            stretch=stretch,
        )

    def edit(self, change: Callable[[Any], None]) -> bytes:
        document = json.loads(self.path.read_bytes())
        change(document)
        self.path.write_text(json.dumps(document))
        return self.path.read_bytes()


async def filled(home: Home, passphrase: str = "") -> None:
    store = home.open(passphrase)
    await store.put("google/token/anna", SECRET)
    await store.put("google/token/ben", "token-of-ben")
