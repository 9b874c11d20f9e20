# SPDX-License-Identifier: Apache-2.0
"""How a file is changed, and what has to be said of it."""

from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

from tests.support.change_reports import Wanted


def log_of(name: Path) -> str:
    return name.name.removesuffix(".checkpoint").replace("%2F", "/")


def wanted_of_file(name: Path) -> Wanted:
    if name.parts[0] == "guard":
        return Wanted(("guard",), (name.name, log_of(name)))
    return Wanted((name.name,))


def flip_one(path: Path, random: Random) -> None:
    data = bytearray(path.read_bytes())
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)


def cut(path: Path, random: Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: random.randrange(len(data))])


def append(path: Path, random: Random) -> None:
    path.write_bytes(path.read_bytes() + bytes([random.randrange(256)]))


def remove(path: Path, random: Random) -> None:
    del random
    path.unlink()


POLICY_CHANGES: Final = (
    (flip_one, "a byte flipped of"),
    (cut, "cut:"),
    (append, "a byte added to"),
)
