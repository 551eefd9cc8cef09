"""SessionFile: the SessionStore in a small JSON file of the home, hashes of tokens only.

A file that cannot be read counts as empty: the worst that follows is one more sign-in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from companion.services.accounts.sessions import Session
from companion.services.files import Disk, write_file

FILE_NAME = "sessions.json"


class SessionFile:
    def __init__(self, folder: Path, *, disk: Disk | None = None) -> None:
        self._path = folder / FILE_NAME
        self._disk = disk or Disk()
        self._writing = asyncio.Lock()

    def load(self) -> dict[str, Session]:
        try:
            stored = json.loads(self._disk.read(self._path))
            found = {str(key): _session(each) for key, each in stored.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return {key: each for key, each in found.items() if each.seen_at.tzinfo is not None}

    async def save(self, sessions: Mapping[str, Session]) -> None:
        document = {
            key: {
                "user": each.user_id,
                "epoch": each.epoch,
                "began": each.began_at.isoformat(),
                "seen": each.seen_at.isoformat(),
                "lasting": each.lasting,
            }
            for key, each in sessions.items()
        }
        content = json.dumps(document, indent=1).encode()
        async with self._writing:
            await asyncio.to_thread(write_file, self._path, content, self._disk)


def _session(raw: Mapping[str, object]) -> Session:
    return Session(
        user_id=str(raw["user"]),
        epoch=int(str(raw["epoch"])),
        began_at=datetime.fromisoformat(str(raw["began"])),
        seen_at=datetime.fromisoformat(str(raw["seen"])),
        lasting=raw["lasting"] is True,
    )
