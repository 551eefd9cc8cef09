"""Exchange: a new program takes the place of the one in its folder; and the way back.

    .update/new/NAME          the new program, complete
    .update/old/NAME          the one before, part by part, as they leave their place
    .update/journal.json      which parts; written before the first of them moves
    .update/go_back.py        a copy of this very file, which needs nothing of the program

Parts are the folders and files at the top of the program's folder. A folder is renamed away, then
the new one renamed in; a file is copied away, then replaced, so that ``run.py`` is always there.
While the journal says ``trying``, whatever starts the program first runs ``go_back.py``, which puts
back every part that has left its place: each step can be done again. Once the new program has
proven itself the journal says ``proven``, and the script goes; then only tidying up is left to do.

Runs alone, with any Python that the program supports: standard library only, no import of ours.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER, LOCK = ".update", ".update.lock"
TRYING, PROVEN = "trying", "proven"
CHILD = "COMPANION_UPDATING"
"""Set for the programs that an update starts itself: they must not wait for it."""
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)


class Exchange:
    def __init__(self, root: Path) -> None:
        """`root`: the folder of run.py."""
        self.root = root
        self.place = root / FOLDER
        self.new, self.old = self.place / "new", self.place / "old"
        self._failed = self.place / "failed"
        self._journal = self.place / "journal.json"
        self._way_back = self.place / "go_back.py"

    # ── what is known of it ────────────────────────────────────────────────────────────────────

    def noted(self) -> dict[str, Any] | None:
        """The journal; None where no exchange is under way. Raises ValueError, OSError."""
        try:
            content = self._journal.read_text("utf-8")
        except FileNotFoundError:
            return None
        note = json.loads(content)
        if not isinstance(note, dict):
            raise TypeError("the journal")
        return note

    def note(self, **facts: Any) -> None:
        """Durably, beside what is noted already."""
        known = {**(self.noted() or {}), **facts}
        draft = self._journal.with_suffix(".tmp")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(known, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        self._replace(draft, self._journal)

    # ── forwards ───────────────────────────────────────────────────────────────────────────────

    def put_in(self, names: list[str], **facts: Any) -> None:
        """Every part of `names`: taken from `new`, or removed where `new` has none. `facts` are
        noted for whoever goes back. Raises OSError."""
        shutil.rmtree(self.old, ignore_errors=True)
        self.old.mkdir(parents=True)
        self._lay_the_way_back()
        if hasattr(os, "sync"):
            os.sync()  # the new program is on the disk before the old one leaves its place
        added = [each for each in names if not (self.root / each).exists()]
        self.note(phase=TRYING, names=names, added=added, whole=False, **facts)
        for name in names:
            self._keep_old(name)
            new = self.new / name
            if new.exists():
                self._replace(new, self.root / name)
            elif (self.root / name).exists():
                self._away(self.root / name)
        self.note(whole=True)

    def _keep_old(self, name: str) -> None:
        present, kept = self.root / name, self.old / name
        if present.is_dir():
            self._replace(present, kept)
        elif present.exists():
            draft = self.old / f"{name}.part"
            shutil.copy2(present, draft)
            self._replace(draft, kept)

    def prove(self) -> None:
        """From here on nothing leads back by itself, and other starts of the program go on."""
        self.note(phase=PROVEN)
        self._way_back.unlink(missing_ok=True)
        self._sync(self.place)

    def doubt(self) -> None:
        """What was proven turned out not to work: from here on everything leads back again."""
        self._lay_the_way_back()
        self.note(phase=TRYING, whole=True)

    def _lay_the_way_back(self) -> None:
        if not self._way_back.exists():
            draft = self.place / "go_back.tmp"
            shutil.copyfile(__file__, draft)
            self._replace(draft, self._way_back)

    # ── backwards ──────────────────────────────────────────────────────────────────────────────

    def undo(self) -> None:
        """Every part that has left its place returns. May be done again. Raises OSError."""
        note = self.noted()
        if note is None:
            return
        self.note(phase=TRYING, whole=False)
        for name in note["names"]:
            present, kept = self.root / name, self.old / name
            if kept.exists():
                if present.is_dir() or kept.is_dir():
                    self._away(present)
                self._replace(kept, present)
            elif name in note["added"]:
                self._away(present)

    def finish(self) -> None:
        """The journal goes first: what is left after a crash is only rubbish."""
        self._journal.unlink(missing_ok=True)
        self._sync(self.place)
        self.tidy()

    def tidy(self) -> None:
        """Everything but a journal that is still needed."""
        if not self._journal.exists():
            shutil.rmtree(self.place, ignore_errors=True)

    # ── single steps; each raises OSError ──────────────────────────────────────────────────────

    def _away(self, present: Path) -> None:
        if not present.exists():
            return
        self._failed.mkdir(exist_ok=True)
        number = 0
        while (aside := self._failed / f"{number}-{present.name}").exists():
            number += 1
        self._replace(present, aside)

    def _replace(self, source: Path, target: Path) -> None:
        """Windows refuses for a moment while a scanner has a file open."""
        for pause in _PAUSES if os.name == "nt" else ():
            with contextlib.suppress(PermissionError):
                source.replace(target)
                break
            time.sleep(pause)
        else:
            source.replace(target)
        self._sync(source.parent)
        self._sync(target.parent)

    @staticmethod
    def _sync(folder: Path) -> None:
        if os.name != "nt":
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def grab(lock: int) -> bool:
    """Take the lock of an open file if it is free; the system frees it with its last holder."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        # Some network drives know no locks; there, one start at a time is the user's part.
        return err.errno not in {errno.EAGAIN, errno.EACCES, errno.EDEADLK}
    return True


