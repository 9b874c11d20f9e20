# SPDX-License-Identifier: Apache-2.0
"""Where the stores of fleets are: in files, or on a server if the run asks for it.

`./test tests/node --store postgresql-17` runs the tests of whole nodes on a server.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from tests.support.databases import (
    Behind,
    BehindFile,
    BehindServer,
    Prepared,
    Preparing,
)

from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.store.followed_store import FollowedStore
from fedsafe_node.store.protocol import Store

_URL: Final = re.compile(r'\[store\]\nurl = "([^"]+)"')


class FleetStores:
    """Makes and copies the stores of a run's fleets."""

    def __init__(self) -> None:
        self._preparing: Preparing | None = None
        self._made: list[Prepared] = []

    def use(self, preparing: Preparing) -> None:
        """Put all stores on a server from now on."""
        self._preparing = preparing

    @property
    def on_server(self) -> bool:
        """Whether stores are on a server."""
        return self._preparing is not None

    def placed(self, config: Config) -> Config:
        """Say in a configuration where the store is to be; make it."""
        if self._preparing is None:
            return config
        made = self._preparing.make()
        self._made.append(made)
        return msgspec.structs.replace(config, store=Storage(url=made.node))

    def copy(self, root: Path) -> None:
        """Give the nodes of a copied directory copies of their databases."""
        if self._preparing is not None:
            for path in root.glob("*/node.toml"):
                self._copy(path, self._preparing)

    def _copy(self, path: Path, preparing: Preparing) -> None:
        url = _url_in(path)
        made = preparing.copy(preparing.at(url))
        self._made.append(made)
        path.write_text(path.read_text().replace(url, made.node))

    def prepared(self, place: Place) -> Prepared:
        """Say how a node's database on the server is reached."""
        assert self._preparing is not None
        return self._preparing.at(_url_in(place.config))

    def behind(self, place: Place) -> Behind:
        """Reach a node's database as somebody who is not the node."""
        if self._preparing is None:
            return BehindFile(place.database)
        return BehindServer(self._preparing, self.prepared(place))

    def keep(self, place: Place) -> Callable[[], None]:
        """Copy a database that is not in the node's directory; say how to put it back.

        Nobody is connected to it, neither now nor then.
        """
        if self._preparing is None:
            return _nothing
        behind = BehindServer(self._preparing, self.prepared(place))
        behind.keep()
        return behind.put_back

    def count(self) -> int:
        """Return how many there are."""
        return len(self._made)

    def drop(self, since: int) -> None:
        """Drop the databases made since there were so many."""
        if self._preparing is not None:
            for made in self._made[since:]:
                self._preparing.drop(made)
        del self._made[since:]


def innermost(store: Store) -> Store:
    """Return the store that a node shares with nobody but the database."""
    return store._store if isinstance(store, FollowedStore) else store  # noqa: SLF001


def _nothing() -> None:
    """Leave to the copy of the directory what is in it."""


def _url_in(path: Path) -> str:
    found = _URL.search(path.read_text())
    assert found is not None
    return found[1]


FLEET_STORES = FleetStores()
