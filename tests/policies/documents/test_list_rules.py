# SPDX-License-Identifier: Apache-2.0
"""P3, P9 and P17: calendar, keeping and lists."""

import json
from dataclasses import replace
from datetime import date
from ipaddress import ip_network
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.policy_requests import (
    ANNA,
    BAN,
    BODY,
    GERMANY,
    HEADER,
    MOMENTS,
    NOW,
    OWN_BAN,
    RUTH,
    ask,
    near,
)

from fedsafe_policies.documents.do_not_share import (
    changed_list,
    load_lists,
    shipped_lists,
)
from fedsafe_policies.documents.legal_calendar import load_calendar, shipped_calendar
from fedsafe_policies.documents.policy import load_policy, shipped, shipped_text
from fedsafe_policies.engine import Request
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.span import day_number, today
from fedsafe_policies.rules.continuation import KeepRequest
from fedsafe_policies.rules.lookups import LookupRequest
from fedsafe_policies.rules.matching import MatchRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import (
    IdentifierKind,
    Plane,
    Purpose,
    Role,
    Surface,
)

NI_ICS = Surface.NI_ICS_PRIVATE
PRIVATE = load_policy(
    shipped_text("germany")
    .replace(b'surfaces = ["', b'surfaces = ["ni_ics_private", "')
    .replace(b'name = "germany"', b'name = "private"')
)
RECORDED = load_calendar(
    b'format = 1\ndated = 2026-09-01\n[recorded]\neu-interim-2026 = "oj:l-2026-1"\n',
    shipped_calendar(),
)
KEPT = KeepRequest(Plane.ACTOR, date(2025, 6, 1), ANNA, date(2026, 5, 1), RUTH)


# --- P3, surface and legal calendar ---------------------------------------------------

AT_NI_ICS: list[Request] = [
    replace(BAN, surface=NI_ICS),
    replace(OWN_BAN, surface=NI_ICS),
    MatchRequest(HEADER, replace(BODY, surface=NI_ICS)),
    LookupRequest(Role.SERVICE, Purpose.SIGNUP_CHECK, Plane.ACTOR, NI_ICS),
    LookupRequest(Role.SERVICE, Purpose.MEDIA_MATCHING, Plane.MEDIA, NI_ICS),
]


@pytest.mark.promise("LR-03")
@pytest.mark.parametrize("request_", AT_NI_ICS)
def test_private_messages_are_closed_without_a_basis_in_force(
    request_: Request,
) -> None:
    decision = ask(request_, PRIVATE)

    assert (decision.rule, decision.code) == ("P3", "surface")
    assert decision.about == "eu-interim-2026"


@pytest.mark.parametrize("request_", AT_NI_ICS)
def test_a_recorded_basis_opens_private_messages(request_: Request) -> None:
    assert ask(request_, PRIVATE, calendar=RECORDED).allowed


def test_a_basis_alone_opens_nothing_that_policy_does_not_share() -> None:
    decision = ask(replace(BAN, surface=NI_ICS), calendar=RECORDED)

    assert (decision.rule, decision.code) == ("P3", "surface")


def test_the_calendar_knows_its_days() -> None:
    calendar = shipped_calendar()
    last_second = 1_775_260_799  # 2026-04-03T23:59:59Z

    assert calendar.opens(NI_ICS, last_second)
    assert not calendar.opens(NI_ICS, last_second + 1)
    assert not calendar.opens(NI_ICS, 1_627_862_399)  # 2021-08-01T23:59:59Z
    assert calendar.opens(NI_ICS, 1_627_862_400)
    assert not RECORDED.opens(NI_ICS, last_second + 1)
    assert not RECORDED.opens(NI_ICS, 1_838_419_200)  # 2028-04-04
    assert calendar.opens(Surface.SHOP, NOW)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"format = 1\ndated = 2026-09-01\nx = 1", "line 3: x: unknown key"),
        (b'format = 1\ndated = 2026-09-01\n[recorded]\nno = "a"', "no such entry"),
        (b"\xff", "not UTF-8"),
        (b"a = [", "not TOML"),
    ],
)
def test_a_bad_calendar_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(PolicyFileError, match=told):
        load_calendar(text, shipped_calendar())


