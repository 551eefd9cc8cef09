"""The services about backups, made together over what they need from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from companion.services.maintenance.backup import Backups, Sealing
from companion.services.maintenance.backup_places import BackupPlaces
from companion.services.maintenance.daily_backups import BackupNotes, DailyBackups
from companion.services.maintenance.restore_here import LooksIntoBackups, RestoreApart, RestoreHere
from companion.services.ports import Clock, SecretStore, SettingsStore, Stores
from companion.services.sync.snapshot import NamedLocks


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPorts:
    sealing: Sealing
    notes: BackupNotes
    another_disk: Callable[[Path, Path], bool]
    """As of `DailyBackups`."""
    restoring: LooksIntoBackups
    apart: RestoreApart | None = None
    """None where the home ends with the app, or none runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllBackups:
    backups: Backups
    daily: DailyBackups
    restore_here: RestoreHere


def backups_of(  # noqa: PLR0913 - what they are made over; assembly names each
    ports: BackupPorts,
    *,
    stores: Stores,
    settings: SettingsStore,
    secrets: SecretStore,
    clock: Clock,
    locks: NamedLocks,
    home: Path,
    program: str,
    places: BackupPlaces,
) -> AllBackups:
    backups = Backups(
        settings=settings,
        feeds=stores.feeds,
        secrets=secrets,
        activity=stores.activity,
        copy_database=stores.backup_to,
        check_copy=stores.check_copy,
        sealing=ports.sealing,
        clock=clock,
        home=home,
        program=program,
    )
    daily = DailyBackups(
        backups=backups,
        settings=settings,
        secrets=secrets,
        notes=ports.notes,
        activity=stores.activity,
        clock=clock,
        locks=locks,
        another_disk=ports.another_disk,
        home=home,
        places=places,
    )
    restore_here = RestoreHere(
        settings=settings,
        book=stores.book,
        feeds=stores.feeds,
        daily=daily,
        backups=ports.restoring,
        apart=ports.apart,
        home=home,
    )
    return AllBackups(backups=backups, daily=daily, restore_here=restore_here)
