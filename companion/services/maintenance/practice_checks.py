"""The doctor's checks of a practice that several workstations share: the server of its database,
and the workstations. There are none where the home is not shared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial

from companion.domain.practice_errors import DatabaseAway
from companion.services.maintenance.computer_checks import LITTLE, SET_CLOCK, TOO_LITTLE
from companion.services.maintenance.findings import (
    Check,
    CheckContext,
    Finding,
    FindingAction,
    Topic,
)
from companion.services.ports import ServerFacts
from companion.services.workstations import CLOCK_WARN, Workstations, clock_off, version_key

SERVER = Topic("server", "Database server")
SPACE = Topic("server-space", "Space on the server")
VERSION = Topic("server-version", "Version of the database server")
RIGHTS = Topic("server-rights", "Rights")
ENCRYPTION = Topic("server-encryption", "Encryption")
CLOCK = Topic("server-clock", "Clock and the server's")
POOLER = Topic("server-pooler", "Way to the database server")
WORKSTATIONS = Topic("workstations", "Workstations")
SLOW = timedelta(milliseconds=100)
"""A page asks some ten questions."""
_UNCHECKED = "The server's certificate is not checked (sslmode=verify-full would)."
_PROOFS = {
    "require": _UNCHECKED,
    "verify-ca": "The server's certificate is of your own authority; its name is not checked.",
    "verify-full": "The server's certificate proves that it is the right one.",
}
"""By what the address asks for; whatever is not listed goes without encryption too."""
PAGE = "/practice/workstations"
_LOOK = FindingAction(label="Look at the workstations", page=PAGE, command="run.py practice status")


def checks(context: CheckContext) -> list[Check]:
    if context.server is None or context.shared_practice is None:
        return []
    return [
        Check(SERVER, partial(server, context), 30.0),
        Check(WORKSTATIONS, partial(workstations, context)),
    ]


def server_away(error: DatabaseAway) -> Finding:
    return SERVER.fail(error.what, error.unattended)


async def server(context: CheckContext) -> Iterable[Finding]:
    """Raises DatabaseAway, StoreError."""
    if context.server is None:
        return []
    facts = await context.server.examine()
    return [
        _answers(facts),
        _space(facts, full=context.server.disk_full),
        _version(facts),
        _rights(facts),
        _encryption(facts),
        *([] if context.rehearsing else [_clock(facts.ahead)]),
        *_pooler(facts),
    ]


def _answers(facts: ServerFacts) -> Finding:
    milliseconds = facts.latency.total_seconds() * 1000
    took = f"{milliseconds:.0f} ms" if milliseconds >= 1 else "under 1 ms"
    if facts.latency > SLOW:
        return SERVER.warn(
            f"{facts.address} takes {took} for an answer, so pages open slowly.",
            "Use a network cable instead of Wi-Fi, and a server in the same building. Over "
            "the internet nothing is wrong, only slow.",
            action=_LOOK,
        )
    return SERVER.ok(f"{facts.address} answers in {took}.")


def _space(facts: ServerFacts, *, full: bool) -> Finding:
    size = f"The practice takes {max(1, round(facts.size / 1e6)):,} MB on the server."
    if full:
        return SPACE.fail(
            f"{size} Its disk was full within the last hour: what was to be saved was "
            "refused, and nothing of it was kept.",
            "Ask whoever looks after the database server to free some space on it. Then do "
            "again what was refused.",
        )
    if facts.free is None:
        what = (
            f"{size} How much space is left there cannot be seen from here: have whoever looks "
            "after the server look at it now and then."
        )
    else:
        what = f"{size} {facts.free / 1e9:.1f} GB are free there."
    if facts.free is None or facts.free >= LITTLE:
        return SPACE.ok(what)
    return SPACE.finding(
        "fail" if facts.free < TOO_LITTLE else "warn",
        f"{size} Only {facts.free / 1e6:.0f} MB are free there.",
        "Free some space on the disk of the database server.",
    )


def _version(facts: ServerFacts) -> Finding:
    if facts.supported:
        return VERSION.ok(f"PostgreSQL {facts.version}.")
    return VERSION.fail(
        f"PostgreSQL {facts.version} is too old.",
        "Update the server to PostgreSQL 14 or newer (pg_dump, then restore there).",
    )


def _rights(facts: ServerFacts) -> Finding:
    if not facts.refused:
        return RIGHTS.ok("The role may read, write, lock, listen and change the tables.")
    return RIGHTS.fail(
        f"The database's role may not {'; may not '.join(facts.refused)}.",
        "Make it the owner of the database and of all tables in it: "
        "ALTER DATABASE name OWNER TO role; REASSIGN OWNED BY other TO role;",
    )


def _encryption(facts: ServerFacts) -> Finding:
    proof = _PROOFS.get(facts.sslmode)
    if facts.local and not facts.encrypted:
        return ENCRYPTION.ok("Encrypted: not needed, the server is this computer.")
    if facts.encrypted and (proof or facts.local):
        return ENCRYPTION.ok(f"Encrypted: {facts.encrypted}. {proof or _UNCHECKED}")
    if facts.encrypted:
        begin = "End"
        what = (
            f"The way to {facts.address} is encrypted just now ({facts.encrypted}), but the "
            "address does not insist on it: where the server stops encrypting, nobody notices."
        )
    else:
        begin = "Switch on ssl in the server's postgresql.conf, then end"
        what = (
            f"The way to {facts.address} is not encrypted: whoever can read the network reads the "
            "appointment book."
        )
    return ENCRYPTION.warn(
        what,
        f"{begin} the address in ?sslmode=verify-full&sslrootcert=FILE (or at least "
        "?sslmode=require) and join again.",
        action=FindingAction(
            label="Join with the new address", command="run.py practice join --database URL"
        ),
    )


def _clock(ahead: timedelta) -> Finding:
    if abs(ahead) <= CLOCK_WARN:
        return CLOCK.ok(f"Within {max(1, round(abs(ahead).total_seconds()))} s of the server's.")
    way = "ahead of" if ahead > timedelta() else "behind"
    seconds = round(abs(ahead).total_seconds())
    return CLOCK.warn(
        f"This computer's clock is {seconds:,} seconds {way} the server's. Nothing goes "
        "wrong by it, but times on pages differ, and Google refuses sign-ins of a wrong clock.",
        "Let both set their clocks by themselves (date and time settings; NTP).",
        action=SET_CLOCK,
    )


def _pooler(facts: ServerFacts) -> Iterator[Finding]:
    if facts.pooled:
        yield POOLER.fail(
            "A pooler (such as PgBouncer) is between this program and the server, so locks "
            "and notices between workstations do not work.",
            "Use the address of the PostgreSQL server itself, usually port 5432.",
            action=FindingAction(
                label="Join with the server's address",
                command="run.py practice join --database URL",
            ),
        )


async def workstations(context: CheckContext) -> Iterable[Finding]:
    """Raises DatabaseAway, StoreError."""
    if context.shared_practice is None:
        return []
    seen = await context.shared_practice.workstations()
    if seen.away:
        raise DatabaseAway
    found = [await _keeper(context, seen), *_versions(context, seen), *_clocks(seen)]
    return [each for each in found if each is not None]


async def _keeper(context: CheckContext, seen: Workstations) -> Finding | None:
    keeping = await context.shared_practice.keeping() if context.shared_practice else None
    if keeping is None:
        return None
    on = sum(each.on for each in seen.all)
    return WORKSTATIONS.finding(
        "warn" if keeping.remedy else "ok",
        f"{keeping.sentence} {on} of {len(seen.all)} {'is' if on == 1 else 'are'} on.",
        keeping.remedy,
        action=_LOOK if keeping.remedy else None,
    )


def _versions(context: CheckContext, seen: Workstations) -> Iterator[Finding]:
    newest = max(seen.newest, context.program, key=version_key)
    for each in seen.all:
        if version_key(each.version) < version_key(newest):
            yield Topic(f"workstation-version:{each.id}", WORKSTATIONS.title).warn(
                f"{each.name} has version {each.version}; another one has {newest}.",
                f"Update {each.name}: python run.py update FILE",
                action=_LOOK,
            )


def _clocks(seen: Workstations) -> Iterator[Finding]:
    """Of the others; this one's own is measured now."""
    for each in seen.all:
        off = clock_off(each)
        if off and each.id != seen.this_one:
            yield Topic(f"workstation-clock:{each.id}", WORKSTATIONS.title).warn(
                f"The clock of {each.name} is {off} the server's.",
                f"Let {each.name} set its clock by itself (date and time settings).",
                action=_LOOK,
            )
