# SPDX-License-Identifier: Apache-2.0
import asyncio
from pathlib import Path
from stat import S_IMODE
from typing import Any

import msgspec
import pytest
from tests.support.fleet import STAFF, StandingClock, config_of

from fedsafe_node.app.init import Created, create_node
from fedsafe_node.casework.dispatch.signing import certificate_name
from fedsafe_node.ground.config import Config, Place, load_config
from fedsafe_node.ground.errors import BadRequestError, ConfigError
from fedsafe_node.operations.stopped_node import stopped_store
from fedsafe_policies.vocabulary import Role


async def create(
    tmp_path: Path,
    config: Config | None = None,
    **changes: Any,  # noqa: ANN401 - whatever a test wants otherwise
) -> Created:
    return await create_node(
        Place(tmp_path / "node"),
        config or config_of("a.demo", 8443),
        **{
            "custody_private": tmp_path / "custody" / "a.key",
            "staff": STAFF,
            "clock": StandingClock(),
            **changes,
        },
    )


def modes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
    }


async def test_a_new_node_is_whole_and_private(tmp_path: Path) -> None:
    created = await create(tmp_path)
    found = modes(tmp_path / "node")

    loaded = await asyncio.to_thread(load_config, Place(tmp_path / "node"))

    assert loaded == created.config
    assert all(mode & 0o077 == 0 for mode in found.values())
    assert found["node.toml"] == 0o600
    assert found["keys/own.key"] == 0o600
    assert (tmp_path / "custody" / "a.key").stat().st_mode & 0o777 == 0o600


async def test_a_new_node_is_named_in_the_certificate_of_its_packages(
    tmp_path: Path,
) -> None:
    created, place = await create(tmp_path), Place(tmp_path / "node")
    async with stopped_store(place, created.config, StandingClock()) as store:
        kept = await store.read(certificate_name)

    assert kept == "a.demo"


async def test_each_person_gets_a_credential_that_is_shown_once(
    tmp_path: Path,
) -> None:
    created = await create(tmp_path)
    tokens = set(created.credentials.values())
    kept = b"".join(
        path.read_bytes() for path in files_in(tmp_path) if path.suffix != ".sock"
    )

    assert set(created.credentials) == {"anna", "rita"}
    assert len(tokens) == 2
    assert not any(token in repr(created) for token in tokens)
    assert not any(token.encode() in kept for token in tokens)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_an_empty_directory_is_taken_and_made_private(tmp_path: Path) -> None:
    make_directory(tmp_path / "node")
    await create(tmp_path)

    assert mode_of(tmp_path / "node") == 0o700


def make_directory(path: Path) -> None:
    path.mkdir(mode=0o755)


def mode_of(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


def occupy(path: Path, *, with_file: bool) -> None:
    if with_file:
        path.write_text("a file")
    else:
        path.mkdir()
        (path / "x").write_text("something")


@pytest.mark.parametrize("with_file", [True, False])
async def test_a_directory_that_is_not_empty_is_left_as_it_is(
    tmp_path: Path,
    with_file: bool,  # noqa: FBT001
) -> None:
    occupy(tmp_path / "node", with_file=with_file)
    before = modes(tmp_path)

    with pytest.raises(ConfigError, match="empty directory"):
        await create(tmp_path)

    assert modes(tmp_path) == before


async def test_the_custody_key_stays_outside(tmp_path: Path) -> None:
    inside = tmp_path / "node" / "keys" / ".." / "custody.key"

    with pytest.raises(ConfigError, match="outside"):
        await create(tmp_path, custody_private=inside)

    assert modes(tmp_path) == {}


async def test_a_custody_key_is_never_replaced(tmp_path: Path) -> None:
    await create(tmp_path)
    kept = read(tmp_path / "custody" / "a.key")

    with pytest.raises(ConfigError, match="exists already"):
        await create_node(
            Place(tmp_path / "other"),
            config_of("b.demo", 8444),
            custody_private=tmp_path / "custody" / "a.key",
            staff=(),
        )

    assert read(tmp_path / "custody" / "a.key") == kept


def read(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "A demo"),
        ("name", "a.demo\n"),
        ("url", "http://example.com"),
        ("jurisdiction", "Germany"),
        ("contact", "call me"),
        ("policy", "lenient"),
        ("custody_key", "a\nb"),
    ],
)
async def test_a_configuration_that_does_not_fit_makes_nothing(
    tmp_path: Path, field: str, value: str
) -> None:
    config = msgspec.structs.replace(config_of("a.demo", 8443), **{field: value})

    with pytest.raises(ConfigError, match=field):
        await create(tmp_path, config)

    assert modes(tmp_path) == {}


@pytest.mark.parametrize(
    "staff",
    [
        [("Anna", Role.ANALYST)],
        [("", Role.ANALYST)],
        [("local", Role.ANALYST)],
        [("anna", Role.ANALYST), ("anna", Role.REVIEWER)],
    ],
)
async def test_a_bad_name_of_the_staff_makes_nothing(
    tmp_path: Path, staff: list[tuple[str, Role]]
) -> None:
    with pytest.raises(BadRequestError):
        await create(tmp_path, staff=staff)

    assert modes(tmp_path) == {}


async def test_a_path_too_long_for_the_socket_makes_nothing(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)

    with pytest.raises(ConfigError, match="Unix socket"):
        await create(deep)

    assert modes(tmp_path) == {}
