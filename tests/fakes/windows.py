"""The access list of one Windows folder, behind the system's own commands as they answer.

As Windows keeps it: a list in SDDL, whose entries are the folder's own or come from further up
(flag ID). `icacls` writes it as UTF-16 without a mark, names no account in it and changes it only
for whom it is told to.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ME = "S-1-5-21-1004336348-1177238915-682003330-1001"
COLLEAGUE = "S-1-5-21-1004336348-1177238915-682003330-1002"
IN_THE_PROFILE = f"D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;{ME})"
"""Of a folder below AppData."""
ON_THE_DISK = (
    "D:AI(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)"
    "(A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)(A;OICIIOID;GA;;;CO)"
)
"""Of a folder that was made at the top of a disk."""
MADE_BY_PYTHON = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"
"""By `mkdir` with mode 0o700, since 3.12.4."""


class FakeWindows:
    def __init__(self, sddl: str = ON_THE_DISK, *, user: str = ME, language: str = "en") -> None:
        self.sddl = sddl
        self.refuses = False
        self._user = user
        self._name = {"en": "desktop-7\\anna", "de": "büro-7\\änne"}[language]
        self.commands: list[list[str]] = []

    def run(self, command: Sequence[str]) -> tuple[int, bytes]:
        program = Path(command[0]).name
        assert Path(command[0]).parent.name == "System32", "never one that lies elsewhere"
        if program == "whoami.exe":
            assert list(command[1:]) == ["/user", "/fo", "csv", "/nh"]
            return 0, f'"{self._name}","{self._user}"\r\n'.encode("cp850")
        assert program == "icacls.exe"
        if self.refuses:
            return 5, b"Access is denied.\r\n"
        _, folder, *options = command
        if options[0] == "/save":
            text = f"{Path(folder).name}\r\n{self.sddl}\r\n"
            Path(options[1]).write_bytes(text.encode("utf-16-le"))
        else:
            self.commands.append(options)
            self._change(options)
        return 0, b"Successfully processed 1 files; Failed processing 0 files\r\n"

    def _entries(self) -> list[str]:
        return [each.rstrip(")") for each in self.sddl.split("(")[1:]]

    def _change(self, options: list[str]) -> None:
        mode, entries = "", self._entries()
        for option in options:
            if option.startswith("/"):
                mode = option
                if option == "/inheritance:r":
                    entries = [each for each in entries if "ID" not in each.split(";")[1]]
            elif mode == "/grant:r":
                sid, _, rights = option.removeprefix("*").partition(":")
                assert rights == "(OI)(CI)F"
                entries = [each for each in entries if not each.endswith(f";{sid}")]
                entries.append(f"A;OICI;FA;;;{sid}")
            elif mode == "/remove":
                sid = option.removeprefix("*")
                entries = [each for each in entries if _sid(each.split(";")[5]) != sid]
            else:
                raise AssertionError(f"icacls knows no {option}")
        self.sddl = "D:P" + "".join(f"({each})" for each in entries)


def _sid(account: str) -> str:
    return {"WD": "S-1-1-0", "BU": "S-1-5-32-545", "AU": "S-1-5-11"}.get(account, account)
