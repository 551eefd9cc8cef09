"""Plant each mutant, one at a time, in a copy of the project, and show that the tests notice.

    python tests/mutants/run.py [words of names …]

Prints a line for each; the exit code is 1 when one survives. The copy lies in a temporary folder;
nothing here touches the checkout.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.mutants.mutant import Mutant  # noqa: E402 - the path comes first
from tests.mutants.mutants import MUTANTS  # noqa: E402

LIMIT_SECONDS = 600


def copy_project(target: Path) -> None:
    for name in ("companion", "tests", "static"):
        shutil.copytree(
            ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    for name in ("pyproject.toml", "run.py"):
        shutil.copy2(ROOT / name, target / name)


def run_tests(project: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        command,
        cwd=project,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def noticed(project: Path, mutant: Mutant) -> tuple[bool, str]:
    """Whether a test failed, and which."""
    path = project / mutant.file
    healthy = path.read_text("utf-8")
    if healthy.count(mutant.before) != 1:
        raise SystemExit(f"{mutant.name}: its place is not in {mutant.file} exactly once")
    path.write_text(healthy.replace(mutant.before, mutant.after), "utf-8")
    try:
        outcome = run_tests(project, mutant.tests)
    except subprocess.TimeoutExpired:
        return True, "the tests do not end any more"
    finally:
        path.write_text(healthy, "utf-8")
    failed = [line for line in outcome.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if outcome.returncode == 1 and failed:
        return True, failed[0].split(" - ", maxsplit=1)[0].removeprefix("FAILED ")
    if outcome.returncode == 0:
        return False, ""
    raise SystemExit(f"{mutant.name}: the tests did not run\n{outcome.stdout}{outcome.stderr}")


def main(words: list[str]) -> int:
    chosen = [each for each in MUTANTS if all(word in each.name for word in words)]
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        project = Path(folder)
        copy_project(project)
        for mutant in chosen:
            began = time.monotonic()
            caught, test = noticed(project, mutant)
            survivors += not caught
            word = "caught  " if caught else "SURVIVED"
            seconds = time.monotonic() - began
            print(f"{word} {seconds:5.1f} s  {mutant.name}  {test}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
