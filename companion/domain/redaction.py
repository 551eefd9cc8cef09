"""Redaction: removes names from free text, in any spelling.

Name and text are compared by their *skeleton*: without case, accents, vowel signs, width and
invisible characters, so that ZOE matches Zoë, STRAUSS matches Strauß and a name with a direction
mark matches the same without. A name is hidden whole and in each of its words, double-barrelled
ones in parts too. Where a script has case, a word is one that no other such letter touches
(`smith_1.pdf` and `Smith先生` hold one, `Smithers` does not); names in other scripts are hidden
wherever they stand. What is hidden becomes "…".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("’‘ʼ`", "'"),
        **dict.fromkeys("‐‒–—", "-"),
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
    }
)
"""Letters that Unicode does not decompose, and how they are typed without them."""
_NO_LETTER = re.compile(r"[\W\d_]+")
_SEVERAL = re.compile(r"…(?:[\s,.'’-]*…)+")


@lru_cache(maxsize=8192)
def redactor(*names: str) -> Callable[[str], str]:
    """A function that removes these names, whole and in parts, from a text (NFC)."""
    words = {word for name in names for word in _recognised_by(name)}
    return partial(_redact, tuple(words)) if words else _unchanged


def _unchanged(text: str) -> str:
    return text


def _recognised_by(name: str) -> Iterator[str]:
    for word in _skeleton(unicodedata.normalize("NFC", name))[0].split():
        parts = [part for part in _NO_LETTER.split(word) if part]
        for each in (*parts, "".join(parts)):
            if len(each) > 1 or (each and not has_case(each)):
                yield each
        if len(parts) > 1:
            yield word


def has_case(letters: str) -> bool:
    return letters.upper() != letters.lower()


@lru_cache(maxsize=8192)
def _skeleton_of(character: str) -> str:
    """Of one character: none, one or several letters."""
    for _ in range(2):  # folding case may make a character that comes apart again, and vice versa
        character = unicodedata.normalize("NFKD", character).casefold()
    kept = "".join(c for c in character if unicodedata.category(c) not in _UNSEEN)
    return unicodedata.normalize("NFC", kept.translate(_ALIKE))


_BRIEF = 100
"""Length up to which a text is worth keeping in the cache."""
_UNSEEN = {"Mn", "Mc", "Me", "Cf"}


def _skeleton(text: str) -> tuple[str, Sequence[int]]:
    """The letters, and for each the place in `text` that it comes from."""
    if text.isascii():
        return text.lower().replace("`", "'"), range(len(text))
    return _skeleton_of_brief(text) if len(text) <= _BRIEF else _skeleton_of_any(text)


@lru_cache(maxsize=8192)
def _skeleton_of_brief(text: str) -> tuple[str, Sequence[int]]:
    """Types and locations are repeated in many appointments."""
    return _skeleton_of_any(text)


def _skeleton_of_any(text: str) -> tuple[str, Sequence[int]]:
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for letter in _skeleton_of(character):
            letters.append(letter)
            places.append(place)
    return "".join(letters), places


def _redact(words: tuple[str, ...], text: str) -> str:
    letters, places = _skeleton(text)
    spans = []
    for word in words:
        found = letters.find(word)
        while found >= 0:
            end = found + len(word)
            if _stands_alone(letters, found, end):
                first, after = places[found], places[end - 1] + 1
                while after < len(text) and not _skeleton_of(text[after]):
                    after += 1  # accents and vowel signs belong to the letter before
                spans.append((first, after))
            found = letters.find(word, found + 1)
    if not spans:
        return text
    shown, done = "", 0
    for first, after in sorted(spans):
        if after > done:
            shown += text[done:first] + "…"
            done = after
    shown += text[done:]
    return _SEVERAL.sub("…", shown) if shown.count("…") > 1 else shown


def _stands_alone(letters: str, start: int, end: int) -> bool:
    """No letter of a script with case touches one of the word's own."""
    before = letters[start - 1 : start]
    after = letters[end : end + 1]
    return not (
        (has_case(before) and has_case(letters[start]))
        or (has_case(after) and has_case(letters[end - 1]))
    )
