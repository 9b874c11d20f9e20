# SPDX-License-Identifier: Apache-2.0
"""Planted values and everything that a run must keep to itself.

A *plant* is an identifier as somebody types it. What must not come out is its raw
and its canonical spelling, its OPRF outputs under the federation's key and every
own key, and all secrets of the nodes: keys, shares, credentials.
"""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.federation import Federation
from tests.support.loot import Loot, rob
from tests.support.search import Haystack, encodings

from fedsafe_crypto.oprf.shares import recover
from fedsafe_crypto.oprf.voprf import Mode, output_direct
from fedsafe_federation.identifiers import canonicalise
from fedsafe_node.ground.config import Place
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.keys.own_keys import load_shares
from fedsafe_policies.vocabulary import IdentifierKind

PEOPLE: Final[dict[str, dict[str, str]]] = {
    "email": {"kind": "email", "value": "Zora.Geheim+promo@planted-post.example"},
    "phone": {"kind": "phone", "value": "0151 7654 3210", "region": "DE"},
    "username": {
        "kind": "username",
        "value": "Ägidius_Planted77",
        "namespace": "play.example",
    },
    "device": {
        "kind": "device",
        "value": "6F9619FF-8B86-D011-B42D-00C04FC964FF",
        "namespace": "vendor.example",
    },
    "payment": {"kind": "payment", "value": "DE89 3704 0044 0532 0130 00"},
    "ip": {"kind": "ip", "value": "81.169.213.77"},
    "url": {
        "kind": "url",
        "value": "https://planted-host.example/Profil/Zora?seite=geheim#unten",
    },
}
ARGUMENT: Final = "argument.planted@typed-post.example"
"""Given as an argument, so the process list shows it; nothing else may."""

FALSE_CREDENTIAL: Final = "fs1_" + "Planted7" * 5 + "xyz"


@dataclass(frozen=True, slots=True)
class Secret:
    """What must not come out, in all its forms; `homes` are the places for it."""

    name: str
    forms: tuple[bytes, ...]
    homes: tuple[Path, ...] = ()


def secrets_of(fed: Federation, folder: Path, digests: Iterable[str]) -> list[Secret]:
    """Gather all that this federation's run must keep to itself."""
    copies = [fed.copy(node, folder / node.name) for node in fed.nodes]
    loot = rob(*copies)
    found = [
        Secret(f"{name}, {what}", tuple(encodings(value)))
        for name, about in PEOPLE.items()
        for what, value in _faces(about, loot)
    ]
    found += [
        Secret(f"digest {digest[:6]}", tuple(_of_digest(digest))) for digest in digests
    ]
    for text in (ARGUMENT, FALSE_CREDENTIAL):
        found.append(Secret(text, tuple(encodings(text.encode()))))
    found += _keys(fed.root)
    for path in sorted(fed.root.glob("**/*credentials/**/*.key")):
        token = path.read_bytes().strip()
        raw = base64.urlsafe_b64decode(token.removeprefix(b"fs1_") + b"=")
        forms = (*encodings(token), *encodings(raw))
        found.append(Secret(f"credential {path.stem}", forms, (path,)))
    custody = {*fed.root.glob("custody/*.key"), *fed.root.glob("**/*.custody.key")}
    for path in sorted(custody):
        forms = tuple(encodings(path.read_bytes()))
        found.append(Secret(f"custody key {path.stem}", forms, (path,)))
    return found


def _faces(about: dict[str, str], loot: Loot) -> Iterator[tuple[str, bytes]]:
    canonical = canonicalise(
        IdentifierKind[about["kind"].upper()],
        about["value"],
        region=about.get("region"),
        namespace=about.get("namespace"),
    )
    yield "as typed", about["value"].encode()
    yield "canonical", canonical.value.encode()
    person = Person(canonical)
    keys = [(loot.federation, recover(loot.shares))]
    keys += [(f"own:{name}", key) for name, key in loot.own_scalars.items()]
    for federation, key in keys:
        x = person.input(federation)
        yield f"output under {federation}", output_direct(key, x, Mode.VOPRF)


def _of_digest(digest: str) -> Iterator[bytes]:
    yield from encodings(bytes.fromhex(digest))
    yield from encodings(digest.encode())


def _keys(root: Path) -> Iterator[Secret]:
    homes: dict[bytes, list[Path]] = {}
    for config in sorted(root.rglob("node.toml")):
        place = Place(config.parent)
        for path in sorted(place.keys.rglob("*.key")):
            content = path.read_bytes()
            if path.name.startswith("share-"):
                parts = [share.secret for share in load_shares(place).values()]
            else:
                parts = [content[at : at + 32] for at in range(0, len(content), 32)]
            for part in parts:
                homes.setdefault(part, []).append(path)
    for part, paths in homes.items():
        yield Secret(f"key {paths[0].name}", tuple(encodings(part)), tuple(paths))


def leaks(
    secrets: Iterable[Secret], sources: Iterable[tuple[str, bytes]]
) -> list[tuple[str, str]]:
    """Find secrets in sources; a source is what its name says and its bytes."""
    needles: list[bytes] = []
    owners: list[Secret] = []
    for secret in secrets:
        needles += secret.forms
        owners += [secret] * len(secret.forms)
    found: set[tuple[str, str]] = set()
    for name, data in sources:
        for place in Haystack(data).find(needles):
            secret = owners[place]
            if name not in map(str, secret.homes):
                found.add((secret.name, name))
    return sorted(found)
