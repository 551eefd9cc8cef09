"""What Google's token endpoint says of a service account that signs for a person, in words."""

import pytest
from google.auth.exceptions import RefreshError

from companion.adapters.google.client_file import ServiceAccountKey, read_client
from companion.adapters.google.delegation import MEANINGS, assertion_refused, untimely
from companion.domain.errors import (
    DelegationRefused,
    RateLimited,
    RemoteUnavailable,
    RequestRefused,
)
from companion.services.google.consents import APP_CREATED, CALENDAR_LIST
from tests.fakes.keys import key_file, key_text


def _key() -> ServiceAccountKey:
    read = read_client(key_text())
    assert isinstance(read, ServiceAccountKey)
    return read


KEY = _key()
SCOPES = (APP_CREATED, CALENDAR_LIST)
UNAUTHORISED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
    "for any of the scopes requested."
)
UNTIMELY = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


def refused(error: str, description: str = "", **more: str) -> RefreshError:
    """As google-auth raises it."""
    body = {"error": error, "error_description": description, **more}
    return RefreshError(f"{error}: {description}", body)  # type: ignore[no-untyped-call] # has no types


def explained(error: str, description: str = "", **more: str) -> DelegationRefused:
    found = assertion_refused(refused(error, description, **more), KEY, SCOPES)
    assert type(found) is DelegationRefused
    return found


SAID = [
    ("unauthorized_client", UNAUTHORISED, "not authorised", "Manage domain-wide delegation"),
    ("unauthorized_client", "Unauthorized client or scope in request.", "not authorised", ""),
    ("access_denied", "Requested client not authorized.", "does not let", "signed in once"),
    ("access_denied", "Account restricted", "does not let", "Calendar switched on"),
    ("admin_policy_enforced", "", "A policy", "App access control"),
    ("org_internal", "", "A policy", "App access control"),
    ("invalid_grant", "reauth related error (invalid_rapt)", "A policy", "App access control"),
    ("invalid_grant", "Invalid email or User ID", "knows nobody", "no alias"),
    ("invalid_grant", "Not a valid email or user ID.", "knows nobody", "no alias"),
    ("invalid_request", 'Invalid impersonation "sub" field.', "knows nobody", "no alias"),
    ("invalid_request", "Invalid impersonation prn email address.", "knows nobody", "no alias"),
    ("invalid_grant", "The account has been deleted", "was deleted", "20 days"),
    ("invalid_grant", "Invalid JWT Signature.", "the key", "a new key of the same"),
    ("invalid_grant", "Invalid JWT: No valid verifier found for issuer.", "the key", "a new key"),
    ("invalid_grant", "Invalid grant: account not found", "knows the practice's", "Enable it"),
    ("disabled_client", "The OAuth client was disabled.", "knows the practice's", "Enable it"),
    ("deleted_client", "The OAuth client was deleted.", "knows the practice's", "Enable it"),
    ("invalid_client", "The OAuth client was not found.", "knows the practice's", "Enable it"),
    ("invalid_grant", UNTIMELY, "date or time is wrong", "automatic"),
    ("invalid_grant", "Bad Request", "did not let", "tried again by itself"),
    ("something_new", "Of next year", "did not let", "tried again by itself"),
]


@pytest.mark.parametrize(("error", "description", "what", "remedy"), SAID)
def test_each_refusal_says_what_it_is_and_what_to_do(
    error: str, description: str, what: str, remedy: str
) -> None:
    found = explained(error, description)
    assert what in found.what
    assert remedy in found.remedy
    assert found.detail == f"delegation: {error}"


def test_every_meaning_is_met() -> None:
    met = {explained(error, description).what for error, description, *_ in SAID}
    named = {"client_id": KEY.client_id, "email": KEY.email, "scopes": ""}
    assert {each.what.format(**named) for _, _, each in MEANINGS} <= met


def test_what_is_to_be_authorised_stands_in_the_cure_for_copying() -> None:
    remedy = explained("unauthorized_client", UNAUTHORISED).remedy
    assert KEY.client_id in remedy
    assert f"{APP_CREATED},{CALENDAR_LIST}" in remedy
    assert "admin.google.com" in remedy


def test_a_block_counts_more_than_the_error_it_comes_with() -> None:
    found = explained("access_denied", "Blocked.", error_subtype="admin_policy_enforced")
    assert "A policy" in found.what


def test_googles_own_trouble_is_a_matter_of_trying_again() -> None:
    for error, kind in (
        ("internal_failure", RemoteUnavailable),
        ("rate_limit_exceeded", RateLimited),
        ("unsupported_grant_type", RequestRefused),
    ):
        assert type(assertion_refused(refused(error), KEY, SCOPES)) is kind


def test_an_answer_that_is_no_refusal_is_left_to_the_general_table() -> None:
    assert assertion_refused(RefreshError("no access token", {}), KEY, SCOPES) is None  # type: ignore[no-untyped-call] # as above


def test_only_the_times_are_a_reason_to_sign_by_googles_clock() -> None:
    assert untimely(refused("invalid_grant", UNTIMELY))
    assert not untimely(refused("invalid_grant", "Invalid JWT Signature."))
    assert key_file()["private_key"] not in repr(KEY)
