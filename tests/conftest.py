"""What every test shares: hypothesis profiles, a clean environment, and what is left out and why.

A test that this machine cannot run, or that was not asked for, is deselected by its marker, never
skipped inside; one line at the end says what was left out and what to install. With
COMPANION_TEST_COMPLETE=1 leaving out or skipping anything is a failure; with it, and wherever CI is
set, so is a test that passes only when it is repeated.
"""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import URL

from companion.sandbox.simulator_api import SimulatorApi
from companion.testing import find_chromium, find_node
from tests.fakes.conformance import UNPERMITTED, Conformance
from tests.fakes.database_servers import find_mariadb, find_postgresql
from tests.fakes.practice_database import PracticeServer, practice_server, stop_practice_server

settings.register_profile("usual", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples each time: what CI says of a commit depends on the commit alone. New examples
# are looked for by every run on a developer's machine, and by --long.
settings.register_profile("ci", parent=settings.get_profile("usual"), derandomize=True)
settings.register_profile("long", parent=settings.get_profile("usual"), max_examples=2_000)
IN_CI = any(os.environ.get(name, "") not in {"", "0"} for name in ("CI", "COMPANION_TEST_COMPLETE"))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if IN_CI else "usual"))

COMPLETE = pytest.StashKey[bool]()
INSTALL = {
    "browser": "Chromium or Chrome (Debian: sudo apt install chromium)",
    "node": "Node.js (Debian: sudo apt install nodejs)",
    "postgresql": "PostgreSQL (Debian: sudo apt install postgresql)",
    "mariadb": "MariaDB (Debian: sudo apt install mariadb-server)",
}


def missing_tools() -> list[str]:
    """The markers whose tests cannot run on this machine."""
    found = {
        "browser": find_chromium(),
        "node": find_node(),
        "postgresql": find_postgresql(),
        "mariadb": find_mariadb(),
    }
    return [marker for marker, path in found.items() if path is None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked long as well")
    parser.addoption("--bench", action="store_true", help="run the benchmarks, and only them")
    parser.addoption("--again", action="store_true", help="these failed: those that pass are flaky")
    # NiceGUI's `user` fixture (tests/pages/conftest.py) reads it: we have no main script.
    parser.addini("main_file", "the NiceGUI script that page tests start", default="")


def pytest_configure(config: pytest.Config) -> None:
    # Read now: the fixture below hides this variable from the tests.
    config.stash[COMPLETE] = os.environ.get("COMPANION_TEST_COMPLETE", "") not in {"", "0"}


def pytest_report_header() -> list[str]:
    chosen = os.environ.get("COMPANION_TEST_POSTGRESQL")
    return [f"PostgreSQL: {find_postgresql()}"] if chosen else []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unwanted = set(missing_tools())
    if not config.getoption("long"):
        unwanted.add("long")
    bench = config.getoption("bench")
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        markers = {marker.name for marker in item.iter_markers()}
        fits = not markers & unwanted and ("benchmark" in markers) == bench
        (kept if fits else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def pytest_collection_finish() -> None:
    """What has been read stays: no later look for garbage goes through it (NiceGUI's tests ask for
    two of them each, a third of their time)."""
    gc.collect()
    gc.freeze()


def flaky(config: pytest.Config, reporter: pytest.TerminalReporter) -> dict[str, bool]:
    """With --again, what failed before and passed now, and whether that is excused: real browsers
    share this machine's cores with everything else."""
    passed = reporter.stats.get("passed", []) if config.getoption("again") else []
    return {each.nodeid: "browser" in each.keywords for each in passed}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return  # this is a worker of xdist
    complete = session.config.stash[COMPLETE]
    left_out = complete and (missing_tools() or reporter.stats.get("skipped"))
    strict = complete or os.environ.get("CI")
    unexcused = strict and not all(flaky(session.config, reporter).values())
    if (left_out or unexcused) and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    missing = missing_tools()
    if missing:
        what = " and ".join(missing)
        tools = ", ".join(INSTALL[marker] for marker in missing)
        terminalreporter.write_line(f"Left out: the {what} tests. To run them, install {tools}.")
    if config.stash[COMPLETE] and (missing or terminalreporter.stats.get("skipped")):
        terminalreporter.write_line("Something was left out, and this run must leave out nothing.")
    for name, excused in flaky(config, terminalreporter).items():
        why = "drives a real browser: excused" if excused else "make it deterministic"
        terminalreporter.write_line(f"FLAKY {name} failed beside the others, passed alone; {why}")


@pytest.fixture(scope="session")
def conformance() -> Iterator[Conformance]:
    """Told of every request to a simulated Google of this process."""
    made = Conformance()
    SimulatorApi.observers.append(made.observe)
    yield made
    SimulatorApi.observers.remove(made.observe)


@pytest.fixture(autouse=True)
def _requests_conform(conformance: Conformance, request: pytest.FixtureRequest) -> Iterator[None]:
    """What we ask of Google is what its own description knows."""
    yield
    found = conformance.take()
    if request.node.get_closest_marker("unpermitted"):
        found = [each for each in found if UNPERMITTED not in each]
    assert not found, found


@pytest.fixture(autouse=True, scope="session")
def _practice_server_ends() -> Iterator[None]:
    yield
    stop_practice_server()


@pytest.fixture(name="practice_server", scope="session")
def _practice_server() -> PracticeServer:
    """A PostgreSQL server that all tests of the session share; mark the test `postgresql`."""
    return practice_server()


@pytest.fixture
def practice_url(practice_server: PracticeServer) -> Iterator[URL]:
    """A practice's database for this test alone, with our tables; mark the test `postgresql`."""
    with practice_server.new_database() as url:
        yield url


@pytest.fixture(autouse=True, scope="session")
def _no_setting_of_this_machine() -> Iterator[None]:
    """A developer's own COMPANION_… variables must not reach a test."""
    kept = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith("COMPANION_")}
    yield
    os.environ.update(kept)
