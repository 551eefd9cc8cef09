"""The one table from everything Google and its libraries can answer to our errors.

Sources: Google's guide "Handle API errors" for Calendar, its list of global error reasons,
RFC 6749 5.2 for the token endpoint, and the exception classes of the installed libraries. What is
not in the table falls to its status: 5xx is an error of Google's, another 4xx one of ours.

`detail` holds the status and Google's reason, never its message, which may repeat what we sent.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from companion.adapters.network.errors import (
    network_trouble,
    proxy_sign_in,
    unexpected_answer,
)
from companion.domain.errors import (
    AccountParked,
    CalendarGone,
    CompanionError,
    EventGone,
    IdInUse,
    Offline,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RemoteUnavailable,
    RequestRefused,
    ScopeMissing,
    SignInError,
    SignInExpired,
)


class Subject(Enum):
    """What a 404 or 410 is about."""

    EVENT = "event"
    CALENDAR = "calendar"


Make = type[CompanionError] | Callable[[str], CompanionError]
"""An error class, or a function from the detail to the error."""


def _says(kind: type[CompanionError], what: str, remedy: str) -> Callable[[str], CompanionError]:
    return lambda detail: kind(what, remedy, detail=detail)


_api_off = _says(
    RequestRefused,
    "The Google Calendar API is not switched on for the practice's Google project.",
    "In the Google Cloud console open APIs & Services > Library, enable Google Calendar API, "
    "wait a minute and try again.",
)
blocked_by_organisation = _says(
    PermissionDenied,
    "The organisation that runs this Google account does not allow Calendar Companion.",
    "Ask its Google Workspace administrator to trust the practice's client ID under Security > "
    "API controls > App access control, then press Connect to Google. Step 3 of the "
    "practitioner's page shows the client ID.",
)
_secret_refused = _says(
    SignInExpired,
    "Google does not accept the secret of the practice's Google client.",
    "In the Google Cloud console open the client, press Add secret and download the new JSON "
    "file (the old one cannot be downloaded again); then add it under Practice > Google "
    "client. Nobody has to connect again.",
)
_client_unknown = _says(
    SignInExpired,
    "Google no longer knows the practice's Google client: it was deleted or switched off.",
    "Switch it on again in the Google Cloud console under Clients, or create another, add its "
    "file under Practice > Google client, then press Connect to Google.",
)
_no_calendar = _says(
    PermissionDenied,
    "This Google account has no Google Calendar.",
    "Open calendar.google.com once with that account, or ask its Google Workspace "
    "administrator to switch Calendar on; then try again.",
)
_project_spent = _says(
    AccountParked,
    "The practice's Google project has used up its requests for today; no account is at fault.",
    "The sync goes on by itself after midnight in California. For more, ask under APIs & "
    "Services > Google Calendar API > Quotas in the Google Cloud console.",
)
_account_spent = _says(
    AccountParked,
    "This account has used up the requests that Google allows it for some hours.",
    "Nothing to do: it is tried again by itself; other practitioners go on.",
)

# Reason to error, whatever the status; Google uses 403 and 429 for the same rate reasons.
BY_REASON: Mapping[str, Make] = {
    # 401
    "authError": SignInExpired,
    "invalidCredentials": SignInExpired,
    "expired": SignInExpired,
    "ACCESS_TOKEN_EXPIRED": SignInExpired,
    "CREDENTIALS_MISSING": SignInExpired,
    "required": RequestRefused,
    # 403 and 429: too fast
    "rateLimitExceeded": RateLimited,
    "userRateLimitExceeded": RateLimited,
    "RATE_LIMIT_EXCEEDED": RateLimited,
    "concurrentLimitExceeded": RateLimited,
    "tooManyRequests": RateLimited,
    "servingLimitExceeded": RateLimited,
    # 403: the project's quota of a day, the account's of a longer time
    "dailyLimitExceeded": _project_spent,
    "dailyLimitExceededUnreg": _project_spent,
    "variableTermLimitExceeded": _account_spent,
    "variableTermExpiredDailyExceeded": _account_spent,
    # 403: abuse protection, for hours
    "quotaExceeded": AccountParked,
    "calendarUsageLimits": AccountParked,
    "calendarUsageLimitsExceeded": AccountParked,
    "limitExceeded": AccountParked,
    # 403: consent without the calendar tick
    "insufficientPermissions": ScopeMissing,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": ScopeMissing,
    "insufficientScope": ScopeMissing,
    # 403: no right to this calendar
    "forbidden": PermissionDenied,
    "requiredAccessLevel": PermissionDenied,
    "forbiddenForNonOrganizer": PermissionDenied,
    "forbiddenForServiceAccounts": PermissionDenied,
    "accountDeleted": PermissionDenied,
    "accountDisabled": PermissionDenied,
    "accountUnverified": PermissionDenied,
    "domainPolicy": blocked_by_organisation,
    "notACalendarUser": _no_calendar,
    # 403: the practice's Google project
    "accessNotConfigured": _api_off,
    "SERVICE_DISABLED": _api_off,
    # 409, 410, 412
    "duplicate": IdInUse,
    "conflict": RemoteUnavailable,
    "conditionNotMet": PreconditionFailed,
    "fullSyncRequired": RequestRefused,
    "updatedMinTooLongAgo": RequestRefused,
    # 400
    "badRequest": RequestRefused,
    "invalid": RequestRefused,
    "invalidParameter": RequestRefused,
    "parseError": RequestRefused,
    "timeRangeEmpty": RequestRefused,
    "cannotUseDefaultRemindersAndSpecifyOverride": RequestRefused,
    # 5xx
    "backendError": RemoteUnavailable,
    "internalError": RemoteUnavailable,
    "serviceUnavailable": RemoteUnavailable,
}

BY_STATUS: Mapping[int, Make] = {
    401: SignInExpired,
    403: PermissionDenied,
    408: RemoteUnavailable,
    409: IdInUse,
    412: PreconditionFailed,
    429: RateLimited,
}

# Google answers these two without its JSON as well. Any other answer below 500 that is not its
# JSON came from something in between: a proxy, a web filter, a guest network's sign-in page.
_ALSO_BARE = frozenset({408, 429})

# `error` of the token endpoint when a token is renewed; access_denied is an administrator's block.
BY_GRANT_ERROR: Mapping[str, Make] = {
    "invalid_grant": SignInExpired,
    "invalid_client": _secret_refused,
    "unauthorized_client": _client_unknown,
    "deleted_client": _client_unknown,
    "disabled_client": _client_unknown,
    "admin_policy_enforced": blocked_by_organisation,
    "org_internal": blocked_by_organisation,
    "access_denied": blocked_by_organisation,
    "invalid_scope": ScopeMissing,
    "invalid_request": RequestRefused,
    "unsupported_grant_type": RequestRefused,
    "rate_limit_exceeded": RateLimited,
    "internal_failure": RemoteUnavailable,
    "server_error": RemoteUnavailable,
    "temporarily_unavailable": RemoteUnavailable,
}


BLOCKED = frozenset({"admin_policy_enforced", "org_internal"})
"""What the sign-in service says, as error or as its subtype, where an organisation forbids it."""


def refusal(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    subject: Subject,
    *,
    now: datetime | None = None,
) -> CompanionError:
    """The error for an HTTP answer that is not 2xx; header names in lower case."""
    reasons = _reasons(content)
    reason = next((each for each in reasons or () if each in BY_REASON), "")
    shown = reason or "".join(filter(str.isalnum, next(iter(reasons or ()), "")))[:40]
    detail = f"{status} {shown}".strip()
    make = _choose(status, reason, subject, readable=reasons is not None)
    if make is RateLimited or make is RemoteUnavailable:
        return make(retry_after=retry_after(headers, now or datetime.now(UTC)), detail=detail)
    return _make(make, detail)


def _choose(status: int, reason: str, subject: Subject, *, readable: bool) -> Make:
    if status == 407:
        return proxy_sign_in
    if not readable and (status < 500 or status == 511) and status not in _ALSO_BARE:
        return unexpected_answer
    if status == 404 or (status == 410 and reason not in BY_REASON):
        return EventGone if subject is Subject.EVENT else CalendarGone
    if status >= 500:
        return RemoteUnavailable
    if status == 401:
        return SignInExpired
    return BY_REASON.get(reason) or BY_STATUS.get(status, RequestRefused)


def _make(make: Make, detail: str) -> CompanionError:
    return make(detail=detail) if isinstance(make, type) else make(detail)


def _reasons(content: bytes) -> tuple[str, ...] | None:
    """Google's reasons, the most exact first; None where the answer is not Google's JSON."""
    try:
        error = json.loads(content)["error"]
        if isinstance(error, str):  # the sign-in service's form
            return (error,) if error in BY_GRANT_ERROR else None
        if "code" not in error:
            return None
        nested = [*error.get("details", ()), *error.get("errors", ())]
        found = tuple(str(each["reason"]) for each in nested if "reason" in each)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return found or (str(error.get("status", "")),)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def grant_refused(error: str) -> CompanionError:
    """The error for the token endpoint's `error` when a token is renewed."""
    detail = "token endpoint: " + "".join(c for c in error if c.isalnum() or c == "_")[:40]
    return _make(BY_GRANT_ERROR.get(error, SignInExpired), detail)


