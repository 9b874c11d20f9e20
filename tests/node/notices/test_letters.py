# SPDX-License-Identifier: Apache-2.0
"""Every letter to a person, under every shipped policy, in both languages.

What is rendered here is what goes out: no word of the demonstration unless the node
is one, no gap, no placeholder, and the law by its names.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace
from tests.node.conftest import FixedClock
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import Fleet
from tests.support.rights_answers import answer_to
from tests.support.rights_requests import SHOP, WHO, asked, requests_of

from fedsafe_crypto.primitives.ristretto import random_scalar
from fedsafe_node.acts import requests as request_messages
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.notices import NoticeKind, TextName
from fedsafe_node.acts.requests import Language, RefusalGround, RequestKind
from fedsafe_node.ground.config import Config, Listen, Provider, letters_lack
from fedsafe_node.ground.mail_settings import Mail, Phone
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.keys.own_keys import MediaKeys, OwnKeys
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.desk import PARTS, NoticeDesk
from fedsafe_node.notices.facts import AnyFacts, Facts, Finding, Reviewed
from fedsafe_node.notices.phrases import (
    basis_in_words,
    house_in_words,
    rule_in_words,
)
from fedsafe_node.notices.provider_events.announcer import Announcer
from fedsafe_node.notices.texts import Trigger, texts, words
from fedsafe_node.rights import pages
from fedsafe_node.rights.answer import (
    Contested,
    Handed,
    Missing,
    Shown,
    Told,
    write_answer,
)
from fedsafe_node.rights.letters import code_letter, code_message
from fedsafe_node.rights.outcomes import BELOW, note_on
from fedsafe_node.rights.pages import Site
from fedsafe_node.rights.remedies import Remedy, Step
from fedsafe_node.rights.review_report import Reviewed as TaskTold
from fedsafe_node.rights.review_report import Waiting
from fedsafe_node.rights.signed_texts import marked, marks, rights_texts
from fedsafe_node.rules.appeal_ways import ways_of
from fedsafe_node.rules.policy_bundle import Provisions
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.drafts import DraftFacts
from fedsafe_node.store.review_rows import TaskDecisionRow, TaskState
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.documents.policy import (
    SHIPPED,
    load_policy,
    shipped,
    shipped_text,
)
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.help.harm import Harm, find_harm
from fedsafe_policies.help.offers import Age, load_directory, shipped_directory
from fedsafe_policies.help.replies import Block, shipped_reply
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.rules.hearings import HearingException
from fedsafe_policies.vocabulary import (
    Detection,
    Grade,
    IdentifierKind,
    Level,
    Outcome,
    Phenomenon,
    Provenance,
    Purpose,
    Role,
    Scope,
    Source,
    Surface,
)

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DEMONSTRATION: Final = re.compile(
    r"vorführ|erfunden|\binvent|demonstration|synthe|\bdemo\b", re.IGNORECASE
)
"""Words that only a demonstration says of itself."""
GAP: Final = re.compile(
    r"[{}]|\bNone\b|\(\s*\)|:\s*[.;,]|\.\.|,\s*[,.]|„\s*“|“\s*”|[(«„]\s|\s[).,;]|  +\S"
)
"""What a letter shows where a fact was empty, or was not filled in."""
GATE: Final = LegalGate(legal_basis="doc:lia-3", arrangement="jca-3:0a1b2c3d")
LAWS: Final = {
    TextName.STATEMENT_OF_REASONS: (
        *("Art. 17", "Art. 20", "Art. 21", "Art. 77", "Art. 79"),
    ),
    TextName.DATA_PROTECTION_NOTICE: (
        *("Art. 14", "Art. 15", "Art. 22", "Art. 26", "Art. 6", "Art. 77", "Art. 79"),
    ),
    TextName.END_OF_SIGNAL: ("Art. 19", "Art. 20", "Art. 77", "Art. 79"),
    TextName.REVIEW_REASONS: (
        *("Art. 17", "Art. 20", "Art. 21", "Art. 22", "Art. 15", "Art. 77", "Art. 79"),
    ),
    TextName.RIGHTS_ANSWER: ("Art. 15", "Art. 20", "Art. 21", "Art. 77", "Art. 79"),
}
"""The articles that a letter names, whatever was recorded."""
HOUSE: Final = Provider(
    legal_name="Anbieter Chat GmbH",
    address="Musterstraße 1, 10115 Berlin",
    complaints="https://chat.anbieter.de/beschwerde",
    authority="Datenschutzaufsicht Berlin, https://aufsicht.berlin",
    out_of_court="Schlichtung Netz e. V., https://schlichtung.org",
)
MAIL: Final = Mail("127.0.0.1", "safety@chat.anbieter.de")
SAYS: Final = {
    TextName.STATEMENT_OF_REASONS: ("complaints", "authority", "out_of_court"),
    TextName.DATA_PROTECTION_NOTICE: ("legal_name", "address", "authority"),
    TextName.END_OF_SIGNAL: ("complaints", "authority"),
    TextName.REVIEW_REASONS: ("complaints", "authority", "out_of_court"),
    TextName.RIGHTS_ANSWER: (
        *("legal_name", "address", "complaints", "authority", "out_of_court"),
    ),
    TextName.RIGHTS_OUTCOME: ("complaints", "authority", "out_of_court"),
}
"""What a letter names of the provider, if it is configured."""
REACHED: Final = frozenset(
    {
        *(TextName.STATEMENT_OF_REASONS, TextName.DATA_PROTECTION_NOTICE),
        *(
            TextName.END_OF_SIGNAL,
            TextName.REVIEW_REASONS,
            TextName.RIGHTS_ANSWER,
            TextName.RIGHTS_OUTCOME,
        ),
    }
)
"""Letters that name the public form, where that takes requests."""
EXTENDED: Final = ("Art. 12 Abs. 3", "Art. 12 (3)")
"""What only the letter says that takes more time: it decides nothing."""
NAMELESS: Final = {
    *(TextName.RIGHTS_OUTCOME, TextName.RIGHTS_FORM),
    *("rights_outcome, minor", "rights_form, minor"),
}
"""What follows a page or an answer that has named the provider."""
REMEDIES: Final = [
    Remedy(
        "01a20e5e-7e0b-7dca-b773-0d06d4879060", each, "appeal.other.de", 1_790_000_000
    )
    for each in Step
]
OTHERS: Final = {Language.DE: "GDPR", Language.EN: "DSGVO"}
"""How the other language calls the regulation."""


def situation(
    policy: str, *, gate: LegalGate | None = None, **more: object
) -> Situation:
    """Make the present of a node: of a demonstration, or of a real one on a server."""
    is_demo = policy == "synthetic"
    name = "a.demo" if is_demo else "chat.anbieter.de"
    host = "127.0.0.1" if is_demo else "192.0.2.7"
    config: dict[str, Any] = {
        "format": 1,
        "name": name,
        "url": f"http://{host}:8401" if is_demo else f"https://fedsafe.{name}",
        "jurisdiction": "DE",
        "contact": f"safety@{name}",
        "policy": policy,
        "listen": Listen(host, 8401),
        "custody_key": "custody.pub",
    }
    own = OwnList(name, OwnKeys(random_scalar(), MediaKeys(bytes(32), bytes(32))))
    made = Situation(Config(**config | more), Provisions(shipped(policy)), own)
    if gate is not None:
        made.record_gate(gate)
    return made


def variants(policy: str) -> Iterator[Situation]:
    """Make nodes on which little or much is recorded."""
    yield situation(policy)
    yield situation(policy, gate=GATE, dpo_contact="dpo@chat.anbieter.de")
    yield situation(policy, provider=HOUSE, mail=MAIL)


def notices(situation: Situation) -> Iterator[tuple[NoticeKind, AnyFacts]]:
    """Give facts of each kind, with every code at least once."""
    rules = [rule.id for rule in situation.policy.document.rulebook.rules] or ["tos-4"]
    people = [[], ["chat.other.de", "games.third.de"]]
    found = Finding(
        phenomenon=Phenomenon.GROOMING,
        surface=Surface.PUBLIC_CONTENT,
        grade=Grade.CONFIRMED_CONDUCT,
        provenance=Provenance.OWN_FINDING,
        rule=rules[0],
        removed_on=date(2026, 11, 20),
        match_until=date(2027, 11, 15),
    )
    told = Facts(
        subject_ref="user-1",
        published_on=date(2026, 11, 24),
        recipients=people[1],
        finding=found,
    )
    for phenomenon, rule, recipients in product(Phenomenon, rules, people):
        each = replace(found, phenomenon=phenomenon, rule=rule)
        listed = replace(told, finding=each, recipients=recipients)
        yield NoticeKind.PUBLICATION, listed
        yield NoticeKind.END, replace(listed, finding=None, ended_on=date(2026, 12, 1))
    codes = product(Surface, Provenance, Source, Detection)
    for surface, provenance, source, detection in codes:
        each = replace(
            found,
            surface=surface,
            provenance=provenance,
            source=source,
            detection=detection,
            grade=Grade.CONFIRMED_MEDIA,
        )
        yield NoticeKind.PUBLICATION, replace(told, finding=each)
    for level, hearing in product(Level, ("heard", "none", *HearingException)):
        yield (
            NoticeKind.REVIEW,
            Reviewed(
                subject_ref="user-1",
                decided_on=date(2026, 11, 24),
                level=level,
                until=date(2026, 12, 1) if level is Level.L3 else None,
                rule=rules[0],
                phenomenon=Phenomenon.GROOMING,
                surface=Surface.PUBLIC_CONTENT,
                grade=Grade.SINGLE_REPORT,
                source=Source.NOTICE,
                trigger=Trigger.BOTH,
                two=level is Level.L6,
                hearing=hearing,
            ),
        )


def answers(
    situation: Situation, language: Language, help_: Text | None
) -> Iterator[str]:
    """Write answers to a request: with all that can be found, with a gap, with none."""
    node = situation.node
    facts = DraftFacts(
        kind=IdentifierKind.EMAIL,
        phenomenon=Phenomenon.SEXTORTION,
        surface=Surface.SHOP,
        grade=Grade.CONFIRMED_CONDUCT,
        provenance=Provenance.RELAYED,
        rule="tos-4",
        since=date(2026, 11, 20),
        contact="safety@chat.anbieter.de",
        author="anna",
        role=Role.ANALYST,
        subject_ref=None,
        minor=False,
        findings=[],
        legal_review=None,
        compared={},
    )

    def told(times: int) -> Told:
        who, day = "games.third.de", "2026-11-24"
        return Told(who, Purpose.SIGNUP_CHECK, day, day, times)

    pack = Handed("court.anbieter.de", Purpose.SUPERVISION, 1_790_000_000)
    shown = [
        Shown(
            request_messages.Finding(
                signal="01a20e5e-7e0b-7dca-b773-0d06d4879060",
                origin=node if own else "chat.other.de",
                own=own,
                kind="email",
                phenomenon=phenomenon.value,
                surface="public_content",
                grade="confirmed_conduct",
                provenance=provenance.value,
                rule="tos-4",
                removed_on="2026-11-20",
                published_on="2026-11-24",
                match_until="2027-11-15",
                contact="safety@chat.other.de",
            ),
            status,
            rule_in_words("tos-4", situation) if own else None,
            [told(times)],
            [pack],
            remedies=REMEDIES,
        )
        for own, phenomenon, provenance, status, times in (
            (True, Phenomenon.GROOMING, Provenance.OWN_FINDING, None, 1),
            (False, Phenomenon.SEXTORTION, Provenance.RELAYED, SignalStatus.ACTIVE, 3),
            *[
                (False, each, Provenance.IMPORTED_LIST, SignalStatus.DISPUTED, 1)
                for each in Phenomenon
            ],
        )
    ]
    decisions = [
        TaskDecisionRow(
            task="0a" * 16,
            outcome=outcome.value,
            level=Level.L3.value,
            until=1_790_000_000,
            reason="file-7",
            decided_by="anna",
            second="rita",
            decided_at=1_790_000_000,
            dwell=30,
        )
        for outcome in Outcome
    ]
    reviewed = TaskTold(1_790_000_000, TaskState.OPEN, [("01a20e5e", node)], decisions)
    cases: tuple[dict[str, Any], ...] = (
        {},
        {"reviews": None, "missing": Missing(["epoch 1"], ["chat.other.de"])},
        {
            "signals": shown,
            "reviews": [reviewed],
            "drafts": [Waiting(1_790_000_000, facts, rule_in_words("a-1", situation))],
            "packs": [pack],
            "contested": Contested(1, 2, 3),
            "missing": Missing([], ["chat.other.de"], closed=True, shredded=[3]),
        },
    )
    nothing: dict[str, Any] = {
        "signals": [],
        "reviews": [],
        "drafts": [],
        "packs": [],
        "contested": Contested(),
        "missing": Missing(),
    }
    for case in cases:
        text = write_answer(
            language,
            request="0a" * 16,
            node=node,
            house=house(situation, help_),
            today="2026-11-24",
            basis=basis_in_words(situation),
            **nothing | case,
        )
        yield marked(text, language, situation, draft=False)


def outcomes(
    situation: Situation, language: Language, help_: Text | None
) -> Iterator[str]:
    """Write how requests end, or take longer."""
    row = RequestRow(
        id="0a" * 16,
        kind="erasure",
        way="form",
        control="mailed_code",
        language=language.value,
        opened_at=1_790_000_000,
        opened_by="form",
        due_at=1_792_000_000,
        period="2026-11",
        sealed=None,
        reason="file-7",
        ended_at=1_791_000_000,
    )
    ends = [
        *[("refused", ground) for ground in RefusalGround],
        *[(each, None) for each in ("granted", "withdrawn", "answered")],
    ]
    rows = [
        *[
            (replace(row, state=RequestState.CLOSED, outcome=outcome), ground)
            for outcome, ground in ends
        ],
        (replace(row, state=RequestState.OPEN, extended_for="file-8"), None),
    ]
    for each, ground in rows:
        note = note_on(each, ground, house(situation, help_), remedies=REMEDIES)
        assert note is not None
        yield marked(note, language, situation, draft=False)


def form(situation: Situation, language: Language, help_: Text | None) -> Iterator[str]:
    """Write what the public form shows before and after an address was entered."""
    shown = marks(situation, language, draft=False)
    age = Age.ADULT if help_ is None else Age.MINOR
    kinds = (Kind.EMAIL, Kind.PHONE)
    forms = dict.fromkeys(kinds, ("https://anderer-anbieter.de/rights",))
    ways = dataclasses.replace(ways_of(situation), forms=forms)
    site = Site(situation.node, ways, shown, age, kinds)
    phone = dataclasses.replace(site, by=Kind.PHONE)
    kind, nonce = RequestKind.ACCESS, "a" * 22
    for page in (
        *(pages.ask_page(each, language) for each in (site, phone)),
        *(
            pages.ask_page(dataclasses.replace(phone, kinds=(each,)), language)
            for each in kinds
        ),
        pages.ask_page(dataclasses.replace(site, kinds=()), language),
        *(
            pages.code_page(each, language, kind=kind, nonce=nonce)
            for each in (site, phone)
        ),
        pages.collect_page(site, language),
    ):
        yield re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.decode())


def codes(
    situation: Situation, language: Language, help_: Text | None
) -> Iterator[str]:
    """Write the letter with a code."""
    mark = marked("", language, situation, draft=False)
    node = situation.node
    yield code_letter("a@b.de", "0" * 10, language, node, mark, help_).text
    if help_ is None:
        yield code_message("+4915112345678", "0" * 10, language, node, mark).text


def house(situation: Situation, help_: Text | None) -> Mapping[str, Text]:
    """Say who the provider is, and to a child who helps."""
    more = {} if help_ is None else {"help": help_}
    if situation.config.provider is HOUSE:
        more["hearer"] = Text("appeal.other.de", "appeal.other.de")
    return {**house_in_words(situation), **more}


@pytest.fixture
def make_desk(tmp_path: Path) -> Callable[[Situation], NoticeDesk]:
    keys, clock = PeriodKeys(tmp_path / "periods"), FixedClock(NOW)

    def make(situation: Situation) -> NoticeDesk:
        trail = AuditTrail(situation.node)
        return NoticeDesk(
            situation, trail, clock, keys, Announcer(keys, clock), rights_texts()
        )

    return make


Letter = tuple[TextName | str, Language, str]
MINOR: Final = {name: f"{name.value}, minor" for name in TextName}
"""The letters to children and young people."""


def letters(desk: NoticeDesk) -> Iterator[Letter]:
    """Write every letter that a node can send."""
    for kind, facts in notices(desk.situation):
        written = desk.letters(kind, facts)
        for name, language in product(PARTS[kind], Language):
            yield name, language, written[f"{name.value}_{language.value}"]
            plain = written[f"{name.value}_minor_{language.value}"]
            yield MINOR[name], language, plain
    for language, help_ in product(Language, (None, desk.help())):
        for name, write in (
            (TextName.RIGHTS_ANSWER, answers),
            (TextName.RIGHTS_OUTCOME, outcomes),
            (TextName.RIGHTS_FORM, form),
            (TextName.CODE_LETTER, codes),
        ):
            for text in write(desk.situation, language, help_):
                yield name if help_ is None else MINOR[name], language, text


@pytest.mark.parametrize("policy", SHIPPED)
def test_every_letter_under_every_policy_is_true(
    policy: str, make_desk: Callable[[Situation], NoticeDesk]
) -> None:
    wrong: set[str] = set()
    seen: set[tuple[TextName | str, Language]] = set()
    for made in variants(policy):
        assert made.synthetic is (policy == "synthetic")
        for name, language, text in letters(make_desk(made)):
            seen.add((name, language))
            head, where = text.partition("\n")[0], f"{name} {language}"
            body = text.replace(made.node, "NODE")
            if made.synthetic:
                mark = words().demonstration.mark
                head = mark.de if language is Language.DE else mark.en
                assert head in text, where
                body = body.replace(head, "")
            told = [*DEMONSTRATION.findall(body), *gaps(name, body)]
            wrong |= {f"{where}: {each!r}" for each in told}
            wrong |= {
                f"{where}: no {each}"
                for each in _of_name(LAWS, name)
                if each not in text
            }
            if OTHERS[language] in text:
                wrong.add(f"{where}: {OTHERS[language]}")
            assert made.node in text or name in NAMELESS, where

    assert "\n".join(sorted(wrong)) == ""
    assert seen == set(product([*TextName, *MINOR.values()], Language))


@pytest.mark.parametrize("policy", ["strict", "germany"])
def test_letters_name_who_decides_and_only_ways_that_work(
    policy: str, make_desk: Callable[[Situation], NoticeDesk]
) -> None:
    bare, full = situation(policy), situation(policy, provider=HOUSE, mail=MAIL)
    form = f"{full.config.url}/rights"
    for name, language, text in letters(make_desk(full)):
        if any(each in text for each in EXTENDED):
            continue
        for setting in _of_name(SAYS, name):
            assert getattr(HOUSE, setting) in text, (name, language, setting)
        if isinstance(name, TextName):
            assert (form in text) is (name in REACHED), (name, language)
    for name, language, text in letters(make_desk(bare)):
        assert form not in text, (name, language)
        if name in SAYS and not any(each in text for each in EXTENDED):
            assert bare.config.contact in text, (name, language)

    hook = Phone("https://sms.anbieter.de/code", "keys/phone-hook")
    for more, told in (
        ({"mail": MAIL}, "online with an e-mail address: "),
        ({"phone": hook}, "online with a phone number: "),
        ({"mail": MAIL, "phone": hook}, "or online: "),
    ):
        said = house_in_words(situation(policy, **more))
        assert f"{told}{form}" in said["reach"].en
        assert f": {form}. Mit diesem Nachweis ruht es" in said["contest"].de
    assert letters_lack(full.config) == ("dpo_contact",)
    assert len(letters_lack(bare.config)) == 5
    said = house_in_words(bare)
    assert "On your complaint it can rest" in said["contest"].en
    assert "kann das Signal ruhen" in said["contest_minor"].de


@pytest.mark.parametrize("name", texts())
def test_no_letter_says_that_a_complaint_alone_rests_a_signal(name: TextName) -> None:
    text = texts()[name]
    for body in (text.body, text.minor):
        assert body is not None
        for lie in ("solange ruht", "until then the signal rests", "acts at once"):
            assert lie not in body.de + body.en
        assert "Bis dahin gilt das Signal nicht" not in body.de
        assert "wirkt bei allen sofort" not in " ".join(body.de.split())


def _of_name(table: Mapping[TextName, tuple[str, ...]], name: object) -> Sequence[str]:
    return table.get(name, ()) if isinstance(name, TextName) else ()


def gaps(name: TextName | str, text: str) -> list[str]:
    """Find what was left empty; a form is laid out by its tags, not by blanks."""
    if name in {TextName.RIGHTS_FORM, MINOR[TextName.RIGHTS_FORM]}:
        return re.findall(r"[{}]|\bNone\b", text)
    lines = [line.strip() for line in text.splitlines()]
    return [found for line in lines for found in GAP.findall(line)]


def test_no_word_of_a_letter_belongs_to_the_demonstration_but_its_mark() -> None:
    said = words()
    every = [
        *(text.body for text in texts().values()),
        *(text.minor for text in texts().values() if text.minor is not None),
        *(text.body for text in rights_texts().values()),
        *(text for kind in ("surface", "grade") for text in _of(said, kind)),
        *(text for kind in ("provenance", "source") for text in _of(said, kind)),
        *(text for kind in ("detection", "trigger") for text in _of(said, kind)),
        *(text for kind in ("hearing", "fixed") for text in _of(said, kind)),
    ]
    found = [DEMONSTRATION.search(text.de + text.en) for text in every]

    assert [each for each in found if each] == []
    assert DEMONSTRATION.search(said.demonstration.mark.de)
    assert DEMONSTRATION.search(said.demonstration.mark.en)


def _of(said: Any, kind: str) -> list[Any]:  # noqa: ANN401 - tables of several keys
    return list(getattr(said, kind).values())


ACCUSES: Final = re.compile(
    r"täter|straf|verbrech|schuld|verdacht|missbrauch|sexu|pornogra|groom|erpress"
    r"|offen[cd]|crim|guilt|blame|suspect|abus|extort|perpetrat",
    re.IGNORECASE,
)
LONGEST_SENTENCE: Final = 30
"""Words; a list of names or a reference counts as well."""
USUAL_SENTENCE: Final = 11


@pytest.mark.promise("LR-34", "LR-52")
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("policy", ["strict", "germany"])
def test_a_letter_to_a_child_is_plain_kind_and_leads_to_help(
    policy: str, language: Language, make_desk: Callable[[Situation], NoticeDesk]
) -> None:
    found = {
        text
        for name, tongue, text in letters(make_desk(situation(policy)))
        if name in MINOR.values() and tongue is language and "form" not in name
    }
    assert found
    for text in found:
        plain, _, _ = text.partition(BELOW.said(language))  # below is all the law wants
        said, help_ = plain.rstrip().rsplit("\n\n", 1)  # offers have names of their own
        sentences = [len(each.split()) for each in re.split(r"[.:?!]\s+|\n+", said)]
        reply = replace(shipped_reply(), next=Text(said, said))
        harms = {each.harm for each in find_harm(reply) if each.block is Block.NEXT} - {
            Harm.LINKS,
            Harm.DELETES_EVIDENCE,
        }

        assert not ACCUSES.search(said), ACCUSES.search(said)
        assert not any(each.name.de in said for each in phenomena().values())
        assert harms == set()
        assert max(sentences) <= LONGEST_SENTENCE, said
        assert sum(sentences) / len(sentences) <= USUAL_SENTENCE, said
        assert "safety@chat.anbieter.de" in said or "00000 00000" in said
        assert "110" in help_
        assert "https://www.nummergegenkummer.de" in help_
        assert not re.search(r"\b(Ihnen|Ihre?[mnrs]?)\b", said.replace("Ihr könnt", ""))


def test_numbers_in_letters_to_children_are_those_of_the_directory(
    tmp_path: Path,
) -> None:
    keys, clock = PeriodKeys(tmp_path / "periods"), FixedClock(NOW)
    own = b"format = 1\ndated = 2026-11-20\n[verified.nummer_gegen_kummer]\n"
    own += b"phone = 2026-11-20\n"
    made = situation("germany")
    desk = NoticeDesk(
        *(made, AuditTrail(made.node), clock, keys, Announcer(keys, clock)),
        directory=load_directory(own, shipped_directory()),
    )
    facts = Facts(subject_ref=None, published_on=NOW.date(), recipients=[])
    told = replace(facts, ended_on=NOW.date())

    assert "116 111" in desk.letters(NoticeKind.END, told)["end_of_signal_minor_de"]


@pytest.mark.parametrize("policy", ["strict", "germany"])
@pytest.mark.parametrize("language", Language)
async def test_a_real_node_answers_without_words_of_the_demonstration(
    alone: Fleet, policy: str, language: Language
) -> None:
    node = alone["a.demo"]
    node.base.situation.policy = load_policy(shipped_text(policy))
    request = request_for(WHO, scope=Scope.SELF, rule="house-1")
    await node.services.signals.add(request, ANNA)
    opened = await requests_of(alone, "a.demo").open(asked(language=language), SHOP)
    text = await answer_to(alone, "a.demo", opened)

    assert "signal" in text.lower()
    assert not DEMONSTRATION.search(text.replace("a.demo", ""))
    assert "Art. 6" in text


async def test_a_demonstration_marks_its_answers(alone: Fleet) -> None:
    signals = alone["a.demo"].services.signals
    await signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    opened = await requests_of(alone, "a.demo").open(asked(), SHOP)
    text = await answer_to(alone, "a.demo", opened)

    assert text.startswith(words().demonstration.mark.en)
