# SPDX-License-Identifier: Apache-2.0
"""Enter, verify and test partners; every step is an audit event.

Whoever enters a partner decides where cases go, so another person verifies it: they
call at a number found another way, and compare the key's fingerprint. A verification
ends by itself, and with any change of the entry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Final
from uuid import UUID

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.certificates import (
    certificate_fingerprint,
    certificate_pem,
    signing_certificate,
)
from fedsafe_federation.casework.file_signature import sign_file
from fedsafe_federation.casework.keys import key_fingerprint
from fedsafe_federation.casework.sealing import (
    Format,
    KeyRefusedError,
    Sender,
    examine_keys,
    read_keys,
    seal_for,
)
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.bodies import Sentence, sentence_of
from fedsafe_node.acts.partners import (
    EnterPartner,
    FactShown,
    OfficeShown,
    PartnerReceipt,
    PartnersAnswer,
    PartnerShown,
    TestPackage,
    VerifyPartner,
)
from fedsafe_node.casework.cases.partner_keys import check_entry, counted, note_compared
from fedsafe_node.casework.dispatch.signing import certificate_name
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
    words_of,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.casework_rows import PartnerRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.channels import host_keys_of, place_of
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.package import (
    FORMAT,
    CaseIdentity,
    CasePackage,
    Elements,
)
from fedsafe_policies.escalation.partners import (
    VERIFIERS,
    Partner,
    landscape,
    standing_of,
)
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.vocabulary import Role

_DAY: Final = 86_400
_READ_OUT: Final = {
    "key": "fingerprint",
    "certificate": "certificate_fingerprint",
    "openpgp": "openpgp_fingerprint",
}


@dataclass(frozen=True, slots=True)
class Partners:
    """Keeps the provider's own entries of partners."""

    office: Office
    signer: Callable[[], SigningKey] = field(repr=False)
    matrix: Callable[[], Matrix]

    async def list(self, who: Principal) -> PartnersAnswer:
        """List the own entries, and the offices of the landscape."""

        async def act(tx: Transaction) -> PartnersAnswer:
            rows = [
                await counted(tx, row, decode(row.record, Partner))
                for row in await tx.partners()
            ]
            detail = {"partners": len(rows)}
            await self.office.note(tx, Event.PARTNER_READ, who.name, detail)
            now = self.office.now()
            name = await certificate_name(tx)
            certificate = signing_certificate(self.signer(), name)
            return PartnersAnswer(
                signer=key_fingerprint(self.signer().public),
                certificate=certificate_pem(certificate),
                certificate_fingerprint=certificate_fingerprint(certificate),
                dated=landscape().dated,
                partners=[_shown(row, now) for row in rows],
                landscape=_offices(),
            )

        return await self.office.store.write(act)

    async def enter(self, request: EnterPartner, who: Principal) -> PartnerReceipt:
        """Enter a partner, or change one: it counts once somebody else verifies it.

        Raises:
            BadRequestError: a key of it is none, or media bytes are in it.
            WrongStateError: another revision is there than the one to be replaced.
        """
        check_entry(request)
        _check_keys(request.entry, self.office.now())

        async def act(tx: Transaction) -> PartnerReceipt:
            before = await tx.partner(request.partner)
            _check_revision(before, request.revision)
            row = PartnerRow(
                id=request.partner,
                revision=request.revision + 1,
                test=request.entry.test,
                entered_at=self.office.now(),
                entered_by=who.name,
                verified_at=None,
                verified_until=None,
                verified_by=None,
                record=encode(request.entry),
            )
            return await self._keep(tx, row, Event.PARTNER_ENTERED, who)

        return await self.office.store.write(act)

    async def verify(
        self, partner: str, request: VerifyPartner, who: Principal
    ) -> PartnerReceipt:
        """Let an entry count, as somebody who has not entered it.

        Raises:
            NotFoundError: there is no such partner.
            DeniedError: it is the person's own entry (P6).
            WrongStateError: it has changed, has no phone, or a key is another.
        """

        async def act(tx: Transaction) -> PartnerReceipt | Decision:
            row, entry = await read_partner(tx, partner)
            _check_revision(row, request.revision)
            first = Person(row.entered_by, Role.ESCALATION_OFFICER)
            refusal = refuse_second(first, Person(who.name, who.role), VERIFIERS)
            if refusal is not None:
                return deny(refusal, self.office.judge.policy.reference, "partner")
            now = self.office.now()
            _compare(entry, request, now)
            verified = msgspec.structs.replace(
                row,
                revision=row.revision + 1,
                verified_at=now,
                verified_until=now + request.days * _DAY,
                verified_by=who.name,
            )
            await note_compared(tx, row.id, entry)
            event = Event.PARTNER_VERIFIED
            return await self._keep(tx, verified, event, who, request.reference)

        answer = await self.office.store.write(act)
        if isinstance(answer, Decision):
            await self.office.refused(answer, who.name, "partner.verify")
            raise DeniedError(answer)
        return answer

    async def test(self, partner: str, who: Principal) -> TestPackage:
        """Seal a package about nobody, for a partner to try its key with.

        Raises:
            NotFoundError: there is no such partner.
            WrongStateError: it is a production contact, or has no key.
        """

        async def act(tx: Transaction) -> TestPackage:
            row, entry = await read_partner(tx, partner)
            if not row.test:
                raise WrongStateError(
                    "production_contact",
                    Phrase(
                        "a test never goes to a production contact; enter one for tests"
                    ),
                )
            if (entry.key, entry.certificate, entry.openpgp) == (None, None, None):
                raise WrongStateError(
                    "no_partner_key", Phrase("this partner has no key")
                )
            name = await certificate_name(tx)
            found, sealed = self._test_package(entry, name)
            detail: Detail = {"partner": row.id, "revision": row.revision}
            await self.office.note(tx, Event.PARTNER_TESTED, who.name, detail)
            shown = _shown(row, self.office.now())
            return TestPackage(
                **msgspec.structs.asdict(_receipt(shown)),
                host_keys=sorted(host_keys_of(entry.channels)),
                signer=key_fingerprint(self.signer().public),
                format=found,
                sealed=sealed,
                signature=sign_file(self.signer(), sealed),
            )

        return await self.office.store.write(act)

    def _test_package(self, entry: Partner, name: str | None) -> tuple[Format, bytes]:
        moment = self.office.clock.now().replace(microsecond=0)
        identity = CaseIdentity(
            case_ref="test", urgency=Urgency.U2, known_at=moment - timedelta(hours=1)
        )
        package = CasePackage(
            format=FORMAT,
            package_id=UUID(bytes=token_bytes(16), version=4),
            made_at=moment,
            test=True,
            partner_class=entry.partner_class,
            matrix=self.matrix().reference,
            elements=Elements(case=identity),
        )
        sender = Sender(
            signer=self.signer(),
            dispatch=token_bytes(32).hex(),
            at=moment,
            provider=name,
        )
        try:
            return seal_for(entry, package, sender)
        except KeyRefusedError as error:
            raise WrongStateError("bad_partner_key", words_of(error)) from None

    async def _keep(
        self,
        tx: Transaction,
        row: PartnerRow,
        event: Event,
        who: Principal,
        reference: str | None = None,
    ) -> PartnerReceipt:
        await tx.put_partner(row)
        shown = _shown(row, self.office.now())
        detail: Detail = {
            "partner": row.id,
            "revision": row.revision,
            "test": row.test,
            "channels": ", ".join(map(place_of, shown.entry.channels)),
            **_fingerprints(shown),
            **({} if reference is None else {"reference": reference}),
        }
        await self.office.note(tx, event, who.name, detail)
        return _receipt(shown)


