# SPDX-License-Identifier: Apache-2.0
"""The thief of fewer than t nodes reads nobody off the list (promise 1)."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.node.conftest import prepare  # noqa: F401 - a fixture
from tests.postgresql.fixtures import MAJORS, installation_of
from tests.support.databases import Preparing
from tests.support.federation import Federation, federation, until
from tests.support.loot import Envelope, Loot, rob
from tests.support.phone_numbers import numbers
from tests.support.thief import CANONICALISER, attack, whose
from tests.system.planting import Secret, leaks, secrets_of

from fedsafe_federation.identifiers import canonicalise
from fedsafe_policies.vocabulary import IdentifierKind

SEED = "thief 1"
DICTIONARY = 2_000
LISTED = 120
ASKED = 5
OWN = 10

pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True, slots=True)
class Crime:
    """Copies of the nodes' directories, and who is in them."""

    copies: dict[str, Path]
    dictionary: Sequence[str]
    by_a: Sequence[str]
    by_b: Sequence[str]
    pending: Sequence[str]
    own: Sequence[str]
    asked: Sequence[str]
    secrets: Sequence[Secret]

    @property
    def listed(self) -> set[str]:
        return {*self.by_a, *self.by_b}

    def rob(self, *names: str) -> Loot:
        return rob(*(self.copies[name] for name in names))


@pytest.fixture(scope="module")
def crime(tmp_path_factory: pytest.TempPathFactory) -> Crime:
    root = tmp_path_factory.mktemp("thief")
    dictionary = numbers(SEED, DICTIONARY)
    people = iter(dictionary[:: DICTIONARY // 400])
    with federation(root / "f") as fed:
        parts = [[next(people) for _ in range(n)] for n in (LISTED, LISTED, OWN, OWN)]
        by_a, by_b, pending, own = parts
        asked = [next(people) for _ in range(ASKED)]
        _list_them(fed, by_a, by_b, pending, own)
        for number in [*asked, *by_a[:ASKED], *own[:ASKED]]:
            fed.lookup(fed.c, _phone(number), subject_ref="account-1")
        copies = {
            name: fed.copy(node, root / name)
            for name, node in zip("abc", fed.nodes, strict=True)
        }
        secrets = secrets_of(fed, root / "before", [])
    return Crime(copies, dictionary, by_a, by_b, pending, own, asked, secrets)


def _list_them(
    fed: Federation,
    by_a: Sequence[str],
    by_b: Sequence[str],
    pending: Sequence[str],
    own: Sequence[str],
) -> None:
    fed.publish(fed.a, [_phone(number) for number in by_a])
    fed.publish(fed.b, [_phone(number) for number in by_b])
    fed.propose(fed.a, [_phone(number) for number in pending])
    fed.propose(fed.c, [_phone(number) for number in own], scope="self")
    until(fed.caught_up, "replication")


def _phone(number: str) -> dict[str, str]:
    return {"kind": "phone", "value": number}


def test_the_dictionary_is_in_canonical_form(crime: Crime) -> None:
    for number in crime.listed:
        found = canonicalise(IdentifierKind.PHONE, number)

        assert (found.canonicaliser, found.value) == (CANONICALISER, number)


@pytest.mark.promise("TM-01")
def test_a_thief_of_t_nodes_recovers_all(crime: Crime) -> None:
    loot = crime.rob("b", "c")

    assert loot.threshold == 2
    assert len(loot.tokens) >= len(crime.listed)
    assert attack(loot, crime.dictionary, thorough=False).shared() == crime.listed


@pytest.mark.promise("LR-28")
def test_a_thief_of_fewer_nodes_recovers_nobody_out_of_a_dictionary(
    crime: Crime,
) -> None:
    loot = crime.rob("c")
    takings = attack(loot, crime.dictionary, thorough=False)

    assert len(loot.tokens) >= len(crime.listed)
    assert takings.shared() == set()
    assert takings.own() == set(crime.own)


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_thief_who_guesses_right_cannot_tell(
    crime: Crime, truth: dict[str, list[Envelope]], name: str
) -> None:
    loot = crime.rob(name)
    suspects = [*crime.listed, *crime.pending, *crime.own, *crime.asked]
    takings = attack(loot, suspects, truth=truth)

    assert takings.shared() == set()
    assert loot.custody_opened() == 0
    # A draft matches at its author's own provider while it waits.
    assert takings.own() == {"a": {*crime.pending}, "b": set(), "c": {*crime.own}}[name]


@pytest.fixture(scope="module")
def truth(crime: Crime) -> dict[str, list[Envelope]]:
    """Tell which envelopes are whose, as only a thief of t nodes can find out."""
    found = whose(crime.rob("b", "c"), sorted(crime.listed))
    assert all(found.values())
    return found


@pytest.fixture
def dump(
    crime: Crime,
    prepare: Callable[[int], Preparing],  # noqa: F811
    tmp_path: Path,
) -> bytes:
    """Give what `pg_dump` says of c's store, moved to a server, to a superuser."""
    databases = prepare(MAJORS[-1])
    made = databases.make_empty()
    copy = tmp_path / "c"
    shutil.copytree(crime.copies["c"], copy)
    words = ["--from", f"sqlite://{copy}/store.db", "--to", made.node]
    program = str(installation_of(MAJORS[-1]).programs / "pg_dump")
    moving = ["store", "migrate", *words, "--owner", made.owner]
    _done(sys.executable, "-m", "fedsafe_cli", *moving)
    dumped = _done(program, "--inserts", "--dbname", made.superuser)
    databases.drop(made)
    return dumped


def _done(*command: str) -> bytes:
    done = subprocess.run(command, capture_output=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _without_keys(whole: Loot, *files: bytes) -> Loot:
    """Give what a thief has who got hold of files alone."""
    return Loot(
        federation=whole.federation,
        threshold=whole.threshold,
        members=whole.members,
        origins=whole.origins,
        tokens=whole.tokens,
        envelopes=whole.envelopes,
        files=list(files),
    )


def test_a_thief_of_a_dump_of_the_database_recovers_nobody(
    crime: Crime, truth: dict[str, list[Envelope]], dump: bytes
) -> None:
    whole = crime.rob("c")
    loot = _without_keys(whole, dump)
    suspects = [*crime.listed, *crime.pending, *crime.own, *crime.asked]
    takings = attack(loot, suspects, truth=truth)
    there = [token for token in whole.tokens if token.hex().encode() in dump]

    assert len(there) >= len(crime.listed)
    assert takings.numbers == set()
    assert leaks(crime.secrets, [("dump", dump)]) == []


def test_what_a_dump_is_searched_for_would_be_found(crime: Crime, dump: bytes) -> None:
    number, secret = crime.own[0], crime.secrets[-1]
    hexed = f"\\x{number.encode().hex()}".encode()
    loot = _without_keys(crime.rob("c"), dump, hexed)

    assert attack(loot, crime.own).numbers == {number}
    assert leaks([secret], [("dump", dump + secret.forms[0])])
