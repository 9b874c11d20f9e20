# SPDX-License-Identifier: Apache-2.0
"""The clock of the server decides nothing: what the node keeps has the node's times."""

import re
from pathlib import Path
from typing import Final

NODE: Final = Path(__file__).parents[4] / "node" / "fedsafe_node"
ASKS: Final = re.compile(
    r"(?<![\w.])(now\(\)|(current|local)_?time(stamp)?\b|current_date|timeofday"
    r"|(clock|transaction|statement)_timestamp|unixepoch|julianday|strftime\()",
    re.IGNORECASE,
)
# How long a session has stood still, by the clock that says since when.
ENDS_STALLED: Final = "clock_timestamp() - interval '8 seconds'"


def test_no_statement_asks_for_the_time_of_the_server() -> None:
    found = [
        f"{path.relative_to(NODE)}: {line.strip()}"
        for path in sorted(NODE.rglob("*.py"))
        for line in path.read_text().splitlines()
        if ASKS.search(line) and ENDS_STALLED not in line
    ]

    assert found == []
