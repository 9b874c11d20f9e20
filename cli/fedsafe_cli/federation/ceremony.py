# SPDX-License-Identifier: Apache-2.0
"""Driving a founding ceremony: messages are carried, never looked into.

Every node keeps its own state and checks every message; whoever carries them can
lose them and nothing else. Messages travel as JSON: over the network from one
machine (`carry`), or as files in a folder that the organisations share (`Folder`).
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fedsafe_cli.terminal.client import Client, Json
from fedsafe_cli.terminal.errors import (
    BadInputError,
    BrokenAnswerError,
    ProgrammeError,
    RefusedError,
)
from fedsafe_cli.terminal.remote import RemoteClient
from fedsafe_policies.ground.catalogue import Phrase, joined
from fedsafe_policies.ground.system_reasons import reason_of

CARD: Final = "member.card"
PROPOSAL: Final = "founding.proposal"
CHARTER: Final = "charter"
_ROUNDS: Final = ("founding.announce", "founding.deal", "founding.verdict", CHARTER)
FOUNDING: Final = "/v1/founding"
PROPOSE: Final = "/v1/founding/proposal"
REVIEW: Final = "/v1/founding/review"
WAITING: Final = "/v1/founding/proposals"
CONFIRM: Final = "/v1/founding/confirm"
WITHDRAW: Final = "/v1/founding/withdraw"
UNCONFIRMED: Final = "founding_waits"
"""What a node says whose operator has yet to confirm a founding."""
_TIMEOUT: Final = 60.0
_MOST_ROUNDS: Final = 10
_CLOSED: Final = "forbidden"  # what a node says that is not open for foundings
_OPEN: Final = Phrase(
    "there: open = true under [founding] in node.toml, start the "
    "node again; then run this again"
)
_NOT_FOUND: Final = 404
_MOST_BYTES: Final = 4 * 1024 * 1024

Message = dict[str, Json]
"""A signed message, as it travels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the convenor proposes beside the cards."""

    federation: str
    threshold: int | None = None
    arrangement: str = ""
    anew: bool = False


def propose(convenor: Client, cards: Sequence[Message], terms: Terms) -> Message:
    """Let the convenor's node sign a proposal with these cards."""
    body: dict[str, Any] = {"federation": terms.federation, "cards": list(cards)}
    if terms.threshold is not None:
        body["threshold"] = terms.threshold
    if terms.arrangement:
        body["arrangement"] = terms.arrangement
    if terms.anew:
        body["anew"] = True
    return _message(convenor.post(PROPOSE, body))


def carry(
    members: Mapping[str, Client],
    proposal: Message,
) -> list[str]:
    """Carry messages between the members until all have the charter.

    Returns:
        Who waits for its operator to confirm; nobody once all have the charter.

    Raises:
        RefusedError: a member refuses, and the ceremony is over.
        ProgrammeError: nobody says anything new, and not all have the charter.
    """
    seen: dict[str, Message] = {_key(proposal): proposal}
    for _ in range(_MOST_ROUNDS):
        before, unconfirmed = len(seen), list[str]()
        for name, client in members.items():
            said = _step_of(name, client, list(seen.values()))
            if said is None:
                unconfirmed.append(name)
            for message in said or []:
                seen.setdefault(_key(message), message)
        if all(has_charter(client) for client in members.values()):
            return []
        if len(seen) == before:
            if unconfirmed:
                return unconfirmed
            break
    waiting = [name for name, each in members.items() if not has_charter(each)]
    raise ProgrammeError(
        Phrase("the founding stands still at {names}").filled(names=", ".join(waiting))
    )


def _step_of(
    name: str, client: Client, messages: list[Message]
) -> list[Message] | None:
    """Let a member make a step; None while its operator has yet to confirm."""
    try:
        return step(client, messages)
    except RefusedError as error:
        if error.code == UNCONFIRMED:
            return None
        closed = isinstance(client, RemoteClient) and error.code == _CLOSED
        raise RefusedError(
            error.http_status,
            error.code,
            joined(": ", [name, error.words]),
            hint=_OPEN if closed else error.hint,
            rule=error.rule,
            retry_after_ms=error.retry_after_ms,
            pointer=error.pointer,
        ) from None


def step(client: Client, messages: Sequence[Message]) -> list[Message]:
    """Give a node all messages seen so far and return those that it owes."""
    answer = client.post(FOUNDING, list(messages), timeout=_TIMEOUT)
    if not isinstance(answer, list):
        raise BrokenAnswerError(Phrase("the node's founding answer is no list"))
    return [_message(entry) for entry in answer]


