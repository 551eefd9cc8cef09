"""Domain-wide delegation: a service account's signed assertion for an access token of a person.

A service account has keys; the administrator of a domain authorises its client id for scopes, and
then it may speak for each person of that domain. The order of the checks and the words of the
refusals are those recorded from Google's token endpoint, which says of an undecodable assertion
nothing but "Bad Request". Scopes are compared one by one: one that was not authorised refuses all,
and a wider one does not stand for a narrower.

A service account that speaks for nobody is refused: nothing here belongs to one.
"""

import json
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from companion.sandbox.access import Caller, short_name
from companion.sandbox.grants import GrantRefused
from companion.sandbox.refusals import Json
from companion.sandbox.wire import base64_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = frozenset(
    {
        "https://oauth2.googleapis.com/token",
        "https://accounts.google.com/o/oauth2/token",
        "https://www.googleapis.com/oauth2/v4/token",
    }
)
LONGEST_SECONDS = 3600
SKEW_SECONDS = 300
EVERYBODY = "*"
_UNAUTHORISED = (
    "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
    "for any of the scopes requested."
)
_UNTIMELY = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


@dataclass(slots=True, kw_only=True)
class SimulatedServiceAccount:
    email: str
    client_id: str
    keys: "dict[str, RSAPublicKey]" = field(default_factory=dict)
    """By key id; a key that was deleted is not among them."""


@dataclass(slots=True)
class Delegation:
    now: Callable[[], datetime]
    chance: random.Random
    accounts: dict[str, SimulatedServiceAccount] = field(default_factory=dict)
    """By e-mail."""
    authorised: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """Domain and client id to short names of scopes: Manage domain-wide delegation."""
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    """A person's e-mail, or `EVERYBODY`, to the error and description of another policy of the
    organisation, such as ``access_denied``."""

    def new_key(self, email: str, base_url: str) -> Json:
        """The key file of a new key; of a new service account where there is none yet."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        account = self.accounts.get(email)
        if account is None:
            client_id = str(self.chance.randrange(10**20, 10**21))
            account = self.accounts[email] = SimulatedServiceAccount(
                email=email, client_id=client_id
            )
        key_id = self.chance.randbytes(20).hex()
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        account.keys[key_id] = made.public_key()
        private = made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": "simulated-google",
            "private_key_id": key_id,
            "private_key": private.decode(),
            "client_email": email,
            "client_id": account.client_id,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": f"{base_url}/token",
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{email}",
            "universe_domain": "googleapis.com",
        }

    def authorise(self, client_id: str, domain: str, scopes: Collection[str]) -> None:
        """What the administrator of the domain enters; without scopes the entry is removed."""
        self.authorised[domain, client_id] = frozenset(short_name(scope) for scope in scopes)

    def caller(self, form: dict[str, str], people: Collection[str]) -> Caller:
        """Who a token for this assertion speaks for. Raises GrantRefused. `people`: e-mails."""
        head, claims, signed, signature = _read(form.get("assertion", ""))
        account = self.accounts.get(str(claims.get("iss")))
        if account is None:
            raise GrantRefused("invalid_grant", "Invalid grant: account not found")
        if head.get("alg") != "RS256" or not _is_signed(account, head, signed, signature):
            raise GrantRefused("invalid_grant", "Invalid JWT Signature.")
        self._check_times(claims)
        wanted = frozenset(short_name(scope) for scope in str(claims.get("scope", "")).split())
        if not wanted:
            raise GrantRefused(
                "invalid_scope", "Invalid OAuth scope or ID token audience provided."
            )
        if claims.get("aud") not in AUDIENCES:
            raise GrantRefused("invalid_grant", "Invalid JWT: Failed audience check.")
        subject = str(claims.get("sub") or "")
        if not subject:
            raise GrantRefused("unauthorized_client", _UNAUTHORISED, 401)
        return self._speak_for(account, subject, wanted, people)

    def _speak_for(
        self,
        account: SimulatedServiceAccount,
        subject: str,
        wanted: frozenset[str],
        people: Collection[str],
    ) -> Caller:
        if subject.count("@") != 1:
            raise GrantRefused("invalid_request", "Invalid impersonation &quot;sub&quot; field.")
        known = next((each for each in people if each.casefold() == subject.casefold()), None)
        if known is None:
            raise GrantRefused("invalid_grant", "Invalid email or User ID")
        policy = self.refused.get(known) or self.refused.get(EVERYBODY)
        if policy is not None:
            raise GrantRefused(*policy)
        domain = known.rpartition("@")[2]
        if not wanted <= self.authorised.get((domain, account.client_id), frozenset()):
            raise GrantRefused("unauthorized_client", _UNAUTHORISED, 401)
        return Caller(
            account=known, client_id=account.client_id, scopes=wanted, charged=account.email
        )

    def _check_times(self, claims: Json) -> None:
        times: list[int] = []
        for name, meaning in (("iat", "issued at"), ("exp", "expiration time")):
            value = str(claims.get(name, ""))
            if not value.isdigit():
                raise GrantRefused("invalid_grant", f"Invalid JWT: {name} ({meaning}) is not set.")
            times.append(int(value))
        issued, ends = times
        now = self.now().timestamp()
        if (
            issued > now + SKEW_SECONDS
            or ends < now - SKEW_SECONDS
            or not 0 < ends - issued <= LONGEST_SECONDS
        ):
            raise GrantRefused("invalid_grant", _UNTIMELY)


def _read(assertion: str) -> tuple[Json, Json, bytes, bytes]:
    """Header, claims, what was signed, and the signature."""
    parts = assertion.split(".")
    try:
        if len(parts) != 3 or not all(parts):
            raise ValueError
        head, claims, signature = map(base64_bytes, parts)
        read = json.loads(head), json.loads(claims)
    except ValueError as err:
        raise GrantRefused("invalid_request", "Bad Request") from err
    if not all(isinstance(each, dict) for each in read):
        raise GrantRefused("invalid_request", "Bad Request")
    return *read, f"{parts[0]}.{parts[1]}".encode(), signature


def _is_signed(
    account: SimulatedServiceAccount, head: Json, signed: bytes, signature: bytes
) -> bool:
    """By the key that the header names, or by any where it names none."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    named = head.get("kid")
    for key_id, key in account.keys.items():
        if named in {None, key_id}:
            try:
                key.verify(signature, signed, PKCS1v15(), SHA256())
            except InvalidSignature:
                continue
            return True
    return False
