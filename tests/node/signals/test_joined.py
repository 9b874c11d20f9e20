# SPDX-License-Identifier: Apache-2.0
"""What belonging to a federation changes in a node's present."""

import hashlib

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import Federation, NodeMaker

from fedsafe_federation.charter.charter import PolicyReference


@pytest.mark.parametrize("text", ["the arrangement of 2026", ""])
def test_a_gate_record_has_to_cite_the_arrangement_of_the_charter(
    make_node: NodeMaker, federation: Federation, text: str
) -> None:
    digest = hashlib.sha256(text.encode())
    named = PolicyReference("arrangement", digest.digest())
    federation.charter = replace(federation.charter, arrangement=named)
    joined, alone = make_node(), make_node(joined=False)

    agreed = digest.hexdigest()[:8] if text else ""
    assert joined.desk.situation.site.arrangement == agreed
    assert alone.desk.situation.site.arrangement == ""
