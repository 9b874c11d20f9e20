# SPDX-License-Identifier: Apache-2.0
"""The main job, done on real nodes and told in a dozen lines.

Two people at A publish bans, B and C look up. Every line that is printed rests on
a check; one that fails is named, and the exit status is 1.
"""

import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fedsafe_cli.demo.fleet import ended_by_sigterm, fedsafe, find, stop
from fedsafe_cli.demo.history import DAYS, PEOPLE, History
from fedsafe_cli.demo.history_acts import play
from fedsafe_cli.demo.nodes import DemoNode, links_of, raise_demo
from fedsafe_cli.demo.stage import check, stage, watch
from fedsafe_cli.demo.story_acts import (
    TIMEOUT,
    approve,
    count_signals,
    propose,
    result_at,
    results,
    timed,
    wait_for,
)
from fedsafe_cli.demo.story_data import Input, Person, bundled, real
from fedsafe_cli.demo.story_texts import LINES
from fedsafe_cli.lookup.file_digests import digests_of
from fedsafe_cli.lookup.lookup_client import Answer, Terms, ask_all
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import CliError, RefusedError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.inputs import Account
from fedsafe_cli.terminal.output import line
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.vocabulary import (
    Finding,
    Grade,
    Phenomenon,
    Provenance,
    Purpose,
    Scope,
    Surface,
)


class _Comma(float):
    """A number as German writes it."""

    def __format__(self, form: str) -> str:
        return super().__format__(form).replace(".", ",")


@dataclass(slots=True)
class Teller:
    """Prints lines and keeps which claims failed."""

    language: str
    failed: list[str] = field(default_factory=list)

    def say(self, key: str, **values: object) -> None:
        """Print a line of the story."""
        line(self.text(key, **values))
        sys.stdout.flush()

    def text(self, key: str, **values: object) -> str:
        """Return a text in the teller's language."""
        if self.language == "de":
            values = {
                name: _Comma(value) if isinstance(value, float) else value
                for name, value in values.items()
            }
        return LINES[key].said(self.language).format(**values)

    def check(self, claim: str, *, holds: bool) -> None:
        """Note a claim that does not hold."""
        if not holds:
            self.failed.append(claim)


_FINDING: Final = {
    "surface": Surface.PUBLIC_CONTENT.value,
    "rule": "tos-4.2",
    "scope": Scope.FEDERATION.value,
}
_ACTOR: Final = _FINDING | {
    "phenomenon": Phenomenon.GROOMING.value,
    "grade": Grade.CONFIRMED_CONDUCT.value,
    "provenance": Provenance.OWN_FINDING.value,
    "findings": [Finding.ADULT.value],
}
_MEDIA: Final = _FINDING | {
    "phenomenon": Phenomenon.ABUSE_DEPICTION.value,
    "grade": Grade.CONFIRMED_MEDIA.value,
    "provenance": Provenance.OWN_FINDING.value,
}
_PAGE: Final = 1_000
_THRESHOLD_BITS: Final = 31


@dataclass(frozen=True, slots=True)
class Cast:
    """The three nodes, and who acts at them."""

    a: DemoNode
    b: DemoNode
    c: DemoNode

    @property
    def all(self) -> tuple[DemoNode, ...]:
        """All three."""
        return (self.a, self.b, self.c)


def tell(
    directory: Path, *, data: Path | None, once: bool, settings: Settings
) -> ExitStatus:
    """Do the main job, tell it, and stay up unless `once`.

    Raises:
        CliError: a node or the input fails.
    """
    material = real(data) if data is not None else bundled()
    teller = Teller(settings.language)
    root = directory.absolute()
    with ended_by_sigterm(), stage(directory):
        try:
            return _perform(directory, root, material, teller, once=once)
        except KeyboardInterrupt:
            if once:  # it was to leave nothing; what failed may tell why
                shutil.rmtree(root, ignore_errors=True)
            raise


