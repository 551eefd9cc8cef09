"""Statement: the text of a query, taken apart just far enough to run it safely.

Quoted text, quoted names and comments are stepped over. What is left must be one statement that
begins with SELECT or WITH; `:since` and `:since_utc` in it are parameters. This is for the sentence
that a person gets: what keeps a query from writing is the database (see `systems`). Only where that
has no transactions that read, the words of the query are looked at (`writes`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from companion.domain.errors import BadInput

PARAMETERS = ("since",)
LONGEST = 50_000
"""Characters."""
_PIECE = re.compile(
    r"""(?P<comment>--[^\r\n]*|\#[^\r\n]*|/\*)
      | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
      | (?P<quote>['"`\[])
      | (?P<parameter>(?<![\w:\\]):(?P<name>[^\W\d]\w*))
      | (?P<word>[^\W\d][\w$#@]*)
      | (?P<end>;)
      | (?P<colon>:)""",
    re.VERBOSE,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_CLOSING = {"'": "'", '"': '"', "`": "`", "[": "]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """How a system's text differs from others'."""

    backslashes: bool = False
    """In quoted text a backslash takes the next sign."""
    brackets: bool = False
    """[name]"""
    hashes: bool = False
    """# begins a comment."""
    dollars: bool = False
    """$tag$ quotes $tag$"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    text: str
    """As `sqlalchemy.text` wants it: each colon that begins no parameter is escaped."""
    words: frozenset[str]
    """Every word outside of quotes and comments, in capitals."""
    parameters: frozenset[str]

    @property
    def incremental(self) -> bool:
        return bool(self.parameters)


def read_statement(query: str, grammar: Grammar) -> Statement:
    """Raises BadInput (field ``query``)."""
    if len(query) > LONGEST:
        raise _wrong(f"The query is longer than {LONGEST:,} characters.")
    parts: list[str] = []
    words: list[str] = []
    names: set[str] = set()
    place, ended = 0, False
    while (found := _PIECE.search(query, place)) is not None:
        parts.append(query[place : found.start()])
        ended = _after_end(query[place : found.start()], ended=ended)
        kind = found.lastgroup if found.lastgroup != "name" else "parameter"
        text = found[0]
        place = found.end()
        if _is_comment(text, kind, grammar):
            place = _comment_end(query, found)
            text = query[found.start() : place]
        elif kind == "dollar" and grammar.dollars:
            place = _end_of(query, found.end(), text) + len(text)
            text = query[found.start() : place]
        elif kind == "quote" and (text != "[" or grammar.brackets):
            place = _quoted_end(query, found, grammar)
            text = query[found.start() : place]
        elif kind == "end":
            ended, text = True, " "
        elif kind == "parameter":
            names.add(found["name"].casefold())
            text = text.casefold()
        elif kind == "word":
            words.append(text.upper())
        comment = _is_comment(found[0], kind, grammar)
        ended = ended if comment else _after_end(text, ended=ended)
        parts.append(text if kind == "parameter" else text.replace(":", r"\:"))
    _after_end(query[place:], ended=ended)
    parts.append(query[place:])
    _check(words, names)
    return Statement(
        text="".join(parts).strip(), words=frozenset(words), parameters=frozenset(names)
    )


def _check(words: list[str], names: set[str]) -> None:
    if not words:
        raise _wrong("The query is empty.")
    if words[0] not in {"SELECT", "WITH"}:
        raise _wrong("The query does not begin with SELECT, so it might change the database.")
    unknown = sorted(names.difference(PARAMETERS))
    if unknown:
        raise BadInput(
            "The query has a parameter that is not known.",
            "The only one is :since, the moment from which changes are wanted. Write a colon of "
            "your own with a space after it.",
            field="query",
        )


def _after_end(text: str, *, ended: bool) -> bool:
    if ended and text.strip():
        raise _wrong("The query holds more than one statement.")
    return ended


def _is_comment(text: str, kind: str | None, grammar: Grammar) -> bool:
    return kind == "comment" and (text[0] != "#" or grammar.hashes)


def _comment_end(query: str, found: re.Match[str]) -> int:
    if found[0] != "/*":
        return found.end()
    depth, place = 1, found.end()
    while depth:
        mark = _COMMENT_MARK.search(query, place)
        if mark is None:
            raise _wrong("A comment in the query has no end.")
        depth += 1 if mark[0] == "/*" else -1
        place = mark.end()
    return place


def _quoted_end(query: str, found: re.Match[str], grammar: Grammar) -> int:
    """Behind the closing quote; a doubled one is a quote in the text."""
    closing = _CLOSING[found[0]]
    escaped = grammar.backslashes and closing in "'\""
    # PostgreSQL's E'…' is the one kind there in which a backslash counts.
    escaped = escaped or (grammar.dollars and query[max(found.start() - 1, 0)] in "eE")
    place = found.end()
    while place < len(query):
        sign = query[place]
        if sign == "\\" and escaped:
            place += 2
        elif sign != closing:
            place += 1
        elif query[place + 1 : place + 2] == closing:
            place += 2
        else:
            return place + 1
    raise _wrong("A quotation mark in the query has no partner.")


def _end_of(query: str, start: int, closing: str) -> int:
    place = query.find(closing, start)
    if place < 0:
        raise _wrong("A quotation mark in the query has no partner.")
    return place


def _wrong(what: str) -> BadInput:
    return BadInput(
        what,
        "Give one statement that reads, such as: SELECT … FROM appointments WHERE …",
        field="query",
    )
