"""Exports: a file that a person imports, and a folder into which files are saved."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from companion.domain.errors import BadInput, CompanionError, SourceTrouble
from companion.services.imports.questions import Answers
from companion.services.sources.watched_folder import WatchedFolder
from tests.contract.remote.harness import NAME, Booked, Came, Harness, Setting
from tests.fakes.services import FakeApplication

HEADINGS = ["Appointment Id", "Start", "Length", "Practitioner", "Client", "Status"]


def export(booked: Sequence[Booked]) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(HEADINGS)
    for each in booked:
        start = f"{each.day:02}/12/2026 {each.hour:02}:00"
        status = "Cancelled" if each.cancelled else "Booked"
        client = each.client or f"Client {each.key}"
        rows.writerow([each.key, start, each.minutes, each.practitioner, client, status])
    return text.getvalue().encode()


class FileHarness(Harness):
    """Imported by hand, as a whole book."""

    kind: ClassVar[str] = "file"
    quiet_requests: ClassVar[int] = 1
    troubles: ClassVar[frozenset[SourceTrouble]] = frozenset(
        {SourceTrouble.EMPTY, SourceTrouble.UNREADABLE, SourceTrouble.LARGE}
    )

    def __init__(self, setting: Setting) -> None:
        self._file = setting.folder / "export.csv"
        self._content = b""
        self._bad: bytes | None = None
        self._requests = 0

    def put(self, booked: Sequence[Booked]) -> None:
        self._content = export(booked)

    @property
    def requests(self) -> int:
        return self._requests

    def trouble(self, which: SourceTrouble | None) -> None:
        self._bad = None if which is None else _BAD[which]

    async def open(self, application: FakeApplication) -> None:
        await application.services.sources.add(NAME, "", snapshot=True)

    async def fetch(self, application: FakeApplication, answers: Answers | None = None) -> Came:
        self._requests += 1
        self._file.write_bytes(self._content if self._bad is None else self._bad)
        importing = application.services.importing
        try:
            preview = await importing.preview(self._file, source=NAME, answers=answers)
        except BadInput as error:
            return Came(error=error)
        return Came(report=await importing.apply(preview))

    def close(self) -> None:
        return


class FolderHarness(Harness):
    """Watched."""

    kind: ClassVar[str] = "folder"
    quiet_requests: ClassVar[int] = 1
    troubles: ClassVar[frozenset[SourceTrouble]] = frozenset(
        {
            SourceTrouble.EMPTY,
            SourceTrouble.UNREADABLE,
            SourceTrouble.LARGE,
            SourceTrouble.OFFLINE,
        }
    )

    def __init__(self, setting: Setting) -> None:
        self._folder = setting.folder / "exports"
        self._folder.mkdir()
        self._content = b""
        self._which: SourceTrouble | None = None
        self._requests = 0

    def put(self, booked: Sequence[Booked]) -> None:
        self._content = export(booked)

    @property
    def requests(self) -> int:
        return self._requests

    def trouble(self, which: SourceTrouble | None) -> None:
        self._which = which
        if which is SourceTrouble.OFFLINE:
            shutil.rmtree(self._folder)
        else:
            self._folder.mkdir(exist_ok=True)

    async def open(self, application: FakeApplication) -> None:
        await application.services.sources.add(NAME, str(self._folder), snapshot=True)

    async def fetch(self, application: FakeApplication, answers: Answers | None = None) -> Came:
        self._requests += 1
        services = application.services
        if self._which is not SourceTrouble.OFFLINE:
            bad = None if self._which is None else _BAD[self._which]
            _save(self._folder, self._content if bad is None else bad)
        waited = len((await services.sources.overview())[0].note.waiting)
        watched = WatchedFolder(services.watching, NAME, self._folder)
        for _ in range(40):
            await watched.look()
            await application.clock.sleep(1)
        watched.close()
        (status,) = await services.sources.overview()
        note = status.note
        if note.trouble:
            return Came(error=CompanionError(note.trouble))
        for each in note.waiting[waited:]:
            if not answers:
                return Came(error=CompanionError(each.what))
            return Came(report=await services.sources.release(NAME, each.place, answers=answers))
        return Came()

    def close(self) -> None:
        return


_BAD = {
    SourceTrouble.EMPTY: ",".join(HEADINGS).encode(),
    SourceTrouble.UNREADABLE: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    SourceTrouble.LARGE: b"a,b\r\n" * 11_000_000,
}


def _save(folder: Path, content: bytes) -> None:
    (folder / "export.csv").write_bytes(content)
