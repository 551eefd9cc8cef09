"""Password stores as they are met: good, small, pretending, locked, failing, asking."""

from __future__ import annotations

import threading


class GoodKeyring:
    """Keeps what it is given, up to Windows' limit of 2,560 bytes of UTF-16."""

    name = "good keyring"

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls += 1
        if len(password.encode("utf-16-le")) > 2560:
            raise OSError(1783, "The stub received bad data", "CredWrite")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.calls += 1
        del self.kept[service, username]


class PretendingKeyring(GoodKeyring):
    """Takes everything, keeps nothing, complains never."""

    name = "pretending keyring"

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls += 1

    def delete_password(self, service: str, username: str) -> None:
        self.calls += 1


class ForgetfulKeyring(GoodKeyring):
    """Gives back something else than it was given."""

    name = "forgetful keyring"

    def get_password(self, service: str, username: str) -> str | None:
        found = super().get_password(service, username)
        return found[:-1] if found else found


class KeyringLocked(Exception):
    """As `keyring.errors.KeyringLocked`."""


class BrokenKeyring(GoodKeyring):
    """Raises the given error from every call."""

    name = "broken keyring"

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error

    def delete_password(self, service: str, username: str) -> None:
        raise self.error


class AskingKeyring(GoodKeyring):
    """Waits for an answer that nobody gives, until `answered` is set."""

    name = "asking keyring"

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.answered.wait(timeout=60)
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.asked += 1
        self.answered.wait(timeout=60)
        super().set_password(service, username, password)
