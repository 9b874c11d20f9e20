# SPDX-License-Identifier: Apache-2.0
"""Writers that are clients of a node whose store is on the hosts.

Each records own bans, and after each acknowledgement asks twice: for the person, who
must be found from then on, and for somebody whom nobody knows. A negative answer is
counted: it may leave the node only after its audit event is durable.
"""

import asyncio
import http.client
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.campaigns.database_hosts import DatabaseHosts, until
from tests.support.acknowledged import NotAcknowledgedError, Writer
from tests.support.federation import Answer, Caller

from fedsafe_cli.demo.fleet import answers, free_ports, start
from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_node.app.init import create_node
from fedsafe_node.ground.config import Config, Disk, Listen, Place
from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.store.postgresql.schema import migrate
from fedsafe_policies.vocabulary import Role

_NAME: Final = "campaign.demo"
_AUDITOR: Final = "rosa"
_BAN: Final = {
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "rule-7",
    "scope": "self",
}
_OK: Final = 200
_CREATED: Final = 201
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503
_BATCH: Final = 1_000


class NodeWorkload:
    """A node, and what its clients were told.

    Owned by `_lock`: `_told`, the signals of acknowledged bans, `negatives` and
    `denials`. Owned by the campaign's thread: the events that were read so far.
    """

    def __init__(self, hosts: DatabaseHosts, directory: Path) -> None:
        self._hosts = hosts
        port = free_ports(1)[0]
        place = directory / "running"
        url = f"http://127.0.0.1:{port}"
        self.node = DemoNode(
            name=_NAME, url=url, dir=str(place), config=str(place / "node.toml")
        )
        self._custody = directory / "custody.key"
        self._config = Config(
            format=1,
            name=_NAME,
            url=url,
            jurisdiction="DE",
            contact=f"safety@{_NAME}",
            policy="synthetic",
            listen=Listen("127.0.0.1", port),
            custody_key="custody.pub",
            disk=Disk(reserve_mib=1),
            store=Storage(hosts.url("fedsafe_node")),
        )
        self._auditor = ""
        self._lock = threading.Lock()
        self._told: list[str] = []
        self._negatives = 0
        self._denials: list[str] = []
        self._since = 0
        self._recorded: Counter[str] = Counter()
        self._negatives_recorded = 0

    def prepare(self) -> None:
        """Let the owner make the schema; make the node, and start it."""
        migrate(self._hosts.url("fedsafe_owner"), "fedsafe_node")
        made = asyncio.run(
            create_node(
                Place(self.node.directory),
                self._config,
                custody_private=self._custody,
                staff=[(_AUDITOR, Role.AUDITOR)],
            )
        )
        self._auditor = made.credentials[_AUDITOR]
        start(self.node.directory)
        until(lambda: answers(self.node.directory), "the node")

    def writer(self) -> Writer:
        """Give one more client."""
        return NodeClient(self)

    def acknowledged(self, signal: str) -> None:
        """Note that a ban was acknowledged."""
        with self._lock:
            self._told.append(signal)

    def answered(self, result: str, *, banned: bool) -> None:
        """Note what a lookup was answered."""
        with self._lock:
            if result == "none" and banned:
                self._denials.append("none, of a person with an acknowledged ban")
            elif result == "none":
                self._negatives += 1

    def kept(self, keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Ask which bans each person has."""
        found: dict[str, Sequence[str]] = {}
        for start_at in range(0, len(keys), _BATCH):
            page = keys[start_at : start_at + _BATCH]
            found |= until(lambda page=page: self._bans(page), "a batch")  # type: ignore[misc]
        return found

    def _bans(self, keys: Sequence[str]) -> Mapping[str, Sequence[str]] | None:
        lookups = [{"questions": [_about(key)]} for key in keys]
        body = {"lookups": lookups, "purpose": "recheck"}
        answer = self._sent(Caller(self.node), "/v1/lookup/batch", body)
        if answer is None:
            return None
        matches = [each["matches"] for each in answer["answers"]]
        return {
            key: sorted({match["signal"] for match in one})
            for key, one in zip(keys, matches, strict=True)
        }

    def faults(self) -> list[str]:
        """Hold the audit log to what was answered before it is read."""
        with self._lock:
            told, negatives = list(self._told), self._negatives
            faults = list(self._denials)
        until(self._read_events, "the audit log")
        verified = until(
            lambda: self._sent(Caller(self.node), "/v1/audit/verify"), "verification"
        )
        if not verified["ok"]:
            faults.append("the audit log does not verify")
        if any(self._recorded[signal] != 1 for signal in told):
            faults.append("an acknowledged ban is not in the audit log, once")
        if self._negatives_recorded < negatives:
            faults.append("a negative answer left no audit event")
        return faults

    def _read_events(self) -> bool:
        """Read on from where the last reading ended; True at the end."""
        target = f"/v1/audit/events?since={self._since}&limit={_BATCH}"
        page = self._sent(Caller(self.node, self._auditor), target)
        if page is None:
            return False
        for event in page["events"]:
            detail = event.get("detail") or {}
            if event["event"] == "lookup":
                self._negatives_recorded += int(detail.get("lookups", 0))
            elif event["event"] == "own_ban.recorded":
                self._recorded[detail["signal"]] += 1
        self._since = page["next"]
        return len(page["events"]) < _BATCH

    def _sent(self, caller: Caller, target: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        is_read = "events" in target
        try:
            answer = caller.get(target) if is_read else caller.post(target, body)
        except (OSError, http.client.HTTPException):
            return None
        if answer.status in (_UNAVAILABLE, _TOO_MANY):
            return None
        assert answer.status == _OK, (target, answer.status, answer.body)
        return answer.body


class NodeClient:
    """A back-end that bans and asks over the node's socket."""

    def __init__(self, workload: NodeWorkload) -> None:
        self._workload = workload
        self._caller = Caller(workload.node)

    def write(self, key: str) -> str:
        """Record a ban; return its signal."""
        removed = time.strftime("%Y-%m-%d", time.gmtime())
        body = _BAN | {"about": _about(key), "removed_on": removed}
        answer = self._answer("/v1/signals", body, key)
        assert answer.status == _CREATED, (answer.status, answer.body)
        signal = str(answer.body["signal"])
        self._workload.acknowledged(signal)
        self._ask(key, banned=True)
        self._ask(f"{key}.unknown", banned=False)
        return signal

    def _ask(self, key: str, *, banned: bool) -> None:
        body = {"questions": [_about(key)], "purpose": "signup_check"}
        try:
            answer = self._answer("/v1/lookup", body)
        except NotAcknowledgedError:
            return  # deferred, or no answer: nothing was said
        assert answer.status == _OK, (answer.status, answer.body)
        self._workload.answered(answer.body["result"], banned=banned)

    def _answer(self, target: str, body: object, key: str | None = None) -> Answer:
        try:
            answer = self._caller.post(target, body, key=key)
        except (OSError, http.client.HTTPException):
            raise NotAcknowledgedError("no answer") from None
        if answer.status in (_UNAVAILABLE, _TOO_MANY):
            assert b"retry-after:" in answer.raw.lower(), answer.body
            raise NotAcknowledgedError(f"{answer.status} {answer.body['code']}")
        return answer

    def close(self) -> None:
        """Do nothing: each request has a connection of its own."""


def _about(key: str) -> dict[str, str]:
    return {"kind": "email", "value": f"person{key}@mail.example"}
