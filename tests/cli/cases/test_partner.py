# SPDX-License-Identifier: Apache-2.0
import json
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.shown_partners import CHANNELS, ENTRY, HOST_KEY, LIST, RECEIPT, SHOWN

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run


def test_partners_and_offices_are_listed_in_both_languages(
    node: "FakeNode", ask: "Run"
) -> None:
    node.always("GET /v1/partners", LIST)
    english, german = ask("partner", "list"), ask("partner", "list", "--lang", "de")
    node.always("GET /v1/partners", LIST | {"partners": []})

    assert "NOT VERIFIED" in english.out
    assert "no emergency line" in english.out
    assert "77de 4410" in english.out
    assert "NICHT GEPRÜFT" in german.out
    assert "kein Notruf" in german.out
    assert "no partner is entered" in ask("partner", "list").out


def test_a_verification_that_counts_no_more_is_named(
    node: "FakeNode", ask: "Run"
) -> None:
    before = SHOWN | {"verified_by": "ben", "verified_at": 1}
    node.always("GET /v1/partners", LIST | {"partners": [before]})
    english, german = ask("partner", "list"), ask("partner", "list", "--lang", "de")

    assert "lka: verified without its server's host key" in english.out
    assert "neu prüfen, mit --host-key-fingerprint" in german.out


def test_an_entry_comes_from_a_file_and_another_person_is_asked(
    node: "FakeNode", ask: "Run", tmp_path: Path
) -> None:
    node.always("POST /v1/partners", RECEIPT | {"fingerprint": "3f9a"})
    entry, key = tmp_path / "lka.json", tmp_path / "lka.public"
    entry.write_text(json.dumps(ENTRY))
    key.write_text("public")
    more = ("--key", str(key), "--replaces", "2")
    added = ask("partner", "add", "lka", "--entry", str(entry), *more)
    entry.write_text("[]")
    wrong = ask("partner", "add", "lka", "--entry", str(entry))

    assert (added.status, wrong.status) == (0, 5)
    asks = 'partner verify lka --revision 1 --reference … --fingerprint "…"'
    assert f"{asks}\n" in added.err
    asked = {"partner": "lka", "revision": 2, "entry": ENTRY | {"key": "public"}}
    assert node.asked[-1] == ("POST /v1/partners", asked)


def test_channels_are_tried_in_the_order_of_the_command_line(
    node: "FakeNode", ask: "Run", tmp_path: Path
) -> None:
    node.always("POST /v1/partners", RECEIPT)
    entry, host = tmp_path / "lka.json", tmp_path / "host.pub"
    entry.write_text(json.dumps(ENTRY))
    host.write_text(f"{HOST_KEY} root@sftp\n")
    add = ("partner", "add", "lka", "--entry", str(entry))
    sftp = ("--sftp", "fedsafe@sftp.lka.example:2022/in", "--host-key", str(host))
    mail = ("--mail", "intake@lka.example")
    added = ask(*add, "--webhook", "https://lka.example/cases", *sftp, *mail)

    assert added.status == 0
    assert '--reference … --host-key-fingerprint "…"\n' in added.err
    body = node.asked[-1][1]
    assert isinstance(body, dict)
    assert body["entry"]["channels"] == CHANNELS


def test_a_server_is_entered_with_its_host_key_only(
    node: "FakeNode", ask: "Run", tmp_path: Path
) -> None:
    entry, host = tmp_path / "lka.json", tmp_path / "host"
    entry.write_text(json.dumps(ENTRY))
    host.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n")
    add = ("partner", "add", "lka", "--entry", str(entry))
    without = ask(*add, "--sftp", "fedsafe@sftp.lka.example/in")
    alone = ask(*add, "--host-key", str(host))
    private = ask(*add, "--sftp", "f@lka.example", "--host-key", str(host))
    nameless = ask(*add, "--sftp", "lka.example", "--host-key", str(host))

    assert (without.status, alone.status, nameless.status) == (2, 2, 2)
    assert (private.status, "no private one" in private.err) == (5, True)
    assert node.asked == []


def test_channels_are_listed_with_the_host_keys_fingerprint(
    node: "FakeNode", ask: "Run"
) -> None:
    shown = SHOWN | {"entry": ENTRY | {"channels": CHANNELS}}
    node.always("GET /v1/partners", LIST | {"partners": [shown]})
    listed = ask("partner", "list").out

    assert "SFTP fedsafe@sftp.lka.example:2022/in SHA256:" in listed
    assert "mail intake@lka.example, portal" in listed


