# SPDX-License-Identifier: Apache-2.0
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from tests.support.maximal import AT, MAXIMAL, PACKAGE_ID

from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import (
    LONGEST,
    CasePackage,
    Elements,
    decode_package,
    encode_package,
)
from fedsafe_policies.escalation.projection import (
    Circumstances,
    make_package,
    project,
)
from fedsafe_policies.escalation.publication import matrix_table, schema
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    Condition,
    Element,
    PartnerClass,
)

REFERENCE: Final = Path(__file__).parents[3] / "docs/reference"
SCHEMA: Final[dict[str, Any]] = msgspec.json.decode(schema())
RECEIVING: Final = sorted(set(PartnerClass) - {PartnerClass.PEER})


def package(partner: PartnerClass, known: Elements = MAXIMAL) -> CasePackage:
    everything = Circumstances(
        granted=frozenset(Condition), consented=frozenset(Element)
    )
    found = project(known, {}, partner, shipped_matrix(), everything)
    return make_package(found, package_id=PACKAGE_ID, made_at=AT, test=True)


def document(partner: PartnerClass = PartnerClass.LAW_ENFORCEMENT) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.json.decode(encode_package(package(partner)))
    return tree


@pytest.mark.parametrize("partner", RECEIVING)
def test_a_package_comes_back_as_it_was(partner: PartnerClass) -> None:
    written = encode_package(package(partner))

    assert decode_package(written) == package(partner)
    assert encode_package(decode_package(written)) == written


@pytest.mark.parametrize("partner", RECEIVING)
def test_every_package_fits_the_published_schema(partner: PartnerClass) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(document(partner))


def test_the_schema_is_published_as_it_is() -> None:
    assert (REFERENCE / "case-package.schema.json").read_bytes() == schema(), (
        "renew it: python -m fedsafe_policies.escalation.publication schema"
    )


def test_the_matrix_is_documented_as_it_is() -> None:
    text = (REFERENCE / "case-package.md").read_text()

    assert matrix_table(shipped_matrix()) in text
    assert [name for name in Element if f"`{name}`" not in text] == []


@pytest.mark.promise("LR-33")
def test_every_part_of_the_schema_is_closed() -> None:
    objects = [part for part in SCHEMA["$defs"].values() if "properties" in part]
    open_parts = [
        part["title"] for part in objects if part["additionalProperties"] is not False
    ]

    assert len(objects) > 20
    assert open_parts == []


@pytest.mark.parametrize("place", ["", "elements", "elements.threat", "elements.case"])
def test_an_unknown_field_is_refused_anywhere(place: str) -> None:
    tree = document()
    part = tree
    for name in filter(None, place.split(".")):
        part = part[name]
    part["thumbnail"] = "x"

    with pytest.raises(CasePackageError, match="thumbnail"):
        decode_package(msgspec.json.encode(tree))
    assert not Draft202012Validator(SCHEMA).is_valid(tree)


def test_no_field_of_the_plane_of_signals_is_in_the_schema() -> None:
    names = {
        name for part in SCHEMA["$defs"].values() for name in part.get("properties", {})
    }

    assert names & {"token", "opening", "salt", "grade", "origin", "subject_ref"} == (
        set()
    )


@pytest.mark.parametrize(
    "moment",
    [
        AT.replace(tzinfo=None),
        AT.astimezone(timezone(timedelta(hours=1))),
    ],
)
def test_a_moment_that_is_not_utc_is_refused(moment: datetime) -> None:
    tree = document()
    tree["elements"]["network"][0]["at"] = moment.isoformat()

    with pytest.raises(CasePackageError, match=re.escape("elements.network[")):
        decode_package(msgspec.json.encode(tree))
    assert not Draft202012Validator(SCHEMA).is_valid(tree)


def test_an_address_without_its_port_is_refused_unless_it_says_so() -> None:
    tree = document()
    tree["elements"]["network"][0]["source_port"] = "not_available"

    assert decode_package(msgspec.json.encode(tree)).elements.network
    del tree["elements"]["network"][0]["source_port"]
    with pytest.raises(CasePackageError, match="source_port"):
        decode_package(msgspec.json.encode(tree))


def test_nothing_is_there_and_unavailable_at_once() -> None:
    tree = document()
    tree["unavailable"] = {"network": "unknown"}

    with pytest.raises(CasePackageError, match="network is there"):
        decode_package(msgspec.json.encode(tree))


def test_a_locator_leads_somewhere() -> None:
    tree = document()
    tree["elements"]["locators"] = [{}]

    with pytest.raises(CasePackageError, match="url or content_id"):
        decode_package(msgspec.json.encode(tree))


def test_a_package_names_the_matrix_that_made_it() -> None:
    assert document()["matrix"] == shipped_matrix().reference


def test_a_package_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(CasePackageError, match="more than"):
        decode_package(b" " * (LONGEST + 1))


@given(st.binary(max_size=300))
def test_junk_is_refused_with_its_own_error(junk: bytes) -> None:
    with pytest.raises(CasePackageError):
        decode_package(junk)


def test_an_absence_travels_with_its_reason() -> None:
    known = msgspec.structs.replace(MAXIMAL, network=msgspec.UNSET)
    said = {Element.NETWORK: Absence.NO_LONGER_STORED}
    found = project(known, said, PartnerClass.LAW_ENFORCEMENT, shipped_matrix())
    made = make_package(found, package_id=PACKAGE_ID, made_at=AT, test=False)

    assert decode_package(encode_package(made)).unavailable == said
