"""Conformance: the program's requests held against Google's own description of the Calendar API.

The description is the document `calendar.v3` that google-api-python-client ships. Held are: path
and HTTP method, parameters with type, range and enum, the body's fields with type, format and the
values that the description names, `fields` masks, the batch format, and that a scope of the token
permits the method. A call names whose quota it is where a service account speaks for a person, and
only there: by an opaque word of at most 40 characters. `tests/conftest.py` lets every simulated
Google of the test process report its requests here, and fails the test that sent a wrong one.

Only our own requests count (by User-Agent): tests of the simulator send wrong ones on purpose.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from googleapiclient import discovery_cache

from companion.adapters.network.http import USER_AGENT
from companion.sandbox.access import Caller, short_name
from companion.sandbox.wire import ApiRequest

MOST_PARTS = 50
QUOTA_USER = re.compile(r"[0-9a-f]{16,40}")
UNPERMITTED = "permitted by none of"
_NAMED_VALUE = re.compile(r'^- "(\w+)"', re.MULTILINE)
_REQUEST_LINE = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/\S+) HTTP/1\.1")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    id: str
    """``calendar.events.insert``"""
    pattern: re.Pattern[str]
    description: Json


@lru_cache(maxsize=1)
def document() -> Json:
    read: Json = json.loads(discovery_cache.get_static_doc("calendar", "v3"))
    return read


@lru_cache(maxsize=1)
def methods() -> tuple[Method, ...]:
    return tuple(
        Method(
            id=each["id"],
            pattern=re.compile(
                re.sub(
                    r"\\\{\w+\\\}",
                    "[^/]+",
                    re.escape("/" + document()["servicePath"] + each["path"]),
                )
            ),
            description=each,
        )
        for resource in document()["resources"].values()
        for each in resource["methods"].values()
    )


def scopes_of(method_id: str) -> frozenset[str]:
    """Short names of the scopes that permit a method such as ``events.list``."""
    found = next(each for each in methods() if each.id == f"calendar.{method_id}")
    return frozenset(short_name(scope) for scope in found.description["scopes"])


@dataclass(slots=True)
class Conformance:
    violations: list[str] = field(default_factory=list)
    held: int = 0
    """Calls that were looked at, parts of batches included."""

    def observe(self, request: ApiRequest, caller: Caller | None) -> None:
        if request.headers.get("user-agent") != USER_AGENT:
            return
        self.violations += violations_of(request, caller)
        self.held += 1

    def take(self) -> list[str]:
        """Those found since the last time."""
        found, self.violations = self.violations, []
        return found


def violations_of(request: ApiRequest, caller: Caller | None) -> list[str]:
    """`caller`: None for a token that is not accepted, whose scopes nobody knows."""
    if request.path == f"/{document()['batchPath']}":
        return [*_of_batch(request, caller)]
    return [*_of_call(request, caller)]


def _of_batch(request: ApiRequest, caller: Caller | None) -> Iterator[str]:
    if request.method != "POST":
        yield f"a batch with {request.method}"
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    if message.get_content_type() != "multipart/mixed" or message.defects:
        yield f"a batch that is no multipart/mixed: {message.defects}"
        return
    parts = list(message.iter_parts())
    if not 1 <= len(parts) <= MOST_PARTS:
        yield f"a batch of {len(parts)} parts"
    names = [each["Content-ID"] for each in parts]
    if len(set(names)) != len(names) or not all(re.fullmatch("<[^<>]+>", str(n)) for n in names):
        yield f"Content-IDs of a batch: {names}"
    for part in parts:
        if part.get_content_type() != "application/http":
            yield f"a part of type {part.get_content_type()}"
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        yield from _of_part(content, caller)


def _of_part(content: bytes, caller: Caller | None) -> Iterator[str]:
    head, _, body = content.decode("ascii", "replace").partition("\r\n\r\n")
    line, *rest = head.split("\r\n")
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        yield f"a part that begins with {line!r}"
        return
    headers = {name.lower(): value.strip() for name, _, value in (e.partition(":") for e in rest)}
    body = body.removesuffix("\r\n")
    if body and headers.get("content-length") != str(len(body)):
        yield f"a part with Content-Length {headers.get('content-length')} for {len(body)}"
    path, _, query = found[2].partition("?")
    yield from _of_call(
        ApiRequest(
            method=found[1], path=path, query=query, headers=headers, body=body.encode("ascii")
        ),
        caller,
    )


def _of_call(request: ApiRequest, caller: Caller | None) -> Iterator[str]:
    method = next(
        (
            each
            for each in methods()
            if each.description["httpMethod"] == request.method
            and each.pattern.fullmatch(request.path)
        ),
        None,
    )
    if method is None:
        yield f"no such method: {request.method} {unquote(request.path)}"
        return
    described = method.description
    for found in _of_parameters(described, request.query):
        yield f"{method.id}: {found}"
    for found in _of_body(described, method.id, request):
        yield f"{method.id}: {found}"
    for found in _of_quota(request.query, caller):
        yield f"{method.id}: {found}"
    if caller is not None and not caller.scopes & scopes_of(method.id.partition(".")[2]):
        yield f"{method.id}: {UNPERMITTED} {sorted(caller.scopes)}"


def _of_quota(query: str, caller: Caller | None) -> Iterator[str]:
    named = dict(parse_qsl(query)).get("quotaUser", "")
    if named and not QUOTA_USER.fullmatch(named):
        yield f"quotaUser is no opaque word: {named}"
    if caller is not None and caller.charged and not named:
        yield "a service account's call without quotaUser"
    if caller is not None and named and not caller.charged:
        yield "quotaUser where Google knows the user"


def _of_parameters(described: Json, query: str) -> Iterator[str]:
    known = {
        name: each
        for name, each in {**document()["parameters"], **described.get("parameters", {})}.items()
        if each["location"] == "query"
    }
    given = parse_qsl(query, keep_blank_values=True)
    names = [name for name, _ in given]
    for name, value in given:
        each = known.get(name)
        if each is None:
            yield f"unknown parameter {name}"
            continue
        if names.count(name) > 1 and not each.get("repeated"):
            yield f"parameter {name} is repeated"
        if "enum" in each and value not in each["enum"]:
            yield f"parameter {name} is {value}"
        if each["type"] == "boolean" and value not in {"true", "false"}:
            yield f"parameter {name} is no boolean: {value}"
        if each["type"] == "integer":
            least, most = int(each.get("minimum", 0)), int(each.get("maximum", 2**31))
            if not value.isdigit() or not least <= int(value) <= most:
                yield f"parameter {name} is out of range: {value}"
        if each.get("format") == "date-time" and not _is_moment(value, offset=True):
            yield f"parameter {name} is no moment: {value}"
    for name, each in known.items():
        if each.get("required") and name not in names:
            yield f"parameter {name} is missing"
    mask = dict(given).get("fields")
    if mask is not None:
        yield from _of_mask(mask, described.get("response", {}).get("$ref"))


def _of_body(described: Json, method_id: str, request: ApiRequest) -> Iterator[str]:
    schema = described.get("request", {}).get("$ref")
    if schema is None:
        if request.body:
            yield "a body that the method does not take"
        return
    if not request.headers.get("content-type", "").startswith("application/json"):
        yield "a body that is not announced as JSON"
    try:
        body = json.loads(request.body)
    except ValueError:
        yield "a body that is no JSON"
        return
    properties = document()["schemas"][schema]["properties"]
    for name, each in properties.items():
        needed = method_id in each.get("annotations", {}).get("required", ())
        if needed and body.get(name) is None:
            yield f"the body lacks {name}"
    yield from _of_value(body, {"$ref": schema}, "body", nulls=request.method == "PATCH")


def _of_value(value: object, schema: Json, where: str, *, nulls: bool) -> Iterator[str]:
    if "$ref" in schema:
        schema = document()["schemas"][schema["$ref"]]
    if value is None:
        if not nulls:
            yield f"{where} is null"
        return
    wanted = _TYPES[schema["type"]]
    if not isinstance(value, wanted) or (isinstance(value, bool) and schema["type"] != "boolean"):
        yield f"{where} is no {schema['type']}"
        return
    if not isinstance(value, list | dict):
        yield from _of_text(value, schema, where)
    elif isinstance(value, list):
        for each in value:
            yield from _of_value(each, schema["items"], f"{where}[]", nulls=False)
    else:
        properties = schema.get("properties", {})
        for name, inner in value.items():
            below = properties.get(name) or schema.get("additionalProperties")
            if below is None:
                yield f"unknown field {where}.{name}"
            else:
                yield from _of_value(inner, below, f"{where}.{name}", nulls=nulls)


def _of_text(value: object, schema: Json, where: str) -> Iterator[str]:
    named = schema.get("enum") or (
        _NAMED_VALUE.findall(schema.get("description", "")) if isinstance(value, str) else []
    )
    if named and value not in named:
        yield f"{where} is none of {', '.join(named)}: {value}"
    if schema.get("format") == "date" and not _is_day(str(value)):
        yield f"{where} is no date: {value}"
    if schema.get("format") == "date-time" and not _is_moment(str(value)):
        yield f"{where} is no moment: {value}"


def _of_mask(mask: str, schema: str | None) -> Iterator[str]:
    """`a,b/c,d(e,f)`: each must be a field of the answer."""
    if schema is None:
        yield "a mask for an answer without a body"
        return
    for path in _paths(mask):
        below: Json = {"$ref": schema}
        for name in path:
            if "$ref" in below:
                below = document()["schemas"][below["$ref"]]
            if "items" in below:
                below = below["items"]
            if "$ref" in below:
                below = document()["schemas"][below["$ref"]]
            inner = below.get("properties", {}).get(name) or below.get("additionalProperties")
            if inner is None:
                yield f"the mask names {'/'.join(path)}, which the answer has not"
                break
            below = inner


def _paths(mask: str) -> list[tuple[str, ...]]:
    """Every field that a mask names, from the answer downwards."""
    found: list[tuple[str, ...]] = []
    depth, start = 0, 0
    for at, sign in enumerate(mask + ","):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            head, bracket, rest = mask[start:at].partition("(")
            path = tuple(head.split("/"))
            inner = _paths(rest.removesuffix(")")) if bracket else [()]
            found += [(*path, *each) for each in inner]
            start = at + 1
    return found


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_moment(text: str, *, offset: bool = False) -> bool:
    """RFC 3339; `offset`: it must name one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return "T" in text and (moment.tzinfo is not None or not offset)
