# SPDX-License-Identifier: Apache-2.0
"""Passkeys (W3C Web Authentication), beside authenticator and recovery codes.

A passkey logs in without a password. It is a thing that somebody has, and it signs
only after the device has made sure who holds it (user verification, which is required):
two factors in one act, of which nothing can be typed into a false page. A password
beside it would add what can be given away, and a second thing to reset. So a log-in by
passkey counts as password and code do, approvals included.

A challenge says when it ends, under a MAC that covers what it is for: the origin, the
ceremony, and the session or the browser that asked. So asking for one keeps nothing,
any process of the node takes the answer, before and after a crash, and no answer does
for something else. Whatever comes of it, it is spent in the store in the act that it is
used in, and is refused after that.

Log-ins name nobody: the device says whose passkey it is, so nobody learns from the node
who has one. Attestation is not asked for: it would tell makes of devices, and keep out
nobody whom a policy names.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_bytes, token_hex
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from fedsafe_node.acts.people import (
    PasskeyAnswer,
    PasskeyEnrolment,
    PasskeyLogIn,
    PasskeyName,
    PasskeyOptions,
    PasskeyProof,
    PasskeysAnswer,
    PasskeyShown,
    PasskeyStart,
    SessionAnswer,
    StepUpAnswer,
)
from fedsafe_node.ground.errors import (
    ConflictError,
    ForbiddenError,
    KeyFileError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.people.passkey_bytes import (
    NotTakenError,
    challenge_in,
    client_data_in,
    from_text,
)
from fedsafe_node.people.sessions import Sessions, session_of
from fedsafe_node.people.throttle import (
    Counter,
    count_tries,
    place_counter,
    uncount_tries,
)
from fedsafe_node.store.people_rows import PasskeyRow, PersonRow, PersonState
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from webauthn.registration.verify_registration_response import VerifiedRegistration

T = TypeVar("T")
LIFETIME: Final = 5 * 60
MOST: Final = 10
"""Passkeys of one person."""
_SAID: Final = Struct(">I12s")  # when it ends, and what makes it one of a kind
_MAC_BYTES: Final = 16
_REFUSED: Final = Phrase(
    "the passkey is not accepted: it is not known here, or its answer does not fit or "
    "came too late; begin anew"
)
_UNVERIFIED: Final = Phrase(
    "the device did not make sure that it is you, by a PIN, a finger or your face; set "
    "that up on it, or use another way"
)
_NO_SUCH: Final = Phrase("you have no such passkey")


@dataclass(frozen=True, slots=True)
class _Ceremony:
    """What a challenge is for; *holder* is the session or browser that asked."""

    word: str
    holder: str


class Passkeys:
    """Enrols, shows and removes passkeys, and logs in and steps up by them."""

    def __init__(self, office: Office, sessions: Sessions, origin: str | None) -> None:
        self._office = office
        self._sessions = sessions
        self._origin = origin

    # --- enrolling ----------------------------------------------------------------

    async def begin_enrolment(self, who: Principal) -> PasskeyOptions:
        """Begin to enrol a passkey: what the browser is asked for.

        Raises:
            ForbiddenError: not in a session whose second factor is fresh.
            WrongStateError: this node has no desk, or the person has enough passkeys.
        """
        origin, ceremony = self._at(), _enrolment_of(who)
        person, known = await self._office.store.read(lambda r: _own(r, who))
        if len(known) >= MOST:
            raise WrongStateError(
                "conflict",
                Phrase("{most} passkeys are enough; remove one").filled(most=MOST),
            )
        excluded = [row.credential for row in known if row.rp == _rp_of(origin)]
        challenge = self._challenge(ceremony)
        user = (person.id, person.name, person.display)
        node = self._office.node

        def made() -> dict[str, Any]:
            from fedsafe_node.people import webauthn_library as library  # noqa: PLC0415

            return library.creation_options(
                challenge, excluded, rp=(_rp_of(origin), node), user=user
            )

        return PasskeyOptions(await asyncio.to_thread(made))

    async def enrol(self, request: PasskeyEnrolment, who: Principal) -> PasskeyShown:
        """Enrol the passkey that the browser has made.

        Raises:
            ForbiddenError: not in a fresh session, or what came is not accepted.
            WrongStateError: this node has no desk, or the passkey is known already.
        """
        origin, ceremony, office = self._at(), _enrolment_of(who), self._office
        try:
            self._check(request.client_data, "webauthn.create", ceremony)
            verified = await asyncio.to_thread(_registered, request, origin)
        except NotTakenError as refused:
            await self._refuse(request.client_data, who.name, refused.why)
            raise ForbiddenError(_told(refused.why), authenticated=True) from None
        row = PasskeyRow(
            id=token_hex(16),
            credential=verified.credential_id,
            person="",
            name=request.name,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            synced=verified.credential_backed_up,
            rp=_rp_of(origin),
            added_at=office.now(),
        )

        async def act(tx: Transaction) -> PasskeyRow | None:
            if not await self._spend(tx, request.client_data):
                return None
            person, known = await _own(tx, who)
            if len(known) >= MOST:
                raise ConflictError
            own = replace(row, person=person.id)
            await tx.add_passkey(own)
            detail: Detail = {"passkey": own.id, "synced": own.synced}
            await office.note(tx, Event.PASSKEY_ADDED, who.name, detail)
            return own

        try:
            kept = await office.store.write(act)
        except ConflictError:
            raise WrongStateError(
                "conflict", Phrase("this passkey is enrolled already")
            ) from None
        if kept is None:
            await self._refuse(request.client_data, who.name, "replayed")
            raise ForbiddenError(_REFUSED, authenticated=True)
        return self._shown(kept)

    # --- keeping ------------------------------------------------------------------

    async def show(self, who: Principal) -> PasskeysAnswer:
        """Show whoever asks their passkeys, oldest first."""
        _, rows = await self._office.store.read(lambda r: _own(r, who))
        return PasskeysAnswer([self._shown(row) for row in rows])

    async def rename(
        self, passkey: str, request: PasskeyName, who: Principal
    ) -> PasskeyShown:
        """Call a passkey something else.

        Raises:
            NotFoundError: whoever asks has no such passkey.
        """
        office = self._office

        async def act(tx: Transaction) -> PasskeyRow:
            row = replace(await _one(tx, passkey, who), name=request.name)
            await tx.set_passkey(row)
            await office.note(tx, Event.PASSKEY_NAMED, who.name, {"passkey": row.id})
            return row

        return self._shown(await office.store.write(act))

    async def remove(self, passkey: str, who: Principal) -> PasskeyAnswer:
        """Remove a passkey; other sessions of its person end at once.

        Raises:
            ForbiddenError: not in a session whose second factor is fresh.
            NotFoundError: whoever asks has no such passkey.
            WrongStateError: it is the last second factor that works.
        """
        _fresh(who)
        office = self._office

        async def act(tx: Transaction) -> None:
            row = await _one(tx, passkey, who)
            person, known = await _own(tx, who)
            others = [each for each in known if each.id != row.id and self._fits(each)]
            if not others and not self._has_authenticator(person):
                raise WrongStateError(
                    "last_factor",
                    Phrase(
                        "this is your last second factor: the authenticator's secret "
                        "cannot be read; get a new one first"
                    ),
                )
            await tx.remove_passkey(row.id)
            for session in await tx.sessions_of(person.id):
                if session.id != who.session:
                    await tx.remove_session(session.id)
            await office.note(tx, Event.PASSKEY_REMOVED, who.name, {"passkey": row.id})

        await office.store.write(act)
        return PasskeyAnswer(passkey)

    def _has_authenticator(self, person: PersonRow) -> bool:
        try:
            return bool(self._office.vault.open(person.id, person.totp or b""))
        except KeyFileError:
            return False

    # --- logging in ---------------------------------------------------------------

    async def begin_log_in(self, request: PasskeyStart) -> PasskeyOptions:
        """Begin a log-in by whatever passkey of this node the device holds.

        Raises:
            WrongStateError: this node has no desk.
        """
        return await self._assertion(_Ceremony("log_in", request.browser), [])

    async def log_in(self, request: PasskeyLogIn, source: str) -> SessionAnswer:
        """Log in by a passkey, from a place, "" for this machine.

        Raises:
            TooManyTriesError: too many have failed from there; wait.
            ForbiddenError: it is not accepted, or the role has lapsed.
            BadRequestError: it is right, but the role must be chosen.
            WrongStateError: this node has no desk.
        """
        office = self._office
        self._at()
        counters = [place_counter(office.vault, source)] if source else []
        await count_tries(office.store, counters, office.now())
        row, person = await self._found(request)
        if row is None or person is None:
            raise ForbiddenError(_REFUSED, authenticated=False)

        async def opened(tx: Transaction, found: PersonRow) -> SessionAnswer:
            return await self._sessions.open(
                tx, found, request.role, fresh=True, way="passkey"
            )

        ceremony = _Ceremony("log_in", request.browser)
        try:
            if person.state is not PersonState.ACTIVE:
                raise NotTakenError("state")  # noqa: TRY301 - one place refuses
            count = await self._proven(request, row, ceremony, is_named=True)
            answer = await self._used(request, row, count, opened)
        except NotTakenError as refused:
            await self._refuse(request.client_data, person.name, refused.why)
            raise ForbiddenError(_told(refused.why), authenticated=False) from None
        await uncount_tries(office.store, counters, office.now())
        return answer

    async def begin_step_up(self, who: Principal) -> PasskeyOptions:
        """Begin to prove one's own passkey anew.

        Raises:
            ForbiddenError: it is no session.
            WrongStateError: this node has no desk.
            NotFoundError: whoever asks has no passkey that works here.
        """
        self._at()
        ceremony = _Ceremony("step_up", session_of(who))
        _, rows = await self._office.store.read(lambda r: _own(r, who))
        known = [row.credential for row in rows if self._fits(row)]
        if not known:
            raise NotFoundError(_NO_SUCH)
        return await self._assertion(ceremony, known)

    async def step_up(self, request: PasskeyProof, who: Principal) -> StepUpAnswer:
        """Prove a passkey anew; approvals are possible for some minutes.

        Raises:
            TooManyTriesError: too many tries failed; wait.
            ForbiddenError: it is not accepted, or it is no session.
            WrongStateError: this node has no desk.
        """
        self._at()
        office, ceremony = self._office, _Ceremony("step_up", session_of(who))
        counter = Counter(office.vault.blind("step_up", who.name))
        await count_tries(office.store, [counter], office.now())

        async def proved(tx: Transaction, _: PersonRow) -> StepUpAnswer:
            await tx.remove_throttle(counter.key)
            return await self._sessions.strengthen(tx, who, way="passkey")

        row, person = await self._found(request)
        try:
            if row is None or person is None or person.name != who.name:
                raise NotTakenError("unknown")  # noqa: TRY301 - one place refuses
            count = await self._proven(request, row, ceremony, is_named=False)
            return await self._used(request, row, count, proved)
        except NotTakenError as refused:
            await self._refuse(request.client_data, who.name, refused.why)
            raise ForbiddenError(_told(refused.why), authenticated=True) from None

    # --- within -------------------------------------------------------------------

    def _at(self) -> str:
        if self._origin is None:
            raise WrongStateError(
                "no_desk",
                Phrase("passkeys take a desk: node.toml names no desk.origin"),
            )
        return self._origin

    def _fits(self, row: PasskeyRow) -> bool:
        return self._origin is not None and row.rp == _rp_of(self._origin)

    def _challenge(self, ceremony: _Ceremony) -> bytes:
        said = _SAID.pack(self._office.now() + LIFETIME, token_bytes(12))
        return said + self._mac(said, ceremony)

    def _mac(self, said: bytes, ceremony: _Ceremony) -> bytes:
        # The holder comes last: whatever it is, it reads as nothing else.
        about = f"{said.hex()}\n{self._at()}\n{ceremony.word}\n{ceremony.holder}"
        return bytes.fromhex(self._office.vault.blind("passkey", about))[:_MAC_BYTES]

    async def _assertion(
        self, ceremony: _Ceremony, known: list[bytes]
    ) -> PasskeyOptions:
        rp, challenge = _rp_of(self._at()), self._challenge(ceremony)

        def made() -> dict[str, Any]:
            from fedsafe_node.people import webauthn_library as library  # noqa: PLC0415

            return library.request_options(challenge, known, rp=rp)

        return PasskeyOptions(await asyncio.to_thread(made))

    async def _found(
        self, request: PasskeyProof
    ) -> tuple[PasskeyRow | None, PersonRow | None]:
        try:
            credential = from_text(request.credential)
        except NotTakenError:
            return None, None

        async def query(reader: Reader) -> tuple[PasskeyRow | None, PersonRow | None]:
            row = await reader.passkey_of(credential)
            return row, await reader.person(row.person) if row is not None else None

        return await self._office.store.read(query)

    def _check(self, client_data: str, kind: str, ceremony: _Ceremony) -> None:
        """Check what the browser says that it was asked.

        Raises:
            NotTakenError: it was asked something else, by somebody else, or too long
                ago.
        """
        said = client_data_in(client_data)
        if said.type != kind:
            raise NotTakenError("ceremony")
        if said.origin != self._at() or said.cross_origin:
            raise NotTakenError("origin")
        challenge = from_text(said.challenge)
        head, mac = challenge[: _SAID.size], challenge[_SAID.size :]
        if len(head) != _SAID.size or not hmac.compare_digest(
            self._mac(head, ceremony), mac
        ):
            raise NotTakenError("challenge")
        ends_at, _ = _SAID.unpack(head)
        now = self._office.now()
        if not now < ends_at <= now + LIFETIME:
            raise NotTakenError("late")

    async def _proven(
        self,
        request: PasskeyProof,
        row: PasskeyRow,
        ceremony: _Ceremony,
        *,
        is_named: bool,
    ) -> int:
        """Verify a passkey's answer; return how often it says that it has signed."""
        self._check(request.client_data, "webauthn.get", ceremony)
        handle = from_text(request.user_handle).decode("ascii", "replace")
        if handle != row.person and (is_named or handle):
            raise NotTakenError("person")
        return await asyncio.to_thread(_asserted, request, row, self._at())

    async def _used(
        self,
        request: PasskeyProof,
        row: PasskeyRow,
        count: int,
        then: Callable[[Transaction, PersonRow], Awaitable[T]],
    ) -> T:
        """Spend the challenge and do what was proved, in one act."""
        office = self._office

        async def act(tx: Transaction) -> T | str:
            if not await self._spend(tx, request.client_data):
                return "replayed"
            found = await tx.passkey_of(row.credential)
            person = await tx.person(row.person)
            if found is None or person is None:
                return "unknown"
            if person.state is not PersonState.ACTIVE:
                return "state"
            if (count or found.sign_count) and count <= found.sign_count:
                return "counter"
            await tx.set_passkey(replace(found, sign_count=count, used_at=office.now()))
            return await then(tx, person)

        done = await office.store.write(act)
        if isinstance(done, str):
            raise NotTakenError(done)
        return done

    async def _spend(self, tx: Transaction, client_data: str) -> bool:
        now = self._office.now()
        await tx.forget_challenges(now)
        # Beyond the end of any challenge that counts now.
        digest = hashlib.sha256(challenge_in(client_data)).digest()
        return await tx.spend_challenge(digest, now + LIFETIME)

    async def _refuse(self, client_data: str, name: str, why: str) -> None:
        """Write a refusal into the audit log, and spend the challenge with it."""
        office = self._office

        async def act(tx: Transaction) -> None:
            with suppress(NotTakenError):  # it names no challenge
                await self._spend(tx, client_data)
            await office.note(
                tx,
                Event.SESSION_REFUSED,
                name,
                {"why": why},
                outcome="wrong_passkey",
            )

        await office.store.write(act)

    def _shown(self, row: PasskeyRow) -> PasskeyShown:
        return PasskeyShown(
            passkey=row.id,
            name=row.name,
            added_at=row.added_at,
            used_at=row.used_at,
            synced=row.synced,
            fits=self._fits(row),
        )


