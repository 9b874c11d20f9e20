# SPDX-License-Identifier: Apache-2.0
"""Other texts to decide by (P6): proposed by one person, approved by another.

Whoever keeps node.toml names there what the node should decide by: a policy, a legal
calendar, do-not-share lists, a minimisation matrix, for how long the audit log is kept.
That alone changes nothing. A person proposes what is named now; the act holds the
digests of what counts and of what would, and what changes for people. The second person
approves exactly that.
The digests in the store, the act and the event are one transaction, and the texts are
kept before anybody is asked, so the node decides by the old texts or by the new ones,
whatever stops it in between.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from msgspec.structs import asdict

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.errors import BadRequestError, ConfigError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.log.audit import Event
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import let_one_wait
from fedsafe_node.rules.policy_bundle import (
    Digests,
    Provisions,
    approved_digests,
    check_against,
    keep_approved,
    kept_provisions,
    named_digests,
    read_provisions,
)
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.effects import Effect, effects
from fedsafe_policies.documents.provision_effects import (
    audit_effects,
    calendar_effects,
    list_effects,
)
from fedsafe_policies.escalation.own_matrix import matrix_effects
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act

KIND: Final = Act.POLICY_CHANGE
_GROUND: Final = "policy-change"
_MOST_EFFECTS: Final = 500


class Said(Row, frozen=True, kw_only=True):
    """One effect of the change, in both languages."""

    key: str
    direction: str
    de: str
    en: str


class Change(Row, frozen=True, kw_only=True):
    """What a second person stands by: these texts in the place of those."""

    before: Digests
    after: Digests
    policy: str
    instead_of: str
    effects: list[Said]


class PolicyChange:
    """The effect of an approved change (`approvals.Effect`)."""

    def __init__(self, office: Office, situation: Situation, place: Place) -> None:
        self._office = office
        self._situation = situation
        self._place = place

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the change to the policy that holds now, with both persons.

        Raises:
            WrongStateError: the node decides by other texts than when it was asked.
        """
        change = decode(content, Change)
        if await approved_digests(reader) != change.before:
            raise WrongStateError(
                "act_changed",
                Phrase("the node decides by other texts by now: propose anew"),
            )
        return ActRequest(KIND, first, second, _GROUND)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], None]:
        """Let the texts count; what is returned lets the node decide by them.

        Raises:
            WrongStateError: a text is not here any more, or the federation's policy
                is stricter by now.
        """
        change, office = decode(content, Change), self._office
        try:
            provisions = kept_provisions(self._place, change.after)
            check_against(self._place, provisions, self._situation.agreed)
        except ConfigError as error:
            raise WrongStateError(
                "act_changed", Phrase("{why}: propose anew").filled(why=error.told)
            ) from None
        policy, times = provisions.policy, asdict(provisions.audit)
        office.trail.know_policy(policy.reference, policy.digest)
        await keep_approved(tx, change.after)
        await office.note(
            tx,
            Event.POLICY_CHANGED,
            first.name,
            {
                "policy": policy.reference,
                "before": change.instead_of,
                "was": change.before.policy,
                "calendar": change.after.calendar,
                "do_not_share": change.after.do_not_share,
                "minimisation": change.after.minimisation,
                "second": second.name,
                **{f"audit_{name}": days for name, days in times.items()},
            },
        )
        return partial(self._situation.adopt, provisions)


class PolicyChanges:
    """Proposes what node.toml names."""

    def __init__(
        self,
        office: Office,
        situation: Situation,
        approvals: Approvals,
        place: Place,
        offload: Workers,
    ) -> None:
        self._office = office
        self._situation = situation
        self._approvals = approvals
        self._place = place
        self._offload = offload

    async def propose(self, who: Principal) -> ActAnswer:
        """Ask a second person for the texts that node.toml names now.

        What was proposed before and is something else by now is withdrawn.

        Raises:
            BadRequestError: a text cannot be read or does not fit, or allows what the
                federation's policy does not; or more changes than a second person
                can be shown.
            WrongStateError: it names what the node decides by; or the same is
                proposed already; or nobody else here could be the second person.
        """
        named = await self._offload(self._read)
        office = self._office
        await office.store.scan(
            lambda reader: self._approvals.check_second(reader, KIND, who)
        )
        before = await office.store.read(approved_digests)
        now = self._situation.provisions
        if before is None or named.digests is None:
            raise AssertionError("a running node knows what it decides by")
        if named.digests == before:
            detail = Phrase(
                "node.toml names the texts by which the node decides already"
            )
            raise WrongStateError("nothing_changed", detail)
        content = encode(
            Change(
                before=before,
                after=named.digests,
                policy=named.policy.reference,
                instead_of=now.policy.reference,
                effects=_shown_in_full(now, named),
            )
        )

        async def keep(tx: Transaction, asked: ActAnswer) -> None:
            await let_one_wait(office, tx, asked, is_same=content.__eq__)

        return await self._approvals.ask(KIND, content, who, keep=keep)

    async def differing(self) -> list[str]:
        """Name what node.toml names now and the node does not decide by."""
        try:
            named = await self._offload(
                lambda: named_digests(self._place, load_config(self._place))
            )
        except ConfigError:
            return ["node.toml"]
        approved = await self._office.store.read(approved_digests)
        return list(named.differing(approved)) if approved is not None else []

    def _read(self) -> Provisions:
        try:
            named = read_provisions(self._place, load_config(self._place))
            check_against(self._place, named, self._situation.agreed)
        except ConfigError as error:
            raise BadRequestError("bad_policy", _without(self._place, error)) from None
        return named


def _shown_in_full(old: Provisions, new: Provisions) -> list[Said]:
    """List the effects for the second person, who approves nothing unseen.

    Raises:
        BadRequestError: they are more than anybody is shown.
    """
    told = list(_told(old, new))
    if len(told) > _MOST_EFFECTS:
        detail = Phrase(
            "it changes {count} things, and nobody is shown more than "
            "{most}: propose it in parts"
        ).filled(count=len(told), most=_MOST_EFFECTS)
        raise BadRequestError("bad_policy", detail)
    return told


def _told(old: Provisions, new: Provisions) -> Iterator[Said]:
    found: tuple[Effect, ...] = (
        *effects(old.policy, new.policy),
        *calendar_effects(old.calendar, new.calendar),
        *list_effects(old.do_not_share, new.do_not_share),
        *matrix_effects(old.matrix, new.matrix),
        *audit_effects(asdict(old.audit), asdict(new.audit)),
    )
    for each in found:
        yield Said(
            key=each.key,
            direction=each.direction.value,
            de=each.text.de,
            en=each.text.en,
        )


def _without(place: Place, error: ConfigError) -> Phrase:
    """Say what does not fit without the way to the node's directory."""
    inside = f"{place.directory}/"
    told = Phrase("{path}: {why}").filled(
        path=str(error.path).replace(inside, ""), why=error.told
    )
    said = str(error).replace(inside, "")
    return told if str(told) == said else Phrase(said)
