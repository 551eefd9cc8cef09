"""Telephone numbers and e-mail addresses in free text."""

from __future__ import annotations

import re

MAY_HOLD_CONTACTS = re.compile(r"[@＠]|\d[\d\s().-]{4}")
"""Quicker than looking for them."""
_EMAIL = re.compile(r"[\w.+'%-]+[@＠](?:[\w-]+(?:\.[\w-]+)*)?")
_NUMBER = re.compile(r"(?<!\d)(?<!\d[:/.,-])(?<![$€£])(?:\+|\()?\d[\d\s().-]{4,}\d(?!\d|[:.,]\d)")
_CALLED = re.compile(r"(?i:\b(?:ph|phone|tel|telephone|mob|mobile|cell|fax)\b)[\s.:]*$")
_DATE = re.compile(r"(?:\d{4}([-. ])\d\d?\1\d\d?|\d\d?([-. ])\d\d?\2\d{2,4})(?:\s+\d\d?)?")
_YEARS = re.compile(r"(?:(?:19|20)\d\d\s*-?\s*)+")


def contacts(text: str) -> list[tuple[int, int]]:
    """Where each begins, and the character after its end. A number has seven digits or more, six
    behind "ph" and the like; dates, years and rows of small numbers (10 12 15 20) are none."""
    spans = [found.span() for found in _EMAIL.finditer(text)]
    for found in _NUMBER.finditer(text):
        written = found[0]
        digits = sum(c.isdigit() for c in written)
        groups = re.findall(r"\d+", written)
        called = digits > 5 and _CALLED.search(text, 0, found.start())
        if not called and (
            not 7 <= digits <= 15
            or "\n" in written
            or _DATE.fullmatch(written)
            or _YEARS.fullmatch(written)
            or (max(map(len, groups)) < 3 and written[0] not in "+0(")
        ):
            continue
        spans.append(found.span())
    return spans
