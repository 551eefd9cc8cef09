"""SystemClock: the machine's clock, or a fixed or shifted one for tests and demos.

`COMPANION_NOW` holds an ISO time (the clock then stands still; without a zone it is this
machine's local time) or a shift from the real time: a sign and numbers with w, d, h, m or s, such
as ``+3d``, ``-2h`` or ``+1d12h``. Intervals and sleeps are real in every case.
"""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta

from companion.domain.errors import BadInput

VARIABLE = "COMPANION_NOW"
_SHIFT = re.compile(r"([+-])((?:\d+[wdhms])+)", re.ASCII)
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


class SystemClock:
    def __init__(self, setting: str = "") -> None:
        """`setting` is the text of COMPANION_NOW; raises BadInput for one that means nothing."""
        self._fixed: datetime | None = None
        self._shift = timedelta()
        text = setting.strip()
        if not text:
            return
        try:
            if shift := _SHIFT.fullmatch(text):
                self._shift = _length(shift[2]) * (-1 if shift[1] == "-" else 1)
                self.now()
            else:
                self._fixed = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise BadInput(
                f'{VARIABLE} is set to "{text[:80]}", which is not a time.',
                "Use an ISO time such as 2026-03-02T09:00+11:00, a shift such as +3d or -2h, "
                "or remove the variable.",
                field=VARIABLE,
            ) from error

    @property
    def rehearsing(self) -> bool:
        """Whether this is another time than the real one."""
        return self._fixed is not None or bool(self._shift)

    def now(self) -> datetime:
        return self._fixed or datetime.now(UTC) + self._shift

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _length(text: str) -> timedelta:
    total = timedelta()
    for count, unit in re.findall(r"(\d+)([wdhms])", text):
        total += timedelta(**{_UNITS[unit]: int(count)})
    return total
