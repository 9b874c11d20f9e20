# SPDX-License-Identifier: Apache-2.0
"""Proof of control of an address or number: a code that is sent, and never stored.

It is mailed, or delivered by the provider's hook (`phone_hook`). The code is a keyed
digest of the canonical address, the nonce of the one who asks, and a quarter of an
hour; the node remembers neither address nor code. Whoever comes back with address,
nonce and code has read the mail. Until then the answer is the same for every address,
for nothing is looked up before. A proof opens one request. All that holds for numbers
as well, and messages to them have budgets of a day (`phone_budgets`).

A nonce is the node's own, for one address and time: who guesses needs a mail for every
few tries, and mails are slowed by place, by address and place, and by address. Who has
the right code is held up by nobody's wrong ones but those with the same nonce. The
counters have blinded names. All mails together have a bound an hour, and what they
prove is looked up within shares of the budget of evaluations (`shares`).
"""

import hmac
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final

from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.notices import TextName
from fedsafe_node.acts.requests import (
    CodeRequest,
    CodeSent,
    Language,
    ProofRequest,
    RightsRequestAnswer,
    Way,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConfigError,
    ForbiddenError,
    TooManyTriesError,
    UnavailableError,
    words_of,
)
from fedsafe_node.ground.telemetry import LOGGER
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.log.audit import Event
from fedsafe_node.people.throttle import Counter, count_tries
from fedsafe_node.people.vault import Vault
from fedsafe_node.rights.code_mail import RETRY_AFTER_MS, Mailer
from fedsafe_node.rights.letters import code_letter, code_message
from fedsafe_node.rights.phone_budgets import (
    budget_counters,
    gets_codes,
    person_counters,
)
from fedsafe_node.rights.phone_hook import Hook, Outcome
from fedsafe_node.rights.request_start import Opened, read_person
from fedsafe_node.rights.requests import FORM, Requests
from fedsafe_node.rights.shares import Shares
from fedsafe_node.rights.signed_texts import marked, marks
from fedsafe_node.rules.appeal_ways import Ways, provable_kinds, ways_of
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.help.offers import Age
from fedsafe_policies.vocabulary import Control, IdentifierKind

