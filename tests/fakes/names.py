"""Names of clients, the forms in which people write them, and ordinary notes that hold none."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote, unquote

from companion.domain.disclosure import ClientName

PLAIN = [
    ("Zebediah", "Quillfeather"), ("Anneliese", "Strauß"), ("Søren", "Müller"),
    ("Mary-Kate", "O'Brien"), ("Joaquín", "DeSilva"), ("Fiona", "McDonald"),
    ("Maria", "van der Berg"), ("Ngọc", "Nguyễn"), ("Priya", "Raghunathan"),
    ("Oluwaseun", "Smith-Jones"), ("Дмитрий", "Иванов"), ("小明", "欧阳"),
]  # fmt: skip
ORDINARY = [
    ("Mira", "Hand"), ("Gustav", "Long"), ("May", "Kowalczyk"), ("Tomasz", "Park"),
    ("Ingrid", "White"), ("Rose", "Young"), ("Will", "Short"), ("Grace", "Rice"),
]  # fmt: skip


def forms_of_anybody(first: str, last: str) -> Iterator[str]:
    """How a note names somebody; of an ordinary word only where it stands for the person."""
    yield f"{first} {last}"
    yield f"{last}, {first}"
    yield f"{first} {last}'s mother"
    yield f"Mrs {last}"
    yield f"{first}.{last}@example.com".replace(" ", "")
    yield f"{first.lower()}{last.lower()}".replace(" ", "")
    yield f"{first[0]}. {last}"
    yield quote(f"{first} {last}")
    yield f"{first}  {last}"
    yield f"{first}\n{last}"
    yield f"{first}-{last}, {last}/{first}, {first}.{last}"
    yield f"{first}_{last}.pdf"
    yield f"{first}.{last}".lower()


def forms_of_own(first: str, last: str) -> Iterator[str]:
    """Those of the appointment's own client besides; the last name is no ordinary word."""
    yield from forms_of_anybody(first, last)
    yield first
    yield last
    yield last.upper()
    yield last.lower()
    yield f"{first}{last}"
    yield f"{last}{first}"
    joined = last.replace(" ", "")
    if first.upper() != first.lower():
        yield f"the {last}s"
        yield f"{first}s mum"
        yield f"{first[0]}{joined}".lower()
        yield f"{joined}{first[0]}".lower()
        yield f"{first.lower()}.{joined.lower()}@"
        yield f"Dr{joined}"


ELSEWHERE = {
    "Müller": ("Mueller", "Muller", "MUELLER"),
    "Søren": ("Soeren", "Soren"),
    "Strauß": ("Strauss", "STRAUSS"),
    "DeSilva": ("De Silva", "de silva", "Desilva"),
    "McDonald": ("Mc Donald", "Mcdonald", "MCDONALD"),
    "O'Brien": ("OBrien", "O Brien", "o’brien"),
    "Nguyễn": ("Nguyen",),
    "Smith-Jones": ("Smith Jones", "SmithJones", "the Jones"),
    "van der Berg": ("Vanderberg", "Van Der Berg", "van der berg"),
}
"""As other people and other keyboards write it."""
CONTACTS = (
    "0412 345 678", "(02) 9876 5432", "+61 412 345 678", "98765432", "0412345678",
    "+44 20 7946 0958", "06 12 34 56 78", "ph 555123", "tel:0412345678",
    "m0412345678", "0412345678/0298765432",
    "ph-0412345678", "(mum 0412345678)", "0412345678x12", "someone.else@mail.example.org",
)  # fmt: skip
FRAMES = ("{}", "Spoke with {} today", "{} called to cancel", "re: {}.", "note\n- {}\nnext")

_BODY = ("hand", "knee", "hip", "neck", "shoulder", "ankle", "back", "wrist", "thumb")
_SENTENCES = (
    "{Body} therapy review, pain 3/10.",
    "Long walk on the weekend, {body} sore.",
    "May need a longer splint for the {body}.",
    "Will park at the rear, white gate.",
    "Young athlete, long history of {body} pain.",
    "Exercises 3 x 10, rest 60 s; {body} brace on at night.",
    "Referred to Hand Therapy, review in May.",
    "White card and Medicare seen, EPC 3 of 5.",
    "Hand grip 24 kg, park bench sit to stand 10 12 15 20.",
    "Green band, short sets; rice and ice for the {body}.",
    "Review 12 May 2026 at 10:30, room 4.",
    "Walks to the park daily, may try long hill.",
    "Grace period ends 2026-05-12; invoice 10234 paid.",
    "Rose from chair without hands, gets up in 5 s.",
    "Short and long arc quads, {body} flexion 0-110.",
    "Bring X-ray and orthotics; call if late.",
    "Meet at Park Street clinic, level 2.",
    "Young's modulus poster down; long term goal: walk 5 km.",
    "Hand-held dynamometer: 2025-2026 comparison.",
    "He will rise early, work in the long room and rest his {body}.",
)


def ordinary_notes(count: int, seed: int = 7) -> Iterator[str]:
    """Of a clinic; they name nobody."""
    chance = random.Random(seed)
    for _ in range(count):
        some = chance.sample(_SENTENCES, chance.choice((1, 2, 2, 3)))
        body = chance.choice(_BODY)
        yield " ".join(some).format(body=body, Body=body.capitalize())


def plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", unquote(text)).casefold()
    return "".join(c for c in apart if c.isalpha())


def leaked(text: str, first: str, last: str, mode: ClientName) -> list[str]:
    """Words of the name, however written and joined, that stand in the text."""
    words = [last, *(ELSEWHERE.get(last, ()))]
    if mode is not ClientName.FIRST:
        words += [first, *(ELSEWHERE.get(first, ()))]
    return [word for word in words if len(plain(word)) > 1 and plain(word) in plain(text)]
