"""Taking names out of free text, however they are spelt there.

Name and text are compared by their *skeleton*: without case, accents, vowel signs, width and
invisible characters, so that ZOE meets Zoë, STRAUSS meets Strauß and a name with a direction mark
meets the same without. What is hidden becomes "…".

- **The appointment's own client** is hidden whole and in each word, double-barrelled ones in
  parts too, joined (`janesmith`, `jsmith`, `JaneSmith`), plural, without its apostrophe
  (`Janes mum`), as other keyboards write it (Mueller, Müller) and with its particle apart (De
  Silva). Where a script has case, a word is one that no other such letter touches (`smith_1.pdf`
  and `Smith先生` hold one, `Smithers` does not); names in other scripts are hidden wherever they
  stand.
- **Every other client of the practice**, of now and before, is hidden in the same forms (see
  `client_names`), in scripts without case from two signs on.
- **A name that is an ordinary word** too (Hand, Long, May, Park) is taken out where it stands for
  a person and stays in "hand therapy". It does beside a title, an initial or a first name, with
  's behind it, as "the Hands", and in notes and titles where it is capitalised inside a sentence,
  or begins one and then does what people do ("May called"). The own client's is also taken where
  it begins a sentence. In a type or place, which are capitalised for themselves, only what stands
  beside it counts. Days of the week, months beside a number, words that begin the name of a thing
  ("Hand Therapy", "Park Street") and what bears a name itself (Bell's palsy, the Thomas test) stay.
  Names of two letters are taken where they are written like names.
- **The practitioner's own name** stays where it stands in full, or behind the title that it has in
  the practice ("Dr Young"), though a client is called Young; not where a client has the very same
  first and last name, or the appointment's own client shares a word of it.
- **Telephone numbers and e-mail addresses** of anybody, and any run with percent signs or HTML
  entities that holds one of these once it is decoded.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from companion.domain.client_names import (
    FAMILY,
    GIVEN,
    NOBODY,
    PLURAL,
    ClientNames,
    has_case,
    parts_of,
    skeleton,
    skeleton_of,
    spellings,
)
from companion.domain.contacts import MAY_HOLD_CONTACTS, contacts
from companion.domain.ordinary_words import (
    EPONYM_NAMES,
    ORDINARY,
    PARTICLES,
    TITLES,
)
from companion.domain.person_context import PersonWords
from companion.domain.person_names import PersonName, named_in_full, person_name

_SEVERAL = re.compile(r"…(?:[\s,.'’-]*…)+")
_RUN = re.compile(r"[^\W\d_]+")
_ASCII_RUN = re.compile(r"[a-z]+")
_ENCODED = re.compile(r"\S*(?:%[0-9A-Fa-f]{2}|&#?\w+;)\S*")
_INITIAL_BEHIND = re.compile(r" ([^\W\d_])(?:\.[^\W\d_])*(?:\.|(?=$|[\s,;:!?)]))")
_PARTICLE_BEFORE = re.compile(r"(?:(?<![^\W\d_])([^\W\d_]{1,5})[ '-])$")
MOST_KEPT, LONGEST_KEPT = 50_000, 500
"""Texts in which it is remembered where names stand, and characters of one."""
_BRIEF = 100
"""Characters of a text that may be worth remembering."""

Span = tuple[int, int]
"""First character or letter, and the one after the last."""


class _Own(NamedTuple):
    """What is known of the appointment's own client."""

    words: tuple[str, ...]
    """Taken out wherever they stand alone."""
    ordinary: frozenset[str]
    given: tuple[str, ...]
    family: frozenset[str]
    shown: frozenset[str]
    handled: frozenset[str]
    """Words that need no look at everybody's names: taken out, or shown, anyway."""


