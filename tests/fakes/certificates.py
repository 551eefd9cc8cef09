"""Certificates of a test's own authority, as files."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

SUBJECT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cal.example.org")])


def write_certificate(
    folder: Path, name: str = "cal", *, password: bytes = b"", hosts: Sequence[str] = ()
) -> tuple[Path, Path]:
    """A fresh self-signed certificate for 127.0.0.1 and `hosts`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    unsigned = _unsigned(SUBJECT, SUBJECT, key.public_key(), ["127.0.0.1", *hosts], ca=True)
    certificate = unsigned.sign(key, SHA256())
    secret = BestAvailableEncryption(password) if password else NoEncryption()
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    return paths


def _unsigned(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    hosts: Sequence[str],
    *,
    ca: bool,
    since: timedelta = timedelta(-1),
) -> x509.CertificateBuilder:
    """`hosts`: names, and addresses of this protocol's version 4; it is valid for 60 days."""
    begins = datetime.now(UTC) + since
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=60))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
    )
    named: list[x509.GeneralName] = [
        x509.IPAddress(ip_address(each)) if each[0].isdigit() else x509.DNSName(each)
        for each in hosts
    ]
    return builder.add_extension(x509.SubjectAlternativeName(named), False) if named else builder


@dataclass(frozen=True, kw_only=True)
class Issued:
    certificate: bytes
    key: bytes
    serial: int


class Authority:
    """One of a practice's own, which signs the certificates of its servers."""

    def __init__(self, name: str) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = _unsigned(self._name, self._name, self._key.public_key(), [], ca=True)
        self._own = own.sign(self._key, SHA256())

    def file(self, folder: Path) -> Path:
        """By which others know it."""
        path = folder / f"{self._own.serial_number}.crt"
        path.write_bytes(self._own.public_bytes(Encoding.PEM))
        return path

    def issue(self, *hosts: str, since: timedelta = timedelta(-1)) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        unsigned = _unsigned(SUBJECT, self._name, public, hosts, ca=not hosts, since=since)
        made = unsigned.sign(self._key, SHA256())
        return Issued(
            certificate=made.public_bytes(Encoding.PEM),
            key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            serial=made.serial_number,
        )


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def serial_of(certificate: Path) -> int:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number


def serial_seen(port: int) -> int:
    """Of the certificate that a server on this machine shows."""
    shown = ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    return x509.load_pem_x509_certificate(shown.encode()).serial_number
