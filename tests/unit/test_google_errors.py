"""The error table is complete: every documented reason, every exception of the network's."""

import http.client
import json
import socket
import ssl
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import google.auth.exceptions
import googleapiclient.errors
import httplib2
import oauthlib.oauth2.rfc6749.errors  # type: ignore[import-untyped] # ships no types
import pytest
import requests.exceptions
import urllib3.exceptions

import companion.services.ports as ours_ports
from companion.adapters.google.errors import (
    BY_GRANT_ERROR,
    BY_REASON,
    Subject,
    foreign_errors,
    grant_refused,
    refusal,
    retry_after,
    translated,
)
from companion.adapters.google.sign_in import code_of
from companion.domain import errors as ours
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
from companion.sandbox import refusals

RefreshError: Any = google.auth.exceptions.RefreshError  # has no types
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def body(status: int, reason: str, message: str = "A client's name") -> bytes:
    entry = {"domain": "global", "reason": reason, "message": message}
    return json.dumps({"error": {"errors": [entry], "code": status, "message": message}}).encode()


def said(status: int, reason: str, subject: Subject = Subject.CALENDAR) -> CompanionError:
    return refusal(status, {}, body(status, reason), subject)


# Google's guide "Handle API errors" (Calendar), its global reasons, and what has been recorded.
DOCUMENTED = [
    (400, "badRequest", RequestRefused),
    (400, "invalid", RequestRefused),
    (400, "required", RequestRefused),
    (400, "timeRangeEmpty", RequestRefused),
    (401, "authError", SignInExpired),
    (401, "required", SignInExpired),
    (403, "userRateLimitExceeded", RateLimited),
    (403, "rateLimitExceeded", RateLimited),
    (403, "quotaExceeded", AccountParked),
    (403, "calendarUsageLimits", AccountParked),
    (403, "dailyLimitExceeded", AccountParked),
    (403, "insufficientPermissions", ScopeMissing),
    (403, "forbidden", PermissionDenied),
    (403, "requiredAccessLevel", PermissionDenied),
    (403, "forbiddenForNonOrganizer", PermissionDenied),
    (403, "domainPolicy", PermissionDenied),
    (403, "accessNotConfigured", RequestRefused),
    (403, "aReasonOfNextYear", PermissionDenied),
    (404, "notFound", CalendarGone),
    (409, "duplicate", IdInUse),
    (409, "conflict", RemoteUnavailable),
    (410, "deleted", CalendarGone),
    (410, "fullSyncRequired", RequestRefused),
    (410, "updatedMinTooLongAgo", RequestRefused),
    (412, "conditionNotMet", PreconditionFailed),
    (429, "rateLimitExceeded", RateLimited),
    (429, "tooManyRequests", RateLimited),
    (418, "teapot", RequestRefused),
    (500, "backendError", RemoteUnavailable),
    (502, "", RemoteUnavailable),
    (503, "backendError", RemoteUnavailable),
    (504, "", RemoteUnavailable),
]


@pytest.mark.parametrize(("status", "reason", "expected"), DOCUMENTED)
def test_every_documented_refusal_has_its_error(
    status: int, reason: str, expected: type[CompanionError]
) -> None:
    assert type(said(status, reason)) is expected


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_event_is_distinguished_from_a_missing_calendar(status: int) -> None:
    reason = "notFound" if status == 404 else "deleted"
    assert type(said(status, reason, Subject.EVENT)) is EventGone
    assert type(said(status, reason, Subject.CALENDAR)) is CalendarGone


def test_every_refusal_the_simulated_google_knows_is_in_the_table() -> None:
    """The simulator's refusals were taken from Google's documents one by one."""
    known = set(BY_REASON) | {"notFound", "deleted", "cannotDeletePrimaryCalendar"}
    made = 0
    for maker in vars(refusals).values():
        try:
            refused = maker() if callable(maker) else None
        except TypeError:
            continue
        if isinstance(refused, refusals.SimulatedError):
            made += 1
            assert refused.reason in known
            assert isinstance(said(refused.status, refused.reason), CompanionError)
    assert made > 15


