"""Naming: which names are one person's.

Two names are the *same* when their words are, in one order, once case, titles, brackets and the
comma of "Last, First" are put aside. They are *near* when only accents or the order of the words
differ, when one has an initial where the other has the word, when one has a word more (a second
surname), or when one word is spelt a little otherwise. Same names are taken for one person, where
only one answers to them; near ones are only asked about: two people may be called nearly alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from unicodedata import combining, normalize

from companion.domain.appointments import Practitioner, fold_name

CLOSE = 0.75
"""Share of equal letters from which two words may be one, misspelt."""
_TITLES = frozenset({
    "dr", "doctor", "prof", "professor", "a/prof", "assoc", "associate", "mr", "mrs", "ms",
    "miss", "mx", "sr", "sister",
})  # fmt: skip
_BRACKETS = re.compile(r"[(\[{][^)\]}]*[)\]}]")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


class Naming:
    def __init__(self, people: Iterable[Practitioner], meant: Mapping[str, str]) -> None:
        """`meant`: a mapping's own table, folded name in the file to name or id."""
        self._meant = meant
        self._people = list(people)
        self._by_id = {each.id: each for each in self._people}
        self._by_name: dict[str, Practitioner] = {}
        for each in self._people:
            self._by_name.setdefault(fold_name(each.name), each)
        self._by_words: dict[tuple[str, ...], set[str]] = {}
        for each in self._people:
            for known in (each.name, *each.aliases):
                self._by_name.setdefault(fold_name(known), each)
                self._by_words.setdefault(words_of(known), set()).add(each.id)

    def target(self, name: str) -> str:
        """The name after the mapping's table: what a new person would be called."""
        return self._meant.get(fold_name(name), name)

    def find(self, name: str) -> Practitioner | None:
        target = self.target(name)
        found = self._by_name.get(fold_name(target)) or self._by_id.get(target)
        if found is None and (words := words_of(target)):
            same = self._by_words.get(words, set())
            found = self._by_id[next(iter(same))] if len(same) == 1 else None
        return found

    def with_id(self, practitioner_id: str) -> Practitioner | None:
        return self._by_id.get(practitioner_id)

    def near(self, name: str) -> list[Practitioner]:
        """Known people with a name near this one, the nearest first."""
        words = words_of(name)
        rated = [
            (max(nearness(words, words_of(known)) for known in (each.name, *each.aliases)), each)
            for each in self._people
        ]
        found = [pair for pair in rated if pair[0]]
        return [each for _, each in sorted(found, key=lambda pair: (-pair[0], pair[1].id))]


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, first name first, without title, brackets and punctuation."""
    folded = _BRACKETS.sub(" ", fold_name(name)) or fold_name(name)
    if "," in folded:
        last, _comma, first = folded.partition(",")
        folded = f"{first} {last}"
    words = [each for each in folded.replace(".", " ").split() if each not in _TITLES]
    return tuple(_WORD.findall(" ".join(words)))


def nearness(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """0 for names that nobody would confuse, at most 1."""
    if not one or not other:
        return 0.0
    one, other = tuple(map(_bare, one)), tuple(map(_bare, other))
    if sorted(one) == sorted(other):
        return 1.0
    if _with_initials(one, other) or _with_initials(other, one):
        return 0.95
    short, long = sorted((one, other), key=len)
    if len(short) < len(long):
        whole = set(short) <= set(long)
        if len(short) > 1:
            return 0.9 if whole else 0.0
        return 0.8 if short[0] in {long[0], long[-1]} else 0.0
    differing = [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
    if len(one) < 2 or len(differing) != 1 or min(map(len, differing[0])) < 3:
        return 0.0
    return 0.85 if SequenceMatcher(None, *differing[0]).ratio() >= CLOSE else 0.0


def _bare(word: str) -> str:
    """Without accents, which exports lose."""
    return "".join(each for each in normalize("NFKD", word) if not combining(each))


def _with_initials(short: tuple[str, ...], full: tuple[str, ...]) -> bool:
    """Surname equal, and each word before it in `short` an initial or the word itself."""
    if len(short) < 2 or len(full) < 2 or short[-1] != full[-1] or short == full:
        return False
    return all(
        word == whole or (len(word) == 1 and whole.startswith(word))
        for word, whole in zip(short[:-1], full[:-1], strict=False)
    )
