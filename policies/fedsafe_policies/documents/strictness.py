# SPDX-License-Identifier: Apache-2.0
"""The order of policies: one is at least as strict as another, or loosens keys.

If `node` is at least as strict as `federation`, then whatever `node` allows
`federation` allows too. The comparison goes through every key of a document; it is
careful, so two spans of which neither is surely the shorter count as looser.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from fedsafe_policies.documents.document import Cited, Document, Flood
from fedsafe_policies.documents.policy import Policy, expand, load_policy
from fedsafe_policies.documents.toml_file import locate
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import Span
from fedsafe_policies.vocabulary import Circle

_DAY: Final = Span.parse("1 day")
_ABSENT: Final = Phrase("is not there").both()
_AGELESS: Final = Phrase("does not age").both()


class Loosening(NamedTuple):
    """A key by which one policy allows more than another, and how."""

    key: str
    why: Text


Compare = Callable[[Any, Any], Text | None]
"""Says how the first value is looser than the second, or nothing."""


def _told(words: Phrase, *values: object) -> Text:
    return words.filled(*map(said, values)).both()


def _same(own: object, other: object) -> Text | None:
    if own == other:
        return None
    return _told(Phrase("is {}, and not {}"), own, other)


def _no_more(own: frozenset[Any], other: frozenset[Any]) -> Text | None:
    more = own - other
    return _told(Phrase("adds {}"), more) if more else None


def _no_less(own: frozenset[Any], other: frozenset[Any]) -> Text | None:
    less = other - own
    return _told(Phrase("lacks {}"), less) if less else None


def _at_most(own: Any, other: Any) -> Text | None:  # noqa: ANN401 - numbers, levels
    if own <= other:
        return None
    return _told(Phrase("{} is more than {}"), own, other)


def _at_least(own: Any, other: Any) -> Text | None:  # noqa: ANN401
    if own >= other:
        return None
    return _told(Phrase("{} is less than {}"), own, other)


def _no_longer(own: Span, other: Span) -> Text | None:
    if not own.exceeds(other):
        return None
    return _told(Phrase("{} is longer than {}"), own, other)


def _no_shorter(own: Span, other: Span) -> Text | None:
    if not other.exceeds(own):
        return None
    return _told(Phrase("{} is shorter than {}"), own, other)


def _bucket(own: Span, other: Span) -> Text | None:
    """Buckets of different sizes round to days of which neither is the earlier."""
    return None if other == _DAY else _same(own, other)


def _places(own: frozenset[str], other: frozenset[str]) -> Text | None:
    return _no_more(expand(own), expand(other))


def _cited(own: Cited, other: Cited) -> Text | None:
    return _same(own, other) if other is Cited.LISTED else None


ANY: Final[Compare] = lambda _own, _other: None  # noqa: E731
"""For keys that allow nothing: names, titles, and when an alarm is raised."""

DIMENSIONS: Final[Mapping[str, Compare]] = {
    "format": ANY,
    "name": ANY,
    "title": ANY,
    "dated": ANY,
    "gate.mode": _same,
    "gate.planes": _no_less,
    "share.planes": _no_more,
    "share.identifiers": _no_more,
    "share.media": _no_more,
    "share.surfaces": _no_more,
    "share.grades": _no_more,
    "scopes.circles": _no_more,
    "retention.actor": _no_longer,
    "retention.renewed": _no_longer,
    "retention.media": _no_longer,
    "retention.revalidate": _no_longer,
    "retention.bucket": _bucket,
    "retention.after_match": _no_longer,
    "retention.cases": _no_longer,
    "retention.sample_percent": _at_least,
    "working_days.holidays": _no_more,
    "working_days.easter": _no_more,
    "review.working_days": _at_most,
    "review.longest": _no_longer,
    "review.watch": _no_longer,
    "review.watch_renewals": _at_most,
    "review.feature_limit": _no_longer,
    "review.second_person_from": _at_most,
    "review.hearing_from": _at_most,
    "review.alarm_tasks": _at_most,
    "review.alarm_percent": _at_most,
    "review.alarm_seconds": _at_least,
    "review.ask_again_seconds": _at_least,
    "disputes.suspend_minutes": _at_most,
    "disputes.ruling_working_days": _at_most,
    "disputes.suspensions_a_day": _at_least,
    "disputes.attested_a_day": _at_least,
    "erasure.alarm_hours": _at_most,
    "erasure.stop_hours": _at_most,
    "notices.reasons": _no_more,
    "notices.longest": _no_longer,
    "four_eyes.acts": _no_less,
    "jurisdictions.allowed": _places,
    "do_not_share.lists": _no_less,
    "do_not_share.shortest": _at_least,
    "budgets.publications_an_hour": _at_most,
    "budgets.publications_a_day": _at_most,
    "budgets.identifiers_an_account": _at_most,
    "staffing.seats": _no_less,
    "staffing.external": _no_more,
    "staffing.external_longest": _no_longer,
    "corroboration.origins": _at_least,
    "trial.lasts": _no_shorter,
    "trial.first": ANY,
    "trial.percent": ANY,
    "trial.probation_reviews": _at_most,
    "trial.probation_percent": _at_most,
    "pictures.radius": _at_most,
    "rulebook.cited": _cited,
    **{f"flood.{kind}": _at_most for kind in Flood.__struct_fields__},
}
"""Every key with one value, and in which direction it is strict."""

TABLES: Final[Mapping[str, Compare]] = {
    "scopes.groups": _no_more,
    "phenomena": _no_more,
    "purposes": _no_more,
    "jurisdictions.transfers": _same,
    "budgets.lookups_an_hour": _at_most,
    "budgets.evaluations_an_hour": _at_most,
    "budgets.evaluations_a_day": _at_most,
}
"""Tables whose every line allows something: a new line is looser.

