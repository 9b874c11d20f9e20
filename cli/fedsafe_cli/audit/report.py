# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit report`: who looked at an account, when, why and on which basis."""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

import fedsafe_cli.audit.report_texts as texts
from fedsafe_cli.audit.gap_texts import ERASED, KINDS, REASONS
from fedsafe_cli.audit.losses import count_lost
from fedsafe_cli.cases.render import check_new, new_files
from fedsafe_cli.doctor.texts import told
from fedsafe_cli.signals.task_texts import OUTCOMES, STATES, STEPS
from fedsafe_cli.terminal.errors import BrokenAnswerError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus, damage_status
from fedsafe_cli.terminal.findings import named_account, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.labels import say
from fedsafe_cli.terminal.moments import readable, shown, start_of
from fedsafe_cli.terminal.moments import written as written_at
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import printable
from fedsafe_cli.terminal.texts import account_in
from fedsafe_node.words import codes
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_node.casework.rendering.document import Document, Section

_TIMEOUT: Final = 600.0
_WIDTH: Final = 80
_NODE: Final = frozenset(
    {"clock", "disputes", "erasure", "events", "expiry", "form", "notices", "relock"}
    | {"requests", "review", "setup"}
)
"""The names under which a node acts by itself."""
_LOCAL: Final = "local"
_LOOSE: Final = ("report", "search")
_WRITTEN: Final = "written: {file}"
_SPAN: Final = ("after", "before")

Answer = Mapping[str, Any]


