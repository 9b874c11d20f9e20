# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in fedsafe_node.

* NodeError
  + ConfigError             the configuration does not fit
  + MembershipError         charter, share and keys of this node do not fit
  + BadRequestError         the asker's input; carries a code and a pointer
  + ForbiddenError          no credential, or one that may not do this
  + DeniedError             a policy rule denies; carries the decision
  + NotFoundError           there is no such thing
  + IdentityError           a provider of identities, or its word, is not accepted
  + WrongStateError         the thing is not in a state that allows this
  + UnavailableError        not now; carries when to ask again
    - TooManyTriesError     too many failed logins; carries the same
  + StoreError
    - StoreBusyError        another process holds the store
      * StoreElsewhereError another directory's node runs on the database
    - StoreClosedError      the store takes no more writes
    - StoreFailedError      a write could not be made durable; nothing was kept
      * NoRoomError           the disk is full, and the reserve is not for this
      * UnsealedLogError      a log is not as the last commit left it
    - SchemaError           the database was written by another version
    - ForeignStoreError     the database is another node's
    - ConflictError         a row breaks a rule of the store
  + LogError
    - UnknownEntryError     the log has no such entry
    - CorruptLogError       what is stored does not add up
      * MissingEntriesError   entries or the tiles above them are gone
    - CorruptRowError       a row contradicts the logs, or what was signed
    - RolledBackError       the database is behind what left the node
    - RestoreUnfinishedError a restore has not come to its end
    - SealBrokenError       tables, logs or key files are not as they were sealed
  + WorkerFailedError       a process of the node cannot start
  + TooFewConnectionsError  a server lets in fewer than the processes need
  + KeyFileError
    - KeyFileMissingError
    - KeyFileExistsError
    - LooseKeyFileError     others could read it
  + TokenIndexError
    - CorruptIndexError     a segment is damaged; the index must be rebuilt
  + PictureIndexError       its tables miss a picture; every row is compared
"""

from typing import Final

from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision


class NodeError(Exception):
    """The root of all errors of the node.

    `phrase` is the sentence with the values in it, for a reader of another language;
    `str` says it in English.
    """

    phrase: Phrase | None = None

    def __init__(self, words: str | Phrase = "", *more: object) -> None:
        super().__init__(str(words), *more)
        if isinstance(words, Phrase):
            self.phrase = words


def phrase_of(words: str | Phrase) -> Phrase | None:
    """Return a sentence that can be said in other languages; None of mere words."""
    return words if isinstance(words, Phrase) else None


def words_of(error: Exception) -> str | Phrase:
    """Return what an error says: a phrase if it is one, else its words."""
    phrase = getattr(error, "phrase", None)
    return phrase if isinstance(phrase, Phrase) else str(error)


class WorkerFailedError(NodeError):
    """A process of the node cannot start."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(
            Phrase("worker {number} cannot start: {why}").filled(number=number, why=why)
        )
        self.number = number
        self.why = why


class TooFewConnectionsError(NodeError):
    """A server lets in fewer connections than the processes of the node need."""

    def __init__(self, workers: int, want: int, got: int, most: int) -> None:
        super().__init__(
            Phrase(
                "{workers} workers need {want} connections to the "
                "database, and its server lets in {got}"
            ).filled(workers=workers, want=want, got=got)
        )
        self.most = most


class StoreError(NodeError):
    """The node's database refused or failed."""


class StoreBusyError(StoreError):
    """Another process has this store open."""

    def __init__(self, path: str, why: Phrase | None = None) -> None:
        told = Phrase("another process has the store {path} open")
        super().__init__(why or told.filled(path=path))
        self.path = path


class StoreElsewhereError(StoreBusyError):
    """A node runs on this database out of another directory."""

    def __init__(self, address: str) -> None:
        super().__init__(
            address,
            Phrase(
                "the node of another directory or machine writes to this database, "
                "connected over {address}: stop it there; once a machine is lost, the "
                "server misses it within half a minute"
            ).filled(address=address),
        )


class StoreClosedError(StoreError):
    """The store takes no more writes."""

    def __init__(self, reason: str = "closed") -> None:
        super().__init__(
            Phrase("the store takes no more writes: {reason}").filled(reason=reason)
        )
        self.reason = reason


class StoreFailedError(StoreError):
    """The database did not do what it was asked; a write was not acknowledged.

    Mostly nothing of the write was kept. Where the commit itself failed, nobody knows:
    what was handed in may be found later, whole.
    """

    def __init__(self, reason: str | Phrase) -> None:
        super().__init__(Phrase("the database failed: {reason}").filled(reason=reason))
        self.told = reason
        self.reason = str(reason)


