"""Whether a word that may be a name stands for a person: see the rule in `redaction`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import NamedTuple

from companion.domain.client_names import FAMILY, GIVEN, PLURAL
from companion.domain.ordinary_words import (
    BEFORE_A_MONTH,
    DAYS,
    EPONYM_NAMES,
    EPONYMS,
    MONTHS,
    NOT_AFTER_A_TITLE,
    ORDINARY,
    PERSON_DOES,
    STAYS_BEFORE,
    TITLES,
)

_NEXT = re.compile(r"[\W\d_]*([^\W\d_]+)")
_ENDS = frozenset(".!?:;\n•|")
"""Of a sentence."""
_JOINS = frozenset({", ", "-", "_", ".", "/", "+", "\n"})
"""Between the two names of somebody, besides a space: Young, Grace; grace_young.pdf."""
_JOINS_OF_FILES = frozenset({"_", "."})
"""And in small letters: what is written so is hardly a phrase."""
_SPACES = re.compile(r"[ \t]+")


class Word(NamedTuple):
    start: int
    end: int
    letters: str


def _before(letters: str, start: int) -> Word:
    """The word in front of this place; an empty one at the beginning."""
    end = start
    while end and not letters[end - 1].isalpha():
        end -= 1
    begin = end
    while begin and letters[begin - 1].isalpha():
        begin -= 1
    return Word(begin, end, letters[begin:end])


def _behind(letters: str, end: int) -> Word:
    found = _NEXT.match(letters, end)
    return Word(*found.span(1), found[1]) if found else Word(end, end, "")


class PersonWords:
    """Which words of one text stand for a person. Most do not, and that is seen quickly."""

    __slots__ = ("_beside", "_known", "_letters", "_places", "_runs", "_text")

    def __init__(
        self,
        letters: str,
        places: Sequence[int],
        text: str,
        known: Mapping[str, int],
        runs: Set[str],
    ) -> None:
        """`runs`: all words of the text."""
        self._letters, self._places, self._text, self._known = letters, places, text, known
        self._runs = runs
        self._beside: bool | None = None

    def meant(
        self,
        word: str,
        where: Iterable[tuple[int, int]],
        flags: int,
        *,
        own: bool,
        prose: bool,
        either: bool,
    ) -> list[tuple[int, int]]:
        """Of the places where the word stands those that are a person's. `flags`: what it is in
        names; `own`: of the appointment's client; `either`: a given name too, which may be
        shown."""
        found = []
        ordinary = word in ORDINARY
        for start, end in where:
            if not self._text[self._places[start]].isupper():
                if flags == PLURAL or (ordinary and not self._may_stand_beside()):
                    continue
            elif ordinary and not own and self._only_begins(word, start, end, flags):
                continue
            around = Context(
                start, end, self._letters, self._places, self._text, self._known, own=own
            )
            if around.is_person(flags, prose=prose, either=either):
                found.append((start, end))
        return found

    def _may_stand_beside(self) -> bool:
        """Has the text a title, or the two names of somebody: what alone makes a person of an
        ordinary word in small letters."""
        if self._beside is None:
            here = self._known.keys() & self._runs
            self._beside = not TITLES.isdisjoint(self._runs) or any(
                one + other in self._known for one in here for other in here
            )
        return self._beside

    def _only_begins(self, word: str, start: int, end: int, flags: int) -> bool:
        """It begins a sentence, and nothing behind it can be of a person."""
        letters, place = self._letters, start - 1
        while place >= 0 and letters[place] == " ":
            place -= 1
        if place >= 0 and letters[place] not in _ENDS:
            return False
        before = _before(letters, start).letters
        if before and before + word in self._known:
            return False
        if letters[place : place + 1] == "." and (len(before) == 1 or before in TITLES):
            return False
        found = _NEXT.match(letters, end)
        behind = found[1] if found else ""
        if letters[end : end + 1] == "'" or word + behind in self._known:
            return False
        family = flags & GIVEN and self._known.get(behind, 0) & FAMILY
        return not (family or len(behind) == 1 or behind in PERSON_DOES)


class Context:
    """What stands around one word that may be a name or not."""

    __slots__ = (
        "_before", "_behind", "_capital", "_gap", "_gap_behind", "_known", "_letters", "_next",
        "_own", "_places", "_text", "_word", "_written",
    )  # fmt: skip

    def __init__(
        self,
        start: int,
        end: int,
        letters: str,
        places: Sequence[int],
        text: str,
        known: Mapping[str, int],
        *,
        own: bool,
    ) -> None:
        self._known, self._letters, self._own = known.get, letters, own
        self._text, self._places = text, places
        self._word = letters[start:end]
        self._before = before = _before(letters, start)
        self._behind = behind = _behind(letters, end)
        self._gap = _SPACES.sub(" ", letters[before.end : start]) if before.letters else "\n"
        between = _SPACES.sub(" ", letters[end : behind.start])
        self._gap_behind = between if behind.letters else "\n"
        self._next = letters[end : end + 2]
        self._written = text[places[start] : places[end - 1] + 1]
        self._capital = self._written[0].isupper() and not _all_capitals(text)

    def is_person(self, flags: int, *, prose: bool, either: bool) -> bool:
        word = self._word
        if flags == PLURAL:
            return self._capital and self._before.letters == "the"
        if self._beside(flags):
            return True
        if either or self._is_eponym():  # `either`: a given name too, which may be shown
            return False
        if word in EPONYM_NAMES and word not in ORDINARY:
            return True
        if word not in ORDINARY and len(word) < 3:
            return self._capital and (len(self._written) < 2 or not self._written[1].isupper())
        if not self._capital or word in DAYS:
            return False
        if self._next == "'s" and word not in MONTHS:
            return True
        return prose and self._capital_means_a_person()

    def _is_eponym(self) -> bool:
        """Not where the own client is called so."""
        possessive = self._next in {"'s", "s'", "' "} or self._behind.letters == "s"
        thing = self._behind
        if thing.letters == "s":
            thing = _behind(self._letters, thing.end)
        near = possessive or self._gap_behind in {" ", "-"}
        return near and not self._own and (self._word, thing.letters) in EPONYMS

    def _beside(self, flags: int) -> bool:
        return self._behind_somebody() or self._before_somebody(flags)

    def _behind_somebody(self) -> bool:
        """A title, first name or initial in front."""
        word, before = self._word, self._before.letters
        if before and self._gap in _JOINS:
            both = self._capital and self._is_capital(self._before)
            likely = both or before not in ORDINARY or self._gap in _JOINS_OF_FILES
            return likely and bool(self._known(before + word, 0))
        if not before or self._gap not in {" ", ". "}:
            return False
        if before in TITLES:
            return self._capital or word not in NOT_AFTER_A_TITLE
        if self._capital:
            if self._known(before, 0) & GIVEN and before not in ORDINARY:
                return True
            if len(before) == 1 and self._is_initial(self._before, self._gap):
                return True
        pair = len(before) > 1 and self._known(before + word, 0) and word not in NOT_AFTER_A_TITLE
        return bool(pair) and self._either_name(before)

    def _before_somebody(self, flags: int) -> bool:
        """The other half of the name or an initial behind."""
        word, behind = self._word, self._behind.letters
        gap = self._gap_behind
        if not behind or (gap != " " and gap not in _JOINS):
            return False
        both = self._capital and self._is_capital(self._behind)
        likely = both or behind not in ORDINARY or gap in _JOINS_OF_FILES
        if len(behind) > 1 and likely and self._known(word + behind, 0):
            return True
        if not self._capital or gap not in {" ", ", "}:
            return False
        if flags & GIVEN and behind not in ORDINARY and self._known(behind, 0) & FAMILY:
            return gap == " "
        if len(behind) == 1 and behind != "x":
            after = self._text[self._places[self._behind.end - 1] + 1 :][:1]
            return self._is_initial(self._behind, after or ".")
        return False

    def _either_name(self, before: str) -> bool:
        """Of two ordinary words side by side one at least is written like a name."""
        return before not in ORDINARY or self._capital or self._is_capital(self._before)

    def _is_capital(self, word: Word) -> bool:
        return self._text[self._places[word.start]].isupper()

    def _is_initial(self, word: Word, gap: str) -> bool:
        return self._is_capital(word) and (word.letters not in {"i", "a"} or gap[:1] == ".")

    def _capital_means_a_person(self) -> bool:
        word, behind = self._word, self._behind.letters
        if word in MONTHS and self._is_month():
            return False
        if behind in STAYS_BEFORE and self._gap_behind in {" ", "-"}:
            return False
        if self._own or _ENDS.isdisjoint(self._gap):
            return True
        return behind in PERSON_DOES and self._gap_behind == " "

    def _is_month(self) -> bool:
        """Beside a number, behind a word like "in", or behind another month that is."""
        before = self._before
        if before.letters in {"or", "and", "to"}:
            other = _before(self._letters, before.start)
            before = _before(self._letters, other.start)
            if other.letters not in MONTHS:
                return False
        return (
            before.letters in BEFORE_A_MONTH
            or any(c.isdigit() for c in self._gap)
            or self._gap_behind.strip()[:1].isdigit()
        )


@lru_cache(maxsize=64)
def _all_capitals(text: str) -> bool:
    return text.isupper() and len(text.split()) > 1
