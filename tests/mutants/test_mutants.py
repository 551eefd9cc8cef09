"""The mutants keep up with the code; planting them all is the long test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant
from tests.mutants.mutants import MUTANTS
from tests.mutants.run import copy_project, noticed

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_has_exactly_one_place_to_be_planted(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text("utf-8").count(mutant.before) == 1
    assert mutant.before != mutant.after
    assert all((ROOT / test).is_file() for test in mutant.tests)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_mutant_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    copy_project(tmp_path)
    caught, _test = noticed(tmp_path, mutant)
    assert caught