def test_what_was_read_out_is_given_to_the_node(node: "FakeNode", ask: "Run") -> None:
    verified = RECEIPT | {"standing": "verified", "revision": 2, "verified_until": 9}
    node.always("POST /v1/partners/lka/verify", verified)
    call = ("--revision", "1", "--reference", "call-7", "--fingerprint", "3f9a")
    done = ask("partner", "verify", "lka", *call, "--lang", "de")

    assert done.status == 0
    assert "lka: Fassung 1 ist geprüft; das ist nun Fassung 2, bis 1970-" in done.out
    body = {"revision": 1, "reference": "call-7", "fingerprint": "3f9a", "days": 180}
    assert node.asked[-1] == ("POST /v1/partners/lka/verify", body)
    assert ask("partner", "verify", "../x", *call).status == 2


def test_the_key_of_a_server_is_read_out_too(node: "FakeNode", ask: "Run") -> None:
    verified = RECEIPT | {"standing": "verified", "revision": 2, "verified_until": 9}
    node.always("POST /v1/partners/lka/verify", verified)
    call = ("--revision", "1", "--reference", "call-7")
    done = ask("partner", "verify", "lka", *call, "--host-key-fingerprint", "SHA256:a")

    assert done.status == 0
    body = node.asked[-1][1]
    assert isinstance(body, dict)
    assert body["host_keys"] == ["SHA256:a"]


def test_a_test_package_is_written_once(
    node: "FakeNode", ask: "Run", tmp_path: Path
) -> None:
    sealed = b64encode(b"sealed").decode()
    answer = {"partner": "lka", "signer": "77de 4410", "sealed": sealed}
    node.always("POST /v1/partners/lka/test", answer)
    out = tmp_path / "test.sealed"
    first = ask("partner", "test", "lka", "--out", str(out))
    again = ask("partner", "test", "lka", "--out", str(out))

    assert (first.status, again.status) == (0, 5)
    assert out.read_bytes() == b"sealed"
    assert "77de 4410" in first.out


def sealed_for_nobody(**facts: object) -> dict[str, Any]:
    more = {"signer": "77de 4410", "format": "hpke", "host_keys": []}
    sealed = {"sealed": b64encode(b"sealed").decode(), "signature": None}
    return RECEIPT | {"fingerprint": "3f9a"} | more | sealed | facts


def test_a_test_package_goes_to_standard_output_and_nothing_else(
    node: "FakeNode", ask: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-.sig").write_bytes(b"of another")
    signed = sealed_for_nobody(signature=b64encode(b"signed").decode())
    node.always("POST /v1/partners/lka/test", signed)
    done = ask("partner", "test", "lka", "--out", "-", "--json")

    assert (done.status, done.out) == (0, "sealed")
    assert "for lka is in standard output; our fingerprint: 77de 4410" in done.err
    assert "without its signature: name a file" in done.err
    assert "nobody has verified this entry" in done.err
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["-.sig"]


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        ("unverified", ("nobody has verified", "hat niemand geprüft")),
        ("expired", ("has expired", "ist abgelaufen")),
    ],
)
def test_a_test_warns_of_a_key_that_nobody_has_verified(
    node: "FakeNode", ask: "Run", tmp_path: Path, standing: str, words: tuple[str, str]
) -> None:
    facts = {"standing": standing, "revision": 3, "host_keys": ["SHA256:a"]}
    node.always("POST /v1/partners/lka/test", sealed_for_nobody(**facts))
    test, out = ("partner", "test", "lka", "--out"), str(tmp_path / "c")
    english, german = ask(*test, f"{out}1"), ask(*test, f"{out}2", "--lang", "de")
    found = ask(*test, f"{out}3", "--json").document

    command = (
        "fedsafe partner verify lka --revision 3 --reference … "
        '--fingerprint "…" --host-key-fingerprint "…"'
    )
    for word, done in zip(words, (english, german), strict=True):
        assert done.status == 0
        assert word in done.err
        assert command in done.err
    (warning,) = found["warnings"]
    assert warning["code"] == f"partner_{standing}"
    assert command in warning["en"]
    assert "eine zweite Person ruft an" in warning["de"]
    assert found["standing"] == standing


def test_a_test_warns_of_no_key_that_was_verified(
    node: "FakeNode", ask: "Run", tmp_path: Path
) -> None:
    node.always("POST /v1/partners/lka/test", sealed_for_nobody(standing="verified"))
    test, out = ("partner", "test", "lka", "--out"), str(tmp_path / "c")
    done, found = ask(*test, f"{out}1"), ask(*test, f"{out}2", "--json")

    assert "verif" not in done.err
    assert found.document["warnings"] == []


