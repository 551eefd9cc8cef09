"""run.py and its launcher: real starts of a copy with a one-module program and a real pip."""

import ast
import contextlib
import errno
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.launcher.environment import (
    VirtualEnvironment,
    base_python,
)
from companion.launcher.pip import InstallProgress
from companion.launcher.setup_errors import SetupError
from run import too_old
from tests.fakes.wheels import lock, need_greeting

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys

def run():
    import greeting
    print(greeting.TEXT, *sys.argv[1:])
    sys.exit(3 if "held" in sys.argv else 0)
"""
needs_posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions and signals")


class Copy:
    """The launcher in a folder of its own, with a small program and wheels instead of an index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root / "wheels"

    @classmethod
    def made(cls, root: Path) -> "Copy":
        copy = cls(root)
        shutil.copy(ROOT / "run.py", root)
        (root / "companion").mkdir()
        shutil.copy(ROOT / "companion" / "__init__.py", root / "companion")
        shutil.copytree(ROOT / "companion" / "launcher", root / "companion" / "launcher")
        (root / "companion" / "cli.py").write_text(PROGRAM, "utf-8")
        copy.ask_for("1.0")
        return copy

    def ask_for(self, version: str) -> None:
        """A new release of the program, which needs this version of its only package."""
        need_greeting(self.root, self.wheels, version)

    def environ(self, index: str | None) -> dict[str, str]:
        """The packages come from that index, or else from the folder of wheels."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        source = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        if index is not None:
            source = {"PIP_INDEX_URL": index, "PIP_RETRIES": "1"}
        return {**environ, "PIP_CONFIG_FILE": os.devnull, **source}

    def popen(self, *arguments: str, index: str | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [base_python(), str(self.root / "run.py"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self.environ(index),
        )

    def greets(self, version: str) -> None:
        """It starts, with that version of its package."""
        code, out, err = self.start()
        assert (code, out) == (0, f"hello {version}\n"), err

    def start(self, *arguments: str, index: str | None = None) -> tuple[int, str, str]:
        process = self.popen(*arguments, index=index)
        out, err = process.communicate(timeout=100)
        return process.returncode, out, err


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    copy = Copy.made(tmp_path_factory.mktemp("installed"))
    code, out, err = copy.start("serve")
    assert (code, out) == (0, "hello 1.0 serve\n"), err
    assert "Fetching and installing" in err
    assert "Ready: " in err
    return copy


@pytest.fixture
def copy(installed: Copy, tmp_path: Path) -> Copy:
    """A set-up copy of one's own."""
    shutil.copytree(installed.root, tmp_path / "own", symlinks=True)
    return Copy(tmp_path / "own")


@pytest.fixture
def bare(tmp_path: Path) -> Copy:
    """A copy that was never started."""
    return Copy.made(tmp_path)


