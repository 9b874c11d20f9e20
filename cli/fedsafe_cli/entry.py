# SPDX-License-Identifier: Apache-2.0
"""What the `fedsafe` program starts with: it loads little, so Ctrl-C finds it ready.

Many commands hold keys, credentials or identifiers, so none leaves a core.
"""

import gc
import sys
from contextlib import suppress
from typing import Final

_YOUNG_OBJECTS: Final = 50_000


def main() -> int:
    """Load the command line and run it; return its exit status."""
    # What is imported stays. To look through all of it for cycles again and again took
    # a fifth of the start of a node, which goes by the same threshold when it runs.
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
    with suppress(KeyboardInterrupt):
        from fedsafe_node.ground.process_memory import forbid_dumps  # noqa: PLC0415

        forbid_dumps()
        from fedsafe_cli.main import main as command  # noqa: PLC0415

        return command()
    from fedsafe_cli.terminal.exit_codes import INTERRUPTED  # noqa: PLC0415

    sys.stderr.write("\n")
    return INTERRUPTED
