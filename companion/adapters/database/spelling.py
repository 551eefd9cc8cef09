"""`unaccented(text)`: without case and accents, in SQL, so that *chloe* finds Chloë.

SQLite knows ASCII alone, so its connections are given the function that the rest of the program
uses (`sqlite.py`). Another database does the same with what SQL itself has for it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

NAME = "unaccented"
# In capitals too: on a server whose language is C, lower() knows ASCII alone.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "’": "'"})
_IN_TWO = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}


class unaccented(FunctionElement[str]):  # noqa: N801 - called like a function of SQL
    type = String()
    inherit_cache = True
    name = NAME


@compiles(unaccented)
def _in_plain_sql(element: unaccented, compiler: SQLCompiler, **options: Any) -> str:
    made = compiler.process(element.clauses, **options)
    made = f"lower(regexp_replace(normalize({made}, NFKD), '[\u0300-\u036f]', '', 'g'))"
    alike = {chr(code): letter for code, letter in _LETTERS.items()}
    alike |= {each.upper(): letter for each, letter in alike.items() if each.upper() != each}
    quoted = "".join(alike.values()).replace("'", "''")
    made = f"translate({made}, '{''.join(alike)}', '{quoted}')"
    for letter, two in _IN_TWO.items():
        made = f"replace(replace({made}, '{letter}', '{two}'), '{letter.upper()}', '{two}')"
    return made


@compiles(unaccented, "sqlite")
def _in_sqlite(element: unaccented, compiler: SQLCompiler, **options: Any) -> str:
    return f"{NAME}({compiler.process(element.clauses, **options)})"
