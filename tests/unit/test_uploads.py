"""Uploads: what the page's button and the command do alike."""

from __future__ import annotations

import asyncio

import pytest

from companion.domain.errors import SignInExpired
from companion.services.settings.setup import progress_of
from companion.services.sync.passes import PassResult
from companion.services.sync.progress import Progress
from tests.fakes.services import FakeApplication
from tests.unit.test_signin_trouble import calendar, connected


def marked(application: FakeApplication) -> bool:
    return progress_of(application.settings.read().practitioner("anna")).steps[-1].done


async def test_an_upload_writes_proves_and_marks_the_step() -> None:
    application = await connected(5)
    seen: list[PassResult] = []

    def written(result: PassResult) -> None:
        assert not marked(application), "told before the proof is there"
        seen.append(result)

    phases: list[Progress] = []
    result = await application.services.uploads.run(
        "anna", progress=phases.append, on_written=written
    )
    assert seen == [result.written]
    assert result.proof is not None
    assert (result.written.inserted, result.proof.book, result.proof.google) == (5, 5, 5)
    assert phases[-1].phase == "done"
    assert marked(application)


async def test_an_upload_that_fails_gives_neither_proof_nor_mark() -> None:
    application = await connected(5)
    calendar(application).fail_next(SignInExpired("Signed out.", "Sign in."))
    result = await application.services.uploads.run("anna")
    assert isinstance(result.written.error, SignInExpired)
    assert result.proof is None
    assert not marked(application)


async def test_an_upload_that_cannot_be_proved_is_not_marked() -> None:
    application = await connected(5)

    def lose_the_sign_in(_result: PassResult) -> None:
        calendar(application).fail_next(SignInExpired("Signed out.", "Sign in."))

    result = await application.services.uploads.run("anna", on_written=lose_the_sign_in)
    assert (result.written.error, result.written.inserted) == (None, 5)
    assert result.proof is None
    assert not marked(application)


async def test_a_cancelled_upload_goes_on_where_it_stopped() -> None:
    application = await connected(200)

    def stop(progress: Progress) -> None:
        if progress.done:
            application.services.uploads.cancel("anna")

    with pytest.raises(asyncio.CancelledError):
        await application.services.uploads.run("anna", progress=stop)
    begun = len(calendar(application).ours())
    assert 0 < begun < 200
    assert not marked(application)
    result = await application.services.uploads.run("anna")
    assert len(calendar(application).ours()) == 200
    assert result.proof is not None
    assert result.proof.equal
