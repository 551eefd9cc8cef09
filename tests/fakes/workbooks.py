"""A WorkbookReader without a process: the same readers, in the test's own."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from companion.adapters.tabular.process import refused
from companion.adapters.tabular.stream import CONTENT_KINDS, SheetsReceived
from companion.adapters.tabular.worker import write_sheets
from companion.services.workbooks import Workbook


class InlineWorkbooks:
    async def read(
        self, path: Path, *, progress: Callable[[float], None] | None = None
    ) -> Workbook:
        content = path.read_bytes()  # noqa: ASYNC240 - a small file of a test
        return workbook_of(content, progress=progress)


def workbook_of(content: bytes, *, progress: Callable[[float], None] | None = None) -> Workbook:
    """What the reading process makes of these bytes. Raises FileRefused."""
    out = io.StringIO()
    write_sheets(content, out)
    received = SheetsReceived(progress or (lambda share: None))
    received.take_all(out.getvalue().encode("ascii").splitlines())
    if not received.kind:
        raise refused(received.refused)
    return received.workbook(content if received.kind in CONTENT_KINDS else b"")