@lru_cache(maxsize=16_384)
def _own(name: PersonName, beside: str, *, only_family: bool) -> _Own:
    hidden = (*name.family, *name.also, *beside.split())
    if not only_family:
        hidden = (*name.given, *hidden)
    words = {word for each in hidden for word in _recognised_by(each)}
    ordinary = words & ORDINARY - PARTICLES
    given = tuple(part for each in name.given for part in spellings(each))
    family = frozenset(part for each in name.family for part in spellings(each))
    shown = frozenset(given) - family if only_family else frozenset()
    handled = frozenset(words - ordinary | shown)
    return _Own(tuple(words - ordinary), frozenset(ordinary), given, family, shown, handled)


class Redactor:
    """Takes out of texts (NFC) what one appointment may not show. Call it with a text; `prose`
    says whether its capitals mean something, as in notes."""

    __slots__ = ("_hides", "_names", "_own", "_practitioner")

    def __init__(
        self,
        own: PersonName,
        *,
        names: ClientNames = NOBODY,
        only_family: bool = False,
        beside: str = "",
        practitioner: str = "",
    ) -> None:
        """`own`: the appointment's client. `only_family`: given names may be shown. `beside`:
        further words to hide, such as a walk-in's. `practitioner`: whose appointment it is."""
        self._own = _own(own, beside, only_family=only_family)
        self._names = names
        self._hides = FAMILY if only_family else GIVEN | FAMILY
        theirs = {part for word in person_name(practitioner, "").words for part in parts_of(word)}
        shared = theirs & {*self._own.words, *self._own.ordinary}
        self._practitioner = None if shared else named_in_full(practitioner)

    def __call__(self, text: str, *, prose: bool = True) -> str:
        if not text:
            return text
        if ("%" in text or "&" in text) and _ENCODED.search(text):
            text = _ENCODED.sub(lambda found: self._decoded(found[0], prose), text)
        letters, places = _skeleton(text)
        spans: list[Span] = []
        own = self._own
        names_own = bool(own.ordinary)
        for word in own.words:
            if word in letters:
                names_own = True
                spans += self._own_spans(word, letters, places, text)
        for word in own.shown:
            names_own = names_own or word in letters
        others = self._others(letters, places, text, prose, names_own)
        if others and self._practitioner is not None:
            others = self._without_practitioner(others, text)
        spans += others
        if MAY_HOLD_CONTACTS.search(text):
            spans += contacts(text)
        return _without(text, [_extended(text, *span) for span in spans]) if spans else text

    def _without_practitioner(self, spans: Sequence[Span], text: str) -> list[Span]:
        theirs = [
            found.span()
            for found in (self._practitioner.finditer(text) if self._practitioner else ())
            if "".join(filter(str.isalpha, skeleton(found[0]))) not in self._names.words
        ]
        return [
            (start, end)
            for start, end in spans
            if not any(first <= start and end <= after for first, after in theirs)
        ]

    def _decoded(self, encoded: str, prose: bool) -> str:
        plain = html.unescape(unquote(encoded)).replace("+", " ")
        if "%" in plain and plain != encoded:
            plain = unquote(plain)  # encoded twice
        if plain == encoded or _ENCODED.search(plain):
            return encoded
        return encoded if self(plain, prose=prose) == plain else "…"

    def _own_spans(
        self, word: str, letters: str, places: Sequence[int], text: str
    ) -> Iterator[Span]:
        found = letters.find(word)
        while found >= 0:
            end = found + len(word)
            if _stands_alone(letters, found, end):
                yield _span(places, text, found, end)
            elif len(word) > 2 and has_case(word) and " " not in word:
                start, end = _run_around(letters, found, end)
                before, behind = letters[start:found], letters[found + len(word) : end]
                if self._joins(word, before, behind) and letters[start:end] not in ORDINARY:
                    yield _span(places, text, start, end)
                elif _camel(text, places, found, found + len(word)):
                    yield _span(places, text, found, found + len(word))
            found = letters.find(word, found + 1)

    def _joins(self, word: str, before: str, behind: str) -> bool:
        """Is what touches the word more of the same person, or a plural?"""
        if not before and behind in {"s", "es"}:
            return True
        least = 1 if word in self._own.family else 3
        others = {*self._own.given, *self._own.family} - {word}

        def belongs(piece: str) -> bool:
            return (
                not piece
                or piece in TITLES
                or any(
                    each.startswith(piece) and len(piece) >= min(least, len(each))
                    for each in others
                )
                or (least == 1 and len(piece) == 2 and piece[0] in {e[:1] for e in self._own.given})
            )

        return belongs(before) and (belongs(behind) or belongs(behind.removesuffix("s")))

    def _others(
        self, letters: str, places: Sequence[int], text: str, prose: bool, names_own: bool
    ) -> Sequence[Span]:
        """Everybody's names. What is found in a text that does not name the own client is the same
        for all, and is kept: the same texts are looked through for Google, for each phone, and
        again every day."""
        if names_own or len(text) > LONGEST_KEPT:
            return self._found(letters, places, text, prose)
        kept, asked = self._names.kept, (text, prose, self._hides)
        spans = kept.get(asked)
        if spans is None:
            if len(kept) >= MOST_KEPT:
                kept.clear()
            spans = kept[asked] = tuple(self._found(letters, places, text, prose))
        return spans

    def _found(self, letters: str, places: Sequence[int], text: str, prose: bool) -> Sequence[Span]:
        known, ordinary = self._names.words, self._own.ordinary
        spans: list[Span] = []
        found: dict[str, list[Span]]
        runs: Set[str]
        if letters.isascii():
            runs = set(_ASCII_RUN.findall(letters))
            met = (known.keys() & runs) - self._own.handled | ordinary & runs
            if not met:  # nearly always: nobody, or only who is hidden or shown anyway
                return ()
            found = {word: _places_of(word, letters) for word in met}
        else:
            found = {}
            for start, end, word in _words(letters):
                found.setdefault(word, []).append((start, end))
                if self._names.unspaced and not has_case(word):
                    spans += self._unspaced(start, word, places, text)
            runs = found.keys()
        people = PersonWords(letters, places, text, known, runs)
        for word, where in found.items():
            flags, own = known.get(word, 0), word in ordinary
            if word in self._own.shown or not (own or flags & (self._hides | PLURAL)):
                continue
            either = bool(flags & GIVEN) and self._hides == FAMILY
            doubtful = either or flags & PLURAL or _is_doubtful(word)
            theirs = (
                people.meant(word, where, flags or FAMILY, own=own, prose=prose, either=either)
                if doubtful
                else where
            )
            spans += [_span(places, text, *each) for each in theirs]
        return spans

    def _unspaced(self, begins: int, run: str, places: Sequence[int], text: str) -> Iterator[Span]:
        for length in self._names.lengths:
            for start in range(len(run) - length + 1):
                if run[start : start + length] in self._names.unspaced:
                    first = begins + start
                    yield _span(places, text, first, first + length)


