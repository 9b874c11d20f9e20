# SPDX-License-Identifier: Apache-2.0
"""What the story bans, and how the same is written elsewhere.

All persons are invented: values follow from a counter and a hash, so two runs use
the same. With a folder of real input, URLs and IP addresses come out of its
`url.tsv.gz` and `ip.tsv.gz` (kind, value, count by line) and pictures out of
`bridge-mods/`; without one, everything is generated or bundled.
"""

import gzip
import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.inputs import Question
from fedsafe_policies.ground.catalogue import Phrase

BUNDLED_COUNT: Final = 25
REAL_COUNT: Final = 2_000
_UNLISTED: Final = 1_000_000
"""Numbers from here on are never listed."""
_FIRST: Final = ("anna", "bela", "cleo", "dara", "emil", "finn", "gesa", "hugo")
_LAST: Final = ("amsel", "birke", "distel", "eiche", "farn", "ginster", "heide")
_DOMAINS: Final = ("post.example", "kestrel.example", "mail.lindentor.example")
_BANK: Final = "37040044"
_CHECK_TAIL: Final = "131400"  # "DE00" in digits, as IBAN check digits want it
_WIDE: Final = 10


@dataclass(frozen=True, slots=True)
class Person:
    """One identifier as its provider bans it, and as it is typed elsewhere."""

    banned: Question
    typed: Question

    def __repr__(self) -> str:
        """Show the kind, never the value."""
        return f"Person({self.banned['kind']})"


@dataclass(frozen=True, slots=True)
class Input:
    """Everything that the story works on."""

    persons: tuple[Person, ...]
    strangers: tuple[Question, ...]
    picture: Path
    altered: tuple[Path, ...]
    real: bool


def bundled() -> Input:
    """Return the small input that comes with FedSafe."""
    folder = Path(__file__).parents[1] / "data" / "demo"
    return Input(
        persons=tuple(_persons(BUNDLED_COUNT, None)),
        strangers=tuple(_strangers(BUNDLED_COUNT)),
        picture=folder / "valley.png",
        altered=tuple(sorted(folder.glob("valley-*"))),
        real=False,
    )


def real(folder: Path) -> Input:
    """Return the large input of a folder.

    Raises:
        BadInputError: a file is missing or not as it should be.
    """
    pictures = folder / "bridge-mods"
    original = pictures / "aaa-orig.jpg"
    if not original.is_file():
        raise BadInputError(
            Phrase("{pictures} holds no aaa-orig.jpg").filled(pictures=pictures)
        )
    altered = sorted(path for path in pictures.glob("*.jpg") if path != original)
    return Input(
        persons=tuple(_persons(REAL_COUNT, folder)),
        strangers=tuple(_strangers(REAL_COUNT)),
        picture=original,
        altered=tuple(altered),
        real=True,
    )


def _persons(count: int, folder: Path | None) -> Iterator[Person]:
    for kind, make in _MAKERS.items():
        if folder is not None and kind in {"ip", "url"}:
            values = islice(_read(folder / f"{kind}.tsv.gz"), count)
            retype = _RETYPED[kind]
            for value in values:
                yield Person(
                    {"kind": kind, "value": value},
                    {"kind": kind, "value": retype(value)},
                )
        else:
            for number in range(count):
                yield make(number)


def _strangers(count: int) -> Iterator[Question]:
    for make in _MAKERS.values():
        for number in range(_UNLISTED, _UNLISTED + count):
            yield make(number).typed


def _read(path: Path) -> Iterator[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield line.rstrip("\n").split("\t")[1]
    except (OSError, EOFError, UnicodeDecodeError, IndexError):
        raise BadInputError(
            Phrase("{file} is not readable").filled(file=path)
        ) from None


def _dice(what: str, number: int) -> int:
    digest = hashlib.sha256(f"fedsafe story {what} {number}".encode()).digest()
    return int.from_bytes(digest[:8])


def _email(number: int) -> Person:
    dice = _dice("email", number)
    name = f"{_FIRST[dice % 8]}.{_LAST[dice // 8 % 7]}{number}"
    domain = _DOMAINS[dice // 56 % 3]
    return _pair("email", f"{name}@{domain}", f"{name.title()}@{domain.upper()}")


def _phone(number: int) -> Person:
    digits = f"{number * 7_919 % 10**7:07}"
    banned = {"kind": "phone", "value": f"+49 151 5{digits}"}
    typed = {"kind": "phone", "value": f"0151/5{digits}", "region": "DE"}
    return Person(banned, typed)


def _username(number: int) -> Person:
    dice = _dice("username", number)
    name = f"{_LAST[dice % 7]}_{_FIRST[dice // 7 % 8]}_{number}"
    return _pair("username", name, name.title(), "play.example")


def _device(number: int) -> Person:
    digest = hashlib.sha256(f"fedsafe story device {number}".encode()).digest()
    value = str(uuid.UUID(bytes=digest[:16], version=4))
    return _pair("device", value, value.upper(), "phones.example")


def _payment(number: int) -> Person:
    account = f"{_BANK}{_dice('payment', number) % 10**_WIDE:010}"
    check = 98 - int(account + _CHECK_TAIL) % 97
    value = f"DE{check:02}{account}"
    spaced = " ".join(value[start : start + 4] for start in range(0, len(value), 4))
    return _pair("payment", value, spaced)


def _ip(number: int) -> Person:
    mixed = (number + 1) * 7_368_787 % 2**24  # odd, so no two are the same
    value = f"9.{mixed >> 16}.{mixed >> 8 & 255}.{mixed & 255}"
    return _pair("ip", value, _mapped(value))


def _url(number: int) -> Person:
    dice = _dice("url", number) % 10**6
    value = f"https://bilder{number}.tausch.example/album/{dice}"
    return _pair("url", value, _fragment(value))


def _mapped(value: str) -> str:
    return f"::ffff:{value}"


def _fragment(value: str) -> str:
    return f"{value}#top"


def _pair(kind: str, banned: str, typed: str, namespace: str | None = None) -> Person:
    common = {"kind": kind} | ({"namespace": namespace} if namespace else {})
    return Person(common | {"value": banned}, common | {"value": typed})


_MAKERS: Final[dict[str, Callable[[int], Person]]] = {
    "email": _email,
    "phone": _phone,
    "username": _username,
    "device": _device,
    "payment": _payment,
    "ip": _ip,
    "url": _url,
}
_RETYPED: Final[dict[str, Callable[[str], str]]] = {"ip": _mapped, "url": _fragment}
