# SPDX-License-Identifier: Apache-2.0
import asyncio
import socket
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from tests.node.fleet import config_of

from fedsafe_cli.fleet import free_ports
from fedsafe_node.api.ports import bind_port, claim_port
from fedsafe_node.config import Place
from fedsafe_node.errors import ConfigError
from fedsafe_node.storage import Storage
from fedsafe_node.supervising import Supervisor

LOOPBACK = "127.0.0.1"


def close(sockets: Iterable[socket.socket]) -> None:
    for each in sockets:
        each.close()


async def test_a_claimed_port_is_kept_from_other_nodes_before_anybody_listens() -> None:
    (port,) = free_ports(1)
    claimed = await claim_port(LOOPBACK, port)
    with pytest.raises(ConfigError, match=f"{LOOPBACK}:{port}: in use"):
        await claim_port(LOOPBACK, port)
    close(claimed)

    close(await claim_port(LOOPBACK, port))


async def test_the_processes_of_a_node_share_the_port_that_it_has_claimed() -> None:
    (port,) = free_ports(1)
    claimed = await claim_port(LOOPBACK, port)
    for _ in range(2):
        shared = await bind_port(LOOPBACK, port, shared=True)
        shared[0].listen()
        claimed += shared

    close(claimed)


async def test_who_listens_at_all_addresses_without_a_claim_is_found() -> None:
    (port,) = free_ports(1)
    (everywhere,) = await bind_port("0.0.0.0", port, shared=True)  # noqa: S104 - is refused
    with closing(everywhere):
        everywhere.listen()

        with pytest.raises(ConfigError, match="in use"):
            await claim_port(LOOPBACK, port)


async def test_of_two_addresses_each_has_its_ports() -> None:
    (port,) = free_ports(1)
    claimed = await claim_port(LOOPBACK, port)

    close(await claim_port("127.0.0.2", port))
    close(claimed)


async def test_a_node_of_several_processes_starts_none_where_another_is(
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    claimed = await claim_port(LOOPBACK, port)
    store = Storage("postgresql://node@/fedsafe?host=/run/postgresql")
    config = msgspec.structs.replace(config_of("a.demo", port), store=store)
    supervisor = Supervisor(Place(tmp_path), config, 2, lock=-1)

    with pytest.raises(ConfigError, match=f"{LOOPBACK}:{port}: in use"):
        await supervisor.run(asyncio.Event())
    close(claimed)
