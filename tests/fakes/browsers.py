"""A browser that only says how it was started, for the variable BROWSER."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

SCRIPT = """
import json, os, socket, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
line.sendall(json.dumps([sys.argv[2:], dict(os.environ)]).encode() + b"\\n")
line.recv(1)  # open, until the test has seen enough
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    arguments: list[str]
    variables: dict[str, str]

    @property
    def page(self) -> Path:
        """The file that it was told to show."""
        return Path(url2pathname(urlsplit(self.arguments[-1]).path))


class RecordingBrowser:
    def __init__(self, folder: Path, listener: socket.socket) -> None:
        self._listener = listener
        script = folder / "browser.py"
        script.write_text(SCRIPT, encoding="utf-8")
        port = listener.getsockname()[1]
        self.variable = f'"{Path(sys.executable).as_posix()}" "{script.as_posix()}" {port} %s'
        """For BROWSER."""

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """It is running while inside."""
        line, _ = self._listener.accept()
        with line, line.makefile("rb") as said:
            arguments, variables = json.loads(said.readline())
            yield Opened(arguments=arguments, variables=variables)


@contextmanager
def recording_browser(folder: Path) -> Iterator[RecordingBrowser]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(60)
        yield RecordingBrowser(folder, listener)
