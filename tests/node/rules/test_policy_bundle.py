# SPDX-License-Identifier: Apache-2.0
import hashlib
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
from tests.support.fleet import config_of

from fedsafe_federation.charter.charter import PolicyReference
from fedsafe_node.ground.config import AuditRetention, Config, Place
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.keys.own_keys import MediaKeys, OwnKeys
from fedsafe_node.rules.policy_bundle import (
    Provisions,
    check_federation_policy,
    kept_provisions,
    named_digests,
    read_provisions,
)
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.policy import shipped, shipped_text
from fedsafe_policies.vocabulary import IdentifierKind, Surface

CONFIG = config_of("a.demo", 8443)
NO_KEYS = OwnKeys(bytes(32), MediaKeys(bytes(32), bytes(32)))
LISTS = """
format = 1
dated = 2026-11-24

[lists.school]
kind = "ip"
match = "network"
version = 1
source = "own"
entries = ["84.12.0.0/16"]
"""


def test_what_nobody_changes_is_what_is_shipped(tmp_path: Path) -> None:
    assert read_provisions(Place(tmp_path), CONFIG) == Provisions(shipped("synthetic"))


def test_a_provider_has_lists_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "lists.toml").write_text(LISTS)
    config = msgspec.structs.replace(CONFIG, do_not_share="lists.toml")
    given = read_provisions(Place(tmp_path), config)
    find = given.do_not_share.find

    assert find(IdentifierKind.IP, "84.12.3.9", given.policy) == "school"
    assert find(IdentifierKind.EMAIL, "info@a.demo", given.policy) == "role_addresses"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "No such file"),
        (LISTS.replace("/16", "/99"), "line 10: lists.school.entries: want"),
        (LISTS.replace('"network"', '"nearly"'), "line 7: lists.match"),
        (LISTS.replace("format = 1", "format = 1\nspeed = 2"), "line 3: speed"),
    ],
)
def test_lists_that_do_not_fit_are_named(
    tmp_path: Path, text: str | None, told: str
) -> None:
    path = tmp_path / "lists.toml"
    if text is not None:
        path.write_text(text)
    config = msgspec.structs.replace(CONFIG, do_not_share="lists.toml")

    with pytest.raises(ConfigError) as refused:
        read_provisions(Place(tmp_path), config)

    assert str(refused.value).startswith(f"{path}: ")
    assert told in str(refused.value)


# --- the legal calendar --------------------------------------------------------------

DAY = 1_795_000_000
"""A moment in November 2026."""
UNCONFIRMED = next(e for e in shipped_calendar().entries if not e.confirmed)
RECORDED = f"""
format = 1
dated = 2026-11-24

[recorded]
{UNCONFIRMED.id} = "file-2026-031"
"""


