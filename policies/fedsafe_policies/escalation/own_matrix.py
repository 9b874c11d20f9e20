# SPDX-License-Identifier: Apache-2.0
"""A provider's own minimisation matrix: never looser than the one that is shipped.

It is a whole matrix. Each cell gives a class of partner at most what the shipped one
gives it, and on none but its conditions. So no package says more than it would say by
the shipped matrix.
"""

from collections.abc import Iterator

from fedsafe_policies.documents.effects import Direction, Effect
from fedsafe_policies.documents.strictness import Loosening
from fedsafe_policies.documents.toml_file import locate
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.matrix import Cell, Handling, Matrix, load_matrix
from fedsafe_policies.escalation.vocabulary import Element, PartnerClass
from fedsafe_policies.ground.catalogue import Phrase, joined


def looser_cells(own: Matrix, base: Matrix) -> Iterator[Loosening]:
    """Name where a matrix gives more than another does, and how."""
    fewest, wanted = own.document.fewest, base.document.fewest
    if fewest < wanted:
        yield Loosening(
            "fewest",
            Phrase("{} is less than {}").filled(fewest, wanted).both(),
        )
    for partner in PartnerClass:
        if lacking := sorted(base.needs(partner) - own.needs(partner)):
            names = ", ".join(lacking)
            yield Loosening(
                f"partners.{partner}.needs",
                Phrase("lacks {}").filled(names).both(),
            )
        for element in Element:
            mine, theirs = own.cell(partner, element), base.cell(partner, element)
            if not _gives_no_more(mine, theirs):
                yield Loosening(
                    f"partners.{partner}.cells.{element}",
                    Phrase("{} is more than {}")
                    .filled(_said(mine), _said(theirs))
                    .both(),
                )


def load_own_matrix(text: bytes, base: Matrix) -> Matrix:
    """Read a provider's own matrix.

    Raises:
        PolicyFileError: it is malformed, or looser than `base`, with key and line.
    """
    own = load_matrix(text)
    for key, why in looser_cells(own, base):
        told = Phrase("looser than {name}: {why}")
        problem = told.filled(name=base.reference, why=why)
        raise locate(PolicyFileError(problem, key=key), text.decode())
    return own


def matrix_effects(old: Matrix, new: Matrix) -> tuple[Effect, ...]:
    """List what changes for whom when `new` takes the place of `old`."""
    found: list[Effect] = []
    before, after = old.document.fewest, new.document.fewest
    if before != after:
        way = Direction.LOOSER if after < before else Direction.STRICTER
        numbers = Phrase("numbers of at least so many cases: now {now}, was {was}")
        text = numbers.filled(now=after, was=before)
        found.append(Effect("minimisation.fewest", way, text.both()))
    for partner in PartnerClass:
        name = new.partner(partner).name
        was, now = old.needs(partner), new.needs(partner)
        if was != now:
            way = Direction.LOOSER if was - now else Direction.STRICTER
            then, ago = _names(now), _names(was)
            text = Phrase(
                "{name}: receives anything only with: now {now}, was {was}"
            ).filled(name=name, now=then, was=ago)
            found.append(Effect(f"minimisation.{partner}.needs", way, text.both()))
        found += _of_cells(old, new, partner)
    return tuple(found)


def _of_cells(old: Matrix, new: Matrix, partner: PartnerClass) -> Iterator[Effect]:
    name = new.partner(partner).name
    for element in Element:
        was, now = old.cell(partner, element), new.cell(partner, element)
        if was == now:
            continue
        way = Direction.STRICTER if _gives_no_more(now, was) else Direction.LOOSER
        what, then, ago = new.element_name(element), _said(now), _said(was)
        yield Effect(
            f"minimisation.{partner}.{element}",
            way,
            Phrase("{what}: now {now}, was {was}")
            .filled(what=joined(", ", [name, what]), now=then, was=ago)
            .both(),
        )


def _gives_no_more(own: Cell, other: Cell) -> bool:
    if own == other or own.handling is Handling.NEVER:
        return True
    if other.handling is Handling.REQUIRED:
        return True
    # One of the conditions suffices, so fewer of them let less go.
    both = own.handling is other.handling is Handling.CONDITIONAL
    return both and own.conditions <= other.conditions


def _said(cell: Cell) -> str:
    if cell.handling is Handling.CONDITIONAL:
        return f"when {_names(cell.conditions)}"
    return cell.handling.value


def _names(conditions: frozenset[str] | frozenset[object]) -> str:
    return ", ".join(sorted(map(str, conditions))) or "-"
