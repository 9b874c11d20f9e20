# SPDX-License-Identifier: Apache-2.0
"""What a reader takes a pack to prove: bound, refused, or named as not proved.

The node itself signs most of these packs anew. `tests.campaigns.packs` does the same
with hundreds of changes.
"""

import asyncio
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from tests.campaigns.packs import SCRIPT, Verdict, content_with, judge
from tests.node.audit.conftest import (
    STAFF,
    Made,
    approved,
    export,
    key_of,
    write_events,
)
from tests.support.fleet import Fleet, make
from tests.support.pack_changes import written

from fedsafe_node.audit.packs.contents import policy_files
from fedsafe_node.evidence.verify import (
    _TEXTS,
    PackError,
    main,
    read_files,
    verify_pack,
)

LANDED = gzip.decompress((Path(__file__).parent / "landed.zip.gz").read_bytes())
"""A pack that the version before this verifier has made."""
LANDED_KEY = "742ddeebc31ded3d8a0f90051d61dcc9316477642bd7906229286dc43f658408"
LANDED_CHARTER = "5c51cbb06ad6f7b44c13624a712934e6b344723142164712bdc4aab983a9d766"


@pytest.fixture(params=["alone", "cosigned"])
def source(request: pytest.FixtureRequest, made: Made, cosigned: Made) -> Made:
    return cosigned if request.param == "cosigned" else made


def codes(pack: bytes, *trust: str, **options: int) -> set[str]:
    report = verify_pack(io.BytesIO(pack), *trust, **options)
    return {each.code for each in report.unproved}


def changed(made: Made, **documents: Any) -> bytes:  # noqa: ANN401 - JSON
    """Sign the pack anew with other documents."""
    files = dict(made.files)
    for name, document in documents.items():
        file = f"{name}.json"
        files[file] = json.dumps(document).encode()
    return written(files, made.key)


def refusal(pack: bytes, *trust: str) -> str:
    with pytest.raises(PackError) as caught:
        verify_pack(io.BytesIO(pack), *trust)
    return str(caught.value)


def test_an_unchanged_pack_proves_all_that_it_claims(
    made: Made, cosigned: Made
) -> None:
    assert codes(cosigned.pack, *cosigned.trust) == set()
    assert codes(cosigned.pack, cosigned.charter) == set()
    assert codes(made.pack, *made.trust, witnesses=0) == set()
    assert codes(made.pack, *made.trust) == {"witnesses"}
    assert codes(cosigned.pack) == {"trust", "charter"}


def test_another_policy_text_is_refused(source: Made) -> None:
    (old,) = [each for each in source.files if each.startswith("policies/")]
    text = b"# none of ours\n"
    digest = sha256(text).hexdigest()
    files = {n: d for n, d in source.files.items() if n != old}
    files[f"policies/{digest}.toml"] = text
    listed = dict.fromkeys(json.loads(files["policies.json"]), digest)
    both = files | {"policies.json": json.dumps(listed).encode()}

    assert "are not the same" in refusal(written(files, source.key), *source.trust)
    assert "another text" in refusal(written(both, source.key), *source.trust)


def test_a_policy_that_is_not_there_is_refused_or_named(source: Made) -> None:
    files = {n: d for n, d in source.files.items() if "policies" not in n}
    gone = dict.fromkeys(json.loads(source.files["policies.json"]))
    named = files | {"policies.json": json.dumps(gone).encode()}
    silent = files | {"policies.json": b"{}"}
    report = verify_pack(io.BytesIO(written(named, source.key)), *source.trust)
    (policy,) = [each for each in report.unproved if each.code == "policy"]

    assert refusal(written(files, source.key)) == "a file is missing"
    assert "says nothing of" in refusal(written(silent, source.key))
    assert f"its text (SHA-256 {_digest(source)}) is not here" in policy.en
    assert "fehlt; der Knoten sagt" in policy.de


def _digest(made: Made) -> str:
    (digest,) = json.loads(made.files["policies.json"]).values()
    return str(digest)


def test_false_keys_are_refused_or_named(made: Made, cosigned: Made) -> None:
    keys = json.loads(cosigned.files["keys.json"])
    for name in keys.keys() - {"audit", "fingerprint"}:
        why = refusal(changed(cosigned, keys=keys | {name: "00" * 32}))
        assert why == f"keys.json says another {name} key than the charter"
    own = json.loads(made.files["keys.json"])
    other = changed(made, keys=own | {"fingerprint": "00" * 32})
    assert "another fingerprint" in refusal(other)
    more = changed(made, keys=own | {"statement": "00" * 32})
    assert "keys" in codes(more, *made.trust, witnesses=0)
    assert own.keys() == {"audit", "fingerprint"}


