"""Text as data: one form of accents, no control characters, no markup, a bounded length."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# C0 and C1 controls, DEL, line and paragraph separators, lone surrogates: calendar programs
# differ in which of them they drop, and some refuse the whole feed over one.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_OFTEN_REPEATED = 100
"""Length up to which a text is worth keeping in the cache."""
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][^\s<>\"\\^`{|}@]{0,1000})?")
_TAG_OPENING = re.compile(r"<(?=[A-Za-z/!?])")


def clean_text(text: str, *, keep_lines: bool = False) -> str:
    """Text as data: NFC, no control characters, line breaks kept (as \\n) only when asked."""
    if keep_lines or len(text) > _OFTEN_REPEATED:
        return _clean(text, keep_lines=keep_lines)
    return _cleaned(text)


@lru_cache(maxsize=8192)
def _cleaned(text: str) -> str:
    """Names, types and locations are repeated in many appointments."""
    return _clean(text, keep_lines=False)


def _clean(text: str, *, keep_lines: bool) -> str:
    if keep_lines:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return "\n".join([_clean(line, keep_lines=False) for line in lines]).strip()
    if not (text.isascii() and text.isprintable()):
        text = _CONTROLS.sub(" ", unicodedata.normalize("NFC", text))
    return " ".join(text.split())


def without_markup(text: str) -> str:
    """Google reads descriptions as HTML: break what would be a tag, visibly."""
    return _TAG_OPENING.sub("‹", text) if "<" in text else text


def shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def safe_link(text: str) -> str:
    """An https address without a password in it, as it stands; empty for anything else."""
    link = text.strip()
    return link if _LINK.fullmatch(link) else ""
