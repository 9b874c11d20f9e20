# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from tests.support.fleet import config_of

from fedsafe_node.ground.config import Place, load_config, render_config
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.operations.move.addresses import (
    Wanted,
    directory_in,
    route_of,
    switch,
)
from fedsafe_node.operations.move.errors import MoveRefusedError

SERVER = "postgresql://node@127.0.0.1/fedsafe"
OWNER = "postgresql://owner@127.0.0.1/fedsafe"
SECRET = "hunter2"
STORAGE = Storage(SERVER, "database.password")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.config.write_text(
        "# made by hand\n" + render_config(config_of("a.demo", 1)) + "# the end\n"
    )
    return place


def file_of(place: Place) -> str:
    return f"sqlite://{place.database}"


def test_a_switch_changes_the_section_of_the_store_and_nothing_else(
    place: Place,
) -> None:
    before = place.config.read_text()
    switch(place, load_config(place), STORAGE)
    there = load_config(place)
    text = place.config.read_text()
    switch(place, there, Storage(OWNER))
    again = load_config(place)
    switch(place, again, None)

    assert there.store == STORAGE
    assert text.startswith("# made by hand\n")
    assert again.store == Storage(OWNER)
    assert load_config(place).store is None
    assert place.config.read_text() == before


def test_a_file_is_the_same_place_however_its_address_is_spelt(place: Place) -> None:
    typed = f"sqlite:///{place.database}"
    there = Wanted(source=typed, target=SERVER, owner=OWNER)
    back = Wanted(source=SERVER, target=typed)

    assert typed.startswith("sqlite:////")
    assert route_of(there, place, load_config(place)).source == file_of(place)
    assert route_of(back, place, load_config(place)).target == file_of(place)
    with pytest.raises(MoveRefusedError, match="there already"):
        route_of(Wanted(source=None, target=typed), place, load_config(place))


def test_a_section_in_the_middle_goes_without_its_neighbours(place: Place) -> None:
    text = place.config.read_text()
    section = f'[store]  # here\nurl = "{SERVER}"\n\n[sync]\npoll = 0.5\n'
    place.config.write_text(text.replace("[sync]\npoll = 1.0\n", section))
    assert load_config(place).store == Storage(SERVER)
    switch(place, load_config(place), None)
    config = load_config(place)

    assert config.store is None
    assert config.sync.poll == 0.5


def test_what_only_a_person_can_change_is_left_to_one(place: Place) -> None:
    place.config.write_text(f'store.url = "{SERVER}"\n{place.config.read_text()}')
    before = place.config.read_bytes()
    with pytest.raises(ConfigError, match=r"change \[store\] yourself"):
        switch(place, load_config(place), None)

    assert place.config.read_bytes() == before


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (
            Wanted(source=None, target="sqlite:///a/store.db"),
            "from a file to a Postgre",
        ),
        (Wanted(source=SERVER, target=OWNER), "from a file to a Postgre"),
        (Wanted(source=None, target=SERVER), "say who makes the tables"),
        (
            Wanted(source="sqlite:///other/store.db", target=SERVER),
            "the file of this node's store is",
        ),
        (
            Wanted(source="sqlite://host/store.db", target=SERVER),
            "with the whole path",
        ),
        (Wanted(source=SERVER, target=SERVER), "both addresses are the same"),
        (Wanted(source=None, target="postgresql:///fedsafe"), "--to: name the host"),
        (
            Wanted(source=None, target="postgresql://127.0.0.1/x", owner=OWNER),
            "--to names the node's role",
        ),
        (
            Wanted(source=None, target="postgresql://n@db.example/x", owner=OWNER),
            "--to: .*verify-full",
        ),
        (
            Wanted(
                source=None, target=SERVER, owner=f"postgresql://o:{SECRET}@127.0.0.1/x"
            ),
            "--owner: a password is never in here",
        ),
        (
            Wanted(source=None, target=f"postgresql://o:{SECRET}@127.0.0.1/x"),
            "--to: a password is never in here",
        ),
    ],
)
def test_an_address_that_does_not_fit_is_refused_and_no_secret_repeated(
    place: Place, wanted: Wanted, why: str
) -> None:
    with pytest.raises(MoveRefusedError, match=why) as caught:
        route_of(wanted, place, load_config(place))

    assert SECRET not in str(caught.value)
    assert "$." not in str(caught.value)


def test_a_store_that_is_there_already_is_not_moved(place: Place) -> None:
    wanted = Wanted(source=None, target=file_of(place))
    with pytest.raises(MoveRefusedError, match="is there already"):
        route_of(wanted, place, load_config(place))


def test_the_owner_s_file_may_hold_a_password_and_is_for_nobody_else(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "owner"
    file.touch(mode=0o600)
    secret = f"postgresql://owner:{SECRET}@127.0.0.1/fedsafe"
    file.write_text(f"{secret}\n")
    wanted = Wanted(source=file_of(place), target=SERVER, owner_file=file)
    route = route_of(wanted, place, load_config(place))
    file.write_text(f"postgresql://owner:{SECRET}@db.example/fedsafe\n")
    with pytest.raises(MoveRefusedError, match="verify-full") as caught:
        route_of(wanted, place, load_config(place))

    assert route.owner == secret
    assert route.role == "node"
    assert SECRET not in f"{caught.value}{route}"


def test_the_way_back_uses_the_password_that_the_node_uses(place: Place) -> None:
    file = place.directory / "database.password"
    file.touch(mode=0o600)
    file.write_text(f"{SECRET}\n")
    switch(place, load_config(place), STORAGE)
    wanted = Wanted(source=None, target=file_of(place))
    route = route_of(wanted, place, load_config(place))

    assert (route.source, route.source_password) == (SERVER, SECRET)
    assert route.storage is None
    assert SECRET not in repr(route)


def test_the_file_tells_the_node_s_directory(place: Place) -> None:
    there = Wanted(source=file_of(place), target=SERVER)
    back = Wanted(source=SERVER, target=file_of(place))

    assert directory_in(there) == directory_in(back) == place.directory
    assert directory_in(Wanted(source=None, target=SERVER)) is None
