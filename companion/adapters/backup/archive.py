"""SealedArchive: named parts (files or bytes) in one sealed file.

Inside the seal lies a compressed tar stream, so a part may be larger than memory. The parts'
names are few and known; whatever else a file might hold is refused. A backup takes its name only
when it is whole and on the disk.

Whoever gives somebody a backup and its passphrase may have made it to do harm. So it is unpacked by
the piece: what a part says of its size is compared with what such a part may take up and with what
the disk has left, before the first byte is written, and no more than that is ever unpacked.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from companion.adapters.backup.sealing import SealedReader, SealingWriter, damaged
from companion.adapters.crypto import COST
from companion.domain.errors import FileRefused
from companion.services.files import Disk, disk_trouble, make_folder
from companion.services.maintenance.backup import BOOK

MOST_BYTES, MOST_BYTES_BESIDES = 8_000_000_000, 20_000_000
"""Of the book, and of each other part: ten times what a practice of two hundred needs."""
KEPT_FREE = 100_000_000
"""Bytes of the disk."""
_PIECE = 1 << 20
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
        self,
        path: Path,
        passphrase: str,
        folder: Path | None,
        names: frozenset[str],
        *,
        only: frozenset[str] | None = None,
    ) -> dict[str, int]:
        """Every part, or those of `only`, into `folder`, which is made (None: nowhere, only
        proven); names and sizes of all. Raises FileRefused, BadInput for the passphrase,
        StoreTooNew, StoreError."""
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
                unpacked = _Unpacked(sealed)
                for member in unpacked.members():
                    _check(member, names, sizes)
                    place = folder if only is None or member.name in only else None
                    if place and self._disk.free(place) < member.size + KEPT_FREE:
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    sizes[member.name] = self._take(unpacked.blocks(member.size), member, place)
            except (tarfile.TarError, zlib.error, EOFError) as error:
                raise damaged() from error
            except OSError as error:
                raise disk_trouble(error, folder or path) from error
            sealed.drain()
        return sizes

    def _take(self, blocks: Iterator[bytes], member: tarfile.TarInfo, folder: Path | None) -> int:
        if folder is None:
            return sum(map(len, blocks))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
        with os.fdopen(os.open(folder / member.name, flags, 0o600), "wb") as file:
            file.writelines(blocks)
            file.flush()
            self._disk.sync(file.fileno())
            return file.tell()


class _Unpacked:
    """The tar stream, at most `_PIECE` of it in memory. Raises EOFError where it ends too early,
    zlib.error, TarError, FileRefused."""

    def __init__(self, sealed: SealedReader) -> None:
        self._sealed = sealed
        self._gzip = zlib.decompressobj(wbits=31)
        self._ready = b""

    def members(self) -> Iterator[tarfile.TarInfo]:
        """Each must be taken (`blocks`) before the next. Extensions of the format, which may be of
        any size and depth, are no regular files to us."""
        while any(header := self._exactly(tarfile.BLOCKSIZE)):
            member = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
            yield member
            self._exactly(-member.size % tarfile.BLOCKSIZE)

    def blocks(self, size: int) -> Iterator[bytes]:
        while size > 0:
            block = self._exactly(min(size, _PIECE))
            size -= len(block)
            yield block

    def _exactly(self, size: int) -> bytes:
        while len(self._ready) < size:
            packed = self._gzip.unconsumed_tail or self._sealed.read(_PIECE)
            if not packed or self._gzip.eof:
                raise EOFError
            self._ready += self._gzip.decompress(packed, _PIECE)
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken


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


def _check(
    member: tarfile.TarInfo,
    names: frozenset[str],
    seen: Mapping[str, int],
) -> None:
    if not member.isreg() or member.name not in names or member.name in seen or member.size < 0:
        raise damaged()
    most = MOST_BYTES if member.name == BOOK else MOST_BYTES_BESIDES
    if member.size > most:
        raise FileRefused(
            f"This backup would unpack to more than {most / 1e6:,.0f} MB for {member.name}, which "
            "no practice needs: it is damaged, or was made to do harm. Nothing was changed.",
            "Use a backup that you made yourself.",
            field="file",
        )