def test_texts_that_are_read_and_run_are_known_or_named(source: Made) -> None:
    for name in ("README.de.md", "README.en.md", "verify.py"):
        files = source.files | {name: source.files[name] + b"\n"}
        assert name in codes(written(files, source.key), *source.trust)


def test_the_verifier_knows_the_texts_that_a_node_puts_into_packs() -> None:
    folder = resources("fedsafe_node.evidence").joinpath("data")
    for name, known in _TEXTS.items():
        assert sha256(folder.joinpath(name).read_bytes()).hexdigest() in known


def test_a_fingerprint_that_nothing_has_is_refused(source: Made) -> None:
    assert "another key than" in refusal(source.pack, *source.trust, "0" * 64)


@pytest.mark.parametrize("days", [-400, -2, 2, 400])
def test_a_time_far_from_what_was_cosigned_is_named(cosigned: Made, days: int) -> None:
    pack = json.loads(cosigned.files["pack.json"])
    made_at = datetime.fromisoformat(pack["made_at"])
    moved = str(made_at + timedelta(days=days)), str(made_at + timedelta(hours=20))
    far, near = (changed(cosigned, pack=pack | {"made_at": at}) for at in moved)
    report = verify_pack(io.BytesIO(far), *cosigned.trust)
    (named,) = report.unproved

    assert named.code == "made-at"
    assert f"That the pack was made at {moved[0]}: " in named.en
    assert f"Dass das Paket um {moved[0]} gemacht wurde: " in named.de
    assert codes(near, *cosigned.trust) == set()


def test_entries_that_nobody_has_cosigned_yet_are_named(late: Made) -> None:
    assert codes(late.pack, *late.trust) == {"tail"}


async def test_a_silent_member_does_not_stop_a_pack(trio: Fleet) -> None:
    await trio.witnessed("a.demo")
    await trio.stop("c.demo")
    await write_events(trio, 2)
    pack = await export(trio)

    assert codes(pack) >= {"trust", "charter"}


def test_policies_with_one_short_name_are_told_apart(tmp_path: Path) -> None:
    text = b"a text\n"
    whole = sha256(text).hexdigest()
    (tmp_path / f"{whole}.toml").write_bytes(text)
    other = whole[:8] + "0" * 56
    found = dict(policy_files({(f"ours@{whole[:8]}", other)}, tmp_path))

    assert json.loads(found["policies.json"]) == {f"ours@{whole[:8]}": None}


# --- packs of before -----------------------------------------------------------------


def test_a_pack_of_the_version_before_verifies_and_says_what_it_lacks() -> None:
    assert codes(LANDED, LANDED_KEY, LANDED_CHARTER) == {"tail", "verify.py"}


