# SPDX-License-Identifier: Apache-2.0
"""One cheat among honest participants: in a new key's run, and in a resharing."""

from collections.abc import Mapping

from tests.crypto.dkg.rounds import (
    Table,
    complaints_of,
    finished,
    held_of,
    reshared,
    resharing_of,
    run_of,
)

from fedsafe_crypto.dkg.messages import Reason, Verdict, digest_of, transcript_of, write
from fedsafe_crypto.oprf.shares import draw_polynomial

NEW = "a new key"
ANEW = "a key shared anew"
CHEAT = 3

OLDER = finished(run_of(2, (1, 2, 3)))
OLD = reshared(OLDER, 2, (1, 2, 3))


def table_of(kind: str) -> Table:
    """One leaves, two stay (the cheat among them), two join, t becomes 3."""
    if kind == NEW:
        return Table(run_of(2, (1, 2, 3)))
    return Table(resharing_of(OLD, 3, (2, 3, 5, 7)), held_of(OLD))


def honest_of(table: Table) -> list[int]:
    return [index for index in table.run.participants if index != CHEAT]


def polynomial_of(table: Table) -> list[bytes]:
    """Draw what the cheat would have to deal."""
    secret = OLD[CHEAT].share.secret if table.run.source else None
    return draw_polynomial(table.run.threshold, secret=secret)


def check_named(table: Table, reason: Reason) -> None:
    found = table.found(honest_of(table))
    settled = {(each.about, each.reason) for each in found if not each.cites}
    assert settled == {(CHEAT, reason)}
    assert {each.guilty for each in found} == {CHEAT}


def check_nobody_opens_the_honest(table: Table) -> None:
    for index in honest_of(table):
        if index in table.third:
            for complaint in complaints_of(table.third[index]):
                assert complaint.about == CHEAT


def agreed_by_all(table: Table, deals: Mapping[int, bytes]) -> dict[int, bytes]:
    """Let every recipient agree to some deals, whatever they are worth."""
    announced = table.views[table.run.indices[0]].announcements
    cited = [digest_of(announced[index]) for index in table.run.indices]
    transcript = transcript_of(table.run, cited, deals)
    return {
        index: write(
            table.run, Verdict(sender=index, transcript=transcript, complaints=())
        )
        for index in table.run.indices
    }
