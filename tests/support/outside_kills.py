# SPDX-License-Identifier: Apache-2.0
"""Kill what works on the picture index and the outside key, and look what is left.

Each round begins with the same directory. A process of its own merges pictures while
others come, or gives the node an outside key, another one, none, or a lost one back; it
dies at a step: right before one of its changes to files (an audit hook of Python sees
them all), when tables are built and not in use yet, or at some moment. Then:

* the node starts with what its `node.toml` names: the key from before, or the new one,
* every picture that was acknowledged is found, and the seal fits,
* the same command ends what was begun; nothing is left of the way there.

Only a lost key is still lost where it was not got back yet.
"""

import asyncio
import os
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final, NoReturn

from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import Fleet, make
from tests.support.forks import Forks, forks, serve

from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.config import load_config
from fedsafe_node.ground.errors import OutsideKeyError
from fedsafe_node.ground.key_files import read_secret
from fedsafe_node.keys.own_keys import MediaKeys, write_media_keys
from fedsafe_node.lookup.index import pdq
from fedsafe_node.operations.outside_key_change import (
    make_key,
    recover_key,
    remove_key,
    rotate_key,
    state_of,
)
from fedsafe_policies.vocabulary import Scope

NODE: Final = "a.demo"
CHANGES: Final = ("new", "rotate", "remove", "recover")
_FEW: Final = 8
_MOST: Final = 200  # pictures of one round
_LATEST: Final = 3.0  # seconds
_EVENTS: Final = ("os.rename", "os.link", "os.remove", "os.truncate", "os.mkdir")
_MADE: Final = "made "
_STEPS: Final = "steps "


def _picture(number: int) -> str:
    return Random(f"picture {number}").randbytes(32).hex()  # noqa: S311 - no secret hangs on it


class Rounds:
    """The directory that each round begins with, and what the last one was."""

    def __init__(self, root: Path, forked: Forks, seed: int) -> None:
        """Make the nodes: without an outside key, with one, and with one lost."""
        self._root, self._forks = root, forked
        self._dice = Random(seed)  # noqa: S311 - to repeat a run
        self._steps: dict[str, int] = {}
        self.ends: Counter[str] = Counter()
        self.fleet = asyncio.run(make(self._live / "nodes", NODE))
        self.place = self.fleet.place(NODE)
        self._safe = self._live / "safe"
        self._safe.mkdir()
        asyncio.run(self._record(range(3)))
        keys = MediaKeys(bytes(range(32)), bytes(range(1, 33)))
        write_media_keys(self.place, 1, 1, keys)
        self._keep("plain")
        assert self._change("new", 0).status == 0
        self._keep("keyed")
        (self._safe / "outside.key").unlink()
        self._keep("lost")

    @property
    def _live(self) -> Path:
        return self._root / "live"

    def _keep(self, name: str) -> None:
        ignored = shutil.ignore_patterns("*.sock")
        shutil.copytree(self._live, self._root / name, ignore=ignored)

    def _put_back(self, name: str) -> None:
        shutil.rmtree(self._live)
        shutil.copytree(self._root / name, self._live)

    async def _record(self, numbers: Sequence[int]) -> None:
        await self.fleet.start(NODE)
        for number in numbers:
            await _add(self.fleet, number)
        await self.fleet.close()

    def _change(self, change: str, step: int) -> "Ended":
        words = ("key", str(self._live), str(self.place.directory), change, str(step))
        ended = self._forks.run(*words)
        return Ended(ended.status, ended.said)

    def change(self, change: str, step: int | None = None) -> None:
        """Kill a command at a step, or at one that the dice choose."""
        begin = {"new": "plain", "recover": "lost"}.get(change, "keyed")
        if change not in self._steps:
            self._put_back(begin)
            ended = self._change(change, 0)
            assert ended.status == 0, ended.said
            self._steps[change] = ended.number(_STEPS)
        at = step or self._dice.randint(1, self._steps[change])
        self._put_back(begin)
        ended = self._change(change, at)
        told = f"{change}, step {at} of {self._steps[change]}"
        assert ended.status == -signal.SIGKILL, (told, ended.said)
        is_lost = change == "recover" and not self._is_there()
        if not is_lost:
            asyncio.run(self._check(range(3), told))
        again = self._change(change, 0)
        # What the kill came too late for is refused as what it is.
        is_over = "in use" in again.said or "has no outside key" in again.said
        assert again.status == 0 or is_over, (told, again.said)
        asyncio.run(self._check(range(3), told))
        self._check_end(change, told)
        self.ends[change] += 1

    def steps(self, change: str) -> range:
        """Give all steps of a command."""
        self.change(change)
        return range(1, self._steps[change] + 1)

    def merge(self) -> None:
        """Kill a node while it merges pictures and others come."""
        where = self._dice.choice(("file", "file", "built", "moment"))
        self._put_back("keyed")
        at = {
            "file": str(self._dice.randint(1, 24)),
            "built": str(self._dice.randint(1, 5)),
            "moment": f"{self._dice.uniform(0.2, _LATEST):.3f}",
        }[where]
        told = f"merge, {where} {at}"
        ended = self._forks.run("merge", str(self.place.directory), where, at)
        assert ended.status == -signal.SIGKILL, (told, ended.said)
        made = [
            int(line.removeprefix(_MADE))
            for line in ended.said.splitlines()
            if line.startswith(_MADE)
        ]
        asyncio.run(self._check([*range(3), *made], told))
        left = [path.suffix for path in self.place.index.glob("pictures-*")]
        assert left in ([], [".sealed"]), (told, left)
        self.ends[f"merge, {where}"] += 1
        self.ends["pictures"] += len(made)

    def _is_there(self) -> bool:
        try:
            return bool(state_of(self.place).wrapped)
        except OutsideKeyError:
            return False

    async def _check(self, numbers: Sequence[int], told: str) -> None:
        fleet = self.fleet
        await fleet.start(NODE)
        try:
            for number in (*numbers, -1):
                answer = await fleet.look_up(NODE, _picture(number), Kind.PDQ)
                is_found = answer.result is Result.REVIEW
                assert is_found == (number >= 0), (told, number)
            report = await fleet[NODE].base.store.check_seal()
            assert report.faults == (), (told, report.faults)
        finally:
            await fleet.close()

    def _check_end(self, change: str, told: str) -> None:
        state, place = state_of(self.place), self.place
        files = ["media-1-1.key", "own.key"]
        want = ([], files) if change == "remove" else (files, [])
        assert (state.wrapped, state.plain, state.others) == (*want, []), told
        assert place.outside_sealed.exists() == (change != "remove"), told
        left = [*place.directory.glob(".*"), *place.keys.glob(".*")]
        left += [path for path in (place.outside_turn,) if path.exists()]
        drafts = [path for path in left if path.name != ".lock"]
        assert drafts == [], told