def test_a_private_key_goes_to_no_standard_output(
    ask: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ask("partner", "key", "-")

    assert (done.status, done.out) == (5, "")
    assert "name a file" in done.err
    assert not (tmp_path / "-").exists()


def test_the_public_key_of_a_kept_one_is_printed_again(
    ask: "Run", tmp_path: Path
) -> None:
    private = tmp_path / "partner.key"
    made = ask("partner", "key", str(private))
    kept = private.read_bytes()
    again = ask("partner", "key", "--public", str(private))
    (tmp_path / "other").write_bytes(b"x")
    refused = [
        ask("partner", "key", "--public", str(tmp_path / name))
        for name in ("other", "nowhere")
    ]

    assert (again.status, again.out, again.err) == (0, made.out, made.err)
    assert private.read_bytes() == kept
    assert [each.status for each in refused] == [5, 5]


def test_a_field_that_lacks_in_an_entry_is_named(
    node: "FakeNode", ask: "Run", tmp_path: Path
) -> None:
    entry = tmp_path / "lka.json"
    entry.write_text("{}")
    detail = "a required field is missing"
    problem = {"code": "invalid_body", "detail": detail, "pointer": "/entry/name"}
    node.always("POST /v1/partners", problem, 422)
    outcome = ask("partner", "add", "lka", "--entry", str(entry))

    assert "look at --entry: name" in outcome.err


@pytest.mark.parametrize(
    ("known", "options"),
    [
        ((), ""),
        (("certificate_fingerprint",), ' --certificate-fingerprint "…"'),
        (
            ("openpgp_fingerprint", "fingerprint"),
            ' --fingerprint "…" --openpgp-fingerprint "…"',
        ),
    ],
)
def test_each_key_that_was_entered_is_to_be_compared(
    node: "FakeNode",
    ask: "Run",
    tmp_path: Path,
    known: tuple[str, ...],
    options: str,
) -> None:
    node.always("POST /v1/partners", RECEIPT | dict.fromkeys(known, "3f9a"))
    entry = tmp_path / "lka.json"
    entry.write_text(json.dumps(ENTRY))
    added = ask("partner", "add", "lka", "--entry", str(entry))

    assert f"verify lka --revision 1 --reference …{options}\n" in added.err


def test_what_was_not_compared_is_named_by_its_options(
    node: "FakeNode", ask: "Run"
) -> None:
    detail = "give certificate_fingerprint as it was read out"
    problem = {"code": "not_comparable", "detail": detail}
    node.always("POST /v1/partners/lka/verify", problem, 409)
    verify = ("partner", "verify", "lka", "--revision", "1", "--reference", "call-7")
    no_key = ask(*verify).err
    detail = "a partner without a phone number cannot be called"
    problem = {"code": "no_phone", "detail": detail}
    node.always("POST /v1/partners/lka/verify", problem, 409)
    no_phone = ask(*verify).err

    assert "--certificate-fingerprint (X.509)" in no_key
    assert "--host-key-fingerprint" in no_key
    assert "enter its phone" in no_phone
    assert "fingerprint" not in no_phone


def test_a_key_that_is_refused_is_named_by_the_option_that_gave_it(
    node: "FakeNode", ask: "Run", tmp_path: Path
) -> None:
    entry, key = tmp_path / "lka.json", tmp_path / "own.pem"
    entry.write_text(json.dumps(ENTRY))
    key.write_text("public")
    problem = {"code": "bad_partner_key", "pointer": "/entry/certificate"}
    node.always("POST /v1/partners", problem | {"detail": "too weak"}, 422)
    add = ("partner", "add", "lka", "--entry", str(entry))
    given, inside = ask(*add, "--certificate", str(key)), ask(*add)

    assert "hint: look at --certificate\n" in given.err
    assert "hint: look at --entry: certificate\n" in inside.err


def test_a_certificate_that_was_written_is_told(
    node: "FakeNode", ask: "Run", tmp_path: Path
) -> None:
    node.always("GET /v1/partners", LIST)
    files = [tmp_path / "a.pem", tmp_path / "b.pem"]
    command = ("partner", "list", "--certificate")
    english = ask(*command, str(files[0]))
    german = ask(*command, str(files[1]), "--lang", "de")

    assert english.out.splitlines() == [
        f"our X.509 certificate is in {files[0]}",
        "its fingerprint (SHA-256, the first 32 digits): 88ef 5521",
    ]
    assert f"unser X.509-Zertifikat liegt in {files[1]}\n" in german.out
    assert files[1].read_text() == LIST["certificate"]


def test_a_certificate_that_is_asked_for_is_all_that_is_told(
    node: "FakeNode", ask: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    node.always("GET /v1/partners", LIST)
    command = ("partner", "list", "--certificate")
    shown, found = ask(*command, "-"), ask(*command, "a.pem", "--json")

    assert shown.out == LIST["certificate"]
    assert "88ef 5521" in shown.err
    assert not (tmp_path / "-").exists()
    assert found.document == {
        "file": "a.pem",
        "certificate_fingerprint": LIST["certificate_fingerprint"],
    }
