"""What strangers hand in at the doors: a sentence, never a traceback, and nothing half done."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companion.adapters.backup.archive import SealedArchive
from companion.adapters.google.client_file import read_client
from companion.adapters.own_layouts import OwnLayouts
from companion.domain.errors import CompanionError
from companion.services.imports.mappings import check_mapping
from companion.services.maintenance.backup import PARTS
from tests.contract.feed_listening import listening

bounded = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TOML_PIECES = st.sampled_from(
    ["[columns]", "[values]", "columns", "start", "=", '"Start"', "'", "[[", "]", "{", "}", "1e999",
     "date_order", '"dmy"', "\n", "\x00", "\ud7ff", "é", "[practitioners]", "a.b.c", "[" * 300]
)  # fmt: skip
toml_like = st.one_of(st.text(max_size=200), st.lists(TOML_PIECES, max_size=30).map(" ".join))
heads = st.sampled_from(
    [b"GET ", b"HEAD ", b"POST ", b"/feeds/", b"A" * 43, b".ics", b" HTTP/1.1", b"\r\n", b":",
     b"Host: a", b"If-None-Match: *", b"X-Forwarded-For: ,", b"Content-Length: 5",
     b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"Upgrade: websocket", b"\xff", b"%00"]
)  # fmt: skip


magics = st.sampled_from([b"", b"CCBACKUP1\n", b"CCBACKUP2\n"])
keys = st.sampled_from(
    ["installed", "web", "client_id", "client_secret", "auth_uri", "token_uri", "redirect_uris",
     "type", "private_key", "client_email", "project_id"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["service_account", "https://[", "http://[", "x:99999"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=12,
)  # fmt: skip


@bounded
@given(content=st.binary(max_size=100) | values.map(lambda each: json.dumps(each).encode()))
def test_any_client_file_is_taken_or_refused_in_words(content: bytes) -> None:
    with suppress(CompanionError):
        read_client(content)


@bounded
@given(text=toml_like)
def test_any_mapping_is_taken_or_refused_in_words(text: str) -> None:
    with suppress(CompanionError):
        check_mapping(text)


@bounded
@given(text=toml_like)
def test_any_layout_of_ones_own_is_taken_or_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(CompanionError):
        OwnLayouts(tmp_path).read()


@bounded
@given(
    content=st.binary(max_size=400), magic=st.sampled_from([b"", b"CCBACKUP1\n", b"CCBACKUP2\n"])
)
def test_no_file_is_taken_for_a_backup_and_none_leaves_anything(
    tmp_path: Path, content: bytes, magic: bytes
) -> None:
    path, folder = tmp_path / "a.ccbackup", tmp_path / "out"
    path.write_bytes(magic + content)
    with pytest.raises(CompanionError):
        SealedArchive().read(path, "quince lattice ember walrus", folder, PARTS)
    assert not folder.exists() or not [*folder.iterdir()]


@settings(bounded, max_examples=5)
@given(requests=st.lists(st.lists(heads, max_size=12).map(b"".join), min_size=5, max_size=8))
def test_no_bytes_stop_the_listener_for_phones(requests: list[bytes]) -> None:
    async def hear() -> None:
        async with listening() as feed:
            for each in requests:
                said = await feed.say(each + b"\r\n\r\n")
                assert b"Traceback" not in said
                assert b"VCALENDAR" not in said
            assert await feed.is_alive()

    asyncio.run(hear())
