"""PracticeKey: what a workstation is given once, to open what the practice keeps sealed.

160 random bits, and 20 that follow from them, written as nine groups of four characters out of
Crockford's alphabet: no letter of it looks like a digit. What is typed may be in any case, grouped
in any way, with O for 0 and I or L for 1; one wrong character, or two changed places, is told as a
typing mistake and never as a wrong key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from companion.domain.errors import BadInput

SECRET_BYTES = 20
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})
_CHECK_BITS = 20
_CHARACTERS = (8 * SECRET_BYTES + _CHECK_BITS) // 5


@dataclass(frozen=True, slots=True)
class PracticeKey:
    secret: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """As it is shown: ``7K2M-…``, nine groups."""
        number = int.from_bytes(self.secret, "big") << _CHECK_BITS | _check_of(self.secret)
        return _grouped(_written(number, _CHARACTERS))

    @property
    def fingerprint(self) -> str:
        """Two groups by which two screens are compared; they give nothing of the key away."""
        digest = hashlib.sha256(b"calendar companion practice key fingerprint\0" + self.secret)
        return _grouped(_written(int.from_bytes(digest.digest()[:5], "big"), 8))


def practice_key_of(typed: str) -> PracticeKey:
    """Raises BadInput, which repeats nothing of what was typed."""
    plain = "".join(each for each in typed.upper() if not _separates(each)).translate(_READ_AS)
    if any(each not in _ALPHABET for each in plain):
        raise _no_key("it has a character that no practice key has")
    if len(plain) != _CHARACTERS:
        raise _no_key(f"it has {len(plain)} characters instead of {_CHARACTERS}")
    number = 0
    for each in plain:
        number = number << 5 | _ALPHABET.index(each)
    secret = (number >> _CHECK_BITS).to_bytes(SECRET_BYTES, "big")
    if number & (1 << _CHECK_BITS) - 1 != _check_of(secret):
        raise _no_key("a character is wrong, or two have changed places")
    return PracticeKey(secret)


def _separates(character: str) -> bool:
    """Spaces, and whatever a text editor makes of a dash."""
    return character.isspace() or character in "-\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}_.,"


def _check_of(secret: bytes) -> int:
    digest = hashlib.sha256(b"calendar companion practice key\0" + secret).digest()
    return int.from_bytes(digest[:4], "big") >> 32 - _CHECK_BITS


def _written(number: int, length: int) -> str:
    places = range(5 * (length - 1), -1, -5)
    return "".join(_ALPHABET[number >> place & 31] for place in places)


def _grouped(text: str) -> str:
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _no_key(why: str) -> BadInput:
    return BadInput(
        f"That is not a practice key as it was typed: {why}.",
        "Type it again, all nine groups. A workstation that has joined shows it: "
        "python run.py practice key",
        field="practice_key",
    )
