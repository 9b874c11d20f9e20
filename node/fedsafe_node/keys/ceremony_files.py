# SPDX-License-Identifier: Apache-2.0
"""The secret states of ceremonies: one file a round, named by the proposal.

A ceremony that failed leaves its states behind, and they stand in no other ceremony's
way. Whoever runs ceremonies of a kind destroys them when one has succeeded.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Collection
from pathlib import Path

from fedsafe_federation.errors import CeremonyError
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import KeyFileMissingError
from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.ground.key_files import destroy_secret, write_secret
from fedsafe_node.ground.outside_key import read_key_file, wrapped

FOUNDING = "founding"
RENEWAL = "renewal"
MAX_CEREMONIES = {FOUNDING: 16, RENEWAL: 64}
_DEALT = 2  # the round that makes them


class StateFiles:
    """The states of one ceremony as secret files (`ceremony.States`)."""

    def __init__(
        self,
        place: Place,
        proposal: Signed,
        *,
        kind: str,
        failure: Callable[[str], CeremonyError],
        faults: Faults = NO_FAULTS,
    ) -> None:
        self._place = place
        self._kind = kind
        self._run = run_of(proposal)
        self._failure = failure
        self._faults = faults

    def get(self, round_: int) -> bytes | None:
        """Read the state of a round."""
        try:
            return read_key_file(self._place, self._path(round_))
        except KeyFileMissingError:
            return None

    def put(self, round_: int, state: bytes) -> None:
        """Keep the state of a round.

        Raises:
            CeremonyError: too many ceremonies were begun.
        """
        others = {_run_named(path) for path in state_files(self._place, self._kind)}
        if len(others - {self._run}) >= MAX_CEREMONIES[self._kind]:
            raise self._failure(
                f"too many ceremonies were begun here: delete keys/{self._kind}-*.key"
            )
        path = self._path(round_)
        write_secret(path, wrapped(self._place, path.name, state), faults=self._faults)

    def _path(self, round_: int) -> Path:
        return self._place.keys / f"{self._kind}-{self._run}-{round_}.key"


def run_of(proposal: Signed) -> str:
    """Name a ceremony by what was proposed."""
    return hashlib.sha256(proposal.payload).hexdigest()[:16]


def dealt_runs(place: Place, kind: str) -> frozenset[str]:
    """Name the ceremonies of a kind in which this node has made its shares."""
    found = place.keys.glob(f"{kind}-*-{_DEALT}.key")
    return frozenset(_run_named(path) for path in found)


def state_files(place: Place, kind: str) -> list[Path]:
    """Find the states of all ceremonies of a kind."""
    return sorted(place.keys.glob(f"{kind}-*-*.key"))


def destroy_states(place: Place, kind: str, *, but: Collection[str] = ()) -> None:
    """Forget the states of all ceremonies of a kind but some."""
    left = place.keys.glob(f".{kind}-*-*.key.*")  # by a process that died in between
    broken = (path.with_name(path.name[1:].rpartition(".")[0]) for path in left)
    for path in sorted({*state_files(place, kind), *broken}):
        if _run_named(path) not in but:
            destroy_secret(path)


def locked(place: Place) -> int:
    """Be the only process of the node that makes a step, until the file is closed."""
    lock = os.open(place.keys, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    except BaseException:
        os.close(lock)
        raise
    return lock


def _run_named(path: Path) -> str:
    return path.name.split("-")[1]
