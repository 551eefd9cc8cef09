"""The doctor's checks of a practice that several workstations share: the server of its database,
and the workstations. There are none where the home is not shared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial

from companion.domain.practice_errors import DatabaseAway
from companion.services.maintenance.computer_checks import LITTLE, TOO_LITTLE
from companion.services.maintenance.findings import Check, CheckContext, Finding, FindingAction
from companion.services.ports import ServerFacts
from companion.services.workstations import CLOCK_WARN, Workstations, clock_off, version_key

SERVER, TITLE = "server", "Database server"
_VERSION, _CLOCK = "Version of the database server", "Clock and the server's"
_SPACE = "Space on the server"
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
        Check(id=SERVER, title=TITLE, run=partial(server, context), seconds=30.0),
        Check(id="workstations", title="Workstations", run=partial(workstations, context)),
    ]


def server_away(error: DatabaseAway) -> Finding:
    return Finding(id=SERVER, state="fail", title=TITLE, what=error.what, remedy=error.unattended)


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
        return Finding(
            id=SERVER,
            state="warn",
            title=TITLE,
            what=f"{facts.address} takes {took} for an answer, so pages open slowly.",
            remedy="Use a network cable instead of Wi-Fi, and a server in the same building. Over "
            "the internet nothing is wrong, only slow.",
            action=_LOOK,
        )
    what = f"{facts.address} answers in {took}."
    return Finding(id=SERVER, state="ok", title=TITLE, what=what)


def _space(facts: ServerFacts, *, full: bool) -> Finding:
    size = f"The practice takes {max(1, round(facts.size / 1e6)):,} MB on the server."
    if full:
        return Finding(
            id="server-space",
            state="fail",
            title=_SPACE,
            what=f"{size} Its disk was full within the last hour: what was to be saved was "
            "refused, and nothing of it was kept.",
            remedy="Ask whoever looks after the database server to free some space on it. Then do "
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
        return Finding(id="server-space", state="ok", title=_SPACE, what=what)
    return Finding(
        id="server-space",
        state="fail" if facts.free < TOO_LITTLE else "warn",
        title=_SPACE,
        what=f"{size} Only {facts.free / 1e6:.0f} MB are free there.",
        remedy="Free some space on the disk of the database server.",
    )


def _version(facts: ServerFacts) -> Finding:
    if facts.supported:
        what = f"PostgreSQL {facts.version}."
        return Finding(id="server-version", state="ok", title=_VERSION, what=what)
    return Finding(
        id="server-version",
        state="fail",
        title=_VERSION,
        what=f"PostgreSQL {facts.version} is too old.",
        remedy="Update the server to PostgreSQL 14 or newer (pg_dump, then restore there).",
    )


def _rights(facts: ServerFacts) -> Finding:
    if not facts.refused:
        what = "The role may read, write, lock, listen and change the tables."
        return Finding(id="server-rights", state="ok", title="Rights", what=what)
    return Finding(
        id="server-rights",
        state="fail",
        title="Rights",
        what=f"The database's role may not {'; may not '.join(facts.refused)}.",
        remedy="Make it the owner of the database and of all tables in it: "
        "ALTER DATABASE name OWNER TO role; REASSIGN OWNED BY other TO role;",
    )


def _encryption(facts: ServerFacts) -> Finding:
    proof = _PROOFS.get(facts.sslmode)
    if facts.local and not facts.encrypted:
        what = "Encrypted: not needed, the server is this computer."
        return Finding(id="server-encryption", state="ok", title="Encryption", what=what)
    if facts.encrypted and (proof or facts.local):
        what = f"Encrypted: {facts.encrypted}. {proof or _UNCHECKED}"
        return Finding(id="server-encryption", state="ok", title="Encryption", what=what)
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
    return Finding(
        id="server-encryption",
        state="warn",
        title="Encryption",
        what=what,
        remedy=f"{begin} the address in ?sslmode=verify-full&sslrootcert=FILE (or at least "
        "?sslmode=require) and join again.",
        action=FindingAction(
            label="Join with the new address", command="run.py practice join --database URL"
        ),
    )


def _clock(ahead: timedelta) -> Finding:
    if abs(ahead) <= CLOCK_WARN:
        what = f"Within {max(1, round(abs(ahead).total_seconds()))} s of the server's."
        return Finding(id="server-clock", state="ok", title=_CLOCK, what=what)
    way = "ahead of" if ahead > timedelta() else "behind"
    seconds = round(abs(ahead).total_seconds())
    return Finding(
        id="server-clock",
        state="warn",
        title=_CLOCK,
        what=f"This computer's clock is {seconds:,} seconds {way} the server's. Nothing goes "
        "wrong by it, but times on pages differ, and Google refuses sign-ins of a wrong clock.",
        remedy="Let both set their clocks by themselves (date and time settings; NTP).",
        action=FindingAction(
            label="Set the clock by itself",
            command="Date and time settings: switch on automatic time",
        ),
    )


def _pooler(facts: ServerFacts) -> Iterator[Finding]:
    if facts.pooled:
        yield Finding(
            id="server-pooler",
            state="fail",
            title="Way to the database server",
            what="A pooler (such as PgBouncer) is between this program and the server, so locks "
            "and notices between workstations do not work.",
            remedy="Use the address of the PostgreSQL server itself, usually port 5432.",
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
    return Finding(
        id="workstations",
        state="warn" if keeping.remedy else "ok",
        title="Workstations",
        what=f"{keeping.sentence} {on} of {len(seen.all)} {'is' if on == 1 else 'are'} on.",
        remedy=keeping.remedy,
        action=_LOOK if keeping.remedy else None,
    )


def _versions(context: CheckContext, seen: Workstations) -> Iterator[Finding]:
    newest = max(seen.newest, context.program, key=version_key)
    for each in seen.all:
        if version_key(each.version) < version_key(newest):
            yield Finding(
                id=f"workstation-version:{each.id}",
                state="warn",
                title="Workstations",
                what=f"{each.name} has version {each.version}; another one has {newest}.",
                remedy=f"Update {each.name}: python run.py update FILE",
                action=_LOOK,
            )


def _clocks(seen: Workstations) -> Iterator[Finding]:
    """Of the others; this one's own is measured now."""
    for each in seen.all:
        off = clock_off(each)
        if off and each.id != seen.this_one:
            yield Finding(
                id=f"workstation-clock:{each.id}",
                state="warn",
                title="Workstations",
                what=f"The clock of {each.name} is {off} the server's.",
                remedy=f"Let {each.name} set its clock by itself (date and time settings).",
                action=_LOOK,
            )