STEP: Final = 15 * 60
"""A code is good for the quarter of an hour in which it was made, and the next one."""
DIGITS: Final = 10
_HEAD: Final = 8  # random bytes of a nonce, and as many that show whose it is
_LOG: Final = logging.getLogger(f"{LOGGER}.rights")
_SCOPE: Final = "rights"
_CONTROLS: Final = {
    Kind.EMAIL: Control.MAILED_CODE,
    Kind.PHONE: Control.PHONE_CODE,
}
_UNMAILED: Final = ("=?", '"')
"""Encoded words, which a mail program may decode, and quoted local parts."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """Sends codes, and opens requests for those who come back with them."""

    desk: Desk
    vault: Vault
    requests: Requests
    shares: Shares
    mailer: Mailer | None
    hook: Hook | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of identifiers to which this node can send a code."""
        return provable_kinds(self.desk.situation.config)

    @property
    def contact(self) -> str:
        """Where people can write to instead."""
        return self.desk.situation.config.contact

    @property
    def ways(self) -> Ways:
        """Every way beside this form."""
        return ways_of(self.desk.situation)

    async def marks(self, language: Language) -> tuple[str, ...]:
        """Return what stands before the form: of a demonstration, and of a draft."""
        desk = self.desk
        drafts = await desk.store.read(desk.notices.drafts)
        is_draft = TextName.RIGHTS_FORM in drafts
        return marks(desk.situation, language, draft=is_draft)

    def help(self, language: Language) -> str:
        """Name whom a child can talk to."""
        return self.desk.notices.help().said(language)

    async def send_code(self, request: CodeRequest, source: str) -> CodeSent:
        """Send a code to an address or number, listed or not.

        Raises:
            BadRequestError: it is none, or no code is sent to numbers of that range.
            TooManyTriesError: too many codes went there, or came from this place.
            UnavailableError: this node sends nothing, or not now.
        """
        person = self._read(request)
        name = _name(person)
        nonce = self._nonce(name, token_bytes(_HEAD), self._step())
        if person.kind is IdentifierKind.PHONE:
            await self._phone(person, nonce, request, source)
        else:
            await self._mail(person, nonce, request, source)
        await self._note(_kind(person))
        return CodeSent(nonce=nonce, minutes=STEP // 60)

    async def _mail(
        self, person: Person, nonce: str, request: CodeRequest, source: str
    ) -> None:
        mailer, name, language = self._mailer(), _name(person), request.language
        here = Counter(self.vault.blind("rights_mailed", f"{name}\n{source}"), 3)
        mails = Counter(self.vault.blind("rights_mails", name), 30, longest=10 * 60)
        await self._count(self._place(source), here, mails)
        await self._spend(mailer)
        code = self._code(person, nonce, self._step())
        node = self.desk.situation.node
        # The canonical address is the one that the proof is about.
        to = person.canonical.value
        desk = self.desk
        draft = TextName.CODE_LETTER in await desk.store.read(desk.notices.drafts)
        mark = marked("", language, desk.situation, draft=draft)
        help_ = desk.notices.help() if request.age is Age.MINOR else None
        await mailer.send(code_letter(to, code, language, node, mark, help_))

    async def _phone(
        self, person: Person, nonce: str, request: CodeRequest, source: str
    ) -> None:
        hook, to = self._hook(), person.canonical.value
        settings, now = hook.settings, self.desk.clock.now()
        if not gets_codes(to, settings.countries):
            raise self._not_sent()
        name = _name(person)
        await self._count(
            *person_counters(self.vault, settings, name, source, now),
        )
        try:
            await self._count(*budget_counters(self.vault, settings, to, now))
        except TooManyTriesError as error:
            await self._alarm(settings.most_a_day)
            raise UnavailableError(
                "phone_unavailable",
                Phrase(
                    "no more codes are sent to phone numbers today; write to {contact}"
                ).filled(contact=self.contact),
                retry_after_ms=error.retry_after_ms,
            ) from None
        code, situation = self._code(person, nonce, self._step()), self.desk.situation
        # That a text is a draft stands on the page: here it would cost two messages.
        said = marks(situation, request.language, draft=False)
        mark = "".join(f"{each} " for each in said)
        message = code_message(
            to, code, request.language, situation.node, mark, request.age
        )
        try:
            outcome = await hook.send(message)
        except ConfigError as error:
            _LOG.warning("the hook for codes: %s", error.why)
            outcome = Outcome.UNREACHABLE
        if outcome is Outcome.REFUSED:
            raise self._not_sent()
        if outcome is not Outcome.ACCEPTED:
            _LOG.warning("the hook for codes: %s", outcome.value)
            raise UnavailableError(
                "phone_unavailable",
                Phrase("no code can be sent to a phone number at the moment"),
                retry_after_ms=RETRY_AFTER_MS,
            )

    async def prove(self, request: ProofRequest, source: str) -> RightsRequestAnswer:
        """Open a request for who has read the code.

        Raises:
            BadRequestError: it is no address or number.
            ForbiddenError: the code is not the one, or no longer.
            TooManyTriesError: too many tries.
            WrongStateError: the code has opened a request already.
            UnavailableError: this node sends no codes there.
        """
        person = self._read(request)
        name = _name(person)
        fits = self._is_ours(name, request.nonce)
        if fits:
            key = self.vault.blind("rights_proof", f"{name}\n{request.nonce}")
            await self._count(Counter(key, 5))
            # Spaces and hyphens are left out; another script's digits are none.
            given = "".join(filter(str.isdigit, request.code))
            fits = given.isascii() and self._fits(person, request.nonce, given)
        if not fits:
            await self._count(self._place(source))
            raise ForbiddenError(
                Phrase("the code is wrong or no longer valid"), authenticated=True
            )
        proof = self.vault.blind("rights_opened", f"{name}\n{request.nonce}")
        opened = Opened(
            kind=request.kind,
            person=person,
            control=_CONTROLS[_kind(person)],
            way=Way.FORM,
            language=request.language,
            age=request.age,
            proof=bytes.fromhex(proof),
            share=self.shares.share_of(person, source),
        )
        return await self.requests.open_proved(opened, FORM)

    def _read(self, request: CodeRequest | ProofRequest) -> Person:
        """Read whose control is to be proved; one that no code can go to is refused."""
        if (request.email is None) is (request.phone is None):
            raise BadRequestError(
                "one_identifier",
                Phrase("give either an e-mail address or a phone number"),
                pointer="",
            )
        if request.phone is None:
            self._mailer()
            return _read_email(request.email or "")
        self._hook()
        # Whoever dials at home leaves out the country.
        region = self.desk.situation.config.jurisdiction
        asked = Question(kind=Kind.PHONE, value=request.phone, region=region)
        try:
            return read_person(asked, pointer="")
        except BadRequestError as error:
            raise BadRequestError(
                error.code, words_of(error), pointer="/phone"
            ) from None

    @property
    def ruling_days(self) -> int:
        """How many working days an origin has to rule on a dispute, by the policy."""
        return self.desk.situation.policy.document.disputes.ruling_working_days

    @property
    def zone(self) -> str:
        """The zone in which times are told beside UTC: that of the provider's days."""
        return self.desk.situation.config.deadlines.time_zone

    def _hook(self) -> Hook:
        if self.hook is None:
            raise UnavailableError(
                "no_hook",
                Phrase(
                    "this node does not send codes to phone numbers; write to {contact}"
                ).filled(contact=self.contact),
                retry_after_ms=RETRY_AFTER_MS,
            )
        return self.hook

    def _not_sent(self) -> BadRequestError:
        return BadRequestError(
            "not_phoned",
            Phrase(
                "codes cannot be sent to phone numbers of this range; if "
                "the number is complete, write to {contact}"
            ).filled(contact=self.contact),
            pointer="/phone",
        )

    async def _alarm(self, most: int) -> None:
        """Tell of a budget that is used up, once a day for all processes."""
        now = self.desk.clock.now()
        told = Counter(
            self.vault.blind("rights_phone_alarm", f"{now:%Y-%m-%d}"),
            1,
            24 * 60 * 60,
            budget=True,
        )
        try:
            await self._count(told)
        except TooManyTriesError:
            return
        _LOG.warning("the day has had its codes to numbers, of %d at most", most)
        await self._note(Kind.PHONE, outcome="alarm")

    def _mailer(self) -> Mailer:
        if self.mailer is None:
            raise UnavailableError(
                "no_mail",
                Phrase(
                    "this node does not send codes by e-mail; write to {contact}"
                ).filled(contact=self.contact),
                retry_after_ms=RETRY_AFTER_MS,
            )
        return self.mailer

    def _nonce(self, name: str, head: bytes, step: int) -> str:
        tail = self.vault.blind("rights_nonce", f"{name}\n{head.hex()}\n{step}")
        whole = head + bytes.fromhex(tail)[:_HEAD]
        return urlsafe_b64encode(whole).decode().rstrip("=")

    def _is_ours(self, name: str, nonce: str) -> bool:
        head, step = urlsafe_b64decode(f"{nonce}==")[:_HEAD], self._step()
        return any(
            hmac.compare_digest(self._nonce(name, head, each), nonce)
            for each in (step, step - 1)
        )

    async def _spend(self, mailer: Mailer) -> None:
        now = int(self.desk.clock.now().timestamp())
        if mailer.hourly.take(now):
            return
        if mailer.hourly.alarms(now):
            _LOG.warning("the hour has had its mails")
            await self._note(Kind.EMAIL, outcome="alarm")
        raise UnavailableError(
            "mail_unavailable",
            Phrase("no more e-mails are sent within this hour: try again later"),
            retry_after_ms=mailer.hourly.frees_in(now) * 1_000,
        )

    def _fits(self, person: Person, nonce: str, given: str) -> bool:
        step = self._step()
        wanted = (self._code(person, nonce, each) for each in (step, step - 1))
        found = [hmac.compare_digest(code, given) for code in wanted]
        return any(found)  # both were compared, so that the time tells nothing

    def _code(self, person: Person, nonce: str, step: int) -> str:
        digest = self.vault.blind("rights_code", f"{_name(person)}\n{nonce}\n{step}")
        return f"{int(digest, 16) % 10**DIGITS:0{DIGITS}d}"

    def _step(self) -> int:
        return int(self.desk.clock.now().timestamp()) // STEP

    def _place(self, source: str) -> Counter:
        # Behind a proxy all come from one place, so it has many free tries.
        return Counter(self.vault.blind("rights_place", source), 200, longest=30)

    async def _count(self, *counters: Counter) -> None:
        now = int(self.desk.clock.now().timestamp())
        await count_tries(self.desk.store, counters, now)

    async def _note(self, to: Kind, outcome: str = "ok") -> None:
        desk, detail = self.desk, {"way": Way.FORM.value, "kind": to.value}
        entry = desk.event(Event.CODE_SENT, FORM, detail, outcome=outcome)

        async def act(tx: Transaction) -> None:
            await tx.append(desk.trail.log, entry.record, entry.openings)

        await desk.store.write(act)


def _read_email(email: str) -> Person:
    try:
        person = read_person(Question(kind=Kind.EMAIL, value=email), pointer="")
    except BadRequestError as error:
        raise BadRequestError(error.code, words_of(error), pointer="/email") from None
    if any(mark in person.canonical.value for mark in _UNMAILED):
        raise BadRequestError(
            "not_mailed",
            Phrase("codes cannot be sent to e-mail addresses of this form"),
            pointer="/email",
        )
    return person


def _kind(person: Person) -> Kind:
    return Kind(person.kind.name.lower())


def _name(person: Person) -> str:
    return person.input(_SCOPE).hex()