@pytest.fixture
def dead_index() -> str:
    """The address of a package index where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_a_second_start_needs_no_network_and_says_nothing_of_its_own(
    copy: Copy, dead_index: str
) -> None:
    assert copy.start("status", "--json", index=dead_index) == (0, "hello 1.0 status --json\n", "")


def test_the_programs_exit_code_is_the_launchers(copy: Copy) -> None:
    assert copy.start("held")[0] == 3


def test_a_new_release_renews_the_environment(copy: Copy) -> None:
    copy.ask_for("2.0")
    copy.greets("2.0")


def test_an_installation_that_was_cut_off_is_made_anew(copy: Copy) -> None:
    environment = VirtualEnvironment(copy.root)
    environment.stamp.unlink()
    environment.unfinished.touch()
    module = next(environment.folder.rglob("greeting.py"))
    module.write_text("half a fi", "utf-8")
    copy.greets("1.0")


def test_a_damaged_stamp_only_means_a_closer_look(copy: Copy) -> None:
    VirtualEnvironment(copy.root).stamp.write_text('["half', "utf-8")
    copy.greets("1.0")


def test_an_environment_that_was_filled_unverified_is_made_anew(copy: Copy) -> None:
    environment = VirtualEnvironment(copy.root)
    environment.stamp.write_text('{"digest": "of an earlier version", "extras": []}', "utf-8")
    module = next(environment.folder.rglob("greeting.py"))
    module.write_text("TEXT = 'not what the lock names'", "utf-8")
    copy.greets("1.0")


def test_only_what_the_lock_names_is_installed_and_none_of_its_code_is_run(bare: Copy) -> None:
    """Neither another wheel of that name, nor a source whose `setup.py` would have to make one."""
    wheel = next(bare.wheels.iterdir())
    with zipfile.ZipFile(wheel, "a") as changed:
        changed.writestr("greeting_too.py", "steal everything")
    code, out, err = bare.start()
    assert (code, out) == (1, "")
    assert "is not the one that belongs to this version" in err
    assert "tell whoever looks after the network" in err

    wheel.unlink()
    source = bare.wheels / "greeting-1.0.tar.gz"
    script = f"open({str(bare.root / 'was-run')!r}, 'w')".encode()
    with tarfile.open(source, "w:gz") as package:
        member = tarfile.TarInfo("greeting-1.0/setup.py")
        member.size = len(script)
        package.addfile(member, io.BytesIO(script))
    lock(bare.root, "greeting==1.0", source)
    code, out, err = bare.start()
    assert (code, out) == (1, "")
    assert "has no ready-made version for this computer" in err
    assert not (bare.root / "was-run").exists()
    assert list(bare.root.rglob("site-packages/greeting*")) == []


def test_an_environment_without_pip_is_filled_by_its_pythons_pip(bare: Copy) -> None:
    venv = [base_python(), "-m", "venv", "--without-pip", str(bare.root / ".venv")]
    subprocess.run(venv, check=True)
    bare.greets("1.0")


def test_two_first_starts_at_once_install_once(bare: Copy) -> None:
    both = [bare.popen("a"), bare.popen("b")]
    results = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert sorted(out for out, _ in results) == ["hello 1.0 a\n", "hello 1.0 b\n"]
    assert sum("Fetching and installing" in err for _, err in results) == 1


def test_no_network_is_a_sentence_and_the_next_start_goes_on(bare: Copy, dead_index: str) -> None:
    code, out, err = bare.start(index=dead_index)
    assert (code, out) == (1, "")
    assert "The packages could not be fetched." in err
    assert "internet connection" in err
    assert "Traceback" not in err
    assert "greeting" in (bare.root / ".venv-setup.log").read_text("utf-8")
    assert "Retrying" in (bare.root / ".venv-setup.log").read_text("utf-8")
    made = (bare.root / ".venv" / "pyvenv.cfg").stat().st_mtime_ns
    assert bare.start()[0] == 0
    assert (bare.root / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == made, "kept what there was"


def test_a_full_disk_is_a_sentence_before_anything_is_written(bare: Copy) -> None:
    with pytest.raises(SetupError, match="The disk is full") as caught:
        VirtualEnvironment(bare.root, required=10**18).prepare(set(), InstallProgress())
    assert "1 GB" in caught.value.remedy
    assert not (bare.root / ".venv").exists()


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write anywhere; tests in a container often run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@needs_posix
def test_a_read_only_folder_is_a_sentence() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        Copy.made(root)
        root.chmod(0o555)
        with pytest.raises(SetupError, match="cannot be written to") as caught, ordinary_user():
            VirtualEnvironment(root).prepare(set(), InstallProgress())
        root.chmod(0o755)
    assert str(root) in caught.value.what
    assert "Documents" in caught.value.remedy


@pytest.fixture
def silent_index() -> Iterator[str]:
    """A package index that takes the call and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@needs_posix
def test_ctrl_c_while_setting_up_ends_with_130_and_no_pip_left(
    bare: Copy, silent_index: str
) -> None:
    process = bare.popen(index=silent_index)
    assert process.stderr is not None
    while "Fetching" not in process.stderr.readline():
        pass
    time.sleep(1)  # pip is under way
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Start again to finish setting up." in err
    assert "Traceback" not in err
    assert bare.start()[0] == 0, "neither the lock nor the half-made environment is in the way"


