# SPDX-License-Identifier: Apache-2.0
"""Problems of API version 1: RFC 9457 documents with stable codes.

Two tables decide everything: `ERRORS` maps an error class to its code, `CODES` a
code to its status and title. An error that carries a code of its own (a policy's
refusal, an identifier's fault) keeps it, under its class's status; of a policy's
refusal the rule gives the status (`status_of`). Any other error is `internal`: the
asker learns nothing of it but the request's id.

A problem never repeats what was sent: not a value, not the name of an unknown
field, not a header.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_federation.errors import (
    AmendmentError,
    ArrangementError,
    CeremonyError,
    FeedError,
    FoundingError,
    IdentifierError,
    IdentifierFault,
    MalformedError,
    MediaError,
    MediaFault,
    PeerError,
    QuorumError,
    StaleStatementError,
    UntrustedError,
)
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import (
    Bilingual,
    Problem,
    made_of,
)
from fedsafe_node.api.codes import CODES, Code
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    DeniedError,
    ForbiddenError,
    IdentityError,
    LogError,
    NodeError,
    NotFoundError,
    OverBudgetError,
    PrunedError,
    StoreError,
    TooManyTriesError,
    UnavailableError,
    UnknownEntryError,
    WrongStateError,
    phrase_of,
)
from fedsafe_node.rules.idempotency import InFlightError, SentAlreadyError, UnclearError
from fedsafe_policies.documents.register import Fault
from fedsafe_policies.ground.catalogue import Phrase, phrase_in
from fedsafe_policies.ground.reasons import Refusal, Rule
from fedsafe_policies.rules.decision import Decision

# Which status a refusal by policy has, by its rule.
#
# Most say that somebody may not do it (403). Some say that the signal itself is none
# (422), that something else comes first (409), or that it is too much for now (429).

DENIED: Final = 403
TITLES: Final[Mapping[int, str]] = {
    DENIED: "The policy does not allow this",
    409: "The policy wants something else first",
    422: "The policy takes no such signal",
    429: "The policy's budget is spent",
}
"""The title of a refusal by policy, by status."""

_BY_RULE: Final[Mapping[Rule, int]] = {
    Rule.NO_ACCUSATION: 422,
    Rule.EVIDENCE_GRADE: 422,
    Rule.HUMAN_DECISION: 409,
    Rule.DO_NOT_SHARE: 422,
    Rule.BUDGET: 429,
}
# Of their rules, these alone show another way; the others say no.
_BY_CODE: Final[Mapping[str, int]] = {
    Refusal.HELP_INSTEAD: 409,
    Refusal.LEGAL_REVIEW: 409,
    Refusal.LISTS_CHANGED: 409,
}


def status_of(decision: Decision) -> int:
    """Give the HTTP status of a refusal."""
    status = _BY_CODE.get(decision.code)
    return status or _BY_RULE.get(decision.rule, DENIED)


MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:fedsafe:problem:"
RETRY_AFTER_MS: Final = 1_000


# The first class that fits counts; subclasses therefore stand above their base.
ERRORS: Final[Mapping[type[Exception], Code]] = {
    BadRequestError: Code.BAD_REQUEST,
    IdentifierError: Code.BAD_REQUEST,
    MediaError: Code.BAD_REQUEST,
    DeniedError: Code.FORBIDDEN,
    ForbiddenError: Code.FORBIDDEN,
    IdentityError: Code.FORBIDDEN,
    NotFoundError: Code.NOT_FOUND,
    WrongStateError: Code.WRONG_STATE,
    TooManyTriesError: Code.TOO_MANY_TRIES,
    UnavailableError: Code.UNAVAILABLE,
    InFlightError: Code.IN_FLIGHT,
    SentAlreadyError: Code.SENT_ALREADY,
    UnclearError: Code.UNCLEAR,
    ConflictError: Code.CONFLICT,
    StoreError: Code.AUDIT_UNAVAILABLE,
    UnknownEntryError: Code.NOT_FOUND,
    PrunedError: Code.PRUNED,
    LogError: Code.LOG_DAMAGED,
    UntrustedError: Code.UNTRUSTED,
    StaleStatementError: Code.STALE_STATEMENT,
    FoundingError: Code.FOUNDING_FAILED,
    CeremonyError: Code.CEREMONY_FAILED,
    AmendmentError: Code.AMENDMENT_FAILED,
    ArrangementError: Code.OTHER_ARRANGEMENT,
    MalformedError: Code.MALFORMED_DOCUMENT,
    QuorumError: Code.QUORUM,
    FeedError: Code.PEER_FAILED,
    PeerError: Code.PEER_FAILED,
    CryptoError: Code.MALFORMED_DOCUMENT,
    TimeoutError: Code.TIMED_OUT,
}

IDENTIFIER: Final = "identifier_"
CARRIED: Final[frozenset[str]] = frozenset(
    {
        *Code,
        *MediaFault,
        *Refusal,
        *Fault,
        *(IDENTIFIER + fault for fault in IdentifierFault),
    }
)
# Their sentences tell of the asker's own input or place, never of the node's.
_SPEAKING: Final = (
    AmendmentError,
    ArrangementError,
    BadRequestError,
    CeremonyError,
    DeniedError,
    ForbiddenError,
    IdentifierError,
    MalformedError,
    MediaError,
    NotFoundError,
    PrunedError,
    QuorumError,
    UnavailableError,
    WrongStateError,
)


class RefusedError(NodeError):
    """The API itself refuses: nothing has reached a service.

    `detail` is a fixed sentence, that of its code if none is given; `pointer` (RFC
    6901) names a field, `about` what it is on account of, such as roles that may.
    """

    def __init__(
        self,
        code: Code,
        detail: str | Phrase | None = None,
        *,
        pointer: str | None = None,
        about: str | None = None,
    ) -> None:
        self.code = code
        self.about = about
        words = detail or CODES[code][1]
        self.phrase = phrase_of(words)
        self.detail = str(words)
        self.pointer = pointer
        super().__init__(self.detail)


def problem_of(
    error: Exception, *, request_id: str, trace: str | None = None
) -> Problem:
    """Say in RFC 9457 what *error* means for the asker; *trace* finds its events."""
    code = classify(error)
    status, words = CODES[code]
    title = words.english
    decision = error.decision if isinstance(error, DeniedError) else None
    if decision is not None:
        status = status_of(decision)
        title = TITLES[status]
    detail, phrase = _detail(error, words)
    word = _carried(error, code)
    retry = _retry_after_ms(error, status)
    text = decision.reason if decision else None
    return Problem(
        type=TYPE + word,
        title=title,
        status=status,
        code=word,
        detail=detail,
        instance=f"urn:fedsafe:request:{request_id}",
        rule=decision.rule.value if decision else None,
        policy=decision.policy if decision else None,
        about=_about(error),
        reason=Bilingual(de=text.de, en=text.en) if text else None,
        pointer=getattr(error, "pointer", None),
        retry_after_ms=retry,
        trace=trace,
        **made_of(phrase),
    )


def _about(error: Exception) -> str | None:
    """Name what a refusal is on account of, as far as it says so."""
    if isinstance(error, DeniedError):
        return error.decision.about or None
    return error.about if isinstance(error, RefusedError) else None


def classify(error: Exception) -> Code:
    """Find the code that *error*'s class stands for."""
    if isinstance(error, RefusedError):
        return error.code
    if isinstance(error, ForbiddenError) and not error.authenticated:
        return Code.UNAUTHENTICATED
    for class_, code in ERRORS.items():
        if isinstance(error, class_):
            return code
    return Code.INTERNAL


