"""MachineProbes: what the doctor asks of the machine itself. Each probe has a time limit."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import secrets
import shutil
import socket
import sqlite3
import ssl
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from companion.adapters.network.answer import HttpAnswer
from companion.adapters.network.errors import network_error
from companion.adapters.network.http import HttpClient
from companion.adapters.network.route import proxy_for, trust_name
from companion.domain.errors import CompanionError, Offline
from companion.services.files import disk_trouble
from companion.services.maintenance.findings import NetworkPath
from companion.services.pools import PROBES

GOOGLE = "https://www.googleapis.com/"
LOOPBACK = "127.0.0.1"
SECONDS = 8.0
LIBRARIES = (
    "google-api-python-client",
    "google-auth",
    "httplib2",
    "icalendar",
    "keyring",
    "nicegui",
    "cryptography",
    "sqlalchemy",
    "tzdata",
    "uvicorn",
)


class MachineProbes:
    """Implements `ComputerProbes` of companion.services.maintenance.findings."""

    def __init__(self, *, google_api: str = "", seconds: float = SECONDS) -> None:
        self._google = google_api.strip() or GOOGLE
        self._seconds = seconds

    async def clock_offset(self) -> timedelta:
        """How much Google's clock is ahead of this machine's; raises Offline."""
        return await PROBES.run(self._clock_offset)

    async def listener_answers(self, base_url: str) -> bool:
        return await PROBES.run(self._listener_answers, base_url)

    async def certificate_end(self, host: str, port: int) -> datetime:
        """Of a certificate that this machine trusts; raises CompanionError with the reason."""
        return await PROBES.run(self._certificate_end, host, port)

    async def free_bytes(self, folder: Path) -> int:
        """After proving that a file can be written there; raises StoreError."""
        return await PROBES.run(self._free_bytes, folder)

    def machine_offset(self, moment: datetime) -> timedelta:
        """Of this machine's own zone from UTC, then."""
        return timedelta(seconds=time.localtime(moment.timestamp()).tm_gmtoff)

    def versions(self) -> dict[str, str]:
        found = {
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        }
        for name in LIBRARIES:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = "missing"
        return found

    async def network_path(self) -> NetworkPath:
        """How this computer reaches Google; raises CompanionError where it does not."""
        return await PROBES.run(self._network_path)

    def _network_path(self) -> NetworkPath:
        proxy = proxy_for(self._google)
        client = HttpClient(timeout=self._seconds)
        try:
            self._answer(client)
            return NetworkPath(
                proxy=proxy.address if proxy else "",
                trust=trust_name(),
                issuer=client.certificate_issuer(),
            )
        finally:
            client.close()

    def _answer(self, client: HttpClient) -> HttpAnswer:
        try:
            return client.request("HEAD", self._google)
        except CompanionError:
            raise
        except (OSError, ValueError, HTTPError) as error:
            raise network_error(error) from error

    def _clock_offset(self) -> timedelta:
        client = HttpClient(timeout=self._seconds)
        began = time.time()
        try:
            date = self._answer(client).headers.get("date")  # any answer has a date
        finally:
            client.close()
        middle = (began + time.time()) / 2
        try:
            theirs = parsedate_to_datetime(date or "")
        except ValueError as error:
            raise Offline("Google's answer names no time.", detail="no Date header") from error
        ours = datetime.fromtimestamp(middle, UTC)
        return theirs.astimezone(UTC) + timedelta(seconds=0.5) - ours  # it has whole seconds

    def _listener_answers(self, base_url: str) -> bool:
        context = ssl.create_default_context()
        if urlsplit(base_url).hostname == LOOPBACK:
            # No certificate is for it; whether one is right is `certificate_end`.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with direct.open(f"{base_url}/healthz", timeout=self._seconds) as answer:
                document = json.loads(answer.read(1000))
        except (OSError, ValueError):
            return False
        return isinstance(document, dict) and document.get("status") == "ok"

    def _certificate_end(self, host: str, port: int) -> datetime:
        context = ssl.create_default_context()
        try:
            with (
                socket.create_connection((host, port), timeout=self._seconds) as plain,
                context.wrap_socket(plain, server_hostname=host) as secure,
            ):
                certificate = secure.getpeercert() or {}
        except ssl.SSLCertVerificationError as error:
            raise CompanionError(
                f"The certificate of {host} is not accepted: {error.verify_message}.",
                "Renew it, or have whoever looks after your computers look at it.",
                detail=f"verify code {error.verify_code}",
            ) from error
        except OSError as error:
            raise Offline(
                f"{host} cannot be reached from this computer.", detail=type(error).__name__
            ) from error
        seconds = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        return datetime.fromtimestamp(seconds, UTC)

    def _free_bytes(self, folder: Path) -> int:
        probe = folder / f".probe-{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                f.write(b"probe")
                f.flush()
                os.fsync(f.fileno())
            probe.unlink()
            return shutil.disk_usage(folder).free
        except OSError as error:
            probe.unlink(missing_ok=True)
            raise disk_trouble(error, folder) from error
