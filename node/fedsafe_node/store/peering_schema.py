# SPDX-License-Identifier: Apache-2.0
"""The tables about other members: what they got, counted together and cosigned.

`schema.py` says which migration each is. For whom a signal is meant, and who got it:

`recipients` claims: in this act, the openings of these entries of the own feed, each
of them and no other, were handed to that member, for that purpose and on that basis.
It outlives the openings. `audiences` claims: this signal is meant for these members
only; a signal without a row is meant for all. `heard` claims: that member has applied
this node's restrictions up to that number.
"""

RECIPIENTS: tuple[str, ...] = (
    """
    CREATE TABLE recipients (
        number INTEGER PRIMARY KEY,
        recipient TEXT NOT NULL,
        first INTEGER NOT NULL CHECK (first >= 0),
        last INTEGER NOT NULL CHECK (last >= first),
        at INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        basis TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX recipients_by_first ON recipients (first)",
    """
    CREATE TRIGGER recipients_no_update BEFORE UPDATE ON recipients
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TRIGGER recipients_no_delete BEFORE DELETE ON recipients
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TABLE audiences (
        signal_id BLOB PRIMARY KEY CHECK (length(signal_id) = 16),
        names TEXT NOT NULL,
        idx INTEGER UNIQUE
    ) STRICT
    """,
    """
    CREATE TRIGGER audiences_stay BEFORE UPDATE ON audiences
    WHEN NEW.signal_id <> OLD.signal_id OR NEW.names <> OLD.names
        OR OLD.idx IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'whom a signal is for never changes'); END
    """,
    """
    CREATE TRIGGER audiences_no_delete BEFORE DELETE ON audiences
    BEGIN SELECT RAISE(ABORT, 'whom a signal is for never changes'); END
    """,
    """
    CREATE TABLE heard (
        recipient TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) STRICT
    """,
)


# The tables of what was handed over again; `schema.py` says which migration it is.
#
# * A row of `handed_again` claims of a line of the recipient ledger that entries of it
#   went to the same member again: in so many requests, the last one then. `parts` has
#   it for each entry: runs of entries, each `[first, last, times, first_at, last_at]`.
#   Like the ledger it only grows, and outlives the openings.
# * A row of `served_again` claims that requests in a UTC hour (counted since 1970) gave
#   a member nothing but what it had before. It waits for the event of the audit log
#   that says so, and goes with it.

REPEATS: tuple[str, ...] = (
    """
    CREATE TABLE handed_again (
        line INTEGER NOT NULL REFERENCES recipients (number),
        times INTEGER NOT NULL CHECK (times >= 1),
        last_at INTEGER NOT NULL,
        parts TEXT NOT NULL,
        PRIMARY KEY (line)
    ) STRICT
    """,
    """
    CREATE TRIGGER handed_again_only_grows BEFORE UPDATE ON handed_again
    WHEN NEW.line <> OLD.line OR NEW.times <= OLD.times OR NEW.last_at < OLD.last_at
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger only grows'); END
    """,
    """
    CREATE TRIGGER handed_again_no_delete BEFORE DELETE ON handed_again
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TABLE served_again (
        recipient TEXT NOT NULL,
        origin TEXT NOT NULL,
        hour INTEGER NOT NULL,
        times INTEGER NOT NULL CHECK (times >= 1),
        openings INTEGER NOT NULL CHECK (openings >= 1),
        first INTEGER NOT NULL CHECK (first >= 0),
        last INTEGER NOT NULL CHECK (last >= first),
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        PRIMARY KEY (recipient, origin, hour)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX recipients_by_recipient ON recipients (recipient, first)",
)


# The table of erasure receipts; `schema.py` says which migration it is.
#
# A row of `erasure_receipts` claims: that member has signed that it erased what this
# node's restrictions up to `seq` name, or all that came from this node once they parted
# (`parted`, a version of the charter), and until when residues live. Each is kept for
# good, since it answers for openings that are gone.

