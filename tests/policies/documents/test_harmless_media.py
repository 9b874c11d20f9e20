# SPDX-License-Identifier: Apache-2.0
"""P17 for files: what is evidence of nothing is no signal, at origin and receiver."""

import base64
import hashlib
from dataclasses import replace
from typing import Final

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from tests.campaigns.pictures import FAMILIES, Tally, drawn
from tests.support.policy_requests import BODY, HEADER, PICTURE, ask

from fedsafe_policies.documents.do_not_share import (
    DoNotShareLists,
    load_lists,
    shipped_lists,
)
from fedsafe_policies.documents.harmless_media import MATCH_RADIUS
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.rules.matching import MatchRequest, ReceiptRequest
from fedsafe_policies.vocabulary import Grade, MediaKind, Phenomenon, Plane, Scope

LISTS: Final = shipped_lists()
ENTRIES: Final = sorted(LISTS.lists["plain_pictures"].entries)
PIXEL: Final = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
HEADER_OF_FILE: Final = replace(HEADER, plane=Plane.MEDIA)
FILE: Final = replace(
    BODY,
    kind=MediaKind.PDQ,
    phenomenon=Phenomenon.ABUSE_DEPICTION,
    grade=Grade.CONFIRMED_MEDIA,
)
OWN: Final = """
format = 1
dated = 2026-12-01

[lists.{name}]
kind = "{kind}"
match = "{match}"
version = 1
source = "our own"
entries = ["{entry}"]
"""


def own_list(
    entry: str, name: str = "ours", kind: str = "file", match: str = "digest"
) -> DoNotShareLists:
    text = OWN.format(name=name, kind=kind, match=match, entry=entry)
    return load_lists(text.encode(), LISTS)


def picture(bits: int) -> bytes:
    """A digest of so many set bits, which no list holds but by their number."""
    value = (1 << bits) - 1
    mixed = sum(1 << (place * 149 % 256) for place in range(256) if value >> place & 1)
    return mixed.to_bytes(32)


def flipped(digest: bytes, places: frozenset[int]) -> bytes:
    return (int.from_bytes(digest) ^ sum(1 << place for place in places)).to_bytes(32)


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\n", b" ", bytes(4096), base64.b64decode(PIXEL)]
)
def test_trivial_files_are_on_a_list_by_every_digest(content: bytes) -> None:
    digests = {
        MediaKind.SHA256: hashlib.sha256(content).digest(),
        MediaKind.SHA1: hashlib.sha1(content).digest(),  # noqa: S324 - a known digest
        MediaKind.MD5: hashlib.md5(content).digest(),  # noqa: S324
        MediaKind.BLAKE3: blake3(content).digest(),
    }

    assert {LISTS.find_file(kind, each) for kind, each in digests.items()} == {
        "trivial_files"
    }
    assert LISTS.find_file(MediaKind.SHA256, digests[MediaKind.BLAKE3]) is None


@pytest.mark.parametrize(
    ("digest", "listed"),
    [
        (bytes(32), "impossible_pdq"),
        (b"\xff" * 32, "impossible_pdq"),
        (bytes(31) + b"\x01", "impossible_pdq"),
        (picture(111), "impossible_pdq"),
        (picture(112), None),
        (picture(128), None),
        (picture(144), None),
        (picture(145), "impossible_pdq"),
        (bytes.fromhex(ENTRIES[0]), "plain_pictures"),
        (
            bytes.fromhex(min(LISTS.lists["system_icons_pdq"].entries)),
            "system_icons_pdq",
        ),
    ],
)
def test_pictures_that_nobody_has_taken_are_known(
    digest: bytes, listed: str | None
) -> None:
    assert LISTS.find_file(MediaKind.PDQ, digest) == listed


@given(st.sampled_from(ENTRIES), st.frozensets(st.integers(0, 255), max_size=40))
def test_a_picture_is_found_just_within_the_match_radius(
    entry: str, places: frozenset[int]
) -> None:
    lists = own_list(entry, kind="pdq", match="near").media
    alone = replace(lists, spans=(), pictures=((bytes.fromhex(entry), "ours"),))
    digest = flipped(bytes.fromhex(entry), places)
    within = len(places) <= MATCH_RADIUS

    assert alone.find(MediaKind.PDQ, digest) == ("ours" if within else None)
    assert not within or lists.find(MediaKind.PDQ, digest) is not None


