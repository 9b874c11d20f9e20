# SPDX-License-Identifier: Apache-2.0
"""What changes for people when one policy takes the place of another.

Not which lines differ, but what may now happen and what no longer may; each
effect says whether it makes the policy looser or stricter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final

from fedsafe_policies.documents.effect_texts import MORE_AND_LESS, NOUNS, TABLE_NOUNS
from fedsafe_policies.documents.phenomena import ladder
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.documents.strictness import DIMENSIONS, TABLES, leaf, loosened
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.ground.catalogue import Phrase, joined
from fedsafe_policies.ground.reasons import Text

_CHANGED: Final = Phrase("{what}: now {now}, was {was}")
_SPECIAL: Final = ("ageing", "pictures.origins", "staffing.apart", "training")


@unique
class Direction(StrEnum):
    """Which way an effect goes."""

    LOOSER = "looser"
    STRICTER = "stricter"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect of a change, at a key, in two languages."""

    key: str
    direction: Direction
    text: Text


def effects(old: Policy, new: Policy) -> tuple[Effect, ...]:
    """List what changes when `new` takes the place of `old`."""
    return (
        *_of_dimensions(old, new),
        *_of_tables(old, new),
        *_of_rules(old, new),
    )


def _of_dimensions(old: Policy, new: Policy) -> Iterator[Effect]:
    for key, compare in DIMENSIONS.items():
        if key not in NOUNS and key not in MORE_AND_LESS:
            continue
        before, after = leaf(old.document, key), leaf(new.document, key)
        if before == after:
            continue
        direction = _direction(
            compare(after, before) is not None, compare(before, after) is not None
        )
        if key in MORE_AND_LESS:
            yield from _of_set(key, before, after, new)
        else:
            noun, was, now = NOUNS[key], said(before), said(after)
            told = _CHANGED.filled(what=noun, now=now, was=was)
            yield Effect(key, direction, told.both())


def _of_set(
    key: str, before: frozenset[Any], after: frozenset[Any], new: Policy
) -> Iterator[Effect]:
    more, less = MORE_AND_LESS[key]
    circles = said(new.document.scopes.circles or frozenset({"-"}))
    looser_with_more = DIMENSIONS[key](frozenset({"x"}), frozenset()) is not None
    changes = ((more, after - before, True), (less, before - after, False))
    for template, items, gained in changes:
        if items:
            loose = gained is looser_with_more
            told = template.filled(items=said(items), circles=circles)
            way = Direction.LOOSER if loose else Direction.STRICTER
            yield Effect(key, way, told.both())


def _of_tables(old: Policy, new: Policy) -> Iterator[Effect]:
    looser, stricter = (
        [item.key for item in loosened(*both)] for both in ((new, old), (old, new))
    )
    for table in (*TABLES, *_SPECIAL):
        before: Mapping[str, Any] = leaf(old.document, table)
        after: Mapping[str, Any] = leaf(new.document, table)
        if table == "pictures.origins":  # what is not named has the radius of all
            names = {*before, *after}
            before = {name: old.picture_radius(name) for name in names}
            after = {name: new.picture_radius(name) for name in names}
        noun = TABLE_NOUNS[table]
        for name in sorted({*before, *after}):
            was, now = before.get(name), after.get(name)
            if was == now:
                continue
            about, later, earlier = said(name), _show(now), _show(was)
            what = joined(" ", [noun, about])
            text = _CHANGED.filled(what=what, now=later, was=earlier).both()
            key = f"{table}.{name}"
            if table in _SPECIAL:
                way = _direction(_is_in(looser, key), _is_in(stricter, key))
            else:
                way = _way(table, was, now)
            yield Effect(key, way, text)


def _is_in(keys: Sequence[str], key: str) -> bool:
    """Whether one of the keys is this one, lies in it, or is the table that has it."""
    return any(
        each == key or each.startswith(f"{key}.") or key.startswith(f"{each}.")
        for each in keys
    )


def _way(table: str, was: Any, now: Any) -> Direction:  # noqa: ANN401
    compare = TABLES[table]
    if was is None or now is None:
        return Direction.LOOSER if was is None else Direction.STRICTER
    return _direction(compare(now, was) is not None, compare(was, now) is not None)


def _of_rules(old: Policy, new: Policy) -> Iterator[Effect]:
    for name in sorted({*old.rules, *new.rules}):
        was, now = old.rules.get(name), new.rules.get(name)
        if was == now:
            continue
        if now is None:
            text = Phrase("rule {name} can no longer be cited").filled(name=name).both()
        else:
            kind = Phrase("new").both() if was is None else Phrase("changed").both()
            level = ladder()[now.level]
            rule = Phrase("rule {name} ({kind}, {code} {level}): {text}").filled(
                name=name, kind=kind, code=now.level, level=level, text=now.text
            )
            text = rule.both()
        way = Direction.STRICTER if now is None else Direction.OTHER
        yield Effect(f"rulebook.{name}", Direction.LOOSER if was is None else way, text)


def _direction(looser: bool, stricter: bool) -> Direction:  # noqa: FBT001
    if looser is stricter:
        return Direction.OTHER
    return Direction.LOOSER if looser else Direction.STRICTER


def _show(value: Any) -> Text:  # noqa: ANN401
    if hasattr(value, "modules"):
        modules, valid = _show(value.modules), said(value.valid)
        return joined(" / ", [modules, valid]).both()
    if value is None or value == frozenset():
        return Phrase("nothing").both()
    return said(value)
