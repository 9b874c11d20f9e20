# SPDX-License-Identifier: Apache-2.0
"""Orders to nodes that take them (`ordered_node`)."""

import json
import socket
from collections.abc import Sequence
from typing import Any, Final

from tests.support.ordered_node import SOCKET

from fedsafe_cli.demo.nodes import DemoNode

_TIMEOUT: Final = 30.0


def order(node: DemoNode, do: str, **terms: object) -> Any:  # noqa: ANN401 - see there
    """Give an order, and the answer; None from a node that is dead, or refuses."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_TIMEOUT)
        try:
            line.connect(str(node.directory / SOCKET))
            line.sendall(json.dumps({"do": do, **terms}).encode() + b"\n")
            answer = line.makefile("rb").readline()
        except OSError:
            return None
    told = json.loads(answer) if answer else None
    return None if isinstance(told, dict) and "refused" in told else told


def share_anew(
    nodes: Sequence[DemoNode], convenor: DemoNode, version: int, *, opens: bool = False
) -> None:
    """Have two people at each node agree to another sharing of the key, once.

    The others do so when they have heard that it is proposed, so only one proposes.
    """
    for node in nodes:
        state = order(node, "state")
        if state is None or state["version"] != version:
            continue
        if not state["wishes"] and (node is convenor or state["attempts"]):
            order(node, "reshare", opens=opens, version=version)
        elif state["wishes"]:
            order(node, "tend")


def propose_keys(member: DemoNode, nodes: Sequence[DemoNode], version: int) -> None:
    """Have a member propose new keys to follow a version, and nodes sign that."""
    proposal = order(member, "keys", version=version)
    if proposal is not None:
        for node in nodes:
            order(node, "agree", proposal=proposal)