async def read_partner(reader: Reader, partner: str) -> tuple[PartnerRow, Partner]:
    """Return a partner with its entry, as far as its verification counts.

    Raises:
        NotFoundError: there is no such partner.
    """
    row = await reader.partner(partner)
    if row is None:
        raise NotFoundError(Phrase("no such partner"), code="no_partner")
    entry = decode(row.record, Partner)
    return await counted(reader, row, entry), entry


def _check_revision(row: PartnerRow | None, revision: int) -> None:
    if row is None and revision:
        raise WrongStateError(
            "partner_changed",
            Phrase(
                "there is no such partner, and so no revision {revision}: a new "
                "one replaces none"
            ).filled(revision=revision),
        )
    if row is not None and row.revision != revision:
        told = Phrase(
            "this partner is entered already, with revision {revision}: look at it, "
            "and change it"
        ).filled(revision=row.revision)
        if revision:
            told = Phrase(
                "the partner has revision {revision}, not {other}: look at it again"
            ).filled(revision=row.revision, other=revision)
        raise WrongStateError("partner_changed", told)


def _check_keys(entry: Partner, now: int) -> None:
    try:
        read_keys(entry, _moment(now))
    except KeyRefusedError as error:
        raise BadRequestError(
            "bad_partner_key", words_of(error), pointer=f"/entry/{error.field}"
        ) from None


