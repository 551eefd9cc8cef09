"""ClientNames: every name that a client of the practice bears or bore, to be found in free text.

Built once and extended as names come; a text is looked up word by word in one table, so that it
costs the same however many clients there are. Beside each name stand the forms that people write
it in: in parts and joined (SmithJones, janesmith, jsmith), plural (the Smiths, Janes), with the
umlauts of another keyboard (Mueller, Müller) and without its particle (De Silva for DeSilva).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from companion.domain.ordinary_words import ORDINARY, PARTICLES
from companion.domain.person_names import PersonName, person_name

GIVEN, FAMILY, PLURAL = 1, 2, 4
"""What a word is; one may be several."""

_ALIKE = str.maketrans({
    **dict.fromkeys("’‘ʼ`", "'"), **dict.fromkeys("‐‒–—", "-"),
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "ŋ": "n", "ə": "e",
    "ı": "i", "æ": "ae", "œ": "oe",
})  # fmt: skip
"""What Unicode does not take apart, yet a foreign keyboard writes so."""
_UNSEEN = {"Mn", "Mc", "Me", "Cf"}
_NO_LETTER = re.compile(r"[\W\d_]+")
_IN_TWO_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue",
     "Ø": "Oe", "Å": "Aa"}
)  # fmt: skip
_TWO_LETTERS = re.compile(r"([aou])e|(a)a")
_CAMEL = re.compile(r"^(Mc|Mac|De|Di|Da|Du|Del|La|Le|Van|Von|Fitz|St|O|D|El|Al)(?=[A-Z][a-z])")


@lru_cache(maxsize=8192)
def skeleton_of(character: str) -> str:
    """Of one character: none, one or several letters."""
    for _ in range(2):  # folding case may make a character that comes apart again, and vice versa
        character = unicodedata.normalize("NFKD", character).casefold()
    kept = "".join(c for c in character if unicodedata.category(c) not in _UNSEEN)
    return unicodedata.normalize("NFC", kept.translate(_ALIKE))


def skeleton(word: str) -> str:
    """Without case, accents, width and invisible characters."""
    if word.isascii():
        return word.lower().replace("`", "'")
    return "".join(map(skeleton_of, unicodedata.normalize("NFC", word)))


def has_case(letters: str) -> bool:
    return letters.upper() != letters.lower()


def parts_of(word: str) -> list[str]:
    """Skeletons: the word's parts, and the whole of it joined."""
    spelt = skeleton(word)
    if spelt.isalpha():
        return [spelt]
    parts = [part for part in _NO_LETTER.split(spelt) if part]
    return [*parts, "".join(parts)] if len(parts) > 1 else parts


def spellings(word: str) -> Iterator[str]:
    """Skeletons of the word in parts, joined, and as other keyboards write it."""
    for part in parts_of(word):
        yield part
        if ("e" in part or "aa" in part) and has_case(part):
            other = _TWO_LETTERS.sub(r"\1\2", part)
            if len(other) > 3 and other != part and other not in ORDINARY:
                yield other
    if not word.isascii():
        other = unicodedata.normalize("NFC", word).translate(_IN_TWO_LETTERS)
        if other != word:
            yield from parts_of(other)


def plurals(word: str) -> Iterator[str]:
    """Also the possessive that lacks its apostrophe."""
    yield f"{word}s"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        yield f"{word}es"
    elif word.endswith("y"):
        yield f"{word[:-1]}ies"


class ClientNames:
    """Never changes once made; `with_names` makes another."""

    __slots__ = ("_known", "kept", "lengths", "unspaced", "words")

    def __init__(self) -> None:
        self._known: frozenset[tuple[str, str]] = frozenset()
        self.words: Mapping[str, int] = {}
        """Skeletons in scripts with case, and what each is."""
        self.unspaced: frozenset[str] = frozenset()
        """Skeletons in other scripts, which are found inside of longer runs too."""
        self.lengths: tuple[int, ...] = ()
        """Of `unspaced`."""
        self.kept: dict[tuple[str, bool, int], tuple[tuple[int, int], ...]] = {}
        """By `redaction`: where in a text names were found, which is true for these alone."""

    def __len__(self) -> int:
        return len(self._known)

    def with_names(self, names: Iterable[tuple[str, str]]) -> ClientNames:
        """These too, each a first and a last name; itself where all are known."""
        new = set(names) - self._known
        if not new:
            return self
        made = ClientNames()
        made._known = self._known | new
        words = dict(self.words)
        unspaced = set(self.unspaced)
        for pair in new:
            for form, flag in _forms(person_name(*pair)):
                if has_case(form):
                    words[form] = words.get(form, 0) | flag
                elif len(form) > 1:  # one sign is half of the words of a language
                    unspaced.add(form)
        made.words = words
        made.unspaced = frozenset(unspaced)
        made.lengths = tuple(sorted({len(each) for each in unspaced}))
        return made


NOBODY = ClientNames()


def _forms(name: PersonName) -> Iterator[tuple[str, int]]:
    for some, flag in ((name.given, GIVEN), (name.family, FAMILY), (name.also, GIVEN | FAMILY)):
        for word in _spelt(some):
            yield from _alone(word, flag)
    for word in name.family:
        camel = _CAMEL.match(word)
        tail = skeleton(word[camel.end() :]) if camel else ""
        if len(tail) > 3 and tail not in ORDINARY:
            yield tail, FAMILY
    given = "".join(map(_joined, name.given))
    family = "".join(map(_joined, name.family))
    if len(name.words) > 2:
        yield from ((each, flag) for each, flag in ((given, GIVEN), (family, FAMILY)) if each)
    if given and family:
        first = _joined(name.given[0])
        brief = (given[0] + family, family + given[0]) if has_case(family) else ()
        yield from ((each, FAMILY) for each in (given + family, family + given))
        for part in {family, *_spelt(name.family)}:
            yield from ((each, FAMILY) for each in (first + part, part + first))
        yield from ((e, FAMILY) for e in brief if len(e) > 4 and e not in ORDINARY)


def _alone(word: str, flag: int) -> Iterator[tuple[str, int]]:
    """One word, and its plurals."""
    if word in PARTICLES:
        return
    if not has_case(word):
        yield word, flag
    elif len(word) > 1:
        yield word, flag
        for plural in plurals(word) if len(word) > 2 else ():
            yield plural, PLURAL if word in ORDINARY or plural in ORDINARY else flag


def _joined(word: str) -> str:
    return _NO_LETTER.sub("", skeleton(word))


def _spelt(words: Iterable[str]) -> Iterator[str]:
    return (each for word in words for each in spellings(word))
