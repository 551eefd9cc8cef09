"""What pyproject.toml asks for, and the locks by which it is installed."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from companion.adapters.sources.database.systems import SYSTEMS
from companion.launcher.environment import PROGRAM_LOCK, TEST_LOCK
from companion.launcher.requirements import REQUIREMENT, has, release

ROOT = Path(__file__).resolve().parents[2]


def project() -> dict[str, list[str]]:
    """The requirements of pyproject.toml, by extra; the program's own under ""."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"": table["dependencies"], **table["optional-dependencies"]}


def test_every_requirement_is_of_the_form_that_the_launcher_reads() -> None:
    lines = [line for extra in project().values() for line in extra]
    assert [line for line in lines if not REQUIREMENT.fullmatch(line)] == []
    tested = [*project()[""], *project()["test"]]
    assert [line for line in tested if not has(line)] == [], "these tests run with all of them"


NO_WHEEL = {"firebird"}
"""Extras whose packages have none: they are in no lock, and installed by who needs them."""


def test_the_tests_have_every_driver_and_its_sentence_names_what_its_extra_has() -> None:
    extras = {each.extra: each.requirement.split() for each in SYSTEMS if each.extra}
    for extra, names in extras.items():
        lines = project()[extra]
        assert extra in NO_WHEEL or set(lines) <= set(project()["test"])
        assert sorted(line.partition(">=")[0] for line in lines) == sorted(names)
    assert extras.keys() == project().keys() - {"", "test"}


def test_a_requirement_is_missing_when_absent_too_old_or_too_new() -> None:
    assert has("pytest>=1.0")
    assert not has("no-such-package-here>=1.0")
    assert not has("pytest>=999")
    assert not has("pytest>=1.0,<2")
    assert not has("pytest==1.0"), "a form that it does not know is not satisfied"
    here, elsewhere = sys.platform, "plan9"
    assert has(f"no-such-package-here>=1.0; sys_platform == '{elsewhere}'")
    assert has(f"no-such-package-here>=1.0; sys_platform != '{here}'")
    assert not has(f"no-such-package-here>=1.0; sys_platform == '{here}'")


def test_versions_compare_by_their_numbers() -> None:
    assert release("3.18") == release("3.18.0.post1") == release("3.18.0rc1") == (3, 18)
    assert release("3.9") < release("3.18")


LOCKED = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.]+)(?: ; [\w .'=!<>()]+)?"
    r"(?: --hash=sha256:[0-9a-f]{64})+"
)


def locked(name: str) -> dict[str, str]:
    """Version by package; every line has its form, with hashes and without any address."""
    text = (ROOT / name).read_text("utf-8").replace(" \\\n    ", " ")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    matches = [LOCKED.fullmatch(line) for line in lines]
    assert [line for line, match in zip(lines, matches, strict=True) if match is None] == []
    assert "://" not in text
    return {match["name"]: match["version"] for match in matches if match}


def test_the_locks_have_every_requirement_with_hashes_and_name_no_place() -> None:
    program, tested = locked(PROGRAM_LOCK), locked(TEST_LOCK)
    for extra, lines in project().items():
        if extra in NO_WHEEL:
            continue
        wanted = tested if extra else program
        for line in lines:
            asked = REQUIREMENT.fullmatch(line)
            assert asked is not None
            version = wanted.get(asked["name"])
            assert version is not None, f"{line} is not in the lock: run .ci/lock"
            assert release(version) >= release(asked["least"])
            assert not asked["below"] or release(version) < release(asked["below"])
    assert program.items() <= tested.items(), "the program is tested as it is installed"