def _moment(now: int) -> datetime:
    return datetime.fromtimestamp(now, UTC)


def _compare(entry: Partner, request: VerifyPartner, now: int) -> None:
    if entry.phone is None:
        raise WrongStateError(
            "no_phone",
            Phrase("a partner without a phone number cannot be called"),
        )
    _compare_servers(entry, request)
    keys, faults = examine_keys(entry, _moment(now))
    for name, problem in faults.items():
        raise WrongStateError(
            "bad_partner_key",
            Phrase("{name}: {problem}").filled(name=name, problem=problem),
        )
    known = keys.fingerprints()
    for name, told in _READ_OUT.items():
        read_out: str | None = getattr(request, told)
        if (name in known) != (read_out is not None):
            raise WrongStateError(
                "not_comparable",
                Phrase(
                    "give {told} as it was read out, if the partner has that key"
                ).filled(told=told),
            )
        if read_out is not None and not keys.same(name, read_out):
            raise WrongStateError(
                "other_partner_key",
                Phrase("{told} is not the fingerprint of the key entered here").filled(
                    told=told
                ),
            )


def _compare_servers(entry: Partner, request: VerifyPartner) -> None:
    """Refuse to hand over to a server whose key nobody has compared."""
    known, told = host_keys_of(entry.channels), request.host_keys
    read_out = {f"SHA256:{each.removeprefix('SHA256:').rstrip('=')}" for each in told}
    if len(read_out) != len(known):
        raise WrongStateError(
            "not_comparable",
            Phrase(
                "give host_keys, one for each server over SFTP, as they were read out"
            ),
        )
    if read_out != known:
        raise WrongStateError(
            "other_partner_key",
            Phrase("host_keys has another fingerprint than the host key entered here"),
        )


def _made(unusable: Mapping[str, Phrase]) -> dict[str, Sentence] | msgspec.UnsetType:
    found = {name: sentence_of(why) for name, why in unusable.items()}
    made = {name: each for name, each in found.items() if each is not None}
    return made or msgspec.UNSET


def _fingerprints(shown: PartnerShown) -> Detail:
    """Say in the log which keys an entry has; the first is there always."""
    others = {
        "certificate": shown.certificate_fingerprint,
        "openpgp": shown.openpgp_fingerprint,
    }
    known = {name: digits for name, digits in others.items() if digits is not None}
    return {"fingerprint": shown.fingerprint or "", **known}


def _shown(row: PartnerRow, now: int) -> PartnerShown:
    entry = decode(row.record, Partner)
    keys, unusable = examine_keys(entry, _moment(now))
    known = keys.fingerprints()
    return PartnerShown(
        partner=row.id,
        revision=row.revision,
        standing=standing_of(row.verified_until, now),
        entry=entry,
        fingerprint=known.get("key"),
        certificate_fingerprint=known.get("certificate"),
        openpgp_fingerprint=known.get("openpgp"),
        unusable={name: str(why) for name, why in unusable.items()},
        unusable_made=_made(unusable),
        entered_by=row.entered_by,
        entered_at=row.entered_at,
        verified_by=row.verified_by,
        verified_at=row.verified_at,
        verified_until=row.verified_until,
    )


def _receipt(shown: PartnerShown) -> PartnerReceipt:
    return PartnerReceipt(
        partner=shown.partner,
        revision=shown.revision,
        standing=shown.standing,
        verified_until=shown.verified_until,
        fingerprint=shown.fingerprint,
        certificate_fingerprint=shown.certificate_fingerprint,
        openpgp_fingerprint=shown.openpgp_fingerprint,
    )


def _offices() -> list[OfficeShown]:
    return [
        OfficeShown(
            office=name,
            de=office.name.de,
            en=office.name.en,
            partner_class=office.partner_class,
            country=office.country,
            template=office.template,
            facts=[
                FactShown(
                    about=fact.about,
                    de=fact.text.de,
                    en=fact.text.en,
                    source=fact.source,
                    as_of=fact.as_of,
                )
                for fact in office.facts
            ],
            open=list(office.open),
        )
        for name, office in landscape().partner.items()
    ]
