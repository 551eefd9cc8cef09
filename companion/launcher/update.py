"""Update: a newer version takes the place of this one, or everything stays as it is.

    read and prove the release → make its environment beside → try it → the present program stops
    the app, backs up, copies the data → exchange → the new program's doctor → proven → start

Everything up to the exchange can fail without a trace. From there on `exchange` leads back by
itself, program and data, whether a step fails, the process is killed or the power goes. Run by
run.py with the Python outside `.venv`; standard library only, all of it read before anything moves.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from companion.launcher.environment import VirtualEnvironment, base_python
from companion.launcher.exchange import (
    CHILD,
    PROVEN,
    Exchange,
    go_back,
    run_program,
    update_lock,
)
from companion.launcher.release import LIST, PARTS, Release, is_newer, take, version_in
from companion.launcher.setup_errors import SetupError

ENVIRONMENT = ".venv"


def update(root: Path, arguments: list[str]) -> int:
    """`run.py update FILE|FOLDER`; the exit code. Raises SetupError for what a person must know."""
    wanted = _parser().parse_args(arguments)
    environment = VirtualEnvironment(root)
    if environment.active():  # nothing of it may be in use
        command = [base_python(), str(root / "run.py"), "update", *arguments]
        return subprocess.call(command)
    if (root / ".git").exists():
        raise SetupError(
            "This folder is a checkout of the source code.",
            "Bring it up to date with git; the next start does the rest.",
        )
    aside = contextlib.redirect_stdout(sys.stderr) if wanted.json else contextlib.nullcontext()
    try:
        with aside:
            facts = _alone(root, wanted)
    except SetupError as error:
        if wanted.json:
            print(json.dumps({"error": {"what": error.what, "remedy": error.remedy}}, indent=2))
        raise
    if wanted.json:
        print(json.dumps(facts, indent=2))
    return 0


def _alone(root: Path, wanted: argparse.Namespace) -> dict[str, Any]:
    try:
        with update_lock(root, seconds=0):
            return _Update(root, Exchange(root)).run(wanted.source, wanted.sha256, wanted.again)
    except TimeoutError:
        raise SetupError(
            "Another update is under way.", "Wait for its end, then try again."
        ) from None
    except OSError as error:
        raise SetupError.explaining(str(error), root) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py update",
        description="Put a newer version in place: backs up first, and goes back if it fails.",
    )
    parser.add_argument("source", metavar="FILE|FOLDER", type=Path, help="zip, or its folder")
    parser.add_argument("--sha256", default="", help="as published: what the file must be")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--again", action="store_true", help="also the version that is here")
    return parser


class _Update:
    def __init__(self, root: Path, exchange: Exchange) -> None:
        self._root = root
        self._exchange = exchange

    def run(self, source: Path, sha256: str, again: bool) -> dict[str, Any]:
        present = version_in(self._root)
        noted = self._exchange.noted()
        if noted is not None and noted.get("phase") != PROVEN:
            raise SetupError("An update was interrupted.", "Start the program once, then again.")
        if not source.exists():
            raise SetupError(f"{source} is not there.", "Check its name and place.")
        if source.is_dir() and source.resolve() in {self._root, self._exchange.place}:
            raise SetupError("That is this program's own folder.", "Name that of a newer version.")
        shutil.rmtree(self._exchange.place, ignore_errors=True)
        new = self._exchange.new
        try:
            release = take(source, new, sha256)
            self._check(release, present, again)
            self._try(new, release.version)
            kept = self._keep()
            try:
                self._put_in(new, kept)
            except BaseException:
                self._return(kept)
                raise
        except BaseException:
            self._exchange.tidy()
            raise
        self._exchange.finish()
        _say(f"Calendar Companion {release.version} is in place ({present} before).")
        if kept["kept"]:
            _say(f"The data as they were before lie in {kept['kept']}")
        return {
            "version": release.version,
            "before": present,
            "kept": kept["kept"],
            "compared": release.listed,
            "sha256": release.digest or None,
            "started": bool(kept["ran"]),
        }

    @staticmethod
    def _check(release: Release, present: str, again: bool) -> None:
        if release.listed:
            _say(f"Version {release.version}: whole, all {release.listed} files as listed in it.")
        else:
            _say(f"Version {release.version}: a folder without a list, so nothing was compared.")
        if release.digest:
            _say(f"Who made it the file cannot tell; its SHA-256 is {release.digest}")
        if release.version == present and not again:
            raise SetupError(
                f"This is version {present} already.", "Put it in place once more with --again."
            )
        if release.version != present and not is_newer(release.version, present):
            raise SetupError(
                f"Version {release.version} is older than this one ({present}), and could not read "
                "what this one has written.",
                "Choose a newer version. Nothing was changed.",
            )

    def _try(self, new: Path, version: str) -> None:
        """Whether it runs at all, in its own environment where it needs another."""
        present = VirtualEnvironment(self._root)
        python = sys.executable
        same = present.digest() == VirtualEnvironment(new).digest()
        if same and present.current(set()):
            python = str(present.python)
        command = [python, "-X", "utf8", str(new / "run.py"), "--version"]
        done = subprocess.run(
            command,
            env={**os.environ, CHILD: "yes"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # what it installs is said on standard error
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode or not done.stdout.strip().endswith(version):
            raise SetupError(
                f"Version {version} does not run on this computer.",
                "See above. Nothing was changed: this version goes on.",
            )

    def _keep(self) -> dict[str, Any]:
        """The app is stopped, a backup made where daily ones are on, the data copied."""
        _say("Stopping the app, and copying the data …")
        done = run_program(self._root, "update-step", "keep")
        answer = _document(done.stdout)
        if done.returncode or "kept" not in answer:
            self._start({"ran": answer.get("ran", False)})
            raise SetupError(
                (done.stderr.strip() or "The data could not be copied.")[-600:],
                "Nothing was changed: this version goes on.",
            )
        if answer.get("warning"):
            _say(f"Look: {answer['warning']}")
        return answer

    def _put_in(self, new: Path, kept: dict[str, Any]) -> None:
        """Raises SetupError, OSError; the way back is still to go then."""
        _say("Putting the new version in place …")
        names = sorted({*PARTS, LIST, *(each.name for each in new.iterdir())} - {ENVIRONMENT})
        names = [each for each in names if (new / each).exists() or (self._root / each).exists()]
        if (new / ENVIRONMENT).exists():
            names.append(ENVIRONMENT)
        names.sort(key=lambda each: each == "run.py")  # last, and it is never missing
        facts = {key: kept.get(key) for key in ("kept", "ran")}
        self._exchange.put_in(names, **facts)
        _say("Asking the doctor …")
        done = run_program(self._root, "doctor", "--offline", "--json")
        findings = _document(done.stdout).get("findings")
        if not isinstance(findings, list):
            raise SetupError("The new version's doctor did not answer.", done.stderr[-600:])
        ill = [e for e in findings if e["state"] == "fail" and e["id"] not in kept["failing"]]
        if ill:
            raise SetupError(f"The new version's doctor says: {ill[0]['what']}", ill[0]["remedy"])
        self._exchange.prove()
        if kept["ran"] and not self._start(kept):
            self._exchange.doubt()
            raise SetupError("The new version did not start.", "See background.log in the data.")

    def _return(self, kept: dict[str, Any]) -> None:
        _say("Going back to the version before …")
        trouble = go_back(self._exchange)
        if trouble:
            raise SetupError(trouble, "Start the program again: it goes on with the way back.")
        self._start(kept)
        _say("The version before is in place again, and the data are as they were.")

    def _start(self, kept: dict[str, Any]) -> bool:
        """Where the app ran before; whether it runs now."""
        if not kept["ran"]:
            return True
        _say("Starting the app …")
        return run_program(self._root, "update-step", "start").returncode == 0


def _say(line: str) -> None:
    print(line, flush=True)


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
