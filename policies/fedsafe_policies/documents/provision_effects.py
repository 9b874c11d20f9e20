# SPDX-License-Identifier: Apache-2.0
"""What changes for people when other data take the place of those policies lean on.

The legal calendar (P3) opens private messages, the do-not-share lists (P17) keep
identifiers of many people out: both loosen and tighten as a policy does (`effects`).
For how long the audit log is kept does neither: shorter destroys what shows what
happened, longer keeps what is known of people.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from fedsafe_policies.documents.do_not_share import DoNotShareLists, ListFile
from fedsafe_policies.documents.effects import Direction, Effect
from fedsafe_policies.documents.legal_calendar import NEEDS_BASIS, Calendar, Entry
from fedsafe_policies.ground.catalogue import Phrase, joined
from fedsafe_policies.ground.reasons import Text

_GROUPS: Final = {
    "actor": Phrase("who acted").both(),
    "subject": Phrase("whom it was about").both(),
    "detail": Phrase("details").both(),
    "records": Phrase("the records themselves").both(),
}
_FOR_GOOD: Final = 0


def calendar_effects(old: Calendar, new: Calendar) -> tuple[Effect, ...]:
    """List what changes when `new` takes the place of `old`."""
    before = {entry.id: entry for entry in old.entries}
    after = {entry.id: entry for entry in new.entries}
    return tuple(
        effect
        for name in sorted(before.keys() | after.keys())
        for effect in _of_basis(
            name, _told(before.get(name), old), _told(after.get(name), new)
        )
    )


def list_effects(old: DoNotShareLists, new: DoNotShareLists) -> tuple[Effect, ...]:
    """List what changes when `new` takes the place of `old`."""
    return tuple(
        effect
        for name in sorted(old.lists.keys() | new.lists.keys())
        for effect in _of_list(name, old, new)
    )


def audit_effects(old: Mapping[str, int], new: Mapping[str, int]) -> tuple[Effect, ...]:
    """List what changes when the audit log is kept for other days; 0 is for good."""
    return tuple(
        Effect(f"audit.{name}", Direction.OTHER, _kept(noun, old[name], new[name]))
        for name, noun in _GROUPS.items()
        if old[name] != new[name]
    )


def _kept(noun: Text, before: int, after: int) -> Text:
    kept = Phrase("audit log, {what}: now kept {now}, was {was}")
    told = [kept.filled(what=noun, now=_days(after), was=_days(before))]
    if after != _FOR_GOOD and (before == _FOR_GOOD or after < before):
        told.append(Phrase("what is older is erased within an hour, for good"))
    return joined("; ", told).both()


def _days(count: int) -> Text:
    if count == _FOR_GOOD:
        return Phrase("for good").both()
    return Phrase("{count} days").filled(count=count).both()


def _told(entry: Entry | None, calendar: Calendar) -> tuple[Entry, str] | None:
    """Return an entry that counts, and the reference by which it does."""
    if entry is None or not (entry.confirmed or entry.id in calendar.recorded):
        return None
    return entry, calendar.recorded.get(entry.id, "")


def _of_basis(
    name: str, before: tuple[Entry, str] | None, after: tuple[Entry, str] | None
) -> Iterator[Effect]:
    if before == after:
        return
    if after is not None:
        yield _effect(name, _opens(before, after, Direction.LOOSER), _counts(*after))
    else:
        direction = _opens(before, after, Direction.STRICTER)
        yield _effect(name, direction, Phrase("counts no more"))


def _counts(entry: Entry, reference: str) -> Phrase:
    last = entry.last.isoformat() if entry.last is not None else "?"
    where = ", ".join(sorted(entry.surfaces)) or "-"
    cited = f" ({reference})" if reference else ""
    told = f"{entry.first.isoformat()} … {last}, {where}{cited}"
    return Phrase("counts {span}").filled(span=told)


def _effect(name: str, direction: Direction, what: Phrase) -> Effect:
    text = Phrase("legal basis {name}: {what}").filled(name=name, what=what)
    return Effect(f"calendar.{name}", direction, text.both())


def _opens(
    before: tuple[Entry, str] | None,
    after: tuple[Entry, str] | None,
    direction: Direction,
) -> Direction:
    """Return the direction if private messages hang on it; else it is neither."""
    told = [one for one in (before, after) if one is not None]
    opens = any(entry.surfaces & NEEDS_BASIS for entry, _ in told)
    return direction if opens else Direction.OTHER


def _of_list(name: str, old: DoNotShareLists, new: DoNotShareLists) -> Iterator[Effect]:
    before, after = old.lists.get(name), new.lists.get(name)
    if before == after and (name in old.own) is (name in new.own):
        return
    was = before.entries if before is not None else frozenset[str]()
    now = after.entries if after is not None else frozenset[str]()
    more, less = len(now - was), len(was - now)
    # Compared otherwise, the same entries keep out other identifiers, or none.
    otherwise = before is not None and after is not None and _by(before) != _by(after)
    if less or otherwise or (name in old.own and name not in new.own):
        direction = Direction.LOOSER
    elif more or before is None or name not in old.own:
        direction = Direction.STRICTER
    else:
        direction = Direction.OTHER
    counted = Phrase("list {name}: {more} entries more, {less} fewer")
    told = [counted.filled(name=name, more=more, less=less)]
    if before is not None and after is not None and otherwise:
        compared = Phrase("compared is now {now}, was {was}")
        told.append(compared.filled(now=_by(after), was=_by(before)))
    yield Effect(f"do_not_share.{name}", direction, joined("; ", told).both())


def _by(listed: ListFile) -> str:
    """Say what a list is compared with, in the words of its file."""
    return f"{listed.kind}/{listed.match}"
