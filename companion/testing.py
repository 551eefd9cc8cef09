"""`python run.py test`: every check of the project, one after the other.

Checks first (ruff, mypy, import-linter), then pytest. Tests that need something this machine does
not have are left out by tests/conftest.py, which says so in one line. Not part of the wheel.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PYTHON = sys.executable
CHECKS = {
    "ruff check": [PYTHON, "-m", "ruff", "check", "."],
    "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "mypy --strict": [PYTHON, "-m", "mypy"],
    "import-linter": [
        PYTHON,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ],
}
USAGE = """python run.py test                  the checks, then every test but the long ones
python run.py test --long           the same with the long tests and far more examples
python run.py test --bench          the benchmarks, alone
python run.py test PYTEST-OPTIONS   only pytest, with these options, such as -k feed"""

CHROMIUM_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "msedge",
)
CHROMIUM_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "{PROGRAMFILES}/Google/Chrome/Application/chrome.exe",
    "{PROGRAMFILES(X86)}/Google/Chrome/Application/chrome.exe",
    "{LOCALAPPDATA}/Google/Chrome/Application/chrome.exe",
    "{PROGRAMFILES(X86)}/Microsoft/Edge/Application/msedge.exe",
)


def find_chromium() -> str | None:
    """The path of a Chromium, Chrome or Edge; the variable CHROMIUM decides if it is set."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    on_path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    places = (place_of(template) for template in CHROMIUM_PLACES)
    return on_path or next((str(place) for place in places if place and place.is_file()), None)


def place_of(template: str) -> Path | None:
    """The path, if the variable in it is set on this machine."""
    if not template.startswith("{"):
        return Path(template)
    variable, rest = template[1:].split("}", 1)
    return Path(os.environ[variable] + rest) if os.environ.get(variable) else None


def find_node() -> str | None:
    """The path of Node.js."""
    return shutil.which("node")


def main(arguments: list[str]) -> int:
    """Run what was asked for; 0 if all is well."""
    if arguments in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    modes = [argument for argument in arguments if argument in {"--long", "--bench"}]
    own = [argument for argument in arguments if argument not in modes]
    failed = []
    if not own and "--bench" not in modes:
        failed = [name for name, command in CHECKS.items() if not check(name, command)]
    environment = dict(os.environ)
    if "--long" in modes:
        environment["HYPOTHESIS_PROFILE"] = "long"
    command = [PYTHON, "-m", "pytest", *modes, *own]
    if "--bench" in modes:
        command += ["-s", "tests/benchmarks"]
    elif not own:
        # By file: what a file sets up, a house with its browser, is set up once. As they are
        # collected: the long ones, in browsers, come early.
        workers = str(min(4, os.cpu_count() or 1))
        command += ["-q", "-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    print(f"pytest {' '.join(command[3:])}", flush=True)
    tests = subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603 - as above
    if tests.returncode == 1 and not own and not modes:
        # Real processes, kills and browsers share this machine's cores: what failed beside the
        # others is tried once more by itself. A test that is wrong fails again.
        print("Some tests failed (named above). Once more, one at a time:", flush=True)
        command = [PYTHON, "-m", "pytest", "-q", "--last-failed", "--last-failed-no-failures=none"]
        tests = subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603 - as above
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}; see above.", flush=True)
    return tests.returncode or int(bool(failed))


def check(name: str, command: list[str]) -> bool:
    """One line if it passes, everything it says if not."""
    began = time.monotonic()
    print(f"{name:<14} ", end="", flush=True)
    done = subprocess.run(  # noqa: S603 - one of CHECKS
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    passed = done.returncode == 0
    print(f"{'ok' if passed else 'FAILED'} ({time.monotonic() - began:.1f} s)", flush=True)
    if not passed:
        print(done.stdout.decode("utf-8", "replace"), flush=True)
    return passed
