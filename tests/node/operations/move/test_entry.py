# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.support.move_ends import Stopped

from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.operations.move.errors import MoveRefusedError


def test_an_address_that_does_not_lead_the_node_there_moves_nothing(
    one_stopped: Stopped,
) -> None:
    stopped = one_stopped
    place = Path(urlsplit(stopped.database.node).path)
    for node, why in (
        (stopped.database.node.replace(place.name, "postgres"), "another database"),
        (stopped.database.node.replace(place.name, "nowhere"), "would not get in"),
        (stopped.database.node.replace("//", "//not_"), "would not get in"),
    ):
        route = replace(stopped.there, target=node, storage=Storage(node))
        with pytest.raises(MoveRefusedError, match=why):
            stopped.move(route)
    stopped.move(stopped.there)

    assert stopped.in_database() == stopped.in_file()
