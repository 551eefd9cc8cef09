"""TLS to a PostgreSQL server, with certificates of an authority of one's own.

The server of the session encrypts for the time of these tests. What goes wrong is read as a person
gets it: at the start, when a workstation joins, in the doctor. The password is in none of it.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from sqlalchemy import URL

from companion.adapters.database.dedicated_connection import connect_dedicated
from companion.adapters.database.inspection import inspect_database
from companion.adapters.database.opening_practice import open_practice_database
from companion.adapters.database.server_facts import PostgresServer
from companion.domain.errors import CompanionError, StoreError
from companion.domain.practice_errors import DatabaseAway, ServerUnproven
from tests.fakes.certificates import Authority
from tests.fakes.clock import FakeClock
from tests.fakes.database_servers import PASSWORD
from tests.fakes.practice_database import PracticeServer
from tests.fakes.waiting import until

pytestmark = pytest.mark.postgresql


class EncryptingServer:
    """The server of the session: what it shows, and whom it lets in."""

    def __init__(self, server: PracticeServer, folder: Path) -> None:
        self._server = server
        self._folder = Path(str(server.value_in(server.url_of("postgres"), "SHOW data_directory")))
        self._lines = (self._folder / "pg_hba.conf").read_bytes()
        self._authority = Authority("Ours")
        self.root = self._authority.file(folder)

    async def shows(self, *hosts: str, since: timedelta = timedelta(-1)) -> None:
        """A new certificate; `since` then it is valid, for 60 days."""
        issued = self._authority.issue(*hosts, since=since)
        self._put("server.crt", issued.certificate)
        self._put("server.key", issued.key)
        self._server.execute("ALTER SYSTEM SET ssl = on")
        await self._reloaded(lambda: self._shown() == issued.serial)

    async def encrypts_no_more(self) -> None:
        self._put("pg_hba.conf", self._lines)
        self._server.execute("ALTER SYSTEM RESET ssl")
        await self._reloaded(lambda: self._shown() is None)

    async def lets_in(self, line: str, until_then: Callable[[], bool]) -> None:
        """Nobody else over the network."""
        self._put("pg_hba.conf", line.encode())
        await self._reloaded(until_then)

    async def _reloaded(self, condition: Callable[[], bool]) -> None:
        self._server.execute("SELECT pg_reload_conf()")
        await until(condition)

    def _put(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        if os.geteuid() == 0:
            owner = self._folder.stat()
            os.chown(path, owner.st_uid, owner.st_gid)

    def _shown(self) -> int | None:
        """The number of the certificate that a client sees."""
        anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
        port = self._server.url_of("postgres").port
        assert port is not None
        with socket.create_connection(("127.0.0.1", port)) as way:
            way.sendall(struct.pack(">II", 8, 80_877_103))
            if way.recv(1) != b"S":
                return None
            with anyone.wrap_socket(way) as secured:
                shown = secured.getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(shown or b"").serial_number


@pytest.fixture
async def server(
    practice_server: PracticeServer, tmp_path: Path
) -> AsyncIterator[EncryptingServer]:
    made = EncryptingServer(practice_server, tmp_path)
    yield made
    await made.encrypts_no_more()


def by(url: URL, sslmode: str, root: Path | None = None, **more: str) -> URL:
    named = {"sslrootcert": str(root)} if root else {}
    return url.update_query_dict({"sslmode": sslmode, **named, **more})


async def why_not(url: URL) -> CompanionError:
    """The same sentence at the start, when it joins and in the doctor."""
    found = []
    for look in (lambda: inspect_database(url), lambda: open_practice_database(url, FakeClock())):
        with pytest.raises(StoreError) as refused:
            look()
        found.append(refused.value)
    with pytest.raises(StoreError) as in_the_doctor:
        await PostgresServer(url).examine()
    found.append(in_the_doctor.value)
    for error in found:
        assert not isinstance(error, DatabaseAway)
        said = f"{error} {error.detail}"
        assert not any(each in said for each in (PASSWORD, "p%40ss", "SSL error", "127.0.0.1"))
    assert len({str(each) for each in found}) == 1
    return found[0]


def refused(url: URL) -> bool:
    try:
        inspect_database(url)
    except StoreError:
        return True
    return False


async def test_a_server_that_proves_itself_is_used_and_the_doctor_says_so(
    server: EncryptingServer, practice_url: URL
) -> None:
    await server.shows("127.0.0.1")
    url = by(practice_url, "verify-full", server.root)
    database = open_practice_database(url, FakeClock())
    assert await database.integrity() == "ok"
    await database.close()
    facts = await PostgresServer(url).examine()
    assert (facts.encrypted, facts.sslmode) == ("TLSv1.3", "verify-full")


@pytest.mark.parametrize(
    ("named", "since", "what", "remedy"),
    [
        ("db.example.org", -1, "for another name than the address has", "name that is in the cert"),
        ("127.0.0.1", -100, "has expired", "renew it"),
        ("127.0.0.1", 5, "not valid yet", "date and time"),
    ],
)
async def test_a_certificate_that_proves_nothing_is_said_to(
    server: EncryptingServer, practice_url: URL, named: str, since: int, what: str, remedy: str
) -> None:
    await server.shows(named, since=timedelta(since))
    error = await why_not(by(practice_url, "verify-full", server.root))
    assert what in error.what
    assert "Nothing was sent" in error.what
    assert remedy in error.remedy


async def test_what_this_computer_lacks_to_know_the_server_by_is_said(
    server: EncryptingServer, practice_url: URL, tmp_path: Path
) -> None:
    await server.shows("127.0.0.1")
    another = Authority("Another").file(tmp_path)
    unknown = await why_not(by(practice_url, "verify-full", another))
    assert "an authority that this computer does not know" in unknown.what
    assert "sslrootcert=" in unknown.remedy
    for file in (tmp_path / "nowhere.crt", tmp_path):
        lacking = await why_not(by(practice_url, "verify-full", file))
        assert "has no certificate of your own authority" in lacking.what
        assert str(tmp_path) not in str(lacking)


async def test_a_connection_that_nobody_looked_into_says_what_it_can(
    server: EncryptingServer, practice_url: URL
) -> None:
    await server.shows("127.0.0.1", since=timedelta(-100))
    with pytest.raises(ServerUnproven, match="could not prove that it is the right one") as found:
        connect_dedicated(by(practice_url, "verify-full", server.root), name="hub")
    assert "doctor" in found.value.remedy


async def test_nothing_is_sent_where_no_common_way_to_encrypt_is_known(
    server: EncryptingServer, practice_url: URL, practice_server: PracticeServer
) -> None:
    await server.shows("127.0.0.1")
    new = by(practice_url, "require", ssl_min_protocol_version="TLSv1.3")
    practice_server.execute("ALTER SYSTEM SET ssl_max_protocol_version = 'TLSv1.2'")
    try:
        await server._reloaded(lambda: refused(new))
        assert "no common way to encrypt" in (await why_not(new)).what
    finally:
        practice_server.execute("ALTER SYSTEM RESET ssl_max_protocol_version")


async def test_a_server_that_does_not_encrypt_is_not_spoken_to_where_it_must(
    practice_url: URL, tmp_path: Path
) -> None:
    root = Authority("Ours").file(tmp_path)
    for url in (
        by(practice_url, "require"),
        by(practice_url, "verify-full", root),
        by(practice_url, "prefer", channel_binding="require"),
    ):
        error = await why_not(url)
        assert "does not encrypt, as the address asks" in error.what
        assert "switch on ssl" in error.remedy


async def test_whom_the_server_lets_in_is_no_matter_of_the_password(
    server: EncryptingServer, practice_url: URL
) -> None:
    await server.shows("127.0.0.1")
    plain, reader = by(practice_url, "disable"), practice_url.set(username="reader")
    await server.lets_in("hostssl all owner,companion all scram-sha-256\n", lambda: refused(plain))
    error = await why_not(plain)
    assert "does not let this user in from this computer without encryption" in error.what
    assert "?sslmode=require" in error.remedy
    for url in (by(reader, "require"), by(reader, "prefer")):
        assert "no line of its pg_hba.conf" in (await why_not(url)).what


@pytest.mark.parametrize("setting", [{"sslmode": "sure"}, {"sslrootcert": "system"}])
async def test_a_setting_that_does_not_fit_is_no_server_that_is_away(
    practice_url: URL, setting: dict[str, str]
) -> None:
    error = await why_not(by(practice_url, "require").update_query_dict(setting))
    assert "a setting that PostgreSQL does not take" in error.what


async def test_the_doctor_knows_how_far_the_address_insists(
    server: EncryptingServer, practice_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def seen(url: URL) -> tuple[str, str]:
        facts = await PostgresServer(url).examine()
        return facts.encrypted, facts.sslmode

    assert await seen(practice_url) == ("", "prefer")
    await server.shows("127.0.0.1")
    assert await seen(practice_url) == ("TLSv1.3", "prefer")
    assert await seen(by(practice_url, "require")) == ("TLSv1.3", "require")
    assert await seen(by(practice_url, "disable")) == ("", "disable")
    monkeypatch.setenv("PGSSLMODE", "require")
    assert await seen(practice_url) == ("TLSv1.3", "require")