def _perform(
    directory: Path, root: Path, material: Input, teller: Teller, *, once: bool
) -> ExitStatus:
    past = History(datetime.now(UTC), play)  # noqa: TID251 - where the days end
    cast = Cast(*raise_demo(root, 3, past=past))
    running = [(node.directory, find(node.directory)) for node in cast.all]
    try:
        _tell(cast, material, teller)
        for claim in teller.failed:
            teller.say("failed", claim=claim)
        if not once and not teller.failed:
            _stay(directory, cast, material, teller)
            watch(running)
    except (CliError, OSError):
        check(running)  # a node that has ended says more
        raise
    finally:
        for place, process in running:
            if find(place) == process:  # and no later demo's
                stop(place)
    if teller.failed:
        return ExitStatus.INTERNAL  # what lies there may tell why
    if once:
        shutil.rmtree(root)
    return OK


def _stay(directory: Path, cast: Cast, material: Input, teller: Teller) -> None:
    nodes = ", ".join(f"{each.name} {each.url}" for each in cast.all)
    teller.say("nodes", nodes=nodes)
    teller.say("desk")
    for each in links_of(cast.a):
        teller.say("link", role=each["role"], name=each["name"], url=each["url"])
    typed = material.persons[1].typed["value"]
    command, where = shlex.quote(sys.argv[0]), shlex.quote(str(directory))
    teller.say("stay", fedsafe=command, dir=where, value=typed)


def _tell(cast: Cast, material: Input, teller: Teller) -> None:
    kinds = {person.banned["kind"] for person in material.persons}
    teller.say(
        "input",
        persons=len(material.persons),
        kinds=len(kinds),
        real=teller.text("real") if material.real else "",
        pictures=1 + len(material.altered),
    )
    _founded(cast, teller)
    _lived(cast.a, teller)
    signals = _published(cast, material, teller)
    for node in (cast.b, cast.c):
        _looked_up(node, material, teller)
    _pictures(cast, material, teller)
    _command(cast, material, teller)
    _own_ban(cast, teller)
    _revoked(cast, material.persons[0], signals[0], teller)
    _thief(cast, material, teller)
    for node in cast.all:
        _audit(node, teller)


def _founded(cast: Cast, teller: Teller) -> None:
    states = [node.client().get("/v1/status") for node in cast.all]
    thresholds = {state["threshold"] for state in states}
    teller.check(
        "all nodes belong to one federation of three, with a threshold of two",
        holds=len({state["federation"] for state in states}) == 1
        and all(state["members"] == len(states) for state in states)
        and thresholds == {2},
    )
    names = ", ".join(node.name for node in cast.all)
    teller.say("founded", names=names, threshold=thresholds.pop(), count=len(states))


def _lived(node: DemoNode, teller: Teller) -> None:
    """Look at the days before: whole, cosigned, and with a desk that people come to."""
    client = node.client("audit")
    verdict = client.post("/v1/audit/verify", None, timeout=TIMEOUT)
    links = links_of(node)
    teller.check(
        f"the log of the days before verifies, and the desk of {node.name} has a "
        "link for each role",
        holds=verdict["ok"] is True
        and {each["role"] for each in links} == {role.value for role, _, _ in PEOPLE},
    )
    size = client.get("/v1/audit/status")["size"]
    teller.say("lived", name=node.name, days=DAYS, count=size, roles=len(links))


