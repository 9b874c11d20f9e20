# SPDX-License-Identifier: Apache-2.0
"""What no policy may allow, whatever its author wants.

These are the engineering reading of the law that the data-protection plan makes:
a policy can be stricter in each point and never looser.
"""

from collections.abc import Iterator
from typing import Final, TypeVar

from fedsafe_policies.documents.document import Document
from fedsafe_policies.documents.phenomena import Switch, phenomena
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import Span
from fedsafe_policies.vocabulary import Act, Grade, Level, Plane, Purpose, Role

T = TypeVar("T", Span, int, Level)

ROLE_PURPOSES: Final[dict[Role, frozenset[Purpose]]] = {
    Role.SERVICE: frozenset(
        {Purpose.SIGNUP_CHECK, Purpose.RECHECK, Purpose.MEDIA_MATCHING}
    ),
    Role.ANALYST: frozenset(
        {
            Purpose.RECHECK,
            Purpose.MODERATION_REVIEW,
            Purpose.MEDIA_MATCHING,
            Purpose.ESCALATION,
        }
    ),
    Role.REVIEWER: frozenset(
        {
            Purpose.MODERATION_REVIEW,
            Purpose.MEDIA_MATCHING,
            Purpose.ESCALATION,
            Purpose.RIGHTS_OF_THE_PERSON,
        }
    ),
    Role.OPERATOR: frozenset({Purpose.OPERATIONS}),
    Role.AUDITOR: frozenset({Purpose.AUDIT_REVIEW, Purpose.SUPERVISION}),
    Role.ESCALATION_OFFICER: frozenset({Purpose.ESCALATION}),
    Role.LEGAL_ADVISER: frozenset(
        {Purpose.MODERATION_REVIEW, Purpose.ESCALATION, Purpose.RIGHTS_OF_THE_PERSON}
    ),
    Role.YOUTH_PROTECTION_OFFICER: frozenset(
        {Purpose.MODERATION_REVIEW, Purpose.SUPERVISION}
    ),
    Role.DPO: frozenset(
        {Purpose.RIGHTS_OF_THE_PERSON, Purpose.AUDIT_REVIEW, Purpose.SUPERVISION}
    ),
}
"""P8: what a role can be allowed at most; a policy allows a part of it."""

AGEING_LIMITS: Final[dict[str, Span]] = {
    "phone": Span.parse("6 months"),
    "device": Span.parse("12 months"),
    "ip": Span.parse("7 days"),
}
"""P9: how long an identifier is taken for the same person's, at most."""

SPAN_LIMITS: Final[dict[str, tuple[str, Span]]] = {
    "retention.actor": ("P9", Span.parse("12 months")),
    "retention.renewed": ("P9", Span.parse("24 months")),
    "retention.media": ("P9", Span.parse("24 months")),
    "retention.revalidate": ("P9", Span.parse("12 months")),
    "retention.bucket": ("P9", Span.parse("31 days")),
    "retention.after_match": ("P9", Span.parse("7 days")),
    "retention.cases": ("P9", Span.parse("36 months")),
    "review.longest": ("P9", Span.parse("7 days")),
    "review.watch": ("P13", Span.parse("30 days")),
    "review.feature_limit": ("P13", Span.parse("30 days")),
    "notices.longest": ("P16", Span.parse("30 days")),
    "trial.lasts": ("P22", Span.parse("90 days")),
    "staffing.external_longest": ("P19", Span.parse("12 months")),
}

NUMBER_LIMITS: Final[dict[str, tuple[str, int]]] = {
    "review.working_days": ("P9", 3),
    "review.alarm_tasks": ("P13", 50),
    "review.alarm_percent": ("P13", 95),
    "disputes.suspend_minutes": ("P10", 5),
    "disputes.ruling_working_days": ("P10", 10),
    "erasure.alarm_hours": ("P11", 24),
    "erasure.stop_hours": ("P11", 72),
}

ALWAYS_TWO: Final = frozenset(Act) - {
    Act.OWN_BAN,
    Act.ROLE_GRANT,
    Act.MEDIA_SIGNAL,  # takes two by its rule; policies from before do not name it
    Act.RECIPIENT_SILENCE,  # takes two by its rule; no policy had to name it before
    Act.QUARANTINE_END,  # likewise
    Act.FLOOD_BOUND,
    Act.APPEAL_RULING,
    Act.IDENTITY_CHECK,
}
"""P6: what every policy has to name among what takes two people."""

