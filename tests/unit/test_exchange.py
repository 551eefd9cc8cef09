"""The exchange of a program's folder: wherever it is cut off, the way back leads to a whole one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from companion.launcher.exchange import Exchange, go_back, update_lock

OLD = {
    "companion/__init__.py": "old",
    "companion/gone.py": "old",
    "static/a.css": "old",
    "run.py": "old",
    "README.md": "old",
    "removed.txt": "old",
    "left/over.txt": "old",
    "mine.txt": "a person's own",
}
NEW = {
    "companion/__init__.py": "new",
    "companion/added.py": "new",
    "static/a.css": "new",
    "run.py": "new",
    "README.md": "new",
    "more/b.txt": "new",
    ".venv/pyvenv.cfg": "new",
    "one.txt": "new",
}
PARTS = ["README.md", "companion", "left", "more", "one.txt", "removed.txt", "static", ".venv"]
NAMES = [*PARTS, "run.py"]


class Killed(BaseException):
    pass


class Dying(Exchange):
    """Ends before its step number `at`, from 1; a step is one change of a name on the disk."""

    def __init__(self, root: Path, at: int = 0) -> None:
        super().__init__(root)
        self.at, self.steps = at, 0

    def _replace(self, source: Path, target: Path) -> None:
        self.steps += 1
        if self.steps == self.at:
            raise Killed
        source.replace(target)  # without the flushes, which take all of the time


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")


def program(folder: Path) -> Path:
    """The old one, with a new one beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    write(folder, OLD)
    write(folder / ".update" / "new", NEW)
    return folder


def content(root: Path) -> dict[str, str]:
    """Without what an update keeps for itself."""
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".update" not in path.relative_to(root).parts
    }


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> int:
    whole = Dying(program(tmp_path_factory.mktemp("whole") / "it"))
    whole.put_in(NAMES)
    assert content(whole.root) == {**NEW, "mine.txt": "a person's own"}
    return whole.steps


def test_the_way_back_is_whole_from_every_step(tmp_path: Path, steps: int) -> None:
    assert steps > 14
    for at in range(1, steps + 1):
        exchange = Dying(program(tmp_path / "it"), at)
        with pytest.raises(Killed):
            exchange.put_in(NAMES)
        Dying(exchange.root).undo()
        assert content(exchange.root) == OLD, at


def test_a_way_back_that_is_cut_off_is_gone_again(tmp_path: Path, steps: int) -> None:
    for begun in (steps // 2, steps + 1):
        for at in range(1, steps, 2):
            exchange = Dying(program(tmp_path / "it"), begun)
            if begun <= steps:
                with pytest.raises(Killed):
                    exchange.put_in(NAMES)
            else:
                exchange.put_in(NAMES)
            again = Dying(exchange.root, at)
            try:
                again.undo()
            except Killed:
                Dying(exchange.root).undo()
            assert content(exchange.root) == OLD, (begun, at)


def test_run_py_is_there_at_every_step(tmp_path: Path, steps: int) -> None:
    for at in range(1, steps + 1):
        exchange = Dying(program(tmp_path / "it"), at)
        with pytest.raises(Killed):
            exchange.put_in(NAMES)
        assert (exchange.root / "run.py").is_file()
        assert (exchange.place / "go_back.py").is_file() or content(exchange.root) == OLD


def test_what_has_proven_itself_stays(tmp_path: Path) -> None:
    exchange = Exchange(program(tmp_path / "it"))
    exchange.put_in(NAMES)
    exchange.prove()
    assert go_back(Exchange(exchange.root)) == ""
    assert content(exchange.root) == {**NEW, "mine.txt": "a person's own"}
    assert not exchange.place.exists()


def test_a_journal_that_cannot_be_read_is_no_reason_to_guess(tmp_path: Path) -> None:
    exchange = Exchange(program(tmp_path / "it"))
    exchange.put_in(NAMES)
    (exchange.place / "journal.json").write_text("[]", "utf-8")
    with pytest.raises(TypeError):
        go_back(exchange)
    (exchange.place / "journal.json").write_text("{", "utf-8")
    with pytest.raises(json.JSONDecodeError):
        go_back(exchange)


def test_one_update_at_a_time(tmp_path: Path) -> None:
    with update_lock(tmp_path), pytest.raises(TimeoutError), update_lock(tmp_path, seconds=0):
        pass
    with update_lock(tmp_path, seconds=0):
        pass
