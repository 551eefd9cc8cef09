"""The colours that practitioners have on our own screens.

Who has none of their own is shown in the palette's colour at their place in the list. Places move
when somebody comes or goes, so everybody's colour is fixed just before that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from companion.domain.settings import Settings

PALETTE = ("#0b6670", "#8a4b9f", "#b4581f", "#2f6db5", "#5d7a1f", "#a63d57", "#4b5fc0", "#7a6a1c")


def colours_fixed(settings: Settings) -> Settings:
    """Everybody with the colour they are shown in."""
    for place, record in enumerate(settings.practitioners.values()):
        if not record.practitioner.colour:
            person = replace(record.practitioner, colour=PALETTE[place % len(PALETTE)])
            settings = settings.with_practitioner(replace(record, practitioner=person))
    return settings


def free_colour(settings: Settings) -> str:
    """The one that the fewest have; of those the first."""
    used = Counter(record.practitioner.colour for record in settings.practitioners.values())
    return min(PALETTE, key=lambda colour: used[colour])
