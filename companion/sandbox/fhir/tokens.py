"""TokenIssuer: programs sign in as SMART's backend services do, and nothing is let through.

A client is registered with the public part of its key. Its assertion must be signed with RS384 or
ES384 by the registered key it names, be for this very endpoint, from the client itself, good for
five minutes at most, and new.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

from companion.sandbox.wire import base64_bytes

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE = timedelta(minutes=5)
ALGORITHMS = ("RS384", "ES384")


class TokenRefused(Exception):
    """With an error code of OAuth."""


@dataclass(slots=True, kw_only=True)
class TokenIssuer:
    now: Callable[[], datetime]
    clients: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Public key (JWK) by client id."""
    scopes: frozenset[str] = frozenset()
    """That are granted; empty for all that is asked for."""
    issued: dict[str, datetime] = field(default_factory=dict)
    """When each token ends."""
    _used: set[str] = field(default_factory=set)

    def grant(self, content_type: str, body: bytes, endpoint: str) -> dict[str, Any]:
        """Raises TokenRefused."""
        if content_type.partition(";")[0].strip() != "application/x-www-form-urlencoded":
            raise TokenRefused("invalid_request")
        form = {key: found[0] for key, found in parse_qs(body.decode("ascii")).items()}
        if form.get("grant_type") != "client_credentials":
            raise TokenRefused("unsupported_grant_type")
        if form.get("client_assertion_type") != ASSERTION:
            raise TokenRefused("invalid_request")
        self._check(form.get("client_assertion", ""), endpoint)
        asked = form.get("scope", "").split()
        granted = [each for each in asked if not self.scopes or each in self.scopes]
        if not granted or any(not each.startswith("system/") for each in asked):
            raise TokenRefused("invalid_scope")
        token = secrets.token_urlsafe(24)
        self.issued[token] = self.now() + LIFE
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(LIFE.total_seconds()),
            "scope": " ".join(granted),
        }

    def is_good(self, token: str) -> bool:
        return token in self.issued and self.now() < self.issued[token]

    def _check(self, assertion: str, endpoint: str) -> None:
        try:
            head, claims, signature = assertion.split(".")
            header, said = json.loads(base64_bytes(head)), json.loads(base64_bytes(claims))
            client = said["sub"]
            jwk = self.clients[client]
            self._verify(jwk, header, f"{head}.{claims}".encode(), base64_bytes(signature))
            moment = self.now().timestamp()
            good = (
                said["iss"] == client
                and said["aud"] == endpoint
                and moment < said["exp"] <= moment + LIFE.total_seconds()
                and said["jti"] not in self._used
            )
        except (KeyError, ValueError, TypeError, InvalidSignature):
            raise TokenRefused("invalid_client") from None
        if not good:
            raise TokenRefused("invalid_client")
        self._used.add(said["jti"])

    @staticmethod
    def _verify(
        jwk: Mapping[str, str], header: Mapping[str, str], content: bytes, signature: bytes
    ) -> None:
        if header["alg"] not in ALGORITHMS or header["typ"] != "JWT" or header["kid"] != jwk["kid"]:
            raise ValueError("header")
        if jwk["kty"] == "RSA":
            if header["alg"] != "RS384":
                raise ValueError("algorithm")
            public = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
            public.verify(signature, content, padding.PKCS1v15(), SHA384())
            return
        if header["alg"] != "ES384" or jwk["crv"] != "P-384" or len(signature) != 96:
            raise ValueError("algorithm")
        x, y = _number(jwk["x"]), _number(jwk["y"])
        point = ec.EllipticCurvePublicNumbers(x, y, ec.SECP384R1()).public_key()
        pair = (int.from_bytes(signature[:48], "big"), int.from_bytes(signature[48:], "big"))
        point.verify(encode_dss_signature(*pair), content, ec.ECDSA(SHA384()))


def _number(text: str) -> int:
    return int.from_bytes(base64_bytes(text), "big")
