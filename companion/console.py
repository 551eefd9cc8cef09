"""What every command prints with: sentences for people, one JSON document for scripts."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from rich.console import Console

from companion.assets import typed
from companion.domain.errors import CompanionError


class Typed(Console):
    """Commands in a sentence are shown as they are typed here."""

    def print(self, *objects: Any, **how: Any) -> None:
        super().print(*(typed(e) if isinstance(e, str) else e for e in objects), **how)


# Without a terminal nothing is cut or wrapped: scripts read it.
out = Typed(width=None if sys.stdout.isatty() else 500, highlight=False, markup=False)
err = Typed(stderr=True, soft_wrap=True, highlight=False, markup=False)
SHOWN = 40
"""Lines of a plan or a list of rejected rows shown to people; the JSON has all."""


def operator() -> str:
    """Who does what a command does, for the history: the user of this computer."""
    try:
        return f"{getpass.getuser()} (command)"
    except (OSError, KeyError, ImportError):  # nobody is known by name here
        return "command"


def as_json(value: object) -> None:
    """One document on standard output."""
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=False, indent=2) + "\n")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value


def print_error(error: CompanionError) -> None:
    """What happened and what to do, on standard error."""
    err.print(f"{error.what}\n{error.remedy}")


def error_json(error: CompanionError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"kind": type(error).__name__, "what": error.what, "remedy": typed(error.remedy)}


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        grid.add_column(heading)
    for row in rows:
        grid.add_row(*row)
    out.print(grid, soft_wrap=not sys.stdout.isatty())


@contextmanager
def progress_bar(label: str, *, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar: done, total and a remark; nothing where there is no terminal."""
    if quiet or not err.is_terminal:
        yield lambda _done, _total, _remark: None
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f}"),
        TextColumn("{task.fields[remark]}"),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(label, total=1, remark="")

        def show(done: int, total: int, remark: str) -> None:
            bar.update(task, completed=done, total=max(1, total), remark=remark)

        yield show
