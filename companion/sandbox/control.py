"""The control API of the simulated Google: JSON under `/_control/`, for tests and rehearsals.

| request | does |
| --- | --- |
| GET state | accounts, calendars, settings and counters in one document |
| GET counts, DELETE counts | API calls by method and by answer, requests, batches, peaks |
| GET log | every API call in order |
| GET events?calendar=ID&deleted=true | a dump of all events, or of one calendar |
| GET, POST, PUT, DELETE faults | the rules; POST adds one, PUT replaces all |
| POST settings | quota {…}, latency_ms, policy {…}, testing, access_seconds, auto_consent |
| POST clock | {"advance_seconds": n} |
| POST reset | empties calendars, tokens, counters and faults; accounts and settings stay |
| POST accounts, calendars | {email, name, timezone}, {owner, summary} |
| POST share | {calendar, email, role}: reader, writer, owner, or null to take it away |
| POST tokens | {email, scopes}: tokens without a consent page |
| POST revoke, expire | {email}: the whole grant, or access tokens only |
| POST expire-sync, purge | {calendar}: sync tokens expire, tombstones vanish |
| POST lock | {email, seconds}: usage limits; 0 seconds unlocks |
| POST edit | {calendar, insert \\| event + patch \\| event + delete}: a person's edit in Google |
"""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from companion.sandbox.access import short_name
from companion.sandbox.calendars import Calendar, Policy
from companion.sandbox.desk import JSON_TYPE, ApiRequest, Desk, Reply, encode
from companion.sandbox.quotas import Quota
from companion.sandbox.refusals import Json, SimulatedError

PREFIX = "/_control/"
_WRONG = (KeyError, TypeError, ValueError, AttributeError)


def answer(desk: Desk, request: ApiRequest) -> Reply:
    name = request.path.removeprefix(PREFIX)
    action = _ACTIONS.get((request.method, name))
    if action is None:
        return _reply({"error": f"no such control: {request.method} {name}"}, 404)
    try:
        body = json.loads(request.body) if request.body else {}
        if request.query:
            body = {key: values[-1] for key, values in parse_qs(request.query).items()} | body
        with desk.lock:
            return _reply(action(desk, body))
    except SimulatedError as refusal:
        return _reply(refusal.body(), refusal.status)
    except _WRONG as err:
        return _reply({"error": f"{type(err).__name__}: {err}"}, 400)


def _reply(content: object, status: int = 200) -> Reply:
    headers = [("Content-Type", JSON_TYPE), ("Cache-Control", "no-store")]
    return Reply(status=status, headers=headers, body=encode(content))


def counts(desk: Desk, _body: Json) -> Json:
    seen = desk.google.counts
    meter = desk.google.meter
    return {
        "calls": seen.calls,
        "methods": dict(seen.methods),
        "answers": dict(seen.answers),
        "accounts": dict(seen.accounts),
        "requests": seen.requests,
        "batches": seen.batches,
        "peak_units_per_minute": {
            "project": meter.project.peak,
            "users": {email: window.peak for email, window in meter.users.items()},
        },
    }


def _clear_counts(desk: Desk, _body: Json) -> Json:
    desk.google.counts.clear()
    desk.google.meter.forget_windows()
    return {}


def _state(desk: Desk, body: Json) -> Json:
    google = desk.google
    return {
        "now": desk.clock().isoformat(),
        "accounts": [asdict(account) for account in google.accounts.values()],
        "calendars": [
            {
                "id": calendar.id,
                "summary": calendar.summary,
                "owner": calendar.owner,
                "timezone": calendar.timezone,
                "readers": calendar.readers,
                "live": sum(1 for _ in calendar.live()),
                "stored": len(calendar.events),
            }
            for calendar in google.calendars.values()
        ],
        "quota": asdict(google.meter.quota),
        "policy": asdict(google.policy),
        "latency_ms": desk.latency * 1000,
        "testing": desk.grants.testing,
        "access_seconds": desk.grants.access_seconds,
        "auto_consent": desk.auto_consent,
        "faults": _list_faults(desk, body),
        "counts": counts(desk, body),
    }


def _log(desk: Desk, _body: Json) -> list[Json]:
    return [asdict(call) | {"at": call.at.isoformat()} for call in desk.google.counts.log]


def _events(desk: Desk, body: Json) -> Json:
    deleted = body.get("deleted") == "true"
    wanted = body.get("calendar")
    return {
        calendar_id: desk.google.events(calendar_id, deleted=deleted)
        for calendar_id in ([wanted] if wanted else desk.google.calendars)
    }


def _list_faults(desk: Desk, _body: Json) -> list[Json]:
    return [rule.report() for rule in desk.faults.rules]


def _add_fault(desk: Desk, body: Json) -> Json:
    return desk.faults.add(**body).report()