@pytest.mark.parametrize("reason", sorted(BY_REASON))
def test_every_reason_gives_a_sentence_and_a_remedy_without_googles_words(reason: str) -> None:
    error = said(403, reason)
    assert error.what
    assert error.remedy
    assert "client's name" not in f"{error} {error.detail}"
    assert reason in error.detail


def test_the_newer_form_of_googles_errors_is_read_too() -> None:
    details = [{"@type": "…ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]
    content = {"error": {"code": 403, "status": "PERMISSION_DENIED", "details": details}}
    error = refusal(403, {}, json.dumps(content).encode(), Subject.CALENDAR)
    assert type(error) is ScopeMissing


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 410, 412, 511])
def test_a_page_of_a_guest_network_is_no_word_of_google(status: int) -> None:
    error = refusal(status, {}, b"<html>Sign in to Hotel Wi-Fi</html>", Subject.CALENDAR)
    assert type(error) is Offline
    assert "in Google's place" in error.what


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'"no"', b'{"error": "blocked"}', b'{"error": {}}', b'{"ok": 1}']
)
@pytest.mark.parametrize("status", [403, 404, 410])
def test_foreign_json_never_means_that_something_was_deleted(status: int, content: bytes) -> None:
    for subject in Subject:
        assert type(refusal(status, {}, content, subject)) is Offline


def test_a_proxy_that_asks_for_a_password_has_a_sentence_of_its_own() -> None:
    tunnel = OSError("Tunnel connection failed: 407 Proxy Authentication Required")
    for error in (
        refusal(407, {}, b"<html>", Subject.CALENDAR),
        translated(urllib3.exceptions.ProxyError("Unable to connect to proxy", tunnel)),
    ):
        assert error is not None
        assert type(error) is Offline
        assert "proxy" in error.what


def test_a_reason_that_is_no_word_does_not_reach_the_log() -> None:
    error = said(403, "name\r\nof a client: " + "x" * 500)
    assert len(error.detail) < 60
    assert "\n" not in error.detail


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        ("Mon, 02 Mar 2026 09:02:00 GMT", 120.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_reaches_whoever_paces(status: int) -> None:
    error = refusal(status, {"retry-after": "7"}, b"", Subject.CALENDAR)
    assert isinstance(error, ours.TransientError)
    assert error.retry_after == 7.0


@pytest.mark.parametrize("error", sorted(BY_GRANT_ERROR))
def test_every_refusal_of_the_token_endpoint_has_its_error(error: str) -> None:
    expected = {
        "invalid_scope": ScopeMissing,
        "invalid_request": RequestRefused,
        "unsupported_grant_type": RequestRefused,
        "rate_limit_exceeded": RateLimited,
        "internal_failure": RemoteUnavailable,
        "server_error": RemoteUnavailable,
        "temporarily_unavailable": RemoteUnavailable,
        "access_denied": PermissionDenied,
        "admin_policy_enforced": PermissionDenied,
        "org_internal": PermissionDenied,
    }
    assert type(grant_refused(error)) is expected.get(error, SignInExpired)


def test_an_unknown_refusal_of_the_token_endpoint_asks_to_sign_in() -> None:
    assert type(grant_refused("something_new")) is SignInExpired


# ── exceptions ────────────────────────────────────────────────────────────────────────────────


def classes(module: ModuleType) -> list[type[Exception]]:
    return [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, Exception)
        and not issubclass(each, Warning)
        and each.__module__ == module.__name__
    ]


NETWORK = [
    *classes(urllib3.exceptions),
    *classes(http.client),
    *classes(googleapiclient.errors),
    *classes(google.auth.exceptions),
    *classes(requests.exceptions),
    *classes(oauthlib.oauth2.rfc6749.errors),
    OSError,
    TimeoutError,
    ConnectionResetError,
    ConnectionAbortedError,
    ConnectionRefusedError,
    BrokenPipeError,
    socket.gaierror,
    socket.herror,
    ssl.SSLError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLCertVerificationError,
]


