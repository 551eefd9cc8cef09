"""The authorisation server's codes, access tokens and refresh tokens.

Codes work once and for ten minutes, with PKCE S256 verified where a challenge was given. Access
tokens live an hour. A refresh token is given at the first consent and afterwards only for
`prompt=consent`; it dies by revocation, six months unused, or after seven days while the consent
screen is in "Testing", each time answered `invalid_grant`, as Google does. Tokens are random but
reproducible by seed: they protect nothing.

Two rules concern an account and a client together: they hold at most `MOST_TOKENS` refresh tokens,
of which the oldest ends without a word when another is given, and a revocation ends all of them.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from hmac import new as new_hmac

from companion.sandbox.access import Caller, full_name
from companion.sandbox.google import SimulatedGoogleAccount
from companion.sandbox.refusals import Json
from companion.sandbox.wire import base64_text

CODE_SECONDS = 600
ACCESS_SECONDS = 3600
TESTING_SECONDS = 7 * 86_400
UNUSED_SECONDS = 182 * 86_400
MOST_TOKENS = 100
CLIENT_ID = "407408718192-simulated.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-simulated-not-a-secret"  # noqa: S105 - public, of the simulated client
ISSUER = "https://accounts.google.com"


class GrantRefused(Exception):
    """The token endpoint's refusal (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a person allowed on the consent page."""

    account: SimulatedGoogleAccount
    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    """Short names."""
    challenge: str | None = None
    nonce: str | None = None
    offline: bool = False
    prompted: bool = False

    @property
    def caller(self) -> Caller:
        return Caller(account=self.account.email, client_id=self.client_id, scopes=self.scopes)


@dataclass(slots=True, kw_only=True)
class RefreshToken:
    consent: Consent
    issued: float
    used: float
    revoked: bool = False


