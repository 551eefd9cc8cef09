"""FakeSqlServer: as much of SQL Server's protocol (TDS 7.4) as its driver needs to ask a query.

No SQL Server can be had here, so the real driver (pymssql, with its TDS library) talks to this:
what it says at sign-in, which statements come in which order, how it leaves a query that takes long
and what it makes of the server's errors are its own.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

NOW = datetime(2026, 12, 7, 12, 0)  # noqa: DTZ001 - the server's local time
Rows = tuple[Sequence[str], Sequence[Sequence[object]]]
_READS_ONLY = 0x20
"""Of the sign-in's third byte of flags: ApplicationIntent=ReadOnly."""
_BATCH, _SIGN_IN, _PRE, _ATTENTION = 0x01, 0x10, 0x12, 0x06
_COLLATION = bytes([0x09, 0x04, 0xD0, 0x00, 0x34])
_EPOCH = datetime(1900, 1, 1)  # noqa: DTZ001 - of its type datetime


class SqlError(Exception):
    """Number and words, as SQL Server gives them."""


class FakeSqlServer:
    def __init__(self, answer: Callable[[str], Rows], *, versions: int = 0) -> None:
        """`answer`: columns and rows of the practice's query; raises SqlError. `versions`: whether
        the database keeps versions of rows (snapshot isolation)."""
        self.answer = answer
        self.versions = versions
        self.refuses: SqlError | None = None
        """The sign-in."""
        self.said: list[str] = []
        """Statements."""
        self.reads_only = False
        self.asked = threading.Event()
        """For a query of BPS_Never, which gets no answer."""
        self.left = threading.Event()
        """Who asked for that has gone, or told to end it."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _listen(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _from = self._listening.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while (message := _message(connection)) is not None:
                kind, body = message
                if kind == _BATCH:
                    statement = body[struct.unpack_from("<I", body)[0] :].decode("utf-16-le")
                    if "BPS_Never" in statement:
                        self.said.append(statement)
                        self.asked.set()
                        _message(connection)
                        self.left.set()
                        return
                connection.sendall(_packet(self._reply(kind, body)))

    def _reply(self, kind: int, body: bytes) -> bytes:
        if kind == _PRE:  # version, and no encryption
            places = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF)
            return places + bytes([15, 0, 7, 208, 0, 0, 2])
        if kind == _SIGN_IN:
            self.reads_only = bool(body[26] & _READS_ONLY)
            if self.refuses is not None:
                return _error(self.refuses) + _done(failed=True)
            return _changed(1, "BPSPatients", "master") + _changed(4, "4096", "4096") + _welcome()
        if kind == _ATTENTION:
            return struct.pack("<BHHQ", 0xFD, 0x20, 0, 0)
        statement = body[struct.unpack_from("<I", body)[0] :].decode("utf-16-le")
        self.said.append(statement)
        try:
            found = self._answered(statement)
        except SqlError as error:
            return _error(error) + _done(failed=True)
        return _done() if found is None else _table(*found) + _done(len(found[1]))

    def _answered(self, statement: str) -> Rows | None:
        if "BPS_" in statement:
            return self.answer(statement)
        if "snapshot_isolation_state" in statement:
            return ["state"], [[self.versions]]
        if "@@version" in statement:
            return ["v"], [["Microsoft SQL Server 2019 - 15.0.2000.5 (X64)"]]
        if "GETDATE()" in statement:
            return ["now"], [[NOW]]
        if statement.lstrip().upper().startswith("SELECT"):
            return ["name"], [["dbo"]]
        return None


def _message(connection: socket.socket) -> tuple[int, bytes] | None:
    """Kind and content of a message, which may have several packets; None at the end."""
    body = b""
    while True:
        head = _exactly(connection, 8)
        if head is None:
            return None
        kind, status, length = struct.unpack(">BBH", head[:4])
        part = _exactly(connection, length - 8)
        if part is None:
            return None
        body += part
        if status & 1:
            return kind, body


def _exactly(connection: socket.socket, length: int) -> bytes | None:
    found = b""
    while len(found) < length:
        part = connection.recv(length - len(found))
        if not part:
            return None
        found += part
    return found


def _packet(body: bytes) -> bytes:
    return struct.pack(">BBHHBB", 4, 1, len(body) + 8, 0, 1, 0) + body


def _done(rows: int = 0, *, failed: bool = False) -> bytes:
    return struct.pack("<BHHQ", 0xFD, 0x02 if failed else 0x10, 0xC1, rows)


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _token(kind: int, body: bytes) -> bytes:
    return struct.pack("<BH", kind, len(body)) + body


def _changed(what: int, new: str, old: str) -> bytes:
    return _token(0xE3, bytes([what]) + _short(new) + _short(old))


def _welcome() -> bytes:
    head = bytes([1, 0x74, 0, 0, 4]) + _short("Microsoft SQL Server")
    return _token(0xAD, head + bytes([15, 0, 7, 208])) + _done()


def _error(error: SqlError) -> bytes:
    number, words = error.args
    text = words.encode("utf-16-le")
    body = struct.pack("<IBBH", number, 1, 16, len(words)) + text
    return _token(0xAA, body + _short("BPSERVER") + _short("") + struct.pack("<I", 1))


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    first = rows[0] if rows else [""] * len(columns)
    described = b"".join(
        struct.pack("<IH", 0, 9) + _type(value) + _short(name)
        for name, value in zip(columns, first, strict=True)
    )
    cells = b"".join(b"\xd1" + b"".join(map(_cell, row)) for row in rows)
    return struct.pack("<BH", 0x81, len(columns)) + described + cells


def _type(value: object) -> bytes:
    if isinstance(value, bool):
        return bytes([0x68, 1])
    if isinstance(value, int):
        return bytes([0x26, 4])
    if isinstance(value, datetime):
        return bytes([0x6F, 8])
    return bytes([0xE7]) + struct.pack("<H", 8_000) + _COLLATION


def _cell(value: object) -> bytes:
    if isinstance(value, bool):
        return bytes([1, value])
    if isinstance(value, int):
        return struct.pack("<Bi", 4, value)
    if isinstance(value, datetime):
        since = value - _EPOCH
        ticks = (since - timedelta(days=since.days)) // timedelta(seconds=1) * 300
        return struct.pack("<BiI", 8, since.days, ticks)
    text = str(value).encode("utf-16-le")
    return struct.pack("<H", len(text)) + text
