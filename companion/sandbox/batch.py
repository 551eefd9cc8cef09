"""Google's batch format: `multipart/mixed` whose parts are whole HTTP requests or answers.

Read and written by hand, since `email` spends more time on fifty parts than the model does.
Each part has MIME headers, a blank line, a request line with headers, a blank line and a body;
lines may end in LF or CRLF. The answer to a part carries its Content-ID with `response-` before.

Google documents at most 50 calls in a batch for Calendar and its client library refuses 1,000;
we answer more than 50 with 400 `badRequest`, in words of our own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import responses

from companion.sandbox import refusals

MOST_PARTS = 50
BOUNDARY = "batch_simulated_google"
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_BLANK = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    content_id: str | None
    method: str
    target: str
    """Path and query."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


def read_parts(content_type: str, body: bytes) -> list[Part]:
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise refusals.bad_request("Missing multipart boundary.")
    delimiter = b"--" + boundary.group(1).encode()
    # The newline before a delimiter belongs to it, and the first one may open the body.
    pieces = (b"\n" + body).split(b"\n" + delimiter)[1:]
    if not pieces or not pieces[-1].startswith(b"--"):
        raise refusals.bad_request("Failed to parse batch request, error: unexpected end.")
    if len(pieces) - 1 > MOST_PARTS:
        raise refusals.bad_request(f"A batch may contain at most {MOST_PARTS} calls.")
    return [_read_part(piece) for piece in pieces[:-1]]


def _read_part(piece: bytes) -> Part:
    outer, inner = _halves(piece.lstrip(b" \t\r\n"))
    head, body = _halves(inner.lstrip(b"\r\n"))
    line, _, rest = head.partition(b"\n")
    try:
        method, target, _ = line.decode("ascii").split(" ", 2)
        mime = _read_headers(outer)
        headers = _read_headers(rest)
    except ValueError as err:
        raise refusals.bad_request("Failed to parse batch request, error: bad part.") from err
    return Part(
        content_id=mime.get("content-id"),
        method=method,
        target=target,
        headers=headers,
        body=body.rstrip(b"\r\n"),
    )


def _halves(content: bytes) -> tuple[bytes, bytes]:
    """Around the first blank line."""
    head, *rest = _BLANK.split(content, maxsplit=1)
    return head, rest[0] if rest else b""


def _read_headers(block: bytes) -> dict[str, str]:
    headers = {}
    for line in _FOLD.sub(b" ", block).decode("utf-8").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers


def response_id(content_id: str | None) -> str | None:
    if content_id is None:
        return None
    if content_id.startswith("<"):
        return f"<response-{content_id[1:]}"
    return f"response-{content_id}"


def write_parts(
    answers: Sequence[tuple[str | None, int, Sequence[tuple[str, str]], bytes]],
) -> tuple[str, bytes]:
    """Content type and body of the answer to (content id, status, headers, body) each."""
    chunks: list[bytes] = []
    for content_id, status, headers, body in answers:
        lines = [f"--{BOUNDARY}", "Content-Type: application/http"]
        answered = response_id(content_id)
        if answered is not None:
            lines.append(f"Content-ID: {answered}")
        lines += ["", f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += [f"Content-Length: {len(body)}", "", ""]
        chunks += ["\r\n".join(lines).encode(), body, b"\r\n"]
    chunks.append(f"--{BOUNDARY}--\r\n".encode())
    return f"multipart/mixed; boundary={BOUNDARY}", b"".join(chunks)
