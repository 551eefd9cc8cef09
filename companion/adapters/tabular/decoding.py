"""Bytes as text: which encoding a file without a name for it is in.

A byte order mark decides; else zero bytes tell UTF-16; else UTF-8, which text in another encoding
practically never happens to be. A few bytes that break it are read as cp1252, so that one bad row
does not spoil every other name.

What is left has one byte a character, and the same byte is another letter in Windows, on an old
Macintosh and under DOS. Each candidate reads every word that has such bytes, and what it makes of
them is weighed: letters that names have, capitals only where capitals stand, an apostrophe inside
a word, no symbols among letters. cp1252 wins where nothing speaks against it.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

_BEGINNING = 20_000
"""Bytes by which a file's kind is told."""
_NAMES = {
    "cp1252": "Windows (western)",
    "mac_roman": "Macintosh",
    "cp850": "DOS",
    "cp1250": "Windows (central European)",
}
"""Candidates, the likeliest first."""
_LEAD = {"cp1252": 3.0, "mac_roman": 0.0, "cp850": 0.0, "cp1250": -2.0}
_WORD = re.compile(rb"[A-Za-z'\x80-\xff]{0,30}[\x80-\xff][A-Za-z'\x80-\xff]{0,30}")
_WORDS = 3_000
"""Distinct ones that are weighed."""
_CLOSE = 1.0
"""Points a word by which the winner must lead for nothing to be said."""

_FREQUENT = dict.fromkeys("éÉ", 3.0) | dict.fromkeys("üöäëèñÜÖÄ", 2.4)
_FREQUENT |= dict.fromkeys("çáóíúøåïôêàÇÁÓÅØÈ", 2.0) | dict.fromkeys("âîûãõìòùßæčćłń", 1.4)
_OPEN, _NOT_AFTER_OPEN = frozenset("aouAOU"), frozenset("áàâäåòôõ")
"""Chloë, Anaïs, Raúl, Julián; yet no name has "oá"."""
_NASAL = frozenset("oe")
"""João, Magalhães."""
_AFTER_APOSTROPHES = frozenset("stdlrvm")
_MOJIBAKE = re.compile(
    "[Ã][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|Â[\xa0-\xbf]|â€[™œ“”˜¦¢\x9d\x9c\x99\x98\x93\x94]"
)
_NO_LETTERS = frozenset("ªºµƒˆ")
"""Letters to Unicode, not to a name."""
_BROKEN = "\ufffd"
_DAMAGED = "The text is damaged in places: look at names that have accents."


def decoded(content: bytes, named: str = "") -> tuple[str, str]:
    """The text, and a sentence about its encoding where a person should look. `named`: what the
    file itself says of its encoding, which holds where it is not UTF-8."""
    encoding = _marked(content) or _unmarked_utf16(content)
    if encoding:
        text = content.decode(encoding, "replace").removeprefix("\ufeff")
        return text, _damage(text)
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
    broken = text.count(_BROKEN)
    if len(text) - broken - len(text.encode("ascii", "ignore")) > broken:
        return content.decode("utf-8", _SINGLE), _DAMAGED
    if named:
        with suppress(UnicodeDecodeError, LookupError):
            return content.decode(named), ""
    encoding, sure = _guessed(content)
    text = content.decode(encoding, "replace")
    if encoding == "cp1252" and sure:
        return text, _damage(text)
    return text, (
        f"Accented letters were read as those of {_NAMES[encoding]} text: look at a name with one."
    )


def without_mojibake(text: str) -> str:
    """Put right what was UTF-8, was opened as Windows text and was saved so: “ZoÃ«” is Zoë. Only
    pairs that no name has are touched."""
    if "Ã" in text or "Â" in text or "â€" in text:
        return _MOJIBAKE.sub(_read_again, text)
    return text


