"""Names: people as exports spell them.

- "HALLOWAY, Mira (Mrs)", "Mrs Mira Halloway" and "Mira HALLOWAY" are Mira Halloway;
- a title, what stands in brackets or quotation marks and a suffix (Jr, BPhty) are no part of it;
- a cell may name several practitioners: "Jo Smith; Anh Nguyen", "Jo Smith & Anh Nguyen", and with a
  comma where each part is a whole name of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from companion.services.imports.cells import read_line

TITLES = frozenset({
    "dr", "doctor", "prof", "professor", "a/prof", "assoc", "associate", "mr", "mrs", "ms", "miss",
    "mx", "sr", "sister", "master", "mstr", "rev", "fr", "sir", "dame", "hon", "mme", "mlle",
})  # fmt: skip
_SUFFIXES = frozenset(
    {"jr", "jnr", "snr", "ii", "iii", "iv", "phd", "md", "esq", "oam", "am", "ao"}
)
_ASIDE = re.compile(r"\s*(?:\([^)]*\)|\[[^\]]*\]|[“\"][^”\"]*[”\"])")
_SEVERAL = re.compile(r"\s*(?:;|\||/|\n|\s&\s|\s\+\s|\sand\s|\swith\s)\s*", re.IGNORECASE)
_PARTICLES = frozenset(
    {"van", "von", "der", "den", "de", "la", "le", "da", "di", "bin", "al", "ter"}
)


@lru_cache(maxsize=8_192)
def client_name(text: str) -> tuple[str, str]:
    """First and last name of "LAST, First (Mrs)", "Mrs First Last" and the like."""
    plain = " ".join(_ASIDE.sub(" ", text).split()) or text.strip()
    if "," in plain:
        last, _comma, first = plain.partition(",")
        if _is_suffix(first):
            return client_name(last)
        return _tidy(_without_titles(first)), _tidy(last.strip())
    words = _without_titles(plain).split()
    while len(words) > 2 and _is_suffix(words[-1]):
        words.pop()
    if len(words) < 2:
        return (_tidy(words[0]), "") if words else (text.strip(), "")
    at = len(words) - 1
    while at > 1 and words[at - 1].casefold() in _PARTICLES:
        at -= 1
    return _tidy(" ".join(words[:at])), _tidy(" ".join(words[at:]))


def _is_suffix(word: str) -> bool:
    return word.strip(" .").casefold().replace(".", "") in _SUFFIXES


def _without_titles(text: str) -> str:
    words = text.split()
    while len(words) > 1 and words[0].casefold().rstrip(".") in TITLES:
        words.pop(0)
    return " ".join(words)


def _tidy(name: str) -> str:
    """A name in capitals as one writes it: HALLOWAY is Halloway, O'DOWD is O'Dowd."""
    return " ".join(_tidy_word(word) for word in name.split())


def _tidy_word(word: str) -> str:
    letters = [each for each in word if each.isalpha()]
    if len(letters) < 3 or not word.isupper():
        return word
    return re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), word)


@lru_cache(maxsize=8_192)
def practitioner_name(text: str) -> str:
    """A practitioner's name as their calendar is called: no title, no brackets, first name first.
    A name of one word, or of none, stays as it is."""
    plain = " ".join(read_line(text, 200).split())
    bare = " ".join(_ASIDE.sub(" ", plain).split())
    if not bare:
        return plain
    if bare.count(",") > 1 or (" - " in bare):
        return plain
    first, last = client_name(bare)
    return f"{first} {last}".strip() or plain


def person_key(name: str) -> str:
    """The same for every spelling that surely means one person: words in any order, no title."""
    bare = _ASIDE.sub(" ", name).casefold().replace(",", " ").replace(".", " ")
    words = [word for word in bare.split() if word not in TITLES and word not in _SUFFIXES]
    return " ".join(sorted(words)) or name.casefold()


@lru_cache(maxsize=8_192)
def split_people(cell: str) -> tuple[str, ...]:
    """The people a cell names where something other than a comma separates them."""
    parts = [part.strip(" ,") for part in _SEVERAL.split(cell)]
    named = [part for part in parts if part]
    if len(named) < 2 or not all(_whole_name(part) for part in named):
        return (cell.strip(),)
    return tuple(dict.fromkeys(named))


def split_at_commas(cell: str, known: Collection[str]) -> tuple[str, ...]:
    """ "Jo Smith, Anh Nguyen" as two where both are names met elsewhere (`known`: person keys),
    or where neither could be a surname alone."""
    parts = [part.strip() for part in cell.split(",")]
    if len(parts) < 2 or not all(_whole_name(part) for part in parts):
        return (cell,)
    if all(person_key(part) in known for part in parts) or (
        all(_two_words(part) for part in parts) and person_key(cell) not in known
    ):
        return tuple(dict.fromkeys(parts))
    return (cell,)


def _whole_name(part: str) -> bool:
    """A first and a last name, or a last name and a first."""
    bare = _without_titles(_ASIDE.sub(" ", part)).replace(",", " ").split()
    return len(bare) >= 2 and not any(map(str.isdigit, part))


def _two_words(part: str) -> bool:
    words = part.split()
    return len(words) >= 2 and words[0].casefold() not in {*_PARTICLES, *TITLES}
