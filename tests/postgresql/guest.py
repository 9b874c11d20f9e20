# SPDX-License-Identifier: Apache-2.0
"""Hold the server of a run until standard input ends: `guest.py RUN MAJOR`.

Says in one line of JSON where the server's directory is, and its URL.
"""

import json
import sys
from pathlib import Path

from tests.postgresql.installation import installed
from tests.postgresql.sharing import shared


def main(run: Path, major: int) -> None:
    (installation,) = (one for one in installed() if one.major == major)
    with shared(run, installation) as server:
        told = {"directory": str(server.directory), "url": server.url()}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
