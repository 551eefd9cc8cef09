"""A real keyring backend for child processes, named by PYTHON_KEYRING_BACKEND.

Keeps its entries in the file that TEST_KEYRING_FILE names, or in memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class Kept(KeyringBackend):
    name = "kept by a test"
    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self._memory: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self._entries().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._keep({**self._entries(), f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        self._keep(
            {key: each for key, each in self._entries().items() if key != f"{service}/{username}"}
        )

    def _entries(self) -> dict[str, str]:
        path = os.environ.get("TEST_KEYRING_FILE")
        if not path:
            return self._memory
        found: dict[str, str] = json.loads(Path(path).read_text()) if Path(path).exists() else {}
        return found

    def _keep(self, entries: dict[str, str]) -> None:
        path = os.environ.get("TEST_KEYRING_FILE")
        if not path:
            self._memory = entries
            return
        temporary = Path(f"{path}.{os.getpid()}")
        temporary.write_text(json.dumps(entries))
        temporary.replace(path)
