"""What reaches the log file, whoever logs it: the program, its libraries, a page, a request."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import uvicorn
import uvloop
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from companion.adapters.logs import ClosedFormatter, log_to, places, uncaught_logged
from companion.domain.errors import CompanionError, StoreError, Technical

NAME = "Zebediah Quillfeather"
FORGED = f"{NAME}\r\n2026-03-02 09:00:00,000 ERROR companion: all sign-ins were sent away"
ENTRY = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+: .+")
ours, library = logging.getLogger("companion.test"), logging.getLogger("somebody.else")


def logged(home: Path, act: Callable[[], object]) -> list[str]:
    """The lines of the log; nothing planted is in any of them, and each is an entry of its own."""
    with log_to(home) as path:
        act()
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    assert all(ENTRY.fullmatch(each) for each in lines), lines
    for planted in ("Zebediah", "Quillfeather", "sign-ins", "Traceback"):
        assert planted not in "\n".join(lines)
    return lines


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - with its frames
        return caught


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_task_that_nobody_asked_is_its_kind_and_place(
    tmp_path: Path, make_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def forgotten() -> None:
        raise KeyError(FORGED)

    async def main() -> None:
        task = asyncio.create_task(forgotten(), name=NAME)
        await asyncio.wait([task])
        del task
        gc.collect()

    def act() -> None:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(main())

    (line,) = logged(tmp_path, act)
    assert " ERROR asyncio: " in line
    assert re.search(r"\[KeyError at test_logs\.py:\d+\]$", line)


def test_an_error_of_the_database_does_not_say_what_was_to_be_stored(tmp_path: Path) -> None:
    engine = create_engine("sqlite://")

    def act() -> None:
        try:
            with engine.connect() as line:
                line.execute(text("INSERT INTO nothing VALUES (:name)"), {"name": NAME})
        except DBAPIError as error:
            logging.getLogger("sqlalchemy.engine").exception(error)  # noqa: TRY401 - as libraries do
            library.error("it failed: %s", error, exc_info=error, stack_info=True)

    lines = logged(tmp_path, act)
    engine.dispose()
    assert len(lines) == 2
    assert "it failed: OperationalError [OperationalError at " in lines[1]
    assert "from OperationalError at default.py" in lines[1]


async def test_a_request_cannot_write_into_the_log(tmp_path: Path) -> None:
    """Path, header and body, well-formed or not, through the server that the app runs in."""

    async def app(scope: object, receive: object, send: object) -> None:
        raise ValueError(str(scope))

    bound = socket.create_server(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    ends = b" HTTP/1.1\r\nHost: a\r\n"
    with log_to(tmp_path) as path:
        serving = asyncio.create_task(server._serve(sockets=[bound]))
        for request in (
            b"GET /Zebediah%20Quillfeather%0d%0a" + ends + b"X-Name: Quillfeather\r\n\r\n",
            b"Zebediah Quillfeather\r\n\r\n",
            b"GET /" + ends + b"Upgrade: Quillfeather\r\nConnection: Upgrade\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            await reader.read(12)
            writer.close()
        server.should_exit = True
        await serving
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(ENTRY.fullmatch(each) for each in lines), lines
    assert "Quillfeather" not in "".join(lines)
    assert any("Exception in ASGI application" in one and "ValueError at" in one for one in lines)
    assert any("Invalid HTTP request received." in one for one in lines)


@pytest.mark.parametrize("logger", [ours, library])
def test_a_message_is_what_the_source_says_and_the_rest_is_left_out(
    tmp_path: Path, logger: logging.Logger
) -> None:
    with log_to(tmp_path) as path:
        logger.error("could not read %s of %d rows, %.1f s", FORGED, 17, 2.5)
        logger.error("it failed: %s, %s and %s", StoreError(NAME), KeyError, "ZeroDivisionError")
        logger.error(f"could not read {FORGED}")  # noqa: G004 - as libraries do
        logger.error(FORGED)
        logger.error(KeyError(NAME))
        logger.error("by name: %(name)s", {"name": NAME})
        logger.error("in detail: %s", StoreError(detail="disk I/O 5").detail)
    said = [each.partition(": ")[2] for each in path.read_text(encoding="utf-8").splitlines()]
    place = r"test_logs\.py:\d+ test_a_message_\w+"
    expected = [
        "could not read … of 17 rows, 2\\.5 s",
        "it failed: StoreError, KeyError and ZeroDivisionError",
        *(place, place, f"{place} KeyError", "by name: .*", "in detail: disk I/O 5"),
    ]
    assert len(said) == len(expected)
    for line, form in zip(said, expected, strict=True):
        assert re.fullmatch(form, line), line
    assert "Quillfeather" not in "".join(said)


def test_not_even_what_is_marked_as_our_own_begins_a_line(tmp_path: Path) -> None:
    with log_to(tmp_path) as path:
        ours.error("detail: %s", Technical("a\nb\u2028c"))
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1


def test_notes_causes_and_groups_of_an_error_keep_their_texts_to_themselves(
    tmp_path: Path,
) -> None:
    one, other = raised(KeyError(NAME)), raised(ValueError(NAME))
    one.add_note(FORGED)
    one.__cause__, other.__context__ = other, one  # in a circle
    group = raised(ExceptionGroup(NAME, [KeyError(NAME), OSError(2, NAME, NAME)]))

    def act() -> None:
        library.error("one", exc_info=one)
        library.error("several", exc_info=group)

    first, second = logged(tmp_path, act)
    assert "[KeyError at test_logs.py" in first
    assert "from ValueError at test_logs.py" in first
    assert "of KeyError at , FileNotFoundError at ]" in second
    assert len(places(one)) < 1000


def test_one_place_in_a_library_does_not_push_out_the_rest(tmp_path: Path) -> None:
    def act() -> None:
        for number in range(1000):
            library.warning("the page says %d", number)
        for number in range(3):
            ours.warning("we say %d", number)

    assert len(logged(tmp_path, act)) == 4


def test_an_error_in_a_thread_is_logged_and_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError(NAME)

    def act() -> None:
        with uncaught_logged():
            thread = threading.Thread(target=fail, name=NAME)
            thread.start()
            thread.join()

    before = threading.excepthook
    (line,) = logged(tmp_path, act)
    assert "a thread ended with an error [KeyError at test_logs.py" in line
    assert threading.excepthook is before
    assert NAME not in "".join(capsys.readouterr())


def test_a_line_without_its_source_is_its_place() -> None:
    record = logging.LogRecord("x", logging.ERROR, "/no/such/file.py", 7, NAME, None, None, "run")
    assert ClosedFormatter().format(record).endswith(" ERROR x: file.py:7 run")


def test_a_message_with_too_few_arguments_is_no_error_of_its_own() -> None:
    record = logging.LogRecord("x", logging.ERROR, __file__, 7, "only %s %s", (NAME,), None, "run")
    assert ClosedFormatter().format(record).endswith(" ERROR x: only … …")


def test_details_of_errors_are_marked_as_our_own() -> None:
    assert isinstance(CompanionError(detail=f"{5} rows").detail, Technical)


def test_a_database_that_is_away_for_days_does_not_fill_the_log(tmp_path: Path) -> None:
    with log_to(tmp_path) as path:
        for _ in range(50):
            ours.warning("a source was not fetched: %s", "DatabaseAway")
            ours.warning("a folder was left out: %s", "DatabaseAway")
            ours.warning("a source was not fetched: %s", "StoreError")
    said = [each.partition(": ")[2] for each in path.read_text(encoding="utf-8").splitlines()]
    assert said.count("a source was not fetched: DatabaseAway") == 1
    assert said.count("a folder was left out: DatabaseAway") == 1
    assert said.count("a source was not fetched: StoreError") == 50