@dataclass(slots=True)
class Grants:
    now: Callable[[], datetime]
    chance: random.Random
    testing: bool = False
    """Whether the consent screen's status is "Testing"."""
    access_seconds: int = ACCESS_SECONDS
    clients: dict[str, str] = field(default_factory=lambda: {CLIENT_ID: CLIENT_SECRET})
    codes: dict[str, tuple[Consent, float]] = field(default_factory=dict)
    access: dict[str, tuple[Caller, float, str | None]] = field(default_factory=dict)
    """Access token to caller, time of expiry, and the refresh token it came with."""
    refresh: dict[str, RefreshToken] = field(default_factory=dict)

    def caller(self, token: str) -> Caller | None:
        """Who an access token speaks for; None when it is unknown, expired or revoked."""
        found = self.access.get(token)
        return None if found is None or found[1] <= self._time() else found[0]

    def authorise(self, consent: Consent) -> str:
        code = f"4/0A{self._token(24)}"
        self.codes[code] = (consent, self._time() + CODE_SECONDS)
        return code

    def exchange(self, form: dict[str, str]) -> Json:
        """The token endpoint: `authorization_code` and `refresh_token`."""
        client_id = form.get("client_id", "")
        secret = self.clients.get(client_id)
        if secret is None:
            raise GrantRefused("invalid_client", "The OAuth client was not found.", 401)
        if not compare_digest(secret.encode(), form.get("client_secret", "").encode()):
            raise GrantRefused("invalid_client", "Unauthorized", 401)
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._redeem(form, client_id)
        if kind == "refresh_token":
            return self._renew(form, client_id)
        raise GrantRefused("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def issue(
        self, account: SimulatedGoogleAccount, scopes: frozenset[str], client_id: str = CLIENT_ID
    ) -> Json:
        """A consent and its tokens in one step, for tests that are not about signing in."""
        return self._answer(
            Consent(
                account=account,
                client_id=client_id,
                redirect_uri="http://127.0.0.1/",
                scopes=scopes,
                offline=True,
                prompted=True,
            )
        )

    def revoke(self, token: str) -> bool:
        """Ends all grants of the token's account and client; False when the token is unknown."""
        if token in self.access:
            caller = self.access[token][0]
        elif token in self.refresh and not self._dead(self.refresh[token]):
            caller = self.refresh[token].consent.caller
        else:
            return False
        self._end(caller.account, caller.client_id)
        return True

    def revoke_account(self, email: str) -> int:
        """What a person does under "Third-party access" in their Google account."""
        mine = [held for held in self.refresh.values() if held.consent.account.email == email]
        for client_id in self.clients:
            self._end(email, client_id)
        return len(mine)

    def expire_access(self, email: str | None = None) -> int:
        """Ends access tokens early, of one account or of all; refreshing still works."""
        mine = [key for key, held in self.access.items() if email in {None, held[0].account}]
        for key in mine:
            del self.access[key]
        return len(mine)

    def forget(self) -> None:
        self.codes.clear()
        self.access.clear()
        self.refresh.clear()

    def granted_before(self, email: str, client_id: str) -> frozenset[str]:
        """Scopes of living grants, for `include_granted_scopes` and for a silent consent."""
        return frozenset().union(*(held.consent.scopes for held in self._living(email, client_id)))

    # Parts

    def _redeem(self, form: dict[str, str], client_id: str) -> Json:
        found = self.codes.pop(form.get("code", ""), None)
        if found is None or found[1] <= self._time() or found[0].client_id != client_id:
            raise GrantRefused("invalid_grant", "Malformed auth code.")
        consent = found[0]
        if form.get("redirect_uri") != consent.redirect_uri:
            raise GrantRefused("redirect_uri_mismatch", "Bad Request")
        verifier = form.get("code_verifier")
        if consent.challenge is not None:
            if not verifier:
                raise GrantRefused("invalid_grant", "Missing code verifier.")
            if not compare_digest(challenge_of(verifier), consent.challenge):
                raise GrantRefused("invalid_grant", "Invalid code verifier.")
        return self._answer(consent)

    def _renew(self, form: dict[str, str], client_id: str) -> Json:
        key = form.get("refresh_token", "")
        held = self.refresh.get(key)
        if held is None or held.consent.client_id != client_id or self._dead(held):
            raise GrantRefused("invalid_grant", "Token has been expired or revoked.")
        held.used = self._time()
        return self._tokens(held.consent, key)

    def _dead(self, held: RefreshToken) -> bool:
        now = self._time()
        return (
            held.revoked
            or (self.testing and now >= held.issued + TESTING_SECONDS)
            or now >= held.used + UNUSED_SECONDS
        )

    def _answer(self, consent: Consent) -> Json:
        known = self.granted_before(consent.account.email, consent.client_id)
        if not consent.offline or (known and not consent.prompted):
            return self._tokens(consent, None)
        key = f"1//0{self._token(40)}"
        now = self._time()
        self._end_oldest(consent.account.email, consent.client_id)
        self.refresh[key] = RefreshToken(consent=consent, issued=now, used=now)
        answer = self._tokens(consent, key) | {"refresh_token": key}
        if self.testing:
            answer["refresh_token_expires_in"] = TESTING_SECONDS
        return answer

    def hand_out(self, caller: Caller) -> Json:
        """An access token without a sign-in, for a service account that speaks for the caller."""
        return {
            "access_token": self._access(caller, None),
            "expires_in": max(1, self.access_seconds - 1),
            "token_type": "Bearer",
        }

    def _access(self, caller: Caller, refresh: str | None) -> str:
        token = f"ya29.{self._token(60)}"
        self.access[token] = (caller, self._time() + self.access_seconds, refresh)
        return token

    def _tokens(self, consent: Consent, refresh: str | None) -> Json:
        answer: Json = {
            "access_token": self._access(consent.caller, refresh),
            "expires_in": self.access_seconds,
            "scope": " ".join(full_name(scope) for scope in sorted(consent.scopes)),
            "token_type": "Bearer",
        }
        if "openid" in consent.scopes:
            answer["id_token"] = self._id_token(consent)
        return answer

    def _id_token(self, consent: Consent) -> str:
        """Signed with the client's secret (HS256), where Google signs with its own RS256 key."""
        now = int(self._time())
        claims: Json = {
            "iss": ISSUER,
            "azp": consent.client_id,
            "aud": consent.client_id,
            "sub": consent.account.subject,
            "iat": now,
            "exp": now + ACCESS_SECONDS,
        }
        if "email" in consent.scopes:
            claims |= {"email": consent.account.email, "email_verified": True}
        if "profile" in consent.scopes:
            claims["name"] = consent.account.name
        if consent.nonce is not None:
            claims["nonce"] = consent.nonce
        signed = ".".join(
            base64_text(json.dumps(part, separators=(",", ":")).encode())
            for part in ({"alg": "HS256", "typ": "JWT"}, claims)
        )
        key = self.clients[consent.client_id].encode()
        return f"{signed}.{base64_text(new_hmac(key, signed.encode(), sha256).digest())}"

    def _end(self, account: str, client_id: str) -> None:
        for held in self._held_by(account, client_id):
            held.revoked = True
        self.access = {
            key: held
            for key, held in self.access.items()
            if (held[0].account, held[0].client_id) != (account, client_id)
        }

    def _end_oldest(self, account: str, client_id: str) -> None:
        living = self._living(account, client_id)
        for held in living[: max(0, len(living) - MOST_TOKENS + 1)]:
            held.revoked = True

    def _held_by(self, account: str, client_id: str) -> list[RefreshToken]:
        return [
            held
            for held in self.refresh.values()
            if (held.consent.account.email, held.consent.client_id) == (account, client_id)
        ]

    def _living(self, account: str, client_id: str) -> list[RefreshToken]:
        return [held for held in self._held_by(account, client_id) if not self._dead(held)]

    def _token(self, size: int) -> str:
        return base64_text(self.chance.randbytes(size))

    def _time(self) -> float:
        return self.now().timestamp()


def challenge_of(verifier: str) -> str:
    """PKCE's S256 of a code verifier (RFC 7636, section 4.2)."""
    return base64_text(sha256(verifier.encode()).digest())
