# SPDX-License-Identifier: Apache-2.0
"""Signals that match many accounts, and who judges them."""

from tests.node.review.conftest import Ward, about, match
from tests.node.signals.conftest import BOT

from fedsafe_node.acts.lookup import Match
from fedsafe_node.review.floods import Judged, judge_floods
from fedsafe_node.review.task_start import open_review
from fedsafe_node.store.transaction import Transaction

BOUND = 10


async def judge(ward: Ward, subject: str | None, *matches: Match) -> Judged:
    """Judge the matches of an account, and open what they open."""
    found, now = matches or (match(1),), ward.desk.clock.now()

    async def act(tx: Transaction) -> Judged:
        judged = await judge_floods(
            ward.desk,
            tx,
            subject,
            found,
            now,
            about=about(*found),
            by=BOT.name,
            service="local",
        )
        if judged.restricting:
            opened = await open_review(
                ward.desk,
                tx,
                subject,
                judged.restricting,
                now,
                by=BOT.name,
                service="local",
            )
            judged.events += opened.events
        await tx.append_many(ward.desk.trail.log, judged.events)
        return judged

    return await ward.desk.store.write(act)