def headers_of(problem: Problem) -> dict[str, str]:
    """Give the headers that belong to a problem besides the usual ones."""
    headers = {}
    if problem.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-problem.retry_after_ms // 1_000))
    if problem.status == CODES[Code.UNAUTHENTICATED][0]:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.status == CODES[Code.OTHER_PROTOCOL][0]:
        headers["Upgrade"] = "fedsafe/1"
    return headers


def body_of(problem: Problem) -> bytes:
    """Encode a problem; members that say nothing are left out."""
    members = {
        name: value
        for name in problem.__struct_fields__
        if (value := getattr(problem, name)) is not None
    }
    return encode(members)


def _carried(error: Exception, code: Code) -> str:
    """Keep the code that an error brings along, if it is one of the closed list."""
    own = error.decision.code if isinstance(error, DeniedError) else None
    if isinstance(error, IdentifierError):
        own = IDENTIFIER + error.code
    own = own or getattr(error, "code", None)
    return str(own) if own in CARRIED else code.value


def _detail(error: Exception, title: Phrase) -> tuple[str, Phrase | None]:
    """Say what was wrong in English, and how that was made, if it was of a template."""
    if isinstance(error, RefusedError):
        return error.detail, error.phrase
    if isinstance(error, _SPEAKING):
        return str(error), getattr(error, "phrase", None)
    return title.english, title


def explained(error: Exception) -> Phrase:
    """Say what was wrong, for whoever reads it on a page."""
    decision = error.decision if isinstance(error, DeniedError) else None
    if decision is not None:
        return phrase_in(decision.reason)
    english, phrase = _detail(error, CODES[classify(error)][1])
    return phrase or Phrase(english)


def _retry_after_ms(error: Exception, status: int) -> int | None:
    if isinstance(error, OverBudgetError):
        return error.retry_after * 1_000
    if isinstance(error, UnavailableError):
        return max(1, error.retry_after_ms)
    return RETRY_AFTER_MS if status == CODES[Code.BUSY][0] else None
