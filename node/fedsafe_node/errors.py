# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in fedsafe_node.

* NodeError
  + StoreError
    - StoreBusyError        another process holds the store
    - StoreClosedError      the store takes no more writes
    - StoreFailedError      a write could not be made durable; nothing was kept
    - SchemaError           the database was written by another version
    - ConflictError         a row breaks a rule of the store
  + LogError
    - UnknownEntryError     the log has no such entry
    - CorruptLogError       what is stored does not add up
    - RolledBackError       the database is behind what left the node
  + KeyFileError
    - KeyFileMissingError
    - KeyFileExistsError
    - LooseKeyFileError     others could read it
"""


class NodeError(Exception):
    """The root of all errors of the node."""


class StoreError(NodeError):
    """The node's database refused or failed."""


class StoreBusyError(StoreError):
    """Another process has this store open."""

    def __init__(self, path: str) -> None:
        super().__init__(f"another process has the store {path} open")
        self.path = path


class StoreClosedError(StoreError):
    """The store takes no more writes."""

    def __init__(self, reason: str = "closed") -> None:
        super().__init__(f"the store takes no more writes: {reason}")
        self.reason = reason


class StoreFailedError(StoreError):
    """A write could not be made durable; nothing of it was kept."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the write was not kept: {reason}")
        self.reason = reason


class SchemaError(StoreError):
    """The database was written by another version of the program."""

    def __init__(self, got: int, want: int) -> None:
        super().__init__(f"database has schema {got}, this program knows {want}")
        self.got = got
        self.want = want


class ConflictError(StoreError):
    """A row breaks a rule of the store, such as a name that is taken."""


class LogError(NodeError):
    """A log of the node can't be read, extended or trusted."""


class UnknownEntryError(LogError):
    """The log has no entry or no tree of that number."""

    def __init__(self, log: str, number: int) -> None:
        super().__init__(f"log {log} does not reach {number}")
        self.log = log
        self.number = number


class CorruptLogError(LogError):
    """What is stored of a log does not add up."""

    def __init__(self, log: str, index: int, reason: str) -> None:
        super().__init__(f"log {log} is damaged at entry {index}: {reason}")
        self.log = log
        self.index = index
        self.reason = reason


class RolledBackError(LogError):
    """The database is behind, or beside, a checkpoint that left the node.

    Whoever saw that checkpoint would hold proof of two different logs, so the
    node does not start.
    """

    def __init__(self, log: str, kept_size: int, found_size: int, guard: str) -> None:
        found = (
            f"has only {found_size} entries"
            if found_size < kept_size
            else "holds other entries"
        )
        super().__init__(
            f"log {log} {found}, but a checkpoint of {kept_size} entries has left "
            f"this node ({guard}); an older copy of the database was put back: "
            "bring back the newest one, or run `fedsafe restore`"
        )
        self.log = log
        self.kept_size = kept_size
        self.found_size = found_size


class KeyFileError(NodeError):
    """A key file can't be used. The message names the file, never the key."""


class KeyFileMissingError(KeyFileError):
    """There is no such key file."""

    def __init__(self, path: str) -> None:
        super().__init__(f"key file {path} does not exist")
        self.path = path


class KeyFileExistsError(KeyFileError):
    """A key file is never overwritten."""

    def __init__(self, path: str) -> None:
        super().__init__(f"key file {path} exists already")
        self.path = path


class LooseKeyFileError(KeyFileError):
    """Others than the node's own user could read or change the key."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"key file {path} is refused: {reason}; chmod 600 it")
        self.path = path
        self.reason = reason
