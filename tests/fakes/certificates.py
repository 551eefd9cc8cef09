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
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(SUBJECT)
        .issuer_name(SUBJECT)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=60))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ip_address("127.0.0.1")), *map(x509.DNSName, hosts)]
            ),
            False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, SHA256())
    )
    secret = BestAvailableEncryption(password) if password else NoEncryption()
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    return paths


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
        self._own = self._signed(self._name, self._key.public_key(), timedelta(-1), [])

    def file(self, folder: Path) -> Path:
        """By which others know it."""
        path = folder / f"{self._own.serial_number}.crt"
        path.write_bytes(self._own.public_bytes(Encoding.PEM))
        return path

    def issue(self, *hosts: str, since: timedelta = timedelta(-1)) -> Issued:
        """For host names and addresses of this protocol's version 4; it is valid for 60 days."""
        key = ec.generate_private_key(ec.SECP256R1())
        named: list[x509.GeneralName] = [
            x509.IPAddress(ip_address(each)) if each[0].isdigit() else x509.DNSName(each)
            for each in hosts
        ]
        made = self._signed(SUBJECT, key.public_key(), since, named)
        return Issued(
            certificate=made.public_bytes(Encoding.PEM),
            key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            serial=made.serial_number,
        )

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        since: timedelta,
        hosts: Sequence[x509.GeneralName],
    ) -> x509.Certificate:
        begins = datetime.now(UTC) + since
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + timedelta(days=60))
            .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), True)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), False)
        return builder.sign(self._key, SHA256())


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def serial_of(certificate: Path) -> int:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number


def serial_seen(port: int) -> int:
    """Of the certificate that a server on this machine shows."""
    shown = ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    return x509.load_pem_x509_certificate(shown.encode()).serial_number
