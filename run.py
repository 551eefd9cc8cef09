"""Start Calendar Companion: `python run.py`, with nothing installed but Python 3.11 or newer.

Makes or renews the environment `.venv` beside this file (see `companion.launcher`), then runs again
inside it and hands its arguments to `companion.cli`, or to `companion.testing` for `run.py test`.
`run.py update` exchanges all of this (see `companion.launcher.update`).
In another environment that already has the dependencies, it installs nothing and runs the program
right away.

Must still parse on Python 3.8, to say what is wrong there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

NEEDED = (3, 11)


def too_old(found: tuple[int, ...]) -> str | None:
    """What to tell someone whose Python cannot run the program, naming a better one if present."""
    if found[:2] >= NEEDED:
        return None
    names = [f"python3.{minor}" for minor in range(19, NEEDED[1] - 1, -1)]
    better = next((name for name in names if shutil.which(name)), None)
    return "Calendar Companion needs Python {}.{} or newer; this is {}.\n{}".format(
        *NEEDED,
        ".".join(map(str, found[:3])),
        f"A newer one is on this computer; start with: {better} run.py"
        if better
        else "Install it from https://www.python.org/downloads/ and start again.",
    )


def give_streams() -> Path | None:
    """Where there is no console (Windows' pythonw.exe), Python has no streams: what would be said
    goes to this file instead. None where there are streams."""
    if sys.stdout is not None and sys.stderr is not None:
        return None
    log = Path(__file__).resolve().with_name(".start.log")
    try:
        stream = log.open("w", encoding="utf-8", buffering=1)
    except OSError:
        stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for life
    sys.stdout, sys.stderr = sys.stdout or stream, sys.stderr or stream
    return log


def hand_over(python: Path, arguments: list[str], log: Path | None) -> int:
    """Run this file again with that Python; returns on Windows only, with the exit code."""
    command = [str(python), "-X", "utf8", str(Path(__file__).resolve()), *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        if log is not None:  # the new program opens no file in their place
            os.dup2(sys.stdout.fileno(), 1)
            os.dup2(sys.stderr.fileno(), 2)
        os.execv(command[0], command)  # noqa: S606 - no shell is the point
    if log is None:
        process = subprocess.Popen(command)
    else:
        no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stdout,
            stderr=sys.stderr,
            creationflags=no_window,
        )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the console sends Ctrl-C to both; the program decides
            continue


def finish_update(arguments: list[str], log: Path | None) -> int | None:
    """After an update that was interrupted the version before is put back, by a program of its own
    (`companion/launcher/exchange.py`): this folder may be half of each. None where there is none,
    else the exit code."""
    goes_back = Path(__file__).resolve().parent / ".update" / "go_back.py"
    if "COMPANION_UPDATING" in os.environ or not goes_back.exists():
        return None  # an update starts this itself, or there is none
    code = subprocess.call([sys.executable, str(goes_back)])
    if code:
        return code
    os.environ["COMPANION_UPDATING"] = "yes"
    return hand_over(Path(sys.executable), arguments, log)


def start(arguments: list[str]) -> int:
    """The program itself, in this process."""
    # Container images often set PYTHONDONTWRITEBYTECODE: every start would then compile all of the
    # program anew, which takes nearly a second. What lies beside this file is ours to write.
    sys.dont_write_bytecode = False
    os.environ.pop("COMPANION_UPDATING", None)  # not for what this starts later
    if arguments[:1] == ["test"]:
        from companion.testing import main as test

        return test(arguments[1:])
    if arguments[:1] == ["package"]:
        from companion.packaging import main as package

        return package(arguments[1:])
    from companion.cli import run

    run()
    return 0


def launch(arguments: list[str], log: Path | None) -> int:
    """An environment that has everything, then the program in it. Raises SetupError."""
    from companion.launcher.environment import VirtualEnvironment
    from companion.launcher.pip import InstallProgress
    from companion.launcher.requirements import has_all

    root = Path(__file__).resolve().parent
    if arguments[:1] == ["update"]:
        from companion.launcher.update import update

        return update(root, arguments[1:])
    extras = {"test"} if arguments[:1] in (["test"], ["package"]) else set()
    if extras and not (root / "tests").is_dir():
        print("The tests are part of the source code only, not of a release.", file=sys.stderr)
        return 2
    environment = VirtualEnvironment(root)
    ready = environment.current(extras)
    if environment.active():
        if ready:
            return start(arguments)
    elif (sys.prefix != sys.base_prefix or not ready) and has_all(environment.requirements(extras)):
        return start(arguments)
    if not ready:
        environment.prepare(extras, InstallProgress())
    return hand_over(environment.python, arguments, log)


def main(arguments: list[str]) -> int:
    """What was interrupted is finished first; the exit code."""
    log = give_streams()
    sentence = too_old(sys.version_info[:3])
    if sentence:
        print(sentence, file=sys.stderr)
        return 1

    code = finish_update(arguments, log)
    if code is not None:
        return code

    from companion.launcher.setup_errors import SetupError

    try:
        return launch(arguments, log)
    except SetupError as err:
        print(f"\n{err.what}\n{err.remedy}", file=sys.stderr)
        if log is not None and "--quiet" not in arguments:  # a person waits, and sees nothing
            webbrowser.open(log.as_uri())
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Start again to finish setting up.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
