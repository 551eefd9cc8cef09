"""Control: other processes of this home and the app that runs, each proving to the other that it
knows the secret of this home, which itself is never sent.

    start → app   POST /control/launch   Authorization: Companion NONCE
    app → start   401 {"nonce", "proof"}
    start → app   POST /control/launch   Authorization: Companion NONCE PROOF
    app → start   200 {"token"}          a launch token

The last word of the path is what is asked for: `LAUNCH`, or one of the app's own commands.
A proof is an HMAC-SHA-256 under the secret over who proves, that word, the app's port and both
nonces. So what another program on the port can learn is a random number; what it passes on to the
app's real port proves nothing there, and a recorded conversation nothing here. The app's nonce
follows from the other one and a key of this run: a question costs no memory, and a proof counts
once. Both questions go through one connection, so whoever answers the second has proven himself at
the first.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from companion.services.files import disk_trouble, make_folder
from companion.web.launching import LaunchTokens, fresh_token, launch_url, write_private

CONTROL = "/control/"
LAUNCH = "launch"
CONTROL_PATH = CONTROL + LAUNCH
SCHEME = "Companion"
SECONDS = 3.0
"""An app that has not answered by then is taken for none of ours."""
_NONCE = re.compile(r"[\w-]{43}", re.ASCII)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,4})\r\n", re.IGNORECASE)
_LONGEST_HEAD = 16 * 1024
Command = Callable[[], Awaitable[Mapping[str, Any]]]
"""Of the app, by its word; answers a small document. Raises nothing."""
_NOT_OURS = (
    *(OSError, EOFError, asyncio.LimitOverrunError),  # closed, cut off, late; no end of headers
    *(ValueError, KeyError, TypeError, RecursionError),  # no such document
)


def control_secret(path: Path) -> str:
    """The secret of this home's control path; made the first time, by one process of those that
    ask for it at once. Raises StoreError."""
    made = fresh_token()
    try:
        for _look in range(20):
            with suppress(OSError):
                kept = path.read_text(encoding="utf-8").strip()
                if len(kept) >= 43:
                    return kept
            make_folder(path.parent)
            with suppress(FileExistsError):
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(made)
                return made
            time.sleep(0.01)  # another process is about to write it
        write_private(path, made)  # what is there is damaged
    except OSError as error:
        raise disk_trouble(error, path) from error
    return made


def proof_of(who: str, secret: str, port: int, start: str, app: str, word: str = LAUNCH) -> str:
    """`who` proves it: ``start`` or ``app``; then the two nonces, and what is asked for."""
    said = "\n".join(("calendar companion control", who, word, str(port), start, app))
    return hmac.digest(secret.encode(), said.encode(), "sha256").hex()


class ControlPath:
    """The app's end."""

    def __init__(
        self,
        secret: str,
        port: int,
        launches: LaunchTokens,
        commands: Mapping[str, Command] | None = None,
    ) -> None:
        self._secret = secret
        self._port = port
        self._launches = launches
        self._commands: dict[str, Command] = {LAUNCH: self._launch, **(commands or {})}
        self._run = secrets.token_bytes(32)
        self._spent: set[str] = set()
        """Nonces whose proof was right: nobody without the secret makes this grow."""

    async def _launch(self) -> Mapping[str, Any]:
        return {"token": self._launches.issue()}

    async def answer(self, authorization: str, word: str = LAUNCH) -> tuple[int, Mapping[str, Any]]:
        """Status and document for this header of a POST; nothing in it is ever echoed."""
        scheme, _, given = authorization.strip().partition(" ")
        nonce, _, proof = given.strip().partition(" ")
        command = self._commands.get(word)
        if command is None or scheme.lower() != SCHEME.lower() or not _NONCE.fullmatch(nonce):
            return 403, {}
        own = hmac.digest(self._run, nonce.encode(), "sha256").hex()
        if not proof:
            app = proof_of("app", self._secret, self._port, nonce, own, word)
            return 401, {"nonce": own, "proof": app}
        right = proof_of("start", self._secret, self._port, nonce, own, word)
        if nonce in self._spent or not hmac.compare_digest(proof.encode(), right.encode()):
            return 403, {}
        self._spent.add(nonce)
        return 200, await command()


async def ask_running_app(port: int, secret: str, *, seconds: float = SECONDS) -> str | None:
    """A launch address from the app of this home that runs on `port`; None where whoever answers
    there does not prove to be it within `seconds`."""
    granted = await command_running_app(port, secret, LAUNCH, seconds=seconds)
    token = (granted or {}).get("token")
    return launch_url(port, token) if isinstance(token, str) else None


async def command_running_app(
    port: int, secret: str, word: str, *, seconds: float = SECONDS
) -> dict[str, Any] | None:
    """What that app answers to one of its commands; None as above."""
    try:
        async with asyncio.timeout(seconds):
            return await _ask(port, secret, word)
    except _NOT_OURS:
        return None


async def _ask(port: int, secret: str, word: str) -> dict[str, Any] | None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST_HEAD)
    try:
        start = fresh_token()
        said = await _post(reader, writer, port, word, start)
        app = str(said["nonce"])
        right = proof_of("app", secret, port, start, app, word)
        if not hmac.compare_digest(str(said["proof"]).encode(), right.encode()):
            return None
        proof = proof_of("start", secret, port, start, app, word)
        return await _post(reader, writer, port, word, f"{start} {proof}")
    finally:
        writer.close()


async def _post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, word: str, said: str
) -> dict[str, Any]:
    """The document that is answered, whatever its status."""
    writer.write(
        f"POST {CONTROL}{word} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: {SCHEME} {said}\r\nContent-Length: 0\r\n\r\n".encode("ascii")
    )
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length is None:
        raise ValueError("no length")
    document: dict[str, Any] = json.loads(await reader.readexactly(int(length[1])))
    return document
