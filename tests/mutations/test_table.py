"""The mutations still fit the code, so that a run of them says something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations.mutation import DoesNotApply, Mutation
from tests.mutations.table import MUTATIONS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_fits_and_names_tests_that_exist(mutation: Mutation) -> None:
    """Catches a table that has gone stale: a defect that is never put in is never noticed."""
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    assert mutation.applied(text) != text
    assert mutation.tests
    for test in mutation.tests:
        assert (ROOT / test).is_file()


def test_names_are_unique_and_a_stale_mutation_is_told() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    with pytest.raises(DoesNotApply):
        Mutation("x", "y", "old", "new", ()).applied("something else")