def _published(cast: Cast, material: Input, teller: Teller) -> list[str]:
    anna, ben = cast.a.client("anna"), cast.a.client("ben")
    removed = time.strftime("%Y-%m-%d", time.gmtime())
    before = count_signals(cast.b), count_signals(cast.c)
    with timed() as proposing:
        drafts = propose(
            anna,
            [
                _ACTOR | {"about": person.banned, "removed_on": removed}
                for person in material.persons
            ],
        )
    why = _refused_alone(anna, drafts[0])
    teller.check("one person alone cannot publish", holds=why in {"role", "four_eyes"})
    teller.say("proposed", count=len(drafts), seconds=proposing.seconds, why=why)
    with timed() as approving:
        approved = approve(ben, drafts)["approved"]
    teller.check("two people publish all bans", holds=approved == drafts)
    _, digests = digests_of(str(material.picture))
    media = propose(
        anna,
        [
            _MEDIA | {"about": {"kind": kind, "value": digests[kind]}}
            for kind in ("sha256", "pdq")
        ],
    )
    why = _refused_alone(anna, media[0])
    teller.check(
        "one person alone publishes no file", holds=why in {"role", "four_eyes"}
    )
    teller.check(
        "two people publish the files", holds=approve(ben, media)["approved"] == media
    )
    teller.say(
        "approved", count=len(approved), seconds=approving.seconds, media=len(media)
    )
    _travelled(cast, teller, before=before, count=len(approved) + len(media))
    return approved


def _refused_alone(client: Client, draft: str) -> str:
    try:
        answer = approve(client, [draft])
    except RefusedError as error:
        return error.code
    return str(answer["problems"][0]["code"]) if answer["problems"] else "approved"


def _travelled(
    cast: Cast, teller: Teller, *, before: tuple[int, int], count: int
) -> None:
    def more() -> tuple[int, int]:
        return count_signals(cast.b) - before[0], count_signals(cast.c) - before[1]

    wait_for(cast.all, lambda: min(more()) >= count)
    teller.check(
        "b.demo and c.demo hold exactly what a.demo published",
        holds=more() == (count, count),
    )
    # One more, to see how long a single one takes.
    last = {
        "kind": "username",
        "value": "zuletzt_gesperrt",
        "namespace": "play.example",
    }
    anna, ben = cast.a.client("anna"), cast.a.client("ben")
    removed = time.strftime("%Y-%m-%d", time.gmtime())
    drafts = propose(anna, [_ACTOR | {"about": last, "removed_on": removed}])
    approve(ben, drafts)
    with timed() as waiting:
        wait_for(cast.all, lambda: result_at(cast.b, last) == "review")
    teller.check("a ban matches elsewhere within a second", holds=waiting.seconds < 1)
    teller.say("travelled", count=count, ms=waiting.seconds * 1000)


def _looked_up(node: DemoNode, material: Input, teller: Teller) -> None:
    typed = [person.typed for person in material.persons]
    with timed() as asking:
        found = results(node.client(), typed)
        wrong = results(node.client(), material.strangers)
    teller.check(
        f"{node.name} finds every banned person",
        holds=all(result == "review" for result in found),
    )
    teller.check(
        f"{node.name} finds no stranger",
        holds=all(result == "none" for result in wrong),
    )
    teller.say(
        "found",
        name=node.name,
        found=found.count("review"),
        count=len(found),
        wrong=wrong.count("review"),
        strangers=len(wrong),
        rate=(len(found) + len(wrong)) / asking.seconds,
    )


def _pictures(cast: Cast, material: Input, teller: Teller) -> None:
    from fedsafe_federation.media.pdq import hamming_distance  # noqa: PLC0415 (slow to load)

    _, original = digests_of(str(material.picture))
    found = 0
    distances: list[int] = []
    terms = Terms(
        purpose=Purpose.MEDIA_MATCHING.value, surface=Surface.PUBLIC_CONTENT.value
    )
    for path in material.altered:
        _, digests = digests_of(str(path))
        bits = hamming_distance(
            bytes.fromhex(original["pdq"]), bytes.fromhex(digests["pdq"])
        )
        distances.append(bits)
        question = {"kind": "pdq", "value": digests["pdq"]}
        (outcome,) = ask_all(cast.c.client(), [Account((question,))], terms)
        hit = isinstance(outcome, Answer) and outcome.body["result"] == "review"
        found += hit
        teller.check(
            f"{path.name} matches just if PDQ puts it within {_THRESHOLD_BITS} bits",
            holds=hit == (bits <= _THRESHOLD_BITS),
        )
    teller.say(
        "pictures",
        found=found,
        count=len(distances),
        distances=", ".join(map(str, sorted(distances))),
    )