def _told(why: str) -> Phrase:
    """Say why it is refused, as far as the device itself has said it."""
    return _UNVERIFIED if why == "verification" else _REFUSED


def _rp_of(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _fresh(who: Principal) -> None:
    if who.session is None or not who.fresh:
        raise ForbiddenError(
            Phrase("do it in a session whose second factor is fresh"),
            authenticated=True,
        )


def _enrolment_of(who: Principal) -> _Ceremony:
    _fresh(who)
    return _Ceremony("enrol", session_of(who))


async def _own(reader: Reader, who: Principal) -> tuple[PersonRow, list[PasskeyRow]]:
    person = await reader.person_named(who.name)
    if person is None:
        raise NotFoundError(Phrase("no such account"))
    return person, await reader.passkeys_of(person.id)


async def _one(reader: Reader, passkey: str, who: Principal) -> PasskeyRow:
    _, rows = await _own(reader, who)
    for row in rows:
        if row.id == passkey:
            return row
    raise NotFoundError(_NO_SUCH)


def _registered(request: PasskeyEnrolment, origin: str) -> "VerifiedRegistration":
    from fedsafe_node.people import webauthn_library as library  # noqa: PLC0415

    return library.registered(
        request.credential,
        request.client_data,
        request.attestation,
        rp=_rp_of(origin),
        origin=origin,
    )


def _asserted(request: PasskeyProof, row: PasskeyRow, origin: str) -> int:
    from fedsafe_node.people import webauthn_library as library  # noqa: PLC0415

    return library.asserted(
        request.credential,
        request.client_data,
        request.authenticator,
        request.signature,
        rp=_rp_of(origin),
        origin=origin,
        public_key=row.public_key,
        count=row.sign_count,
    )