def test_a_provider_records_that_a_basis_is_in_force(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text(RECORDED)
    config = msgspec.structs.replace(CONFIG, calendar="calendar.toml")
    read = read_provisions(Place(tmp_path), config)
    situation = Situation(config, read, OwnList("a.demo", NO_KEYS))

    assert not shipped_calendar().opens(Surface.NI_ICS_PRIVATE, DAY)
    assert situation.calendar.opens(Surface.NI_ICS_PRIVATE, DAY)


def test_a_calendar_that_does_not_fit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text(RECORDED.replace(UNCONFIRMED.id, "no_such_basis"))
    config = msgspec.structs.replace(CONFIG, calendar="calendar.toml")

    with pytest.raises(ConfigError) as refused:
        read_provisions(Place(tmp_path), config)

    told = f"{path}: line 6: recorded.no_such_basis: no such entry"
    assert str(refused.value) == told


# --- policies ------------------------------------------------------------------------

GERMANY = shipped_text("germany")
OURS = GERMANY.replace(b'name = "germany"', b'name = "ours"')
STRICTER = OURS.replace(b"shortest = 4", b"shortest = 6")
LOOSER = OURS.replace(b"shortest = 4", b"shortest = 3")


def named(text: bytes) -> PolicyReference:
    return PolicyReference(name="theirs", sha256=hashlib.sha256(text).digest())


def written(tmp_path: Path, text: bytes) -> tuple[Place, Config]:
    (tmp_path / "ours.toml").write_bytes(text)
    return Place(tmp_path), msgspec.structs.replace(CONFIG, policy="ours.toml")


def test_a_policy_may_be_a_file_and_its_text_is_kept(tmp_path: Path) -> None:
    place, config = written(tmp_path, STRICTER)
    policy = read_provisions(place, config).policy
    read_provisions(place, config)

    assert policy.name == "ours"
    (kept,) = place.policies.iterdir()
    assert kept.name == f"{policy.digest}.toml"
    assert kept.read_bytes() == STRICTER


@pytest.mark.parametrize("name", ["lenient", "Strict", "gone.toml"])
def test_a_policy_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    config = msgspec.structs.replace(CONFIG, policy=name)

    with pytest.raises(ConfigError, match=r"no such policy, only .*\$\.policy") as told:
        read_provisions(Place(tmp_path), config)

    assert told.value.path == tmp_path / "node.toml"


def test_a_policy_that_does_not_fit_is_not_kept(tmp_path: Path) -> None:
    place, config = written(tmp_path, OURS.replace(b"shortest = 4", b"shortest = 'x'"))

    with pytest.raises(ConfigError, match=r"ours\.toml: line \d+: do_not_share"):
        read_provisions(place, config)

    assert not place.policies.exists()


@pytest.mark.parametrize("text", [GERMANY, STRICTER])
def test_a_policy_may_be_stricter_than_the_federations(
    tmp_path: Path, text: bytes
) -> None:
    place, config = written(tmp_path, text)

    agreed = check_federation_policy(
        place, read_provisions(place, config), named(GERMANY)
    )
    assert agreed == shipped("germany")


def test_a_looser_policy_is_refused_with_key_and_line(tmp_path: Path) -> None:
    line = LOOSER[: LOOSER.index(b"shortest")].count(b"\n") + 1
    place, config = written(tmp_path, LOOSER)
    own = read_provisions(place, config)

    with pytest.raises(ConfigError) as refused:
        check_federation_policy(place, own, named(GERMANY))

    assert str(refused.value).startswith(
        f"{tmp_path / 'ours.toml'}: line {line}: do_not_share.shortest: looser than"
    )


def test_a_federations_own_policy_lies_with_the_kept_ones(tmp_path: Path) -> None:
    place, config = written(tmp_path, OURS)
    own = read_provisions(place, config)
    theirs = named(STRICTER)
    path = place.policies / f"{theirs.sha256.hex()}.toml"

    with pytest.raises(
        ConfigError,
        match=f"decides by the policy theirs, .* into policies/{path.name} in",
    ):
        check_federation_policy(place, own, theirs)
    path.write_bytes(GERMANY)
    with pytest.raises(ConfigError, match="not the text that its name says"):
        check_federation_policy(place, own, theirs)
    path.write_bytes(STRICTER)
    with pytest.raises(ConfigError, match="shortest: looser than"):
        check_federation_policy(place, own, theirs)


# --- what was approved ---------------------------------------------------------------

CALENDAR = """
format = 1
dated = 2026-11-24

[recorded]
eu-interim-2026 = "file-2026-31"
"""


SHIPPED_MATRIX = (
    files("fedsafe_policies").joinpath("data/minimisation.toml").read_text()
)
MATRIX = SHIPPED_MATRIX.replace('name = "germany"', 'name = "ours"')


def with_all(tmp_path: Path) -> tuple[Place, Config]:
    """Name a policy, a calendar, lists and a matrix of the provider's own."""
    place, config = written(tmp_path, STRICTER)
    (tmp_path / "calendar.toml").write_text(CALENDAR)
    (tmp_path / "lists.toml").write_text(LISTS)
    (tmp_path / "matrix.toml").write_text(MATRIX)
    named = {"calendar": "calendar.toml", "do_not_share": "lists.toml"}
    named["minimisation"] = "matrix.toml"
    return place, msgspec.structs.replace(config, **named)


def test_all_texts_are_kept_and_found_again_by_their_digests(tmp_path: Path) -> None:
    place, config = with_all(tmp_path)
    given = read_provisions(place, config)
    for name in ("ours.toml", "calendar.toml", "lists.toml", "matrix.toml"):
        (tmp_path / name).unlink()
    assert given.digests is not None
    again = kept_provisions(place, given.digests)

    assert again == given
    assert again.digests == given.digests
    assert again.calendar.recorded == {"eu-interim-2026": "file-2026-31"}
    assert again.matrix.reference.startswith("ours@")


@pytest.mark.parametrize("name", ["policy", "calendar", "do_not_share", "minimisation"])
def test_a_text_that_is_gone_or_changed_is_not_obeyed(
    tmp_path: Path, name: str
) -> None:
    place, config = with_all(tmp_path)
    digests = read_provisions(place, config).digests
    assert digests is not None
    path = place.policies / f"{getattr(digests, name)}.toml"
    path.write_bytes(path.read_bytes() + b"\n# changed")
    with pytest.raises(ConfigError, match="not the text that its name says"):
        kept_provisions(place, digests)
    path.unlink()
    with pytest.raises(ConfigError, match="put it back from a backup") as refused:
        kept_provisions(place, digests)

    assert refused.value.path == path


def test_what_node_toml_names_is_told_by_digests_even_if_it_does_not_fit(
    tmp_path: Path,
) -> None:
    place, config = with_all(tmp_path)
    before = named_digests(place, config)
    read = read_provisions(place, config).digests
    (tmp_path / "calendar.toml").write_text("no calendar")
    shorter = msgspec.structs.replace(config, audit=AuditRetention(actor=31))
    alone = msgspec.structs.replace(config, do_not_share=None)

    assert before == read
    assert named_digests(place, config).differing(before) == ("calendar",)
    assert named_digests(place, shorter).differing(before) == ("calendar", "audit")
    assert named_digests(place, alone).differing(before) == ("calendar", "do_not_share")


def test_a_matrix_that_gives_more_than_the_shipped_one_is_refused_with_its_line(
    tmp_path: Path,
) -> None:
    place, config = with_all(tmp_path)
    stricter = MATRIX.replace("fewest = 10", "fewest = 20")
    (tmp_path / "matrix.toml").write_text(stricter)
    own = read_provisions(place, config).matrix
    given = 'victims = { when = ["to_save"'
    looser = MATRIX.replace(given, given + ', "necessity"', 1)
    (tmp_path / "matrix.toml").write_text(looser)
    with pytest.raises(ConfigError, match=r"line 67: partners\.\w+\.cells\.victims"):
        read_provisions(place, config)

    assert own.document.fewest == 20
