"""SigningKey: the private key with which this program proves to a FHIR server who it is.

As SMART asks for: RS384 (RSA of 2048 bits or more) or ES384 (curve P-384). A key is given as PEM or
as a JWK, or as ``@FILE`` with one of them in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from companion.domain.errors import BadInput

_PEM = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_MOST = 20_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @property
    def algorithm(self) -> str:
        return "RS384" if isinstance(self.key, rsa.RSAPrivateKey) else "ES384"

    def public_jwk(self) -> dict[str, str]:
        """What the server is told of it when the program is registered there."""
        made = self._members()
        return {**made, "kid": self.id, "alg": self.algorithm, "use": "sig"}

    @property
    def id(self) -> str:
        """Its thumbprint (RFC 7638)."""
        text = json.dumps(self._members(), sort_keys=True, separators=(",", ":"))
        return _base64(hashlib.sha256(text.encode()).digest())

    def signed(self, claims: Mapping[str, object], key_id: str) -> str:
        """A JSON web token."""
        head = {"alg": self.algorithm, "kid": key_id or self.id, "typ": "JWT"}
        parts = [_base64(json.dumps(each).encode()) for each in (head, claims)]
        signature = self._sign(".".join(parts).encode())
        return ".".join([*parts, _base64(signature)])

    def _sign(self, content: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(content, padding.PKCS1v15(), SHA384())
        first, second = decode_dss_signature(self.key.sign(content, ec.ECDSA(SHA384())))
        return first.to_bytes(48, "big") + second.to_bytes(48, "big")

    def _members(self) -> dict[str, str]:
        if isinstance(self.key, rsa.RSAPrivateKey):
            numbers = self.key.public_key().public_numbers()
            return {"e": _of_number(numbers.e), "kty": "RSA", "n": _of_number(numbers.n)}
        point = self.key.public_key().public_numbers()
        x, y = (_base64(each.to_bytes(48, "big")) for each in (point.x, point.y))
        return {"crv": "P-384", "kty": "EC", "x": x, "y": y}


def is_key(secret: str) -> bool:
    """Rather than a token?"""
    return secret.lstrip().startswith(("-----BEGIN", "{", "@"))


def content_of(secret: str) -> str:
    """The key's own text, read from its file if `secret` names one. Raises BadInput."""
    if not secret.startswith("@"):
        return secret
    try:
        with Path(secret[1:].strip()).expanduser().open(encoding="utf-8") as file:
            return file.read(_MOST).strip()
    except (OSError, ValueError):
        raise BadInput(
            "The file of the private key cannot be read.",
            "Check its name after the @, or paste the key itself.",
            field="secret",
        ) from None


def read_key(text: str) -> SigningKey:
    """PEM (its lines may have run together) or JWK. Raises BadInput, which repeats nothing."""
    try:
        key = _of_jwk(json.loads(text)) if text.lstrip().startswith("{") else _of_pem(text)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _no_key() from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return SigningKey(key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1):
        return SigningKey(key)
    raise _no_key()


def _of_pem(text: str) -> object:
    found = _PEM.search(text)
    if found is None:
        raise ValueError("no PEM")
    content = "".join(found[2].split())
    lines = [content[place : place + 64] for place in range(0, len(content), 64)]
    body = "\n".join([f"-----BEGIN {found[1]}-----", *lines, f"-----END {found[1]}-----", ""])
    return load_pem_private_key(body.encode("ascii"), password=None)


def _of_jwk(jwk: Mapping[str, str]) -> object:
    if "keys" in jwk:
        found: object = jwk["keys"]
        if not isinstance(found, list):
            raise ValueError("no set of keys")
        jwk = next(each for each in found if "d" in each)
    number = {
        name: _number(jwk[name]) for name in ("n", "e", "d", "p", "q", "x", "y") if name in jwk
    }
    if jwk["kty"] == "EC":
        if jwk["crv"] != "P-384":
            raise ValueError("another curve")
        public = ec.EllipticCurvePublicNumbers(number["x"], number["y"], ec.SECP384R1())
        return ec.EllipticCurvePrivateNumbers(number["d"], public).private_key()
    n, e, d = number["n"], number["e"], number["d"]
    p, q = (number["p"], number["q"]) if "p" in number else rsa.rsa_recover_prime_factors(n, e, d)
    return rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(e, n),
    ).private_key()


def _no_key() -> BadInput:
    return BadInput(
        "This is no private key that FHIR servers take.",
        "Give an RSA key of at least 2048 bits, or one of the curve P-384, as PEM or JWK without "
        "a password.",
        field="secret",
    )


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _of_number(number: int) -> str:
    return _base64(number.to_bytes((number.bit_length() + 7) // 8, "big"))