def expected(members: Sequence[str], messages: Sequence[Message]) -> list[str]:
    """Name the members whose message of the earliest round is missing yet."""
    for round_ in _ROUNDS:
        said = {each["signer"] for each in messages if each["type"] == round_}
        missing = [name for name in members if name not in said]
        if missing:
            return missing
    return []


def confirm_at(clients: Sequence[Client], proposal: Message) -> None:
    """Confirm a founding at nodes that one person runs, as the operator of each.

    Each fingerprint is read from its own node, as its operator would read it out.
    """
    cards = [_message(client.get("/v1/card")) for client in clients]
    own = {str(each["signer"]): fingerprint(each).split() for each in cards}
    for client in clients:
        seen = client.post(REVIEW, proposal)
        groups = {
            each["name"]: [own[each["name"]][at - 1] for at in each["asked"]]
            for each in seen["members"]
            if each["asked"]
        }
        client.post(CONFIRM, {"proposal": seen["proposal"], "groups": groups})


def fingerprint(message: Message) -> str:
    """Return the words that two people compare on the telephone."""
    digest = hashlib.sha256(payload_of(message)).hexdigest()[:32]
    return " ".join(digest[start : start + 4] for start in range(0, 32, 4))


def payload_of(message: Message) -> bytes:
    """Return the exact bytes that a message stands under.

    Raises:
        BrokenAnswerError: it is no signed message.
    """
    try:
        return base64.b64decode(message["payload"], validate=True)
    except (ValueError, KeyError, TypeError):
        raise BrokenAnswerError(Phrase("that is no signed message")) from None


def has_charter(client: Client) -> bool:
    """Whether this node belongs to a federation."""
    return charter(client) is not None


def charter(client: Client) -> Json:
    """Return the node's signed charter, if there is one."""
    try:
        return client.get("/v1/charter")
    except RefusedError as error:
        if error.http_status == _NOT_FOUND:
            return None
        raise


class Folder:
    """The shared folder: one file a message, written whole and never replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Message]:
        """Return all messages in the folder, by file name.

        Raises:
            BadInputError: a file is not readable or holds no message.
        """
        if not self._path.is_dir():
            raise BadInputError(
                Phrase("{file} is no directory").filled(file=self._path)
            )
        return [_load(file) for file in sorted(self._path.glob("*.json"))]

    def add(self, messages: Sequence[Message]) -> list[str]:
        """Write those that are not there yet and return their file names.

        Raises:
            BadInputError: another message lies in a message's place, or the
                folder cannot be written.
        """
        written: list[str] = []
        for message in messages:
            name = f"{message['type']}-{message['signer']}.json"
            path = self._path / name
            try:
                new = not path.exists()
                if new:
                    _write_whole(path, json.dumps(message, indent=1) + "\n")
                    written.append(name)
            except OSError as error:
                raise BadInputError(
                    Phrase("{file}: {why}").filled(file=path, why=reason_of(error))
                ) from None
            if not new and _load(path) != message:
                raise BadInputError(
                    Phrase("{file} holds another message of the same kind").filled(
                        file=path
                    ),
                    Phrase("a founding starts with an empty folder"),
                )
        return written


def _load(path: Path) -> Message:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=path, why=reason_of(error))
        ) from None
    try:
        return _message(json.loads(text))
    except (ValueError, RecursionError, BrokenAnswerError):
        raise BadInputError(
            Phrase("{file} holds no signed message").filled(file=path)
        ) from None


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _message(document: Json) -> Message:
    names = ("type", "signer", "payload", "signature")
    if not isinstance(document, dict) or document.keys() != set(names):
        raise BrokenAnswerError(Phrase("that is no signed message"))
    if not all(isinstance(document[name], str) for name in names):
        raise BrokenAnswerError(Phrase("that is no signed message"))
    if not all(_tame(document[name]) for name in ("type", "signer")):
        raise BrokenAnswerError(Phrase("that is no signed message"))
    return document


def _tame(name: str) -> bool:
    """Whether the text can be part of a file's name."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789.-_")
    return 0 < len(name) < 200 and set(name) <= allowed and not name.startswith(".")  # noqa: PLR2004


def _key(message: Message) -> str:
    return f"{message['type']} {message['signer']} {message['signature']}"
