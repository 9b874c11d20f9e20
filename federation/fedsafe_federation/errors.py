# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in fedsafe_federation.

* FederationError
  + IdentifierError          a raw value has no canonical form (the asker's input)
  + MediaError               a file is no usable picture or media (the asker's input)
  + MalformedError           a peer's or a person's document does not fit its type
  + UntrustedError           a statement without a valid signature or authority
  + FeedError                a peer's feed does not verify
    - TruncatedFeedError     a stream without its trailer
    - EquivocationError      two trees of one origin, or a tree that shrank
    - TooManyRestrictionsError  an author restricts more than it can have published
    - TooManyRecordsError    an origin publishes faster than anybody may
  + StaleStatementError      a statement is too old, too new or was seen before
  + CeremonyError            a ceremony cannot go on
    - FoundingError          that of a founding
    - ResharingError         that of a key that is shared anew
  + AmendmentError           a change of the charter that cannot be made
  + ArrangementError         two members that have nothing to exchange under
  + PeerError                a peer did not answer as a peer should
    - PeerUnreachableError   no answer in time
      ~ InnerNetworkError    its address is one that this node may not connect to
    - PeerRefusedError       an answer that says no
  + WitnessError             a witness does not cosign a checkpoint
    - UnknownLogError        no log that is witnessed here
    - WitnessConflictError   the witness saw another size last
    - WitnessRefusedError    the checkpoint does not extend what was seen
  + QuorumError              fewer than t members answered in time
"""

from collections.abc import Collection
from enum import StrEnum, unique
from http import HTTPStatus
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import IdentifierKind

UNKNOWN_EPOCH: Final = "unknown_epoch"  # says a node that has not taken it up yet


class FederationError(Exception):
    """Root of everything that this room raises on purpose.

    `phrase` is the sentence with the values in it, for a reader of another language;
    `str` says it in English.
    """

    phrase: Phrase | None = None


@unique
class IdentifierFault(StrEnum):
    """Why a written identifier has no canonical form; these codes travel."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    LONE_SURROGATE = "lone_surrogate"
    INVISIBLE_CHARACTER = "invisible_character"
    UNASSIGNED_CHARACTER = "unassigned_character"
    MALFORMED = "malformed"
    BAD_LOCAL_PART = "bad_local_part"
    BAD_DOMAIN = "bad_domain"
    REGION_MISSING = "region_missing"
    REGION_UNKNOWN = "region_unknown"
    LETTERS = "letters"
    SHORT_CODE = "short_code"
    NOT_POSSIBLE = "not_possible"
    NAMESPACE_MISSING = "namespace_missing"
    NAMESPACE_UNKNOWN = "namespace_unknown"
    PLACEHOLDER = "placeholder"
    CARD_NUMBER = "card_number"
    COUNTRY_UNKNOWN = "country_unknown"
    WRONG_LENGTH = "wrong_length"
    WRONG_CHECKSUM = "wrong_checksum"
    NOT_GLOBAL = "not_global"
    SCHEME_MISSING = "scheme_missing"
    SCHEME_REFUSED = "scheme_refused"


_F: Final = IdentifierFault

_SENTENCES: Final[dict[IdentifierFault, Phrase]] = {
    _F.EMPTY: Phrase("the value is empty"),
    _F.TOO_LONG: Phrase("the value is longer than 4,096 bytes"),
    _F.CONTROL_CHARACTER: Phrase("the value holds a control character"),
    _F.LONE_SURROGATE: Phrase("the value holds half of a surrogate pair"),
    _F.INVISIBLE_CHARACTER: Phrase(
        "the value holds an invisible or direction-changing character"
    ),
    _F.UNASSIGNED_CHARACTER: Phrase(
        "the value holds a character that Unicode 14.0 does not know or changed later"
    ),
    _F.MALFORMED: Phrase("the value does not have the form of its kind"),
    _F.BAD_LOCAL_PART: Phrase("the part before the @ is not valid"),
    _F.BAD_DOMAIN: Phrase("the domain is not valid"),
    _F.REGION_MISSING: Phrase("a number without + and country code needs a region"),
    _F.REGION_UNKNOWN: Phrase("the region is not known"),
    _F.LETTERS: Phrase("a phone number holds no letters"),
    _F.SHORT_CODE: Phrase("a short or emergency code names no subscriber"),
    _F.NOT_POSSIBLE: Phrase("no such number is possible under its country code"),
    _F.NAMESPACE_MISSING: Phrase("the value needs a namespace"),
    _F.NAMESPACE_UNKNOWN: Phrase("the namespace is neither a known name nor a domain"),
    _F.PLACEHOLDER: Phrase("the value is a placeholder that many devices share"),
    _F.CARD_NUMBER: Phrase("card numbers are never accepted"),
    _F.COUNTRY_UNKNOWN: Phrase("the country is not known"),
    _F.WRONG_LENGTH: Phrase(
        "the value does not have the length that its country fixes"
    ),
    _F.WRONG_CHECKSUM: Phrase("the check digits do not fit the value"),
    _F.NOT_GLOBAL: Phrase("the address means something else in every network"),
    _F.SCHEME_MISSING: Phrase("the address does not start with http:// or https://"),
    _F.SCHEME_REFUSED: Phrase("only http and https addresses are accepted"),
}


class IdentifierError(FederationError):
    """A written identifier is refused; the sentence never holds the value."""

    def __init__(self, kind: IdentifierKind, code: IdentifierFault) -> None:
        self.kind = kind
        self.code = code
        self.fault = _SENTENCES[code]
        self.message = self.fault.english
        named = Phrase("{kind}: {why}").filled(kind=kind.name.lower(), why=self.fault)
        self.phrase = named
        super().__init__(str(named))


@unique
class MediaFault(StrEnum):
    """Why a file yields no digest; these codes travel."""

    UNREADABLE = "media_unreadable"
    UNKNOWN_FORMAT = "picture_format_unknown"
    DAMAGED = "picture_damaged"
    TOO_LARGE = "picture_too_large"
    TOO_LONG = "picture_too_long"
    DEPTH = "picture_depth_unsupported"
    MALFORMED_DIGEST = "digest_malformed"


_MEDIA_SENTENCES: Final[dict[MediaFault, Phrase]] = {
    MediaFault.UNREADABLE: Phrase("the file cannot be read as a stream of bytes"),
    MediaFault.UNKNOWN_FORMAT: Phrase("the file is no picture of a known format"),
    MediaFault.DAMAGED: Phrase("the picture is truncated or damaged"),
    MediaFault.TOO_LARGE: Phrase(
        "the picture has more pixels or bytes than are decoded"
    ),
    MediaFault.TOO_LONG: Phrase("a side of the picture has more than 131,072 pixels"),
    MediaFault.DEPTH: Phrase("the picture has a sample depth that is not decoded"),
    MediaFault.MALFORMED_DIGEST: Phrase("a digest has the wrong length or letters"),
}


class MediaError(FederationError):
    """A file is no usable picture or media; never quotes its name or bytes."""

    def __init__(self, code: MediaFault) -> None:
        self.code = code
        self.phrase = _MEDIA_SENTENCES[code]
        self.message = self.phrase.english
        super().__init__(self.message)


class MalformedError(FederationError):
    """A document does not fit its type; the message never quotes a value."""

    def __init__(self, document: str, why: str | Phrase) -> None:
        super().__init__(f"{document}: {why}")
        if isinstance(why, Phrase):
            told = Phrase("{document}: {why}")
            self.phrase = told.filled(document=document, why=why)
        self.document = document
        self.why = str(why)
        self.told = why


class UntrustedError(FederationError):
    """A statement has no valid signature, or its signer no authority."""

    def __init__(self, who: str, why: str) -> None:
        super().__init__(f"{who}: {why}")
        self.who = who
        self.why = why


class FeedError(FederationError):
    """A feed does not verify; nothing of the batch was applied."""

    def __init__(self, origin: str, why: str) -> None:
        super().__init__(f"feed of {origin}: {why}")
        self.origin = origin
        self.why = why


class TruncatedFeedError(FeedError):
    """A stream ended without its trailer."""


class EquivocationError(FeedError):
    """An origin showed two trees, or one that lost entries.

    `evidence` holds the contradicting checkpoints as signed notes; for a fork a
    third text, the consistency proof (base64, a hash a line) that leads from the
    second checkpoint to another tree than the first's.
    """

    def __init__(self, origin: str, why: str, evidence: tuple[str, ...]) -> None:
        super().__init__(origin, why)
        self.evidence = evidence


class NotWitnessedError(FeedError):
    """Additions wait: too few witnesses have cosigned their checkpoint yet."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin, "too few witnesses have cosigned")


class TooManyRestrictionsError(FeedError):
    """A batch restricts more signals than an honest feed could.

    Either it leads with more names than a batch may, or its author has restricted
    more than it has published. No record of the batch was applied.
    """

    def __init__(self, author: str) -> None:
        super().__init__(author, "it restricts more signals than an honest feed could")


class TooManyRecordsError(FeedError):
    """A feed grows faster than the federation's policy lets anybody publish.

    No record of the batch was applied; its restrictions were.
    """

    def __init__(self, origin: str) -> None:
        super().__init__(origin, "it publishes faster than anybody may")


class StaleStatementError(FederationError):
    """A statement is outside its time window, or was seen before."""

    def __init__(self, who: str, why: str) -> None:
        super().__init__(f"{who}: {why}")
        self.who = who
        self.why = why


class AmendmentError(FederationError):
    """A change of the charter that cannot be made."""

    def __init__(self, why: str | Phrase) -> None:
        super().__init__(str(why))
        self.phrase = why if isinstance(why, Phrase) else None


class ArrangementError(FederationError):
    """Two members without a common protocol version or arrangement."""

    def __init__(self, code: str, why: str | Phrase) -> None:
        super().__init__(str(why))
        self.phrase = why if isinstance(why, Phrase) else None
        self.code = code


class CeremonyError(FederationError):
    """A ceremony cannot go on; `guilty` are those whose fault is settled."""

    def __init__(self, why: str | Phrase, *, guilty: Collection[str] = ()) -> None:
        super().__init__(str(why))
        self.phrase = why if isinstance(why, Phrase) else None
        self.guilty = frozenset(guilty)


class FoundingError(CeremonyError):
    """A founding ceremony cannot go on; start a new one."""


class ResharingError(CeremonyError):
    """A resharing cannot go on; it is repeated without whoever is at fault."""


class PeerError(FederationError):
    """A peer did not answer as a peer should."""

    def __init__(self, peer: str, why: str) -> None:
        super().__init__(f"{peer}: {why}")
        self.peer = peer
        self.why = why


class PeerUnreachableError(PeerError):
    """No answer from a peer in time."""


class InnerNetworkError(PeerUnreachableError):
    """A peer's address lies in an inner network that this node's operator did not name.

    Nothing was sent.
    """

    def __init__(self, peer: str) -> None:
        super().__init__(
            peer,
            "its address lies in an inner network, and peering.inside does not name "
            "that",
        )


class PeerRefusedError(PeerError):
    """A peer answered that it will not; `status` is its HTTP status.

    `retry_after` is in how many seconds it may be asked again, if it said so.
    """

    def __init__(
        self, peer: str, status: int, code: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(peer, f"refused with {status} {code}")
        self.status = status
        self.code = code
        self.retry_after = retry_after

    @property
    def lacks_budget(self) -> bool:
        """Whether this node's budget at the peer is spent."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS

    @property
    def lacks_epoch(self) -> bool:
        """Whether the peer has not taken up the epoch yet."""
        return self.code == UNKNOWN_EPOCH


class WitnessError(FederationError):
    """A witness does not cosign a checkpoint of a log."""

    def __init__(self, origin: str, why: str) -> None:
        super().__init__(f"{origin}: {why}")
        self.origin = origin
        self.why = why


class UnknownLogError(WitnessError):
    """The log is none that is witnessed here."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin, "no log that is witnessed here")


class WitnessConflictError(WitnessError):
    """The witness saw another size last: `size`."""

    def __init__(self, origin: str, size: int) -> None:
        super().__init__(origin, f"the size that was seen last is {size}")
        self.size = size


class WitnessRefusedError(WitnessError):
    """The checkpoint does not extend the tree that was seen.

    With `fork`, the log has signed two trees of one size.
    """

    def __init__(self, origin: str, why: str, *, fork: bool = False) -> None:
        super().__init__(origin, why)
        self.fork = fork


class QuorumError(FederationError):
    """Fewer than t members answered rightly in time: ask again later.

    Where too few have a budget left, `retry_after` says in how many seconds one has.
    With `unused` so many do not know the epoch yet that nobody can have published
    under it. The answers of `wrong` were none.
    """

    def __init__(
        self,
        got: int,
        needed: int,
        *,
        retry_after: float | None = None,
        unused: bool = False,
        wrong: frozenset[str] = frozenset(),
    ) -> None:
        told = Phrase("{got} of {needed} members answered in time")
        self.phrase = told.filled(got=got, needed=needed)
        super().__init__(str(self.phrase))
        self.got = got
        self.needed = needed
        self.retry_after = retry_after
        self.unused = unused
        self.wrong = wrong

    def anew(self) -> "QuorumError":
        """Make the same error for somebody else who asked with it."""
        return QuorumError(
            self.got,
            self.needed,
            retry_after=self.retry_after,
            unused=self.unused,
            wrong=self.wrong,
        )
