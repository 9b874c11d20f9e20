# SPDX-License-Identifier: Apache-2.0
"""What ends with an epoch is listed, and published anew out of custody."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.doctor.epochs import epochs
from fedsafe_cli.doctor.texts import said
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.identifiers import canonicalise
from fedsafe_node.ground.key_files import write_secret
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.signals.custody import Custody
from fedsafe_policies.vocabulary import IdentifierKind

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ID = "01936000-0000-7000-8000-000000000001"
NODE = "a.example.de"
ENDING = "GET /v1/signals/ending"
MADE = {"signal": ID, "state": "draft", "scope": "federation", "plane": "actor"}
STATED = (
    *("--phenomenon", "grooming", "--surface", "public_content"),
    *("--grade", "confirmed_conduct", "--rule", "tos-4.2"),
    *("--removed-on", "2026-11-24", "--finding", "adult"),
)


def kept(key: RecipientKey) -> dict[str, Any]:
    canonical = canonicalise(IdentifierKind.EMAIL, "mallory@mail.example")
    sealed = Custody(NODE, key.public).seal(read_signal_id(ID), canonical)
    each = {"signal": ID, "epoch": 1, "sealed": base64.b64encode(sealed).decode()}
    return {"origin": NODE, "until": "2027-12-24", "signals": [each], "more": False}


@pytest.fixture
def custody(tmp_path: Path) -> tuple[RecipientKey, Path]:
    key, path = RecipientKey.generate(), tmp_path / "safe" / "custody.key"
    write_secret(path, key.to_bytes())
    return key, path


def test_what_ends_with_an_epoch_is_listed(
    ask: "Run", node: "FakeNode", custody: tuple[RecipientKey, Path]
) -> None:
    node.always(ENDING, kept(custody[0]))
    shown = ask("signal", "ending", "--lang", "en")

    assert ID in shown.out
    assert "2027-12-24" in shown.out
    assert "custody" in shown.out
    node.always(ENDING, {"origin": NODE, "until": None, "signals": [], "more": False})
    assert "kein Signal" in ask("signal", "ending", "--lang", "de").out


def test_it_is_drafted_anew_out_of_custody(
    ask: "Run", node: "FakeNode", custody: tuple[RecipientKey, Path]
) -> None:
    key, path = custody
    node.always(ENDING, kept(key))
    node.always("POST /v1/signals", MADE)
    done = ask("signal", "renew", ID, "--custody-key", str(path), *STATED)

    assert done.status == 0, done.err
    [body] = [said for target, said in node.asked if target == "POST /v1/signals"]
    assert body["about"] == {"kind": "email", "value": "mallory@mail.example"}
    assert (body["renews"], body["scope"]) == (ID, "federation")
    assert "mallory" not in done.out + done.err


def test_another_key_opens_nothing_and_says_so(
    ask: "Run", node: "FakeNode", custody: tuple[RecipientKey, Path]
) -> None:
    node.always(ENDING, kept(RecipientKey.generate()))
    done = ask("signal", "renew", ID, "--custody-key", str(custody[1]), *STATED)

    assert done.status == 5
    assert "is not the custody key of this node" in done.err
    assert "Traceback" not in done.err


def test_what_does_not_end_is_not_renewed(
    ask: "Run", node: "FakeNode", custody: tuple[RecipientKey, Path]
) -> None:
    node.always(ENDING, {"origin": NODE, "until": None, "signals": [], "more": False})
    done = ask("signal", "renew", ID, "--custody-key", str(custody[1]), *STATED)

    assert done.status == 5
    assert "signal ending" in done.err


@pytest.mark.parametrize(
    ("day", "level"),
    [("2027-10-20", "ok"), ("2027-11-01", "warn"), ("2027-12-01", "fail")],
)
def test_doctor_says_when_an_epoch_ends(day: str, level: str) -> None:
    now = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    [found] = epochs({"epoch": 1, "epoch_ends": "2027-11-24"}, now)
    [_, old] = epochs({"epoch_ends": "2029-01-01", "ending_over": "2027-12-24"}, now)

    assert found.level == level
    assert "2027-11-24" in str(found.found)
    assert "signal ending" in str(old.way_out)
    for text in (found.found, old.found, old.way_out, found.way_out):
        if text is not None:
            assert said(text, language="de") != text


def test_doctor_says_which_media_keys_nothing_binds() -> None:
    [found] = epochs({"keys_uncommitted": ["1.2"]}, 0)

    assert found.level == "warn"
    assert "generation 1.2" in str(found.found)
    assert "fedsafe federation reshare" in str(found.way_out)
    for text in (found.found, found.way_out):
        assert text is not None
        assert said(text, language="de") != text
