"""Exports of real practice software: each is read rightly, or asks what it leaves open."""

from pathlib import Path

import pytest

from tests.samples.import_cases import Case, cases, run_case

IDENTITY = frozenset({
    "02", "53", "54", "61s", "62", "63n", "64", "b-group", "b-older", "b-ren", "b-same-id",
    "b-same-source", "b-zeros",
})  # fmt: skip


@pytest.mark.parametrize(
    "case", [each for each in cases() if each["id"] not in IDENTITY], ids=lambda each: each["id"]
)
async def test_an_export_is_read_rightly_or_asked_about(case: Case, tmp_path: Path) -> None:
    outcome = await run_case(case, tmp_path)
    assert outcome.faults == []
