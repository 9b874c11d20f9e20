# SPDX-License-Identifier: Apache-2.0
"""Asking a node about many accounts, in order and without losing any.

Inputs are taken in pieces. One account alone is one lookup; more go as batches. A
piece that the node refuses as a whole is asked again in halves, so that only the
input at fault is answered with a problem. A node that says *later* (429, 503)
defers the piece; one that is gone ends the run, and what it leaves unanswered says
so: no answer is never the answer "no signal".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from typing import Final

from fedsafe_cli.terminal.client import Client, Json
from fedsafe_cli.terminal.errors import BrokenAnswerError, CliError, RefusedError
from fedsafe_cli.terminal.exit_codes import ExitStatus, worst
from fedsafe_cli.terminal.inputs import Account, Fault, Unreadable, field_of
from fedsafe_cli.terminal.texts import words
from fedsafe_policies.ground.catalogue import Phrase, joined, received

PIECE: Final = 1_000
SINGLE: Final = "/v1/lookup"
BATCH: Final = "/v1/lookup/batch"
SINGLE_DEADLINE_MS: Final = 800
BATCH_DEADLINE_MS: Final = 60_000
_GRACE: Final = 5.0
_STATUS: Final = {
    "none": ExitStatus.NO_SIGNAL,
    "review": ExitStatus.MATCH,
    "incomplete": ExitStatus.INCOMPLETE,
    "deferred": ExitStatus.DEFERRED,
}


def is_flood(body: dict[str, Json]) -> bool:
    """Tell a match that restricts nobody: its signal hits too many accounts (P21)."""
    return body.get("result") == "review" and body.get("reason") == "flood"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the node says of one input; `body` is its `LookupAnswer`."""

    body: dict[str, Json]

    @property
    def status(self) -> ExitStatus:
        """The exit status that this answer stands for.

        Where nothing but an unreadable value is in the way of *no signal*, asking
        again changes nothing, so that is no `INCOMPLETE`.
        """
        body, status = self.body, _STATUS[self.body["result"]]
        if is_flood(body):
            return ExitStatus.FLOOD
        if body.get("picture_unread"):
            return worst((status, ExitStatus.BAD_INPUT))
        if status is not ExitStatus.INCOMPLETE or body.get("not_covered"):
            return status
        return ExitStatus.BAD_INPUT if body.get("unreadable") else status


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one input has no answer."""

    fault: Fault
    status: ExitStatus
    ended: bool = False
    """The run ended here; the error that ended it follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for all questions of a run."""

    purpose: str
    surface: str | None = None
    deadline_ms: int | None = None

    def body(self, usual_ms: int) -> dict[str, Json]:
        """Return their fields of a request."""
        deadline_ms = self.deadline_ms or usual_ms
        fields: dict[str, Json] = {"purpose": self.purpose, "deadline_ms": deadline_ms}
        return fields if self.surface is None else fields | {"surface": self.surface}


Outcome = Answer | Refusal
AskMany = Callable[[Client, Sequence[Account], Terms], list[Outcome]]


def ask_all(  # noqa: PLR0913 - what is asked, and how
    client: Client,
    items: Iterable[Account | Fault],
    terms: Terms,
    *,
    advance: Callable[[int], None] | None = None,
    together: int = PIECE,
    many: AskMany | None = None,
    enough: Callable[[], bool] | None = None,
) -> Iterator[Outcome]:
    """Yield an outcome for each item, in order; so many are asked *together*.

    How *many* are asked is another's to say, if it is not as a batch; fewer are once
    there are *enough*.

    Of an error, items that were taken and have no answer are told as `unanswered`
    before it is raised; later ones are left in `items`.

    Raises:
        NodeUnreachableError: the node is gone; what was yielded stands.
        BrokenAnswerError: it answers what no node would.
    """
    source = iter(items)
    head = list(islice(source, 2))
    if len(head) == 1 and isinstance(head[0], Account):
        try:
            outcome = _ask_one(client, head[0], terms)
        except CliError as error:
            yield unanswered(head[0], error)
            raise
        yield outcome
        return
    rest = chain(head, source)
    while piece := _piece(rest, together, enough):
        accounts = [item for item in piece if isinstance(item, Account)]
        try:
            answers = iter(
                (many or ask_many)(client, accounts, terms) if accounts else ()
            )
        except CliError as error:
            yield from (unanswered(item, error) for item in piece)
            raise
        for item in piece:
            if isinstance(item, Fault):
                yield Refusal(item, ExitStatus.BAD_INPUT)
            else:
                yield next(answers)
        if advance is not None:
            advance(len(piece))


def _piece(
    rest: Iterator[Account | Fault], most: int, enough: Callable[[], bool] | None
) -> list[Account | Fault]:
    if enough is None:
        return list(islice(rest, most))
    piece: list[Account | Fault] = []
    for item in islice(rest, most):
        piece.append(item)
        if enough():
            break
    return piece


def unanswered(item: Account | Fault, error: CliError) -> Refusal:
    """Say of an item that the run ended, with an error, before its answer."""
    if isinstance(item, Fault):
        return Refusal(item, ExitStatus.BAD_INPUT)
    return Refusal(Fault(error.code, error.message), error.status, ended=True)


def _ask_one(client: Client, account: Account, terms: Terms) -> Outcome:
    body = account.body() | terms.body(SINGLE_DEADLINE_MS)
    try:
        answer = client.post(SINGLE, body, timeout=_patience(body))
    except RefusedError as error:
        return refused(error, account)
    return _answer(answer, account)


def ask_many(
    client: Client, accounts: Sequence[Account], terms: Terms
) -> list[Outcome]:
    """Ask about accounts in one batch, or in parts of it where it is refused.

    Raises:
        NodeUnreachableError: the node is gone.
        BrokenAnswerError: it answers what no node would.
    """
    body = {"lookups": [account.body() for account in accounts]}
    body |= terms.body(BATCH_DEADLINE_MS)
    try:
        answer = client.post(BATCH, body, timeout=_patience(body))
    except RefusedError as error:
        if error.status is ExitStatus.BAD_INPUT and len(accounts) > 1:
            middle = len(accounts) // 2
            return ask_many(client, accounts[:middle], terms) + ask_many(
                client, accounts[middle:], terms
            )
        return [refused(error, account) for account in accounts]
    return _outcomes(answer, accounts)


def _patience(body: dict[str, Json]) -> float:
    return float(body["deadline_ms"]) / 1000 + _GRACE


def _outcomes(document: Json, accounts: Sequence[Account]) -> list[Outcome]:
    try:
        answers, problems = document["answers"], document["problems"]
        found: dict[int, Outcome] = {
            problem["position"]: _unreadable(problem, accounts[problem["position"]])
            for problem in reversed(problems)
        }
    except (TypeError, KeyError, IndexError):
        raise BrokenAnswerError(
            Phrase("the node's batch answer is malformed")
        ) from None
    if len(answers) != len(accounts):
        raise BrokenAnswerError(Phrase("the node's batch answer has another length"))
    return [
        _answer(answer, accounts[position])
        if answer is not None
        else _problem(found, position)
        for position, answer in enumerate(answers)
    ]


def _unreadable(problem: dict[str, Json], account: Account) -> Refusal:
    field = field_of(problem.get("pointer"), lone=account.lone)
    fault = Fault(
        str(problem["code"]), received(problem, str(problem["detail"])), field
    )
    return Refusal(fault, ExitStatus.BAD_INPUT)


def _problem(found: dict[int, Outcome], position: int) -> Outcome:
    if position not in found:
        raise BrokenAnswerError(Phrase("the node's batch answer leaves an account out"))
    return found[position]


def _answer(document: Json, account: Account) -> Answer:
    if not isinstance(document, dict) or document.get("result") not in _STATUS:
        raise BrokenAnswerError(Phrase("the node's answer is no lookup answer"))
    return Answer(_named(document, account) if account.unreadable else document)


def _named(document: dict[str, Json], account: Account) -> dict[str, Json]:
    """Name what was left out here, and all questions by their own places."""
    places = account.places()

    def moved(entry: dict[str, Json]) -> dict[str, Json]:
        return entry | {"question": places[entry["question"]]}

    lists = ("matches", "corroboration", "unreadable", "not_compared")
    try:
        found = {
            name: [moved(entry) for entry in document[name]]
            for name in lists
            if document.get(name)
        }
    except (TypeError, KeyError, IndexError):
        raise BrokenAnswerError(Phrase("the node's answer names no question")) from None
    left_out = [_left_out(each) for each in account.unreadable]
    found["unreadable"] = sorted(
        found.get("unreadable", []) + left_out, key=itemgetter("question")
    )
    if document["result"] == "none":
        document = document | {"result": "incomplete"}
    return document | found


def _left_out(each: Unreadable) -> dict[str, Json]:
    def said(key: str) -> dict[str, str]:
        return {"de": words(key, language="de"), "en": words(key, language="en")}

    return {
        "question": each.place,
        "kind": each.kind,
        "code": each.fault.code,
        "detail": said(f"fault_{each.fault.code}"),
        "way_out": said("way_out"),
    }


def refused(error: RefusedError, account: Account) -> Outcome:
    """Say of one of those that a node has refused together what it gets."""
    if error.status is ExitStatus.DEFERRED:
        body: dict[str, Json] = {"result": "deferred", "matches": [], "not_covered": []}
        if error.retry_after_ms is not None:
            body["retry_after_ms"] = error.retry_after_ms
        return Answer(body)
    field = field_of(error.pointer, lone=account.lone)
    hint = error.hint if field is None else None
    told = error.words if hint is None else joined("; ", [error.words, hint])
    return Refusal(Fault(error.code, told, field), error.status)
