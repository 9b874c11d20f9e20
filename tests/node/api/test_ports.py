# SPDX-License-Identifier: Apache-2.0
import asyncio
import socket
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from tests.support.fleet import config_of

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.api.ports import bind_port, claim_port
from fedsafe_node.app.supervisor import Supervisor
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.store_settings import Storage

LOOPBACK = "127.0.0.1"
ALL_OLD = "0.0.0.0"  # noqa: S104 - of IPv4; only claimed here


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
    (everywhere,) = await bind_port(ALL_OLD, port, shared=True)
    with closing(everywhere):
        everywhere.listen()

        with pytest.raises(ConfigError, match="in use"):
            await claim_port(LOOPBACK, port)


@pytest.mark.parametrize("addresses", [(ALL_OLD, LOOPBACK), ("::", "::1")])
async def test_all_addresses_and_one_of_them_are_not_claimed_together(
    addresses: tuple[str, str],
) -> None:
    (port,) = free_ports(1)
    for first, second in (addresses, addresses[::-1]):
        claimed = await claim_port(first, port)
        with pytest.raises(ConfigError, match="another node or program"):
            await claim_port(second, port)
        close(claimed)

        close(await claim_port(second, port))


async def test_all_addresses_of_one_kind_leave_those_of_the_other_free() -> None:
    (port,) = free_ports(1)
    for first, second in ((ALL_OLD, "::1"), ("::1", ALL_OLD)):
        claimed = await claim_port(first, port)

        close(await claim_port(second, port))
        close(claimed)


async def test_all_addresses_of_a_port_leave_other_ports_free() -> None:
    one, other = free_ports(2)
    claimed = await claim_port(ALL_OLD, one)

    close(await claim_port(LOOPBACK, other))
    close(claimed)


async def test_a_name_that_somebody_else_has_taken_is_told_of_as_a_claim() -> None:
    (port,) = free_ports(1)
    with closing(socket.socket(socket.AF_UNIX)) as stranger:
        stranger.bind(f"\0fedsafe port {LOOPBACK} {port}")

        with pytest.raises(ConfigError, match=r"program of this machine has claimed"):
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
