# SPDX-License-Identifier: Apache-2.0
"""Changes to an evidence pack, and what each must lead to.

Half of them are made by whoever has the pack only, half by the node itself: it has its
audit key, writes the tree, the checkpoint and the manifest anew and signs them. Each
says which claim it changes, and by which codes the verifier may name that claim as not
proved; anything else than these and a refusal is a finding. `None` says that no claim
is changed, so the pack has to verify as before.
"""

import io
import json
import zipfile
from base64 import b64decode, b64encode
from binascii import crc32
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

from tests.node.audit.conftest import Made

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import cosign
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey
from fedsafe_crypto.tlog.tiles import TileSource
from fedsafe_crypto.tlog.tree import Frontier, consistency_proof, leaf_hash
from fedsafe_federation.charter.charter import CHARTER
from fedsafe_federation.wire.signed import sign_payload
from fedsafe_node.audit.packs.archive import Archive
from fedsafe_node.evidence.verify import MANIFEST, central_header, end_record

Files = dict[str, bytes]
Codes = frozenset[str]
REFUSED: Final[Codes] = frozenset()
_ENTRIES: Final = "entries/"
_GENERIC: Final = {
    "pack.json": REFUSED,
    "keys.json": REFUSED,
    "proof.json": REFUSED,
    "policies.json": frozenset({"policy", "policy-unused"}),
    "cosigned.json": frozenset({"witnesses", "tail"}),
    "charter.json": REFUSED,
}


@dataclass(frozen=True)
class Forged:
    """A changed pack; `codes` are those that may name the claim, None if none changed.

    `told` are fields that the verifier has to show as the node's word.
    """

    what: str
    pack: bytes
    codes: Codes | None
    trust: tuple[str, ...]
    signed: bool
    told: tuple[tuple[str, object], ...] = ()


def packed(files: Iterable[tuple[str, bytes]], key: SigningKey | None = None) -> bytes:
    """Write an archive of exactly these files, signed anew if there is a key."""
    archive, pieces, directory = Archive(), list[bytes](), bytearray()
    for name, data in files:
        if key is None or name != MANIFEST:
            offset = sum(map(len, pieces))
            directory += central_header(name.encode(), crc32(data), len(data), offset)
            pieces.append(archive.add(name, data))
    if key is not None:
        return b"".join(pieces) + archive.close("a.demo/audit", key)
    end = end_record(len(pieces), len(directory), sum(map(len, pieces)))
    return b"".join(pieces) + bytes(directory) + end


def written(files: Files, key: SigningKey | None = None) -> bytes:
    """Write an archive of files of which each is there once."""
    return packed(files.items(), key)


def root_of(leaves: Sequence[bytes]) -> bytes:
    tree = Frontier()
    tree.extend(leaves)
    return tree.root()


