# SPDX-License-Identifier: Apache-2.0
"""What origins have answered; `schema.py` says which migration it is.

A row of `task_answers` claims that a person has entered these replies of the origin to
this inquiry, and where they are written down. It goes with the inquiry.
"""

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