class NoRoomError(StoreFailedError):
    """The disk is full, and what is left of it is for what makes things safer."""

    def __init__(self) -> None:
        super().__init__(
            Phrase("the disk is full, and its reserve is for restrictions")
        )


class UnsealedLogError(StoreFailedError):
    """A log is not as the last commit left it: nothing is added to it.

    It was sealed at a size, and another, or other entries, are found.
    """

    def __init__(self, log: str, *, sealed: int, found: int) -> None:
        super().__init__(Phrase("log {log} is not as it was sealed").filled(log=log))
        self.log = log
        self.sealed = sealed
        self.found = found

    def damage(self) -> "CorruptLogError":
        """Tell in which entries the damage lies, as far as the sizes know."""
        reason = Phrase("not as it was sealed")
        if self.found < self.sealed:
            last = self.sealed - 1
            return MissingEntriesError(self.log, self.found, reason, last=last)
        first = self.sealed if self.found > self.sealed else 0
        last = max(0, self.found - 1)
        return CorruptLogError(self.log, first, reason, last=last)


class SchemaError(StoreError):
    """The database was written by another version of the program."""

    def __init__(self, got: int, want: int) -> None:
        super().__init__(
            Phrase("database has schema {got}, this program knows {want}").filled(
                got=got, want=want
            )
        )
        self.got = got
        self.want = want


class SchemaBehindError(StoreError):
    """The database waits for its owner, who alone may change its schema."""

    def __init__(self, got: int, want: int) -> None:
        super().__init__(
            Phrase(
                "the database has schema {got}, this program needs {want}: "
                "its owner prepares it with `fedsafe store prepare`"
            ).filled(got=got, want=want)
        )
        self.got = got
        self.want = want


class ForeignStoreError(StoreError):
    """The database was written by a node of another name."""

    def __init__(self, log: str, node: str) -> None:
        super().__init__(
            Phrase("the database holds {log}: it is not that of {node}").filled(
                log=log, node=node
            )
        )
        self.log = log
        self.node = node


class ConflictError(StoreError):
    """A row breaks a rule of the store, such as a name that is taken."""


class LogError(NodeError):
    """A log of the node can't be read, extended or trusted."""


class UnknownEntryError(LogError):
    """The log has no entry or no tree of that number."""

    def __init__(self, log: str, number: int) -> None:
        super().__init__(
            Phrase("log {log} does not reach {number}").filled(log=log, number=number)
        )
        self.log = log
        self.number = number


class PrunedError(LogError):
    """An entry was pruned: only its hash is left, and all proofs."""

    def __init__(self, log: str, number: int, minimum: int) -> None:
        told = Phrase(
            "entry {number} of {log} was pruned; the first that is there is {minimum}, "
            "and of those before only hashes are left"
        )
        self.phrase = told.filled(number=number, log=log, minimum=minimum)
        super().__init__(str(self.phrase))
        self.log = log
        self.number = number
        self.minimum = minimum


class CorruptLogError(LogError):
    """What is stored of a log does not add up.

    The fault lies at the entry `index`, or somewhere from it to the entry `last`.
    """

    def __init__(
        self, log: str, index: int, reason: Phrase, *, last: int | None = None
    ) -> None:
        self.log = log
        self.index = index
        self.last = last if last != index else None
        self.told = reason
        self.reason = str(reason)
        place = place_of(index, self.last)
        super().__init__(
            Phrase("log {log} is damaged {place}: {reason}").filled(
                log=log, place=place, reason=reason
            )
        )


def place_of(first: int, last: int | None) -> Phrase:
    """Say at which entry a log is damaged, or between which two."""
    if last is None:
        return Phrase("at entry {index}").filled(index=first)
    return Phrase("somewhere in the entries {first} to {last}").filled(
        first=first, last=last
    )


class MissingEntriesError(CorruptLogError):
    """Entries of a log, or the tiles above them, are not there."""


class CorruptRowError(LogError):
    """A row contradicts the logs, or a signed statement.

    `name` is the public name of what the row is about; `row` its number, if known.
    """

    def __init__(
        self, table: str, row: int | None, name: str, reason: str | Phrase
    ) -> None:
        super().__init__(
            Phrase("table {table} is damaged at {name}: {reason}").filled(
                table=table, name=name, reason=reason
            )
        )
        self.table = table
        self.row = row
        self.name = name
        self.told = reason
        self.reason = str(reason)


