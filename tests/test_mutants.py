# SPDX-License-Identifier: Apache-2.0
"""The table of mutants speaks of the code as it is."""

from tests.campaigns.mutants import (
    REPOSITORY,
    difference,
    explained,
    targets,
    without_statements,
)

CODE = """\
def keep(rows):
    for row in rows:
        if row.ends < now:
            raise TooOldError(
                row.id
            )
        store.keep(row)
    total += len(rows)
"""


def test_every_target_and_its_tests_are_there() -> None:
    for target in targets():
        for path in (target.path, *target.tests):
            assert (REPOSITORY / path).exists(), path


def test_every_explained_line_still_stands_in_its_module() -> None:
    for key in explained():
        path, _, change = key.partition("\n")
        lines = {line.strip() for line in (REPOSITORY / path).read_text().splitlines()}
        gone = [line[1:] for line in change.splitlines() if line.startswith("-")]
        assert gone, f"{path}: {change}"
        assert set(gone) <= lines, f"{path}: {change}"


def test_each_statement_that_does_something_is_left_out_once() -> None:
    told = [difference(CODE, changed) for changed in without_statements(CODE)]

    assert told == [
        "in keep\n-total += len(rows)\n+pass",
        "in keep\n-store.keep(row)\n+pass",
        "in keep\n-raise TooOldError(\n-row.id\n-)\n+pass",
    ]
