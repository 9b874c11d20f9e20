# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.fleet import config_of

from fedsafe_node.ground.config import (
    Config,
    Deadlines,
    LookupSocket,
    Place,
    load_config,
    render_config,
)
from fedsafe_node.ground.errors import ConfigError

CONFIG = replace(config_of("a.demo", 8443), deadlines=Deadlines(land="BE"))
PLAIN = render_config(CONFIG)
NO_PROXY = "proxies = []"
NO_NETWORK = "[peering]\ninside = []"


def load(tmp_path: Path, text: str | bytes) -> object:
    place = Place(tmp_path)
    place.config.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config(place)


def test_what_is_rendered_is_loaded(tmp_path: Path) -> None:
    assert load(tmp_path, PLAIN) == CONFIG


def oidc(**change: str) -> str:
    settings = {
        "issuer": "https://id.example.de",
        "client_id": "fedsafe",
        "redirect": "http://127.0.0.1:9/callback",
    }
    lines = [f'{name} = "{value}"' for name, value in (settings | change).items()]
    return "\n".join([PLAIN, "[oidc]", *lines, ""])


def test_a_provider_of_identities_is_loaded_and_rendered(tmp_path: Path) -> None:
    config = load(tmp_path, oidc())

    assert isinstance(config, Config)
    assert config.oidc is not None
    assert load(tmp_path, render_config(config)) == config


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("issuer", "http://id.example.de"),
        ("issuer", "http://localhost.evil.example"),
        ("issuer", "https://id.example.de/ x"),
        ("redirect", "javascript:x"),
        ("client_id", "a b"),
        ("client_secret", "x"),
    ],
)
def test_a_provider_that_does_not_fit_is_named(
    tmp_path: Path, key: str, value: str
) -> None:
    with pytest.raises(ConfigError, match=key):
        load(tmp_path, oidc(**{key: value}))


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("format = 1", "format = 2", "format"),
        ('name = "a.demo"', 'name = "A demo"', "name"),
        ('name = "a.demo"', "", "name"),
        ("format = 1", "format = 1\nspeed = 3", "speed"),
        ('land = "BE"', 'land = "XX"', "deadlines.land"),
        ('jurisdiction = "DE"', 'jurisdiction = "AT"', "deadlines.land"),
        ("Europe/Berlin", "Europe/Bonn", "deadlines.time_zone"),
        ("Europe/Berlin", "../etc/passwd", "deadlines.time_zone"),
        ("port = 8443", "port = 0", "listen.port"),
        ("port = 8443", 'port = "8443"', "listen.port"),
        ("port = 8443", "port = 8443\nbacklog = 5", "backlog"),
        ('host = "127.0.0.1"', 'host = ""', "listen.host"),
        ("poll = 1.0", "poll = 0", "sync.poll"),
        ("poll = 1.0", "poll = nan", "sync.poll"),
        ("stale_after = 60.0", "stale_after = 1e9", "lookup.stale_after"),
        ("open = true", 'open = "yes"', "founding.open"),
        (NO_NETWORK, NO_NETWORK.replace("[]", '["x"]'), "peering.inside"),
        (NO_NETWORK, NO_NETWORK.replace("[]", '["10.1.2.3/8"]'), "peering.inside"),
        (NO_PROXY, 'proxies = ["proxy.example"]', "listen.proxies"),
        (NO_PROXY, 'proxies = ["10.1.2.3/8"]', "listen.proxies"),
        (NO_PROXY, 'proxies = ["0.0.0.0/0"]', "listen.proxies"),
        (NO_PROXY, 'proxies = ["::/0"]', "listen.proxies"),
        ('"X-Forwarded-For"', '"X-Real-IP"', "listen.forwarded"),
        ('url = "http://127.0.0.1:8443', 'url = "http://127.0.0.1:84430', "$.url"),
        ('jurisdiction = "DE"', 'jurisdiction = "de"', "jurisdiction"),
        ('jurisdiction = "DE"', 'jurisdiction = "XX"', "jurisdiction"),
        ('name = "a.demo"', 'name = "a.example"', "policy"),
        ('custody_key = "custody.pub"', 'custody_key = ""', "custody_key"),
        ('url = "http://127', 'url = "ftp://127', "url"),
        ("format = 1", "format = = 1", "line 1"),
        ("records = 0", "records = 1094", "audit.records"),
        ("records = 0", "records = -1", "audit.records"),
        ("records = 0", "records = 36501", "audit.records"),
    ],
)
def test_an_error_names_file_and_key(
    tmp_path: Path, before: str, after: str, named: str
) -> None:
    assert before in PLAIN

    with pytest.raises(ConfigError) as caught:
        load(tmp_path, PLAIN.replace(before, after))

    assert str(caught.value).startswith(f"{tmp_path / 'node.toml'}: ")
    assert named in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"node\.toml: No such file"):
        load_config(Place(tmp_path))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path, b"format = \xff")


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()

    with pytest.raises(ConfigError, match="Unix socket"):
        load(deep, PLAIN)


def with_socket(path: str) -> str:
    return f'{PLAIN}\n[lookup.socket]\npath = "{path}"\ngroup = "signup"\n'


def test_a_socket_for_lookups_is_loaded_and_rendered(tmp_path: Path) -> None:
    config = load(tmp_path, with_socket("/run/fedsafe/lookup.sock"))

    assert isinstance(config, Config)
    assert config.lookup.socket == LookupSocket("/run/fedsafe/lookup.sock", "signup")
    assert load(tmp_path, render_config(config)) == config


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("lookup.sock", "an absolute path"),
        ("/run/fedsafe/../lookup.sock", "an absolute path"),
        (f"/run/{'d' * 96}", "longer than 100 bytes"),
        ("{place}/lookup.sock", "enters its directory"),
    ],
)
def test_a_socket_for_lookups_lies_where_others_reach_it(
    tmp_path: Path, path: str, why: str
) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        load(tmp_path, with_socket(path.format(place=tmp_path)))

    assert "lookup.socket.path" in str(caught.value)
