# SPDX-License-Identifier: Apache-2.0
"""The rows of match floods. Times are whole seconds since 1970 in UTC."""

from fedsafe_node.acts.floods import FloodState
from fedsafe_node.store.rows import Row


class FloodRow(Row, frozen=True, kw_only=True):
    """A signal that has matched more than its bound within a day.

    `origin` names its list, and `about` marks what it lists: another signal of the
    same belongs to this flood. `ends_at` is when the references go.
    """

    id: str
    origin: str
    signal_id: bytes
    about: bytes
    state: FloodState
    bound: int
    opened_at: int
    ends_at: int
    remind_at: int | None
    period: str
    sealed: bytes | None
    kept: int = 0
    beyond: int = 0
    ruled_by: str | None = None
    second: str | None = None
    ruled_at: int | None = None
    reason: str | None = None


class RaisedRow(Row, frozen=True, kw_only=True):
    """The bound to which two people have raised that of a listing, until then."""

    origin: str
    about: bytes
    bound: int
    until: int
    raised_by: str
    second: str


class PictureRow(Row, frozen=True, kw_only=True):
    """The PDQ value of what an origin lists, sealed, and when it was counted last."""

    origin: str
    about: bytes
    at: int
    period: str
    sealed: bytes
