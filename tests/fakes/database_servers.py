"""Real database servers of a test's own, in a folder that goes away: PostgreSQL and MariaDB.

Both listen on a free port of this computer, keep nothing safe on disk, and run as an ordinary user
(started by root they give its rights up, which PostgreSQL insists on).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import psycopg
import pymysql
from sqlalchemy import URL

from tests.fakes.free_ports import free_port

Made = TypeVar("Made")
PASSWORD = "p@ss/#:word %41"
_SOON = 30.0
_CHOSEN = os.environ.get("COMPANION_TEST_POSTGRESQL", "")
"""Read at once: while tests run, `conftest` hides this machine's settings from them."""
_MARIADB = """\
[mysqld]
innodb-log-file-size=4M
innodb-buffer-pool-size=6M
innodb-flush-method=nosync
innodb-data-file-path=ibdata1:4M:autoextend
innodb-temp-data-file-path=ibtmp1:4M:autoextend
performance-schema=OFF
aria-pagecache-buffer-size=1M
skip-name-resolve
bind-address=127.0.0.1
"""


def find_postgresql() -> Path | None:
    """The folder of its programs: the one that was chosen, else the newest of this machine."""
    if _CHOSEN:
        assert (Path(_CHOSEN) / "initdb").is_file(), f"COMPANION_TEST_POSTGRESQL: {_CHOSEN}"
        return Path(_CHOSEN)
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    places += [Path(found).parent] if found else []
    return next((each for each in places if (each / "initdb").is_file()), None)


def find_mariadb() -> Path | None:
    """The server's program."""
    found = shutil.which("mariadbd", path=os.pathsep.join([os.defpath, "/usr/sbin"]))
    found = found or shutil.which("mariadbd")
    return Path(found) if found and shutil.which("mariadb-install-db") else None


class ServerProcess:
    """Runs while the context lasts; killed at its end, as nothing is wanted of it any more."""

    def __init__(self, command: Sequence[object], user: str | None) -> None:
        self._command = [str(each) for each in command]
        self._user = user
        self.ready: Callable[[], object] = lambda: None
        """Waits until it answers; raises when it does not."""

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self, how: int = signal.SIGINT) -> None:
        """To PostgreSQL SIGINT means: at once and in order; SIGQUIT: as if the power had failed."""
        self._process.send_signal(how)
        self._process.wait(_SOON)

    def start(self) -> None:
        """Again, on the same data; returns when it answers."""
        assert self._process.poll() is not None, "it runs"
        self._begin()
        self.ready()

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )


@dataclass(frozen=True, kw_only=True)
class Server:
    owner: URL
    """May do everything in the database ``practice``."""
    reader: URL
    """May read all of it, once `reader` has been granted so."""
    process: ServerProcess
    """To be stopped and started again on the same data."""


@contextmanager
def postgresql(**more: str) -> Iterator[Server]:
    """`more` of its settings."""
    programs = find_postgresql()
    assert programs is not None
    with _folder("postgres") as (folder, user), ExitStack() as stack:
        data = folder / "data"
        _run(
            [programs / "initdb", "-D", data, "-U", "owner", "-A", "scram-sha-256"],
            ["--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C"],
            [f"--pwfile={_file(folder / 'password', PASSWORD, user)}"],
            user=user,
        )
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "shared_buffers": "8MB",
            "max_connections": "200",
            **more,
        }
        options = [part for key, each in settings.items() for part in ("-c", f"{key}={each}")]
        process = stack.enter_context(
            ServerProcess([programs / "postgres", "-D", data, "-p", port, *options], user)
        )
        owner = URL.create(
            "postgresql", "owner", PASSWORD, host="127.0.0.1", port=port, database="practice"
        )
        first = owner.set(database="postgres")
        with _soon(port, lambda: connection_to(first)) as made:
            made.execute("CREATE DATABASE practice")
            made.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
            made.execute("GRANT pg_read_all_data TO reader")
        process.ready = lambda: _soon(port, lambda: connection_to(first)).close()
        yield Server(owner=owner, reader=owner.set(username="reader"), process=process)


@contextmanager
def mariadb() -> Iterator[Server]:
    program = find_mariadb()
    assert program is not None
    with _folder("mysql") as (folder, user), ExitStack() as stack:
        defaults = f"--defaults-file={_file(folder / 'my.cnf', _MARIADB, user)}"
        data = f"--datadir={folder / 'data'}"
        method = "--auth-root-authentication-method=normal"
        _run(["mariadb-install-db", defaults, data, method, "--skip-test-db"], user=user)
        port, door = free_port(), folder / "socket"
        process = stack.enter_context(
            ServerProcess([program, defaults, data, f"--port={port}", f"--socket={door}"], user)
        )
        with _soon(port, lambda: pymysql.connect(unix_socket=str(door), user="root")) as made:
            cursor = made.cursor()
            cursor.execute("CREATE DATABASE practice CHARACTER SET utf8mb4")
            for name, rights in (("owner", "ALL"), ("reader", "SELECT, EXECUTE, CREATE ROUTINE")):
                cursor.execute(f"CREATE USER {name}@'%%' IDENTIFIED BY %s", (PASSWORD,))
                cursor.execute(f"GRANT {rights} ON practice.* TO {name}@'%'")
            cursor.execute("GRANT PROCESS ON *.* TO owner@'%'")
        owner = URL.create(
            "mysql", "owner", PASSWORD, host="127.0.0.1", port=port, database="practice"
        )
        yield Server(owner=owner, reader=owner.set(username="reader"), process=process)


def shown(url: URL) -> str:
    """As a person gives it."""
    return url.render_as_string(hide_password=False)


def connection_to(url: URL, *, autocommit: bool = True) -> psycopg.Connection:
    """To PostgreSQL."""
    return psycopg.connect(
        host=url.host,
        port=url.port,
        user=url.username,
        password=url.password,
        dbname=url.database,
        autocommit=autocommit,
    )


@contextmanager
def _folder(name: str) -> Iterator[tuple[Path, str | None]]:
    """Not below pytest's own, which nobody but this user may enter."""
    user = None
    if os.geteuid() == 0:
        import pwd

        known = {each.pw_name for each in pwd.getpwall()}
        user = name if name in known else "nobody"
    folder = Path(tempfile.mkdtemp(prefix="companion-"))
    try:
        if user:
            shutil.chown(folder, user)
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _file(path: Path, content: str, user: str | None) -> Path:
    path.write_text(content, "utf-8")
    if user:
        shutil.chown(path, user)
    return path


def _run(*parts: Sequence[object], user: str | None) -> None:
    command = [str(each) for part in parts for each in part]
    done = subprocess.run(command, user=user, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


def _soon(port: int, make: Callable[[], Made]) -> Made:
    """As soon as the server is ready."""
    ends = time.monotonic() + _SOON
    while True:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                break
        assert time.monotonic() < ends, "the database server did not start"
        time.sleep(0.02)
    while True:
        try:
            return make()
        except (psycopg.OperationalError, pymysql.OperationalError):
            if time.monotonic() > ends:
                raise
            time.sleep(0.02)
