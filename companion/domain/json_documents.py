"""Values as small JSON documents: a dataclass follows its type hints, field by field.

Moments and days are written as ISO texts, sets in order. A key that nobody knows is left out, and
a field that is missing has its default. Whoever keeps such a document can do without it: what is
damaged reads as not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
DAMAGED = (KeyError, TypeError, ValueError, AttributeError)
"""What reading may raise."""


def to_document(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: to_document(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: to_document(each) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(map(to_document, value))
    if isinstance(value, list | tuple):
        return [to_document(each) for each in value]
    return value


def from_document(kind: type[T], raw: object) -> T:
    """Raises one of `DAMAGED`."""
    hint: Any = kind
    found: T = _reader(hint)(raw)
    return found


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """Reads a value of this type; made once, as documents are read for each calendar."""
    if is_dataclass(kind):
        return _record_reader(kind)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is UnionType:  # X | None
        known = _reader(parts[0])
        return lambda raw: None if raw is None else known(raw)
    if origin in {tuple, frozenset}:
        item = _reader(parts[0])
        return lambda raw: origin(map(item, raw))
    if origin is Mapping:
        value = _reader(parts[1])
        return lambda raw: {str(key): value(each) for key, each in raw.items()}
    read: Callable[[Any], Any] = kind.fromisoformat if issubclass(kind, date) else kind
    return read


def _record_reader(kind: Any) -> Callable[[Mapping[str, Any]], Any]:
    hints = get_type_hints(kind)
    readers = {each.name: _reader(hints[each.name]) for each in fields(kind)}

    def read(raw: Mapping[str, Any]) -> Any:
        there = raw.keys()
        return kind(**{name: known(raw[name]) for name, known in readers.items() if name in there})

    return read