def test_every_list_of_files_says_where_it_is_from() -> None:
    of_media = {name: each for name, each in LISTS.lists.items() if each.of_media}

    assert of_media.keys() == {
        *("trivial_files", "plain_pictures", "impossible_pdq"),
        *("system_icons", "system_icons_pdq"),
    }
    for each in of_media.values():
        assert each.source
        assert each.licence
        assert each.dated
        assert len(each.digest) == 64
    assert LISTS.own == frozenset()


def test_no_policy_lets_a_harmless_file_through() -> None:
    signal = replace(PICTURE, listed="trivial_files")
    refusals = [
        ask(signal),
        ask(replace(signal, approver=None, draft=True)),
        ask(ReceiptRequest(HEADER_OF_FILE, "trivial_files")),
        ask(MatchRequest(HEADER_OF_FILE, FILE, listed="trivial_files")),
    ]
    own = MatchRequest(replace(HEADER_OF_FILE, scope=Scope.SELF), FILE, listed="x")

    assert [(each.rule, each.code, each.about) for each in refusals] == [
        ("P17", "harmless_media", "trivial_files")
    ] * len(refusals)
    assert ask(replace(signal, scope=Scope.SELF, approver=None)).allowed
    assert ask(own).allowed
    assert ask(ReceiptRequest(HEADER_OF_FILE)).allowed
    assert ask(MatchRequest(HEADER_OF_FILE, FILE)).allowed


def test_a_provider_adds_files_of_its_own() -> None:
    digest = hashlib.sha256(b"the icon of our page").hexdigest()
    ours = own_list(f"sha256:{digest}")
    listed = ours.lists["ours"]

    assert ours.find_file(MediaKind.SHA256, bytes.fromhex(digest)) == "ours"
    assert ours.find_file(MediaKind.PDQ, bytes(32)) == "impossible_pdq"
    assert (str(listed.dated), listed.licence) == ("2026-12-01", None)
    assert ours.own == {"ours"}


@pytest.mark.parametrize(
    ("entry", "kind", "match", "told"),
    [
        ("ab" * 32, "file", "digest", "want KIND:DIGEST"),
        (f"sha512:{'ab' * 32}", "file", "digest", "want KIND:DIGEST"),
        (f"sha1:{'ab' * 32}", "file", "digest", "40 lower-case"),
        (f"md5:{'AB' * 16}", "file", "digest", "32 lower-case"),
        ("ab cd", "pdq", "near", "64 lower-case"),
        ("ten", "pdq", "set_bits", "numbers of set bits"),
        ("9-3", "pdq", "set_bits", "the smaller one first"),
        ("3-257", "pdq", "set_bits", "0 to 256"),
        ("100-140", "pdq", "set_bits", "what real pictures have"),
        ("1.2.3.4", "file", "network", "not compared by network"),
        ("info", "email", "digest", "not compared by digest"),
        ("x", "pdq", "digest", "not compared by digest"),
    ],
)
def test_a_bad_list_of_files_is_refused_with_its_key(
    entry: str, kind: str, match: str, told: str
) -> None:
    with pytest.raises(PolicyFileError, match=told) as refused:
        own_list(entry, kind=kind, match=match)

    assert str(refused.value.key).startswith("lists.ours.")
    assert refused.value.line is not None


def test_no_list_of_ones_own_lets_a_harmless_file_through() -> None:
    with pytest.raises(PolicyFileError, match="loosens"):
        own_list("0-3", name="impossible_pdq", kind="pdq", match="set_bits")


def test_no_drawn_picture_is_refused() -> None:
    """The campaign draws ten thousand; these are its first, five of each kind."""
    tally = Tally()
    for name, file in drawn(5 * len(FAMILIES), seed=1):
        tally.take(name, file)

    assert tally.refused == []
    assert tally.pictures - tally.plain > 45
    assert tally.nearest > MATCH_RADIUS
    assert set(tally.reference) <= set(range(120, 137))
