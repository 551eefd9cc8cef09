"""How a client is named to a destination: first name, initials or number, and never more.

What an export's columns hold besides a name, such as a title or who pays, is not shown.
"""

from __future__ import annotations

import re
from functools import lru_cache

from companion.domain.appointments import Appointment
from companion.domain.client_names import has_case, skeleton
from companion.domain.contacts import contacts
from companion.domain.disclosure import ClientName
from companion.domain.person_names import PersonName, person_name
from companion.domain.plain_text import clean_text

_HAN_OR_HANGUL = re.compile(r"[\u3400-\u9fff\uac00-\ud7af]+")
_NUMBER = re.compile(r"([a-z]{0,3})[-#./ ]?\d[\d\-./ ]*")
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")


def name_as_shown(appointment: Appointment, mode: ClientName) -> str:
    """The client's name as `mode` allows it; empty where there is none to show."""
    if mode is ClientName.NONE:
        return ""
    first, last = appointment.client_first_name, appointment.client_last_name
    match mode:
        case ClientName.FULL:
            return f"{clean_text(first)} {clean_text(last)}".strip()
        case ClientName.FIRST:
            name = person_name(first, last)
            return "" if _may_be_whole(name) else " ".join(name.given)
        case ClientName.INITIALS:
            name = person_name(first, last)
            return "" if _may_be_whole(name) else _initials(name)
        case ClientName.ID:
            number = clean_text(appointment.client_id)
            return f"Client {number}" if _is_number(number, first, last) else ""


def _may_be_whole(name: PersonName) -> bool:
    """王小明 in one column is all of a name: it is written without spaces."""
    given = "".join(name.given)
    return not name.family and len(given) > 2 and _HAN_OR_HANGUL.fullmatch(given) is not None


def _is_number(client_id: str, first: str, last: str) -> bool:
    """Digits, perhaps behind a few letters that are not of the name, as they are where practice
    software makes its numbers of it (SMI0012)."""
    folded = skeleton(client_id)
    if _UUID.fullmatch(folded):
        return True
    found = _NUMBER.fullmatch(folded)
    if found is None or (folded[0] == "0" and contacts(folded)):  # a telephone number
        return False
    letters = found[1]
    if len(letters) < 2:
        return True
    words = [skeleton(word) for word in person_name(first, last).words]
    initials = "".join(word[0] for word in words)
    return letters not in {initials, initials[::-1]} and not any(
        w.startswith(letters) for w in words
    )


@lru_cache(maxsize=8192)
def _initials(name: PersonName) -> str:
    """Without one that is a whole name already, as 王 is."""
    apart = re.split(r"[\s\-]+", " ".join(name.words))
    words = ["".join(c for c in word if c.isalnum()) for word in apart]
    initials = (word[0].upper() for word in words if word)
    return "".join(each for each in initials if has_case(each) or each not in words)
