"""Links by commands beside the running app: its port, its certificate, its phones."""

from __future__ import annotations

import gzip
import re
import signal
import socket
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.command_home import CommandHome, write_export
from tests.fakes.calendar_lint import complaints, events
from tests.fakes.certificates import trusting, write_certificate
from tests.fakes.free_ports import free_port
from tests.fakes.waiting import wait_until


def fetched(
    url: str, trusted: ssl.SSLContext | None = None, tag: str = ""
) -> tuple[int, bytes, str]:
    """Status, calendar and entity tag; 0 where nobody answers."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    if tag:
        request.add_header("If-None-Match", tag)
    try:
        with urllib.request.urlopen(request, timeout=5, context=trusted) as answer:
            return answer.status, gzip.decompress(answer.read()), answer.headers["ETag"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b"", error.headers.get("ETag", "")
    except OSError:
        return 0, b"", ""


@contextmanager
def serving(commands: CommandHome) -> Iterator[int]:
    """The app on free ports; the port of its phones."""
    app, phones = free_port(), free_port()
    ports = ("--port", str(app), "--feed-host", "127.0.0.1", "--feed-port", str(phones))
    process = commands.start("serve", "--no-browser", *ports)
    try:
        wait_until(lambda: answers(phones))
        yield phones
    finally:
        process.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert "Traceback" not in out + err


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def summaries(url: str, trusted: ssl.SSLContext | None = None) -> list[str]:
    status, calendar, _tag = fetched(url, trusted)
    assert status == 200
    assert complaints(calendar) == []
    return [each["SUMMARY"] for each in events(calendar)]


def test_a_phone_follows_what_commands_do_beside_the_running_app(
    commands: CommandHome, tmp_path: Path
) -> None:
    commands.run("import", write_export(tmp_path / "first.csv", 20))
    with serving(commands) as port:
        url = commands.run("feeds", "add", "Anna Example", "--label", "Phone").strip()
        assert url.startswith(f"http://127.0.0.1:{port}/feeds/"), "the running app's, not 8090"
        assert len(summaries(url)) == 20
        tag = fetched(url)[2]
        assert fetched(url, tag=tag)[0] == 304

        commands.run("import", write_export(tmp_path / "second.csv", 21))
        wait_until(lambda: len(summaries(url)) == 21)
        wait_until(lambda: commands.json("feeds", "list")["feeds"][0]["fetches"] > 0)
        (known,) = commands.json("feeds", "list")["feeds"]
        assert (known["state"], known["last_network"]) == ("in use", "here")
        assert known["last_client"].startswith("Python-urllib")

        shown = ("--show", "include=type", "--show", "client_name=first")
        made = commands.json("feeds", "add", "Anna Example", "--label", "Tablet", *shown)
        assert made["shows"]["client_name"] == "first"
        assert set(summaries(made["url"])) == {"Mira – Standard"}

        renewed = commands.json("feeds", "renew", made["id"])
        wait_until(lambda: summaries(made["url"]) == ["This phone link was switched off"])
        assert len(summaries(renewed["url"])) == 21

        assert "answers this computer" in commands.run("feeds", "check")
        gone = commands.json("feeds", "revoke", "--all", "--practitioner", "Anna Example")
        assert gone == {"revoked": 2}
        wait_until(lambda: summaries(url) == ["This phone link was switched off"])
        commands.run("feeds", "revoke", code=2)
    token = re.findall(r"/feeds/([\w-]{43})", url + made["url"] + renewed["url"])
    content = commands.content()
    assert not [each for each in token if each.encode() in content]


def test_a_certificate_is_chosen_and_renewed_while_the_app_runs(
    commands: CommandHome, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path)
    trusted = trusting(certificate)
    with serving(commands) as port:
        commands.run("feeds", "settings", f"feed_certificate={certificate}", f"feed_key={key}")
        url = commands.run("feeds", "add", "Anna Example", "--label", "Phone").strip()
        assert url.startswith(f"https://127.0.0.1:{port}/feeds/")
        wait_until(lambda: fetched(url, trusted)[0] == 200)
        assert fetched(url.replace("https:", "http:"))[0] == 0, "nothing in clear"
        write_certificate(tmp_path)
        fresh = trusting(certificate)
        wait_until(lambda: fetched(url, fresh)[0] == 200)
        commands.run("feeds", "settings", "feed_certificate=cal.pem", code=1)
        commands.run("feeds", "settings", "feed_certificate=", "feed_key=")
        wait_until(lambda: fetched(url.replace("https:", "http:"))[0] == 200)


def test_without_the_app_a_link_still_has_the_port_it_had(commands: CommandHome) -> None:
    with serving(commands) as port:
        pass
    url = commands.run("feeds", "add", "Anna Example", "--label", "Phone").strip()
    assert url.startswith(f"http://127.0.0.1:{port}/feeds/")
    assert "does not answer this computer" in commands.run("feeds", "check", code=1)