OWN_ENTRY: Final = """
format = 1
dated = 2026-09-01

[[entries]]
id = "other"
basis = {{ de = "x", en = "x" }}
from = 2020-01-01
surfaces = []
source = "x"
confirmed = true

[[entries]]
id = "own"
basis = {{ de = "x", en = "x" }}
from = 2020-01-01
surfaces = ["{surface}"]
source = "x"
confirmed = {confirmed}
{recorded}"""
RECORD: Final = '[recorded]\nown = "file-2026-31"\n'


@pytest.mark.parametrize("confirmed", ["true", "false"])
def test_an_own_basis_opens_private_messages_by_its_reference(confirmed: str) -> None:
    text = OWN_ENTRY.format(surface=NI_ICS, confirmed=confirmed, recorded=RECORD)
    calendar = load_calendar(text.encode(), shipped_calendar())

    assert calendar.opens(NI_ICS, NOW)


def test_nobody_claims_a_basis_for_private_messages_without_a_reference() -> None:
    text = OWN_ENTRY.format(surface=NI_ICS, confirmed="true", recorded="")
    other = OWN_ENTRY.format(surface=NI_ICS, confirmed="false", recorded="")
    open_anyway = OWN_ENTRY.format(surface=Surface.SHOP, confirmed="true", recorded="")
    told = r"line 19: entries.*\.confirmed: own opens ni_ics_private: record what"

    with pytest.raises(PolicyFileError, match=told):
        load_calendar(text.encode(), shipped_calendar())
    with pytest.raises(PolicyFileError, match=told):
        load_calendar((text + RECORD.replace("own", "eu-2021-1232")).encode(), RECORDED)
    assert not load_calendar(other.encode(), shipped_calendar()).opens(NI_ICS, NOW)
    assert load_calendar(open_anyway.encode(), shipped_calendar()).entries


@pytest.mark.promise("LR-03")
@given(near(*AT_NI_ICS), MOMENTS)
def test_no_private_message_is_used_on_a_day_without_a_basis(
    request: Request, now: int
) -> None:
    facts = request.body if isinstance(request, MatchRequest) else request
    surface = getattr(facts, "surface", None)
    if ask(request, PRIVATE, now=now).allowed and surface is NI_ICS:
        assert shipped_calendar().in_force(NI_ICS, now) is not None


# --- P9, keeping --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reviewed_on": None, "reviewer": None}, "review_due"),
        ({"reviewed_on": date(2025, 5, 1)}, "review_due"),
        ({"reviewed_on": date(2026, 12, 1)}, "review_due"),
        ({"reviewer": ANNA}, "role"),
        ({"reviewer": Person("anna", Role.REVIEWER)}, "four_eyes"),
        ({"since": date(2024, 9, 21)}, "retention"),
        ({"plane": Plane.MEDIA, "reviewed_on": date(2025, 9, 1)}, "review_due"),
    ],
)
def test_a_signal_ends_unless_it_is_reviewed_in_time(
    change: dict[str, object], code: str
) -> None:
    assert ask(replace(KEPT, **change)).code == code  # type: ignore[arg-type]


def test_a_signal_lives_on_once_reviewed_by_another() -> None:
    fresh = KeepRequest(Plane.ACTOR, date(2026, 5, 1), ANNA)

    assert (ask(KEPT).rule, ask(KEPT).code) == ("P9", "kept")
    assert ask(fresh).allowed


@pytest.mark.promise("LR-12")
@given(near(KEPT), MOMENTS)
def test_no_signal_lives_beyond_two_years(request: KeepRequest, now: int) -> None:
    if ask(request, now=now).allowed:
        age = today(now) - day_number(request.since)
        assert age <= 731
        assert age <= 366 or request.reviewer is not None


