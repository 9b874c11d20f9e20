# SPDX-License-Identifier: Apache-2.0
"""What many have signed travels once, and fits into a message."""

import pytest
from tests.support.members import FEDERATION, NAMES, key_of

from fedsafe_federation.charter.amendment import sign_charter, sign_refusal
from fedsafe_federation.charter.bundles import (
    as_many_as_fit,
    bundle_of,
    bundled,
    documents,
    opened,
    size_of,
)
from fedsafe_federation.charter.charter import SignedCharter
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode


def signed(payload: bytes, *names: str) -> list[Signed]:
    return [
        sign_charter(
            payload, signer=name, key=key_of(name, "statement"), federation=FEDERATION
        )
        for name in names
    ]


def refused(payload: bytes, name: str) -> Signed:
    key = key_of(name, "statement")
    return sign_refusal(payload, 2, signer=name, key=key, federation=FEDERATION)


def test_bundles_give_the_same_statements_again() -> None:
    one, other = signed(b"one", *NAMES[:3]), signed(b"other", *NAMES[1:3])
    promises = [refused(b"one", name) for name in NAMES[2:4]]
    bundles = bundled([*one, *other, *promises])

    assert [len(each.signatures) for each in bundles] == [3, 2, 2]
    assert opened(bundles) == [*one, *other, *promises]
    assert documents([bundle_of(SignedCharter(one))]) == [SignedCharter(one)]


def test_the_bytes_go_once_however_many_have_signed_them() -> None:
    payload = b"x" * 90_000
    names = [f"member-{n}.with.quite.a.long.name.example" for n in range(64)]
    one = signed(payload, names[0])[0]
    statements = [
        Signed(one.type, name, payload, one.signature) for name in names
    ]  # nobody verifies them here
    (bundle,) = bundled(statements)

    assert len(encode(statements)) > 4 * 1024 * 1024
    assert len(encode(bundle)) <= size_of(bundle) < 200_000


@pytest.mark.parametrize(("most", "kept"), [(10_000, [0, 1, 2]), (2_600, [0, 2])])
def test_what_does_not_fit_is_left_out(most: int, kept: list[int]) -> None:
    bundles = [
        *bundled(signed(b"a", NAMES[0])),
        *bundled(signed(b"b" * 3_000, NAMES[0])),
        *bundled(signed(b"c", NAMES[0])),
    ]

    assert as_many_as_fit(bundles, most) == [bundles[each] for each in kept]