_BEHIND: Final = Phrase(
    "log {log} has only {size} entries (the first one missing is {size}), but a "
    "checkpoint of {kept} entries has left this node ({guard}); an older copy of the "
    "database was put back, or entries were removed: bring back the newest database "
    "that is whole and mend nothing by hand; `fedsafe audit verify` names the first "
    "entry that does not fit, `fedsafe doctor` what else does not, and "
    "docs/howto/operate.md (when something does not verify) what to do"
)
_BESIDE: Final = Phrase(
    "log {log} holds other entries, but a checkpoint of {kept} entries has left this "
    "node ({guard}); an entry was altered, or the database is not the one that was "
    "here: bring back the newest database that is whole and mend nothing by hand; "
    "`fedsafe audit verify` names the first entry that does not fit, `fedsafe doctor` "
    "what else does not, and docs/howto/operate.md (when something does not verify) "
    "what to do"
)


class RolledBackError(LogError):
    """The database is behind, or beside, a checkpoint that left the node.

    Whoever saw that checkpoint would hold proof of two different logs, so the
    node does not start.
    """

    def __init__(self, log: str, kept_size: int, found_size: int, guard: str) -> None:
        told = _BEHIND if found_size < kept_size else _BESIDE
        super().__init__(
            told.filled(log=log, size=found_size, kept=kept_size, guard=guard)
        )
        self.log = log
        self.kept_size = kept_size
        self.found_size = found_size


class RestoreUnfinishedError(LogError):
    """A restore of this node has not come to its end."""

    def __init__(self, directory: str) -> None:
        super().__init__(
            Phrase(
                "a restore of {directory} has not come to its end: run the "
                "same `fedsafe restore` again"
            ).filled(directory=directory)
        )


class SealBrokenError(LogError):
    """Something is not as the node itself left it.

    `table` may also be `seal`, `schema`, `logs`, `keys` or `guard`; `name` is the
    row, log or file in it.
    """

    def __init__(
        self, table: str, name: str, reason: Phrase, *, is_missing: bool = False
    ) -> None:
        super().__init__(
            Phrase(
                "{table} is not as this node left it, at {name}: {reason}; bring back "
                "the newest copy of the node's directory that is whole; `fedsafe "
                "doctor` says what else does not fit"
            ).filled(table=table, name=name, reason=reason)
        )
        self.table = table
        self.name = name
        self.told = reason
        self.reason = str(reason)
        self.is_missing = is_missing


class KeyFileError(NodeError):
    """A key file can't be used. The message names the file, never the key."""


class KeyFileMissingError(KeyFileError):
    """There is no such key file."""

    def __init__(self, path: str) -> None:
        super().__init__(Phrase("key file {path} does not exist").filled(path=path))
        self.path = path


class KeyFileExistsError(KeyFileError):
    """A key file is never overwritten."""

    def __init__(self, path: str) -> None:
        super().__init__(Phrase("key file {path} exists already").filled(path=path))
        self.path = path


class LooseKeyFileError(KeyFileError):
    """Others than the node's own user could read or change the key."""

    def __init__(self, path: str, reason: str | Phrase) -> None:
        super().__init__(
            Phrase("key file {path} is refused: {reason}; chmod 600 it").filled(
                path=path, reason=reason
            )
        )
        self.path = path
        self.reason = reason


class OutsideKeyError(KeyFileError):
    """The outside key is missing, or is not the one that wraps a key file."""

    def __init__(
        self, reason: str | Phrase, way_out: str | Phrase | None = None
    ) -> None:
        told = Phrase("{reason}; {way_out}").filled(reason=reason, way_out=way_out)
        super().__init__(reason if way_out is None else told)
        self.reason = reason
        self.way_out = way_out


class OutsideKeyMissingError(OutsideKeyError):
    """A key file is wrapped, and nothing names the outside key."""

    def __init__(self, file: str) -> None:
        super().__init__(
            Phrase(
                "key file {file} is wrapped, and this process has no "
                "outside key: without it own bans and all media stay "
                "closed; all else is whole"
            ).filled(file=file),
            Phrase(
                "name it as outside_key in node.toml, or start as a unit with "
                "LoadCredential=fedsafe-outside-key; `fedsafe node outside-key "
                "recover` gets a lost one back with the custody key"
            ),
        )


