# SPDX-License-Identifier: Apache-2.0
"""After a run of everything, no planted value and no secret lies anywhere."""

import base64
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import pytest
from tests.support.commands import all_commands
from tests.support.federation import Federation, federation, until
from tests.support.loot import rob
from tests.support.search import Haystack, encodings
from tests.system.organisations import found_federations, payloads
from tests.system.planting import (
    ARGUMENT,
    FALSE_CREDENTIAL,
    PEOPLE,
    Secret,
    leaks,
    secrets_of,
)

from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_cli.terminal.exit_codes import ExitStatus

pytestmark = pytest.mark.timeout(900)

PICTURE = Path(__file__).parents[2] / "cli/fedsafe_cli/data/demo"
OWN = "device"
FACTS = ("--fact", "role=service", "--fact", "purpose=recheck", "--fact", "plane=actor")
EXEMPT = {
    "backup": "copies rows as they lie; what it writes is searched by "
    "tests/node/operations/backup/test_creation.py",
    "restore": "takes a backup, and what it writes is as in a node that never stopped",
    "demo story": "asks the routes that are asked here about people of its own; "
    "they are in no list of secrets, and tests/cli/test_end_to_end.py tells it",
    "demo links": "names invented people and their links; that no log has one is shown "
    "by tests/node/desk/test_demonstration.py",
    "signal renew": "takes an epoch that has ended, which no run lives to see; "
    "tests/cli/signals/test_renewal.py looks for the identifier in what it says",
    "store prepare": "takes no identifier; its secret is the owner's address, which "
    "tests/cli/node/test_node_server.py looks for in what it says",
    **dict.fromkeys(
        (f"node outside-key {each}" for each in ("new", "rotate", "remove", "recover")),
        "takes no identifier; what it leaves of keys in files, logs and backups is "
        "searched by tests/node/operations/test_outside_key_change.py",
    ),
    "node outside-key show": "reads no secret, only which files are wrapped, and by "
    "a key of which name",
    "store migrate": "copies rows as they lie; what it says and leaves on the way "
    "is searched by tests/node/operations/move and tests/cli/storage/test_store.py",
}
"""Commands that this run leaves out, and why."""

FINDING = (
    *("--phenomenon", "grooming", "--surface", "public_content"),
    *("--grade", "confirmed_conduct", "--rule", "tos-4.2", "--finding", "adult"),
    *("--removed-on", time.strftime("%Y-%m-%d", time.gmtime())),
)
_NEXT_MONTH = date(*time.gmtime()[:3]) + timedelta(days=30)
EVIDENCE = ("--evidence", "doc-7", "--expires", _NEXT_MONTH.isoformat())
WITHHOLDING = (
    *("--reason", "bdsg_29_1", "--note", "file-9"),
    *("--until", _NEXT_MONTH.isoformat()),
)
CONTACT = ("--contact", "trust@a.demo")
MEDIA = (
    *("--phenomenon", "abuse_depiction", "--surface", "public_content"),
    *("--grade", "confirmed_media", "--rule", "tos-4.2", "--scope", "federation"),
)


class Watch:
    """Notes the arguments of every process that begins while it looks.

    Those that began before are looked at as well. Until it runs its own program, a
    process shows the arguments of the one that it was forked from: so each is looked
    at several times, and no more after that.
    """

    _LOOKS: Final = 10

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._left: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            # No paths: at this pace, those of all processes took a fiftieth of a core.
            alive = [each for each in os.listdir("/proc") if each.isdecimal()]  # noqa: PTH208
            self._left = {each: self._left.get(each, self._LOOKS) for each in alive}
            for each in alive:
                if self._left[each]:
                    self._left[each] -= 1
                    with suppress(OSError):
                        self.seen.add(Path("/proc", each, "cmdline").read_bytes())


@dataclass(slots=True)
class Run:
    """All that a run left behind, by where it was found."""

    root: Path
    secrets: list[Secret]
    sources: list[tuple[str, bytes]] = field(default_factory=list)
    arguments: bytes = b""
    commands: set[str] = field(default_factory=set)


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("leaks")
    temporary = root / "tmp"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch, Watch() as watch:
        patch.setenv("TMPDIR", str(temporary))
        with federation(root / "f") as fed:
            digests = _everything(fed, root)
            secrets = secrets_of(fed, root / "before", digests)
            last = fed.copy(fed.a, root / "opened")
            running = list(_files(root / "f", temporary))
            down = fed.fedsafe("demo", "down", "--dir", str(fed.root))
            assert down.returncode == 0, down.stderr
    sources = [
        *running,
        *payloads(root / "f"),
        *(("printed", data) for data in fed.printed),
        *(("answer", answer.raw) for answer in fed.heard),
        *_files(root / "f", temporary),
        ("openings of a.demo", b"\n".join(rob(last).heap)),
    ]
    return Run(root, secrets, _joined(sources), b"\n".join(watch.seen), fed.ran)


