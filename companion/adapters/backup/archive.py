"""SealedArchive: named parts (files or bytes) in one sealed file.

Inside the seal lies a compressed tar stream, so a part may be larger than memory. The parts'
names are few and known; whatever else a file might hold is refused. A backup takes its name only
when it is whole and on the disk.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from companion.adapters.backup.sealing import SealedReader, SealingWriter, damaged
from companion.adapters.crypto import COST
from companion.domain.errors import FileRefused
from companion.services.files import Disk, disk_trouble, make_folder

_BINARY = getattr(os, "O_BINARY", 0)


class SealedArchive:
    """Implements `maintenance.backup.Sealing`; blocking, for worker threads."""

    def __init__(
        self,
        *,
        random: Callable[[int], bytes] = os.urandom,
        cost: Mapping[str, int] = COST,
        disk: Disk | None = None,
    ) -> None:
        self._random = random
        self._cost = cost
        self._disk = disk or Disk()

    def write(self, path: Path, passphrase: str, parts: Mapping[str, Path | bytes]) -> int:
        """The size in bytes. An older file of that name is replaced only by a whole one."""
        draft = path.with_name(f"{path.name}.part")
        try:
            draft.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
            with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
                sealing = SealingWriter(file, passphrase, random=self._random, cost=self._cost)
                _pack(sealing, parts)
                sealing.finish()
                file.flush()
                self._disk.sync(file.fileno())
            self._disk.replace(draft, path)
            self._disk.sync_folder(path.parent)
            return path.stat().st_size
        except OSError as error:
            raise disk_trouble(error, path) from error
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)

    def read(
        self, path: Path, passphrase: str, folder: Path | None, names: frozenset[str]
    ) -> dict[str, int]:
        """Every part into `folder`, which is made (None: nowhere, only proven); its names and
        sizes. Raises FileRefused, BadInput for the passphrase, StoreTooNew, StoreError."""
        if folder is not None:
            make_folder(folder)
        try:
            file = path.open("rb")
        except OSError as error:
            raise FileRefused(
                f"The backup {path.name} cannot be read.", "Check its name and place.", field="file"
            ) from error
        with file:
            sealed = SealedReader(file, passphrase)
            sizes: dict[str, int] = {}
            try:
                with _unpacking(sealed) as tar:
                    for member in tar:
                        _check(member, names, sizes)
                        sizes[member.name] = self._take(tar, member, folder)
            except (tarfile.TarError, zlib.error, EOFError) as error:
                raise damaged() from error
            except OSError as error:
                raise disk_trouble(error, folder or path) from error
            sealed.drain()
        return sizes

    def _take(self, tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path | None) -> int:
        content = tar.extractfile(member)
        if content is None:
            raise damaged()
        if folder is None:
            return sum(len(block) for block in iter(lambda: content.read(1 << 20), b""))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
        with os.fdopen(os.open(folder / member.name, flags, 0o600), "wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
            file.flush()
            self._disk.sync(file.fileno())
            return file.tell()


def _pack(sealing: SealingWriter, parts: Mapping[str, Path | bytes]) -> None:
    # tarfile writes its stream to anything that has `write`.
    with tarfile.open(mode="w|gz", fileobj=cast("IO[bytes]", sealing)) as tar:
        for name, content in parts.items():
            member = tarfile.TarInfo(name)
            member.mode = 0o600
            if isinstance(content, bytes):
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                with content.open("rb") as file:
                    member.size = os.fstat(file.fileno()).st_size
                    tar.addfile(member, file)


@contextlib.contextmanager
def _unpacking(sealed: SealedReader) -> Iterator[tarfile.TarFile]:
    with tarfile.open(mode="r|gz", fileobj=cast("IO[bytes]", sealed)) as tar:
        yield tar


def _check(member: tarfile.TarInfo, names: frozenset[str], seen: Mapping[str, int]) -> None:
    if not member.isreg() or member.name not in names or member.name in seen:
        raise damaged()