def _read_again(found: re.Match[str]) -> str:
    content = b"".join(
        each.encode("latin-1") if each <= "\xff" else each.encode("cp1252") for each in found[0]
    )
    return content.decode("utf-8")


def beginning(content: bytes) -> str:
    """The first characters; what is not ASCII may be wrong."""
    head = content[:_BEGINNING]
    return head.decode(_marked(head) or _unmarked_utf16(head) or "utf-8", "replace").removeprefix(
        "\ufeff"
    )


def _marked(content: bytes) -> str:
    if content.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    return "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ""


def _unmarked_utf16(content: bytes) -> str:
    """Mostly Latin text has a zero in every other byte."""
    head = content[:2_000]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) / 2
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 * half and odd < 0.1 * half else ""


def _damage(text: str) -> str:
    return _DAMAGED if _BROKEN in text else ""


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_SINGLE = "companion.single-bytes"
codecs.register_error(_SINGLE, _as_cp1252)


# ── one byte a character ──────────────────────────────────────────────────────────────────────


def _guessed(content: bytes) -> tuple[str, bool]:
    """The likeliest encoding, and whether it stands out."""
    words: dict[bytes, None] = {}
    for found in _WORD.finditer(content):
        start, end = found.span()
        words.setdefault(content[max(0, start - 1) : end + 1])
        if len(words) == _WORDS:
            break
    points = {each: _LEAD[each] + sum(_weight(word, each) for word in words) for each in _NAMES}
    if b"\r" in content and b"\n" not in content:
        points["mac_roman"] += 3.0
    first, second = sorted(points, key=lambda each: -points[each])[:2]
    alike = all(word.decode(first, "replace") == word.decode(second, "replace") for word in words)
    return first, alike or points[first] - points[second] >= _CLOSE


def _weight(word: bytes, encoding: str) -> float:
    """Of a word with the character before and after it."""
    text = f" {word.decode(encoding, 'replace')} "
    return sum(
        _weight_of(text[at - 1], each, text[at + 1])
        for at, each in enumerate(text[1:-1], 1)
        if not each.isascii()
    )


def _weight_of(before: str, each: str, after: str) -> float:
    if each == _BROKEN or "\x80" <= each <= "\x9f":
        return -20.0
    if each.isalpha() and each not in _NO_LETTERS:
        return _weight_of_letter(before, each, after)
    if each == "’":
        return _weight_of_apostrophe(before, after)
    return _weight_of_mark(before.isalpha(), each, after.isalpha())


def _weight_of_mark(before: bool, each: str, after: bool) -> float:
    """`before`, `after`: whether a letter stands there."""
    if each in "–—":
        return -1.5 if before and after else 2.0
    if each in "‘“„«":
        fits = after and not before
    elif each in "”»…·€£©®™°½¼¾":
        fits = not after
    else:
        fits = each in "\xa0•" and not (before and after)
    if fits:
        return 0.7
    return -8.0 if before or after else -5.0


def _weight_of_apostrophe(before: str, after: str) -> float:
    """O’Dowd, Jo’s, didn’t, the Smiths’."""
    if before.isupper() and after.isupper():
        return 2.0
    if before.isalpha() and after in _AFTER_APOSTROPHES:
        return 1.0
    return 0.5 if before in "sS" and not after.isalpha() else -3.0


def _weight_of_letter(before: str, each: str, after: str) -> float:
    weight = _FREQUENT.get(each, 0.5)
    if each.isupper():
        if before.islower() or (before.isalpha() and after.islower()):
            return -6.0
        return weight + (1.0 if not before.isalpha() and after.islower() else 0.0)
    if after.isupper():
        return -5.0
    if not before.isalpha():
        return weight - 2.5
    if each == "ã":
        return weight + (1.5 if after in _NASAL else -1.0)
    if each == "î":
        return weight + (1.5 if after == "t" else -0.5)
    return weight - 2.5 if before in _OPEN and each in _NOT_AFTER_OPEN else weight
