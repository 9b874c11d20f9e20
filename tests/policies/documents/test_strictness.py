# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.support.policy_requests import (
    ALLOWED,
    CLOSED,
    MOMENTS,
    ask,
    near,
)
from tests.support.stricter_policies import LOOSE, TEXT, TIGHTER

from fedsafe_policies.documents import strictness
from fedsafe_policies.documents.document import Document
from fedsafe_policies.documents.policy import Policy, load_policy, shipped
from fedsafe_policies.documents.strictness import (
    DIMENSIONS,
    TABLES,
    is_at_least_as_strict,
    load_node_policy,
    loosened,
)
from fedsafe_policies.engine import Request
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.span import Span
from fedsafe_policies.rules.decision import Obligation
from fedsafe_policies.rules.disclosure import Audience, OpeningRequest
from fedsafe_policies.rules.legal_gate import GateRequest
from fedsafe_policies.vocabulary import Circle, Plane

IDS = [row[0] for row in TIGHTER]


def tightened(old: str, new: str) -> str:
    assert old in TEXT, old
    return TEXT.replace(old, new, 1)


@pytest.mark.parametrize(("key", "old", "new", "request_", "now"), TIGHTER, ids=IDS)
def test_each_key_has_a_strict_direction_that_decides(
    key: str, old: str, new: str, request_: Request | None, now: int
) -> None:
    federation = load_policy(tightened(old, new).encode())

    assert [item.key for item in loosened(LOOSE, federation)] == [key]
    if request_ is not None:
        assert ask(request_, LOOSE, now=now).allowed
        assert not ask(request_, federation, now=now).allowed


EDITS = [row[:3] for row in TIGHTER]


@pytest.mark.parametrize(("key", "old", "new"), EDITS, ids=IDS)
def test_a_looser_node_policy_is_refused_with_key_and_line(
    key: str, old: str, new: str
) -> None:
    federation = load_policy(tightened(old, new).encode())
    with pytest.raises(PolicyFileError, match="looser than germany") as refused:
        load_node_policy(TEXT.encode(), federation)

    assert refused.value.key == key
    assert refused.value.line is not None


@pytest.mark.parametrize(("key", "old", "new"), EDITS, ids=IDS)
def test_a_stricter_node_policy_loads(key: str, old: str, new: str) -> None:
    text = tightened(old, new)
    if key in {"retention.bucket", "rulebook.rules[0].id", "rulebook.rules[0].level"}:
        return  # neither of two buckets or rules is the stricter
    assert load_node_policy(text.encode(), LOOSE).document != LOOSE.document


def documented_keys() -> Iterator[str]:
    for section in msgspec.structs.fields(Document):
        inner = section.type
        own = getattr(inner, "__module__", "") == Document.__module__
        if own and isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            for field in msgspec.structs.fields(inner):
                yield f"{section.name}.{field.name}"
        else:
            yield section.name


def test_every_key_of_a_policy_is_compared_and_tried() -> None:
    apart = {
        "ageing",
        "pictures.origins",
        "staffing.apart",
        "training",
        "rulebook.rules",
    }
    tried = {
        key for key in documented_keys() if any(name.startswith(key) for name in IDS)
    }
    free = {key for key, compare in DIMENSIONS.items() if compare is strictness.ANY}

    assert set(documented_keys()) == set(DIMENSIONS) | set(TABLES) | apart
    assert set(documented_keys()) - tried == free | {
        "gate.mode",
        "gate.planes",
        "rulebook.cited",
    }


def test_a_radius_for_an_origin_only_narrows_that_of_the_policy() -> None:
    narrow = '[pictures.origins]\n"c.demo" = 20\n"d.demo" = 31'
    text = tightened("[pictures.origins]", narrow).replace("radius = 31", "radius = 24")
    policy = load_policy(text.encode())

    assert policy.picture_radius("c.demo") == 20
    assert policy.picture_radius("d.demo") == policy.picture_radius("e.demo") == 24
    assert LOOSE.picture_radius("c.demo") == 31
    wider = load_policy(tightened("radius = 31", "radius = 19").encode())
    assert is_at_least_as_strict(wider, policy)


