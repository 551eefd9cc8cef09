"""A clone of this checkout on a machine with nothing but Python and pip. Needs the network."""

import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from companion import __version__
from companion.launcher.environment import base_python

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is committed, and nothing else."""
    folder = tmp_path_factory.mktemp("fresh") / "calendar-companion"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def timed(folder: Path, *arguments: str) -> tuple[str, float]:
    """What `run.py` printed, and in how many seconds."""
    began = time.monotonic()
    command = [base_python(), str(folder / "run.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, time.monotonic() - began


def test_one_command_on_a_fresh_clone_answers_and_the_second_installs_nothing(clone: Path) -> None:
    out, first = timed(clone, "--version")
    assert __version__ in out
    log = clone / ".venv-setup.log"
    written = log.stat().st_mtime_ns
    again, second = timed(clone, "--version")
    assert again == out
    assert log.stat().st_mtime_ns == written
    print(f"first start {first:.1f} s, second {second:.2f} s")


def test_the_wheel_holds_the_program_its_static_files_and_the_command(
    clone: Path, tmp_path: Path
) -> None:
    build = [base_python(), "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), "."]
    subprocess.run(build, cwd=clone, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (scripts,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "companion = companion.cli:run" in archive.read(scripts).decode()
    static = {file.relative_to(clone) for file in (clone / "static").rglob("*") if file.is_file()}
    assert static
    assert {f"companion/{file.as_posix()}" for file in static} <= names
    assert "companion/domain/__init__.py" in names
    assert "companion/testing.py" not in names
    assert not any(name.startswith(("tests/", "companion/launcher/")) for name in names)
