"""The practice's OAuth client file: first, replaced, renewed."""

import json

import pytest

from companion.domain.errors import (
    BadInput,
    ClientFileMissing,
)
from tests.fakes.connecting import (
    BACK,
    CLIENT,
    Fixture,
)


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


async def test_the_client_file_is_checked_kept_sealed_and_named(fixture: Fixture) -> None:
    fixture.secrets.kept.clear()
    assert await fixture.service.client_name() is None
    with pytest.raises(ClientFileMissing):
        await fixture.service.begin("zoe", redirect_uri=BACK)
    assert (await fixture.service.set_client(CLIENT)).sentence == (
        "The Google client riverside-physio was added."
    )
    assert await fixture.service.client_name() == "riverside-physio"


def client(client_id: str = "one", secret: str = "made-up", name: str = "riverside") -> bytes:
    inner = {"project_id": name, "client_id": client_id, "client_secret": secret}
    return json.dumps({"installed": inner}).encode()


async def test_the_client_that_is_kept_already_is_noticed_and_changes_nothing(
    fixture: Fixture,
) -> None:
    await fixture.service.set_client(client())
    kept, said = dict(fixture.secrets.kept), len(fixture.activity.lines)
    change = await fixture.service.set_client(client() + b"\n")
    assert change.sentence == (
        "This is already the practice's Google client: riverside. Nothing changed."
    )
    assert fixture.secrets.kept == kept
    assert len(fixture.activity.lines) == said


async def test_a_new_secret_of_the_same_client_is_kept_without_connecting_again(
    fixture: Fixture,
) -> None:
    await fixture.service.set_client(client())
    await fixture.connect()
    change = await fixture.service.set_client(client(secret="newer"))
    assert (change.kind, change.held) == ("renewed", False)
    assert "newer" in fixture.secrets.kept["google/client"]


async def test_another_client_waits_for_confirmation_while_a_practitioner_is_signed_in(
    fixture: Fixture,
) -> None:
    await fixture.service.set_client(client())
    await fixture.connect()
    change = await fixture.service.set_client(client("two", name="harbour"))
    assert change.held
    assert change.signed_in == ("Zoë O'Brien-Nguyễn",)
    assert change.sentence == (
        "This is another Google client than riverside: 1 practitioner has to connect again."
    )
    assert await fixture.service.client_name() == "riverside"
    change = await fixture.service.set_client(client("two", name="harbour"), replace=True)
    assert not change.held
    assert await fixture.service.client_name() == "harbour"


async def test_another_client_is_kept_at_once_while_no_practitioner_is_signed_in(
    fixture: Fixture,
) -> None:
    await fixture.service.set_client(client())
    change = await fixture.service.set_client(client("two", name="harbour"))
    assert (change.kind, change.held) == ("other", False)
    assert await fixture.service.client_name() == "harbour"


async def test_a_client_that_cannot_be_read_any_more_is_simply_replaced(fixture: Fixture) -> None:
    fixture.secrets.kept["google/client"] = "{}"
    assert (await fixture.service.set_client(client())).kind == "first"


async def test_a_wrong_client_file_leaves_the_old_one(fixture: Fixture) -> None:
    with pytest.raises(BadInput):
        await fixture.service.set_client(b"{}")
    assert await fixture.service.client_name() == "riverside-physio"
