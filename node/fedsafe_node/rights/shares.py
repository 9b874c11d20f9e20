# SPDX-License-Identifier: Apache-2.0
"""Shares of what peers evaluate for the rights of persons: nobody gets all of it.

A code is mailed to whoever can read it, so one stranger with a domain can prove as many
addresses as the mails allow, and each costs one evaluation of the budget that the
peers give this node for all persons (`budgets.evaluations_*.rights`). So a domain, and
a network, gets a third of an hour's and a day's at most; and a fifth is left to what
back-end and officers vouch for. What is beyond that is not refused: it waits
(`retries`).

A domain is the last two labels of the address's: names below it cost nothing, and
which suffixes are public no short rule says. A number's is its block, as for codes
(`phone_budgets`). The counters have blinded names, and are of an hour and a day of UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import TooManyTriesError
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.people.throttle import (
    Counter,
    count_tries,
    uncount_tries,
    wait_for,
)
from fedsafe_node.people.vault import Vault
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import EvaluationPurpose, IdentifierKind

_HOUR: Final = 60 * 60
_DAY: Final = 24 * _HOUR
_SHARE: Final = 3  # a domain or network has one of so many parts
_VOUCHED: Final = 5  # one of so many parts is for what somebody vouches for
_LABELS: Final = 2
_BLOCK: Final = 4  # a block's numbers differ in so many last digits
_NETWORKS: Final = {4: 24, 6: 48}
_HOUSE: Final = tuple(
    ip_network(each)
    for each in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        *("100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"),
    )
)
"""Behind these stands a proxy of the house, and everybody."""


@dataclass(frozen=True, slots=True)
class Share:
    """Of which domain and place a request is, by blinded names.

    Both are empty where somebody vouches for it, the place where a proxy hides it.
    """

    domain: str = ""
    place: str = ""


VOUCHED: Final = Share()


@dataclass(frozen=True, slots=True)
class Shares:
    """Counts what is looked up of each domain and network."""

    situation: Situation
    store: Store
    vault: Vault
    clock: Clock

    def share_of(self, person: Person, source: str) -> Share:
        """Name the share of who comes themselves, from a place ("" is this machine)."""
        domain = self.vault.blind("rights_domain", _domain(person))
        network = _network(source)
        if network is None:
            return Share(domain)
        return Share(domain, self.vault.blind("rights_network", network))

    async def take(self, share: Share) -> int | None:
        """Take one evaluation of a share; if it is used up, say until when it is.

        Raises:
            StoreFailedError: what is taken could not be made durable.
        """
        if not share.domain or self.situation.shared is None:
            return None
        now = self._now
        try:
            await count_tries(self.store, self._counters(share, now), now)
        except TooManyTriesError as error:
            return now + error.retry_after_ms // 1_000
        return None

    async def give_back(self, share: Share) -> None:
        """Give back what was taken, for nobody has answered."""
        if share.domain and self.situation.shared is not None:
            now = self._now
            await uncount_tries(self.store, self._counters(share, now), now)

    async def put_off(self, tx: Transaction, share: Share) -> bool:
        """Let all wait that has no share left either; False if this one has.

        That is: all of its domain, all of its place, or all that somebody proves.
        """
        now, place = self._now, share.place
        if not share.domain:
            return False
        at = await self._used_up(tx, "all", "", now)
        of_domain = await self._used_up(tx, "domain", share.domain, now)
        of_place = await self._used_up(tx, "place", place, now) if place else 0
        if at:
            await tx.put_off_waiting(at)
        if of_domain:
            await tx.put_off_waiting(of_domain, domain=share.domain)
        if of_place:
            await tx.put_off_waiting(of_place, place=place)
        return bool(at or of_domain or of_place)

    async def _used_up(self, reader: Reader, of: str, name: str, now: int) -> int:
        wait = await wait_for(reader, self._of(of, name, now), now)
        return now + wait if wait > 0 else 0

    def _counters(self, share: Share, now: int) -> Sequence[Counter]:
        counters = [
            *self._of("all", "", now),
            *self._of("domain", share.domain, now),
        ]
        if share.place:
            counters += self._of("place", share.place, now)
        return counters

    def _of(self, of: str, name: str, now: int) -> Sequence[Counter]:
        budgets = self.situation.policy.document.budgets
        purpose = EvaluationPurpose.RIGHTS
        found: list[Counter] = []
        for span, quota in (
            (_HOUR, budgets.evaluations_an_hour.get(purpose, 0)),
            (_DAY, budgets.evaluations_a_day.get(purpose, 0)),
        ):
            most = quota - quota // _VOUCHED if of == "all" else quota // _SHARE
            slot = now // span
            key = self.vault.blind("rights_share", f"{of}\n{name}\n{span}\n{slot}")
            rest = span - now % span
            found.append(Counter(key, max(1, most), rest, budget=True))
        return found

    @property
    def _now(self) -> int:
        return int(self.clock.now().timestamp())


def _domain(person: Person) -> str:
    value = person.canonical.value
    if person.kind is IdentifierKind.PHONE:
        return f"phone:{value[:-_BLOCK]}"
    labels = value.rpartition("@")[2].rstrip(".").split(".")
    return ".".join(labels[-_LABELS:])


def _network(source: str) -> str | None:
    """Give the network that a place belongs to; None where it says nothing."""
    try:
        address = ip_address(source.partition("/")[0])
    except ValueError:
        return source or None
    if any(address in each for each in _HOUSE if each.version == address.version):
        return None
    return str(ip_network((str(address), _NETWORKS[address.version]), strict=False))