class Forger:
    """Draws changes; the same seed draws the same ones of the same pack."""

    def __init__(self, source: Made, seed: int) -> None:
        self._source = source
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 - to repeat a run
        self._foreign: list[Callable[[], Forged]] = [
            *(self._flip, self._cut, self._insert, self._without, self._swapped),
            *(self._renamed, self._added, self._content, self._deflated),
            *(self._stranger, self._twice),
        ]
        own: list[Callable[[], Forged]] = [
            *(self._same, self._other_policy, self._no_policy, self._policy_gone),
            *(self._more_policy, self._false_key, self._more_keys, self._pack_field),
            *(self._moment, self._readme, self._record, self._hidden, self._claimed),
            *(self._payload, self._shorter, self._rewritten, self._alone),
            *(self._generic, self._generic, self._generic, self._text, self._line_text),
        ]
        cosigned = [
            *(self._witness_gone, self._false_witness, self._other_witness),
            *(self._tail, self._later_anchor, self._charter, self._invented),
        ]
        self._own = own + (cosigned if source.charter else [])

    def draw(self, turn: int, *, signed: bool) -> Forged:
        """Draw the change of a turn; the kinds come one after the other."""
        self._random = Random(f"{self._seed} {turn} {signed}")  # noqa: S311
        kinds = self._own if signed else self._foreign
        return kinds[turn % len(kinds)]()

    # --- by whoever has the pack ------------------------------------------------

    def _raw(self, what: str, pack: bytes) -> Forged:
        return Forged(what, pack, REFUSED, self._source.trust, signed=False)

    def _flip(self) -> Forged:
        pack = bytearray(written(self._source.files))
        at = self._random.randrange(len(pack))
        pack[at] ^= 1 << self._random.randrange(8)
        return self._raw(f"byte {at} flipped", bytes(pack))

    def _cut(self) -> Forged:
        pack = written(self._source.files)
        at = self._random.randrange(len(pack))
        return self._raw(f"cut at {at}", pack[:at])

    def _insert(self) -> Forged:
        pack = written(self._source.files)
        at = self._random.randrange(len(pack) + 1)
        junk = self._random.randbytes(self._random.randint(1, 40))
        return self._raw(
            f"{len(junk)} bytes put in at {at}", pack[:at] + junk + pack[at:]
        )

    def _without(self) -> Forged:
        files = dict(self._source.files)
        name = self._random.choice(list(files))
        del files[name]
        return self._raw(f"without {name}", written(files))

    def _swapped(self) -> Forged:
        items = list(self._source.files.items())
        one, two = self._random.sample(range(len(items)), 2)
        items[one], items[two] = items[two], items[one]
        what = f"{items[one][0]} and {items[two][0]} swapped"
        return self._raw(what, written(dict(items)))

    def _renamed(self) -> Forged:
        name = self._random.choice(list(self._source.files))
        other = self._random.choice(
            ["../x", "/etc/passwd", f"policies/{'0' * 64}.toml", "x", name.upper()]
        )
        files = {other if n == name else n: d for n, d in self._source.files.items()}
        return self._raw(f"{name} renamed {other}", written(files))

    def _added(self) -> Forged:
        text = self._random.randbytes(9)
        files = self._source.files | {f"policies/{sha256(text).hexdigest()}.toml": text}
        return self._raw("a policy added", written(files))

    def _content(self) -> Forged:
        name = self._random.choice(list(self._source.files))
        data = bytearray(self._source.files[name])
        at = self._random.randrange(len(data))
        data[at] ^= 1 << self._random.randrange(8)
        files = self._source.files | {name: bytes(data)}
        return self._raw(f"byte {at} of {name} flipped, sums mended", written(files))

    def _deflated(self) -> Forged:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in self._source.files.items():
                archive.writestr(name, data)
        return self._raw("compressed", out.getvalue())

    def _stranger(self) -> Forged:
        """Another key signs all: whoever trusts a fingerprint sees another."""
        key = SigningKey.generate()
        vkey = VerifierKey.of("a.demo/audit", key.public).encode()
        keys = self._json("keys.json")
        keys |= {"audit": vkey, "fingerprint": sha256(vkey.encode()).hexdigest()}
        text = self._source.files["checkpoint"].decode().rpartition("\n\n")[0] + "\n"
        files = self._source.files | {
            "keys.json": _dumped(keys),
            "checkpoint": sign_checkpoint(Checkpoint.parse(text), key),
        }
        return self._raw("signed by a stranger", written(files, key))

    def _twice(self) -> Forged:
        name = self._random.choice(list(self._source.files))
        files = self._source.files
        return self._raw(f"{name} twice", packed([*files.items(), (name, files[name])]))

    # --- by the node itself -----------------------------------------------------

    def _signed(
        self,
        what: str,
        files: Files,
        codes: Iterable[str] | None = (),
        *,
        trust: tuple[str, ...] | None = None,
        told: Sequence[tuple[str, object]] = (),
    ) -> Forged:
        return Forged(
            what,
            written(files, self._source.key),
            None if codes is None else frozenset(codes),
            self._source.trust if trust is None else trust,
            signed=True,
            told=tuple(told),
        )

    def _json(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._source.files[name])
        return document

    def _with(self, name: str, document: object) -> Files:
        return self._source.files | {name: _dumped(document)}

    def _policies(self) -> list[str]:
        return [each for each in self._source.files if each.startswith("policies/")]

    def _lines(self) -> tuple[str, list[dict[str, Any]]]:
        names = [each for each in self._source.files if each.startswith(_ENTRIES)]
        name = self._random.choice(names)
        lines = self._source.files[name].splitlines()
        return name, [json.loads(line) for line in lines]

    def _same(self) -> Forged:
        return self._signed("signed anew", dict(self._source.files), None)

    def _other_policy(self) -> Forged:
        old = self._random.choice(self._policies())
        text = self._source.files[old] + b"# and more\n"
        digest = sha256(text).hexdigest()
        files = dict(self._source.files)
        del files[old]
        listed = self._json("policies.json")
        if self._random.random() < 0.5:
            was = old.removeprefix("policies/").removesuffix(".toml")
            listed = {n: digest if d == was else d for n, d in listed.items()}
        files |= {f"policies/{digest}.toml": text, "policies.json": _dumped(listed)}
        return self._signed("another policy text", _ordered(files))

    def _no_policy(self) -> Forged:
        gone = [*self._policies(), "policies.json"]
        if self._random.random() < 0.5:
            gone = gone[: self._random.randint(1, len(gone) - 1)]
        files = {n: d for n, d in self._source.files.items() if n not in gone}
        return self._signed(f"no {', '.join(each[:17] for each in gone)}", files)

    def _policy_gone(self) -> Forged:
        files = {
            n: d for n, d in self._source.files.items() if not n.startswith("policies/")
        }
        listed = dict.fromkeys(self._json("policies.json"))
        files["policies.json"] = _dumped(listed)
        return self._signed("a policy is said to be gone", _ordered(files), ["policy"])

    def _more_policy(self) -> Forged:
        text = b'name = "harsh"\n'
        digest = sha256(text).hexdigest()
        listed = self._json("policies.json") | {f"harsh@{digest[:8]}": digest}
        files = self._source.files | {
            f"policies/{digest}.toml": text,
            "policies.json": _dumped(listed),
        }
        return self._signed("a policy more", _ordered(files), ["policy-unused"])

    def _false_key(self) -> Forged:
        keys = self._json("keys.json")
        name = self._random.choice(list(keys))
        public = SigningKey.generate().public
        other = {
            "feed": VerifierKey.of("a.demo/feed", public).encode(),
            "witness": VerifierKey.of("a.demo/witness", public, COSIGNER).encode(),
            "audit": VerifierKey.of("a.demo/audit", public).encode(),
        }
        keys[name] = other.get(name, public.hex())
        return self._signed(
            f"a false {name} in keys.json", self._with("keys.json", keys)
        )

    def _more_keys(self) -> Forged:
        keys = self._json("keys.json")
        name = self._random.choice(["police", "note", "feed", "statement", "Audit"])
        keys[name] = SigningKey.generate().public.hex()
        return self._signed(
            f"{name} in keys.json", self._with("keys.json", keys), ["keys"]
        )

    def _pack_field(self) -> Forged:
        pack = self._json("pack.json")
        name, value = self._random.choice(
            [
                *(
                    ("node", "b.demo"),
                    ("node", "a.demo\nVERIFIES"),
                    ("log", "b.demo/audit"),
                ),
                *(("start", pack["start"] + 1), ("start", -1), ("start", True)),
                *(("end", pack["end"] - 1), ("end", 1e300), ("end", 10**30)),
                *(("events", []), ("events", ["lookup"]), ("events", "lookup")),
                *(
                    ("openings", "all"),
                    ("openings", None),
                    ("format", "fedsafe/evidence/2"),
                ),
                *(("made_at", "soon"), ("made_at", 7), ("minimum", -1)),
                *(
                    ("minimum", pack["end"] + 1),
                    ("note", "all is well"),
                    ("node", None),
                ),
            ]
        )
        what = f"{name} is {value!r:.30} in pack.json"
        return self._signed(what, self._with("pack.json", pack | {name: value}))

    def _moment(self) -> Forged:
        """The node says another time: far from a witness's clock it is named."""
        at = f"20{self._random.randint(10, 99)}-01-02T03:04:05+00:00"
        pack = self._json("pack.json") | {"made_at": at}
        told = [("made_at", at)]
        codes = ["made-at"] if self._source.charter else None
        return self._signed(
            "made at another time", self._with("pack.json", pack), codes, told=told
        )

    def _readme(self) -> Forged:
        name = self._random.choice(["README.de.md", "README.en.md", "verify.py"])
        files = self._source.files | {
            name: self._source.files[name] + b"\nAll is true.\n"
        }
        return self._signed(f"{name} says more", files, [name])

    def _record(self) -> Forged:
        name, lines = self._lines()
        line = self._random.choice(lines)
        record = json.loads(line["record"])
        record["outcome"] = "other"
        line["record"] = json.dumps(record)
        return self._signed(
            "a record changed", self._source.files | {name: _joined(lines)}
        )

    def _hidden(self) -> Forged:
        """The node hides an entry as one of another class."""
        name, lines = self._lines()
        line = self._random.choice(lines)
        shown = {
            json.loads(each["record"])["event"] for each in lines if each is not line
        }
        leaf = leaf_hash(line["record"].encode()).hex()
        line.clear()
        line |= {"index": 0, "leaf": leaf}
        for at, each in enumerate(lines):
            each["index"] = self._json("pack.json")["start"] + at
        pack = self._json("pack.json") | {"events": sorted(shown)}
        files = self._with("pack.json", pack) | {name: _joined(lines)}
        return self._signed("an entry hidden", files, ["omitted"])

    def _claimed(self) -> Forged:
        """The node says that what it has is erased."""
        name, lines = self._lines()
        full = [each for each in lines if each["openings"] or each["withheld"]]
        line = self._random.choice(full)
        group = self._random.choice([*line["openings"], *line["withheld"]])
        line["openings"].pop(group, None)
        line["withheld"] = [each for each in line["withheld"] if each != group]
        line["erased"][group] = self._random.choice([None, 1_795_000_000])
        files = self._source.files | {name: _joined(lines)}
        return self._signed(f"{group} said to be erased", files, ["erased"])

    def _payload(self) -> Forged:
        name, lines = self._lines()
        line = self._random.choice(lines)
        salt = b64encode(bytes(32)).decode()
        record = json.loads(line["record"])
        group = next(iter(record["commitments"]), "detail")
        line["openings"] = {group: {"salt": salt, "payload": '{"name":"innocent"}'}}
        line["withheld"] = [each for each in line["withheld"] if each != group]
        return self._signed(
            "an opening forged", self._source.files | {name: _joined(lines)}
        )

    def _shorter(self) -> Forged:
        name, lines = self._lines()
        at = self._random.randrange(len(lines))
        del lines[at]
        pack = self._json("pack.json")
        pack["end"] -= 1
        for number, each in enumerate(lines):
            each["index"] = pack["start"] + number
        files = self._with("pack.json", pack) | {name: _joined(lines)}
        return self._signed(f"entry {at} left out", files)

    def _rewritten(self) -> Forged:
        """The whole log anew, and what was cosigned kept beside it."""
        files = self._forge_log()
        if not self._source.charter:
            return self._signed("the log rewritten", files, ["witnesses"])
        return self._signed("the log rewritten", files)

    def _alone(self) -> Forged:
        """The log anew, as if nobody had cosigned."""
        files = self._forge_log()
        files = {
            n: d for n, d in files.items() if n not in {"charter.json", "cosigned.json"}
        }
        files = {n: d for n, d in files.items() if not n.startswith("anchors/")}
        keys = json.loads(files["keys.json"])
        files["keys.json"] = _dumped({n: keys[n] for n in ("audit", "fingerprint")})
        trust = (self._source.fingerprint,)
        return self._signed(
            "the log rewritten, alone", files, ["witnesses"], trust=trust
        )

    def _forge_log(self) -> Files:
        name, lines = self._lines()
        line = self._random.choice(lines)
        record = json.loads(line["record"])
        record["outcome"] = "other"
        line["record"] = json.dumps(record)
        for number, each in enumerate(lines):
            each["index"] = number
        leaves = [leaf_hash(each["record"].encode()) for each in lines]
        checkpoint = Checkpoint("a.demo/audit", len(leaves), root_of(leaves))
        pack = self._json("pack.json") | {"start": 0, "end": len(lines), "minimum": 0}
        made = {
            "pack.json": _dumped(pack),
            "checkpoint": sign_checkpoint(checkpoint, self._source.key),
            "proof.json": _dumped({"hashes": []}),
            f"{_ENTRIES}{0:012}.ndjson": _joined(lines),
        }
        files = {n: d for n, d in self._source.files.items() if n != name}
        return _ordered(files | made)

    def _generic(self) -> Forged:
        """Any value of any document is another, is gone, or is there besides."""
        there = [name for name in _GENERIC if name in self._source.files]
        name = self._random.choice(there)
        document, before = self._json(name), self._json(name)
        what = _change(document, self._random)
        files = self._with(name, document)
        if json.dumps(document) == json.dumps(before):
            return self._signed(f"{name} as it was", files, None)
        allowed: Codes = _GENERIC[name]
        told: list[tuple[str, object]] = []
        if name == "keys.json":
            allowed = frozenset({"keys"})
        if name == "pack.json" and set(document) == set(before):
            names = [each for each in document if document[each] != before[each]]
            if names in (["minimum"], ["made_at"]):
                told = [(names[0], document[names[0]])]
                allowed = frozenset({"made-at"})
        return self._signed(f"{what} in {name}", files, allowed, told=told)

    def _text(self) -> Forged:
        there = [name for name in _GENERIC if name in self._source.files]
        name = self._random.choice(there)
        text = self._source.files[name].strip()
        odd = self._random.choice(
            [
                b"", b"null", b"[]", b"{", b'"x"', b"\xff", b"\xef\xbb\xbf" + text,
                text.decode().encode("utf-16"), text + text, b"[" * 100_000,
                b'{"a":' * 50_000, b"{" + b'"a":[],' * 300_000 + b'"b":1}',
                text[:-1] + b',"x":NaN}', text[:-1] + b',"x":1e999}',
                text[:-1] + b',"x":' + b"9" * 5_000 + b"}",
                text[:-1] + b"," + text[1:], text[:-1] + b',"\\ud800":1}',
            ]
        )  # fmt: skip
        return self._signed(f"{odd[:20]!r} as {name}", self._source.files | {name: odd})

    def _line_text(self) -> Forged:
        name, _ = self._lines()
        lines = self._source.files[name].splitlines(keepends=True)
        at = self._random.randrange(len(lines))
        line = lines[at].strip()
        lines[at] = self._random.choice(
            [
                b"", b"\n", b"{}\n", b"[]\n", line, b"x" * 5_000_000 + b"\n",
                line[:-1] + b',"index":0}\n', line[:-1] + b',"note":"guilty"}\n',
                line.replace(b'"index":', b'"index":1.0,"i":') + b"\n",
                line[:-1] + b',"erased":[]}\n', b'{"index":' + b"[" * 90_000 + b"\n",
                b"\n" * 300, lines[at] * 300, b"\xff\n", line + b"\r" + line + b"\n",
            ]
        )  # fmt: skip
        files = self._source.files | {name: b"".join(lines)}
        return self._signed(f"line {at}: {lines[at][:30]!r}", files)

    # --- what others have cosigned ----------------------------------------------

    def _note(self) -> tuple[str, list[str]]:
        text, _, tail = self._json("cosigned.json")["checkpoint"].rpartition("\n\n")
        return f"{text}\n", tail.splitlines(keepends=True)

    def _with_note(self, text: str, lines: Sequence[str], **more: object) -> Files:
        said = self._json("cosigned.json") | {"checkpoint": f"{text}\n{''.join(lines)}"}
        return self._with("cosigned.json", said | more)

    def _witness_gone(self) -> Forged:
        text, lines = self._note()
        del lines[self._random.randint(1, len(lines) - 1)]
        return self._signed(
            "a witness less", self._with_note(text, lines), ["witnesses"]
        )

    def _false_witness(self) -> Forged:
        text, lines = self._note()
        at = self._random.randrange(len(lines))
        dash, name, encoded = lines[at].split()
        signature = bytearray(b64decode(encoded))
        signature[self._random.randrange(4, len(signature))] ^= 1
        lines[at] = f"{dash} {name} {b64encode(signature).decode()}\n"
        return self._signed("a false signature", self._with_note(text, lines))

    def _other_witness(self) -> Forged:
        text, lines = self._note()
        lines[1:] = [cosign(text, "b.demo/witness", SigningKey.generate(), at=1)]
        return self._signed(
            "a witness of its own", self._with_note(text, lines), ["witnesses"]
        )

    def _tail(self) -> Forged:
        """The node adds entries behind what was cosigned."""
        name, lines = self._lines()
        anchor = [each for each in self._source.files if each.startswith("anchors/")][
            -1
        ]
        last = json.loads(self._source.files[anchor].splitlines()[-1])
        old = int(last["audit"].split("\n")[1])
        records = [each["record"].encode() for each in lines] + list(self._source.more)
        records = records[:old] + records[:2]
        leaves = [leaf_hash(each) for each in records]
        for index in range(len(lines), len(records)):
            record = records[index].decode()
            withheld = sorted(json.loads(record)["commitments"])
            line = {"index": index, "record": record, "withheld": withheld}
            lines.append(line | {"openings": {}, "erased": {}})
        source = TileSource(len(leaves), lambda tile: b"".join(leaves[: tile.width]))
        proof = consistency_proof(source, old, len(leaves))
        said = self._json("cosigned.json") | {"consistency": [p.hex() for p in proof]}
        pack = self._json("pack.json") | {"end": len(lines)}
        checkpoint = Checkpoint("a.demo/audit", len(leaves), root_of(leaves))
        files = self._with("cosigned.json", said) | {
            "pack.json": _dumped(pack),
            "checkpoint": sign_checkpoint(checkpoint, self._source.key),
            "proof.json": _dumped({"hashes": []}),
            name: _joined(lines),
        }
        return self._signed("entries added behind what was cosigned", files, ["tail"])

    def _later_anchor(self) -> Forged:
        """The node leaves out the first leaves of its anchor."""
        (name,) = [each for each in self._source.files if each.startswith("anchors/")]
        lines = self._source.files[name].splitlines(keepends=True)
        hashes = [leaf_hash(json.loads(each)["record"].encode()) for each in lines]
        first = self._random.randint(1, len(lines) - 1)
        beside, start, rest = list[str](), 0, first
        while rest:
            width = 1 << rest.bit_length() - 1
            beside.append(root_of(hashes[start : start + width]).hex())
            start, rest = start + width, rest - width
        files = {n: d for n, d in self._source.files.items() if n != name}
        said = self._json("cosigned.json") | {"first": first, "proof": beside}
        files |= {
            "cosigned.json": _dumped(said),
            f"anchors/{first:012}.ndjson": b"".join(lines[first:]),
        }
        return self._signed(f"anchors from {first} on", _ordered(files), ["anchors"])

    def _charter(self) -> Forged:
        document = self._json("charter.json")
        kind = self._random.randrange(4)
        if kind == 0:
            del document["signatures"][
                self._random.randrange(len(document["signatures"]))
            ]
        elif kind == 1:
            document["signatures"].append(document["signatures"][0])
        elif kind == 2:
            document["before"] = [{"signatures": document["signatures"]}]
        else:
            document["note"] = "signed by all"
        return self._signed(f"charter {kind}", self._with("charter.json", document))

    def _invented(self) -> Forged:
        """A federation of the node's own, whose members it plays itself."""
        payload = json.loads(
            b64decode(self._json("charter.json")["signatures"][0]["payload"])
        )
        made: dict[str, tuple[SigningKey, SigningKey]] = {}
        for member in payload["members"]:
            statement, witness = SigningKey.generate(), SigningKey.generate()
            made[member["name"]] = statement, witness
            member["keys"] |= {
                "statement": b64encode(statement.public).decode(),
                "witness": b64encode(witness.public).decode(),
            }
        data = _dumped(payload)
        signed = [
            sign_payload(
                data,
                type_=CHARTER,
                signer=name,
                key=keys[0],
                federation=payload["federation"],
            )
            for name, keys in made.items()
        ]
        signatures = [
            {
                "type": CHARTER,
                "signer": each.signer,
                "payload": b64encode(data).decode(),
                "signature": b64encode(each.signature).decode(),
            }
            for each in signed
        ]
        text, lines = self._note()
        others = [name for name in made if name != "a.demo"]
        lines[1:] = [
            cosign(text, f"{n}/witness", made[n][1], at=1_795_000_000) for n in others
        ]
        keys = self._json("keys.json")
        keys["statement"] = made["a.demo"][0].public.hex()
        keys["witness"] = VerifierKey.of(
            "a.demo/witness", made["a.demo"][1].public, COSIGNER
        ).encode()
        files = self._with_note(text, lines) | {
            "charter.json": _dumped({"signatures": signatures}),
            "keys.json": _dumped(keys),
        }
        if self._random.random() < 0.5:
            return self._signed("an invented federation", files)
        trust = (self._source.fingerprint,)
        return self._signed("an invented federation", files, ["charter"], trust=trust)