def _is_doubtful(word: str) -> bool:
    """Is it more than a name?"""
    return word in ORDINARY or word in EPONYM_NAMES or len(word) < 3


@lru_cache(maxsize=32_768)
def _recognised_by(word: str) -> tuple[str, ...]:
    """Skeletons by which one word of a name is found."""
    found = {part for part in spellings(word) if len(part) > 1 or (part and not has_case(part))}
    spelt = skeleton(word)
    if len(parts_of(word)) > 1:
        found.add(spelt.strip("-'.,;:()[]\""))
    for part in [spelt] if spelt.isalpha() and has_case(spelt) else ():
        for size in range(1, min(5, len(part) - 2)):
            if part[:size] in PARTICLES:
                found |= {f"{part[:size]}{between}{part[size:]}" for between in " -'"}
    return tuple(found)


def _skeleton(text: str) -> tuple[str, Sequence[int]]:
    """The letters, and for each the place in `text` that it comes from."""
    if text.isascii():
        return text.lower().replace("`", "'"), range(len(text))
    return _skeleton_of_brief(text) if len(text) <= _BRIEF else _skeleton_of_any(text)


@lru_cache(maxsize=8192)
def _skeleton_of_brief(text: str) -> tuple[str, Sequence[int]]:
    """Types and places come again and again."""
    return _skeleton_of_any(text)


