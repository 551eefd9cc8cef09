"""A WorkbookReader without a process: the same readers, in the test's own."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from companion.adapters.tabular.process import refused
from companion.adapters.tabular.stream import SheetsReceived
from companion.adapters.tabular.worker import write_sheets
from companion.services.ports import Clock
from companion.services.workbooks import Sheet, Workbook

NOW = datetime(2026, 11, 29, 1, tzinfo=UTC)


class InlineWorkbooks:
    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock

    async def read(
        self, path: Path, *, progress: Callable[[float], None] | None = None
    ) -> Workbook:
        content = path.read_bytes()  # noqa: ASYNC240 - a small file of a test
        return workbook_of(
            content, progress=progress, now=self._clock.now() if self._clock else NOW
        )


def workbook_of(
    content: bytes,
    *,
    progress: Callable[[float], None] | None = None,
    now: datetime = NOW,
) -> Workbook:
    """What the reading process makes of these bytes. Raises FileRefused."""
    out = io.StringIO()
    write_sheets(content, out, now)
    received = SheetsReceived(progress or (lambda share: None))
    received.take_all(out.getvalue().encode("ascii").splitlines())
    if not received.kind:
        raise refused(received.refused)
    return received.workbook()


def rows_of(sheet: Sheet) -> list[dict[str, object]]:
    """By heading; the first row holds these."""
    headings = [str(each) for each in sheet.rows[0].cells]
    return [
        {**dict.fromkeys(headings), **dict(zip(headings, each.cells, strict=False))}
        for each in sheet.rows[1:]
    ]