def test_in_an_environment_that_has_everything_nothing_is_installed(bare: Copy) -> None:
    (bare.root / "pyproject.toml").write_text('[project]\ndependencies = ["rich>=14"]\n', "utf-8")
    (bare.root / "companion" / "cli.py").write_text("def run():\n    print('here')\n", "utf-8")
    done = subprocess.run(
        [sys.executable, str(bare.root / "run.py")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "here\n"
    assert not (bare.root / ".venv").exists()


def test_an_old_python_is_named_with_what_to_do() -> None:
    sentence = too_old((3, 9, 18))
    assert sentence is not None
    assert "needs Python 3.11 or newer; this is 3.9.18." in sentence
    assert re.search(r"start with: python3\.\d+ run\.py|https://www\.python\.org", sentence)
    assert too_old((3, 11, 0)) is None
    assert too_old((3, 15, 1)) is None


def test_an_old_python_can_still_read_the_launcher() -> None:
    ast.parse((ROOT / "run.py").read_text("utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (str(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))), "The disk is full"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] ", "The disk is full"),
        ("OSError: [WinError 112] There is not enough space on the disk", "The disk is full"),
        (str(OSError(errno.EROFS, os.strerror(errno.EROFS))), "cannot be written"),
        (str(PermissionError(errno.EACCES, "Permission denied")), "cannot be written"),
        ("[WinError 5] Access is denied: 'C:\\\\Program Files\\\\x'", "cannot be written"),
        ("[WinError 206] The filename or extension is too long", "path is too long"),
        ("OSError: [Errno 36] File name too long: '…'", "path is too long"),
        ("Retrying (Retry(total=4)) … SSLError(… CERTIFICATE_VERIFY_FAILED …)", "not trusted"),
        ("Retrying (Retry(total=0)) … [Errno 101] Network is unreachable", "could not be fetched"),
        (
            "ERROR: Ignored the following versions that require a different python version",
            "no ready",
        ),
        ("socket.gaierror: [Errno 11001] getaddrinfo failed", "could not be fetched"),
        ("Retrying (…) … ERROR: No matching distribution found for rich==14", "could not be"),
        ("ERROR: No matching distribution found for uvloop==0.23", "no ready-made version"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "is not the"),
        ("something nobody has seen before", "The installation failed"),
    ],
)
def test_what_pip_and_the_system_say_becomes_a_sentence(said: str, sentence: str) -> None:
    error = SetupError.explaining(said, Path("a-folder"))
    assert sentence in error.what
    assert error.remedy
    assert "{" not in error.what + error.remedy


@needs_posix
def test_an_environment_whose_python_was_removed_is_made_anew(copy: Copy) -> None:
    environment = VirtualEnvironment(copy.root)
    config = environment.folder / "pyvenv.cfg"
    lines = config.read_text("utf-8").splitlines()
    lines = ["home = /gone/python/bin" if each.startswith("home") else each for each in lines]
    config.write_text("\n".join(lines) + "\n", "utf-8")
    environment.python.unlink()
    environment.python.write_text("#!/bin/sh\nexit 103\n", "utf-8")  # as Windows' python.exe does
    environment.python.chmod(0o755)
    code, out, _ = copy.start("serve")
    assert (code, out) == (0, "hello 1.0 serve\n")


# ── without a console ─────────────────────────────────────────────────────────────────────────

NO_STREAMS = """
import runpy, sys
sys.stdin = sys.stdout = sys.stderr = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def without_streams(copy: Copy, *arguments: str, index: str | None = None) -> int:
    """As Windows' pythonw.exe starts it."""
    environ = {**copy.environ(index), "BROWSER": f"{sys.executable} -c pass %s"}
    run = [sys.executable, "-c", NO_STREAMS, str(copy.root / "run.py"), *arguments]
    return subprocess.run(run, env=environ, cwd=copy.root, check=False, timeout=100).returncode


def test_without_streams_it_starts_and_what_it_says_is_in_a_file(copy: Copy) -> None:
    assert without_streams(copy, "quietly") == 0
    assert "hello 1.0 quietly" in (copy.root / ".start.log").read_text("utf-8")


def test_without_streams_a_failure_is_in_the_file_too(bare: Copy) -> None:
    assert without_streams(bare, "start", "--quiet", index="http://127.0.0.1:9/simple") == 1
    said = (bare.root / ".start.log").read_text("utf-8")
    assert "could not be fetched" in said
    assert "Traceback" not in said
