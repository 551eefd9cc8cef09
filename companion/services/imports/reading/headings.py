"""Headings: what the words above a column say that it holds.

A heading is split into words ("ClientDuration", "starts_at", "APPOINTMENTDATE" too), each word is
replaced by the one that it stands for, words without a meaning of their own are left out, and the
rest is looked up in ``vocabulary.toml``. "Duration (hours)" also names a unit, "Start (UTC)" a
zone. What a column is taken for depends on its values besides, see `fields`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from hashlib import blake2b
from importlib.resources import files

from companion.services.imports.lengths import LengthUnit

SURE, LIKELY, WEAK = 1.0, 0.8, 0.6
_STRENGTHS = {"sure": SURE, "likely": LIKELY, "weak": WEAK}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+|#")
_UNITS = {
    "min": LengthUnit.MINUTES, "mins": LengthUnit.MINUTES, "minutes": LengthUnit.MINUTES,
    "minute": LengthUnit.MINUTES, "hour": LengthUnit.HOURS, "hours": LengthUnit.HOURS,
    "hrs": LengthUnit.HOURS, "hr": LengthUnit.HOURS, "h": LengthUnit.HOURS,
    "sec": LengthUnit.SECONDS, "secs": LengthUnit.SECONDS, "seconds": LengthUnit.SECONDS,
}  # fmt: skip
_UTC = frozenset({"utc", "gmt", "zulu"})


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    """As it stands in the file, in one line."""
    meanings: Mapping[str, float] = field(default_factory=dict)
    """Field to strength, 0 to 1."""
    unit: LengthUnit | None = None
    utc: bool = False

    @property
    def ignored(self) -> bool:
        """Known, and of no use here: a birthday, a price, the state of an invoice."""
        return "ignore" in self.meanings


@dataclass(frozen=True, slots=True)
class Vocabulary:
    words: Mapping[str, str]
    dropped: frozenset[str]
    phrases: Mapping[tuple[str, ...], Mapping[str, float]]


def squeezed(heading: str) -> str:
    """A heading as compared with a layout's: letters and figures only, no case."""
    return re.sub(r"[^\w]|_", "", heading.casefold())


def lasting_source(headings: Iterable[str]) -> str:
    """A name for files with these columns, where nothing else gives one."""
    used = "\n".join(sorted(map(squeezed, headings)))
    return f"import-{blake2b(used.encode(), digest_size=3).hexdigest()}"


@cache
def vocabulary() -> Vocabulary:
    text = files(__package__).joinpath("vocabulary.toml").read_text("utf-8")
    document = tomllib.loads(text)
    words = {each: word for word, variants in document.pop("words").items() for each in variants}
    dropped = frozenset(document.pop("drop")["words"])
    phrases: dict[tuple[str, ...], dict[str, float]] = {}
    for name, tiers in document.items():
        for tier, listed in tiers.items():
            for phrase in listed:
                key = _canonical(phrase.split(), words, frozenset())
                known = phrases.setdefault(key, {})
                known[name] = max(known.get(name, 0.0), _STRENGTHS[tier])
    return Vocabulary(words=words, dropped=dropped, phrases=phrases)


@lru_cache(maxsize=4_096)
def read_heading(text: str) -> Heading:
    known = vocabulary()
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    words = _split(plain, known)
    inner = {each for part in re.findall(r"\(([^)]*)\)|\[([^\]]*)\]", plain) for each in part}
    hints = [each for part in inner for each in _WORD.findall(part.casefold())]
    outside = _split(re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", plain), known) or words
    unit = next((_UNITS[each] for each in [*hints, *words] if each in _UNITS), None)
    utc = bool(_UTC & {*hints, *words})
    outside = [each for each in outside if each not in _UTC]
    meanings = _meanings(outside, known)
    return Heading(text=plain, meanings=meanings, unit=unit, utc=utc)


def _split(text: str, known: Vocabulary) -> list[str]:
    words: list[str] = []
    for each in _WORD.findall(_CAMEL.sub(" ", text)):
        folded = each.casefold()
        words += _segmented(folded, known) or [folded]
    return words


def _segmented(word: str, known: Vocabulary) -> list[str]:
    """ "appointmentdate" as two words; empty unless all of it is made of words we know."""
    if len(word) < 6 or word in known.words or word in known.dropped:
        return []
    best: list[list[str] | None] = [[], *[None] * len(word)]
    for end in range(2, len(word) + 1):
        for start in range(max(0, end - 14), end - 1):
            head, part = best[start], word[start:end]
            if head is None or not (part in known.words or part in known.dropped or part in _PARTS):
                continue
            found = best[end]
            if found is None or len(head) + 1 < len(found):
                best[end] = [*head, part]
    found = best[-1]
    return found if found and len(found) > 1 else []


_PARTS = frozenset({"name", "member", "by", "all", "zone", "show", "event", "pc"})


def _canonical(
    words: Sequence[str], synonyms: Mapping[str, str], dropped: frozenset[str]
) -> tuple[str, ...]:
    folded = [each.casefold() for each in words]
    kept = [synonyms.get(each, each) for each in folded if each not in dropped] or folded
    return tuple(each for at, each in enumerate(kept) if at == 0 or each != kept[at - 1])


def _meanings(words: Sequence[str], known: Vocabulary) -> Mapping[str, float]:
    whole = _canonical(words, known.words, frozenset())
    canonical = _canonical(words, known.words, known.dropped)
    for each in (whole, canonical):
        if each in known.phrases:
            return known.phrases[each]
    for shorter, penalty in _shortened(canonical):
        found = known.phrases.get(shorter)
        if found is not None:
            return {name: strength * penalty for name, strength in found.items()}
    return {}


def _shortened(words: tuple[str, ...]) -> list[tuple[tuple[str, ...], float]]:
    """The heading without words that only say what the file is about."""
    shorter = []
    plain = tuple(each for each in words if each not in {"appt", "name"})
    if plain and plain != words:
        shorter.append((plain, 0.95))
    about = tuple(each for each in words if each not in {"appt", "client", "name", "type"})
    if about and about not in {words, plain} and set(about) & {"start", "end", "length", "date"}:
        shorter.append((about, 0.9))
    return shorter
