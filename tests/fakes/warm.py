"""Warm starts: a process of its own for each command, without reading the whole program each time.

Reading our modules and the libraries takes a command 1.4 s of processor time, an app 2.5 s, and
the browser and command tests start some hundreds of them. So one process per test run, the
nursery, has read everything and forks: each child has its own memory, environment, files and
signals, and can be killed in the middle like any other. Where the system cannot fork (Windows), or
with COLD, children are started from nothing. How a real start goes is what `test_fresh_machine`,
`test_launcher` and the journey through the demo are for.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn, Self

ROOT = Path(__file__).parents[2]
COLD = sys.platform == "win32" or "COMPANION_TEST_COLD" in os.environ
READ = (
    "companion.cli",
    "companion.main",
    "companion.restoring",
    "companion.sandbox.demo",
    "companion.sandbox.server",
    "companion.serving",
    "companion.web.app",
)
LARGEST = 1 << 20
"""Bytes of a request: arguments and environment."""


class Started:
    """As much of subprocess.Popen as the tests use."""

    def __init__(self, pid: int, out: int, err: int | None, end: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout: IO[str] = os.fdopen(out, encoding="utf-8")
        self.stderr: IO[str] | None = None if err is None else os.fdopen(err, encoding="utf-8")
        self._end = end
        """Says how it ended, once it has."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.wait()

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            ready, _, _ = select.select([self._end], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self.returncode = int(os.read(self._end, 20))
            os.close(self._end)
        return self.returncode

    def communicate(self, timeout: float = 60) -> tuple[str, str]:
        """What is left of both streams, once it has ended."""
        until = time.monotonic() + timeout
        said = {"out": "", "err": ""}
        streams = {"out": self.stdout, "err": self.stderr}

        def read(name: str, stream: IO[str]) -> None:
            said[name] = stream.read()
            stream.close()

        readers = [
            threading.Thread(target=read, args=each, daemon=True)
            for each in streams.items()
            if each[1] is not None and not each[1].closed
        ]
        for each in readers:
            each.start()
        self.wait(timeout)
        for each in readers:
            each.join(max(0.0, until - time.monotonic()))
        return said["out"], said["err"]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


Process = Started | subprocess.Popen[str]


def start(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    errors: bool = False,
    cold: bool = COLD,
) -> Process:
    """What Python is told to run: ``-c CODE …`` or ``FILE …``. Its output is a text stream to read
    from; with `errors` its other stream as well."""
    words = [str(each) for each in arguments]
    variables = dict(os.environ if env is None else env)
    variables.pop("PYTEST_CURRENT_TEST", None)
    if cold:
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if errors else None,
            text=True,
            encoding="utf-8",
        )
    return _Nursery.of_this_run().start(words, variables, errors=errors)


class _Nursery:
    """The forking process, seen from the tests."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fakes.warm", str(theirs.fileno())],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._line = ours
        self._lock = threading.Lock()
        atexit.register(self._close)

    @staticmethod
    @functools.cache
    def of_this_run() -> _Nursery:
        return _Nursery()

    def start(self, words: list[str], variables: dict[str, str], *, errors: bool) -> Started:
        out, out_end = os.pipe()
        err, err_end = os.pipe() if errors else (None, os.dup(2))
        end, end_end = os.pipe()
        request = json.dumps({"words": words, "variables": variables}).encode()
        with self._lock:
            socket.send_fds(self._line, [b"%08d" % len(request)], [out_end, err_end, end_end])
            self._line.sendall(request)
            pid = int(self._line.recv(20))
        for each in (out_end, err_end, end_end):
            os.close(each)
        return Started(pid, out, err, end)

    def _close(self) -> None:
        self._line.close()
        self._process.wait(10)


def nurse(line: socket.socket) -> NoReturn:
    """Read everything, then fork on request until nobody asks any more."""
    for name in READ:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a fork would lose the others"
    gc.collect()
    gc.freeze()
    wake, woken = socket.socketpair()
    wake.setblocking(False)
    woken.setblocking(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken.fileno())
    ends: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([line, wake], [], [])
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                wake.recv(4096)
        _tell_ends(ends)
        if line not in ready:
            continue
        head, files, _, _ = socket.recv_fds(line, 8, 3)
        if not head:
            os._exit(0)
        request = b""
        while len(request) < int(head):
            request += line.recv(LARGEST)
        asked = json.loads(request)
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for one in (line, wake, woken):
                one.close()
            for number in (*ends.values(), files[2]):
                os.close(number)
            _live(asked["words"], asked["variables"], files)
        line.sendall(b"%d" % pid)
        os.close(files[0])
        os.close(files[1])
        ends[pid] = files[2]


def _tell_ends(ends: dict[int, int]) -> None:
    """As subprocess does: a negative number is the signal that ended it."""
    while ends:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with contextlib.suppress(BrokenPipeError):  # nobody waits for it
            os.write(ends[pid], b"%d" % os.waitstatus_to_exitcode(status))
        os.close(ends.pop(pid))


def _live(words: list[str], variables: dict[str, str], files: Sequence[int]) -> NoReturn:
    """The child's life, as that of a Python that was started with these words."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    empty = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, empty), (1, files[0]), (2, files[1])):
        os.dup2(source, target)
        os.close(source)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for its whole life
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(variables)
    code = 0
    try:
        if words[0] == "-c":
            sys.argv = ["-c", *words[2:]]
            exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
        else:
            sys.argv = words
            sys.path.insert(0, str(Path(words[0]).parent))
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as Python itself does
        traceback.print_exc()
        code = 1
    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined] # as Python itself does, here too
        atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    nurse(socket.socket(fileno=int(sys.argv[1])))
