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
  + StaleStatementError      a statement is too old, too new or was seen before
  + FoundingError            a founding ceremony cannot go on
  + PeerError                a peer did not answer as a peer should
    - PeerUnreachableError   no answer in time
    - PeerRefusedError       an answer that says no
"""

from enum import StrEnum, unique


class FederationError(Exception):
    """Base of every error this package raises."""


@unique
class MediaFault(StrEnum):
    """Why a file yields no digest; the values are wire codes."""

    UNREADABLE = "media_unreadable"
    UNKNOWN_FORMAT = "picture_format_unknown"
    DAMAGED = "picture_damaged"
    TOO_LARGE = "picture_too_large"
    DEPTH = "picture_depth_unsupported"
    MALFORMED_DIGEST = "digest_malformed"


_MEDIA_SENTENCES: dict[MediaFault, str] = {
    MediaFault.UNREADABLE: "the file cannot be read as a stream of bytes",
    MediaFault.UNKNOWN_FORMAT: "the file is no picture of a known format",
    MediaFault.DAMAGED: "the picture is truncated or damaged",
    MediaFault.TOO_LARGE: "the picture has more pixels or bytes than are decoded",
    MediaFault.DEPTH: "the picture has a sample depth that is not decoded",
    MediaFault.MALFORMED_DIGEST: "a digest has the wrong length or letters",
}


class MediaError(FederationError):
    """A file is no usable picture or media; never quotes its name or bytes."""

    def __init__(self, code: MediaFault) -> None:
        super().__init__(_MEDIA_SENTENCES[code])
        self.code = code


class MalformedError(FederationError):
    """A document does not fit its type; the message never quotes a value."""

    def __init__(self, document: str, why: str) -> None:
        super().__init__(f"{document}: {why}")
        self.document = document
        self.why = why


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

    `evidence` holds the contradicting checkpoints as signed notes.
    """

    def __init__(self, origin: str, why: str, evidence: tuple[str, ...]) -> None:
        super().__init__(origin, why)
        self.evidence = evidence


class StaleStatementError(FederationError):
    """A statement is outside its time window, or was seen before."""

    def __init__(self, who: str, why: str) -> None:
        super().__init__(f"{who}: {why}")
        self.who = who
        self.why = why


class FoundingError(FederationError):
    """A founding ceremony cannot go on; start a new one."""


class PeerError(FederationError):
    """A peer did not answer as a peer should."""

    def __init__(self, peer: str, why: str) -> None:
        super().__init__(f"{peer}: {why}")
        self.peer = peer
        self.why = why


class PeerUnreachableError(PeerError):
    """No answer from a peer in time."""


class PeerRefusedError(PeerError):
    """A peer answered that it will not; `status` is its HTTP status."""

    def __init__(self, peer: str, status: int, code: str) -> None:
        super().__init__(peer, f"refused with {status} {code}")
        self.status = status
        self.code = code