def test_the_verifier_of_before_reads_packs_of_today(
    cosigned: Made, tmp_path: Path
) -> None:
    script, pack = tmp_path / "verify.py", tmp_path / "pack.zip"
    script.write_bytes(dict(read_files(io.BytesIO(LANDED)))["verify.py"])
    pack.write_bytes(cosigned.pack)
    known = ("--fingerprint", cosigned.fingerprint, "--charter", cosigned.charter)
    done = subprocess.run(
        [sys.executable, "-I", script, pack, *known],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("VERIFIES / UNVERSEHRT\n")


# --- what it says --------------------------------------------------------------------


def said(pack: bytes, path: Path, *options: str) -> tuple[int, str]:
    path.write_bytes(pack)
    with redirect_stdout(io.StringIO()) as told:
        status = main([str(path), *options])
    return status, told.getvalue()


def test_each_language_stands_alone_and_programs_get_codes(
    cosigned: Made, tmp_path: Path
) -> None:
    path = tmp_path / "pack.zip"
    status, english = said(cosigned.pack, path, "--lang", "en")
    _, german = said(cosigned.pack, path, "--lang", "de")
    _, document = said(cosigned.pack, path, "--json")
    found = json.loads(document)

    assert status == 21
    assert "  - Whose keys these are." in english
    assert english.endswith("NOT ALL IS PROVED: 2\n")
    assert "Knoten" not in english
    assert "  - Wessen Schlüssel das sind." in german
    assert "proved" not in german
    assert "made, by the node's clock: 2026-" in english
    assert (found["status"], found["fingerprint"]) == (21, cosigned.fingerprint)
    assert [each["code"] for each in found["unproved"]] == ["trust", "charter"]


def test_what_a_pack_says_cannot_write_a_line_of_its_own(
    cosigned: Made, tmp_path: Path
) -> None:
    lines = cosigned.files["entries/000000000000.ndjson"].splitlines(keepends=True)
    line = json.loads(lines[0])
    line["openings"] = {"x\nVERIFIES / UNVERSEHRT": {"salt": "", "payload": ""}}
    lines[0] = json.dumps(line).encode() + b"\n"
    files = cosigned.files | {"entries/000000000000.ndjson": b"".join(lines)}
    status, told = said(written(files, cosigned.key), tmp_path / "pack.zip")

    assert status == 20
    assert told.count("\n") == 2  # a line in each language
    assert "UNVERSEHRT\n" not in told


ODD = {
    "a name twice": lambda text: text[:-1] + b"," + text[1:],
    "no number": lambda text: text[:-1] + b',"x":NaN}',
    "a fraction": lambda text: text.replace(b'"start": 1', b'"start": 1.0'),
    "true for one": lambda text: text.replace(b'"start": 1', b'"start": true'),
    "a number too long": lambda text: text[:-1] + b',"x":' + b"9" * 5_000 + b"}",
    "another encoding": lambda text: text.decode().encode("utf-16"),
    "a mark before it": lambda text: b"\xef\xbb\xbf" + text,
    "too deep": lambda text: text[:-1] + b',"x":' + b"[" * 100_000,
    "too many": lambda text: text[:-1] + b',"x":[' + b"[]," * 500_000 + b"[]]}",
    "too long": lambda text: text[:-1] + b',"x":"' + b"x" * 3_000_000 + b'"}',
    "a field more": lambda text: text[:-1] + b',"verdict":"guilty"}',
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_odd_documents_are_refused_in_a_sentence(
    made: Made, change: Callable[[bytes], bytes]
) -> None:
    text = made.files["pack.json"].strip()
    odd = change(text)
    why = refusal(written(made.files | {"pack.json": odd}, made.key))

    assert odd != text
    assert why


def test_nothing_stands_behind_the_manifest(made: Made) -> None:
    *first, last, manifest = made.files.items()
    files = dict([*first, manifest, last])

    assert "stands behind the manifest" in refusal(written(files))


def test_without_cryptography_it_says_what_to_install(
    made: Made, tmp_path: Path
) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(made.pack)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(pack)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "verify/bin/pip install cryptography" in done.stderr
    assert "kann nicht prüfen" in done.stderr


# --- many changes --------------------------------------------------------------------


def test_no_change_of_a_claim_passes(
    made: Made, cosigned: Made, tmp_path: Path
) -> None:
    """A short campaign, in this process; `python -m tests.campaigns.packs` is long."""
    path = tmp_path / "pack.zip"

    def ask(pack: bytes, options: Sequence[str]) -> Verdict:
        return said(pack, path, *options)

    both = [cosigned, made]
    found = [
        f"{number}: {forged.what}: {outcome}"
        for number, forged, outcome in judge(both, range(120), 20261130, ask)
        if outcome.startswith("WRONG")
    ]

    assert found == []
    for each in both:
        assert said(each.pack, path, *content_with(each))[0] == 0


async def test_a_strangers_knock_keeps_no_pack_from_verifying(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    await fleet.start("a.demo")
    url = fleet["a.demo"].base.config.url
    async with ClientSession() as http, http.get(f"{url}/v1/status") as response:
        refused = response.status
    store, log = fleet["a.demo"].base.store, fleet["a.demo"].base.trail.log
    last = await store.read(lambda reader: reader.log_size(log)) - 1
    act = await approved(fleet, first=0, last=last)
    pack = await export(fleet, act=act, first=0, last=last)
    key = key_of(fleet)
    await fleet.close()
    report = await asyncio.to_thread(verify_pack, io.BytesIO(pack), key, witnesses=0)

    assert refused == 401
    assert report.counts["withheld"] == 1
    assert report.counts["openings"] > 0
