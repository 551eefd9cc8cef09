"""`python run.py test`: every check of the project, one after the other.

Checks first (ruff, mypy for each system we claim, import-linter), all at once, then pytest. Tests
that need something this machine does not have are left out by tests/conftest.py, which says so in
one line. What failed is run once more, one test at a time: what passes then is named as flaky, and
fails continuous integration unless it drives a real browser. Not part of the wheel.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PYTHON = sys.executable
MYPY = [PYTHON, "-m", "mypy"]
ELSEWHERE = sorted({"linux", "win32", "darwin"} - {sys.platform})
CHECKS = {
    "ruff check": [PYTHON, "-m", "ruff", "check", "."],
    "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "mypy --strict": MYPY,
    # The product as the other systems see it; a cache of its own each, for they differ.
    **{
        f"mypy for {name}": [
            *MYPY,
            f"--platform={name}",
            f"--cache-dir=.mypy_cache/{name}",
            "companion",
            "run.py",
        ]
        for name in ELSEWHERE
    },
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
    failed = check(CHECKS) if not own and "--bench" not in modes else []
    environment = dict(os.environ)
    if "--long" in modes:
        environment["HYPOTHESIS_PROFILE"] = "long"
    options = [*modes, *own]
    if "--bench" in modes:
        options += ["-s", "tests/benchmarks"]
    elif not own:
        # By file: what a file sets up, such as a browser, is set up once. As they are collected:
        # the long ones, in browsers, come early. One more worker than cores: those wait, for a
        # page, a process or a clock.
        workers = str(min(4, os.cpu_count() or 1) + 1)
        options += ["-q", "-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    code = run_pytest(options, environment)
    if code == 1 and not own and not modes:
        print("Some tests failed (named above). Once more, one at a time:", flush=True)
        again = ["-q", "--again", "--last-failed", "--last-failed-no-failures=none"]
        code = run_pytest(again, environment)
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}; see above.", flush=True)
    return code or int(bool(failed))


def run_pytest(options: list[str], environment: dict[str, str]) -> int:
    print(f"pytest {' '.join(options)}", flush=True)
    command = [PYTHON, "-m", "pytest", *options]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - our own command


def check(commands: dict[str, list[str]]) -> list[str]:
    """Run them beside each other; the names of those that fail. One line for each that passes,
    everything it says if not."""
    began = time.monotonic()
    running = {
        name: subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 - ours
        for name, command in commands.items()
    }
    failed = []
    for name, process in running.items():
        output, _nothing = process.communicate()
        if process.returncode:
            failed.append(name)
            print(f"{name:<16} FAILED\n{output.decode('utf-8', 'replace')}", flush=True)
        else:
            print(f"{name:<16} ok ({time.monotonic() - began:.1f} s)", flush=True)
    return failed
