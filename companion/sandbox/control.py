"""The control API of the simulated Google: JSON under `/_control/`, for tests and demos.

| request | does |
| --- | --- |
| GET state | accounts, calendars, settings and counters in one document |
| GET counts, DELETE counts | API calls by method and by answer, requests, batches, peaks |
| GET log | every API call in order |
| GET events?calendar=ID&deleted=true | a dump of all events, or of one calendar |
| GET, POST, PUT, DELETE faults | the rules; POST adds one, PUT replaces all |
| POST settings | quota {…}, latency_ms, policy {…}, testing, access_seconds, auto_consent, |
| | consent_block: admin_policy_enforced, org_internal, access_denied, or null |
| POST clock | {"advance_seconds": n} |
| POST reset | empties calendars, tokens, counters and faults; accounts and settings stay |
| POST accounts, calendars | {email, name, timezone}, {owner, summary} |
| POST share | {calendar, email, role}: reader, writer, owner, or null to take it away |
| POST tokens | {email, scopes}: tokens without a consent page |
| POST revoke, expire | {email}: the whole grant, or access tokens only |
| POST service-keys | {email}: the file of a new key of this service account |
| DELETE service-keys | {email}: all its keys stop working |
| POST delegate | {client_id, domain, scopes}: an administrator authorises them; [] for none |
| POST refuse | {email or "*", error, description}: no token for this person; error null ends it |
| POST expire-sync, purge | {calendar}: sync tokens expire, tombstones vanish |
| POST lock | {email, seconds}: usage limits; 0 seconds unlocks |
| POST edit | {calendar, insert \\| event + patch \\| event + delete}: a person's edit in Google |
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from companion.sandbox.access import short_name
from companion.sandbox.calendars import Calendar
from companion.sandbox.oauth import BLOCKS, REDIRECTED
from companion.sandbox.refusals import Json, SimulatedError
from companion.sandbox.simulator_api import SimulatorApi
from companion.sandbox.wire import NOT_STORED, ApiRequest, Reply, json_reply

PREFIX = "/_control/"
_WRONG = (KeyError, TypeError, ValueError, AttributeError)


def answer(api: SimulatorApi, request: ApiRequest) -> Reply:
    name = request.path.removeprefix(PREFIX)
    action = _ACTIONS.get((request.method, name))
    if action is None:
        return _reply({"error": f"no such control: {request.method} {name}"}, 404)
    try:
        body = json.loads(request.body) if request.body else {}
        if request.query:
            body = {key: values[-1] for key, values in parse_qs(request.query).items()} | body
        if name == "service-keys":
            body["base_url"] = f"http://{request.headers.get('host', '')}"
        with api.lock:
            content = action(api, body)
            return _reply({} if content is None else content)
    except SimulatedError as refusal:
        return _reply(refusal.body(), refusal.status)
    except _WRONG as err:
        return _reply({"error": f"{type(err).__name__}: {err}"}, 400)


def _reply(content: object, status: int = 200) -> Reply:
    return json_reply(content, status, NOT_STORED)


def counts(api: SimulatorApi, _body: Json) -> Json:
    seen = api.google.counts
    meter = api.google.meter
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


def _clear_counts(api: SimulatorApi, _body: Json) -> None:
    api.google.counts.clear()
    api.google.meter.forget_windows()


def _state(api: SimulatorApi, body: Json) -> Json:
    google = api.google
    return {
        "now": api.clock().isoformat(),
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
        "latency_ms": api.latency * 1000,
        "testing": api.grants.testing,
        "access_seconds": api.grants.access_seconds,
        "auto_consent": api.auto_consent,
        "consent_block": api.consent_block,
        "faults": _list_faults(api, body),
        "counts": counts(api, body),
    }


def _log(api: SimulatorApi, _body: Json) -> list[Json]:
    return [asdict(call) | {"at": call.at.isoformat()} for call in api.google.counts.log]


def _events(api: SimulatorApi, body: Json) -> Json:
    deleted = body.get("deleted") == "true"
    wanted = body.get("calendar")
    return {
        calendar_id: api.google.events(calendar_id, deleted=deleted)
        for calendar_id in ([wanted] if wanted else api.google.calendars)
    }


def _list_faults(api: SimulatorApi, _body: Json) -> list[Json]:
    return [rule.report() for rule in api.faults.rules]


def _add_fault(api: SimulatorApi, body: Json) -> Json:
    return api.faults.add(**body).report()


def _replace_faults(api: SimulatorApi, body: Any) -> list[Json]:
    api.faults.replace(body)
    return _list_faults(api, {})


def _clear_faults(api: SimulatorApi, _body: Json) -> None:
    api.faults.clear()


def _settings(api: SimulatorApi, body: Json) -> None:
    unknown = body.keys() - {
        "quota",
        "policy",
        "latency_ms",
        "testing",
        "access_seconds",
        "auto_consent",
        "consent_block",
    }
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    # Neither takes a name that it does not have.
    for key, value in body.get("quota", {}).items():
        setattr(api.google.meter.quota, key, value)
    for key, value in body.get("policy", {}).items():
        setattr(api.google.policy, key, value)
    if "latency_ms" in body:
        api.latency = float(body["latency_ms"]) / 1000
    if "testing" in body:
        api.grants.testing = bool(body["testing"])
    if "access_seconds" in body:
        api.grants.access_seconds = int(body["access_seconds"])
    if "consent_block" in body:
        block = body["consent_block"]
        if block is not None and block.removeprefix(REDIRECTED) not in BLOCKS:
            raise ValueError(f"no such block: {block}")
        api.consent_block = block
    if "auto_consent" in body:
        email = body["auto_consent"]
        api.auto_consent = None if email is None else api.google.accounts[email].email


def _advance(api: SimulatorApi, body: Json) -> Json:
    api.clock.advance(timedelta(seconds=float(body["advance_seconds"])))
    return {"now": api.clock().isoformat()}


def _reset(api: SimulatorApi, _body: Json) -> None:
    api.reset()


def _account(api: SimulatorApi, body: Json) -> Json:
    timezone = body.get("timezone", "Australia/Sydney")
    return asdict(
        api.google.add_account(
            body["email"], name=str(body.get("name", body["email"])), timezone=timezone
        )
    )


def _add_calendar(api: SimulatorApi, body: Json) -> Json:
    calendar = api.google.add_calendar(
        body["owner"], body["summary"], timezone=body.get("timezone")
    )
    return {"id": calendar.id}


def _share(api: SimulatorApi, body: Json) -> None:
    if body["role"] is None:
        api.google.unshare(body["calendar"], body["email"])
    else:
        api.google.share(body["calendar"], body["email"], body["role"])


def _tokens(api: SimulatorApi, body: Json) -> Json:
    scopes = frozenset(short_name(scope) for scope in body.get("scopes", ["calendar"]))
    return api.grants.issue(api.google.accounts[body["email"]], scopes)


def _revoke(api: SimulatorApi, body: Json) -> Json:
    return {"revoked": api.grants.revoke_account(body["email"])}


def _expire(api: SimulatorApi, body: Json) -> Json:
    return {"expired": api.grants.expire_access(body.get("email"))}


def _new_key(api: SimulatorApi, body: Json) -> Json:
    return api.delegation.new_key(body["email"], body["base_url"])


def _drop_keys(api: SimulatorApi, body: Json) -> None:
    api.delegation.accounts[body["email"]].keys.clear()


def _delegate(api: SimulatorApi, body: Json) -> None:
    api.delegation.authorise(body["client_id"], body["domain"], body["scopes"])


def _refuse(api: SimulatorApi, body: Json) -> None:
    if body["error"] is None:
        api.delegation.refused.pop(body["email"], None)
    else:
        api.delegation.refused[body["email"]] = (body["error"], body.get("description", ""))


def _calendars(api: SimulatorApi, body: Json) -> list[Calendar]:
    named = body.get("calendar")
    return [api.google.calendars[named]] if named else list(api.google.calendars.values())


def _expire_sync(api: SimulatorApi, body: Json) -> None:
    for calendar in _calendars(api, body):
        calendar.expire_sync_tokens()


def _purge(api: SimulatorApi, body: Json) -> Json:
    return {"purged": sum(calendar.purge_tombstones() for calendar in _calendars(api, body))}


def _lock(api: SimulatorApi, body: Json) -> None:
    seconds = float(body.get("seconds", api.google.meter.quota.lock_seconds))
    if seconds:
        api.google.meter.lock(body["email"], api.clock().timestamp() + seconds)
    else:
        api.google.meter.unlock(body["email"])


def _edit(api: SimulatorApi, body: Json) -> Json:
    calendar = api.google.calendars[body["calendar"]]
    if "insert" in body:
        return calendar.insert(body["insert"], calendar.owner).wire
    if "patch" in body:
        return calendar.patch(body["event"], body["patch"]).wire
    if not body.get("delete"):
        raise ValueError("an edit needs insert, patch or delete")
    calendar.delete(body["event"])
    return {}


_ACTIONS: dict[tuple[str, str], Callable[[SimulatorApi, Any], object]] = {
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
    ("POST", "service-keys"): _new_key,
    ("DELETE", "service-keys"): _drop_keys,
    ("POST", "delegate"): _delegate,
    ("POST", "refuse"): _refuse,
    ("POST", "expire-sync"): _expire_sync,
    ("POST", "purge"): _purge,
    ("POST", "lock"): _lock,
    ("POST", "edit"): _edit,
}
