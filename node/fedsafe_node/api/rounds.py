# SPDX-License-Identifier: Apache-2.0
"""Review rounds of the audit log over HTTP."""

from typing import Annotated, Final

import msgspec

from fedsafe_node.acts.rounds import (
    AnswerQuestion,
    AskedQuestion,
    AskedQuestions,
    MarkRound,
    OpenRound,
    RoundAnswer,
    RoundEntries,
    RoundEntryShown,
    RoundId,
    RoundMarks,
    RoundQuery,
    RoundsAnswer,
)
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.call import Call
from fedsafe_node.api.route import KIB, Lane, Route
from fedsafe_policies.vocabulary import Role

_Index = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,14})(?!\n)$")]
_ROUND: Final = {"round": RoundId}
_ENTRY: Final = {"round": RoundId, "entry": _Index}
_OFFICERS: Final = frozenset({Role.REVIEWER, Role.DPO, Role.AUDITOR})
_QUESTION: Final = {"question": _Index}
_GONE: Final = frozenset({404, 409})


async def open_round(call: Call) -> object:
    """Open a round."""
    return await call.services.rounds.open(
        call.body(OpenRound), call.principal, once=call.once
    )


async def list_rounds(call: Call) -> object:
    """List all rounds."""
    return await call.services.rounds.listed(call.principal)


async def show_round(call: Call) -> object:
    """Tell how a round stands."""
    return await call.services.rounds.show(call.path["round"], call.principal)


async def list_round_entries(call: Call) -> object:
    """List what a round reviews."""
    query = call.parameters(RoundQuery)
    return await call.services.rounds.entries(
        call.path["round"], query.since, query.limit, call.principal
    )


async def show_round_entry(call: Call) -> object:
    """Show one entry of a round."""
    return await call.services.rounds.entry(
        call.path["round"], int(call.path["entry"]), call.principal
    )


async def list_round_marks(call: Call) -> object:
    """List the marks of a round."""
    return await call.services.rounds.marks(call.path["round"], call.principal)


async def mark_round(call: Call) -> object:
    """Mark entries of a round."""
    return await call.services.rounds.mark(
        call.path["round"], call.body(MarkRound), call.principal, once=call.once
    )


async def sign_round(call: Call) -> object:
    """Sign a round."""
    return await call.services.rounds.sign(
        call.path["round"], call.principal, once=call.once
    )


async def list_questions(call: Call) -> object:
    """List what somebody is asked about own acts."""
    return await call.services.rounds.questions(call.principal)


async def answer_question(call: Call) -> object:
    """Answer a question about own acts."""
    return await call.services.rounds.reply(
        int(call.path["question"]),
        call.body(AnswerQuestion),
        call.principal,
        once=call.once,
    )


ROUND_ROUTES: Final = (
    Route(
        name="openRound",
        method="POST",
        path="/v1/rounds",
        handler=open_round,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.BATCHES,
        summary="Open a review round of the audit log, and draw its sample",
        status=201,
        body=OpenRound,
        limit=KIB,
        answer=RoundAnswer,
        idempotent=True,
        refusals=frozenset({409}),
    ),
    Route(
        name="listRounds",
        method="GET",
        path="/v1/rounds",
        handler=list_rounds,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.READS,
        summary="List the review rounds, and how far the log is reviewed",
        answer=RoundsAnswer,
    ),
    Route(
        name="showRound",
        method="GET",
        path="/v1/rounds/{round}",
        handler=show_round,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.READS,
        summary="Tell how a review round stands",
        path_types=_ROUND,
        answer=RoundAnswer,
        refusals=frozenset({404}),
    ),
    Route(
        name="listRoundEntries",
        method="GET",
        path="/v1/rounds/{round}/entries",
        handler=list_round_entries,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.BATCHES,
        summary="List what a review round reviews, without who and about whom",
        path_types=_ROUND,
        query=RoundQuery,
        answer=RoundEntries,
        refusals=frozenset({404}),
    ),
    Route(
        name="showRoundEntry",
        method="GET",
        path="/v1/rounds/{round}/entries/{entry}",
        handler=show_round_entry,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.READS,
        summary="Show one entry of a review round, with what was found",
        path_types=_ENTRY,
        answer=RoundEntryShown,
        refusals=frozenset({404}),
    ),
    Route(
        name="listRoundMarks",
        method="GET",
        path="/v1/rounds/{round}/marks",
        handler=list_round_marks,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.BATCHES,
        summary="List what was found in a review round, with the reasons",
        path_types=_ROUND,
        answer=RoundMarks,
        refusals=frozenset({404}),
    ),
    Route(
        name="markRound",
        method="POST",
        path="/v1/rounds/{round}/mark",
        handler=mark_round,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.WRITES,
        summary="Say of entries that they are plausible, to be asked about, or wrong",
        body=MarkRound,
        limit=16 * KIB,
        path_types=_ROUND,
        answer=RoundAnswer,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="signRound",
        method="POST",
        path="/v1/rounds/{round}/sign",
        handler=sign_round,
        auth=Auth.CREDENTIAL,
        roles=_OFFICERS,
        lane=Lane.BATCHES,
        summary="Sign that the log is reviewed to where the round ends",
        path_types=_ROUND,
        answer=RoundAnswer,
        idempotent=True,
        refusals=_GONE,
    ),
    Route(
        name="listQuestions",
        method="GET",
        path="/v1/questions",
        handler=list_questions,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.READS,
        summary="List what review rounds ask you about acts of your own",
        answer=AskedQuestions,
    ),
    Route(
        name="answerQuestion",
        method="POST",
        path="/v1/questions/{question}/answer",
        handler=answer_question,
        auth=Auth.CREDENTIAL,
        roles=PERSONS,
        lane=Lane.WRITES,
        summary="Answer what a review round asks you about acts of your own",
        body=AnswerQuestion,
        limit=16 * KIB,
        path_types=_QUESTION,
        answer=AskedQuestion,
        idempotent=True,
        refusals=_GONE,
    ),
)
