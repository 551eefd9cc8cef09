"""A session bus of its own (dbus-daemon), and a notification service on it that records."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NAME, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow own="*"/>
<allow eavesdrop="true"/></policy></busconfig>
"""


@contextmanager
def session_bus(folder: Path) -> Iterator[str]:
    """Its address."""
    configuration = folder / "bus.conf"
    configuration.write_text(_CONFIGURATION.format(folder / "bus"), "utf-8")
    command = ["dbus-daemon", f"--config-file={configuration}", "--print-address", "--nofork"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()


@dataclass
class Recorder:
    """As the specification describes the service; it checks what it is given as strictly."""

    capabilities: Sequence[str]
    shown: list[tuple[str, str, str]] = field(default_factory=list)
    """Program, title and text."""


@contextmanager
def recording_service(address: str, *capabilities: str) -> Iterator[Recorder]:
    from jeepney import MessageType, new_error, new_method_return
    from jeepney.bus_messages import message_bus
    from jeepney.io.blocking import Proxy, open_dbus_connection
    from jeepney.low_level import HeaderFields

    recorder = Recorder(capabilities)
    connection = open_dbus_connection(address)
    assert Proxy(message_bus, connection).RequestName(_NAME) == (1,)
    over = threading.Event()

    def answer(asked: Any) -> Any:
        fields = asked.header.fields
        member = fields.get(HeaderFields.member)
        assert fields.get(HeaderFields.path) == _PATH
        assert fields.get(HeaderFields.interface) == _NAME
        if member == "GetCapabilities":
            return new_method_return(asked, "as", (list(recorder.capabilities),))
        if member == "Notify":
            assert fields.get(HeaderFields.signature) == "susssasa{sv}i"
            program, _replaces, _icon, title, text, _actions, _hints, _time = asked.body
            recorder.shown.append((program, title, text))
            return new_method_return(asked, "u", (len(recorder.shown),))
        return new_error(asked, "org.freedesktop.DBus.Error.UnknownMethod")

    def serve() -> None:
        while not over.is_set():
            try:
                asked = connection.receive(timeout=0.05)
            except TimeoutError:
                continue
            if asked.header.message_type is MessageType.method_call:
                connection.send(answer(asked))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        over.set()
        thread.join(5)
        connection.close()