def _files(*folders: Path) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield str(path), path.read_bytes()


def _joined(sources: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    whole: dict[str, list[bytes]] = {}
    for name, data in sources:
        whole.setdefault(name, []).append(data)
    return [(name, b"\n".join(parts)) for name, parts in whole.items()]


def _everything(fed: Federation, root: Path) -> list[str]:
    """Do everything that can be done, rightly and wrongly; return file digests."""
    digests = _files_matched(fed, root)
    _lists_of_files(fed, root, digests)
    _people_listed(fed, root)
    _people_found(fed, root)
    _matches_reviewed(fed)
    _wrong_places(fed)
    _wrong_commands(fed, root)
    _staff_served(fed, root)
    _looked_around(fed)
    _gate_recorded(fed, root)
    _breach_kept(fed)
    _round_reviewed(fed)
    _case_kept(fed, root)
    _orders_refused(fed)
    found_federations(fed)
    _crashed(fed)
    _people_found(fed, root)
    return digests


def _files_matched(fed: Federation, root: Path) -> list[str]:
    picture = min(PICTURE.rglob("*.png"))
    upload = root / "upload.png"
    upload.write_bytes(picture.read_bytes() + b"planted tail")
    told = len(fed.printed)
    hashed = fed.fedsafe("hash", "--json", str(upload))
    del fed.printed[told:]  # printing digests is what `hash` is for
    text = hashed.stdout.decode()
    digests = {
        value
        for value in _strings(json.loads(text))
        if len(value) in {32, 40, 64} and not set(value) - set("0123456789abcdef")
    }
    assert len(digests) == 5, text
    for digest in digests:
        kinds = {32: "md5", 40: "sha1"}.get(len(digest))
        for kind in [kinds] if kinds else ["sha256", "blake3", "pdq"]:
            typed = f"{digest}\n".encode()
            added = fed.fedsafe(
                *("signal", "add", "--kind", kind, *MEDIA, "-", "--json"),
                node=fed.a,
                person="anna",
                typed=typed,
            )
            assert added.returncode == 0, added.stderr
            signal = json.loads(added.stdout)["signal"]
            approved = fed.fedsafe(
                "signal", "approve", signal, node=fed.a, person="ben"
            )
            assert approved.returncode == 0, approved.stderr
    until(fed.caught_up, "replication")
    options = ("--surface", "public_content", "--json")
    matched = fed.fedsafe("match", *options, str(upload), node=fed.b)
    assert matched.returncode == ExitStatus.MATCH, matched.stderr
    return sorted(digests)


def _lists_of_files(fed: Federation, root: Path, planted: Sequence[str]) -> None:
    def run(person: str, *arguments: str, typed: bytes = b"") -> dict[str, Any]:
        done = fed.fedsafe(*arguments, "--json", node=fed.a, person=person, typed=typed)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    listed = b"5a" * 32 + b"\n"
    said = ("--list", "hotline", "--list-source", "hotline.example/1")
    run("anna", "signal", "import", "--kind", "sha256", *MEDIA, *said, typed=listed)
    assert run("ben", "signal", "lists")["lists"][0]["count"] == 1
    rehearsal = "".join(f"sha256:{each}\n" for each in planted if len(each) == 64)
    seen = run("ben", "signal", "examine", "hotline", "-", typed=rehearsal.encode())
    assert (seen["rehearsed"], seen["hits"]) == (3, [])
    done = run("ben", "signal", "approve-list", "hotline", str(seen["digest"]))
    assert done["approved"] == 1
    ours = str(root / "tmp" / "ours.toml")
    add = ("do-not-share", "add", "ours", "--source", "ours", "--file", ours)
    assert run("ben", *add, typed=b"sha256:" + listed)["added"] == 1
    assert run("ben", "do-not-share", "list", "--file", ours)["lists"]
    assert run("ben", "do-not-share", "show", "ours", "--file", ours)["own"]
    remove = ("do-not-share", "remove", "ours", "--dry-run", "--file", ours)
    assert run("ben", *remove, typed=b"sha256:" + listed)["removed"] == 1


def _strings(document: object) -> Iterator[str]:
    match document:
        case str():
            yield document
        case list():
            for item in document:
                yield from _strings(item)
        case dict():
            for item in document.values():
                yield from _strings(item)
        case _:
            return


def _options(about: dict[str, str]) -> list[str]:
    names = [name for name in ("kind", "region", "namespace") if name in about]
    return [part for name in names for part in (f"--{name}", about[name])]


def _people_listed(fed: Federation, root: Path) -> None:
    for name, about in PEOPLE.items():
        typed = f"{about['value']}\n".encode()
        scope = "self" if name == OWN else "federation"
        arguments = ("signal", "add", *_options(about), *FINDING, "--scope", scope)
        added = fed.fedsafe(
            *arguments, "-", "--json", node=fed.a, person="anna", typed=typed
        )
        assert added.returncode == 0, added.stderr
        if scope == "federation":
            signal = json.loads(added.stdout)["signal"]
            approved = fed.fedsafe(
                "signal", "approve", signal, node=fed.a, person="ben"
            )
            assert approved.returncode == 0, approved.stderr
    lines = [
        json.dumps(about | {"kind": kind})
        for about in PEOPLE.values()
        for kind in (about["kind"], "ip", "nonsense")
    ]
    bans = root / "tmp" / "bans.ndjson"
    bans.write_text("\n".join([*lines, PEOPLE["email"]["value"], "{"]))
    rejects = str(root / "tmp" / "rejects.ndjson")
    arguments = ("signal", "import", "--ndjson", *FINDING, "--rejects", rejects)
    for more in (["--dry-run"], []):
        fed.fedsafe(*arguments, *more, str(bans), node=fed.b, person="anna")
    bans.unlink()
    until(fed.caught_up, "replication")


def _people_found(fed: Federation, root: Path) -> None:
    for name, about in PEOPLE.items():
        typed = f"{about['value']}\n".encode()
        found = fed.fedsafe("lookup", *_options(about), "-", node=fed.b, typed=typed)
        assert found.returncode == ExitStatus.MATCH, (name, found.stderr)
    lines = "\n".join(json.dumps(about) for about in PEOPLE.values()).encode()
    found = fed.fedsafe("lookup", "--ndjson", "-", node=fed.c, typed=lines)
    assert found.returncode == ExitStatus.MATCH, found.stderr
    fed.fedsafe("lookup", "--json", "--kind", "email", "-", node=fed.a, typed=lines)
    caller = fed.caller(fed.b)
    people = list(PEOPLE.values())
    body = {"questions": people, "subject_ref": "account-7"}
    assert caller.post("/v1/lookup", body).body["result"] == "review"
    lookups = [{"questions": [about]} for about in people]
    assert caller.post("/v1/lookup/batch", {"lookups": lookups}).status == 200
    column = {"kind": "md5", "digests": "A" * 22 + "==", "subject_refs": ["account-7"]}
    asked = {"columns": [column], "surface": "public_content"}
    assert caller.post("/v1/match", asked).status == 200
    assert (root / "tmp").is_dir()


def _matches_reviewed(fed: Federation) -> None:
    """See and decide what lookups opened; type a value where a reference belongs."""
    value = PEOPLE["email"]["value"]
    listed = fed.fedsafe("task", "list", "--json", node=fed.b, person="ben")
    tasks = [task["task"] for task in json.loads(listed.stdout)["tasks"]]
    assert len(tasks) > len(PEOPLE), listed.stdout
    for task in tasks[:2]:
        shown = fed.fedsafe("task", "show", task, "--json", node=fed.b, person="ben")
        assert shown.returncode == 0, shown.stderr
    dismiss = ("task", "decide", tasks[0], "dismiss")
    hurried = fed.fedsafe(*dismiss, node=fed.b, person="ben")
    assert hurried.returncode == 5, hurried.stderr
    done = fed.fedsafe(*dismiss, "--again", node=fed.b, person="ben")
    assert done.returncode == 0, done.stderr
    step = ("heard", "--reference", "note-1")
    heard = fed.fedsafe("task", "hear", tasks[1], *step, node=fed.b, person="ben")
    assert heard.returncode == 0, heard.stderr
    caller, path = fed.caller(fed.b, "ben"), f"/v1/tasks/{tasks[1]}"
    for body in (
        {"outcome": "confirm", "level": "L1", "evidence": value},
        {"outcome": value},
        {"outcome": "dismiss", value: 1},
        {"outcome": "watch", "until": value},
        {"outcome": "inquire", "signal": value, "questions": [value]},
    ):
        assert caller.post(f"{path}/outcome", body).status in {400, 422}
    for body in ({"step": "heard", "reference": value}, {"step": value}):
        assert caller.post(f"{path}/hearing", body).status in {400, 422}
    caller.get(f"/v1/tasks/{quote(value, safe='')}")
    caller.get(f"/v1/tasks?state={quote(value, safe='')}")


def _wrong_places(fed: Federation) -> None:
    """Put every value where it does not belong, over HTTP."""
    callers = [fed.caller(fed.b), fed.caller(fed.b, "anna"), fed.caller(fed.b, "ben")]
    for caller in callers:
        for about in PEOPLE.values():
            value = about["value"]
            raw, path = value.encode(), quote(value, safe="")
            for target in (f"/v1/{quote(value)}", f"/v1/status?v={quote(value)}"):
                caller.get(target)
            caller.get(f"/v1/signals/{path}")
            caller.post("/v1/lookup", {"questions": [{"kind": value, "value": "x"}]})
            caller.post("/v1/lookup", {"questions": [about], value: 1})
            caller.post(
                "/v1/lookup", {"questions": [about], "subject_ref": f"{value}/"}
            )
            caller.post("/v1/lookup", {"questions": [about], "purpose": value})
            caller.post("/v1/signals", {"about": about, "rule": value})
            caller.post("/v1/signals/approve", {"signals": [value]})
            caller.post(f"/v1/signals/{path}/revoke", {"reason": value})
            for body in (raw, value.encode("utf-16"), b'{"' + raw):
                for target in ("/v1/lookup", "/v1/evaluate", "/v1/founding"):
                    caller.send("POST", target, body)
            encoded = json.dumps(about).encode()
            caller.send("POST", "/v1/lookup", encoded, content_type="text/planted")
            if value.isascii():
                caller.send("POST", "/v1/signals", encoded, key=value)
        for kind in PEOPLE:
            for about in PEOPLE.values():
                caller.post("/v1/lookup", {"questions": [about | {"kind": kind}]})


def _wrong_commands(fed: Federation, root: Path) -> None:
    email = PEOPLE["email"]["value"].encode()
    junk = [b"", b"\0" + email, b"\xff" + email, email * 400, b'{"value": "' + email]
    for typed in junk:
        fed.fedsafe("lookup", "--kind", "phone", "-", node=fed.b, typed=typed)
        fed.fedsafe("lookup", "--ndjson", "-", node=fed.b, typed=typed)
    false = root / "false.key"
    false.write_text(FALSE_CREDENTIAL)
    false.chmod(0o600)
    fed.fedsafe("signal", "list", "--credential", str(false), node=fed.a)
    fork = root / "fork.json"
    about = {"log": PEOPLE["email"]["value"], PEOPLE["url"]["value"]: 1}
    fork.write_text(json.dumps(about))
    out = ("--out", str(root / "x.key"))
    for arguments in (
        ("lookup", f"email:{ARGUMENT}"),
        ("lookup", ARGUMENT),
        ("lookup", "--kind", "phone", ARGUMENT),
        ("lookup", f"phone:{ARGUMENT}"),
        ("signal", "show", ARGUMENT),
        ("signal", "recipients", ARGUMENT),
        ("signal", "approve", ARGUMENT),
        ("evidence", "check", str(fork), "--key", ARGUMENT),
        ("partner", "key", str(root / "partner.key")),
        ("partner", "list"),
        ("partner", "add", "bka", "--entry", str(fork)),
        ("partner", "verify", "bka", "--revision", "1", "--reference", ARGUMENT),
        ("partner", "test", "bka", "--out", str(root / "test.sealed")),
        ("open", str(fork), "--key", str(root / "partner.key"), "--sender", ARGUMENT),
        ("evidence", "submit", str(fork)),
        ("evidence", "export", ARGUMENT),
        ("register", "show", "--of", ARGUMENT),
        ("events", "follow", "--for", "0"),
        ("notice", "sign-off", "end_of_signal", "--until", "2099-01-01"),
        ("notice", "withhold", ARGUMENT, *WITHHOLDING),
        ("events", "receipt", "1"),
        ("node", "run"),  # beside the one that runs
        ("node", "credential", "add", ARGUMENT, "--role", "auditor", *out),
        ("node", "init", "--dir", str(root / "no"), "--name", ARGUMENT, *CONTACT),
    ):
        fed.fedsafe(*arguments, node=fed.a, person="anna")


def _staff_served(fed: Federation, root: Path) -> None:
    """Call what people call, and type an identifier wherever a secret is asked for."""
    typed = f"{PEOPLE['email']['value']}\n".encode() * 3
    out = ("--out", str(root / "y.key"), "--until", "2099-01-01")
    for arguments in (
        ("login", "anna"),
        ("login", "--step-up"),
        ("login", "--sso"),
        ("session", "list"),
        ("session", "end", ARGUMENT),
        ("session", "end", "--others"),
        ("session", "end", "--of", "anna"),
        ("session", "role", "dpo"),
        ("logout",),
        ("account", "first", "olaf"),
        ("account", "setup", "anna"),
        ("account", "totp"),
        ("account", "passkey", "list"),
        ("account", "passkey", "name", "0" * 32, ARGUMENT),
        ("account", "passkey", "remove", ARGUMENT),
        ("account", "passkey", "remove", "0" * 32),
        ("account", "link"),
        ("account", "add", "zoe", "--display", "Zoe"),
        ("account", "list"),
        ("account", "roles", "anna", "--grant", "reviewer"),
        ("account", "lock", "zoe"),
        ("account", "reset", "zoe"),
        ("training", "add", "anna", *("--module", "basic", "--by", "x"), *out[2:]),
        ("training", "list"),
        ("staffing", "check"),
        ("task", "list"),
        ("task", "show", "0" * 32),
        ("task", "decide", "0" * 32, "confirm", "--evidence", ARGUMENT),
        ("task", "hear", "0" * 32, "heard", "--reference", ARGUMENT),
        (
            *("task", "answer", "0" * 32, "7", "--reference", ARGUMENT),
            *("--reply", f"still_stands={ARGUMENT}"),
        ),
        ("task", "inquiries"),
        ("signal", "sample"),
        ("signal", "look", ARGUMENT, "stands", "--reason", ARGUMENT),
        ("import", "list"),
        ("import", "show", "0" * 32),
        ("import", "show", ARGUMENT),
        ("import", "undo", "0" * 32, "--yes", "--reason", "mistake"),
        ("signal", "revoke", "--account", ARGUMENT, "--reason", "mistake"),
        ("signal", "revoke", "--account", "acc-1", "--reason", "mistake", "--yes"),
        ("inquiry", "list"),
        ("inquiry", "sent"),
        ("inquiry", "show", ARGUMENT),
        ("inquiry", "decide", ARGUMENT, "--keep", "--reason", ARGUMENT),
        ("flood", "list"),
        ("flood", "show", "0" * 32, "--after", ARGUMENT),
        ("flood", "rule", "0" * 32, "stands", "--reason", ARGUMENT),
        ("flood", "raise", ARGUMENT, "--bound", "40", "--reason", "ticket:7"),
        ("trial", "list"),
        ("trial", "prolong", "0" * 32, "--reason", ARGUMENT),
        ("trial", "end", ARGUMENT, "--reason", "ticket:7"),
        ("appeal", "list"),
        ("appeal", "show", ARGUMENT),
        ("appeal", "file", "0" * 64, "--reason", ARGUMENT),
        ("appeal", "rule", "0" * 64, "--stand", "--reason", ARGUMENT),
        ("policy", "propose"),
        ("federation", "status"),
        ("federation", "history"),
        ("federation", "invite"),
        ("federation", "withdraw", ARGUMENT, "--yes"),
        ("federation", "set-roles", ARGUMENT, "--role", "holder", "--yes"),
        ("federation", "rotate-keys", "--yes"),
        ("federation", "former-keys", ARGUMENT, "--sound", "--yes"),
        ("federation", "join", "-", "--yes"),
        ("federation", "suspend", ARGUMENT, "--yes"),
        ("federation", "reinstate", ARGUMENT, "--yes"),
        ("federation", "expel", ARGUMENT, "--yes"),
        ("federation", "leave", "--yes"),
        ("federation", "set-policy", "--appeal", ARGUMENT, "--yes"),
        (
            *("federation", "backfill", "--elements", "1", "--days", "1"),
            *("--member", ARGUMENT, "--yes"),
        ),
        ("federation", "backfill", "--elements", "1", "--days", "1", "--yes"),
        ("federation", "reshare", "--threshold", "2", "--yes"),
        ("federation", "rotate", "--threshold", "2", "--yes"),
        ("federation", "approve", ARGUMENT, "--yes"),
        ("federation", "refuse", ARGUMENT, "--yes"),
        ("federation", "quarantine", ARGUMENT, "--undo", "--yes"),
        ("federation", "quarantine", ARGUMENT, "--after", "2026-11-03", "--yes"),
        ("evidence", "lift", ARGUMENT, "0" * 64, "--reference", ARGUMENT),
        ("audit", "subject", "account-7", "--since", "2026-11-01"),
        ("audit", "search", "--subject", "account-7"),
        ("audit", "report", "--account", "account-7", "--since", "2026-11-01"),
        ("audit", "erase", "account-7", "--reason", "ticket:7"),
        ("audit", "reveal", "staff-2026q4-" + "a" * 21, "--reason", "ticket:7"),
        (
            *("audit", "withhold", "7", "--reason", "bdsg_29_1", "--note", ARGUMENT),
            *("--until", _NEXT_MONTH.isoformat()),
        ),
        ("audit", "hold", "list"),
        ("audit", "hold", "lift", "0" * 32),
        (
            *("audit", "hold", "add", "account-7", "--reason", "ticket:7"),
            *("--until", _NEXT_MONTH.isoformat()),
        ),
        ("act", "list"),
        ("act", "approve", "0" * 32),
        ("act", "refuse", "0" * 32, "--reason", "in_doubt", "--reference", ARGUMENT),
        ("act", "withdraw", "0" * 32),
        ("node", "credential", "add", "shop", "--scope", "publish", *out),
        ("node", "credential", "list"),
        ("node", "credential", "rotate", "shop", *out),
        ("node", "credential", "revoke", "shop"),
    ):
        for person in (None, "ben"):
            fed.fedsafe(
                *arguments,
                node=fed.a,
                person=person,
                typed=typed,
                XDG_STATE_HOME=str(root / "tmp" / "state"),
            )


def _looked_around(fed: Federation) -> None:
    pack = str(fed.root / "pack.zip")
    for arguments, person in (
        (("signal", "list", "--accounts", "--csv"), "ben"),
        (("signal", "list", "--state", "all", "--kind", "email", "--json"), "ben"),
        (("audit", "search", "--json", "--limit", "1000"), "audit"),
        (("audit", "show", "3", "--proof"), "audit"),
        (("audit", "status"), "audit"),
        (("audit", "gaps"), "audit"),
        (("audit", "access", "--json"), "audit"),
        (("audit", "verify"), "audit"),
        (("audit", "search", "--event", "lookup", "--json"), "audit"),
        (("audit", "export", "--without-openings", "-o", pack), "audit"),
        (("audit", "tiles", str(fed.root / "audit-log")), "audit"),
        (("node", "status"), None),
        (("federation", "show"), None),
        (("federation", "card"), None),
        (("budget", "show"), None),
        (("evidence", "list", "--json"), "ben"),
        (("breach", "list"), "ben"),
        (("signal", "recipients"), "ben"),
        (("signal", "list", "--owed"), "ben"),
        (("signal", "ending"), "ben"),
        (("gate", "show"), None),
        (("events", "list"), "ben"),
        (("notice", "list"), "ben"),
        (("signal", "sightings"), "ben"),
        (("notice", "texts"), "ben"),
        (("notice", "show", "end_of_signal"), "ben"),
        (("notice", "print"), "ben"),
        (("dispute", "list"), "ben"),
        (("rights", "list"), "ben"),
        (("register", "show"), None),
        (("register", "check"), None),
        (("register", "export"), None),
        (("records", "art30"), None),
        (("records", "dpia", "--json"), None),
        (("records", "works-council"), None),
        (("records", "template", "balancing-test"), None),
        (("register", "set", "S-V-1", "--status", "met", *EVIDENCE), "anna"),
        (("register", "review", "S-V-1"), "ben"),
        (("policy", "show", "synthetic"), None),
        (("policy", "check", "synthetic"), None),
        (("policy", "diff", "strict", "germany"), None),
        (("policy", "test", "germany"), None),
        (("policy", "explain", "lookup", *FACTS), None),
        (("help-directory", "list", "--urgent"), None),
        (("help-directory", "check"), None),
        (("help-directory", "reply"), None),
        (("doctor", "--json"), None),
        (("demo", "status", "--dir", str(fed.root)), None),
    ):
        assert fed.fedsafe(*arguments, node=fed.a, person=person).stdout
    caller = fed.caller(fed.a)
    for target in ("health", "metrics", "status", "openapi.json", "charter", "card"):
        assert caller.get(f"/v1/{target}").status == 200
    drafts = fed.propose(fed.a, [PEOPLE["email"]], nodes=["b.demo"])
    revoked = fed.propose(fed.a, [PEOPLE["phone"]])  # it stands, and is answered with
    _disputed(fed, revoked[0])
    _requested(fed)
    kept = fed.fedsafe("signal", "keep", revoked[0], node=fed.a, person="ben")
    assert kept.returncode == ExitStatus.BAD_INPUT, kept.stderr  # no second term
    for signal in [*drafts, *revoked]:
        shown = fed.fedsafe("signal", "show", signal, node=fed.a, person="ben")
        assert shown.returncode == 0, shown.stderr
        done = fed.fedsafe(
            *("signal", "revoke", signal, "--reason", "mistake", "--yes"),
            node=fed.a,
            person="ben",
        )
        assert done.returncode == 0, done.stderr


def _requested(fed: Federation) -> None:
    typed = PEOPLE["email"]["value"].encode()
    how = (
        *("--about", "email", "--control", "identity_document", "--json"),
        *("--reference", "minute-7", "--seen-on", "2026-11-20"),
    )
    opened = fed.fedsafe(
        *("rights", "open", "--kind", "access", *how),
        node=fed.a,
        person="ben",
        typed=typed,
    )
    assert opened.returncode == ExitStatus.WAITING, opened.stderr
    name = json.loads(opened.stdout)["request"]
    for arguments in (
        ("show", name),
        ("check", name),
        ("grant", name, "--reason", "note-2"),
        ("extend", name, "--reason", "note-1"),
        ("answer", name),
        ("close", name, "--outcome", "answered", "--reason", "letter-1"),
    ):
        fed.fedsafe("rights", *arguments, node=fed.a, person="ben")


def _disputed(fed: Federation, signal: str) -> None:
    facts = ("--facts", "wrong_person", "--json")
    opened = fed.fedsafe("dispute", "open", signal, *facts, node=fed.a, person="ben")
    assert opened.returncode == 0, opened.stderr
    name = json.loads(opened.stdout)["dispute"]
    shown = fed.fedsafe("dispute", "show", name, node=fed.a, person="ben")
    assert shown.returncode == 0, shown.stderr
    # Whoever disputes does not rule.
    ruled = ("--revoke", "--reason", "ruling-1")
    done = fed.fedsafe("dispute", "rule", name, *ruled, node=fed.a, person="ben")
    assert done.returncode == ExitStatus.DENIED, done.stderr


def _breach_kept(fed: Federation) -> None:
    def run(*arguments: str, typed: bytes = b"") -> dict[str, object]:
        done = fed.fedsafe(
            "breach", *arguments, "--json", node=fed.a, person="ben", typed=typed
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    opened = run("open", "--kind", "integrity", "--note", typed=b"a disk was lost")
    breach = str(opened["breach"])
    assert run("show", breach)["notes"] == ["a disk was lost"]
    facts = ("--category", "tokens", "--group", "users", "--risk", "risk")
    run("assess", breach, *facts, "--persons", "1", "--records", "2")
    for whom in ("authority", "members"):
        run("notify", breach, "--to", whom, "--reference", "file-7")
    assert run("close", breach)["state"] == "closed"


def _round_reviewed(fed: Federation) -> None:
    def run(*arguments: str, typed: bytes = b"", status: int = 0) -> dict[str, Any]:
        done = fed.fedsafe(
            "round", *arguments, "--json", node=fed.a, person="ben", typed=typed
        )
        assert done.returncode == status, done.stderr
        return dict(json.loads(done.stdout)) if done.stdout else {}

    name = str(run("open", "--sample", "3")["round"])
    assert run("list")["rounds"][-1]["round"] == name
    assert run("show", name)["state"] == "open"
    entries = run("entries", name, "--limit", "200")["entries"]
    others = [str(each["index"]) for each in entries if not each["own"]]
    run("entry", name, others[0])
    run("mark", name, others[0], "--verdict", "plausible", typed=b"as ticket 7 says")
    run("sign", name, status=ExitStatus.BAD_INPUT)
    assert run("print", name)["marks"]
    assert run("questions")["questions"] == []
    run("answer", "1", typed=b"for ticket 7", status=ExitStatus.BAD_INPUT)


def _orders_refused(fed: Federation) -> None:
    named = ("--authority", "office", "--reference", "4711", "--basis", "Art. 10")
    for arguments in (
        ("add", "--kind", "dsa_10", *named),
        ("list",),
        ("show", "0a" * 16),
        ("acknowledge", "0a" * 16),
        ("confirm", "0a" * 16),
        ("move", "0a" * 16, "--due", "2030-01-01", "--reference", "4711"),
        ("answer", "0a" * 16, "--outcome", "fulfilled"),
    ):
        done = fed.fedsafe(
            "order", *arguments, node=fed.a, person="ben", typed=b"subscriber data"
        )
        assert done.returncode == ExitStatus.DENIED, done.stderr


def _case_kept(fed: Federation, root: Path) -> None:
    def run(*arguments: str, typed: bytes = b"", status: int = 0) -> dict[str, object]:
        done = fed.fedsafe(
            "case", *arguments, "--json", node=fed.a, person="ben", typed=typed
        )
        assert done.returncode == status, done.stderr
        return dict(json.loads(done.stdout or b"{}"))

    urgent = ("--urgency", "u2", "--danger", "no", "--source", "own_review")
    facts = ("--phenomenon", "grooming", "--age", "10_13")
    case = str(run("open", *urgent, *facts, typed=b"nobody is in danger")["case"])
    assert run("list")["cases"]
    assert run("show", case)["state"] == "draft"
    paper = ("--for", "law_enforcement", "--as", "letter", "--output")
    assert run("render", case, *paper, str(root / "letter.html"))["sha256"]
    pack = ("pack", "2026-Q4", "--output", str(root / "pack.html"))
    run(*pack, status=ExitStatus.DENIED)
    template = ("template", "--for", "hotline", "--output", str(root / "known.json"))
    assert run(*template)["file"] == str(root / "known.json")
    email, name = PEOPLE["email"]["value"], PEOPLE["username"]["value"]
    known = {"suspects": [{"account_id": name, "email": email}], "summary": email}
    run("assess", case, "--elements", "-", typed=json.dumps(known).encode())
    file = root / "chat.txt"
    file.write_text("harmless")
    place = ("--held-at", "vault-1", "--hold", "hold-1", "--by", "staff-1")
    run("attach", case, str(file), "--object", "chat-1", *place)
    run("call", case, "--said", "place", typed=b"control room")
    partner = ("--partner", "law_enforcement")
    run("approve", case, *partner, status=ExitStatus.DENIED)
    run("send", case, "--to", "bka", status=ExitStatus.DENIED)
    assert run("dispatches", case)["dispatches"] == []
    handed = ("--way", "portal", "--reference", ARGUMENT)
    run("handed", case, case, *handed, status=ExitStatus.DENIED)
    sealed = ("--output", str(root / "package"))
    run("take", case, case, *sealed, status=ExitStatus.DENIED)
    run("recall", case, "--reason", "wrong_facts", status=ExitStatus.DENIED)
    assert run("sending")["sends"]
    run("sending", "off", status=ExitStatus.DENIED)
    run("acknowledged", case, case, *handed[2:], status=ExitStatus.DENIED)
    for command in ("asked", "supplemented"):
        run(command, case, "--reference", "az-1", status=ExitStatus.DENIED)
    run("receive", "-", typed=b"Message-ID: <1@a>\n", status=ExitStatus.DENIED)
    answers = ("--help-offered", "offered", "--level", "L6", "--feature", "chat")
    run("assess", case, *answers, "--evidence-decision", "preserved")
    assert run("close", case)["state"] == "closed"


def _gate_recorded(fed: Federation, root: Path) -> None:
    record = root / "gate.toml"
    for text, status in (
        ('dpia = "file-12"\n', 0),
        (f'"{PEOPLE["email"]["value"]}" = 1\n', ExitStatus.BAD_INPUT),
        (f'dpia = "{PEOPLE["url"]["value"]}\n', ExitStatus.BAD_INPUT),
    ):
        record.write_text(text)
        done = fed.fedsafe("gate", "record", str(record), node=fed.a, person="ben")
        assert done.returncode == status, done.stderr


def _crashed(fed: Federation) -> None:
    node = fed.a
    ends = [threading.Thread(target=_ask_on, args=(fed, node)) for _ in range(2)]
    for thread in ends:
        thread.start()
    fed.kill(node)
    for thread in ends:
        thread.join()
    fed.start(node)
    until(fed.caught_up, "catching up")


def _ask_on(fed: Federation, node: DemoNode) -> None:
    try:
        while True:
            fed.lookup(node, PEOPLE["email"])
    except (OSError, HTTPException):
        return


@pytest.mark.promise("TM-03")
def test_after_a_run_of_everything_no_secret_lies_anywhere(run: Run) -> None:
    # One test, for the run takes a minute and each worker would do one of its own.
    names = {Path(name).name for name, _ in run.sources}

    assert {"printed", "answer", "node.log", "store.db", "store.db-wal"} <= names
    assert {"charter-e.demo.json, opened", "charter-e.demo.json"} <= names
    assert {"credential cem", "custody key e.demo.custody"} <= {
        secret.name for secret in run.secrets
    }
    assert leaks(run.secrets, run.sources) == []
    _every_command_was_run_or_says_why_not(run)
    _no_process_showed_a_secret(run)
    _every_encoding_would_have_been_found(run)
    _a_secret_may_lie_in_its_own_file_alone(run)


def _every_command_was_run_or_says_why_not(run: Run) -> None:
    commands = set(all_commands())

    assert commands - run.commands == set(EXEMPT)
    assert "federation found step" in commands


def _no_process_showed_a_secret(run: Run) -> None:
    typed = [secret for secret in run.secrets if secret.name != ARGUMENT]

    assert ARGUMENT.encode() in run.arguments
    assert leaks(typed, [("arguments", run.arguments)]) == []


def _every_encoding_would_have_been_found(run: Run) -> None:
    log = next(data for name, data in run.sources if name.endswith("node.log"))
    for secret in run.secrets:
        planted = b"".join(log[:200] + form + log[200:400] for form in secret.forms)
        found = set(Haystack(planted).find(secret.forms))

        assert found == set(range(len(secret.forms)))
        assert leaks([secret], [("planted", planted)]) == [(secret.name, "planted")]


def _a_secret_may_lie_in_its_own_file_alone(run: Run) -> None:
    key = next(secret for secret in run.secrets if secret.homes)
    content = key.homes[0].read_bytes()

    assert leaks([key], [(str(key.homes[0]), content)]) == []
    assert leaks([key], [("elsewhere", content)]) == [(key.name, "elsewhere")]


def test_base64_is_found_at_any_offset() -> None:
    secret = Secret("value", tuple(encodings(b"planted@post.example")))
    for lead in range(3):
        text = base64.b64encode(b"-" * lead + b"planted@post.example" + b"!!")

        assert leaks([secret], [("text", text)]) == [("value", "text")]