@click.command("report", cls=SpokenCommand)
@click.option(
    "--account", required=True, metavar="REF", help="Your reference to the account."
)
@click.option(
    "--service",
    metavar="NAME",
    help="Service that the account belongs to, if several services ask.",
)
@click.option(
    "--since", required=True, metavar="YYYY-MM-DD", callback=start_of, help="First day."
)
@click.option(
    "--until", metavar="YYYY-MM-DD", callback=start_of, help="Day after the last one."
)
@click.option(
    "--html", metavar="FILE", help="Also write a page to print, to a new file."
)
@reading_purpose
@shared_options
@click.pass_context
def report(context: click.Context, /, account: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Show who looked at an account, when, why, and with what result.

    The report is in sentences, each with purpose, legal basis and rule. It also says
    what it cannot tell: gaps, what is erased and why, and who vouches for the log. The
    log is verified first: exit status 20, 21 or 22 if it is damaged, as with `fedsafe
    audit verify`; 21 also if entries are missing or were declared lost. Days are in
    UTC. Reading the report is itself recorded as an event about the account.

    \b
    Examples:
      fedsafe audit report --account account-17 --since 2026-11-01
      fedsafe audit report --account account-17 --service shop --since 2026-11-01 \\
          --until 2026-12-01 --purpose audit_review --lang de --html bericht.html
    """  # noqa: D301
    settings, file = settings_of(context), given["html"]
    if file is not None:
        check_new(file)
    names = {"since": "after", "until": "before", "purpose": "purpose"}
    asked = {to: given[of] for of, to in names.items() if given[of] is not None}
    body = {"subject_ref": named_account(account, given["service"])} | asked
    answer = personal(settings).post("/v1/audit/report", body, timeout=_TIMEOUT)
    if not isinstance(answer, dict) or not isinstance(answer.get("entries"), list):
        raise BrokenAnswerError(Phrase("the node's answer is no report"))
    if settings.json:
        # Elsewhere `after` is a place in a list.
        document(answer | {name: written_at(answer[name]) for name in _SPAN})
    else:
        for each in as_text(answer, language=settings.language).splitlines():
            line(each)
    if file is not None:
        new_files((file, as_page(answer, language=settings.language)))
        note(say(_WRITTEN, settings, file=printable(file)))
    if not answer["log"]["ok"]:
        return damage_status({"logs": [answer["log"]]})
    gaps = answer["gaps"]
    is_whole = not gaps["missing"] and not gaps.get("lost")
    return OK if is_whole else ExitStatus.LOG_INCOMPLETE


def as_text(answer: Answer, *, language: str) -> str:
    """Write a report as text of 80 columns."""
    from fedsafe_node.casework.rendering.document import (  # noqa: PLC0415 (slow)
        plain,
    )

    text = plain(written(answer, language=language)).decode()
    return "\n".join(_filled(each) for each in text.splitlines()) + "\n"


def as_page(answer: Answer, *, language: str) -> bytes:
    """Write a report as one HTML page that loads nothing, to read or print."""
    from fedsafe_node.casework.rendering.html import (  # noqa: PLC0415 (slow)
        html,
    )

    return html(written(answer, language=language))


def _filled(text: str) -> str:
    indent = " " * (len(text) - len(text.lstrip()))
    return "\n".join(
        textwrap.wrap(
            text.strip(),
            _WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def written(answer: Answer, *, language: str) -> "Document":
    """Write a report as a document of one language."""
    return _Writer(answer, language=language).document()


class _Writer:
    """Says a report in sentences of one language."""

    def __init__(self, answer: Answer, *, language: str) -> None:
        self._answer = answer
        self._language = language
        self._looks = [each for each in answer["entries"] if each["access"]]
        self._acts = [each for each in answer["entries"] if not each["access"]]

    def document(self) -> "Document":
        from fedsafe_node.casework.rendering.document import Document  # noqa: PLC0415
        from fedsafe_policies.escalation.vocabulary import Language  # noqa: PLC0415

        answer, head = self._answer, self._head()
        return Document(
            language=Language.DE if self._language == "de" else Language.EN,
            title=self._say(texts.TITLE, account=head["account"]),
            author=answer["node"],
            banner="",
            lead=(),
            sections=(
                self._pairs(
                    "", [(self._word(texts.HEAD, n), v) for n, v in head.items()]
                ),
                self._sentences("short", self._short()),
                *self._told("looks", self._looks),
                *self._told("acts", self._acts),
                self._sentences("erased", self._erased_entries()),
                self._sentences("whole", self._whole()),
            ),
            running=self._say(
                texts.RUNNING,
                node=answer["node"],
                account=head["account"],
                since=shown(answer["after"]),
                until=shown(answer["before"]),
                by=answer["made_by"],
                at=head["at"],
            ),
        )

    def _head(self) -> dict[str, str]:
        answer = self._answer
        since, until = shown(answer["after"]), shown(answer["before"])
        return {
            "node": answer["node"],
            "account": str(account_in(answer)),
            "span": self._say(texts.SPAN, since=since, until=until),
            "by": answer["made_by"],
            "at": shown(answer["made_at"]),
            "purpose": self._purpose(answer["purpose"]),
            "entry": str(answer["entry"]),
        }

    # --- in short ---------------------------------------------------------------------

    def _short(self) -> list[str]:
        looks = self._looks
        said = [self._say(texts.NO_LOOKS)]
        if looks:
            people = {each["actor"] for each in looks if each["person"]}
            services = {
                each["actor"]
                for each in looks
                if each["person"] is False and each["actor"] is not None
            }
            purposes = Counter(each["purpose"] for each in looks)
            listed = ", ".join(
                f"{self._purpose(each)} {count}" for each, count in purposes.items()
            )
            said = [
                self._say(
                    texts.LOOKS,
                    looks=self._count(texts.TIMES, len(looks)),
                    people=self._count(texts.PEOPLE, len(people)),
                    services=self._count(texts.SERVICES, len(services)),
                    purposes=(
                        f"{self._count(texts.PURPOSE_COUNT, len(purposes))} ({listed})"
                    ),
                )
            ]
            if unnamed := sum(each["person"] is None for each in looks):
                said.append(self._count(texts.UNNAMED, unnamed))
            if len({name.rpartition("-")[0] for name in people}) > 1:
                said.append(self._say(texts.QUARTERS))
        if self._answer["more"]:
            count = len(self._answer["entries"])
            said.append(self._say(texts.MORE, count=count))
        return [*said, self._say(texts.NOT_NAMED)]

    # --- entries ----------------------------------------------------------------------

    def _told(self, heading: str, entries: Sequence[Answer]) -> "list[Section]":
        if not entries:
            return []
        rows = [
            (
                self._say(
                    texts.ENTRY, index=each["index"], at=readable("at", each["at"])
                ),
                self._sentence(each),
            )
            for each in entries
        ]
        return [self._pairs(self._word(texts.HEADINGS, heading), rows)]

    def _sentence(self, entry: Answer) -> str:
        gone = {part["group"]: part for part in entry["erased"]}
        parts = [
            self._word(
                texts.GROUNDS, "purpose", purpose=self._purpose(entry["purpose"])
            ),
            self._word(
                texts.GROUNDS, "basis", basis=self._word(codes.BASES, entry["basis"])
            ),
            self._rule(entry),
            self._word(
                texts.GROUNDS, "outcome", outcome=self._outcome(entry["outcome"])
            ),
        ]
        signals = (entry.get("detail") or {}).get("signals")
        if isinstance(signals, str) and signals:
            parts.append(self._word(texts.GROUNDS, "signals", signals=signals))
        if "detail" in gone:
            erased = self._erased(gone["detail"])
            parts.append(self._word(texts.GROUNDS, "detail", erased=erased))
        return f"{self._who(entry, gone)} {self._did(entry)}; {'; '.join(parts)}."

    def _who(self, entry: Answer, gone: Mapping[str, Answer]) -> str:
        if "actor" in gone:
            return self._word(texts.WHO, "erased", erased=self._erased(gone["actor"]))
        name = entry["actor"]
        if name is None or name in _NODE:
            return self._word(texts.WHO, "node")
        if name == _LOCAL:
            return self._word(texts.WHO, "local")
        kind = "person" if entry["person"] else "service"
        return self._word(texts.WHO, kind, name=name)

    def _did(self, entry: Answer) -> str:
        said = entry.get("detail") or {}
        special = next((each for each in _LOOSE if said.get(each) is True), None)
        event = (
            special if special and entry["event"] == "audit.read" else entry["event"]
        )
        if event in texts.DID:
            return self._word(texts.DID, event)
        return self._say(texts.OTHER, event=event)

    def _rule(self, entry: Answer) -> str:
        rule, policy = entry.get("rule"), entry.get("policy")
        if rule is None:
            return self._word(texts.GROUNDS, "no_rule")
        if policy is None:
            return self._word(texts.GROUNDS, "rule_alone", rule=rule)
        return self._word(texts.GROUNDS, "rule", rule=rule, policy=policy)

    def _outcome(self, code: str) -> str:
        for words in (texts.OUTCOMES, OUTCOMES, STATES, STEPS):
            if code in words:
                return self._word(words, code)
        return code

    # --- erased, complete -------------------------------------------------------------

    def _erased_entries(self) -> list[str]:
        nameless = self._answer["nameless"]
        if not nameless:
            return [self._say(texts.NOTHING_ERASED)]
        return [
            self._count(
                texts.NAMELESS,
                each["count"],
                event=self._word(texts.EVENTS, each["event"]),
                first=each["first"],
                last=each["last"],
                erased=self._erased(each),
            )
            for each in nameless
        ]

    def _erased(self, part: Answer) -> str:
        why = self._word(texts.WHY, part["why"])
        if part["erased_at"] is None:
            return self._say(texts.ERASED_WITH_KEY, why=why)
        return self._say(texts.ERASED, at=shown(part["erased_at"]), why=why)

    def _whole(self) -> list[str]:
        answer, gaps = self._answer, self._answer["gaps"]
        log, end = answer["log"], answer["end"]
        if log["ok"]:
            first = log.get("minimum", 0)
            said = [self._say(texts.VERIFIED, first=first, last=end - 1)]
        else:
            why = told(log.get("why"), log.get("why_made")).said(self._language)
            first = log.get("first_bad_index")
            said = [self._say(texts.DAMAGED, why=why, first=first)]
        if minimum := gaps.get("minimum"):
            said.append(self._say(texts.PRUNED, minimum=minimum))
        if missing := gaps["missing"] + (count_lost(gaps) or 0):
            said.append(self._count(texts.MISSING, missing))
        said += [self._gaps(gaps["gaps"]), self._counts(gaps["erased"])]
        return [*said, self._vouched()]

    def _gaps(self, gaps: Sequence[Answer]) -> str:
        after, before = self._answer["after"], self._answer["before"]
        within = [
            gap
            for gap in gaps
            if gap["since"] < before and (gap["until"] is None or gap["until"] >= after)
        ]
        if not within:
            return self._say(texts.NO_GAPS)
        told = (
            self._say(
                texts.GAP,
                kind=self._word(KINDS, gap["kind"]),
                reason=self._word(REASONS, gap["reason"]),
                since=shown(gap["since"]),
                until=shown(gap["until"]) or "…",
            )
            for gap in within
        )
        return self._say(texts.GAPS, gaps="; ".join(told))

    def _counts(self, erased: Mapping[str, int]) -> str:
        counts = ", ".join(
            f"{self._word(ERASED, why)} {count}"
            for why, count in erased.items()
            if count
        )
        if not counts:
            return self._say(texts.NONE_ERASED)
        return self._say(texts.ALL_ERASED, counts=counts)

    def _vouched(self) -> str:
        cosigned = self._answer.get("cosigned")
        if not cosigned or not cosigned["by"]:
            return self._say(texts.NOBODY_VOUCHES)
        names = ", ".join(
            self._say(texts.AT, name=each["name"], at=readable("at", each["at"]))
            for each in cosigned["by"]
        )
        size = cosigned["size"]
        said = self._say(texts.VOUCHED, last=size - 1, names=names)
        newer = sum(each["index"] >= size for each in self._answer["entries"])
        return f"{said} {self._count(texts.NEWER, newer)}" if newer else said

    # --- words ------------------------------------------------------------------------

    def _sentences(self, heading: str, sentences: Sequence[str]) -> "Section":
        from fedsafe_node.casework.rendering.document import (  # noqa: PLC0415
            Paragraph,
            Section,
        )

        blocks = tuple(Paragraph(each) for each in sentences)
        return Section(self._word(texts.HEADINGS, heading), blocks)

    def _pairs(self, heading: str, rows: Sequence[tuple[str, str]]) -> "Section":
        from fedsafe_node.casework.rendering.document import (  # noqa: PLC0415
            Fact,
            Facts,
            Section,
        )

        facts = tuple(Fact(name, (value,)) for name, value in rows)
        return Section(heading, (Facts(facts),))

    def _purpose(self, code: str) -> str:
        from fedsafe_policies.documents.value_words import said  # noqa: PLC0415 (slow to load)

        return (
            said(code).de if self._language == "de" else texts.PURPOSES.get(code, code)
        )

    def _count(self, words: texts.Count, number: int, **values: object) -> str:
        return self._say(words[number != 1], n=number, **values)

    def _word(self, words: texts.Words, code: str, **values: object) -> str:
        pair = words.get(str(code))
        return str(code) if pair is None else self._say(pair, **values)

    def _say(self, text: Phrase, **values: object) -> str:
        return text.said(self._language).format(**values)
