"""PersonName: what the two name columns of a practice's export say of one client.

Practices write more into them than a name: a title, who pays, the number of the file. One column
may hold the whole name, in either order. Given and family names are told apart as far as the
columns do, and where they do not a name counts as family, which is shown less.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from companion.domain.ordinary_words import MARKS, PARTICLES, SUFFIXES, TITLES
from companion.domain.plain_text import clean_text

_BRACKETS = re.compile(r"[(\[{<]([^)\]}>]*)(?:[)\]}>]|$)")
_TAIL = re.compile(r"\s+[-–—]+\s*(?=\S)|\s*[|*/#~=]+\s*")
_ACRONYMS = frozenset({
    "dva", "epc", "cdm", "ndis", "tac", "wc", "ctp", "hcc", "hcp", "chsp", "dnc", "vip",
    "workcover", "comcare", "medicare",
})  # fmt: skip
_SUFFIXES_IN_ANY_CASE = frozenset({"jr", "jnr", "sr", "snr", "ii", "iii", "iv"})


class PersonName(NamedTuple):
    given: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """In brackets: a short form, the name before marriage."""

    @property
    def words(self) -> tuple[str, ...]:
        return self.given + self.family


@lru_cache(maxsize=32_768)
def person_name(first: str, last: str) -> PersonName:
    """Read from the columns for the first and the last name."""
    also: list[str] = []
    given, inverted = _words(first, also)
    family, _ = _words(last, also)
    if family and inverted:  # "Smith, Jane" beside a column that says more
        given = [*given[inverted:], *given[:inverted]]
    if not family:
        if inverted:
            given, family = given[inverted:], given[:inverted]
        elif len(given) > 1 and given[0].isupper() > given[-1].isupper():
            given, family = given[-1:], given[:-1]
        else:
            given, family = given[:1], given[1:]
    if len(given) > 1:
        theirs = {each.casefold() for each in family}
        given = [each for each in given if each.casefold() not in theirs] or given[:1]
    while len(given) > 1 and given[-1].casefold() in PARTICLES:
        family.insert(0, given.pop())
    return PersonName(tuple(given), tuple(family), tuple(also))


@lru_cache(maxsize=1024)
def named_in_full(person: str) -> re.Pattern[str] | None:
    """Finds a practitioner where a text names them by more than one word: first and last name, or
    the title that theirs has and the last name. None for a name of one word."""
    name = person_name(person, "")
    first, *rest = clean_text(person).split() or [""]
    ways = [" ".join(name.words)] if len(name.words) > 1 else []
    if rest and name.words and _folded(first) in TITLES:
        ways.append(f"{first} {' '.join(name.family or name.words)}")
    either = "|".join(re.escape(way).replace(r"\ ", r"\.?[ ]") for way in ways)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)") if ways else None


def _words(column: str, also: list[str]) -> tuple[list[str], int]:
    """The words that are a name, and how many of them stand before a comma."""
    text = clean_text(column)
    if text.isalpha():  # nearly always
        alone = text.casefold()
        drop = alone in TITLES or alone in _SUFFIXES_IN_ANY_CASE or text in {"DVA", "EPC", "NDIS"}
        return ([] if drop else [text]), 0

    def aside(found: re.Match[str]) -> str:
        also.extend(word for word in _plain(found[1]) if not _is_mark(word))
        return " "

    text = _BRACKETS.sub(aside, text)
    head, *tails = _TAIL.split(text)
    words: list[str] = []
    inverted = 0
    before, comma, after = head.partition(",")
    for part in (before, after) if comma else (head,):
        some = _plain(part)
        while some and _folded(some[0]) in TITLES:
            some.pop(0)
        some = [each for each in some if _folded(each) not in _ACRONYMS or len(some) == 1]
        while some and _is_suffix(some[-1], alone=not words and len(some) == 1):
            some.pop()
        if part is after and comma and some:
            inverted = len(words)
        words += some
    for tail in tails:
        words += [word for word in _plain(tail) if not _is_mark(word)]
    return words, inverted


def _plain(text: str) -> list[str]:
    """Words of letters; a number is no name, nor is an address."""
    words = (word.strip('.,;:()[]{}<>"') for word in text.split())
    return [
        word
        for word in words
        if any(c.isalpha() for c in word) and not any(c.isdigit() or c in "@[]()" for c in word)
    ]


def _folded(word: str) -> str:
    return word.replace(".", "").casefold()


def _is_mark(word: str) -> bool:
    folded = _folded(word)
    acronym = word.isupper() and len(word) < 5
    return acronym or folded in MARKS or folded in _ACRONYMS or folded in TITLES or _is_suffix(word)


def _is_suffix(word: str, *, alone: bool = False) -> bool:
    folded = _folded(word)
    if folded in _SUFFIXES_IN_ANY_CASE:
        return True
    return not alone and word.isupper() and folded in SUFFIXES
