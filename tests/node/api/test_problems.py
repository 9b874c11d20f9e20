# SPDX-License-Identifier: Apache-2.0
"""Every error of the node means something at its border, and never too much."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fedsafe_crypto.errors import MalformedElementError
from fedsafe_federation import errors as federation_errors
from fedsafe_federation.errors import (
    IdentifierError,
    IdentifierFault,
    MalformedError,
    PeerError,
    QuorumError,
    UntrustedError,
)
from fedsafe_node.api.codes import CODES, Code
from fedsafe_node.api.problems import (
    CARRIED,
    ERRORS,
    RefusedError,
    body_of,
    headers_of,
    problem_of,
)
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.ground import errors as node_errors
from fedsafe_node.ground.errors import (
    BadRequestError,
    CorruptLogError,
    DeniedError,
    ForbiddenError,
    NodeError,
    NotFoundError,
    PrunedError,
    StoreFailedError,
    UnavailableError,
    UnknownEntryError,
    WrongStateError,
)
from fedsafe_node.store.rights_rows import RequestState
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.ground.catalogue import Phrase, either
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import deny
from fedsafe_policies.vocabulary import IdentifierKind

DOCS = Path(__file__).parents[3] / "docs" / "reference"
NODE = Path(__file__).parents[3] / "node" / "fedsafe_node"
SECRET = "anna.geheim"
NO_ADDRESS = IdentifierError(IdentifierKind.EMAIL, IdentifierFault.EMPTY)
CASES: list[tuple[Exception, int, str]] = [
    (BadRequestError("identifier_empty", "x"), 422, "identifier_empty"),
    (BadRequestError(SECRET, "x"), 422, "bad_request"),
    (
        IdentifierError(IdentifierKind.EMAIL, IdentifierFault.EMPTY),
        422,
        "identifier_empty",
    ),
    (ForbiddenError("x", authenticated=False), 401, "unauthenticated"),
    (ForbiddenError("x", authenticated=True), 403, "forbidden"),
    (DeniedError(deny(Refusal.LEGAL_GATE, "p@12345678")), 403, "legal_gate"),
    (NotFoundError("signal"), 404, "not_found"),
    (UnknownEntryError("l", 3), 404, "not_found"),
    (PrunedError("l", 3, 256), 410, "pruned"),
    (WrongStateError("wrong_state", "x"), 409, "wrong_state"),
    (UnavailableError("quorum", "x", retry_after_ms=1_001), 503, "quorum"),
    (StoreFailedError(SECRET), 503, "audit_unavailable"),
    (CorruptLogError("l", 3, Phrase(SECRET)), 500, "log_damaged"),
    (UntrustedError("a.example", SECRET), 403, "untrusted"),
    (MalformedError("Signed", "not base64"), 422, "malformed_document"),
    (PeerError("a.example", SECRET), 502, "peer_failed"),
    (QuorumError(1, 2), 503, "quorum"),
    (MalformedElementError(), 422, "malformed_document"),
    (TimeoutError(), 503, "timed_out"),
    (KeyError(SECRET), 500, "internal"),
    (RefusedError(Code.BUSY), 503, "busy"),
]


@pytest.mark.parametrize(("error", "status", "code"), CASES)
def test_an_error_has_one_status_and_code(
    error: Exception, status: int, code: str
) -> None:
    problem = problem_of(error, request_id="a-1")

    assert (problem.status, problem.code) == (status, code)
    assert problem.type == f"urn:fedsafe:problem:{code}"
    assert SECRET not in body_of(problem).decode()
    assert ("Retry-After" in headers_of(problem)) == (status == 503)


def test_a_denial_says_which_rule_of_which_policy() -> None:
    error = DeniedError(deny(Refusal.DO_NOT_SHARE, "p@12345678", "role_mail"))
    problem = json.loads(body_of(problem_of(error, request_id="a-1")))

    assert (problem["rule"], problem["policy"]) == ("P17", "p@12345678")
    assert problem["about"] == "role_mail"
    assert set(problem["reason"]) == {"de", "en"}


OTHERWISE = {
    409: {
        Refusal.HELP_INSTEAD,
        Refusal.LEGAL_REVIEW,
        Refusal.LISTS_CHANGED,
        Refusal.EVIDENCE_MISSING,
        Refusal.HEARING_MISSING,
        Refusal.UNTIL_TOO_LONG,
        Refusal.LEVEL,
        Refusal.RULE_UNFIT,
        Refusal.FOREIGN_SIGNAL_ONLY,
    },
    422: {
        Refusal.FREE_TEXT,
        Refusal.CONTRADICTION,
        Refusal.RULEBOOK,
        Refusal.SINGLE_REPORT,
        Refusal.DO_NOT_SHARE,
        Refusal.HARMLESS_MEDIA,
    },
    429: {Refusal.BUDGET, Refusal.ENUMERATION, Refusal.MASS_LISTING},
}


@pytest.mark.parametrize("refusal", Refusal)
def test_the_rule_gives_the_status_of_a_denial(refusal: Refusal) -> None:
    problem = problem_of(DeniedError(deny(refusal, "p@12345678")), request_id="a-1")
    wanted = [status for status, named in OTHERWISE.items() if refusal in named]

    assert [problem.status] == (wanted or [403])
    assert problem.code == refusal
    assert problem.about is None


def test_the_documented_statuses_of_denials_are_the_statuses() -> None:
    text = (DOCS / "api.md").read_text().partition("### Refusals by policy")[2]
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| (\d{3}) \| (.+) \|$", text, re.MULTILINE
    )
    told = {
        word: (int(status), title)
        for rules, codes, status, title in rows
        for word in (rules.split(", ") if codes == "all" else [codes.strip("`")])
    }
    for refusal in Refusal:
        decision = deny(refusal, "p@12345678")
        problem = problem_of(DeniedError(decision), request_id="a-1")
        by_code = told.get(refusal) or told.get(decision.rule)

        assert (problem.status, problem.title) == (by_code or told["others"])


def test_the_time_to_wait_is_rounded_up() -> None:
    error = UnavailableError("quorum", "x", retry_after_ms=1_001)

    assert headers_of(problem_of(error, request_id="a-1"))["Retry-After"] == "2"


def test_every_code_has_a_status_and_title() -> None:
    assert set(CODES) == set(Code)
    assert len({title for _, title in CODES.values()}) == len(CODES)


def test_no_class_stands_behind_its_base() -> None:
    classes = list(ERRORS)
    hidden = [
        (above, below)
        for place, above in enumerate(classes)
        for below in classes[place + 1 :]
        if issubclass(below, above)
    ]

    assert hidden == []


def test_only_the_operators_own_faults_are_internal() -> None:
    roots = {"NodeError", "FederationError"}
    at_start = {"ConfigError", "MembershipError", "TokenIndexError", "KeyFileError"}
    # Of the supervisor, which answers nobody:
    at_start |= {"WorkerFailedError", "TooFewConnectionsError"}
    at_start.add("PictureIndexError")  # then every row is compared
    told_otherwise = {"WitnessError"}  # C2SP's own answers, see `peering/witnessing.py`
    unmapped = {
        class_
        for module in (node_errors, federation_errors)
        for _, class_ in inspect.getmembers(module, inspect.isclass)
        if class_.__module__ == module.__name__ and issubclass(class_, Exception)
        if not issubclass(class_, tuple(ERRORS))
    }
    unforeseen = {
        class_.__name__
        for class_ in unmapped
        if not (at_start | told_otherwise) & {base.__name__ for base in class_.__mro__}
    }

    assert unforeseen <= roots


def codes_in_the_source() -> Iterator[str]:
    """Find the codes that services give; one that is built is tried with all words."""
    carriers = {"BadRequestError", "WrongStateError", "UnavailableError", "Unread"}
    words: dict[object, tuple[str, ...]] = {
        "identifier_": tuple(IdentifierFault),
        "already_": (SignalStatus.REVOKED, SignalStatus.EXPIRED, SignalStatus.ERASED),
        "request_": tuple(RequestState),
    }
    for file in NODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(ast.Name(name), [ast.Constant(str(code)), *_]):
                    if name in carriers:
                        yield code
                case ast.Call(
                    ast.Name(name), [ast.JoinedStr([ast.Constant(start), _]), *_]
                ):
                    if name in carriers:
                        yield from (f"{start!s}{word}" for word in words[start])
                case _:
                    pass


def test_every_code_of_a_service_is_of_the_closed_list() -> None:
    found = set(codes_in_the_source())

    assert {"no_federation", "identifier_empty"} <= found
    assert found - CARRIED == set()


def test_refusals_of_the_api_are_the_nodes() -> None:
    assert issubclass(RefusedError, NodeError)


def test_the_documented_codes_are_the_codes() -> None:
    text = (DOCS / "api.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \| (.+) \|$", text, re.MULTILINE)

    told = [(code.value, str(s), str(title)) for code, (s, title) in CODES.items()]
    assert told == rows


def split_codes() -> list[tuple[str, str, list[str]]]:
    """Read the table of codes that were another one before: new, old, routes."""
    text = (DOCS / "api.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (`[A-Z].+`) \|$", text, re.MULTILINE)
    return [(new, old, routes.strip("`").split("`, `")) for new, old, routes in rows]


def test_the_codes_that_were_split_are_told_with_their_routes() -> None:
    routes = {f"{route.method} {route.path}" for route in ROUTES}
    files = (each for each in NODE.rglob("*.py") if each.name != "codes.py")
    said = "".join(each.read_text() for each in files)
    rows = split_codes()

    assert len(rows) > 40
    for new, old, where in rows:
        assert {new, old} <= set(Code), new
        assert f'"{new}"' in said, new
        assert set(where) <= routes, new
        is_same = CODES[Code(new)][0] == CODES[Code(old)][0]
        assert is_same, f"the status of {new} is another one"


def test_no_sentence_has_the_code_that_told_nothing() -> None:
    assert Code.WRONG_STATE not in set(codes_in_the_source())
    assert Code.WRONG_STATE in set(Code), "older members send it"


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError(Phrase("no such signal")),
        QuorumError(1, 2),
        NO_ADDRESS,
        PrunedError("l", 3, 256),
        DeniedError(deny(Refusal.LEGAL_GATE, "p@12345678")),
        ForbiddenError(
            Phrase("{who}, or the node's Unix socket").filled(
                who=either([Phrase("it is open"), Phrase("it is closed")])
            ),
            authenticated=True,
        ),
    ],
)
def test_a_problem_says_how_its_sentence_was_made(error: Exception) -> None:
    document = json.loads(body_of(problem_of(error, request_id="a-1")))

    assert filled(document) == document["detail"] == str(error)


def filled(sentence: dict[str, Any]) -> str:
    """Put the values that travelled into their template."""
    params = sentence.get("params", {})
    given = {
        name: filled(value) if isinstance(value, dict) else value
        for name, value in params.items()
    }
    return str(sentence["template"]).format(**given) if given else sentence["template"]


def test_nothing_travels_that_the_sentence_does_not_show() -> None:
    told = Phrase("{name} is taken").filled(name="anna", secret=SECRET)
    body = body_of(problem_of(WrongStateError("name_taken", told), request_id="a-1"))

    assert b'"anna"' in body
    assert SECRET.encode() not in body


def test_a_sentence_without_a_template_travels_as_it_is() -> None:
    document = json.loads(
        body_of(problem_of(WrongStateError("name_taken", "x"), request_id="a-1"))
    )

    assert document["detail"] == "x"
    assert {"template", "params", "context"} & document.keys() == set()
