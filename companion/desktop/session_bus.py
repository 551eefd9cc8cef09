"""DBusSession: the notification service on the session bus of Linux desktops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from companion.desktop.entries import NAME

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

SECONDS = 5.0
_NAME, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
_USUAL_TIME = -1
"""The desktop decides how long it is shown."""


class DBusSession:
    """Implements `SessionBus`; a connection for each call."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def capabilities(self) -> Sequence[str]:
        return [str(each) for each in self._call("GetCapabilities", "", ())]

    def notify(self, icon: str, title: str, text: str) -> int:
        hints = {"desktop-entry": ("s", "calendar-companion")}
        body: tuple[Any, ...] = (NAME, 0, icon, title, text, [], hints, _USUAL_TIME)
        return int(self._call("Notify", "susssasa{sv}i", body))

    def _call(self, method: str, signature: str, body: tuple[Any, ...]) -> Any:
        from jeepney import DBusAddress, MessageType, new_method_call

        place = DBusAddress(_PATH, bus_name=_NAME, interface=_NAME)
        with _in_os_errors(), _opened(self._address()) as connection:
            asked = new_method_call(place, method, signature or None, body)
            answer = connection.send_and_get_reply(asked, timeout=SECONDS)
        if answer.header.message_type is not MessageType.method_return:
            raise OSError("the notification service refused")
        return answer.body[0]

    def _address(self) -> str:
        if given := self._variables.get("DBUS_SESSION_BUS_ADDRESS", "").strip():
            return given
        if folder := self._variables.get("XDG_RUNTIME_DIR", "").strip():
            return f"unix:path={folder}/bus"
        raise FileNotFoundError("no session bus")


@contextmanager
def _opened(address: str) -> Iterator[DBusConnection]:
    from jeepney.io.blocking import open_dbus_connection

    connection = open_dbus_connection(address, auth_timeout=SECONDS)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _in_os_errors() -> Iterator[None]:
    """Whatever a broken address or bus makes of itself."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - jeepney has many kinds, and RuntimeError
        raise OSError(type(error).__name__) from None
