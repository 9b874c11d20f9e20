# SPDX-License-Identifier: Apache-2.0
"""A list of files is one act: what its second person sees, and its approval (P6).

Whoever imports a list names it, its source and its signature; its drafts wait under
that name. The second person examines it as a whole: how many, of which kinds, how many
of them the members list already, and how many files of a rehearsal it would hit. The
rehearsal's digests are supplied for it, since lookups keep none, and are not kept
either. Some entries are drawn to be looked at, by a seed that is drawn once for each
set of files and written down: nobody draws again until what comes is pleasant.

A list is somebody else's: all of it is on trial as such, and the second person sees
what is said of its files. What is approved is the list of just that digest, which is
over the files and over all that is said of them, for a week from when it was seen.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final

from msgspec.structs import asdict, replace

from fedsafe_crypto.errors import CryptoError
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import SignalHeader, decode_opening
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.bodies import Kind, Question, made_of
from fedsafe_node.acts.signal_reviews import (
    DrawnFile,
    ExaminedList,
    ListApproved,
    ListedFacts,
    ListProblem,
    Overlap,
    WaitingList,
    WaitingLists,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.keys.lookup_items import File
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.rules.audience import group_in
from fedsafe_node.rules.budgets.publications import PublicationBudget
from fedsafe_node.rules.canonical_question import read_question
from fedsafe_node.rules.media_bodies import open_media_body
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.approval import approve_drafts, code_of
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.drafts import DraftFacts, open_draft
from fedsafe_node.signals.view import admit, nodes_in
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import DraftRow, DraftState, Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.rules.publication import APPROVERS
from fedsafe_policies.vocabulary import Matter, MediaKind, Purpose, Role

DRAWN: Final = 20
"""How many entries are drawn to be looked at; of a shorter list all."""

SEEN_FOR: Final = 7 * SECONDS_A_DAY
"""So long may be approved what was examined."""
MOST_FACTS: Final = 50
"""So many different things a list may say of its files, or nobody could read them."""

_DOMAIN: Final = b"fedsafe/v1/list-of-files\n"
_SAID_DOMAIN: Final = b"fedsafe/v1/list-of-files-said\n"
_PAGE: Final = 2_000
_MOST_PROBLEMS: Final = 100
_SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class _Entry:
    signal_id: bytes
    token: bytes = field(repr=False)
    file: File
    header: SignalHeader
    facts: DraftFacts

    @property
    def line(self) -> bytes:
        """The file, as the draw has it."""
        return f"{self.file.kind.name.lower()}:{self.file.digest.hex()}\n".encode()


@dataclass(slots=True)
class _List:
    """The drafts that wait under one name, and what was said of them.

    `audiences` are of those that are not meant for the whole federation.
    """

    name: str
    entries: list[_Entry] = field(default_factory=list)
    audiences: dict[bytes, frozenset[str]] = field(default_factory=dict)
    authors: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    signatures: set[str] = field(default_factory=set)
    count: int = 0

    def digest(self) -> str:
        """Digest the files and all that is said of them, in whatever order they came.

        Left out are the day on which it was said, and which do-not-share lists the
        files were compared with: both are checked anew.
        """
        said: dict[bytes, bytes] = {}
        found = sha256(_SAID_DOMAIN)
        for line in sorted(self._said(entry, said) for entry in self.entries):
            found.update(line)
        return found.hexdigest()

    def files(self) -> str:
        """Digest the files alone: whoever says other things of them draws the same."""
        found = sha256(_DOMAIN)
        for line in sorted(entry.line for entry in self.entries):
            found.update(line)
        return found.hexdigest()

    def _said(self, entry: _Entry, known: dict[bytes, bytes]) -> bytes:
        names = self.audiences.get(entry.signal_id)
        whom = None if names is None else sorted(names)
        facts = replace(entry.facts, since=date.min, compared={})
        whole = encode([facts, asdict(entry.header), whom])
        short = known.setdefault(whole, sha256(whole).digest())
        return entry.line + short

    def facts(self, situation: Situation) -> list[ListedFacts]:
        """Tell what is said of the files, the rarest first.

        Raises:
            WrongStateError: it is more than a person can read.
        """
        found: dict[bytes, ListedFacts] = {}
        counts: Counter[bytes] = Counter()
        for entry in self.entries:
            names = self.audiences.get(entry.signal_id)
            told = _listed_facts(entry, names, situation)
            key = encode(told)
            counts[key] += 1
            found.setdefault(key, told)
            if len(found) > MOST_FACTS:
                raise WrongStateError(
                    "mixed_list",
                    Phrase(
                        "it says more than {most} different things of its "
                        "files: withdraw it and import it as lists that say fewer"
                    ).filled(most=MOST_FACTS),
                )
        rarest = sorted(found, key=lambda key: (counts[key], key))
        return [replace(found[key], count=counts[key]) for key in rarest]

    def drawn(self, seed: bytes) -> list[_Entry]:
        """Draw entries by a seed."""

        def place(entry: _Entry) -> tuple[bytes, bytes]:
            return sha256(seed + entry.line).digest(), entry.signal_id

        return sorted(self.entries, key=place)[:DRAWN]


class _Seen(Row, frozen=True, kw_only=True):
    """What somebody has examined of a list, and until when they may approve it."""

    digest: str
    until: int


class FileLists:
    """Shows and approves the lists of files that wait."""

    def __init__(self, desk: Desk, budget: PublicationBudget) -> None:
        self._desk = desk
        self._budget = budget

    async def waiting(self, who: Principal, purpose: Purpose | None) -> WaitingLists:
        """Name the lists that wait, and who imported them.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        desk = self._desk
        decision = await admit(desk, who, Matter.DRAFTS, purpose, "list.waiting")
        lists = await self._read(None)
        entry = desk.event(
            Event.SIGNAL_READ, who, {"lists": len(lists)}, decision=decision
        )

        async def act(tx: Transaction) -> Changed[WaitingLists]:
            await tx.append(desk.trail.log, entry.record, entry.openings)
            found = [_told(each) for _, each in sorted(lists.items())]
            return Changed(WaitingLists(lists=found))

        return await desk.commit(act)

    async def examine(
        self, name: str, rehearsal: Sequence[Question], who: Principal
    ) -> ExaminedList:
        """Show a list to its second person, and rehearse it on files.

        Raises:
            BadRequestError: something of the rehearsal is no file's digest.
            DeniedError: this role may not.
            NotFoundError: no list of that name waits.
        """
        desk = self._desk
        files = [_read_file(each, at) for at, each in enumerate(rehearsal)]
        decision = await admit(desk, who, Matter.DRAFTS, None, "list.examine")
        found = await self._one(name)
        digest = await desk.offload(found.digest)
        files_digest = await desk.offload(found.files)
        facts = await desk.offload(lambda: found.facts(desk.situation))
        hits = await desk.offload(lambda: _hits(found, files))
        rows = await desk.offload(lambda: self._listed(found))

        async def act(tx: Transaction) -> Changed[ExaminedList]:
            overlap = await _overlap(tx, rows, desk.situation.own.name)
            seed = await tx.meta(_seed_key(files_digest))
            if seed is None:
                seed = desk.randomness(_SEED_BYTES)
                await tx.set_meta(_seed_key(files_digest), seed)
            until = int(desk.clock.now().timestamp()) + SEEN_FOR
            seen = _Seen(digest=digest, until=until)
            await tx.set_meta(_seen_key(name, who), encode(seen))
            detail: Detail = {
                "list": name,
                "digest": digest,
                "count": len(found.entries),
                "overlap": sum(overlap.values()),
                "rehearsed": len(files),
                "hits": len(hits),
                "seed": seed.hex(),
            }
            entry = desk.event(Event.LIST_EXAMINED, who, detail, decision=decision)
            await tx.append(desk.trail.log, entry.record, entry.openings)
            return Changed(
                ExaminedList(
                    waiting=_told(found),
                    digest=digest,
                    approve_until=until,
                    facts=facts,
                    kinds=dict(
                        Counter(Kind(e.file.kind.name.lower()) for e in found.entries)
                    ),
                    overlap=[
                        Overlap(origin=origin, count=count)
                        for origin, count in sorted(overlap.items())
                    ],
                    rehearsed=len(files),
                    hits=hits,
                    seed=seed.hex(),
                    drawn=[_shown(each) for each in found.drawn(seed)],
                )
            )

        return await desk.commit(act)

    async def approve(self, name: str, digest: str, who: Principal) -> ListApproved:
        """Publish a list as its second person: what has that digest, and no other.

        The approval is durable before the first signal goes out; those follow in
        pieces. What a stop leaves waits as a list of another digest.

        Raises:
            DeniedError: this role may not, an author approves, or it is more than the
                budget of publications leaves.
            NotFoundError: no list of that name waits.
            WrongStateError: this person has not examined that digest of late, or the
                list has another one by now.
            StoreFailedError: it could not be made durable.
        """
        desk = self._desk
        found = await self._one(name)
        now = await desk.offload(found.digest)
        key = _seen_key(name, who)
        kept = await desk.store.read(lambda reader: reader.meta(key))
        seen = _Seen(digest="", until=0) if not kept else decode(kept, _Seen)
        if now != digest:
            raise WrongStateError(
                "act_changed", Phrase("the list is another by now: examine it anew")
            )
        if seen.digest != digest:
            raise WrongStateError(
                "not_examined", Phrase("you have not examined the list of that digest")
            )
        if seen.until <= desk.clock.now().timestamp():
            raise WrongStateError(
                "seen_long_ago",
                Phrase(
                    "you have examined it more than {days} days ago: examine "
                    "it anew (`fedsafe signal examine {name}`)"
                ).filled(days=SEEN_FOR // SECONDS_A_DAY, name=name),
            )
        await self._check(found, who)
        detail: Detail = {
            "list": name,
            "digest": digest,
            "count": len(found.entries),
        }

        async def act(tx: Transaction) -> Changed[None]:
            entry = desk.event(Event.LIST_APPROVED, who, detail)
            await tx.append(desk.trail.log, entry.record, entry.openings)
            await tx.set_meta(key, b"")
            return Changed(None)

        await desk.commit(act)
        names = [signal_name(entry.signal_id) for entry in found.entries]
        approved, problems = 0, list[ListProblem]()
        for start in range(0, len(names), _PAGE):
            part = names[start : start + _PAGE]
            try:
                answer = await approve_drafts(
                    desk, self._budget, part, who, None, as_list=True
                )
            except (DeniedError, NotFoundError, WrongStateError) as error:
                if start == 0:
                    raise
                problems += [
                    ListProblem(
                        signal=each,
                        detail=str(error),
                        code=code_of(error),
                        **made_of(error.phrase),
                    )
                    for each in part
                ]
                continue
            approved += len(answer.approved)
            problems += [
                ListProblem(signal=part[each.position], detail=each.detail)
                for each in answer.problems
            ]
        return ListApproved(
            digest=digest,
            approved=approved,
            refused=len(problems),
            problems=problems[:_MOST_PROBLEMS],
        )

    async def _check(self, found: _List, who: Principal) -> None:
        """Refuse whoever may not, before anything says that the list is approved."""
        desk = self._desk
        second = Person(who.name, who.role)
        for author in sorted(found.authors):
            refusal = refuse_second(Person(author, Role.ANALYST), second, APPROVERS)
            if refusal is not None:
                decision = deny(refusal, desk.situation.policy.reference)
                await desk.refuse(decision, who, "list.approve")
        over: Decision | None = await self._budget.over(len(found.entries))
        if over is not None:
            await desk.refuse(over, who, "list.approve")

    async def _one(self, name: str) -> _List:
        found = (await self._read(name)).get(name)
        if found is None:
            raise NotFoundError(Phrase("no such list"))
        if not found.entries:
            raise WrongStateError(
                "stale_draft",
                Phrase("the keys have changed since; withdraw and draft anew"),
            )

        async def add_audiences(reader: Reader) -> None:
            for entry in found.entries:
                names = await reader.audience(entry.signal_id)
                if names is not None:
                    found.audiences[entry.signal_id] = names

        await self._desk.store.scan(add_audiences)
        return found

    async def _read(self, name: str | None) -> dict[str, _List]:
        """Read the lists that wait; of the one that is named, its entries as well."""
        desk, lists = self._desk, dict[str, _List]()
        last: DraftRow | None = None
        while True:
            rows = await desk.store.scan(
                lambda reader, after=last: reader.drafts(  # type: ignore[misc]
                    DraftState.PENDING, _PAGE, after=after
                )
            )
            await desk.work(len(rows), lambda rows=rows: self._add(rows, lists, name))  # type: ignore[misc]
            if len(rows) < _PAGE:
                return lists
            last = rows[-1]

    def _add(
        self, rows: Sequence[DraftRow], lists: dict[str, _List], name: str | None
    ) -> None:
        for row in rows:
            try:
                draft = open_draft(row, self._desk.periods)
            except WrongStateError:
                continue  # it can only be withdrawn any more
            said = draft.facts.list
            if said is None or (name is not None and said.name != name):
                continue
            each = lists.setdefault(said.name, _List(said.name))
            each.count += 1
            each.authors.add(row.author)
            each.sources.add(said.source)
            if said.signature is not None:
                each.signatures.add(said.signature)
            if name is None:
                continue
            header, opening = decode_opening(draft.payload)
            node = self._desk.situation.node
            try:
                body = open_media_body(
                    row.signal_id, node, header, opening, self._desk.situation
                )
            except (CryptoError, MalformedError):
                each.count -= 1  # made under older keys; it is drafted anew
                continue
            file = File(body.kind, body.digest)
            each.entries.append(
                _Entry(row.signal_id, draft.token, file, header, draft.facts)
            )

    def _listed(self, found: _List) -> list[tuple[int, ...]]:
        """Give for each entry the rows that may have the same file."""
        rows = self._desk.lists.rows
        return [rows(entry.token) for entry in found.entries]


async def _overlap(
    reader: Reader, rows: Sequence[tuple[int, ...]], own: str
) -> Counter[str]:
    """Count by origin how many files of the list are listed already."""
    wanted = sorted({row for each in rows for row in each})
    origin: dict[int, str] = {}
    for start in range(0, len(wanted), _PAGE):
        for signal in await reader.signals_at(wanted[start : start + _PAGE]):
            origin[signal.row] = signal.origin
    found: Counter[str] = Counter()
    for each in rows:
        found.update({origin[row] for row in each if row in origin} - {own})
    return found


def _hits(found: _List, files: Sequence[File]) -> list[int]:
    """Tell which files of a rehearsal the list would match."""
    from fedsafe_node.lookup.index.pdq import PdqIndex  # noqa: PLC0415 - loads numpy

    exact = {entry.file for entry in found.entries}
    pictures = PdqIndex()
    looks = [e.file.digest for e in found.entries if e.file.kind is MediaKind.PDQ]
    pictures.add(range(len(looks)), looks)
    if pictures.wants_merge:
        pictures.merge()
    return [
        position
        for position, file in enumerate(files)
        if file in exact or (file.kind is MediaKind.PDQ and pictures.query(file.digest))
    ]


def _read_file(question: Question, position: int) -> File:
    pointer = f"/rehearsal/{position}"
    asked = read_question(question, pointer=pointer)
    if not isinstance(asked, File):
        raise BadRequestError(
            "bad_digest",
            Phrase("a rehearsal is on digests of files"),
            pointer=f"{pointer}/kind",
        )
    return asked


def _told(found: _List) -> WaitingList:
    return WaitingList(
        name=found.name,
        count=found.count,
        authors=sorted(found.authors),
        sources=sorted(found.sources),
        signatures=sorted(found.signatures),
    )


def _shown(entry: _Entry) -> DrawnFile:
    return DrawnFile(
        signal=signal_name(entry.signal_id),
        kind=Kind(entry.file.kind.name.lower()),
        digest=entry.file.digest.hex(),
    )


def _listed_facts(
    entry: _Entry, names: frozenset[str] | None, situation: Situation
) -> ListedFacts:
    facts, said = entry.facts, entry.facts.list
    until = datetime.fromtimestamp(entry.header.match_until, UTC).date()
    return ListedFacts(
        count=1,
        source=None if said is None else said.source,
        signature=None if said is None else said.signature,
        provenance=facts.provenance,
        scope=entry.header.scope,
        phenomenon=facts.phenomenon,
        surface=facts.surface,
        grade=facts.grade,
        rule=facts.rule,
        legal_review=facts.legal_review,
        match_until=until.isoformat(),
        nodes=nodes_in(names, situation),
        group=group_in(names),
    )


def _seed_key(files: str) -> str:
    return f"list-seed/{files}"


def _seen_key(name: str, who: Principal) -> str:
    return f"list-seen/{name}/{who.name}"
