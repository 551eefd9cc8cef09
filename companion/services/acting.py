"""Acting: which user's press is being carried out, so that the activity can name them.

The gate sets it around each call of a page. Tasks that the call starts keep it; what the program
does by itself has nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_acting: ContextVar[str] = ContextVar("acting", default="")
BY = " by "


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    token = _acting.set(name)
    try:
        yield
    finally:
        _acting.reset(token)


def caused(cause: str) -> str:
    """``upload by Alex``; `cause` alone where nobody acts, or it names them already."""
    name = _acting.get()
    return f"{cause}{BY}{name}" if name and name != cause else cause
