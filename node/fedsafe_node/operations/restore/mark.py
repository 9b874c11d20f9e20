# SPDX-License-Identifier: Apache-2.0
"""The mark of a restore that is under way, `restore.json`: with it no node starts.

It keeps what the rollback guard held before: from then on the guard is the node's own
past, which a restore puts back on purpose, with a person's reason.
"""

import msgspec

from fedsafe_node.acts.backup import Digest
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.key_files import sync_directory, write_durably
from fedsafe_node.log.guard import Kept
from fedsafe_node.operations.backup.errors import BackupRefusedError
from fedsafe_node.store.rows import LogName
from fedsafe_policies.ground.catalogue import Phrase


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which backup is brought back, by whom and why, and what had left the node.

    `ready` is the past that is the node's from now on, once the store holds it whole.
    """

    backup: Digest
    by: str
    reason: str
    kept: dict[LogName, Kept]
    ready: list[Kept] | None = None

    def with_kept(self, kept: dict[LogName, Kept]) -> "Mark":
        """Remember of each log the larger of two checkpoints."""
        larger = dict(self.kept)
        for log, each in kept.items():
            if log not in larger or larger[log].size < each.size:
                larger[log] = each
        return msgspec.structs.replace(self, kept=larger)


def read_mark(place: Place) -> Mark | None:
    """Read the mark; None if no restore is under way.

    Raises:
        BackupRefusedError: it cannot be read.
    """
    try:
        return msgspec.json.decode(place.restoring.read_bytes(), type=Mark)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise BackupRefusedError(
            Phrase("{file} cannot be read").filled(file=place.restoring),
            Phrase(
                "it holds what had left the node: bring it back, or "
                "restore into a new directory"
            ),
        ) from None


def put_mark(place: Place, mark: Mark) -> None:
    """Set the mark, or replace it; durable when this returns."""
    draft = place.restoring.with_name(f".{place.restoring.name}.part")
    draft.unlink(missing_ok=True)
    write_durably(draft, msgspec.json.encode(mark))
    draft.replace(place.restoring)
    sync_directory(place.directory)


def lift_mark(place: Place) -> None:
    """Let the node start again."""
    place.restoring.unlink(missing_ok=True)
    sync_directory(place.directory)
