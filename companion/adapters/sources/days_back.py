"""Days back: from how many days ago on appointments are fetched, as a person types it."""

from __future__ import annotations

from collections.abc import Mapping

from companion.domain.errors import BadInput
from companion.services.sources.remote import SourceField

USUAL, MOST = 31, 730
DAYS_BACK = SourceField(
    name="days_back",
    label="Days back",
    hint="How many past days of appointments are fetched.",
    required=False,
    default=str(USUAL),
)


def days_back(fields: Mapping[str, str]) -> int:
    """Raises BadInput."""
    typed = fields.get(DAYS_BACK.name, "").strip() or DAYS_BACK.default
    if not (typed.isascii() and typed.isdecimal() and int(typed) <= MOST):
        raise BadInput(f"Choose 0 to {MOST} days back.", field=DAYS_BACK.name)
    return int(typed)