def bare(kind: type[Exception]) -> Exception:
    """An instance without running its constructor, whose arguments differ from class to class."""
    error: Any = kind.__new__(kind)
    error.args = ("Zoë Nguyễn",)
    if issubclass(kind, googleapiclient.errors.HttpError):
        error.resp, error.content = httplib2.Response({"status": "503"}), b""
    return error  # type: ignore[no-any-return] # it is a `kind`


@pytest.mark.parametrize("kind", NETWORK, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_of_network_and_libraries_is_translated(kind: type[Exception]) -> None:
    error = translated(bare(kind))
    assert error is not None
    assert isinstance(error, ours.RemoteError | SignInError)
    assert "Zoë" not in f"{error} {error.detail}"


def test_the_network_being_away_is_offline_and_never_a_mistake_of_ours() -> None:
    for kind in (*classes(urllib3.exceptions), *classes(http.client), OSError, TimeoutError):
        assert type(translated(bare(kind))) is Offline


def test_a_mistake_of_our_own_is_not_translated() -> None:
    for error in (TypeError("x"), ValueError("x"), KeyError("x"), RuntimeError("x")):
        assert translated(error) is None


def test_our_own_errors_pass_unchanged() -> None:
    error = EventGone()
    assert translated(error) is error


def test_an_untrusted_certificate_says_clock_and_filter() -> None:
    bad = ssl.SSLCertVerificationError("certificate verify failed")
    wrapped = requests.exceptions.SSLError("x")
    wrapped.__cause__ = bad
    for error in (bad, wrapped):
        told = translated(error)
        assert isinstance(told, Offline)
        assert "date and time" in told.remedy


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RefreshError("invalid_grant: x", {"error": "invalid_grant"}), SignInExpired),
        (RefreshError("internal_failure: x", {"error": "internal_failure"}), RemoteUnavailable),
        (RefreshError("<html>503</html>"), RemoteUnavailable),
        (RefreshError("Reauthentication is needed."), SignInExpired),
    ],
)
def test_a_refused_renewal_is_read_by_its_code(
    error: Exception, expected: type[CompanionError]
) -> None:
    assert type(translated(error)) is expected


def test_the_table_of_exceptions_tries_the_narrower_class_first() -> None:
    kinds = [kind for kind, _make in foreign_errors()]
    for number, kind in enumerate(kinds):
        assert not any(issubclass(kind, earlier) for earlier in kinds[:number])


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("notACalendarUser", "has no Google Calendar"),
        ("dailyLimitExceeded", "no account is at fault"),
        ("variableTermLimitExceeded", "for some hours"),
        ("servingLimitExceeded", "slow down"),
        ("domainPolicy", "trust the practice's client ID"),
    ],
)
def test_a_refusal_says_whose_limit_it_is_and_who_can_lift_it(reason: str, words: str) -> None:
    assert words in str(said(403, reason))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "invalid_client"}, "press Add secret"),
        ({"error": "invalid_client"}, "Nobody has to connect again"),
        ({"error": "deleted_client"}, "deleted or switched off"),
        ({"error": "access_denied", "error_description": "Account restricted"}, "administrator"),
        ({"error": "invalid_grant", "error_subtype": "admin_policy_enforced"}, "administrator"),
        ({"error": "invalid_grant"}, "sign in again"),
    ],
)
def test_a_refused_renewal_says_who_has_to_do_what(answer: dict[str, str], words: str) -> None:
    error = translated(google.auth.exceptions.RefreshError("refused", answer))  # type: ignore[no-untyped-call] # google-auth has no types
    assert words in str(error)


@pytest.mark.parametrize(
    "query",
    [
        "error=admin_policy_enforced",
        "error=access_denied&error_subtype=admin_policy_enforced",
        "error=org_internal",
    ],
)
def test_an_organisations_block_sent_back_to_us_is_not_called_cancelled(query: str) -> None:
    request = ours_ports.SignInRequest(
        url="", state="s", code_verifier="", redirect_uri="", scopes=()
    )
    with pytest.raises(PermissionDenied, match="organisation"):
        code_of(request, f"http://127.0.0.1/?state=s&{query}")