But for groups, where any nodes may be named anyway.
"""


def loosened(node: Policy, federation: Policy) -> list[Loosening]:
    """List how `node` allows what `federation` does not; empty if it is stricter."""
    own, other = node.document, federation.document
    return sorted(
        {
            *_dimensions(own, other),
            *_tables(own, other),
            *_ageing(own, other),
            *_radii(node, federation),
            *_apart(node, federation),
            *_training(own, other),
            *_rules(own, other),
        },
        key=lambda loosening: (loosening.key, loosening.why.en),
    )


def is_at_least_as_strict(node: Policy, federation: Policy) -> bool:
    """Tell whether whatever `node` allows `federation` allows too."""
    return not loosened(node, federation)


def load_node_policy(text: bytes, federation: Policy) -> Policy:
    """Read a node's policy, which may only be stricter than its federation's.

    Raises:
        PolicyFileError: it is malformed, or looser; with the key that loosens.
    """
    policy = load_policy(text)
    for key, why in loosened(policy, federation):
        told = Phrase("looser than {name}: {why}")
        problem = told.filled(name=federation.name, why=why)
        raise locate(PolicyFileError(problem, key=key), text.decode())
    return policy


def leaf(document: Document, key: str) -> Any:  # noqa: ANN401 - of every type
    """Return what stands at a key such as ``share.planes``."""
    value: object = document
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _dimensions(own: Document, other: Document) -> Iterator[Loosening]:
    for key, compare in DIMENSIONS.items():
        why = compare(leaf(own, key), leaf(other, key))
        if why is not None:
            yield Loosening(key, why)


def _tables(own: Document, other: Document) -> Iterator[Loosening]:
    # Whoever may name any nodes may also give some of them a name.
    free = {"scopes.groups"} if Circle.NODES in other.scopes.circles else set()
    for key, compare in TABLES.items():
        allowed: Mapping[str, Any] = leaf(other, key)
        for name, value in leaf(own, key).items():
            absent = name not in allowed and bool(value) and key not in free
            why = compare(value, allowed[name]) if name in allowed else None
            if absent or why:
                yield Loosening(f"{key}.{name}", why or _ABSENT)


def _ageing(own: Document, other: Document) -> Iterator[Loosening]:
    for kind, span in other.ageing.items():
        mine = own.ageing.get(kind)
        why = _AGELESS if mine is None else _no_longer(mine, span)
        if why is not None:
            yield Loosening(f"ageing.{kind}", why)


def _radii(own: Policy, other: Policy) -> Iterator[Loosening]:
    for origin in other.document.pictures.origins:
        why = _at_most(own.picture_radius(origin), other.picture_radius(origin))
        if why is not None:
            yield Loosening(f"pictures.origins.{origin}", why)


def _apart(own: Policy, other: Policy) -> Iterator[Loosening]:
    for one, another in other.apart - own.apart:
        if one < another:
            why = Phrase("lacks {} and {}").filled(one, another).both()
            yield Loosening("staffing.apart", why)


def _training(own: Document, other: Document) -> Iterator[Loosening]:
    for role, training in own.training.items():
        wanted = other.training.get(role)
        if wanted is None:
            yield Loosening(f"training.{role}", _ABSENT)
            continue
        checks: tuple[tuple[str, Compare], ...] = (
            ("modules", _no_less),
            ("valid", _no_longer),
        )
        for name, compare in checks:
            why = compare(getattr(training, name), getattr(wanted, name))
            if why is not None:
                yield Loosening(f"training.{role}.{name}", why)


def _rules(own: Document, other: Document) -> Iterator[Loosening]:
    if other.rulebook.cited is Cited.ANY:
        return
    listed = {rule.id: rule for rule in other.rulebook.rules}
    for number, rule in enumerate(own.rulebook.rules):
        wanted = listed.get(rule.id)
        key = f"rulebook.rules[{number}]"
        if wanted is None:
            why = Phrase("no rule {} is there").filled(rule.id).both()
            yield Loosening(f"{key}.id", why)
            continue
        checks: tuple[tuple[str, Compare], ...] = (
            ("phenomena", _no_more),
            ("level", _same),
        )
        for name, compare in checks:
            found = compare(getattr(rule, name), getattr(wanted, name))
            if found is not None:
                yield Loosening(f"{key}.{name}", found)
