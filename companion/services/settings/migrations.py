"""Migrations of settings: the tables of version n become those of n+1 by ``MIGRATIONS[n]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from companion.services.settings.checks import STALE_DAYS

Tables = dict[str, list[dict[str, Any]]]


def _with_creations(tables: Tables) -> Tables:
    """6 knows more of a calendar under creation than its mark."""
    for record in tables.get("practitioners", ()):
        link = record.get("google")
        if isinstance(link, dict) and "creating" in link:
            kept = {name: value for name, value in link.items() if name != "creating"}
            if link["creating"]:
                kept["creations"] = [{"mark": link["creating"]}]
            record["google"] = kept
    return tables


def _with_opening_days(tables: Tables) -> Tables:
    """7 counts opening days where 6 counted seconds of any day."""
    for practice in tables.get("practice", ()):
        seconds = practice.pop("stale_after", None)
        if isinstance(seconds, int | float) and not isinstance(seconds, bool):
            practice["stale_days"] = min(STALE_DAYS[1], max(STALE_DAYS[0], seconds / 86_400))
    return tables


def _with_marks(tables: Tables) -> Tables:
    """Events written until 9 bear the installation's id as their mark."""
    for record in tables.get("practitioners", ()):
        link = record.get("google")
        if isinstance(link, dict) and link.get("calendar_id"):
            link["marks"] = [tables["home"][0].get("install_id")]
    return tables


def _with_remotes(tables: Tables) -> Tables:
    """14 fetches from other places than links too."""
    for source in tables.get("sources", ()):
        host, every = source.pop("link_host", ""), source.pop("every", None)
        if host:
            source["remote"] = {"kind": "link", "place": host}
            if every is not None:
                source["remote"]["every"] = every
    return tables


MIGRATIONS: Mapping[int, Callable[[Tables], Tables]] = {
    5: _with_creations,
    6: _with_opening_days,
    9: _with_marks,
    13: _with_remotes,
}
"""A version that is not among them was followed by one that only added what may be absent."""
