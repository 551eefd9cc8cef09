"""The doctor's checks of this computer and its home; each is a function of the `CheckContext`."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from companion.domain.errors import CompanionError, Offline, SecretsDamaged, SecretsError
from companion.services.feeds.links import base_address
from companion.services.maintenance import backup_checks, running_checks
from companion.services.maintenance.findings import (
    Check,
    CheckContext,
    Finding,
    FindingAction,
    Found,
    Topic,
    no_network,
)
from companion.services.pools import PROBES

CLOCK_WARN, CLOCK_FAIL = timedelta(seconds=30), timedelta(minutes=5)
LITTLE, TOO_LITTLE = 1_000_000_000, 100_000_000
"""Bytes of free disk."""
CERTIFICATE_SOON = timedelta(days=14)
NEEDED_PYTHON = (3, 11)
SETTINGS = Topic("settings", "Settings")
NETWORK = Topic("network", "Way to Google")
CLOCK = Topic("clock", "Clock")
TIME_ZONES = Topic("time-zones", "Time zones")
KEY_STORE = Topic("key-store", "Password store")
DISK = Topic("disk", "Disk")
HOME_RIGHTS = Topic("home-rights", "Data folder")
PHONES = Topic("feed-listener", "Phones")
CERTIFICATE = Topic("certificate", "Certificate")
VERSIONS = Topic("versions", "Versions")
BOOK = Topic("database", "Book")
SET_CLOCK = FindingAction(
    label="Set the clock by itself", command="Date and time settings: switch on automatic time"
)


def checks(context: CheckContext) -> list[Check]:
    usual: dict[Topic, Callable[[CheckContext], Awaitable[Found]]] = {
        SETTINGS: settings_file,
        NETWORK: network,
        CLOCK: clock,
        TIME_ZONES: time_zones,
        KEY_STORE: key_store,
        DISK: disk,
        HOME_RIGHTS: home_rights,
        PHONES: feed_listener,
        CERTIFICATE: certificate,
        VERSIONS: versions,
        running_checks.SOURCES: running_checks.sources,
        backup_checks.BACKUPS: backup_checks.backups,
        running_checks.NOTICES: running_checks.notices,
    }
    return [
        *(Check(topic, partial(run, context), 30.0) for topic, run in usual.items()),
        # A large book on an old disk takes a while to read.
        Check(BOOK, partial(database, context), 180.0),
    ]


async def settings_file(context: CheckContext) -> Finding | None:
    context.settings.read()
    recovered = context.recovered()
    if recovered:
        return SETTINGS.warn(
            recovered,
            "Look the settings over; saving any of them mends the file.",
            action=FindingAction(label="Look at the settings", page="/practice"),
        )
    return SETTINGS.ok("The settings can be read.")


async def network(context: CheckContext) -> Finding | None:
    """Proxy and certificate issuer in use: what an IT person asks first."""
    try:
        path = await context.probes.network_path()
    except CompanionError as error:
        return NETWORK.failed(error)
    parts = [f"through the proxy {path.proxy}" if path.proxy else "without a proxy"]
    if path.issuer:
        parts.append(f"certificate issued by {path.issuer}")
    parts.append(f"trusting {path.trust or 'what this computer trusts'}")
    return NETWORK.ok(f"Google is reached {', '.join(parts)}.")


async def clock(context: CheckContext) -> Finding | None:
    if context.rehearsing:
        return CLOCK.warn(
            "The clock is set by the variable COMPANION_NOW, so this is a rehearsal.",
            "Remove the variable before working with real calendars.",
        )
    try:
        offset = await context.probes.clock_offset()
    except Offline as error:
        if await no_network(context):
            return None
        return CLOCK.warn(f"The clock could not be compared: {error.what}", error.remedy)
    seconds = abs(offset.total_seconds())
    if abs(offset) < CLOCK_WARN:
        return CLOCK.ok("It agrees with Google's.")
    direction = "slow" if offset > timedelta() else "fast"
    long = f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
    return CLOCK.finding(
        "fail" if abs(offset) >= CLOCK_FAIL else "warn",
        f"This computer's clock is {long} {direction}. Google may refuse sign-ins, and "
        "times shown as verified are wrong.",
        "Let the computer set its clock by itself.",
        action=SET_CLOCK,
    )


async def time_zones(context: CheckContext) -> Finding | None:
    settings = context.settings.read()
    people = settings.practitioners.values()
    zones = {each.practitioner.timezone for each in people} | {settings.practice.timezone}
    unknown = sorted(zone for zone in zones if not _is_zone(zone))
    if unknown:
        return TIME_ZONES.fail(
            f"This computer does not know the time zone {unknown[0]}.",
            "Install the package tzdata again: delete the folder .venv and start anew. "
            "Or choose another zone.",
            action=FindingAction(label="Choose another zone", page="/practice"),
        )
    now = context.clock.now()
    zone = ZoneInfo(settings.practice.timezone)
    for moment in (now, now + timedelta(days=182)):  # one of them may be summer time
        if context.probes.machine_offset(moment) != moment.astimezone(zone).utcoffset():
            return TIME_ZONES.warn(
                "This computer's own time zone is another than the practice's "
                f"({settings.practice.timezone}). Calendars are kept in the practice's.",
                "If the computer stands in the practice, correct one of the two.",
                action=FindingAction(label="Look at the practice's zone", page="/practice"),
            )
    return TIME_ZONES.ok("All are known, and this computer is in the practice's.")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


async def key_store(context: CheckContext) -> Finding | None:
    try:
        name = await context.secrets.check()
    except SecretsDamaged as error:
        action = FindingAction(
            label="Set the sign-ins aside",
            command="run.py doctor --fix secrets-aside",
            fix="secrets-aside",
            warning="The stored sign-ins cannot be opened any more. They are kept under another "
            "name, and everybody connects to Google again. Nothing in Google changes.",
        )
        return KEY_STORE.failed(error, action=action)
    except SecretsError as error:
        again = FindingAction(label="Try again", command="run.py doctor")
        return KEY_STORE.failed(error, action=again)
    if context.weak_key:
        return KEY_STORE.warn(
            f"The passphrase in COMPANION_SECRETS_KEY is easy to guess: {context.weak_key}.",
            "Make a backup with the sign-ins, set a longer passphrase, and restore.",
            action=FindingAction(
                label="Make a backup", page="/backup", command="run.py backup FILE"
            ),
        )
    return KEY_STORE.ok(f"Keeps and gives back what it is given: {name}.")


async def disk(context: CheckContext) -> Finding:
    free = await context.probes.free_bytes(context.home)
    if free >= LITTLE:
        return DISK.ok(f"{free / 1e9:.1f} GB are free.")
    return DISK.finding(
        "fail" if free < TOO_LITTLE else "warn",
        f"Only {free / 1e6:.0f} MB are free on the disk of the data folder.",
        "Free some space: empty the bin, move old files away.",
        action=FindingAction(label="Old backups", page="/backup"),
    )


async def home_rights(context: CheckContext) -> Finding | None:
    others = await PROBES.run(context.home_rights.others, context.home)
    if not others:
        return HOME_RIGHTS.ok("Only you can open it.")
    return HOME_RIGHTS.warn(
        f"{others[:1].upper()}{others[1:]} can open the data folder, which holds the "
        "appointment book.",
        "Close it to everybody but you. The app and its users go on as before.",
        action=FindingAction(
            label="Close the data folder",
            command="run.py doctor --fix home-rights",
            fix="home-rights",
        ),
    )


async def database(context: CheckContext) -> Finding | None:
    finding = await context.integrity()
    if finding == "ok":
        count = await context.book.count()
        return BOOK.ok(f"Whole; it holds {count:,} appointments.")
    return BOOK.fail(
        "The book's file is damaged.",
        "Stop the app and restore the last backup, then import again.",
        action=FindingAction(
            label="Restore a backup", page="/backup", command="run.py restore FILE"
        ),
    )


async def feed_listener(context: CheckContext) -> Finding | None:
    practice = context.settings.read().practice
    links = [each for each in await context.feeds.links() if each.revoked_at is None]
    if not practice.feeds_allowed:
        return PHONES.ok("Links for phones are switched off.")
    host, port = context.listener()
    address = base_address(practice, host, port)
    if await context.probes.listener_answers(address):
        return PHONES.ok(f"They are answered at {address}.")
    scheme = "https" if practice.feed_certificate else "http"
    here = await context.probes.listener_answers(f"{scheme}://127.0.0.1:{port}")
    if here:
        return PHONES.finding(
            "fail" if links else "warn",
            f"The listener runs, but nothing answers at {address}, the address that links carry.",
            "Allow Calendar Companion in this computer's firewall, start it without "
            "--feed-host, or correct the address."
            if not practice.feed_base_url
            else f"The proxy or tunnel must lead to port {port} of this computer.",
            action=FindingAction(label="Links and reachability", page="/phone"),
        )
    if not context.app_runs():
        return PHONES.warn(
            "The app is not running, so phones cannot fetch anything just now.",
            "Start it.",
            action=FindingAction(label="Start the app", command="run.py"),
        )
    return PHONES.finding(
        "fail" if links else "warn",
        f"The listener for phones does not run (port {port}).",
        "Another program may use that port: close it and start the app again, or "
        "choose another port.",
        action=FindingAction(label="Another port", command=f"run.py serve --feed-port {port + 1}"),
    )


async def certificate(context: CheckContext) -> Finding | None:
    parts = urlsplit(base_address(context.settings.read().practice, *context.listener()))
    if parts.scheme != "https" or not parts.hostname:
        return CERTIFICATE.ok("None is used: phones fetch inside the practice's own network.")
    end = await context.probes.certificate_end(parts.hostname, parts.port or 443)
    left = end - context.clock.now()
    if left > CERTIFICATE_SOON:
        return CERTIFICATE.ok(f"Good for another {left.days} days.")
    return CERTIFICATE.finding(
        "fail" if left <= timedelta() else "warn",
        f"The certificate of {parts.hostname} "
        + ("has ended." if left <= timedelta() else f"ends in {max(0, left.days)} days."),
        "Renew it where it comes from; phones refuse links with an ended one.",
    )


async def versions(context: CheckContext) -> Finding | None:
    found = context.probes.versions()
    missing = sorted(name for name, version in found.items() if version == "missing")
    if missing or sys.version_info < NEEDED_PYTHON:
        what = (
            f"The library {missing[0]} is missing."
            if missing
            else f"Python {'.'.join(map(str, NEEDED_PYTHON))} or newer is needed."
        )
        return VERSIONS.fail(
            what,
            "Delete the folder .venv beside run.py and start again: it is made anew.",
            action=FindingAction(label="Start anew", command="run.py"),
        )
    python = found.get("Python", "?")
    return VERSIONS.ok(f"Calendar Companion {context.program}, Python {python}.")
