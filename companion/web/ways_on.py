"""Ways on: the buttons of an error page, for what its sentences tell a person to do."""

from __future__ import annotations

from companion.domain.errors import CompanionError

Way = tuple[str, str]
"""Address and words."""
OVERVIEW: Way = ("/", "Back to the overview")
_SPOKEN: tuple[tuple[tuple[str, ...], Way], ...] = (
    (
        ("connect to google", "connect again", "choose the calendar", "calendar of its own"),
        ("", ""),
    ),
    (("google client",), ("/practice/google", "Add the Google client")),
    (("doctor",), ("/doctor", "Open the doctor")),
    (("backup",), ("/backup", "Open Backup")),
    (("sign in again",), ("/sign-in", "Sign in")),
)
"""By words of the remedy; the first way is the practitioner's own page."""


def ways_on(error: CompanionError, *, here: str = "", practitioner: str = "") -> list[Way]:
    """`here`: the address that failed, if it can be opened again. `practitioner`: path of the page
    of whom it is about."""
    said = error.remedy.casefold()
    ways: list[Way] = []
    if here and ("try again" in said or "tried again" in said or "repeat" in said):
        ways.append((here, "Try again"))
    for words, way in _SPOKEN:
        if not any(word in said for word in words):
            continue
        if way[0]:
            ways.append(way)
        elif practitioner:
            ways.append((f"{practitioner}#step-3", "Go to Connect to Google"))
    back = (practitioner, "Back to the practitioner") if practitioner else OVERVIEW
    return [*ways, back]