def _dumped(document: object) -> bytes:
    return json.dumps(document).encode()


def _joined(lines: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(_dumped(each) + b"\n" for each in lines)


def _ordered(files: Files) -> Files:
    """Put files where a pack has them: entries, then policies, then the manifest."""
    places = ("anchors/", _ENTRIES, "policies/", "policies.json", MANIFEST)

    def place(name: str) -> tuple[int, str]:
        for number, start in enumerate(places, start=1):
            if name.startswith(start):
                return number, name
        return 0, ""

    return dict(sorted(files.items(), key=lambda item: place(item[0])))


def _change(document: Any, random: Random) -> str:  # noqa: ANN401 - JSON
    """Change one value somewhere inside a document; say what was done."""
    here, path = document, ""
    while True:
        if not here:
            return "nothing"
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = random.choice(keys)
        path += f"/{key}"
        value = here[key]
        if isinstance(value, (dict, list)) and value and random.random() < 0.8:
            here = value
            continue
        match random.randrange(4):
            case 0:
                del here[key]
                return f"{path} deleted"
            case 1 if isinstance(here, dict):
                here[f"{key}x"] = value
                return f"{path}x added"
            case 2:
                here[key] = random.choice(
                    [None, True, -1, 0, "", "x", [], {}, [[]], 2**70]
                )
                return f"{path} is {here[key]!r}"
            case _:
                here[key] = _other(value, random)
                return f"{path} is {here[key]!r:.30}"


def _other(value: Any, random: Random) -> Any:  # noqa: ANN401 - JSON
    match value:
        case str() if value:
            at = random.randrange(len(value))
            other = random.choice("0123456789abcdefXYZ/+=\n")
            return value[:at] + other + value[at + 1 :]
        case bool() | None:
            return "x"
        case int():
            return value + random.choice([-1, 1, 256])
        case list():
            return [*value, *value[:1]] or ["x"]
        case _:
            return [value]