class Ended:
    """How a process ended, and what it said."""

    def __init__(self, status: int, said: str) -> None:
        self.status: Final = status
        self.said: Final = said

    def number(self, word: str) -> int:
        """Find the number behind a word."""
        (line,) = [each for each in self.said.splitlines() if each.startswith(word)]
        return int(line.removeprefix(word))


@contextmanager
def rounds(root: Path, seed: int) -> Iterator[Rounds]:
    """Make the nodes in a directory."""
    root.mkdir(parents=True, exist_ok=True)
    with forks("tests.support.outside_kills", root) as forked:
        yield Rounds(root, forked, seed)


async def _add(fleet: Fleet, number: int) -> None:
    request = request_for(_picture(number), kind=Kind.PDQ, scope=Scope.SELF)
    await fleet[NODE].services.signals.add(request, ANNA)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


class _Steps:
    """Counts changes to files below a directory, and dies before one of them."""

    def __init__(self, below: str, last: int) -> None:
        self._below, self._last = below, last
        self.count = 0

    def see(self, event: str, values: tuple[object, ...]) -> None:
        """Be told by Python of what is about to be done."""
        if event == "open":
            path, _, flags = values
            is_change = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        else:
            path, is_change = values[0] if values else None, event in _EVENTS
        if not is_change or not isinstance(path, str | Path):
            return
        if str(path).startswith(self._below):
            self.count += 1
            if self.count == self._last:
                _die()


def _change_key(live: str, directory: str, change: str, step: str) -> None:
    safe, fleet = Path(live, "safe"), Fleet(Path(directory).parent)
    place = fleet.place(NODE)
    config = load_config(place)
    custody = RecipientKey.from_bytes(
        read_secret(place.directory.parent / "custody" / f"{NODE}.key")
    )
    steps = _Steps(live, int(step))
    sys.addaudithook(steps.see)
    match change:
        case "new":
            path = safe / "outside.key"
            asyncio.run(make_key(place, config, fleet.clock, path))
        case "rotate":
            path = safe / "second.key"
            asyncio.run(rotate_key(place, config, fleet.clock, path))
        case "remove":
            asyncio.run(remove_key(place, config, fleet.clock))
        case _:
            recover_key(place, config, safe / "found.key", custody)
    _say(f"{_STEPS}{steps.count}")


async def _merge(directory: str, where: str, at: str) -> None:
    fleet = Fleet(Path(directory).parent)
    await fleet.start(NODE)
    if where == "file":
        steps = _Steps(str(fleet.place(NODE).index / "pictures-"), int(at))
        sys.addaudithook(steps.see)
    elif where == "built":
        _die_built(int(at))
    else:
        threading.Timer(float(at), _die).start()
    merging: set[asyncio.Task[None]] = set()
    for number in range(3, _MOST):
        await _add(fleet, number)
        _say(f"{_MADE}{number}")
        if not merging:
            task = asyncio.create_task(fleet[NODE].pictures.merge(purge=True))
            merging.add(task)
            task.add_done_callback(merging.discard)
    await asyncio.gather(*merging)
    _die()


def _die_built(nth: int) -> None:
    build, left = pdq._build, [nth]  # noqa: SLF001 - between building and use

    def built(*given: object) -> object:
        made = build(*given)  # type: ignore[arg-type]
        left[0] -= 1
        if left[0] == 0:
            _die()
        return made

    pdq._build = built  # type: ignore[assignment] # noqa: SLF001


def _work(words: list[str]) -> None:
    kind, *rest = words
    if kind == "key":
        _change_key(*rest)
        return
    defaults = pdq.PdqIndex.__init__.__kwdefaults__
    assert defaults is not None
    defaults["few"] = _FEW
    pdq.MOST_WAITING = 4  # type: ignore[misc]
    asyncio.run(_merge(*rest))


if __name__ == "__main__":
    serve(_work)
