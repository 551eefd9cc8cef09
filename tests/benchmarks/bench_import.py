"""What an import of 50,000 rows costs, into the real database, file by file.

Each figure is of a process of its own (``python -m tests.benchmarks.bench_import FILE HOME``;
without HOME the file is only read): seconds from the first look at the file to the finished
import, and the most memory that it and its children held at once; beside them the processor time,
which a busy machine does not stretch. Budget on two cores: 10 s and 300 MB. Time is printed; that
it grows no faster than the file, and the memory, are asserted.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from companion.adapters.tabular.files import WorkbookFiles
from companion.gc_tuning import freeze_gc
from tests.benchmarks.measuring import PeakMemory, figures_of, machine_load
from tests.fakes.importing import importing_into
from tests.samples.exports import as_text, csv_bytes, large_export, xlsx_bytes

pytestmark = pytest.mark.benchmark
ROWS = 50_000
BUDGET_SECONDS, BUDGET_MEGABYTES = 10, 300
READING_SECONDS, READING_MEGABYTES = 3, 200
"""Of it, from the file to its cells: what that adds to the program, its own process included."""


async def import_twice(file: Path, home: Path) -> dict[str, float]:
    """A first import, then the same file again, as a snapshot."""
    database, importing = importing_into(home)
    figures: dict[str, float] = {}
    for name in ("first", "again"):
        began = time.perf_counter()
        shown = await importing.preview(file, snapshot=name == "again")
        read = time.perf_counter()
        report = await importing.apply(shown)
        figures[f"{name}_preview"] = read - began
        figures[f"{name}_total"] = time.perf_counter() - began
        figures[f"{name}_added"] = report.added
        figures[f"{name}_unchanged"] = report.unchanged
        del shown, report
    await database.close()
    return figures


async def read_once(file: Path) -> dict[str, float]:
    began = time.perf_counter()
    workbook = await WorkbookFiles().read(file)
    return {
        "seconds": time.perf_counter() - began,
        "rows": sum(len(sheet.rows) for sheet in workbook.sheets),
    }


def measured(
    content: bytes, folder: Path, name: str, *, only_read: bool = False
) -> dict[str, float]:
    file = folder / name
    file.write_bytes(content)
    home = folder / f"{name}.home"
    home.mkdir()
    return figures_of("bench_import", file, *([] if only_read else [home]))


@pytest.mark.timeout(900)
def test_fifty_thousand_rows_go_in_within_the_budget(tmp_path: Path) -> None:
    table = {}
    for rows in (ROWS // 10, ROWS):
        export = list(large_export(rows))
        table[f"{rows} csv"] = measured(
            csv_bytes(map(as_text, export)), tmp_path, f"rows-{rows}.csv"
        )
        table[f"{rows} xlsx"] = measured(xlsx_bytes(export), tmp_path, f"rows-{rows}.xlsx")
    print(f"\nbudget for {ROWS} rows: {BUDGET_SECONDS} s, {BUDGET_MEGABYTES} MB")
    print(machine_load())
    print("rows and kind    preview  import  again   memory   processor, both imports")
    for name, each in table.items():
        print(
            f"{name:<15} {each['first_preview']:6.1f} s {each['first_total']:5.1f} s "
            f"{each['again_total']:5.1f} s {each['megabytes']:5.0f} MB {each['cpu']:6.1f} s"
        )
    for kind in ("csv", "xlsx"):
        small, large = table[f"{ROWS // 10} {kind}"], table[f"{ROWS} {kind}"]
        assert large["first_added"] == large["again_unchanged"] == ROWS
        assert large["megabytes"] < BUDGET_MEGABYTES
        assert large["cpu"] < 20 * small["cpu"], "it must grow with the file only"


@pytest.mark.timeout(900)
def test_fifty_thousand_rows_are_read_within_a_part_of_the_budget(tmp_path: Path) -> None:
    table = {}
    for rows in (ROWS // 10, ROWS):
        export = list(large_export(rows))
        for kind, content in (
            ("csv", csv_bytes(map(as_text, export))),
            ("xlsx", xlsx_bytes(export)),
        ):
            table[rows, kind] = measured(content, tmp_path, f"{rows}.{kind}", only_read=True)
    print(f"\nbudget of reading {ROWS} rows: {READING_SECONDS} s, {READING_MEGABYTES} MB")
    for (rows, kind), each in table.items():
        print(
            f"{rows:>6} {kind:<5} {each['seconds']:5.1f} s {each['megabytes']:5.0f} MB "
            f"{each['cpu']:5.1f} s of processor"
        )
    for kind in ("csv", "xlsx"):
        small, large = table[ROWS // 10, kind], table[ROWS, kind]
        assert large["rows"] == ROWS + 1
        assert large["megabytes"] < READING_MEGABYTES
        assert large["cpu"] < 20 * small["cpu"], "it must grow with the file only"


def main() -> None:
    only_read = len(sys.argv) == 2
    before = psutil.Process().memory_info().rss / 1e6 if only_read else 0.0
    freeze_gc()  # as the app and every command do once they have started
    with PeakMemory() as memory:
        if only_read:
            figures = asyncio.run(read_once(Path(sys.argv[1])))
        else:
            figures = asyncio.run(import_twice(Path(sys.argv[1]), Path(sys.argv[2])))
    spent = os.times()
    cpu = spent.user + spent.system + spent.children_user + spent.children_system
    print(json.dumps(figures | {"megabytes": memory.peak - before, "cpu": cpu}))


if __name__ == "__main__":
    main()
