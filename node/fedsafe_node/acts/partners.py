# SPDX-License-Identifier: Apache-2.0
"""What the API takes and says of partners."""

from datetime import date
from typing import Annotated

import msgspec

from fedsafe_federation.casework.sealing import Format
from fedsafe_node.acts.bodies import Message, Reference, Sentence
from fedsafe_node.acts.cases import Moment
from fedsafe_policies.escalation.partners import (
    VALID_DAYS,
    FactKind,
    Partner,
    PartnerId,
    Standing,
)
from fedsafe_policies.escalation.vocabulary import PartnerClass

Revision = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
HostKey = Annotated[str, msgspec.Meta(pattern=r"^(SHA256:)?[A-Za-z0-9+/]{43}=?(?!\n)$")]
Fingerprint = Annotated[str, msgspec.Meta(min_length=32, max_length=100)]


class EnterPartner(Message, frozen=True):
    """A partner as it is now; `revision` is that of the entry it replaces, 0 for none.

    An entry counts once somebody else has verified it, so that each change takes a
    verification anew.
    """

    partner: PartnerId
    revision: Revision
    entry: Partner


class VerifyPartner(Message, frozen=True):
    """Somebody has called, at a number found another way, and compared.

    Each fingerprint is that of a key as it was read out: FedSafe's own, the X.509
    certificate (32 digits, or all 64), the OpenPGP certificate. `host_keys` are those
    of the servers to which the node hands over by SFTP, as `ssh-keygen -l` shows them.
    `reference` says where the call is noted.
    """

    revision: Revision
    reference: Reference
    fingerprint: Fingerprint | None = None
    certificate_fingerprint: Fingerprint | None = None
    openpgp_fingerprint: Fingerprint | None = None
    host_keys: Annotated[tuple[HostKey, ...], msgspec.Meta(max_length=3)] = ()
    days: Annotated[int, msgspec.Meta(ge=1, le=VALID_DAYS)] = VALID_DAYS


class PartnerReceipt(Message, frozen=True):
    """Where an entry stands."""

    partner: PartnerId
    revision: Revision
    standing: Standing
    verified_until: Moment | None
    fingerprint: str | None
    certificate_fingerprint: str | None
    openpgp_fingerprint: str | None


class PartnerShown(Message, frozen=True):
    """An entry, whether it counts, and what to compare its keys with.

    `unusable` says by its name why a key is not sealed to now: it may have expired.
    `unusable_made` is how those sentences were made.
    One that was verified and has no `verified_until` was so before the host key of its
    server was compared: it does not count before it is verified anew.
    """

    partner: PartnerId
    revision: Revision
    standing: Standing
    entry: Partner
    fingerprint: str | None
    certificate_fingerprint: str | None
    openpgp_fingerprint: str | None
    unusable: dict[str, str]
    entered_by: str
    entered_at: Moment
    verified_by: str | None
    verified_at: Moment | None
    verified_until: Moment | None
    unusable_made: dict[str, Sentence] | msgspec.UnsetType = msgspec.UNSET


class FactShown(Message, frozen=True):
    """What a source says of an office."""

    about: FactKind
    de: str
    en: str
    source: str
    as_of: str | None


class OfficeShown(Message, frozen=True):
    """An office of the shipped landscape, and of what no source says anything."""

    office: PartnerId
    de: str
    en: str
    partner_class: PartnerClass
    country: str
    template: bool
    facts: list[FactShown]
    open: list[FactKind]


class PartnersAnswer(Message, frozen=True):
    """The provider's own entries, the landscape, and the fingerprints of its keys.

    `certificate` is the provider's, to verify S/MIME packages with, and the
    signature of every sealed file.
    """

    signer: str
    certificate: str
    certificate_fingerprint: str
    dated: date
    partners: list[PartnerShown]
    landscape: list[OfficeShown]


class TestPackage(PartnerReceipt, frozen=True):
    """A sealed package about nobody, for a partner of the mark `test`.

    `standing` says whether anybody has verified the key that it is sealed to;
    `host_keys` are fingerprints of servers, compared with those of the keys.
    `signature` is for the file beside it, over all of its bytes; null where `fedsafe
    open` alone reads the format.
    """

    __test__ = False  # no test of ours, though its name begins like one

    host_keys: list[str]
    signer: str
    format: Format
    sealed: bytes
    signature: bytes | None
