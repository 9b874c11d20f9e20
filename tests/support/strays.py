# SPDX-License-Identifier: Apache-2.0
"""What befalls a federation between storms: lies about keys and statements.

| who | what all others do |
|---|---|
| leads its feed with forged and replayed statements | refuse them, and name it |
| shows a charter that the others have left behind | go by the newer one |
| deals shares that do not open | name it, and share the key without it |
"""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

from tests.support.federation import Federation, until
from tests.support.node_kills import Desk
from tests.support.node_orders import order, propose_keys, share_anew

from fedsafe_cli.demo.fleet import LOG_FILE
from fedsafe_cli.demo.nodes import DemoNode

_PATIENCE: Final = 120.0
_PACE: Final = 0.1
_REFUSED: Final = b"restriction refused"


class Strays:
    """Lets one member stray, and sees what the others do about it."""

    def __init__(
        self, federation: Federation, desks: list[Desk], random: Random
    ) -> None:
        self._federation = federation
        self._desks = desks
        self._random = random
        self._logged: dict[str, int] = {}
        self.dealers: set[str] = set()
        """Who has ever dealt badly."""
        self.forgers: set[str] = set()
        """Who has ever led its feed with forged statements."""

    def read_on(self) -> None:
        """Leave aside what nodes have logged before: links were broken then."""
        self._logged = {
            desk.node.name: _log(desk.node).stat().st_size for desk in self._desks
        }

    def refuse_forged(self, liar: str) -> None:
        """See that all others refuse what the liar's feed is led with now."""
        self.forgers.add(liar)
        for desk in self._others(liar):
            until(
                lambda desk=desk: liar in self._refused(desk),  # type: ignore[misc]
                f"refusing at {desk.node.name} what {liar} has forged",
                patience=_PATIENCE,
                pace=_PACE,
            )

    def check_refused(self, desk: Desk) -> None:
        """See that nobody is said to have forged who never did."""
        refused = self._refused(desk)
        assert refused <= self.forgers, f"{refused - self.forgers} never forged"

    def _refused(self, desk: Desk) -> set[str]:
        """Name whose statements a node has refused, by its log."""
        with _log(desk.node).open("rb") as file:
            file.seek(self._logged[desk.node.name])
            lines = [json.loads(line) for line in file if _REFUSED in line]
        return {line["peer"] for line in lines}

    def leave_behind(self, name: str) -> None:
        """Let the others go on to another version, which that member does not take."""
        honest = [desk.node for desk in self._others(name)]
        member = self._random.choice(honest)
        before = self._version(member)

        def have_gone_on() -> bool:
            propose_keys(member, honest, before)
            return all(self._version(node) == before + 1 for node in honest)

        until(have_gone_on, "another charter", patience=_PATIENCE, pace=_PACE)
        behind = self._desk(name).node
        assert self._version(behind) == before, f"{name} is not behind"

    def may_deal_badly(self, name: str) -> bool:
        """Whether no other has dealt badly before it.

        Nobody takes a proposal for a day from whom they have named, and who is next in
        line would first wait for it: no other would be shared with in time.
        """
        return self.dealers <= {name}

    def name_dealer(self, name: str, read: Callable[[Desk], None]) -> None:
        """Share the key anew, until all others have named that dealer and done so."""
        honest = self._others(name)
        nodes, charter = [desk.node for desk in self._desks], self._state(honest[0])
        counts = {desk.node.name: len(desk.read.failed_by) for desk in honest}
        convenor = self._random.choice(self._convenors(name))
        self.dealers.add(name)

        def has_ended() -> bool:
            share_anew(nodes, convenor, charter["version"])
            return all(
                self._state(desk)["epochs"] != charter["epochs"] for desk in honest
            )

        until(has_ended, "sharing without a bad dealer", patience=_PATIENCE, pace=_PACE)
        for desk in honest:
            read(desk)
            named = desk.read.failed_by[counts[desk.node.name] :]
            assert set(named) == {name}, f"{desk.node.name} names {named}, not {name}"
            assert len(self._state(desk)["holders"]) == len(honest)

    def share_with_all(self) -> None:
        """Share the key anew with all members."""
        nodes = [desk.node for desk in self._desks]

        def have_caught_up() -> bool:
            return len({self._state(desk)["digest"] for desk in self._desks}) == 1

        until(have_caught_up, "one charter", patience=_PATIENCE, pace=_PACE)
        charter = self._state(self._desks[0])
        held = set(charter["holders"])
        convenor = self._random.choice(self._convenors())
        assert len(held) < len(nodes)

        def all_hold() -> bool:
            share_anew(nodes, convenor, charter["version"])
            return all(
                len(self._state(desk)["holders"]) == len(nodes) for desk in self._desks
            )

        until(all_hold, "a share for everybody", patience=_PATIENCE, pace=_PACE)

    def _convenors(self, dealer: str = "") -> list[DemoNode]:
        named = {*self.dealers, dealer}
        return [desk.node for desk in self._desks if desk.node.name not in named]

    def _desk(self, name: str) -> Desk:
        return next(desk for desk in self._desks if desk.node.name == name)

    def _others(self, name: str) -> list[Desk]:
        return [desk for desk in self._desks if desk.node.name != name]

    def _state(self, desk: Desk) -> dict[str, Any]:
        state: dict[str, Any] = order(desk.node, "state")
        assert state is not None, f"{desk.node.name} takes no orders"
        return state

    def _version(self, node: DemoNode) -> int:
        return int((order(node, "state") or {"version": 0})["version"])


def _log(node: DemoNode) -> Path:
    return node.directory / LOG_FILE
