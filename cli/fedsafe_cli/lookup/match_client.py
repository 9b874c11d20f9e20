# SPDX-License-Identifier: Apache-2.0
"""Asking a node about many single digests in one body, `POST /v1/match`.

What stands alone on its line is a question of its own, and so it is in a column: one of
the budget, one verdict. What a file with several digests asks stays one question in a
batch, whichever of them a signal holds.

A body is asked once however often its connection breaks.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fedsafe_cli.lookup.lookup_client import (
    BATCH_DEADLINE_MS,
    Answer,
    Outcome,
    Terms,
    ask_many,
    refused,
)
from fedsafe_cli.terminal.client import Client, Json
from fedsafe_cli.terminal.errors import BrokenAnswerError, RefusedError
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.inputs import Account
from fedsafe_policies.ground.catalogue import Phrase

MATCH: Final = "/v1/match"
MOST: Final = 1_000
"""So many questions a body and a batch take, also of pictures in eight orientations."""
_GRACE: Final = 5.0
_PICTURE: Final = 32
_RESULTS: Final = frozenset({"none", "review", "incomplete", "deferred"})


@dataclass(frozen=True, slots=True)
class Column:
    """Digests of one kind, behind each other: *count* questions.

    With *orientations* 8, eight digests of a picture are one question.
    """

    kind: str
    digests: bytes = field(repr=False)
    count: int
    orientations: int = 1
    refs: Sequence[str | None] = ()
    """The account of each question, if any has one."""

    def body(self) -> dict[str, Json]:
        """Give its part of a request."""
        body: dict[str, Json] = {
            "kind": self.kind,
            "digests": b64encode(self.digests).decode("ascii"),
            "orientations": self.orientations,
        }
        return body | ({"subject_refs": list(self.refs)} if any(self.refs) else {})


@dataclass(frozen=True, slots=True)
class Matches:
    """What a node says: `found` by column and place, and `rest` of all others."""

    found: Sequence[Mapping[int, Answer]]
    rest: Answer

    def answer(self, column: int, place: int) -> Answer:
        """Give the answer of one question."""
        return self.found[column].get(place, self.rest)


def ask_digests(
    client: Client, accounts: Sequence[Account], terms: Terms
) -> list[Outcome]:
    """Ask about files by their digests, in order: single ones in columns.

    A refusal of the columns that is theirs is looked for in a batch, which tells of
    each.

    Raises:
        NodeUnreachableError: the node is gone.
        BrokenAnswerError: it answers what no node would.
    """
    columns, places = _columns(accounts)
    if not columns:
        return ask_many(client, accounts, terms)
    alone = [place for found in places for place in found]
    rest = sorted(set(range(len(accounts))) - set(alone))
    outcomes: dict[int, Outcome] = {}
    try:
        matches = match_columns(client, columns, terms)
    except RefusedError as error:
        if error.status is ExitStatus.BAD_INPUT:
            rest = list(range(len(accounts)))
        else:
            outcomes |= {place: refused(error, accounts[place]) for place in alone}
    else:
        for column, found in enumerate(places):
            for at, place in enumerate(found):
                outcomes[place] = matches.answer(column, at)
    if rest:
        others = ask_many(client, [accounts[place] for place in rest], terms)
        outcomes |= zip(rest, others, strict=True)
    return [outcomes[place] for place in range(len(accounts))]


def _columns(accounts: Sequence[Account]) -> tuple[list[Column], list[list[int]]]:
    """Gather single digests by kind, with the place of each."""
    digests: dict[tuple[str, int], bytearray] = {}
    places: dict[tuple[str, int], list[int]] = {}
    for place, account in enumerate(accounts):
        if not account.lone or account.unreadable:
            continue
        (question,) = account.questions
        digest = bytes.fromhex(question["value"])
        turned = len(digest) // _PICTURE if question["kind"] == "pdq" else 1
        key = question["kind"], turned
        digests.setdefault(key, bytearray()).extend(digest)
        places.setdefault(key, []).append(place)
    columns = [
        Column(
            kind,
            bytes(digests[kind, turned]),
            len(found),
            turned,
            [accounts[place].subject_ref for place in found],
        )
        for (kind, turned), found in places.items()
    ]
    return columns, list(places.values())


def match_columns(client: Client, columns: Sequence[Column], terms: Terms) -> Matches:
    """Ask about all columns at once.

    Raises:
        NodeUnreachableError: the node is gone.
        RefusedError: it refuses the body, by its column and field.
        BrokenAnswerError: it answers what no node would.
    """
    body: dict[str, Json] = {"columns": [column.body() for column in columns]}
    body |= terms.body(BATCH_DEADLINE_MS)
    timeout = float(body["deadline_ms"]) / 1000 + _GRACE
    return _matches(client.change(MATCH, body, timeout=timeout), columns)


def _matches(document: Json, columns: Sequence[Column]) -> Matches:
    try:
        parts, rest = document["columns"], document["rest"]
        counts = [part["questions"] for part in parts]
        pairs = [list(zip(part["at"], part["answers"], strict=True)) for part in parts]
        lacks, gate_closed = document["not_covered"], document["gate_closed"]
        results = {rest, *(each["result"] for pair in pairs for _, each in pair)}
    except (TypeError, KeyError, ValueError):
        raise BrokenAnswerError(
            Phrase("the node's answer to a match is malformed")
        ) from None
    known = all(
        isinstance(place, int) and 0 <= place < column.count
        for column, pair in zip(columns, pairs, strict=False)
        for place, _ in pair
    )
    if counts != [column.count for column in columns] or not known:
        raise BrokenAnswerError(Phrase("the node's answer is not about what was asked"))
    if not results <= _RESULTS:
        raise BrokenAnswerError(
            Phrase("the node's answer to a match has an unknown result")
        )
    others: dict[str, Json] = {
        "result": rest,
        "matches": [],
        "not_covered": lacks,
        "gate_closed": gate_closed,
    }
    found = [{place: Answer(each) for place, each in pair} for pair in pairs]
    return Matches(found, Answer(others))
