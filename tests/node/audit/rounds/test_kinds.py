# SPDX-License-Identifier: Apache-2.0
from collections import Counter

from fedsafe_node.audit.rounds import kinds
from fedsafe_node.audit.rounds.kinds import KINDS, Kind, classes_of
from fedsafe_node.log.audit import Event


def test_every_class_of_events_has_one_kind() -> None:
    assert set(KINDS) == set(Event)
    named = Counter(name for names in kinds.NAMES.values() for name in names.split())
    assert [name for name, count in named.items() if count > 1] == []


def test_a_refusal_is_no_decision() -> None:
    assert "refused" in classes_of(Kind.REFUSAL)
    assert not classes_of(Kind.REFUSAL) & classes_of(Kind.DECISION)
