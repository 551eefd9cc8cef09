"""`run.py update` with a program of one module: what it does, and how it goes back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from companion.launcher.environment import VirtualEnvironment, base_python
from companion.packaging import make_zip
from tests.fakes.wheels import need_greeting

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = '''
import json, os, shutil, subprocess, sys, time
from pathlib import Path
import companion

HERE = Path(__file__).resolve().parent.parent
HOME = Path(os.environ["COMPANION_HOME"])
BAD = (HERE / "README.md").read_text("utf-8").strip()
"""What goes wrong in this version."""


def run():
    word = " ".join(sys.argv[1:])
    with (HOME / "calls.log").open("a", encoding="utf-8") as log:
        log.write(f"{companion.__version__} {word}\\n")
    if word == "--version":
        print(f"Calendar Companion {companion.__version__ if BAD != 'silent' else '?'}")
    elif word == "update-step keep":
        shutil.copy(HOME / "data", HOME / "kept")
        ran = (HOME / "runs").exists()
        print(json.dumps({"kept": str(HOME / "kept"), "ran": ran, "failing": ["before"]}))
        (HOME / "runs").unlink(missing_ok=True)
        sys.exit(1 if BAD == "no copy" else 0)
    elif word.startswith("update-step put-back"):
        shutil.copy(sys.argv[3], HOME / "data")
    elif word == "doctor --offline --json":
        (HOME / "data").write_text(companion.__version__, "utf-8")
        if BAD == "hangs":
            (HOME / "hanging").touch()
            time.sleep(600)
        if BAD == "crashes":
            raise SystemExit("no doctor")
        ill = [{"id": "before", "state": "fail", "what": "known", "remedy": ""}]
        ill += [{"id": "book", "state": "fail", "what": "The book is ill.", "remedy": "Rest."}]
        print(json.dumps({"findings": ill if BAD == "ill" else ill[:1]}))
    elif word == "update-step start":
        if BAD == "does not start":
            sys.exit(1)
        (HOME / "runs").touch()
        # As the app in the background: a start of its own, which must not wait for the update.
        subprocess.run([sys.executable, HERE / "run.py", "hello"], check=True, timeout=60)
    else:
        print(companion.__version__, word)
'''
COPIED = ("__init__", "environment", "exchange", "lock", "pip", "release", "requirements")


@dataclass
class Folder:
    """A program in its folder, and its data."""

    root: Path
    home: Path

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            env=self.variables,
            text=True,
            check=False,
        )

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, str(self.root / "run.py"), *map(str, arguments)]

    @property
    def variables(self) -> dict[str, str]:
        return {**os.environ, "COMPANION_HOME": str(self.home)}

    @property
    def calls(self) -> list[str]:
        return (self.home / "calls.log").read_text("utf-8").splitlines()

    @property
    def data(self) -> str:
        return (self.home / "data").read_text("utf-8")

    def stands(self, version: str) -> None:
        """Whole, of this version, without a trace of an update."""
        assert self.run("hello").stdout == f"{version} hello\n"
        assert self.data == version
        assert not (self.root / ".update").exists()
        assert (self.root / "companion" / f"only_{version[0]}.py").exists()
        assert len([*(self.root / "companion").glob("only_*.py")]) == 1
        assert (self.root / "mine.txt").read_text("utf-8") == "a person's own"


def program(root: Path, version: str, bad: str = "") -> Path:
    (root / "companion" / "launcher").mkdir(parents=True)
    shutil.copy(ROOT / "run.py", root)
    for each in (*COPIED, "setup_errors", "update"):
        shutil.copy(ROOT / "companion" / "launcher" / f"{each}.py", root / "companion" / "launcher")
    for name, text in (
        ("companion/__init__.py", f'__version__ = "{version}"\n'),
        ("companion/cli.py", PROGRAM),
        (f"companion/only_{version[0]}.py", ""),
        ("pyproject.toml", "[project]\ndependencies = []\n"),
        ("requirements.txt", ""),
        ("requirements-test.txt", ""),
        ("README.md", bad),
    ):
        (root / name).write_text(text, "utf-8")
    return root


def release(folder: Path, version: str, bad: str = "") -> Path:
    return make_zip(program(folder / f"{version} {bad}", version, bad), folder)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(program(tmp_path / "Program Files", "1.0"), tmp_path / "home")
    made.home.mkdir()
    (made.home / "data").write_text("1.0", "utf-8")
    (made.root / "mine.txt").write_text("a person's own", "utf-8")
    return made


def test_a_newer_version_takes_its_place_and_starts_again(folder: Folder, tmp_path: Path) -> None:
    (folder.home / "runs").touch()
    done = folder.run("update", release(tmp_path, "2.0"))
    assert done.returncode == 0, done.stderr
    assert "whole, all" in done.stdout
    assert "Calendar Companion 2.0 is in place (1.0 before)." in done.stdout
    assert folder.calls == [
        "2.0 --version",
        "1.0 update-step keep",
        "2.0 doctor --offline --json",
        "2.0 update-step start",
        "2.0 hello",
    ]
    folder.stands("2.0")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("silent", "does not run on this computer"),
        ("ill", "The book is ill."),
        ("crashes", "did not answer"),
        ("does not start", "did not start"),
    ],
)
def test_what_fails_leaves_everything_as_it_was(
    folder: Folder, tmp_path: Path, bad: str, said: str
) -> None:
    (folder.home / "runs").touch()
    done = folder.run("update", release(tmp_path, "2.0", bad))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder.home / "runs").exists()  # the one before, started again or never stopped
    folder.stands("1.0")


def test_without_a_copy_of_the_data_nothing_begins(folder: Folder, tmp_path: Path) -> None:
    (folder.root / "README.md").write_text("no copy", "utf-8")
    (folder.home / "runs").touch()
    assert folder.run("update", release(tmp_path, "2.0")).returncode == 1
    assert folder.calls[-2:] == ["1.0 update-step start", "1.0 hello"]
    folder.stands("1.0")


def test_older_ones_other_files_and_its_own_folder_are_refused(
    folder: Folder, tmp_path: Path
) -> None:
    other = tmp_path / "holiday.jpg"
    other.write_bytes(b"beach")
    same = program(tmp_path / "same", "1.0")
    for source, said in (
        (release(tmp_path, "0.9"), "is older than this one"),
        (same, "This is version 1.0 already."),
        (other, "damaged or incomplete"),
        (tmp_path / "nothing.zip", "is not there"),
        (folder.root, "own folder"),
    ):
        done = folder.run("update", source)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert folder.run("update").returncode == 2
    assert folder.run("update", same, "--again").returncode == 0
    folder.stands("1.0")
    (folder.root / ".git").mkdir()
    assert "checkout" in folder.run("update", same).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="kills a group of processes")
def test_killed_in_the_middle_the_next_start_goes_back(folder: Folder, tmp_path: Path) -> None:
    command = folder.command("update", release(tmp_path, "2.0", "hangs"))
    process = subprocess.Popen(
        command, env=folder.variables, stdout=subprocess.DEVNULL, start_new_session=True
    )
    until = time.monotonic() + 60
    while not (folder.home / "hanging").exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    assert folder.data == "2.0"
    note = json.loads((folder.root / ".update" / "journal.json").read_text("utf-8"))
    assert note["phase"] == "trying"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
    done = folder.run("hello")
    assert done.stdout == "1.0 hello\n"
    assert "the version before is in place again" in done.stderr
    folder.stands("1.0")


def needing(root: Path, wheels: Path, version: str) -> Path:
    """The program in `root` then needs a package of this version, which is made."""
    need_greeting(root, wheels, version)
    cli = root / "companion" / "cli.py"
    told = cli.read_text("utf-8").replace("import companion\n", "import companion, greeting\n")
    cli.write_text(told.replace("companion.__version__, word)", "word, greeting.TEXT)"), "utf-8")
    return root


@pytest.mark.long
def test_its_packages_come_and_go_with_it(folder: Folder, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    needing(folder.root, wheels, "1.0")
    found = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}

    def run(*arguments: str | Path, python: str | Path = "") -> tuple[int, str]:
        command = [str(python or base_python()), *folder.command(*arguments)[1:]]
        variables = {**folder.variables, **found}
        done = subprocess.run(command, capture_output=True, env=variables, text=True, check=False)
        return done.returncode, done.stdout

    assert run("hello") == (0, "hello hello 1.0\n")
    own = VirtualEnvironment(folder.root).python
    for version, bad, code, stays in (
        ("2.0", "", 0, "2.0"),
        ("3.0", "ill", 1, "2.0"),
        ("4.0", "silent", 1, "2.0"),
    ):
        new = needing(program(tmp_path / version, version, bad), wheels, version)
        assert run("update", make_zip(new, tmp_path), python=own)[0] == code
        assert run("hello") == (0, f"hello hello {stays}\n")
        assert folder.data == stays
        assert not (folder.root / ".update").exists()