# --- P17, do-not-share lists ----------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "canonical", "name"),
    [
        (IdentifierKind.EMAIL, "info@shop.example.de", "role_addresses"),
        (IdentifierKind.EMAIL, "Support+x@shop.example.de", "role_addresses"),
        (IdentifierKind.EMAIL, "anna@mailinator.com", "disposable_domains"),
        (IdentifierKind.EMAIL, "anna@eu.mailinator.com", "disposable_domains"),
        (IdentifierKind.IP, "100.64.3.9", "carrier_ranges"),
        (IdentifierKind.IP, "192.168.1.4", "special_ranges"),
        (IdentifierKind.IP, "fe80::/64", "special_ranges"),
        (IdentifierKind.USERNAME, "guest", "common_names"),
        (IdentifierKind.USERNAME, "abc", "short_strings"),
        (IdentifierKind.USERNAME, "discord:guest", "common_names"),
        (IdentifierKind.USERNAME, "discord:abc", "short_strings"),
        (IdentifierKind.USERNAME, "discord:anna.muster", None),
        (IdentifierKind.EMAIL, "anna.muster@example.de", None),
        (IdentifierKind.EMAIL, "infos@example.de", None),
        (IdentifierKind.EMAIL, "anna@notmailinator.com", None),
        (IdentifierKind.IP, "84.12.3.9", None),
        (IdentifierKind.IP, "no address", None),
        (IdentifierKind.PHONE, "+49151", None),
    ],
)
def test_identifiers_of_many_are_found_on_a_list(
    kind: IdentifierKind, canonical: str, name: str | None
) -> None:
    assert shipped_lists().find(kind, canonical, GERMANY) == name


def test_a_listed_identifier_is_no_signal_but_may_be_an_own_ban() -> None:
    refused = ask(replace(BAN, listed="role_addresses"))

    assert (refused.rule, refused.code) == ("P17", "do_not_share")
    assert refused.about == "role_addresses"
    assert ask(replace(OWN_BAN, listed="role_addresses")).allowed
    assert ask(BAN).allowed


def test_a_provider_adds_its_own_lists_and_a_missing_one_stops_all() -> None:
    own = load_lists(
        b'format = 1\ndated = 2026-09-01\n[lists.school]\nkind = "ip"\n'
        b'match = "network"\nversion = 1\nsource = "own"\nentries = ["84.12.0.0/16"]\n',
        shipped_lists(),
    )
    text = shipped_text("germany").replace(b'lists = ["', b'lists = ["school", "')
    policy = load_policy(text)

    assert own.find(IdentifierKind.IP, "84.12.3.9", GERMANY) == "school"
    assert own.find(IdentifierKind.EMAIL, "info@example.de", GERMANY)
    assert own.find(IdentifierKind.IP, "84.12.3.9", policy) == "school"
    assert own.find(IdentifierKind.IP, "84.13.3.9", policy) is None
    assert shipped_lists().find(IdentifierKind.IP, "84.13.3.9", policy) == "school"


def _replaced(name: str, **fields: object) -> bytes:
    """A file that holds the shipped list of a name, with some fields otherwise."""
    shipped_list = shipped_lists().lists[name]
    wanted: dict[str, object] = {
        "kind": shipped_list.kind,
        "match": shipped_list.match.value,
        "entries": sorted(shipped_list.entries),
        **fields,
    }
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in wanted.items())
    head = f"format = 1\ndated = 2026-09-01\n[lists.{name}]\nversion = 9\n"
    return f'{head}source = "own"\n{lines}'.encode()


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("role_addresses", {"entries": []}),
        ("role_addresses", {"entries": ["info"]}),
        ("carrier_ranges", {"entries": ["84.12.0.0/16"]}),
        ("role_addresses", {"kind": "phone"}),
        ("role_addresses", {"match": "whole"}),
    ],
)
def test_no_list_of_ones_own_loosens_a_shipped_one(
    name: str, fields: dict[str, object]
) -> None:
    with pytest.raises(PolicyFileError, match=rf"lists\.{name}\.") as refused:
        load_lists(_replaced(name, **fields), shipped_lists())

    assert refused.value.line is not None