def _command(cast: Cast, material: Input, teller: Teller) -> None:
    with timed() as asking:
        match = _fedsafe_lookup(cast.b, material.persons[0].typed["value"])
    none = _fedsafe_lookup(cast.b, material.strangers[0]["value"])
    teller.check("the command exits 10 for a match", holds=match == ExitStatus.MATCH)
    teller.check("the command exits 0 for a stranger", holds=none == OK)
    teller.say("command", match=match, none=none, ms=asking.seconds * 1000)


def _fedsafe_lookup(node: DemoNode, value: str) -> int:
    command = [*fedsafe(), "lookup", "--kind", "email", "-", "--config", node.config]
    done = subprocess.run(  # noqa: S603 (our own module)
        command,
        input=f"{value}\n".encode(),
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the story, which ends this one
        check=False,
    )
    return done.returncode


def _own_ban(cast: Cast, teller: Teller) -> None:
    about = {"kind": "email", "value": "nur.hier@post.example"}
    removed = time.strftime("%Y-%m-%d", time.gmtime())
    finding = _ACTOR | {"about": about, "removed_on": removed, "scope": "self"}
    cast.c.client().change("/v1/signals", finding)
    results = [result_at(node, about) for node in cast.all]
    teller.check(
        "an own ban matches at its own provider only",
        holds=results == ["none", "none", "review"],
    )
    teller.say("own")


def _revoked(cast: Cast, person: Person, signal: str, teller: Teller) -> None:
    ben = cast.a.client("ben")
    with timed() as waiting:
        ben.change(f"/v1/signals/{signal}/revoke", {"reason": "mistake"})
        wait_for(cast.all, lambda: result_at(cast.b, person.typed) == "none")
    teller.check("a revocation acts within a second", holds=waiting.seconds < 1)
    teller.say("revoked", ms=waiting.seconds * 1000)


def _thief(cast: Cast, material: Input, teller: Teller) -> None:
    from fedsafe_cli.demo.thief import rob  # noqa: PLC0415 (slow to load)

    spellings = [_spellings(person) for person in material.persons]
    loot = rob(cast.b.directory, spellings)
    teller.check("no person can be read out of b.demo", holds=loot.found == 0)
    teller.say(
        "thief",
        files=loot.files,
        mib=loot.size / 2**20,
        found=loot.found,
        count=len(spellings),
    )


def _spellings(person: Person) -> set[str]:
    from fedsafe_federation.identifiers import canonicalise  # noqa: PLC0415
    from fedsafe_policies.vocabulary import IdentifierKind  # noqa: PLC0415

    typed = person.typed
    canonical = canonicalise(
        IdentifierKind[typed["kind"].upper()],
        typed["value"],
        region=typed.get("region"),
        namespace=typed.get("namespace"),
    )
    return {person.banned["value"], typed["value"], canonical.value}


def _audit(node: DemoNode, teller: Teller) -> None:
    client = node.client("audit")
    counted: Counter[str] = Counter()
    since, more = 0, True
    while more:
        target = f"/v1/audit/events?since={since}&limit={_PAGE}"
        page = client.get(target, timeout=TIMEOUT)
        counted.update(event["event"] for event in page["events"])
        # Reading is an act too and adds an event: a page that is not full is the end.
        since, more = page["next"], len(page["events"]) == _PAGE
    verdict = client.post("/v1/audit/verify", None, timeout=TIMEOUT)
    teller.check(f"the logs of {node.name} verify", holds=verdict["ok"] is True)
    told = ", ".join(f"{count} {event}" for event, count in counted.most_common(5))
    teller.say("audit", name=node.name, events=told, logs=len(verdict["logs"]))
