"""Files are read by processes of their own: few at once, within limits, and to be stopped."""

import asyncio
import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

from companion.adapters.tabular.files import WorkbookFiles
from companion.adapters.tabular.process import ReadingProcess
from companion.adapters.tabular.refusals import SIZE_LIMIT
from companion.adapters.tabular.stream import SheetsReceived, SheetWriter
from companion.domain.errors import FileRefused
from companion.services.workbooks import Workbook
from tests.fakes.workbooks import workbook_of
from tests.samples.exports import allied, csv_bytes, xlsx_bytes

IMPORTS = Path(__file__).parents[1] / "samples" / "imports"


@pytest.fixture
def endless() -> Iterator[IO[bytes]]:
    """A file of which the reading process never sees the end."""
    here, there = os.pipe()
    with os.fdopen(here, "rb") as file, os.fdopen(there, "wb"):
        yield file


OTHERS: set[int] = set()
"""Children that earlier tests of this process keep."""


@pytest.fixture(autouse=True)
def _know_other_children() -> None:
    OTHERS.clear()
    OTHERS.update(each.pid for each in psutil.Process().children())


def children() -> list[int]:
    return [each.pid for each in psutil.Process().children() if each.pid not in OTHERS]


@pytest.mark.parametrize(
    "content",
    [
        csv_bytes([allied(n, Notes="é\n") for n in range(3)], encoding="cp1252"),
        xlsx_bytes([allied(n) for n in range(3)], above=[["Report", 1.5]]),
        (IMPORTS / "44_old_excel.xls").read_bytes(),
        b"<table><tr><td>ID<td>Start<tr><td>1<td>9:00</table>",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        b"",
    ],
    ids=["csv", "xlsx", "xls", "html", "ics", "empty"],
)
async def test_a_process_gives_what_its_readers_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "export.dat"
    path.write_bytes(content)
    assert await WorkbookFiles().read(path) == workbook_of(content)
    assert children() == []


async def test_a_refusal_of_the_process_is_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"%PDF-1.7")
    with pytest.raises(FileRefused, match="PDF"):
        await WorkbookFiles().read(path)


async def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(10 * SIZE_LIMIT)
    with pytest.raises(FileRefused, match="at most 50 MB"):
        await WorkbookFiles().read(path)


async def test_a_folder_or_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    files = WorkbookFiles()
    with pytest.raises(FileRefused, match="not a file"):
        await files.read(tmp_path)
    with pytest.raises(FileRefused, match="no such file"):
        await files.read(tmp_path / "none.csv")
    with pytest.raises(FileRefused, match="could not be opened"):
        await files.read(tmp_path / "a\x00b.csv")


# ── limits ────────────────────────────────────────────────────────────────────────────────────


def refusal(process: ReadingProcess, file: IO[bytes]) -> str:
    with pytest.raises(FileRefused) as refused:
        process.run(file)
    assert children() == []
    return refused.value.what


@pytest.mark.parametrize("limits", [(0.0, 60.0), (60.0, 0.0)])
def test_reading_stops_at_the_time_limit(endless: IO[bytes], limits: tuple[float, float]) -> None:
    process = ReadingProcess(lambda share: None, cpu_limit=limits[0], wait_limit=limits[1])
    assert "too long" in refusal(process, endless)


def test_reading_stops_at_the_memory_limit(endless: IO[bytes]) -> None:
    process = ReadingProcess(lambda share: None, memory_limit=1_000_000)
    assert "memory" in refusal(process, endless)


def test_a_process_that_is_stopped_ends(endless: IO[bytes]) -> None:
    process = ReadingProcess(lambda share: None)
    timer = threading.Timer(0.1, process.stop)
    timer.start()
    refusal(process, endless)
    timer.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no json\n",
        b'{"done": "csv"',
        b'{"rows": [[1, 7]], "values": [], "kinds": {}}\n',
        b"[]\n",
    ],
)
def test_an_answer_cut_off_or_garbled_is_no_workbook(answer: bytes) -> None:
    received = SheetsReceived(lambda share: None)
    received.take_all(io.BytesIO(answer))
    assert not received.kind


# ── the program goes on ───────────────────────────────────────────────────────────────────────


ENTRY = b"BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261201T090000Z\r\nEND:VEVENT\r\n"


@pytest.mark.parametrize(
    ("head", "part", "megabytes", "refused"),
    [
        (b"", b"\n", 49, "The file has more than 250,000 rows, or is too large."),
        (b"BEGIN:VCALENDAR\r\n", ENTRY, 40, "This calendar file holds too many entries."),
    ],
    ids=["line breaks", "a calendar"],
)
async def test_seven_huge_files_at_once_leave_the_event_loop_answering(
    tmp_path: Path, head: bytes, part: bytes, megabytes: int, refused: str
) -> None:
    path = tmp_path / "export.dat"
    path.write_bytes(head + part * (megabytes * 1_000_000 // len(part)))
    files = WorkbookFiles()
    began = time.monotonic()
    tasks = [asyncio.create_task(files.read(path)) for _ in range(7)]
    waits: list[float] = []
    most = 0
    while not all(each.done() for each in tasks):
        before = time.monotonic()
        await asyncio.sleep(0.01)
        waits.append(time.monotonic() - before)
        most = max(most, len(children()))
    lasted = time.monotonic() - began
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(each, "what", "") for each in results] == [refused] * 7
    assert most <= 2
    assert max(waits) < lasted / 7, "no file may hold the loop for as long as it is read"


async def test_progress_rises_to_the_end_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(csv_bytes(allied(n) for n in range(6_000)))
    shares: list[float] = []
    await WorkbookFiles().read(path, progress=shares.append)
    await asyncio.sleep(0)
    assert len(shares) >= 2
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1


async def test_a_cancelled_reading_leaves_no_process_and_no_place_taken(tmp_path: Path) -> None:
    slow, quick = tmp_path / "slow.xls", tmp_path / "quick.csv"
    slow.write_bytes(b"<table>" + b"<tr><td>x</td></tr>" * 240_000)
    quick.write_bytes(b"ID,Start\r\n1,2\r\n")
    files = WorkbookFiles(at_once=1)
    under_way: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def show(share: float) -> None:
        if not under_way.done():
            under_way.set_result(share)

    task = asyncio.create_task(files.read(slow, progress=show))
    waiting: asyncio.Task[Workbook] = asyncio.create_task(files.read(quick))
    assert await under_way < 0.5
    assert not waiting.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len((await waiting).sheets[0].rows) == 2
    assert children() == []


async def test_one_who_gives_up_waiting_takes_no_turn(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"ID,Start\r\n1,2\r\n")
    files = WorkbookFiles(at_once=1)
    tasks = [asyncio.create_task(files.read(path)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, Workbook) for each in results] == [True, False, True]


def test_a_value_is_sent_once_however_often_it_occurs() -> None:
    out = io.StringIO()
    writer = SheetWriter(out)
    writer.sheet("")
    for number in range(1, 1_001):
        writer.row(number, ["Dr Ada Example", "Main street"])
    writer.done("csv")
    assert out.getvalue().count("Ada") == 1
    received = SheetsReceived(lambda share: None)
    received.take_all(io.BytesIO(out.getvalue().encode()))
    rows = received.workbook().sheets[0].rows
    assert len(rows) == 1_000
    assert rows[0].cells[0] is rows[-1].cells[0]
