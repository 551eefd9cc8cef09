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
    1: lambda tables: tables,  # 2 adds availability, which may be absent
    2: lambda tables: tables,  # 3 adds users, idle_sign_out and setup, likewise
    3: lambda tables: tables,  # 4 adds the listener's certificate and feed_unused_after, likewise
    4: lambda tables: tables,  # 5 adds import_hold_share, and answers, columns and statuses
    5: _with_creations,
    6: _with_opening_days,
    7: lambda tables: tables,  # 8 adds who speaks for an account, which may be absent
    8: lambda tables: tables,  # 9 adds paused_until, likewise
    9: _with_marks,
    10: lambda tables: tables,  # 11 adds link_host, every and guesses, which may be absent
    11: lambda tables: tables,  # 12 adds calendar_account, likewise
    12: lambda tables: tables,  # 13 adds feed_proxy, likewise
    13: _with_remotes,
    14: lambda tables: tables,  # 15 adds notices, which may be absent
    15: lambda tables: tables,  # 16 adds backups, likewise
    16: lambda tables: tables,  # 17 adds the workstation that watches a folder, likewise
}