@pytest.mark.parametrize("wrong", ["-1", "32"])
def test_a_radius_is_at_most_that_of_the_index(wrong: str) -> None:
    with pytest.raises(PolicyFileError, match=r"31|0") as refused:
        load_policy(tightened("radius = 31", f"radius = {wrong}").encode())

    assert refused.value.key == "pictures.radius"


def test_gate_and_rulebook_have_their_direction_too() -> None:
    gated = TEXT.replace('planes = ["actor"]', 'planes = ["actor", "media"]', 1)
    any_rule = TEXT.replace('cited = "listed"', 'cited = "any"')
    shut, cited = load_policy(gated.encode()), load_policy(any_rule.encode())

    assert [item.key for item in loosened(LOOSE, shut)] == ["gate.planes"]
    assert loosened(shut, LOOSE) == []
    assert ask(GateRequest(Plane.MEDIA), LOOSE, site=CLOSED).allowed
    assert not ask(GateRequest(Plane.MEDIA), shut, site=CLOSED).allowed
    assert [item.key for item in loosened(cited, LOOSE)] == ["rulebook.cited"]
    assert loosened(LOOSE, cited) == []
    assert loosened(LOOSE, shipped("synthetic"))[0].key == "gate.mode"


def test_the_strict_policy_is_stricter_than_the_german_one() -> None:
    assert loosened(shipped("strict"), shipped("germany")) == []
    assert loosened(shipped("germany"), shipped("strict")) != []


def test_a_node_names_groups_of_its_own_where_it_may_name_any_nodes() -> None:
    more = TEXT.replace("[scopes.groups]", '[scopes.groups]\nnorth = ["c"]')
    node = load_policy(more.encode())
    bare = TEXT.replace(', "nodes"]', "]")
    federation = load_policy(bare.encode())
    nobody, somebody = (
        load_policy(
            bare.replace("[scopes.groups]", f"[scopes.groups]\nn = {who}").encode()
        )
        for who in ("[]", '["c"]')
    )

    assert loosened(node, LOOSE) == []
    assert loosened(nobody, federation) == []
    assert [item.key for item in loosened(somebody, federation)] == ["scopes.groups.n"]


# --- the promise: what the stricter allows the looser allows too ------------------

SPANS = st.sampled_from(["1 day", "6 days", "7 days", "20 days", "1 month", "6 months"])
IN_DAYS = {"retention.bucket", "retention.after_match", "trial.lasts"}
COUNTS = st.integers(0, 60)
VALUES: dict[str, st.SearchStrategy[object]] = {
    "share.identifiers": st.frozensets(st.sampled_from(["email", "phone", "ip"])),
    "share.media": st.frozensets(st.sampled_from(["pdq", "sha1"])),
    "working_days.holidays": st.frozensets(st.sampled_from(["09-22", "09-24"])),
    "working_days.easter": st.frozensets(st.sampled_from([1, 39])),
    "jurisdictions.allowed": st.frozensets(st.sampled_from(["EEA", "DE", "FR", "US"])),
    "do_not_share.lists": st.frozensets(st.sampled_from(["role_addresses", "more"])),
    "scopes.groups": st.dictionaries(
        st.just("games"), st.frozensets(st.sampled_from(["b.example.org", "c"]))
    ),
    "jurisdictions.transfers": st.dictionaries(
        st.just("US"), st.sampled_from(["scc-1", "scc-2"])
    ),
    "ageing": st.dictionaries(
        st.sampled_from(["phone", "email"]), SPANS.map(Span.parse)
    ),
}


@st.composite
def changed(draw: st.DrawFn, policy: Policy) -> Policy:
    """Draw a policy that differs from another in up to four keys."""
    document = policy.document
    names = [
        *sorted(set(DIMENSIONS) - {"format", "name", "title", "dated"}),
        *TABLES,
        "ageing",
        "pictures.origins",
        "training",
        "staffing.apart",
        "rulebook.rules",
    ]
    for key in draw(st.lists(st.sampled_from(names), max_size=4, unique=True)):
        section, _, name = key.partition(".")
        inner = getattr(document, section)
        kind = type(strictness.leaf(document, key))
        value: object = draw(
            VALUES[key] if key in VALUES else _values(kind, document, key)
        )
        if name:
            value = msgspec.structs.replace(inner, **{name: value})
        document = msgspec.structs.replace(document, **{section: value})
    return replace(policy, document=document)


