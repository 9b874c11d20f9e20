# SPDX-License-Identifier: Apache-2.0
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import key_of

from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.witness_policy import Policy, majority, parse_policy

NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
KEYS = {
    name: VerifierKey.of(f"{name}.example/witness", key_of(name).public, COSIGNER)
    for name in NAMES
}
WITNESSES = "".join(f"witness {name} {KEYS[name].encode()}\n" for name in NAMES)
LOG = VerifierKey.of("a.example/anchor", key_of("log").public).encode()
EXAMPLE = f"""# the example of c2sp.org/tlog-policy
log {LOG}

{WITNESSES}
group X-witnesses 2 X1 X2 X3
\tgroup Y-witnesses any Y1\tY2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def reached(policy: Policy, names: str) -> bool:
    return policy.reached({KEYS[name] for name in names.split()})


def test_the_example_of_the_specification() -> None:
    policy = parse_policy(EXAMPLE.encode())

    assert [witness.key for witness in policy.witnesses] == list(KEYS.values())
    assert reached(policy, "X1 X3 Y2")
    assert not reached(policy, "X1 X2 X3")
    assert not reached(policy, "X1 Y1 Y2 Y3")
    assert not reached(policy, "")


def test_one_witness_or_none_may_be_the_quorum() -> None:
    assert reached(parse_policy(f"{WITNESSES}quorum X2\n".encode()), "X2")
    assert not reached(parse_policy(f"{WITNESSES}quorum X2\n".encode()), "X1 X3")
    assert reached(parse_policy(b"quorum none\n"), "")


def test_a_witness_may_have_an_address() -> None:
    line = f"witness w {KEYS['X1'].encode()} https://w.example/submit\nquorum w"
    (witness,) = parse_policy(line.encode()).witnesses

    assert witness.url == "https://w.example/submit"


@pytest.mark.parametrize("count", range(1, 7))
def test_a_majority_is_more_than_half(count: int) -> None:
    keys = list(KEYS.values())[:count]
    policy = majority(keys)
    for size in range(count + 1):
        for some in combinations(keys, size):
            assert policy.reached(set(some)) == (size > count / 2)


def test_without_others_nobody_is_needed() -> None:
    assert majority([]).reached(set())


X1 = KEYS["X1"].encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no quorum"),
        (f"{WITNESSES}", "no quorum"),
        (f"{WITNESSES}quorum Z\n", "line 7: a name that no line above"),
        (f"{WITNESSES}quorum X1\nquorum X1\n", "line 8: a second quorum"),
        (f"{WITNESSES}group none any X1\nquorum X1\n", "a name that is taken"),
        (f"{WITNESSES}group X1 any X2\nquorum X1\n", "a name that is taken"),
        (f"{WITNESSES}group g 0 X1\nquorum g\n", "no number"),
        (f"{WITNESSES}group g 01 X1\nquorum g\n", "no number"),
        (f"{WITNESSES}group g 3 X1 X2\nquorum g\n", "no number"),
        (f"{WITNESSES}group g any X1 X1\nquorum g\n", "a member twice"),
        (f"{WITNESSES}group g any X1\ngroup h any X1\nquorum g\n", "a member twice"),
        (f"{WITNESSES}group g any none\nquorum g\n", "a name that no line above"),
        (f"{WITNESSES}group g any\nquorum X1\n", "no line of a policy"),
        (f"witness a {X1}\nwitness b {X1}\nquorum a\n", "a key is listed twice"),
        (f"log {LOG}\nlog {LOG}\nquorum none\n", "a key is listed twice"),
        (f"log {X1}\nquorum none\n", "another kind"),
        (f"witness a {LOG}\nquorum a\n", "another kind"),
        (f"witness a {X1} http://w.example\nquorum a\n", "no https address"),
        (f"witness a {X1} https://w.example x\nquorum a\n", "no line of a policy"),
        ("something else\n", "no line of a policy"),
        ("quorum none\r\n", "control characters"),
        (" " * 70_000, "too large"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse_policy(text.encode())


@given(st.binary(max_size=200))
def test_junk_raises_only_our_error(junk: bytes) -> None:
    try:
        policy = parse_policy(b"quorum none\n" + junk)
    except MalformedError:
        return
    lines = [line.strip(b" \t") for line in junk.split(b"\n")]

    assert (policy.witnesses, policy.reached(set())) == ((), True)
    assert all(not line or line.startswith(b"#") for line in lines)
