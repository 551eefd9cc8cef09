"""Exports of real practice software: each is read rightly, or asks what it leaves open."""

from pathlib import Path

import pytest

from tests.samples.import_cases import Case, cases, run_case


@pytest.mark.parametrize("case", cases(), ids=lambda each: each["id"])
async def test_an_export_is_read_rightly_or_asked_about(case: Case, tmp_path: Path) -> None:
    outcome = await run_case(case, tmp_path)
    assert outcome.faults == []
