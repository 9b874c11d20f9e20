# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from tests.support.fleet import config_of

from fedsafe_node.ground.config import Config, Place, load_config, render_config
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.store.address import Server, password_of, store_at
from fedsafe_node.store.postgresql.instances import instance_of

PLAIN = render_config(config_of("a.demo", 8443))
SECRET = "correct-horse"
CLUSTER = "a.example.de:5432,b.example.de:5432/fedsafe"


def load(directory: Path, url: str) -> Config:
    place = Place(directory)
    place.config.write_text(f'{PLAIN}\n[store]\nurl = "{url}"\n')
    return load_config(place)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://fedsafe@127.0.0.1/fedsafe",
        "postgresql://127.0.0.1:6432/fedsafe?connect_timeout=3",
        "postgresql://[::1]:5432/fedsafe",
        "postgresql:///fedsafe?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/fedsafe",
        "postgresql://db.example.de/fedsafe?sslmode=verify-full",
        f"postgresql://{CLUSTER}?sslmode=verify-full&target_session_attrs=read-write",
    ],
)
def test_a_server_is_named_by_its_address(tmp_path: Path, url: str) -> None:
    config = load(tmp_path, url)

    found = store_at(Place(tmp_path).database, config.store)
    assert found == Server(url, instance=instance_of(tmp_path))
    Place(tmp_path).config.write_text(render_config(config))
    assert load_config(Place(tmp_path)) == config


def test_without_a_server_the_store_is_in_the_directory(tmp_path: Path) -> None:
    assert store_at(tmp_path / "a b.db", None) == f"sqlite://{tmp_path}/a%20b.db"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://fedsafe@/fedsafe", "name the host"),
        ("postgresql:///fedsafe", "name the host"),
        ("postgresql://127.0.0.1", "want postgresql://"),
        ("postgres://127.0.0.1/fedsafe", "want postgresql://"),
        ("mysql://127.0.0.1/fedsafe", "want postgresql://"),
        ("postgresql://[::1/fedsafe", "want postgresql://"),
        ("postgresql://127.0.0.1/fedsafe?host", "want postgresql://"),
        ("sqlite:///srv/fedsafe/store.db", "leave it out"),
        ("postgresql://db.example.de/fedsafe", "verify-full"),
        ("postgresql://db.example.de/fedsafe?sslmode=require", "verify-full"),
        ("postgresql://127.0.0.1,db.example.de/fedsafe", "verify-full"),
        ("postgresql://127.0.0.1/fedsafe?host=db.example.de", "verify-full"),
        ("postgresql://127.0.0.1/fedsafe?service=x", "each option once"),
        ("postgresql://127.0.0.1/fedsafe?options=-c%20x", "each option once"),
        ("postgresql://127.0.0.1/fedsafe?port=1&port=2", "each option once"),
    ],
)
def test_an_address_that_does_not_fit_says_why(
    tmp_path: Path, url: str, why: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, url)

    assert why in str(caught.value)
    assert "store.url" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://fedsafe:{SECRET}@127.0.0.1/fedsafe",
        f"postgresql://127.0.0.1/fedsafe?password={SECRET}",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(ConfigError, match="password_file") as caught:
        load(tmp_path, url)

    assert SECRET not in str(caught.value)


def with_password(directory: Path, text: bytes, mode: int) -> Storage:
    path = directory / "database.password"
    path.write_bytes(text)
    path.chmod(mode)
    return Storage("postgresql://127.0.0.1/fedsafe", password_file=path.name)


def test_a_password_is_read_from_its_own_file(tmp_path: Path) -> None:
    storage = with_password(tmp_path, f"{SECRET}\n".encode(), 0o600)

    assert password_of(tmp_path, storage) == SECRET
    assert password_of(tmp_path, Storage("postgresql://127.0.0.1/fedsafe")) is None


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        (SECRET.encode(), 0o640),
        (b"\n", 0o600),
        (f"{SECRET}\nmore".encode(), 0o600),
        (b"\xff", 0o600),
    ],
)
def test_a_password_file_that_does_not_fit_is_named_without_its_content(
    tmp_path: Path, text: bytes, mode: int
) -> None:
    with pytest.raises(ConfigError, match=r"database\.password") as caught:
        password_of(tmp_path, with_password(tmp_path, text, mode))

    assert SECRET not in str(caught.value)


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    storage = Storage("postgresql://127.0.0.1/fedsafe", password_file="none.password")

    with pytest.raises(ConfigError, match=r"none\.password"):
        password_of(tmp_path, storage)
