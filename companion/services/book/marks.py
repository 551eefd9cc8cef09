"""Mark: how an appointment stands with its practitioner's Google calendar, and the words for it."""

from __future__ import annotations

from enum import StrEnum


class Mark(StrEnum):
    """How an appointment stands with its practitioner's Google calendar."""

    NONE = ""
    """Not synced at all, or cancelled and not in Google."""
    IN_GOOGLE = "in Google"
    WAITING = "waiting"
    """For the next pass: to be written, changed or taken out."""
    HELD = "held"
    """Its removal waits for a person."""
    OUTSIDE = "not in window"
    EXCLUDED = "excluded"
    """Its kind is not among the items to include."""
    LEFT_OUT = "left out"
    """A person deleted it in Google, and the setting says to leave it so."""


SENTENCES = {
    Mark.IN_GOOGLE: "Google shows exactly this.",
    Mark.WAITING: "It is written to Google with the next sync.",
    Mark.HELD: "It is cancelled in the book, but its removal from Google waits for a person.",
    Mark.OUTSIDE: "It lies outside the days that are kept in Google.",
    Mark.EXCLUDED: "Appointments of this kind do not go to Google.",
    Mark.LEFT_OUT: "Somebody deleted it in Google, and it is left so.",
}