class ConfigError(NodeError):
    """The configuration cannot be read, or does not fit."""

    def __init__(self, path: object, why: str | Phrase) -> None:
        super().__init__(f"{path}: {why}")
        if isinstance(why, Phrase):
            self.phrase = Phrase("{path}: {why}").filled(path=path, why=why)
        self.path = path
        self.why = str(why)
        self.told = why


class MembershipError(NodeError):
    """Charter, share and keys do not fit each other, or not this node."""

    def __init__(self, why: str | Phrase) -> None:
        told = Phrase("this node's place in its federation does not fit: {why}")
        self.phrase = told.filled(why=why)
        super().__init__(str(self.phrase))
        self.why = str(why)


class LeftError(MembershipError):
    """The charter does not list this node any more."""

    def __init__(self, federation: str) -> None:
        super().__init__(
            Phrase("this node has left the federation {federation}").filled(
                federation=federation
            )
        )


class BadRequestError(NodeError):
    """The asker's input does not fit; `pointer` (RFC 6901) names the field."""

    def __init__(
        self, code: str, detail: str | Phrase, *, pointer: str | None = None
    ) -> None:
        super().__init__(str(detail))
        self.code = code
        self.phrase = phrase_of(detail)
        self.detail = str(detail)
        self.pointer = pointer


class ForbiddenError(NodeError):
    """No credential, a wrong one, or one that may not do this."""

    def __init__(self, detail: str | Phrase, *, authenticated: bool) -> None:
        super().__init__(str(detail))
        self.phrase = phrase_of(detail)
        self.detail = str(detail)
        self.authenticated = authenticated


class AccountNeededError(ForbiddenError):
    """Somebody without an account wants what takes one."""

    def __init__(self) -> None:
        super().__init__(
            Phrase(
                "this takes somebody with an account, trained for the role and logged "
                "in; a credential without one records own bans, looks up and reads"
            ),
            authenticated=True,
        )
        self.code = "account_needed"


class DeniedError(NodeError):
    """A policy rule denies; nothing was done but the refusal's audit event."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(f"{decision.rule}: {decision.reason.en}")
        told = Phrase("{rule}: {reason}")
        self.phrase = told.filled(rule=decision.rule.value, reason=decision.reason)
        self.decision = decision


class OverBudgetError(DeniedError):
    """A budget is spent, or a pattern has shut this way (P18); in seconds again."""

    def __init__(self, decision: Decision, *, retry_after: int) -> None:
        super().__init__(decision)
        self.retry_after = retry_after


class IdentityError(NodeError):
    """A provider of identities, or what it says, is not accepted.

    `why` is one word for the log: which part did not fit, never what was in it.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"a provider of identities is not accepted: {why}")
        self.why = why


class NotFoundError(NodeError):
    """There is no such thing."""

    def __init__(self, detail: str | Phrase, *, code: str = "not_found") -> None:
        super().__init__(str(detail))
        self.code = code
        self.phrase = phrase_of(detail)


class WrongStateError(NodeError):
    """The thing is not in a state that allows this."""

    def __init__(self, code: str, detail: str | Phrase) -> None:
        super().__init__(str(detail))
        self.code = code
        self.phrase = phrase_of(detail)
        self.detail = str(detail)


class UnavailableError(NodeError):
    """Not now: fewer than t members answer, or the store is failing."""

    def __init__(self, code: str, detail: str | Phrase, *, retry_after_ms: int) -> None:
        super().__init__(str(detail))
        self.code = code
        self.phrase = phrase_of(detail)
        self.detail = str(detail)
        self.retry_after_ms = retry_after_ms


class CrowdedError(UnavailableError):
    """Whoever asks has as much under way as its share of the node is."""

    def __init__(self) -> None:
        super().__init__(
            "busy",
            Phrase("too many requests of yours are under way"),
            retry_after_ms=1_000,
        )


class TooManyTriesError(UnavailableError):
    """Too many logins have failed under this name, or from this place."""

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(
            "too_many_tries",
            Phrase("too many tries; wait before the next one"),
            retry_after_ms=retry_after_ms,
        )


class TokenIndexError(NodeError):
    """The token index can't be used as it is."""


class CorruptIndexError(TokenIndexError):
    """A segment is not as it was written; the index is to be rebuilt."""

    def __init__(self, path: str, reason: Phrase) -> None:
        super().__init__(
            Phrase("token index segment {path} is unusable: {reason}").filled(
                path=path, reason=reason
            )
        )
        self.path = path
        self.told = reason
        self.reason = str(reason)


class PictureIndexError(NodeError):
    """Tables of the picture index are not as they were made; they are not used."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the picture index is unsound: {reason}")
        self.reason = reason
