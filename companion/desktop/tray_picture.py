"""The tray's pictures: the program's own sign, and how the calendars stand by colour and shape."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from PIL import Image, ImageDraw

SIZE = 64
"""Pixels; every desktop makes it smaller."""
_DRAWN = 4 * SIZE
"""Drawn larger: edges come out smooth."""
Draw = Callable[[ImageDraw.ImageDraw], None]
_WHITE = "#ffffff"


@cache
def tray_picture(mood: str) -> Image.Image:
    """Of a mood of `companion.services.status`; any other is one that is not known."""
    picture = Image.new("RGBA", (_DRAWN, _DRAWN))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, 255, 255), 56, fill="#0b6670")
    draw.rounded_rectangle((36, 48, 176, 188), 26, fill=_WHITE)
    draw.line((36, 92, 176, 92), fill="#0b6670", width=14)
    for x in (74, 138):
        draw.line((x, 30, x, 66), fill=_WHITE, width=18)
    _SIGNS.get(mood, _offline)(draw)
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def _disc(draw: ImageDraw.ImageDraw, colour: str) -> None:
    draw.ellipse((76, 76, 254, 254), fill=colour, outline=_WHITE, width=12)


def _well(draw: ImageDraw.ImageDraw) -> None:
    """A tick on green."""
    _disc(draw, "#1e7f4f")
    draw.line((120, 168, 154, 202, 214, 128), fill=_WHITE, width=26, joint="curve")


def _working(draw: ImageDraw.ImageDraw) -> None:
    """Three dots on blue."""
    _disc(draw, "#1c5fb8")
    for x in (124, 165, 206):
        draw.ellipse((x - 16, 149, x + 16, 181), fill=_WHITE)


def _waiting(draw: ImageDraw.ImageDraw) -> None:
    """An exclamation mark on an amber triangle."""
    draw.polygon((164, 60, 72, 250, 254, 250), fill="#f2b84b", outline="#16252c", width=10)
    draw.line((164, 124, 164, 194), fill="#16252c", width=26)
    draw.ellipse((150, 206, 178, 234), fill="#16252c")


def _offline(draw: ImageDraw.ImageDraw) -> None:
    """A cross on grey."""
    _disc(draw, "#5b6a72")
    draw.line((128, 128, 202, 202), fill=_WHITE, width=26)
    draw.line((202, 128, 128, 202), fill=_WHITE, width=26)


def _paused(draw: ImageDraw.ImageDraw) -> None:
    """Two bars on grey."""
    _disc(draw, "#5b6a72")
    for x in (142, 188):
        draw.line((x, 122, x, 208), fill=_WHITE, width=28)


_SIGNS: dict[str, Draw] = {
    "well": _well,
    "working": _working,
    "waiting": _waiting,
    "offline": _offline,
    "paused": _paused,
}