@contextlib.contextmanager
def update_lock(root: Path, seconds: float = 900) -> Iterator[None]:
    """One update, or one way back, at a time. Raises TimeoutError."""
    lock = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        until = time.monotonic() + seconds
        announced = False
        while not grab(lock):
            if not announced and seconds:
                print("An update is being put in place; waiting for it …", file=sys.stderr)
                announced = True
            if time.monotonic() >= until:
                raise TimeoutError("another update is under way")
            time.sleep(0.2)
        yield
    finally:
        os.close(lock)


def run_program(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program as it lies in `root`, started by an update: its output and exit code."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", str(root / "run.py"), *arguments],
        env={**os.environ, CHILD: "yes"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def go_back(exchange: Exchange) -> str:
    """The whole way back: program, then home; "" or what could not be done, as a sentence."""
    note = exchange.noted()
    if note is None:
        return ""
    if note.get("phase") == PROVEN:
        exchange.finish()
        return ""
    if note.get("whole"):  # half a program has never run
        run_program(exchange.root, "stop")
    exchange.undo()
    run_program(exchange.root, "stop")
    if note.get("kept"):
        done = run_program(exchange.root, "update-step", "put-back", str(note["kept"]))
        if done.returncode:
            return f"The data could not be put back: {done.stderr.strip()[-600:]}"
    exchange.finish()
    return ""


def main() -> int:
    """As `go_back.py`, after a crash: exit code 0 when the program is whole again."""
    exchange = Exchange(Path(__file__).resolve().parent.parent)
    going: dict[str, Any] | None = None
    try:
        with update_lock(exchange.root):
            going = exchange.noted()
            trouble = go_back(exchange)
            exchange.tidy()
    except (OSError, ValueError, KeyError, TypeError) as error:
        trouble = f"{type(error).__name__}: {error}"
    if trouble:
        print(
            f"An update was interrupted, and the version before could not be put back.\n{trouble}\n"
            "Close every Calendar Companion window and start again.",
            file=sys.stderr,
        )
        return 1
    if going is not None and going.get("phase") != PROVEN:
        print("An update was interrupted: the version before is in place again.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
