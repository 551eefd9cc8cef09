"""ImportTarget: where a file goes, and what the book knows that concerns it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from companion.domain.appointments import Practitioner
from companion.services.imports.questions import Answers
from companion.services.ports import SourceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportTarget:
    source: str
    snapshot: bool
    """What is missing from the file was removed."""
    known: Mapping[str, SourceRow]
    """The book's of this source, by source id."""
    id_key: bytes
    """The book's, for new appointments."""
    others: Sequence[SourceRow] = ()
    """The book's of other sources, about the file's days and people."""
    people: Mapping[str, Practitioner]
    """By name as in the file; new ones already have their id."""
    answered: frozenset[str] = frozenset()
    """Names about which somebody has said whose they are."""
    everyone: Mapping[str, Practitioner]
    """All known practitioners, by id."""
    timezone: str
    """The practice's, for appointments whose practitioner is gone."""
    now: datetime
    hold_share: float
    """Share of upcoming appointments above which removals, and changes of practitioner, wait for
    a person."""
    answers: Answers = field(default_factory=lambda: MappingProxyType({}))
