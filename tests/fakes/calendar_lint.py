"""A byte-level lint of our own for feeds: what RFC 5545 asks, and what our profile forbids.

It shares no code with the writer. `complaints()` names what is wrong, `properties()` reads an
accepted calendar's events back as unfolded, unescaped text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

ALLOWED = {
    "VCALENDAR": {
        "VERSION", "PRODID", "CALSCALE", "NAME", "X-WR-CALNAME", "X-WR-TIMEZONE", "COLOR",
        "REFRESH-INTERVAL", "X-PUBLISHED-TTL",
    },
    "VEVENT": {
        "UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "LOCATION",
        "DESCRIPTION", "STATUS", "TRANSP", "CLASS",
    },
}  # fmt: skip
OPTIONAL = {"LOCATION", "DESCRIPTION", "COLOR"}
TEXTS = {"SUMMARY", "LOCATION", "DESCRIPTION", "NAME", "X-WR-CALNAME", "X-WR-TIMEZONE"}
SHAPES = {
    "UID": r"[0-9a-f]{24}@calendar-companion",
    "DTSTAMP": r"\d{8}T\d{6}Z",
    "LAST-MODIFIED": r"\d{8}T\d{6}Z",
    "SEQUENCE": r"\d+",
    "STATUS": "CONFIRMED|TENTATIVE",
    "TRANSP": "OPAQUE|TRANSPARENT",
    "CLASS": "PRIVATE|PUBLIC",
    "VERSION": r"2\.0",
    "CALSCALE": "GREGORIAN",
    "COLOR": "[a-z]+",
    "X-PUBLISHED-TTL": r"PT\d+M",
    "REFRESH-INTERVAL": r"PT\d+M",
    "PRODID": "-//.+//.+//EN",
}
PARAMETERS = {"REFRESH-INTERVAL": ";VALUE=DURATION"}


def unfolded(data: bytes) -> list[str]:
    return data.replace(b"\r\n ", b"").decode("utf-8").split("\r\n")[:-1]


def complaints(data: bytes, *, limit: int | None = 900_000) -> list[str]:
    found = list(_byte_complaints(data))
    if limit is not None and len(data) > limit:
        found.append(f"{len(data)} bytes")
    if found:
        return found
    return list(_line_complaints(unfolded(data)))


def _byte_complaints(data: bytes) -> Iterator[str]:
    if not data.endswith(b"END:VCALENDAR\r\n"):
        yield "does not end with its END"
    if re.search(rb"[^\r]\n|\r[^\n]|\r\Z", data):
        yield "a line end that is not CRLF"
    for number, line in enumerate(data.split(b"\r\n"), 1):
        if len(line) > 75:
            yield f"line {number} has {len(line)} octets"
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            yield f"line {number} breaks inside a character"
            continue
        if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]", text):
            yield f"line {number} has a control character"


def _line_complaints(lines: list[str]) -> Iterator[str]:
    stack: list[tuple[str, list[str]]] = []
    for line in lines:
        match = re.fullmatch(r"([A-Z-]+)((?:;[A-Z]+=[A-Z-]+)*):(.*)", line)
        if match is None:
            yield f"no property: {line[:40]!r}"
            continue
        name, parameters, value = match.groups()
        if name == "BEGIN":
            stack.append((value, []))
        elif name == "END":
            component, names = stack.pop()
            if component != value:
                yield f"{component} ends as {value}"
            yield from _missing(component, names)
        elif not stack:
            yield f"{name} outside of everything"
        else:
            component, names = stack[-1]
            if name not in ALLOWED[component] or name in names:
                yield f"{name} is not allowed (again) in {component}"
            names.append(name)
            yield from _value_complaints(name, parameters, value)
    if stack:
        yield "a component does not end"


def _missing(component: str, names: list[str]) -> Iterator[str]:
    if component not in ALLOWED:
        yield f"a {component}"
    elif missing := ALLOWED[component] - OPTIONAL - set(names):
        yield f"{component} lacks {sorted(missing)}"


def _value_complaints(name: str, parameters: str, value: str) -> Iterator[str]:
    if name in {"DTSTART", "DTEND"}:
        shape = r"\d{8}" if parameters == ";VALUE=DATE" else r"\d{8}T\d{6}Z"
        if not re.fullmatch(shape, value) or parameters not in {"", ";VALUE=DATE"}:
            yield f"{name}{parameters} is {value}"
        return
    if parameters != PARAMETERS.get(name, ""):
        yield f"{name} has {parameters}"
    if name in TEXTS:
        if re.sub(r"\\[\\;,n]", "", value).strip("\\") != re.sub(r"\\[\\;,n]", "", value):
            yield f"{name} has a stray backslash"
        if re.search(r"(?<!\\)(?:\\\\)*[;,]", value):
            yield f"{name} has a separator that is not escaped"
    elif not re.fullmatch(SHAPES[name], value):
        yield f"{name} is {value}"


def events(data: bytes) -> list[dict[str, str]]:
    """Each VEVENT's properties, in order; texts unescaped, times as written."""
    found: list[dict[str, str]] = []
    for line in unfolded(data):
        name, _, value = line.partition(":")
        bare = name.partition(";")[0]
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found and bare in ALLOWED["VEVENT"]:
            found[-1][bare] = unescaped(value) if bare in TEXTS else value
    return found


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text)
