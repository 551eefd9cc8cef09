"""Google's batch format: many calls in one `multipart/mixed` request.

Written by hand rather than with `BatchHttpRequest`: that class sends a part again by itself when
Google answers it 401, gives up all answers when one part is missing, and spends a millisecond a
part in `email`. Content-IDs are `w0`, `w1` …; Google answers each as `response-w0` ….

A part that is missing or torn is None: nothing is known of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from companion.adapters.network.answer import HttpAnswer

BOUNDARY = "companion_batch_7f3a9c"
CONTENT_TYPE = f'multipart/mixed; boundary="{BOUNDARY}"'
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_ID = re.compile(rb"^content-id:\s*<?response-w(\d{1,4})>?\s*$", re.IGNORECASE | re.MULTILINE)
_BLANK = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    method: str
    target: str
    """Path and query."""
    body: str = ""
    """JSON in ASCII."""
    headers: Mapping[str, str] = field(default_factory=dict)


def write_batch(calls: Sequence[Call]) -> bytes:
    pieces: list[str] = []
    for number, call in enumerate(calls):
        lines = [
            f"--{BOUNDARY}",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            f"Content-ID: <w{number}>",
            "",
            f"{call.method} {call.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in call.headers.items()),
        ]
        if call.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(call.body)}"]
        pieces += ["\r\n".join(lines), "\r\n\r\n", call.body, "\r\n"]
    pieces.append(f"--{BOUNDARY}--\r\n")
    return "".join(pieces).encode("ascii")


def read_batch(content_type: str, content: bytes, count: int) -> list[HttpAnswer | None]:
    """The answers in the order of the calls; None where one is missing or cannot be read."""
    answers: list[HttpAnswer | None] = [None] * count
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        return answers
    delimiter = b"\n--" + boundary.group(1).encode("latin-1")
    for piece in (b"\n" + content).split(delimiter)[1:]:
        head, _, inner = _halves(piece)
        found = _ID.search(head.replace(b"\r\n", b"\n"))
        if found is None or int(found.group(1)) >= count:
            continue
        answers[int(found.group(1))] = _read_answer(inner)
    return answers


def _read_answer(inner: bytes) -> HttpAnswer | None:
    head, _, body = _halves(inner.lstrip(b"\r\n"))
    line, _, rest = head.partition(b"\n")
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return None
    headers = {}
    for each in rest.decode("latin-1").splitlines():
        name, colon, value = each.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return HttpAnswer(status=int(words[1]), headers=headers, content=body.strip(b"\r\n"))


def _halves(content: bytes) -> tuple[bytes, bytes, bytes]:
    blank = _BLANK.search(content)
    if blank is None:
        return content, b"", b""
    return content[: blank.start()], blank.group(), content[blank.end() :]
