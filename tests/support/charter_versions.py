# SPDX-License-Identifier: Apache-2.0
"""Versions of a charter, and who has signed them."""

from collections.abc import Sequence
from typing import Any

import msgspec
from tests.support.members import FEDERATION, NAMES, key_of, keys_of, world

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.amendment import Version, open_first, sign_charter
from fedsafe_federation.charter.charter import Charter, Member, SignedCharter, majority
from fedsafe_federation.charter.key_change import with_new_keys
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode

replace = msgspec.structs.replace
OTHER_KEY = key_of("rotated", "statement")


def key(name: str) -> SigningKey:
    return key_of(name, "statement")


def signature(payload: bytes, name: str, by: SigningKey | None = None) -> Signed:
    return sign_charter(
        payload, signer=name, key=by or key(name), federation=FEDERATION
    )


def signed(charter: Charter, names: Sequence[str]) -> SignedCharter:
    payload = encode(charter)
    return SignedCharter([signature(payload, name) for name in names])


def founded(count: int = 4) -> Version:
    charter = world(count, majority(count)).charter
    return open_first(signed(charter, NAMES[:count]))


FOUR = founded()


def after(version: Version, /, **changes: Any) -> Charter:  # noqa: ANN401 - any field
    before = version.charter
    roster: list[Member] = changes.get("members", before.members)
    active = sum(each.active for each in roster)
    standard = {
        "quorum": majority(active),
        "version": before.version + 1,
        "previous": version.digest,
    }
    return replace(before, **(standard | changes))


def rotated(version: Version, name: str, stolen: int | None = None) -> Charter:
    members = [
        with_new_keys(each, keys_of("rotated"), stolen) if each.name == name else each
        for each in version.charter.members
    ]
    return after(version, members=members)
