"""The home as the doctor's checks look at it: `check_context` makes their context of the ports."""

from __future__ import annotations

from companion.services.feeds.reachability import Reachability
from companion.services.google.connecting import Connecting
from companion.services.home_ports import Ports
from companion.services.maintenance.backup import weakness_of
from companion.services.maintenance.daily_backups import DailyBackups
from companion.services.maintenance.findings import CheckContext
from companion.services.notices.telling import Way
from companion.services.sources.sources import Sources
from companion.services.sync.auditing import clock_time
from companion.services.workstations import SharedPractice


def check_context(
    ports: Ports,
    connecting: Connecting,
    reachability: Reachability,
    sources: Sources,
    daily_backups: DailyBackups,
    shared_practice: SharedPractice,
) -> CheckContext:
    async def failing_sources() -> dict[str, str]:
        return {e.settings.name: e.failing for e in await sources.overview() if e.failing}

    async def unwatched_sources() -> dict[str, str]:
        now, zone = ports.clock.now(), ports.settings.read().practice.timezone
        found = {}
        for each in await sources.overview():
            watcher = each.watcher
            if watcher is not None and watcher.missed(now):
                off = watcher.off_since
                since = f" It was last seen {clock_time(off, zone, now)}." if off else ""
                found[each.settings.name] = f"{watcher.absent}{since}"
        return found

    async def failing_notices() -> dict[str, str]:
        book = await ports.notices.store.read()
        failing = book.failing if book else {}
        by_way = {Way(name.partition(" ")[0]): each for name, each in failing.items()}
        return {
            way: f"Nobody is told of troubles by {way.words}: {each.what}"
            for way, each in by_way.items()
        }

    stores, key = ports.stores, ports.secrets_key
    return CheckContext(
        settings=ports.settings,
        book=stores.book,
        ledger=stores.ledger,
        feeds=stores.feeds,
        secrets=ports.secrets,
        google=ports.google,
        connecting=connecting,
        probes=ports.probes,
        home_rights=ports.home_rights,
        clock=ports.clock,
        home=ports.home,
        program=ports.version,
        integrity=stores.integrity,
        recovered=ports.recovered,
        weak_key=weakness_of(key) if key.strip() else "",
        rehearsing=ports.rehearsing,
        listener=reachability.listener,
        app_runs=ports.app_runs,
        failing_sources=failing_sources,
        unwatched_sources=unwatched_sources,
        daily_backups=daily_backups,
        failing_notices=failing_notices,
        server=ports.server,
        shared_practice=shared_practice if ports.practice else None,
    )