ALWAYS_APART: Final = frozenset({Role.OPERATOR, Role.ANALYST})
"""P19: what a data-protection officer can never be as well."""


def check_limits(document: Document) -> None:
    """Refuse what no policy may allow.

    Raises:
        PolicyFileError: with the key; the first of several.
    """
    for key, problem in _overstepped(document):
        raise PolicyFileError(problem, key=key)


def _overstepped(document: Document) -> Iterator[tuple[str, Phrase]]:
    yield from _sharing(document)
    yield from _phenomena(document)
    yield from _times(document)
    yield from _orders(document)
    yield from _people(document)
    yield from _rulebook(document)


def _sharing(document: Document) -> Iterator[tuple[str, Phrase]]:
    if Grade.SINGLE_REPORT in document.share.grades:
        yield "share.grades", Phrase("a single report never leaves the node (P5)")
    if Plane.ACTOR not in document.gate.planes:
        yield (
            "gate.planes",
            Phrase("the actor plane always stands behind the gate (P1)"),
        )
    for role, purposes in document.purposes.items():
        if not purposes <= ROLE_PURPOSES[role]:
            yield f"purposes.{role}", Phrase("a purpose that this role never has (P8)")


def _phenomena(document: Document) -> Iterator[tuple[str, Phrase]]:
    table = phenomena()
    for code, planes in document.phenomena.items():
        for plane in planes:
            if table[code].switch(plane) is Switch.NO:
                yield (
                    f"phenomena.{code}",
                    Phrase("no {plane} signals of this phenomenon (P7)").filled(
                        plane=plane
                    ),
                )


def _times(document: Document) -> Iterator[tuple[str, Phrase]]:
    for key, (rule, longest) in SPAN_LIMITS.items():
        if _leaf(document, key, Span).exceeds(longest):
            yield (
                key,
                Phrase("more than {longest} ({rule})").filled(
                    longest=longest, rule=rule
                ),
            )
    for key, (rule, most) in NUMBER_LIMITS.items():
        if _leaf(document, key, int) > most:
            yield key, Phrase("more than {most} ({rule})").filled(most=most, rule=rule)
    for kind, limit in AGEING_LIMITS.items():
        span = document.ageing.get(kind)  # type: ignore[call-overload]
        if span is None or span.exceeds(limit):
            yield (
                f"ageing.{kind}",
                Phrase("want {limit} at most (P9)").filled(limit=limit),
            )


def _orders(document: Document) -> Iterator[tuple[str, Phrase]]:
    for key in ("retention.bucket", "retention.after_match"):
        if _leaf(document, key, Span).months:
            yield key, Phrase("want days")
    if document.retention.actor.exceeds(document.retention.renewed):
        yield "retention.renewed", Phrase("less than actor (P9)")
    if document.trial.lasts.months or Span.parse("30 days").exceeds(
        document.trial.lasts
    ):
        yield "trial.lasts", Phrase("want 30 days at least, in days (P22)")
    if document.erasure.stop_hours < document.erasure.alarm_hours:
        yield "erasure.stop_hours", Phrase("less than alarm_hours (P11)")


def _people(document: Document) -> Iterator[tuple[str, Phrase]]:
    if lacking := sorted(ALWAYS_TWO - document.four_eyes.acts):
        yield (
            "four_eyes.acts",
            Phrase("lacks {names} (P6)").filled(names=", ".join(lacking)),
        )
    for key, latest in (("second_person_from", Level.L5), ("hearing_from", Level.L6)):
        if _leaf(document, f"review.{key}", Level) > latest:
            yield (
                f"review.{key}",
                Phrase("later than {latest} (P13)").filled(latest=latest),
            )
    apart = document.staffing.apart
    for role in sorted(ALWAYS_APART):
        if role not in apart.get(Role.DPO, ()) and Role.DPO not in apart.get(role, ()):
            yield (
                "staffing.apart",
                Phrase("lacks dpo and {role} (P19)").filled(role=role),
            )
    for role, training in document.training.items():
        if training.valid.exceeds(Span.parse("12 months")):
            yield f"training.{role}.valid", Phrase("more than 12 months (P19)")


def _rulebook(document: Document) -> Iterator[tuple[str, Phrase]]:
    names = [rule.id for rule in document.rulebook.rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield "rulebook.rules", Phrase("{name} is there twice").filled(name=twice[0])


def _leaf(document: Document, key: str, kind: type[T]) -> T:
    section, _, name = key.partition(".")
    value = getattr(getattr(document, section), name)
    if not isinstance(value, kind):
        raise TypeError(key)
    return value