RECEIPTS: tuple[str, ...] = (
    """
    CREATE TABLE erasure_receipts (
        member TEXT NOT NULL,
        seq INTEGER NOT NULL CHECK (seq >= 0),
        parted INTEGER NOT NULL CHECK (parted >= 0),
        method TEXT NOT NULL,
        erased_at INTEGER NOT NULL,
        residual_until INTEGER NOT NULL CHECK (residual_until >= erased_at),
        received_at INTEGER NOT NULL,
        statement BLOB NOT NULL,
        PRIMARY KEY (member, seq, parted)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER erasure_receipts_no_update BEFORE UPDATE ON erasure_receipts
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TRIGGER erasure_receipts_no_delete BEFORE DELETE ON erasure_receipts
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
)


# Evidence packs in the recipient ledger; `schema.py` says which migration it is.
#
# A row of `packs` claims that with that entry of the audit log the openings of these
# entries went out, of these classes or of all, for that recipient and purpose, and
# which two people (as the log names them) asked and approved; `pack_signals`, which
# signals those openings tell of. Accounts are not here: they are found in the entries,
# for as long as those name them.

PACKS: tuple[str, ...] = (
    """
    CREATE TABLE packs (
        entry INTEGER PRIMARY KEY CHECK (entry >= 0),
        first INTEGER NOT NULL CHECK (first >= 0),
        last INTEGER NOT NULL CHECK (last >= first AND last < entry),
        events TEXT,
        recipient TEXT NOT NULL,
        asked_by TEXT NOT NULL,
        approved_by TEXT NOT NULL,
        at INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        basis TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER packs_no_update BEFORE UPDATE ON packs
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TRIGGER packs_no_delete BEFORE DELETE ON packs
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TABLE pack_signals (
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        pack INTEGER NOT NULL REFERENCES packs (entry),
        PRIMARY KEY (signal_id, pack)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER pack_signals_no_update BEFORE UPDATE ON pack_signals
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TRIGGER pack_signals_no_delete BEFORE DELETE ON pack_signals
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
)


# What members have evaluated for each other; `schema.py` says which migration it is.
#
# * A row of `leased` claims that so many elements are off a budget in a UTC hour
#   (counted since 1970): what this node may have evaluated for a member (`answered`),
#   may have asked of it (`asked`), and surely has got of it (`received`). It only ever
#   shrinks by what a process that is alive has not spent.
# * `tallies` keep what a member has signed about a UTC day, and by how many elements
#   that differs from what is counted here.

METERING: tuple[str, ...] = (
    """
    CREATE TABLE leased (
        side TEXT NOT NULL CHECK (side IN ('answered', 'asked', 'received')),
        member TEXT NOT NULL,
        purpose TEXT NOT NULL,
        hour INTEGER NOT NULL,
        elements INTEGER NOT NULL CHECK (elements >= 0),
        PRIMARY KEY (side, member, purpose, hour)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX leased_by_hour ON leased (hour)",
    """
    CREATE TABLE tallies (
        author TEXT NOT NULL,
        day INTEGER NOT NULL,
        statement BLOB NOT NULL,
        differs INTEGER NOT NULL CHECK (differs >= 0),
        PRIMARY KEY (author, day)
    ) STRICT, WITHOUT ROWID
    """,
)


# What a witness has seen, and who has cosigned the own logs.
#
# `witnessed` claims: of this log no larger tree was cosigned here, and none of another
# root at this size. So a row only ever grows. A log is named by its verifier key: a
# node that was founded anew under its old name begins anew, under a new charter.
# `cosignatures` are signed by others and claim nothing that is not verified anew; older
# ones may be forgotten.

WITNESS: tuple[str, ...] = (
    """
    CREATE TABLE witnessed (
        log TEXT PRIMARY KEY,
        size INTEGER NOT NULL CHECK (size >= 0),
        root BLOB NOT NULL CHECK (length(root) = 32),
        note BLOB NOT NULL,
        at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER witnessed_only_grows BEFORE UPDATE ON witnessed
    WHEN NEW.log <> OLD.log OR NEW.size < OLD.size
        OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
    BEGIN SELECT RAISE(ABORT, 'what was witnessed only grows'); END
    """,
    """
    CREATE TRIGGER witnessed_no_delete BEFORE DELETE ON witnessed
    BEGIN SELECT RAISE(ABORT, 'what was witnessed stays'); END
    """,
    """
    CREATE TABLE cosignatures (
        log TEXT NOT NULL,
        size INTEGER NOT NULL,
        witness TEXT NOT NULL,
        line TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (log, size, witness)
    ) STRICT, WITHOUT ROWID
    """,
)
