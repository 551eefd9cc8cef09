"""Whether a word that may be a name stands for a person: see the rule in `redaction`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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

_SENTENCE_ENDS = re.compile(r"[.!?:;\n•|]")


class Word(NamedTuple):
    start: int
    end: int
    letters: str


class Context:
    """What stands around one word that may be a name or not."""

    def __init__(
        self,
        place: int,
        words: list[Word],
        letters: str,
        places: Sequence[int],
        text: str,
        known: Mapping[str, int],
        *,
        own: bool,
    ) -> None:
        self._known = known.get
        self._word = word = words[place]
        nobody = Word(0, 0, "")
        self._before = words[place - 1] if place else nobody
        self._behind = words[place + 1] if place + 1 < len(words) else nobody
        self._gap = letters[self._before.end : word.start] if place else "\n"
        self._gap_behind = letters[word.end : self._behind.start] if self._behind.end else "\n"
        self._place, self._words = place, words
        self._written = text[places[word.start] : places[word.end - 1] + 1]
        self._text, self._places = text, places
        self._own = own
        self._capital = self._written[0].isupper() and not _all_capitals(text)
        self._next = letters[word.end : word.end + 2]

    def is_person(self, flags: int, *, prose: bool, either: bool) -> bool:
        word = self._word.letters
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
        place = self._place + 1 + (self._behind.letters == "s")
        thing = self._words[place].letters if place < len(self._words) else ""
        near = possessive or self._gap_behind in {" ", "-"}
        return near and not self._own and (self._word.letters, thing) in EPONYMS

    def _beside(self, flags: int) -> bool:
        return self._behind_somebody() or self._before_somebody(flags)

    def _behind_somebody(self) -> bool:
        """A title, first name or initial in front."""
        word, before = self._word.letters, self._before.letters
        if before and self._gap == ", ":
            both = self._capital and self._is_capital(self._before)
            return bool(self._known(before + word, 0)) and (both or before not in ORDINARY)
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
        word, behind = self._word.letters, self._behind.letters
        if not behind or self._gap_behind not in {" ", ", "}:
            return False
        if (
            len(behind) > 1
            and self._known(word + behind, 0)
            and (behind not in ORDINARY or (self._capital and self._is_capital(self._behind)))
        ):
            return True
        if not self._capital:
            return False
        if flags & GIVEN and behind not in ORDINARY and self._known(behind, 0) & FAMILY:
            return self._gap_behind == " "
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
        word, behind = self._word.letters, self._behind.letters
        if word in MONTHS and self._is_month():
            return False
        if behind in STAYS_BEFORE and self._gap_behind in {" ", "-"}:
            return False
        if not _SENTENCE_ENDS.search(self._gap) or self._own:
            return True
        return behind in PERSON_DOES and self._gap_behind == " "

    def _is_month(self) -> bool:
        """Beside a number, behind a word like "in", or behind another month that is."""
        before = self._before.letters
        if before in {"or", "and", "to"} and self._place > 2:
            before = self._words[self._place - 3].letters
            if self._words[self._place - 2].letters not in MONTHS:
                return False
        return (
            before in BEFORE_A_MONTH
            or any(c.isdigit() for c in self._gap)
            or self._gap_behind.strip()[:1].isdigit()
        )


@lru_cache(maxsize=64)
def _all_capitals(text: str) -> bool:
    return text.isupper() and len(text.split()) > 1
