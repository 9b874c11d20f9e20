# SPDX-License-Identifier: Apache-2.0
"""What the `fedsafe` program starts with: it loads little, so Ctrl-C finds it ready.

Many commands hold keys, credentials or identifiers, so none leaves a core.
"""

import sys
from contextlib import suppress


def main() -> int:
    """Load the command line and run it; return its exit status."""
    with suppress(KeyboardInterrupt):
        from fedsafe_node.ground.process_memory import forbid_dumps  # noqa: PLC0415

        forbid_dumps()
        from fedsafe_cli.main import main as command  # noqa: PLC0415

        return command()
    from fedsafe_cli.terminal.exit_codes import INTERRUPTED  # noqa: PLC0415

    sys.stderr.write("\n")
    return INTERRUPTED