def _skeleton_of_any(text: str) -> tuple[str, Sequence[int]]:
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for letter in skeleton_of(character):
            letters.append(letter)
            places.append(place)
    return "".join(letters), places


def _places_of(word: str, letters: str) -> list[Span]:
    """Where it is a word of its own; of ASCII letters."""
    found: list[Span] = []
    start = letters.find(word)
    while start >= 0:
        end = start + len(word)
        if not (letters[start - 1 : start].isalpha() or letters[end : end + 1].isalpha()):
            found.append((start, end))
        start = letters.find(word, end)
    return found


def _words(letters: str) -> Iterator[tuple[int, int, str]]:
    """Runs of letters of one kind: with case, or without."""
    if letters.isascii():
        for found in _ASCII_RUN.finditer(letters):
            yield *found.span(), found[0]
        return
    for found in _RUN.finditer(letters):
        start = found.start()
        cased = [has_case(letter) for letter in found[0]]
        for place in range(1, len(cased) + 1):
            if place == len(cased) or cased[place] != cased[place - 1]:
                end = found.start() + place
                yield start, end, letters[start:end]
                start = end


def _span(places: Sequence[int], text: str, start: int, end: int) -> Span:
    if isinstance(places, range):
        return start, end
    first, after = places[start], places[end - 1] + 1
    while after < len(text) and not text[after].isascii() and not skeleton_of(text[after]):
        after += 1  # accents and vowel signs belong to the letter before
    return first, after


def _extended(text: str, first: int, after: int) -> Span:
    """With the small words in front that belong to the name, and an initial behind it."""
    while first > 1 and text[first - 1] in " '’-":
        found = _PARTICLE_BEFORE.search(text[max(0, first - 7) : first].replace("’", "'"))
        if found is None or not _is_particle(found[1]):
            break
        first -= len(found[0])
    if not text[after + 1 : after + 2].isupper():
        return first, after
    found = _INITIAL_BEHIND.match(text, after)
    if found is not None and found[1].isupper() and (found[1] not in "IAX" or found[0][-1] == "."):
        after = found.end()
    return first, after


def _is_particle(word: str) -> bool:
    return word.lower() in PARTICLES and (
        word.lower() not in {"o", "d", "y", "st", "la", "as", "do"} or word[0].isupper()
    )


def _run_around(letters: str, start: int, end: int) -> Span:
    while start and has_case(letters[start - 1]):
        start -= 1
    while end < len(letters) and has_case(letters[end]):
        end += 1
    return start, end


def _camel(text: str, places: Sequence[int], start: int, end: int) -> bool:
    """DrSmith, SmithFamily: capitals show where the word begins and ends."""
    first, after = places[start], places[end - 1] + 1
    if not (text[first].isupper() and text[after - 1].islower()):
        return False
    return (first == 0 or not text[first - 1].isupper()) and not text[after : after + 1].islower()


def _stands_alone(letters: str, start: int, end: int) -> bool:
    """No letter of a script with case touches one of the word's own."""
    before = letters[start - 1 : start]
    after = letters[end : end + 1]
    return not (
        (has_case(before) and has_case(letters[start]))
        or (has_case(after) and has_case(letters[end - 1]))
    )


def _without(text: str, spans: Sequence[Span]) -> str:
    shown, done = "", 0
    for first, after in sorted(spans):
        if first >= done:
            shown += text[done:first] + "…"
        done = max(done, after)
    shown += text[done:]
    return _SEVERAL.sub("…", shown) if shown.count("…") > 1 else shown
