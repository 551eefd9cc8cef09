"""Scrub: removes from a text every word that is not the program's own.

Two filters, the second for what passes the first:

1. A word stays only if it occurs in a text or a name of the program's own source code. Of numbers,
   those of at most six digits stay (places in the code, counts, times), unless they are joined to
   letters, as file numbers are. Names, addresses, tokens in any notation and everything else that
   came from outside are not among them. 2. Of these words, whatever the book, the settings and the
   secrets of this home hold goes as well: a client may be called Price.

What goes becomes "…".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import companion

_WORD = re.compile(r"\w+")
_JOINED = re.compile(r"\w+(?:[-/#]\w+)+")
_SEVERAL = re.compile(r"…(?:[\s,.;:'’@=+/&%-]*…)+")
_SHORT_NUMBER, _BRIEF_NUMBER = 6, 3
"""Numbers of digits: longer numbers never stay, numbers as short as the second identify no
person."""
_NAMES_TOO = "ordinary_words.py"
"""A list of words that are people's names as well."""
_BUILT_IN = (
    "debug info warning error critical exception traceback utc "
    "python sqlite google system linux windows darwin macos"
)


class Scrub:
    def __init__(self, *, hidden: Iterable[str] = (), words: frozenset[str] | None = None) -> None:
        """`hidden`: names and secrets of this home; `words`: of the program, its own by
        default."""
        self._words = program_words() if words is None else words
        self._hidden = frozenset(
            word for text in hidden for word in _WORD.findall(_form(text)) if len(word) > 1
        )

    def line(self, text: str) -> str:
        text = _JOINED.sub(lambda found: _without_file_number(found[0]), text)
        return _SEVERAL.sub("…", _WORD.sub(lambda found: self._word(found[0]), text))

    def lines(self, text: str) -> str:
        return "\n".join(self.line(each) for each in text.splitlines())

    def _word(self, word: str) -> str:
        form = _form(word)
        if word.isascii() and word.isdigit():
            stays = len(word) <= _SHORT_NUMBER and form not in self._hidden
            return word if stays or len(word) <= _BRIEF_NUMBER else "…"
        if form in self._hidden or form not in self._words:
            return "…"
        return word


def _without_file_number(joined: str) -> str:
    """``C-4711`` identifies a person; ``2026-03-02`` and ``sign-in`` do not."""
    digits = any(character.isdigit() for character in joined)
    letters = any(character.isalpha() for character in joined)
    return "…" if digits and letters else joined


def _form(text: str) -> str:
    """One form for all spellings of a word."""
    return text.casefold()


@lru_cache(maxsize=1)
def program_words() -> frozenset[str]:
    """Of the whole package but the sandbox, which is full of invented people, and the list of
    ordinary words, which people bear as names and which clinics write in notes."""
    root = Path(companion.__file__).resolve().parent
    words: set[str] = set(_BUILT_IN.split())
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).parts
        if "sandbox" not in parts and path.name != _NAMES_TOO:
            words.update(part.removesuffix(".py").casefold() for part in parts)
            words.update(_words_of(path.read_text("utf-8")))
    return frozenset(words)


def _words_of(source: str) -> Iterable[str]:
    """Words of names and string constants; not of docstrings and comments."""
    tree = ast.parse(source)
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documentation:
                yield from (each.casefold() for each in _WORD.findall(text))
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name.casefold()
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name.casefold()
            case ast.ClassDef(name=name):
                yield name.casefold()
            case _:
                pass