def translated(error: BaseException) -> CompanionError | None:
    """Our error for an exception of the network or of Google's libraries; None for any other.

    The order matters: RefreshError before its parent, certificates before the socket."""
    detail = type(error).__name__
    if isinstance(error, CompanionError):
        return error
    known = network_trouble(error)
    if known is not None:
        return known
    for kind, make in foreign_errors():
        if isinstance(error, kind):
            return make(error, detail)
    return None


Translate = Callable[[Any, str], CompanionError]


@lru_cache(maxsize=1)
def foreign_errors() -> tuple[tuple[type[BaseException], Translate], ...]:
    """Base class to translation, in the order they are tried; imports the libraries."""
    import google.auth.exceptions
    import googleapiclient.errors
    import oauthlib.oauth2  # type: ignore[import-untyped] # ships no types
    import requests
    import urllib3

    def offline(_error: object, detail: str) -> CompanionError:
        return Offline(detail=detail)

    def unreadable(_error: object, detail: str) -> CompanionError:
        return RemoteUnavailable(detail=detail)

    def sign_in(error: Any, detail: str) -> CompanionError:
        code = str(getattr(error, "error", "") or "")
        if code in {"server_error", "temporarily_unavailable"}:
            return RemoteUnavailable(detail=f"{detail} {code}")
        make = BY_GRANT_ERROR.get(code)
        if make in (_client_unknown, _secret_refused, blocked_by_organisation):
            return _make(make, f"{detail} {code}")
        return SignInError(detail=f"{detail} {code if make else ''}".strip())

    return (
        (google.auth.exceptions.TransportError, offline),
        (google.auth.exceptions.RefreshError, _refresh_refused),
        (google.auth.exceptions.GoogleAuthError, unreadable),
        (oauthlib.oauth2.OAuth2Error, sign_in),
        (requests.exceptions.InvalidJSONError, unreadable),
        (requests.exceptions.RequestException, offline),
        (urllib3.exceptions.HTTPError, offline),
        (urllib3.exceptions.ProxySchemeUnsupported, offline),
        (googleapiclient.errors.HttpError, _http_error),
        (googleapiclient.errors.Error, unreadable),
        (http.client.HTTPException, offline),
        (OSError, offline),
    )


def refresh_refusal(error: Any) -> tuple[str, str]:
    """Of google-auth's RefreshError: Google's error, or its subtype where an organisation blocks,
    and its description; empty where Google said nothing of its own."""
    body = error.args[1] if len(error.args) > 1 else None
    if not isinstance(body, dict) or not isinstance(body.get("error"), str):
        return "", ""
    subtype = str(body.get("error_subtype") or "")
    return subtype if subtype in BLOCKED else body["error"], str(body.get("error_description", ""))


def _refresh_refused(error: Any, detail: str) -> CompanionError:
    code, _description = refresh_refusal(error)
    if code:
        return grant_refused(code)
    if str(error).startswith("Reauthentication"):  # an organisation's session limit
        return SignInExpired(detail=f"{detail} reauthentication")
    return RemoteUnavailable(detail=detail)


def _http_error(error: Any, _detail: str) -> CompanionError:
    return refusal(int(error.resp.status), dict(error.resp), error.content, Subject.CALENDAR)
