"""Errors of a practice that several workstations share; the tree they belong to is in `errors`."""

from __future__ import annotations

from enum import StrEnum

from companion.domain.errors import CompanionError, StoreError


class Overtaken(CompanionError):
    """Nothing was written after that. No person is needed."""

    default_what = (
        "This computer was cut off for a while, so another workstation went on with the calendar."
    )
    default_remedy = "Nothing to do: it goes on there, and what was written is checked."


class Unreached(StrEnum):
    """Why a server is not reached, as far as that shows from here."""

    NAME_UNKNOWN = "name unknown"
    REFUSED = "refused"
    NO_ANSWER = "no answer"
    NO_WAY = "no way"
    MUTE = "mute"
    """The connection is taken, but nobody speaks as a database does."""


_UNREACHED = {
    Unreached.NAME_UNKNOWN: "The name {host} is not known in this network.",
    Unreached.REFUSED: "{place} refuses the connection: PostgreSQL is not running there, or its "
    "port is another.",
    Unreached.NO_ANSWER: "{place} does not answer: that computer is off, or a firewall is in "
    "between.",
    Unreached.NO_WAY: "This computer finds no way to {place}: that one is off, or this one is not "
    "in its network.",
    Unreached.MUTE: "{place} takes the connection, but PostgreSQL does not answer there: it is "
    "just starting or stopping, or another program has the port.",
}


class DatabaseAway(StoreError):
    """Of a practice on several workstations; what was asked for was not done.

    `place`: host and port, or the folder of a socket; never a user or password. It and `reason` are
    known only where somebody looked for them: at a start, in the doctor, in commands.
    """

    default_what = "The practice's database cannot be reached."
    default_remedy = (
        "Nothing was changed. Try again when the server is back: see whether it is on, and this "
        "computer in its network."
    )
    by_itself = (
        "Nothing is lost, and it is tried again by itself. If it stays so, see whether the server "
        "is on and this computer in its network."
    )
    on_a_page = (
        "It has not been saved or done, and what you typed is still here. Do it again when the "
        "server is back."
    )

    def __init__(
        self,
        what: str | None = None,
        remedy: str | None = None,
        *,
        place: str = "",
        reason: Unreached | None = None,
        detail: str = "",
    ) -> None:
        self.place = place
        self.reason = reason
        self.why = ""
        """A sentence for whoever looks after the computers; also the end of `what`."""
        if reason is not None:
            self.why = _UNREACHED[reason].format(place=place, host=place.rpartition(":")[0])
        super().__init__(f"{what or self.default_what} {self.why}".strip(), remedy, detail=detail)

    @property
    def unattended(self) -> str:
        return self.by_itself if self.remedy == self.default_remedy else self.remedy


class Unproven(StrEnum):
    """Why a database server's certificate is not believed."""

    EXPIRED = "expired"
    TOO_EARLY = "too early"
    UNKNOWN_AUTHORITY = "unknown authority"


_UNPROVEN = {
    Unproven.EXPIRED: "The database server's certificate, or that of its authority, has expired.",
    Unproven.TOO_EARLY: "The database server's certificate is not valid yet.",
    Unproven.UNKNOWN_AUTHORITY: "The database server's certificate is of an authority that this "
    "computer does not know.",
}
_TO_BE_PROVED = {
    Unproven.EXPIRED: "Ask whoever looks after the database server to renew it. Is the date of "
    "this computer right?",
    Unproven.TOO_EARLY: "Set date and time of this computer, and of the server, right.",
    Unproven.UNKNOWN_AUTHORITY: "Name the certificate of that authority in the address, as in "
    "?sslmode=verify-full&sslrootcert=/folder/ca.crt. If it is the one that is named there, "
    "another computer may pretend to be the server.",
}


class ServerUnproven(StoreError):
    """A database server's certificate was not believed, so nothing was sent.

    `reason` is known only where somebody looked for it: at a start, in the doctor, in commands.
    """

    default_what = (
        "The database server could not prove that it is the right one: its certificate has "
        "expired, or is of an authority that this computer does not know."
    )
    default_remedy = (
        "Ask whoever looks after the database server for its certificate. The doctor says what is "
        "wrong with it: python run.py doctor"
    )

    def __init__(self, *, reason: Unproven | None = None, detail: str = "") -> None:
        self.reason = reason
        what = _UNPROVEN[reason] if reason else self.default_what
        remedy = _TO_BE_PROVED[reason] if reason else self.default_remedy
        super().__init__(f"{what} Nothing was sent to it.", remedy, detail=detail)


class WorkstationForgotten(StoreError):
    """The practice does not know this workstation any more."""

    default_what = "This workstation was forgotten by the practice, so it has stopped."
    default_remedy = (
        "To belong to it again, with its old name: python run.py practice join. To use this "
        "computer without it: python run.py practice leave"
    )


class PracticeKeyRenewed(StoreError):
    """None of the keys that this workstation keeps opens the practice's secrets any more."""

    default_what = (
        "The practice key was renewed on another workstation, so this one rests until it is given "
        "the new one. Nothing is lost."
    )
    default_remedy = (
        "Type the new practice key here: on the page that the app shows at its next start, or by "
        "python run.py practice join. A workstation that has it shows it: python run.py practice "
        "key. Where COMPANION_PRACTICE_KEY is set, set it to the new key."
    )

    @property
    def unattended(self) -> str:
        """While the app waits."""
        return "Type the new key on its page, or by python run.py practice join: then it goes on."


class WorkstationCopied(StoreError):
    """Another app that runs is the same workstation: one data folder is a copy of the other."""

    default_what = (
        "The data folder of this computer is a copy of that of another workstation, which is on. "
        "So this one has stopped."
    )
    default_remedy = (
        "Start it again: python run.py. From now on it is a workstation of its own, which can be "
        "renamed under Practice, Workstations."
    )
