# SPDX-License-Identifier: Apache-2.0
"""The tables of reviews: tasks, what they hang on, and what people did with them.

`schema.py` says which migration they are. A row of `tasks` claims that a match of
this account waits for a person, or was decided by one; `subject` goes with the
content. One of `task_signals` claims that this signal matched; its content is sealed
under a period key. Whatever stops the signal marks it here and takes the content, by
trigger; `effect_at` is set when the task was flagged for it. `task_decisions` says who
decided what, alone or as two, and is never changed; the steps of hearings neither.
One of `task_views` claims that somebody has looked at this revision of a task. One of
`looks` says of other things that a person rules on when they were first shown to that
person (`seen_at`), and of all that it was asked to say its `words`, by their digest,
once more; it goes after some days.

Since `SERVICES`, `subject` names the service before its reference
(`ground/subject_refs.py`). The accounts of older tasks go to the only service that
could look up, or where there are several, or none, to `local`.
"""

REVIEW: tuple[str, ...] = (
    """
    CREATE TABLE tasks (
        id TEXT PRIMARY KEY,
        subject TEXT,
        state TEXT NOT NULL CHECK (state IN ('open', 'watched', 'decided', 'lapsed')),
        opened_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        remind_at INTEGER,
        renewals INTEGER NOT NULL CHECK (renewals >= 0),
        flagged_at INTEGER,
        revision INTEGER NOT NULL,
        CHECK (subject IS NOT NULL OR state IN ('decided', 'lapsed')),
        CHECK (subject IS NOT NULL OR (remind_at IS NULL AND flagged_at IS NULL))
    ) STRICT
    """,
    "CREATE UNIQUE INDEX tasks_open ON tasks (subject) WHERE state = 'open'",
    "CREATE INDEX tasks_by_subject ON tasks (subject) WHERE subject IS NOT NULL",
    "CREATE INDEX tasks_by_end ON tasks (ends_at) WHERE subject IS NOT NULL",
    "CREATE INDEX tasks_by_reminder ON tasks (remind_at) WHERE remind_at IS NOT NULL",
    """
    CREATE TRIGGER tasks_stay_erased BEFORE UPDATE ON tasks
    WHEN OLD.subject IS NULL OR NEW.id <> OLD.id
        OR (NEW.subject IS NOT NULL AND NEW.subject <> OLD.subject)
    BEGIN SELECT RAISE(ABORT, 'a task whose content is erased stays so'); END
    """,
    """
    CREATE TABLE task_signals (
        task TEXT NOT NULL REFERENCES tasks (id),
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        added_at INTEGER NOT NULL,
        period TEXT NOT NULL,
        sealed BLOB,
        effect TEXT,
        effect_at INTEGER,
        PRIMARY KEY (task, origin, signal_id),
        CHECK (effect IS NOT NULL OR effect_at IS NULL)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX task_signals_by_name ON task_signals (origin, signal_id)",
    """
    CREATE INDEX task_signals_untold ON task_signals (task)
    WHERE effect IS NOT NULL AND effect_at IS NULL
    """,
    """
    CREATE TRIGGER signals_stop_tasks AFTER UPDATE OF status ON signals
    WHEN NEW.status <> OLD.status AND NEW.status <> 'active'
    BEGIN
        UPDATE tasks SET revision = revision + 1
        WHERE subject IS NOT NULL AND id IN (
            SELECT task FROM task_signals
            WHERE origin = NEW.origin AND signal_id = NEW.signal_id
        );
        UPDATE task_signals SET
            sealed = CASE WHEN NEW.status = 'disputed' THEN sealed END,
            effect_at = CASE WHEN effect <> 'disputed' THEN effect_at END,
            effect = NEW.status
        WHERE origin = NEW.origin AND signal_id = NEW.signal_id;
    END
    """,
    """
    CREATE TRIGGER signals_wake_tasks AFTER UPDATE OF status ON signals
    WHEN OLD.status = 'disputed' AND NEW.status = 'active'
    BEGIN
        UPDATE task_signals SET effect = NULL, effect_at = NULL
        WHERE origin = NEW.origin AND signal_id = NEW.signal_id;
    END
    """,
    """
    CREATE TABLE task_decisions (
        number INTEGER PRIMARY KEY,
        task TEXT NOT NULL REFERENCES tasks (id),
        outcome TEXT NOT NULL,
        level TEXT,
        decided_by TEXT NOT NULL,
        second TEXT,
        decided_at INTEGER NOT NULL,
        dwell INTEGER NOT NULL CHECK (dwell >= 0),
        until INTEGER,
        reason TEXT,
        evidence TEXT,
        hearing TEXT,
        second_dwell INTEGER CHECK (second_dwell >= 0),
        CHECK (second <> decided_by),
        CHECK (second IS NOT NULL OR second_dwell IS NULL)
    ) STRICT
    """,
    "CREATE INDEX task_decisions_by_task ON task_decisions (task)",
    "CREATE INDEX task_decisions_by_person ON task_decisions (decided_by, number)",
    """
    CREATE INDEX task_decisions_by_second ON task_decisions (second, number)
    WHERE second IS NOT NULL
    """,
    "CREATE INDEX task_decisions_by_age ON task_decisions (decided_at)",
    """
    CREATE TRIGGER task_decisions_stay BEFORE UPDATE ON task_decisions
    BEGIN SELECT RAISE(ABORT, 'a decision is never changed'); END
    """,
    """
    CREATE TABLE task_hearings (
        number INTEGER PRIMARY KEY,
        task TEXT NOT NULL REFERENCES tasks (id),
        step TEXT NOT NULL,
        reference TEXT NOT NULL,
        answer_until INTEGER,
        exception TEXT,
        recorded_by TEXT NOT NULL,
        recorded_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX task_hearings_by_task ON task_hearings (task)",
    """
    CREATE TRIGGER task_hearings_stay BEFORE UPDATE ON task_hearings
    BEGIN SELECT RAISE(ABORT, 'a step of a hearing is never changed'); END
    """,
    """
    CREATE TABLE task_inquiries (
        number INTEGER PRIMARY KEY,
        task TEXT NOT NULL REFERENCES tasks (id),
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        questions TEXT NOT NULL,
        asked_by TEXT NOT NULL,
        asked_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX task_inquiries_by_task ON task_inquiries (task)",
    """
    CREATE TABLE task_views (
        task TEXT NOT NULL REFERENCES tasks (id),
        person TEXT NOT NULL,
        revision INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (task, person)
    ) STRICT, WITHOUT ROWID
    """,
)

_ONLY_SERVICE = """
    SELECT CASE WHEN count(DISTINCT holder) = 1 THEN min(holder) ELSE 'local' END
    FROM (
        SELECT coalesce(t.holder, c.name) AS holder FROM credentials c
        LEFT JOIN credential_terms t ON t.credential = c.id
        WHERE c.role = 'service' AND (t.scope IS NULL OR t.scope = 'lookup')
    ) AS services
"""
SERVICES: tuple[str, ...] = (
    "DROP TRIGGER tasks_stay_erased",
    f"""
    UPDATE tasks SET subject = CASE
        WHEN subject >= 'unnamed-' AND subject < 'unnamed.'
        THEN subject || '/' || ({_ONLY_SERVICE})
        ELSE ({_ONLY_SERVICE}) || '/' || subject END
    WHERE subject IS NOT NULL
    """,  # noqa: S608 - our own words
    """
    CREATE TRIGGER tasks_stay_erased BEFORE UPDATE ON tasks
    WHEN OLD.subject IS NULL OR NEW.id <> OLD.id
        OR (NEW.subject IS NOT NULL AND NEW.subject <> OLD.subject)
    BEGIN SELECT RAISE(ABORT, 'a task whose content is erased stays so'); END
    """,
)
LOOKS: tuple[str, ...] = (
    """
    CREATE TABLE looks (
        matter TEXT NOT NULL,
        person TEXT NOT NULL,
        at INTEGER NOT NULL,
        seen_at INTEGER,
        words BLOB CHECK (length(words) = 32),
        PRIMARY KEY (matter, person)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX looks_by_age ON looks (at)",
)


# What origins have answered; `schema.py` says which migration it is.
#
# A row of `task_answers` claims that a person has entered these replies of the origin
# to this inquiry, and where they are written down. It goes with the inquiry.

ANSWERS: tuple[str, ...] = (
    """
    CREATE TABLE task_answers (
        inquiry INTEGER PRIMARY KEY REFERENCES task_inquiries (number),
        task TEXT NOT NULL REFERENCES tasks (id),
        replies TEXT NOT NULL,
        reference TEXT NOT NULL,
        answered_by TEXT NOT NULL,
        answered_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX task_answers_by_task ON task_answers (task)",
    """
    CREATE TRIGGER task_answers_stay BEFORE UPDATE ON task_answers
    BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END
    """,
)
