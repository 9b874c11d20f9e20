# SPDX-License-Identifier: Apache-2.0
"""Asking a node about the digests of many files in one body, `POST /v1/match`.

What is put in as columns comes out as an answer for each digest: those that the node
names, and the one that it gives of all others. A body is sent once however often its
connection breaks. More than `MOST` digests are for several bodies.

```python
columns = [Column("sha256", b"".join(digests), count=len(digests))]
matches = match_columns(client, columns, Terms(purpose=..., surface=...))
matches.answer(column=0, place=7).status
```
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fedsafe_cli.lookup.lookup_client import BATCH_DEADLINE_MS, Answer, Terms
from fedsafe_cli.terminal.client import Client, Json
from fedsafe_cli.terminal.errors import BrokenAnswerError

MATCH: Final = "/v1/match"
MOST: Final = 10_000
"""So many digests a body takes, those of all eight orientations counted each."""
_GRACE: Final = 5.0
_RESULTS: Final = frozenset({"none", "review", "incomplete", "deferred"})


@dataclass(frozen=True, slots=True)
class Column:
    """Digests of one kind, behind each other: *count* questions.

    With *orientations* 8, eight digests of a picture are one question. *refs* names the
    account of each question, or None.
    """

    kind: str
    digests: bytes = field(repr=False)
    count: int
    orientations: int = 1
    refs: Sequence[str | None] | None = field(default=None, repr=False)

    def body(self) -> dict[str, Json]:
        """Give its part of a request."""
        part: dict[str, Json] = {
            "kind": self.kind,
            "digests": b64encode(self.digests).decode("ascii"),
            "orientations": self.orientations,
        }
        return part if self.refs is None else part | {"subject_refs": list(self.refs)}


@dataclass(frozen=True, slots=True)
class Matches:
    """What a node says: `found` by column and place, and `rest` of all others."""

    found: Sequence[Mapping[int, Answer]]
    rest: Answer

    def answer(self, column: int, place: int) -> Answer:
        """Give the answer of one question."""
        return self.found[column].get(place, self.rest)


def match_columns(
    client: Client,
    columns: Sequence[Column],
    terms: Terms,
    *,
    service: str | None = None,
    key: str | None = None,
) -> Matches:
    """Ask about all columns at once; a *key* of its own is known by a later call too.

    Raises:
        NodeUnreachableError: the node is gone.
        RefusedError: it refuses the body, by its column and field.
        BrokenAnswerError: it answers what no node would.
    """
    body: dict[str, Json] = {"columns": [column.body() for column in columns]}
    body |= terms.body(BATCH_DEADLINE_MS)
    if service is not None:
        body["service"] = service
    timeout = float(body["deadline_ms"]) / 1000 + _GRACE
    answer = client.change(MATCH, body, timeout=timeout, key=key)
    return _matches(answer, columns)


def _matches(document: Json, columns: Sequence[Column]) -> Matches:
    try:
        parts, rest = document["columns"], document["rest"]
        counts = [part["questions"] for part in parts]
        pairs = [list(zip(part["at"], part["answers"], strict=True)) for part in parts]
        lacks, gate_closed = document["not_covered"], document["gate_closed"]
        results = {rest, *(each["result"] for pair in pairs for _, each in pair)}
    except (TypeError, KeyError, ValueError):
        raise BrokenAnswerError("the node's answer to a match is malformed") from None
    known = all(
        isinstance(place, int) and 0 <= place < column.count
        for column, pair in zip(columns, pairs, strict=False)
        for place, _ in pair
    )
    if counts != [column.count for column in columns] or not known:
        raise BrokenAnswerError("the node's answer is not about what was asked")
    if not results <= _RESULTS:
        raise BrokenAnswerError("the node's answer to a match has an unknown result")
    others: dict[str, Json] = {
        "result": rest,
        "matches": [],
        "not_covered": lacks,
        "gate_closed": gate_closed,
    }
    found = [{place: Answer(each) for place, each in pair} for pair in pairs]
    return Matches(found, Answer(others))
