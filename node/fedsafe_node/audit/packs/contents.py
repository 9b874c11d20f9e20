# SPDX-License-Identifier: Apache-2.0
"""What a pack holds beside the entries: texts, keys, checkpoint, policies."""

import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.feed.witnessing import witness_name
from fedsafe_node.evidence.verify import FORMAT
from fedsafe_node.keys.own_keys import NodeKeys
from fedsafe_node.log.anchor import AnchorProof
from fedsafe_node.log.audit import audit_log_name
from fedsafe_node.log.span import Part
from fedsafe_policies.documents.policy import SHIPPED, shipped_text

File = tuple[str, bytes]
Decided = tuple[str, str | None]
"""How an entry names the policy that decided: `name@hash8`, and the whole SHA-256."""
_PACKAGE: Final = "fedsafe_node.evidence"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What others have cosigned, how the pack's tree extends it, and their charter.

    Leaves of the anchor are opened from `first` on; `proof` leads from them to its
    root.
    """

    anchor: AnchorProof
    first: int
    proof: tuple[bytes, ...]
    consistency: tuple[bytes, ...]
    charter: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is told of a pack in `pack.json`, and the tree that proves it.

    Entries below `minimum` were pruned, so no pack holds them any more.
    """

    node: str
    part: Part
    minimum: int
    openings: bool
    made_at: str
    checkpoint: Checkpoint
    proof: tuple[bytes, ...]
    witnessed: Witnessed | None = None


def audit_verifier(node: str, keys: NodeKeys) -> VerifierKey:
    """Give the key under which a node's audit log is verified."""
    return VerifierKey.of(audit_log_name(node), keys.audit.public)


def fingerprint(key: VerifierKey) -> str:
    """Give what people compare: the SHA-256 of the verifier key as it is written."""
    return sha256(key.encode().encode()).hexdigest()


def first_files(facts: Facts, keys: NodeKeys) -> Iterator[File]:
    """Give the files that stand before the entries; reads the package's own texts."""
    folder = files(_PACKAGE)
    for language in ("de", "en"):
        name = f"README.{language}.md"
        yield name, folder.joinpath("data", name).read_bytes()
    yield "verify.py", folder.joinpath("verify.py").read_bytes()
    part = facts.part
    pack = {
        "format": FORMAT,
        "node": facts.node,
        "log": facts.checkpoint.origin,
        "start": part.start,
        "end": part.end,
        "minimum": facts.minimum,
        "events": part.events,
        "openings": "included" if facts.openings else "withheld",
        "made_at": facts.made_at,
    }
    yield "pack.json", _json(pack)
    # Nobody but a charter says whose the other keys are.
    has_charter = facts.witnessed is not None
    yield "keys.json", _json(_public(facts.node, keys, whole=has_charter))
    yield "checkpoint", sign_checkpoint(facts.checkpoint, keys.audit)
    yield "proof.json", _json({"hashes": _hexes(facts.proof)})
    if facts.witnessed is not None:
        yield "charter.json", facts.witnessed.charter
        yield "cosigned.json", _json(_cosigned(facts.witnessed))


def policy_files(named: AbstractSet[Decided], kept: Path) -> Iterator[File]:
    """Give the texts of the policies that decided, as far as they are here.

    *kept* is where the node keeps those that it has decided by, named after their
    digests. Blocks: reads files.
    """
    known = [path.read_bytes() for path in sorted(kept.glob("*.toml"))]
    known += map(shipped_text, SHIPPED)
    texts = {sha256(text).hexdigest(): text for text in known}
    listed: dict[str, str | None] = {}
    for reference, whole in sorted(named, key=str):
        listed[reference] = listed.get(reference) or _digest_of(reference, whole, texts)
    for digest in sorted(set(filter(None, listed.values()))):
        yield f"policies/{digest}.toml", texts[digest]
    yield "policies.json", _json(listed)


def _digest_of(
    reference: str, whole: str | None, texts: Mapping[str, bytes]
) -> str | None:
    if whole is not None:
        return whole if whole in texts else None
    start = reference.rpartition("@")[2]
    return next((digest for digest in texts if digest.startswith(start)), None)


def _public(node: str, keys: NodeKeys, *, whole: bool) -> dict[str, str]:
    audit = audit_verifier(node, keys)
    own = {"audit": audit.encode(), "fingerprint": fingerprint(audit)}
    if not whole:
        return own
    public = keys.public()
    return own | {
        "feed": VerifierKey.of(feed_name(node), public.feed).encode(),
        "witness": VerifierKey.of(
            witness_name(node), public.witness, COSIGNER
        ).encode(),
        "statement": public.statement.hex(),
        "transport": public.transport.hex(),
        "sealing": public.sealing.hex(),
    }


def _cosigned(witnessed: Witnessed) -> Mapping[str, object]:
    return {
        "checkpoint": witnessed.anchor.note.decode(),
        "first": witnessed.first,
        "proof": _hexes(witnessed.proof),
        "consistency": _hexes(witnessed.consistency),
    }


def _hexes(hashes: Iterable[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def _json(document: object) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"