def test_a_list_of_ones_own_may_hold_more_than_the_shipped_one() -> None:
    entries = sorted(shipped_lists().lists["role_addresses"].entries)
    more = _replaced("role_addresses", entries=[*entries, "hausmeister"])
    wider = load_lists(more, shipped_lists())
    networks = sorted(shipped_lists().lists["carrier_ranges"].entries)
    above = [str(ip_network(each).supernet()) for each in networks]
    covered = load_lists(_replaced("carrier_ranges", entries=above), shipped_lists())

    assert wider.find(IdentifierKind.EMAIL, "hausmeister@x.de", GERMANY)
    address = str(ip_network(networks[0]).network_address)
    assert covered.find(IdentifierKind.IP, address, GERMANY) == "carrier_ranges"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"format = 1\ndated = 2026-09-01\nlists = 3", "lists"),
        (
            (
                b'format = 1\ndated = 2026-09-01\n[lists.a]\nkind = "ip"\nversion = 1\n'
                b'match = "network"\nsource = "own"\nentries = ["84.12.0.0/99"]\n'
            ),
            "want networks",
        ),
        (b"\xff", "not UTF-8"),
        (b"a = [", "not TOML"),
    ],
)
def test_a_bad_file_of_lists_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(PolicyFileError, match=told):
        load_lists(text)


def test_every_shipped_policy_names_lists_that_are_there() -> None:
    for name in ("strict", "germany", "synthetic"):
        wanted = shipped(name).document.do_not_share.lists
        assert wanted <= set(shipped_lists().lists)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (("email", "whole"), "mine"),
        (("phone", "whole"), None),
        (("email", "domain"), "mine"),
    ],
)
def test_a_list_that_has_changed_is_named_for_its_kind(
    change: tuple[str, str], name: str | None
) -> None:
    kind, match = change
    text = (
        'format = 1\ndated = 2026-11-24\n[lists.mine]\nversion = 1\nsource = "ours"\n'
        f'kind = "{kind}"\nmatch = "{match}"\nentries = ["a@b.example"]\n'
    )
    then = shipped_lists().digests(IdentifierKind.EMAIL, GERMANY)
    lists = load_lists(text.encode(), shipped_lists())
    now = lists.digests(IdentifierKind.EMAIL, GERMANY)

    assert changed_list(then, then) is None
    assert changed_list(then, now) == name
    assert set(then) == {"role_addresses", "disposable_domains"}


def test_a_list_that_lost_an_entry_or_is_gone_has_changed() -> None:
    kind = IdentifierKind.EMAIL
    whole = shipped_lists()
    entry = whole.lists["role_addresses"]
    fewer = msgspec.structs.replace(entry, entries=frozenset(list(entry.entries)[1:]))
    less = replace(whole, lists={**whole.lists, "role_addresses": fewer})
    gone = replace(whole, lists={"disposable_domains": entry})
    then = whole.digests(kind, GERMANY)

    assert changed_list(then, less.digests(kind, GERMANY)) == "role_addresses"
    assert gone.digests(kind, GERMANY)["role_addresses"] == ""


def test_a_name_is_compared_with_the_shortest_that_is_allowed() -> None:
    text = shipped_text("germany").replace(b"shortest = 4", b"shortest = 9")
    kind, lists = IdentifierKind.USERNAME, shipped_lists()
    then, now = (lists.digests(kind, p) for p in (GERMANY, load_policy(text)))

    assert changed_list(then, now) == "short_strings"


def test_a_changed_list_refuses_a_signal_and_no_own_ban() -> None:
    refused = ask(replace(BAN, relisted="role_addresses"))

    assert (refused.rule, refused.code) == ("P17", "lists_changed")
    assert refused.about == "role_addresses"
    assert ask(replace(OWN_BAN, relisted="role_addresses")).allowed


@given(st.from_type(IdentifierKind), st.text(max_size=30))
def test_what_is_on_a_list_is_never_shared(kind: IdentifierKind, text: str) -> None:
    listed = shipped_lists().find(kind, text, GERMANY)
    decision = ask(replace(BAN, kind=kind, listed=listed))

    assert decision.allowed is (listed is None)
