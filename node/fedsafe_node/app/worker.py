# SPDX-License-Identifier: Apache-2.0
"""One process of a node that runs as several: what it is told by whoever starts it.

All of them have one node directory and one store on a server. The first starts while
there is no other: it makes what is made once, and clears away what a crash has left.
"""

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedsafe_node.app.memory_link import MemoryLink

if TYPE_CHECKING:  # the driver, which a node with the embedded store has not
    from fedsafe_node.store.postgresql.leader_lock import AdvisoryLeadership


@dataclass(frozen=True, slots=True)
class Worker:
    """A process among others.

    `run` names this run of the whole node, from the start of the first process to the
    end of the last; `number` tells the processes apart that run at one time. `is_first`
    says that there is no other yet. The *sockets* are bound already, those of the desk
    and for lookups alone apart; over the *link* it shares memory with the others.
    """

    number: int
    run: str
    is_first: bool
    leadership: "AdvisoryLeadership"
    sockets: tuple[socket.socket, ...] = ()
    desk_sockets: tuple[socket.socket, ...] = ()
    lookup_sockets: tuple[socket.socket, ...] = ()
    link: MemoryLink | None = None
