"""Text in SQL the way the rest of the program sees it, on either database.

`unaccented(text)`: without case and accents, so that *chloe* finds Chloë. SQLite's connections are
given the very function that the rest of the program uses (`sqlite.py`). PostgreSQL does the same
with what SQL has for it, whatever language the server speaks: most texts are plain ASCII and need
little; of the others each letter is exchanged for what that function makes of it.

`bytewise(text)`: in an order that does not depend on the server's language.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from companion.domain.client_names import skeleton_of

NAME = "unaccented"
_LETTERS = range(0x80, 0x590)
"""Of Latin, Greek, Cyrillic and Armenian; further on few have a case, and each one costs time."""
_SIGNS = (*range(0x80, 0x3000), *range(0xFE00, 0xFE30), 0xFEFF)


class unaccented(FunctionElement[str]):  # noqa: N801 - called like a function of SQL
    type = String()
    inherit_cache = True
    name = NAME


@compiles(unaccented, "sqlite")
def _by_our_function(element: unaccented, compiler: SQLCompiler, **options: Any) -> str:
    return f"{NAME}({compiler.process(element.clauses, **options)})"


@compiles(unaccented, "postgresql")
def _in_plain_sql(element: unaccented, compiler: SQLCompiler, **options: Any) -> str:
    given = f"({compiler.process(element.clauses, **options)})"
    plain = f"translate(lower({given} COLLATE \"C\"), '`', '''')"
    marks, letters, longer = _exchanges()
    made = f"regexp_replace(normalize({given}, NFKD), '[{marks}]', '', 'g')"
    made = f'lower({made} COLLATE "C")'
    made = f"translate({made}, {_quoted(letters)}, {_quoted(letters.values())})"
    for letter, several in longer.items():
        made = f"replace({made}, {_quoted(letter)}, {_quoted(several)})"
    made = f"normalize({made}, NFC)"
    return f"CASE WHEN octet_length({given}) = length({given}) THEN {plain} ELSE {made} END"


@cache
def _exchanges() -> tuple[str, dict[str, str], dict[str, str]]:
    """What falls away, as a class of a pattern; which letter becomes which; which become several.
    All of texts that were decomposed."""
    unseen = [code for code in _SIGNS if not skeleton_of(chr(code))]
    letters: dict[str, str] = {"`": "'"}
    longer: dict[str, str] = {}
    for letter in map(chr, (*_LETTERS, *range(0x1E00, 0x2030))):
        made = skeleton_of(letter)
        if unicodedata.normalize("NFKD", letter) == letter:
            if len(made) == 1 and made != letter:
                letters[letter] = made
            elif len(made) > 1:
                longer[letter] = made
    return _ranges(unseen), letters, longer


def _ranges(codes: Iterable[int]) -> str:
    """As the inside of a pattern's brackets."""
    found = []
    for _, group in groupby(enumerate(codes), key=lambda each: each[1] - each[0]):
        run = [code for _, code in group]
        found.append(f"{chr(run[0])}-{chr(run[-1])}" if len(run) > 1 else chr(run[0]))
    return "".join(found)


def _quoted(letters: Iterable[str]) -> str:
    return "'" + "".join(letters).replace("'", "''") + "'"


class bytewise(FunctionElement[str]):  # noqa: N801 - called like a function of SQL
    type = String()
    inherit_cache = True
    name = "bytewise"


@compiles(bytewise, "sqlite")
def _as_it_is(element: bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(bytewise, "postgresql")
def _in_no_language(element: bytewise, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)}) COLLATE "C"'
