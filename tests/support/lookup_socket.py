# SPDX-License-Identifier: Apache-2.0
"""A node's socket for lookups alone, in a directory that other users can enter."""

import grp
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from fedsafe_node.ground.config import Place

QUESTION: Final[dict[str, Any]] = {
    "questions": [{"kind": "email", "value": "anna@example.de"}],
    "purpose": "signup_check",
    "subject_ref": "account-17",
}


@contextmanager
def open_directory() -> Iterator[Path]:
    """Make a directory in which nobody else may write, but which all may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def lookup_socket(place: Place) -> Iterator[Path]:
    """Name such a socket in a node's configuration for a while; the node is stopped."""
    group = grp.getgrgid(os.getegid()).gr_name
    former = place.config.read_text()
    with open_directory() as directory:
        path = directory / "lookup.sock"
        named = f'[lookup.socket]\npath = "{path}"\ngroup = "{group}"\n'
        place.config.write_text(f"{former}\n{named}")
        try:
            yield path
        finally:
            place.config.write_text(former)
