# SPDX-License-Identifier: Apache-2.0
"""Poison a list of files, and count whom it restricts at another member.

Two lists are imported and approved at a.demo, each as one act. One digest of each is
that of a file that a thousand accounts of b.demo have. The first list says that it was
taken over, so it is on trial (P22) and restricts nobody. The second says that all of it
is a.demo's own finding, which nobody can check: it restricts no more than the bound of
P21 for its kind. Status 1 says that either was broken.

    python -m tests.campaigns.poison [--digests 100000] [--accounts 1000] [--seed 1]
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import NAMES, Fleet, copy_of, make_founded
from tests.support.lookup_questions import is_restricted

from fedsafe_node.acts.bodies import (
    MAX_IMPORT,
    ImportRequest,
    Kind,
    ListSource,
    Question,
)
from fedsafe_node.acts.lookup import BatchRequest, LookupAnswer, Result, Subject
from fedsafe_node.acts.trials import TrialsQuery
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.rules.publication import FILES_WITHOUT_LIST
from fedsafe_policies.vocabulary import Provenance, Purpose, Scope, Surface

ORIGIN: Final = "a.demo"
ELSEWHERE: Final = "b.demo"
SAID: Final = ListSource(name="list", source="hotline.example", signature="pgp:8a1f")
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Restricted:
    """How many accounts had each file, and how many were restricted.

    `taken` by the list that was taken over, `drawn` for a review of it; `own` by the
    list of findings, and `reviewable` whoever had that file.
    """

    accounts: int
    bound: int
    taken: int
    drawn: int
    own: int
    reviewable: int

    @property
    def holds(self) -> bool:
        """Whether the poison has done no more than it may."""
        return (
            self.taken == 0
            and 0 < self.own <= self.bound
            and self.reviewable == self.accounts
        )


async def poison(fleet: Fleet, *, digests: int, accounts: int, seed: int) -> Restricted:
    """Import lists with one poison each, and let accounts have those files.

    All nodes of *fleet* run and have heard of each other.
    """
    dice = Random(seed)  # noqa: S311
    node, poisons = fleet[ELSEWHERE], list[str]()
    for provenance in (Provenance.IMPORTED_LIST, Provenance.OWN_FINDING):
        values = [sha256(dice.randbytes(9)).hexdigest() for _ in range(digests)]
        await _import(fleet[ORIGIN], values, provenance)
        await fleet.level(ORIGIN, (ELSEWHERE,), patience=10 + digests / 100)
        poisons.append(dice.choice(values))
    taken, own = [await _ask(node, each, accounts) for each in poisons]
    (trial,) = (await node.services.trials.list(TrialsQuery(), RITA)).trials
    return Restricted(
        accounts=accounts,
        bound=node.base.situation.policy.document.flood.sha256,
        taken=sum(map(is_restricted, taken)),
        drawn=trial.drawn,
        own=sum(map(is_restricted, own)),
        reviewable=sum(each.result is Result.REVIEW for each in own),
    )


async def _import(
    node: RunningNode, values: Sequence[str], provenance: Provenance
) -> None:
    situation, signals = node.base.situation, node.services.signals
    policy = situation.policy
    most = 2 * len(values)
    said = replace(SAID, name=provenance.value)
    budgets = replace(
        policy.document.budgets, publications_an_hour=most, publications_a_day=most
    )
    situation.policy = Policy(replace(policy.document, budgets=budgets), policy.digest)
    is_list = provenance is Provenance.IMPORTED_LIST
    size = MAX_IMPORT if is_list else FILES_WITHOUT_LIST
    for start in range(0, len(values), size):
        part = [
            request_for(
                value, kind=Kind.SHA256, scope=Scope.FEDERATION, provenance=provenance
            )
            for value in values[start : start + size]
        ]
        request = ImportRequest(signals=part, list=said if is_list else None)
        answer = await signals.add_many(request, ANNA)
        assert answer.problems == []
        if not is_list:  # nobody else's: in parts that somebody has looked at
            names = [str(each) for each in answer.signals]
            assert (await signals.approve(names, RITA)).approved == names
    if is_list:
        seen = await signals.lists.examine(said.name, [], RITA)
        done = await signals.lists.approve(said.name, seen.digest, RITA)
        assert (done.approved, done.refused) == (len(values), 0)


async def _ask(node: RunningNode, value: str, accounts: int) -> list[LookupAnswer]:
    answers: list[LookupAnswer] = []
    question = Question(kind=Kind.SHA256, value=value)
    for start in range(0, accounts, BATCH):
        asked = [
            Subject(questions=[question], subject_ref=f"acc-{number:05}")
            for number in range(start, min(start + BATCH, accounts))
        ]
        batch = BatchRequest(
            lookups=asked,
            purpose=Purpose.MEDIA_MATCHING,
            surface=Surface.PUBLIC_CONTENT,
        )
        answer = await node.services.lookups.batch(batch, BOT)
        answers += [each for each in answer.answers if each is not None]
    assert len(answers) == accounts
    return answers


async def _run(digests: int, accounts: int, seed: int) -> Restricted:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        await make_founded(root / "founded")
        fleet = copy_of(root / "founded", root / "n")
        await fleet.start(*NAMES)
        await fleet.covered()
        try:
            return await poison(fleet, digests=digests, accounts=accounts, seed=seed)
        finally:
            await fleet.close()


def main() -> int:
    """Run it, print its figures, and say by the status whether it holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--digests", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    found = asyncio.run(_run(told.digests, told.accounts, told.seed))
    print(f"seed {told.seed}, two lists of {told.digests:,} with one poison each")
    print(f"taken over: {found.taken} of {found.accounts:,} accounts restricted,")
    print(f"  {found.drawn} drawn for a review")
    print(f"own finding: {found.own} restricted, bound {found.bound};")
    print(f"  {found.reviewable:,} are a reason to review")
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main())
