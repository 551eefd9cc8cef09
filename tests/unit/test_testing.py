"""What a test run leaves out, and that it says so: the suite's conftest in a suite of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from companion.testing import CHECKS, check, main, place_of

CODES = {"first": 0, "second": 3}
ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import os, pytest

def test_anywhere():
    assert "COMPANION_HOME" not in os.environ

@pytest.mark.browser
def test_in_a_browser(): pass

@pytest.mark.long
def test_for_minutes(): pass

@pytest.mark.benchmark
def test_of_speed(): pass
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    shutil.copytree(  # conftest uses them
        ROOT / "tests" / "fakes",
        tmp_path / "tests" / "fakes",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "test_four.py").write_text(TESTS, "utf-8")
    return tmp_path


def run(suite: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and output. A browser is there unless CHROMIUM names a missing one."""
    environ = {**os.environ, "CHROMIUM": sys.executable, "PYTHONPATH": str(ROOT)}
    environ.pop("COMPANION_TEST_COMPLETE", None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", *arguments],
        cwd=suite,
        capture_output=True,
        text=True,
        env={**environ, "COMPANION_HOME": "a-real-home", **environment},
        check=False,
    )
    return done.returncode, done.stdout


def passed(output: str) -> set[str]:
    lines = [line.split() for line in output.splitlines()]
    names = [words[0] for words in lines if "PASSED" in words[1:]]
    names += [words[-1] for words in lines if "PASSED" in words and words[0].startswith("[gw")]
    return {name.rpartition("::")[2] for name in names if "::" in name}


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_without_a_browser_its_tests_are_left_out_in_one_line(
    suite: Path, workers: tuple[str, ...]
) -> None:
    code, output = run(suite, *workers, CHROMIUM="/no/such/browser")
    assert (code, passed(output)) == (0, {"test_anywhere"}), output
    assert output.count("Left out: the browser tests.") == 1
    assert "apt install chromium" in output


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_complete_run_fails_when_anything_is_left_out(
    suite: Path, workers: tuple[str, ...]
) -> None:
    wanted = {"COMPANION_TEST_COMPLETE": "1"}
    code, output = run(suite, *workers, CHROMIUM="/no/such/browser", **wanted)
    assert code == 1, output
    assert "must leave out nothing" in output
    if shutil.which("node"):
        code, output = run(suite, *workers, **wanted)
        assert (code, passed(output)) == (0, {"test_anywhere", "test_in_a_browser"}), output


def test_a_complete_run_fails_when_a_test_skips_itself(suite: Path) -> None:
    skipping = "import pytest\ndef test_shy(): pytest.skip('not today')\n"
    (suite / "tests" / "test_shy.py").write_text(skipping, "utf-8")
    assert run(suite)[0] == 0
    assert run(suite, COMPANION_TEST_COMPLETE="1")[0] == 1


@pytest.mark.parametrize("marker", ["", "@pytest.mark.browser"])
def test_what_passes_only_when_repeated_is_named_and_fails_a_complete_run(
    suite: Path, marker: str
) -> None:
    shaky = f"""
import pytest, pathlib
{marker}
def test_shaky():
    seen = pathlib.Path("seen")
    there = seen.exists()
    seen.touch()
    assert there
"""
    (suite / "tests" / "test_shaky.py").write_text(shaky, "utf-8")
    shaky_only = "tests/test_shaky.py"
    assert run(suite, shaky_only, COMPANION_TEST_COMPLETE="1")[0] == 1
    again = (shaky_only, "--again", "--last-failed")
    code, output = run(suite, *again, COMPANION_TEST_COMPLETE="1")
    assert output.count("FLAKY tests/test_shaky.py::test_shaky failed beside the others") == 1
    assert code == (0 if marker else 1), output


def test_a_check_that_fails_is_named_with_all_that_it_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    says = "print('one thing'); print('another'); raise SystemExit({})"
    commands = {name: [sys.executable, "-c", says.format(code)] for name, code in CODES.items()}
    assert check(commands) == ["second"]
    said = capsys.readouterr().out
    assert said.count("one thing") == said.count("another") == 1
    assert "first            ok" in said
    assert "second           FAILED" in said


def test_the_product_is_typed_for_every_system_we_claim() -> None:
    told = " ".join(part for command in CHECKS.values() for part in command)
    for platform in {"linux", "win32", "darwin"} - {sys.platform}:
        assert f"--platform={platform}" in told


def test_long_tests_and_benchmarks_run_when_asked_for(suite: Path) -> None:
    assert passed(run(suite, "--long")[1]) == {
        "test_anywhere",
        "test_in_a_browser",
        "test_for_minutes",
    }
    assert passed(run(suite, "--bench")[1]) == {"test_of_speed"}


def test_the_named_browser_decides(tmp_path: Path) -> None:
    browser = tmp_path / ("browser.exe" if os.name == "nt" else "browser")
    browser.touch()
    browser.chmod(0o755)
    code = "from companion.testing import find_chromium; print(find_chromium())"
    for named, found in ((str(browser), str(browser)), (str(tmp_path / "gone"), "None")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "CHROMIUM": named},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == found


def test_a_place_counts_only_where_its_variable_is_set() -> None:
    assert place_of("{NO_SUCH_VARIABLE_HERE}/chrome.exe") is None
    assert place_of("{PATH}/x") == Path(os.environ["PATH"] + "/x")


def test_help_names_every_mode_and_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(mode in said for mode in ("--long", "--bench"))
    assert not any(name in said for name in CHECKS)
