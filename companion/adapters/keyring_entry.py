"""KeyringEntry: one small text in the platform's password store, through keyring.

A backend is trusted only after a test: some pretend to store and return nothing, some keep plain
text, some wait for an answer on an invisible terminal. So known bad ones are refused by name, what
was set is read back, and every call runs in a thread with a time limit. `PYTHON_KEYRING_BACKEND` is
keyring's own variable and chooses the backend.
"""

from __future__ import annotations

import hashlib
import queue
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from companion.domain.errors import SecretsUnavailable

Result = TypeVar("Result")

USER = "key"
PROBE = "probe"

_REFUSED = {
    "keyring.backends.fail": "",
    "keyring.backends.null": "The chosen password store keeps nothing.",
    "keyrings.alt": "The chosen password store keeps texts unprotected, or asks on a terminal.",
    "keyrings.cryptfile": "The chosen password store asks for its password on a terminal.",
    "sagecipher": "The chosen password store needs a running SSH agent.",
}


class Backend(Protocol):
    """What we use of keyring's backends."""

    @property
    def name(self) -> str: ...

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


class KeyringEntry:
    """Blocking; for worker threads. Every method raises SecretsUnavailable."""

    def __init__(
        self,
        home: Path,
        *,
        backend: Callable[[], Backend] | None = None,
        seconds: float = 60.0,
    ) -> None:
        """One entry per `home`, a folder that exists. `seconds` is long enough for a person to
        unlock the store in its own window."""
        place = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
        self.service = f"Calendar Companion {place}"
        self._find_backend = backend or _platform_backend
        self._backend: Backend | None = None
        self._seconds = seconds
        self._one_at_a_time = threading.Lock()
        self._stuck: threading.Thread | None = None

    def get(self) -> str | None:
        return self._call(lambda backend: backend.get_password(self.service, USER))

    def set(self, value: str) -> None:
        """Returns only after the same text could be read back."""

        def store(backend: Backend) -> None:
            backend.set_password(self.service, USER, value)
            _compare(backend.get_password(self.service, USER), value)

        self._call(store)

    def check(self) -> str:
        """Set, get, compare and delete a probe; the backend's name for people."""
        probe = secrets.token_urlsafe(33)

        def prove(backend: Backend) -> str:
            backend.set_password(self.service, PROBE, probe)
            try:
                _compare(backend.get_password(self.service, PROBE), probe)
            finally:
                backend.delete_password(self.service, PROBE)
            return str(backend.name)

        return self._call(prove)

    def _call(self, act: Callable[[Backend], Result]) -> Result:
        with self._one_at_a_time:
            if self._stuck is not None and self._stuck.is_alive():
                raise _no_answer()
            outcome: queue.SimpleQueue[tuple[Result | None, Exception | None]]
            outcome = queue.SimpleQueue()

            def run() -> None:
                try:
                    outcome.put((act(self._usable_backend()), None))
                except Exception as error:  # noqa: BLE001 - backends raise any kind of error
                    outcome.put((None, error))

            # A daemon: a backend that waits for ever must not keep the program from ending.
            worker = threading.Thread(target=run, name="keyring", daemon=True)
            worker.start()
            try:
                result, error = outcome.get(timeout=self._seconds)
            except queue.Empty:
                self._stuck = worker
                raise _no_answer() from None
        if error is not None:
            raise _in_words(error) from error
        return result  # type: ignore[return-value]  # without an error it is act's own answer

    def _usable_backend(self) -> Backend:
        if self._backend is None:
            found = self._find_backend()
            for each in (found, *_chained(found)):
                _refuse_bad(each)
            self._backend = found
        return self._backend


def _platform_backend() -> Backend:
    import keyring

    try:
        return keyring.get_keyring()
    except Exception as error:
        # Whatever importing and trying a chosen class raises.
        raise SecretsUnavailable(
            "The password store chosen for Python does not work on this computer.",
            "Correct or remove PYTHON_KEYRING_BACKEND (or keyringrc.cfg), then start again.",
            detail=type(error).__name__,
        ) from error


def _chained(backend: Backend) -> list[Backend]:
    """Where keyring would try several, the first takes what is stored."""
    return list(getattr(backend, "backends", ()))[:1]


def _refuse_bad(backend: Backend) -> None:
    module = type(backend).__module__
    for refused, why in _REFUSED.items():
        if module == refused or module.startswith(f"{refused}."):
            raise SecretsUnavailable(why, detail=f"backend {module}")


def _compare(found: str | None, stored: str) -> None:
    if found != stored:
        raise SecretsUnavailable(
            "This computer's password store does not give back what it was given.",
            detail="read back differs",
        )


def _no_answer() -> SecretsUnavailable:
    return SecretsUnavailable(
        "This computer's password store does not answer.",
        "It may be waiting for its password in another window: unlock it and try again.",
    )


def _in_words(error: Exception) -> SecretsUnavailable:
    if isinstance(error, SecretsUnavailable):
        return error
    # Only the kind of error: a backend's message may hold what it was to store.
    detail = f"{type(error).__module__}.{type(error).__name__}"
    if type(error).__name__ == "KeyringLocked":
        return SecretsUnavailable(
            "This computer's password store is locked.",
            "Unlock it (sign in to the desktop) and try again.",
            detail=detail,
        )
    return SecretsUnavailable(detail=detail)
