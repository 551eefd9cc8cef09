"""Naming: which known practitioner a name in an export may mean.

`Naming` finds people by name, alias, or what a mapping says. For a name nobody answers to,
`suggestion` proposes the closest known person, so that a typo, a missing title, "Last, First" or
an initial does not split one person in two. It only proposes: two people may be called nearly
alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from companion.domain.appointments import Practitioner, fold_name

CLOSE = 0.8
"""Share of equal letters from which two names may be one person's."""
_TITLES = frozenset({
    "dr", "doctor", "prof", "professor", "a/prof", "assoc", "associate", "mr", "mrs", "ms",
    "miss", "mx", "sr", "sister",
})  # fmt: skip


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

    def target(self, name: str) -> str:
        """The name after the mapping's table: what a new person would be called."""
        return self._meant.get(fold_name(name), name)

    def find(self, name: str) -> Practitioner | None:
        target = self.target(name)
        return self._by_name.get(fold_name(target)) or self._by_id.get(target)

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
    joined = SequenceMatcher(None, " ".join(first), " ".join(second)).ratio()
    ordered = SequenceMatcher(None, " ".join(sorted(first)), " ".join(sorted(second))).ratio()
    return max(joined, ordered)


def _words(name: str) -> list[str]:
    """The words of a name, first name first, without title and punctuation."""
    folded = name.casefold()
    if "," in folded:
        last, _comma, first = folded.partition(",")
        folded = f"{first} {last}"
    words = [word for word in folded.replace(".", " ").split() if word not in _TITLES]
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", " ".join(words))


def _same_with_initials(short: list[str], full: list[str]) -> bool:
    """Surname equal, and each word before it in `short` an initial or the word itself."""
    if len(short) < 2 or len(full) < 2 or short[-1] != full[-1]:
        return False
    return all(
        word == whole or (len(word) == 1 and whole.startswith(word))
        for word, whole in zip(short[:-1], full[:-1], strict=False)
    )
