# SPDX-License-Identifier: Apache-2.0
"""Where a database on a server is, and by whom it is used."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Server:
    """Where the database is.

    * `url`: for the node's role, `postgresql://…`;
    * `password`: of that role, where the server wants one and libpq knows none;
    * `owner_url`: for the owner of the tables, where the schema may be upgraded;
    * `worker`: the name of this worker, among those that run at the same time;
    * `instance`: which directory of which running system they are of (`instances`).
    """

    url: str
    password: str | None = field(default=None, repr=False)
    owner_url: str | None = field(default=None, repr=False)
    worker: str = "0"
    instance: int | None = None
