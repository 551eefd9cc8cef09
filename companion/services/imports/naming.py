"""Naming: which known practitioner a name in an export may mean.

`Naming` finds people by name, alias, what a mapping says, or a spelling that surely means them
("SMITH, Jo" where one Jo Smith is known). For a name nobody answers to,
`suggestion` proposes the closest known person, so that a typo, a missing title, "Last, First" or
an initial does not split one person in two. It only proposes: two people may be called nearly
alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from companion.domain.appointments import Practitioner, fold_name
from companion.services.imports.reading.names import TITLES, person_key

CLOSE = 0.8
"""Share of equal letters from which two names may be one person's."""


class Naming:
    def __init__(self, people: Iterable[Practitioner], meant: Mapping[str, str]) -> None:
        """`meant`: a mapping's own table, folded name in the file to name or id."""
        self._meant = meant
        self._people = list(people)
        self._by_id = {each.id: each for each in self._people}
        self._by_name: dict[str, Practitioner] = {}
        for each in self._people:
            self._by_name.setdefault(fold_name(each.name), each)
        for each in self._people:
            for alias in each.aliases:
                self._by_name.setdefault(fold_name(alias), each)
        self._by_key: dict[str, Practitioner | None] = {}
        for each in self._people:
            for name in {person_key(spelling) for spelling in (each.name, *each.aliases)}:
                other = self._by_key.get(name)
                self._by_key[name] = None if other is not None and other is not each else each

    def target(self, name: str) -> str:
        """The name after the mapping's table: what a new person would be called."""
        return self._meant.get(fold_name(name), name)

    def find(self, name: str) -> Practitioner | None:
        target = self.target(name)
        return (
            self._by_name.get(fold_name(target))
            or self._by_id.get(target)
            or self._by_key.get(person_key(target))
        )

    def suggestion(self, name: str) -> Practitioner | None:
        """The closest known person, where one is close enough."""
        rated = (
            (max(likeness(name, known) for known in (each.name, *each.aliases)), each)
            for each in self._people
        )
        score, person = max(rated, key=lambda pair: pair[0], default=(0.0, None))
        return person if score >= CLOSE else None


def likeness(one: str, other: str) -> float:
    """0 to 1; 1 for the same words in any order, titles aside."""
    first, second = _words(one), _words(other)
    if not first or not second:
        return 0.0
    if sorted(first) == sorted(second):
        return 1.0
    if _same_with_initials(first, second) or _same_with_initials(second, first):
        return 0.95
    if _one_in_the_other(first, second):
        return 0.9
    joined = SequenceMatcher(None, " ".join(first), " ".join(second)).ratio()
    ordered = SequenceMatcher(None, " ".join(sorted(first)), " ".join(sorted(second))).ratio()
    return max(joined, ordered)


def _words(name: str) -> list[str]:
    """The words of a name, first name first, without title and punctuation."""
    folded = name.casefold()
    if "," in folded:
        last, _comma, first = folded.partition(",")
        folded = f"{first} {last}"
    words = [word for word in folded.replace(".", " ").split() if word not in TITLES]
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", " ".join(words))


def _same_with_initials(short: list[str], full: list[str]) -> bool:
    """Surname equal, and each word before it in `short` an initial or the word itself."""
    if len(short) < 2 or len(full) < 2 or short[-1] != full[-1]:
        return False
    return all(
        word == whole or (len(word) == 1 and whole.startswith(word))
        for word, whole in zip(short[:-1], full[:-1], strict=False)
    )


def _one_in_the_other(first: list[str], second: list[str]) -> bool:
    """Jo Smith and Jo Smith-Clarke, Mary Ann Lee and Mary Lee: all words of one in the other."""
    one = {part for word in first for part in word.split("-")}
    two = {part for word in second for part in word.split("-")}
    fewer, more = sorted((one, two), key=len)
    return len(fewer) >= 2 and fewer <= more
