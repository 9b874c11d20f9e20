# SPDX-License-Identifier: Apache-2.0
"""Build the programs in Go: each library is compiled once, for all runs."""

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
CACHE: Final = _ROOT / "build" / "go"
GOPATH: Final = Path("/usr/share/gocode")


def build(go: str, name: str, place: Path) -> Path:
    """Build a program of this folder; processes that want one wait for each other."""
    CACHE.mkdir(parents=True, exist_ok=True)
    settings = {
        "GO111MODULE": "off",
        "CGO_ENABLED": "0",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(CACHE),
        "GOFLAGS": "",
    }
    built, source = place / name, Path(__file__).with_name(f"{name}.go")
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [go, "build", "-o", built, source],
            env=os.environ | settings,
            check=True,
        )
    return built