def _values(kind: type, document: Document, key: str) -> st.SearchStrategy[object]:
    if kind is Span:
        spans = SPANS.map(Span.parse)
        # Of what is in days no policy is loaded that says months (limits.py).
        return spans.filter(lambda span: not span.months) if key in IN_DAYS else spans
    if kind is int:
        return COUNTS.map(lambda count: max(1, count))
    if key == "training":
        known = LOOSE.document.training
        return st.frozensets(st.sampled_from(sorted(known))).map(
            lambda roles: {role: known[role] for role in roles}
        )
    if key == "rulebook.rules":
        rules = LOOSE.document.rulebook.rules
        return st.frozensets(st.sampled_from(range(len(rules)))).map(
            lambda at: tuple(rules[index] for index in sorted(at))
        )
    section, _, name = key.rpartition(".")
    owner = type(getattr(document, section)) if section else Document
    (field,) = [item for item in msgspec.structs.fields(owner) if item.name == name]
    return st.from_type(field.type)


ASKED = (*ALLOWED, *(row[3] for row in TIGHTER if row[3] is not None))
RESTRAINTS = frozenset(
    {
        Obligation.OWN_BANS_ONLY,
        Obligation.SECOND_PERSON,
        Obligation.SUSPEND_MATCHING,
    }
)
Case = tuple[Policy, Policy, Request, int]
TIGHT = {row[0]: load_policy(tightened(row[1], row[2]).encode()) for row in TIGHTER}


@st.composite
def anything(draw: st.DrawFn) -> Case:
    """Draw two policies that differ in some keys, and what is asked of both."""
    base = draw(st.sampled_from([LOOSE, shipped("strict"), shipped("synthetic")]))
    federation = draw(changed(base))
    node = draw(changed(federation))
    return node, federation, draw(near(*ASKED)), draw(MOMENTS)


@st.composite
def at_an_edge(draw: st.DrawFn) -> Case:
    """Draw two policies that differ in one key, and what that key decides."""
    key, _, _, request, now = draw(st.sampled_from(TIGHTER))
    node, federation = draw(st.permutations([LOOSE, TIGHT[key]]))
    asked = request if request is not None else draw(near(*ASKED))
    return node, federation, draw(st.just(asked) | near(asked)), now


def as_agreed(request: Request, node: Policy, federation: Policy) -> Request:
    """Spell out a group that only the node has: to its federation it is a list."""
    if not isinstance(request, OpeningRequest):
        return request
    own, agreed = node.document.scopes.groups, federation.document.scopes.groups
    audience = request.audience
    if audience.circle is not Circle.GROUP or audience.names & set(agreed):
        return request
    members = frozenset[str]().union(*(own.get(each, ()) for each in audience.names))
    return replace(request, audience=Audience(Circle.NODES, members))


def breaks_the_promise(case: Case) -> bool:
    node, federation, request, now = case
    stricter = ask(request, node, now=now)
    if not stricter.allowed:
        return False
    looser = ask(as_agreed(request, node, federation), federation, now=now)
    lost = (looser.obligations & RESTRAINTS) - stricter.obligations
    return not looser.allowed or bool(lost)


@settings(max_examples=300, suppress_health_check=[HealthCheck.filter_too_much])
@given(anything() | at_an_edge())
def test_whatever_the_stricter_allows_the_looser_allows(case: Case) -> None:
    assume(is_at_least_as_strict(case[0], case[1]))

    assert not breaks_the_promise(case)


@pytest.mark.parametrize(
    "row",
    [row for row in TIGHTER if row[3] is not None and row[0] in DIMENSIONS],
    ids=lambda row: row[0],
)
def test_blind_in_one_key_the_order_would_break_its_promise(
    monkeypatch: pytest.MonkeyPatch, row: tuple[str, str, str, Request, int]
) -> None:
    key, _, _, request, now = row
    blinded = {**DIMENSIONS, key: strictness.ANY}
    monkeypatch.setattr(strictness, "DIMENSIONS", blinded)

    assert is_at_least_as_strict(LOOSE, TIGHT[key])
    assert breaks_the_promise((LOOSE, TIGHT[key], request, now))