def _replace_faults(desk: Desk, body: Any) -> list[Json]:
    desk.faults.replace(body)
    return _list_faults(desk, {})


def _clear_faults(desk: Desk, _body: Json) -> Json:
    desk.faults.clear()
    return {}


def _settings(desk: Desk, body: Json) -> Json:
    unknown = body.keys() - {
        "quota",
        "policy",
        "latency_ms",
        "testing",
        "access_seconds",
        "auto_consent",
    }
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    _assign(desk.google.meter.quota, Quota, body.get("quota", {}))
    _assign(desk.google.policy, Policy, body.get("policy", {}))
    if "latency_ms" in body:
        desk.latency = float(body["latency_ms"]) / 1000
    if "testing" in body:
        desk.grants.testing = bool(body["testing"])
    if "access_seconds" in body:
        desk.grants.access_seconds = int(body["access_seconds"])
    if "auto_consent" in body:
        email = body["auto_consent"]
        desk.auto_consent = None if email is None else desk.google.accounts[email].email
    return {}


def _assign(target: object, kind: type[Quota | Policy], values: Json) -> None:
    known = {item.name for item in fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise ValueError(f"{kind.__name__} has no {key}")
        setattr(target, key, value)


def _advance(desk: Desk, body: Json) -> Json:
    desk.clock.advance(timedelta(seconds=float(body["advance_seconds"])))
    return {"now": desk.clock().isoformat()}


def _reset(desk: Desk, _body: Json) -> Json:
    desk.reset()
    return {}


def _account(desk: Desk, body: Json) -> Json:
    timezone = body.get("timezone", "Australia/Sydney")
    return asdict(
        desk.google.add_account(
            body["email"], name=str(body.get("name", body["email"])), timezone=timezone
        )
    )


def _add_calendar(desk: Desk, body: Json) -> Json:
    calendar = desk.google.add_calendar(
        body["owner"], body["summary"], timezone=body.get("timezone")
    )
    return {"id": calendar.id}


def _share(desk: Desk, body: Json) -> Json:
    if body["role"] is None:
        desk.google.unshare(body["calendar"], body["email"])
    else:
        desk.google.share(body["calendar"], body["email"], body["role"])
    return {}


def _tokens(desk: Desk, body: Json) -> Json:
    scopes = frozenset(short_name(scope) for scope in body.get("scopes", ["calendar"]))
    return desk.grants.issue(desk.google.accounts[body["email"]], scopes)


def _revoke(desk: Desk, body: Json) -> Json:
    return {"revoked": desk.grants.revoke_account(body["email"])}


def _expire(desk: Desk, body: Json) -> Json:
    return {"expired": desk.grants.expire_access(body.get("email"))}


def _calendars(desk: Desk, body: Json) -> list[Calendar]:
    named = body.get("calendar")
    return [desk.google.calendars[named]] if named else list(desk.google.calendars.values())


def _expire_sync(desk: Desk, body: Json) -> Json:
    for calendar in _calendars(desk, body):
        calendar.expire_sync_tokens()
    return {}


def _purge(desk: Desk, body: Json) -> Json:
    return {"purged": sum(calendar.purge_tombstones() for calendar in _calendars(desk, body))}


def _lock(desk: Desk, body: Json) -> Json:
    seconds = float(body.get("seconds", desk.google.meter.quota.lock_seconds))
    if seconds:
        desk.google.meter.lock(body["email"], desk.clock().timestamp() + seconds)
    else:
        desk.google.meter.unlock(body["email"])
    return {}


def _edit(desk: Desk, body: Json) -> Json:
    calendar = desk.google.calendars[body["calendar"]]
    if "insert" in body:
        return calendar.insert(body["insert"], calendar.owner).wire
    if "patch" in body:
        return calendar.patch(body["event"], body["patch"]).wire
    if not body.get("delete"):
        raise ValueError("an edit needs insert, patch or delete")
    calendar.delete(body["event"])
    return {}


_ACTIONS: dict[tuple[str, str], Callable[[Desk, Any], object]] = {
    ("GET", "state"): _state,
    ("GET", "counts"): counts,
    ("DELETE", "counts"): _clear_counts,
    ("GET", "log"): _log,
    ("GET", "events"): _events,
    ("GET", "faults"): _list_faults,
    ("POST", "faults"): _add_fault,
    ("PUT", "faults"): _replace_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "settings"): _settings,
    ("POST", "clock"): _advance,
    ("POST", "reset"): _reset,
    ("POST", "accounts"): _account,
    ("POST", "calendars"): _add_calendar,
    ("POST", "share"): _share,
    ("POST", "tokens"): _tokens,
    ("POST", "revoke"): _revoke,
    ("POST", "expire"): _expire,
    ("POST", "expire-sync"): _expire_sync,
    ("POST", "purge"): _purge,
    ("POST", "lock"): _lock,
    ("POST", "edit"): _edit,
}
