# SPDX-License-Identifier: Apache-2.0
"""Passwords of people: rules, argon2id, and a bound on what hashing may take.

The rules follow NIST SP 800-63B: long enough, not the person's own name, none of
the passwords everybody tries; nothing about kinds of characters. Text is brought
into the form of RFC 8265 (OpaqueString), so two keyboards give one password.

Hashing runs on threads of its own, two at a time with 64 MiB each, and only so
many may wait: a flood of logins takes neither the memory nor the loop.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from precis_i18n import get_profile

from fedsafe_node.ground.errors import BadRequestError, UnavailableError
from fedsafe_policies.ground.catalogue import Phrase

PARAMETERS: Final = RFC_9106_LOW_MEMORY  # RFC 9106 §4, second recommended option
SHORTEST: Final = 12
LONGEST: Final = 256
_BESIDE_NAME: Final = 8  # characters that are not the name
_DIFFERENT: Final = 5
_THREADS: Final = 2
_WAITING: Final = 16
_RETRY_MS: Final = 2_000
_PROFILE: Final = get_profile("OpaqueString")
_WORN: Final = (
    "123456789012",
    "1234567890123",
    "1q2w3e4r5t6y",
    "abcdefghijkl",
    "administrator",
    "changemechangeme",
    "iloveyouiloveyou",
    "letmeinletmein",
    "password1234",
    "passwordpassword",
    "passwort1234",
    "passwortpasswort",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertzuiop12",
    "willkommen123",
)


def check_password(password: str, *names: str) -> str:
    """Check a new password against the rules; returns the form that is hashed.

    Raises:
        BadRequestError: it breaks a rule; the message never repeats it.
    """
    text = normal_form(password)
    if len(text) < SHORTEST:
        raise _weak(
            Phrase("a password has at least {shortest} characters").filled(
                shortest=SHORTEST
            )
        )
    folded = text.casefold()
    if len(set(folded)) < _DIFFERENT or folded in _WORN:
        raise _weak(Phrase("this is one of the first passwords that anybody tries"))
    rest = folded
    for word in sorted({w for n in names for w in n.casefold().split()}, key=len):
        rest = rest.replace(word, "") if len(word) > 1 else rest
    if len(rest) < _BESIDE_NAME:
        raise _weak(Phrase("a password is not the person's name"))
    return text


def normal_form(password: str) -> str:
    """Bring a typed password into the one form of RFC 8265.

    Raises:
        BadRequestError: it is empty, too long or holds characters without a form.
    """
    if len(password) > LONGEST:
        raise _weak(
            Phrase("a password has at most {longest} characters").filled(
                longest=LONGEST
            )
        )
    try:
        return str(_PROFILE.enforce(password))
    except UnicodeError:
        raise _weak(Phrase("a password is text without control characters")) from None


def _weak(detail: str | Phrase) -> BadRequestError:
    return BadRequestError("bad_password", detail, pointer="/password")


class Passwords:
    """Hashes and verifies, off the event loop and within bounds.

    Owned by the event loop: `_waiting`, how many are hashed or wait for it.
    """

    def __init__(self, parameters: Parameters = PARAMETERS) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="fedsafe-password")
        self._nobody: str | None = None
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Hash a password that was checked.

        Raises:
            UnavailableError: too many are waiting.
        """
        return await self._run(password, None)

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Compare; for nobody's hash (None) it takes as long and is never true.

        Raises:
            UnavailableError: too many are waiting.
        """
        if encoded is not None:
            return await self._run(password, encoded) == encoded
        if self._nobody is None:
            self._nobody = await self._run("nobody's password", None)
        await self._run(password, self._nobody)
        return False

    def is_outdated(self, encoded: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(encoded)

    async def _run(self, password: str, encoded: str | None) -> str:
        if self._waiting >= _WAITING:
            raise UnavailableError(
                "busy",
                Phrase("too many people log in at once"),
                retry_after_ms=_RETRY_MS,
            )
        self._waiting += 1
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._pool, self._work, password, encoded)
        # An asker that goes away leaves the work behind: it counts until it is done.
        work.add_done_callback(self._leave)
        return await asyncio.shield(work)

    def _leave(self, work: asyncio.Future[str]) -> None:
        self._waiting -= 1
        if not work.cancelled():
            work.exception()

    def _work(self, password: str, encoded: str | None) -> str:
        if encoded is None:
            return self._hasher.hash(password)
        try:
            self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return ""
        return encoded

    def close(self) -> None:
        """Wait for the threads to end."""
        self._pool.shutdown(wait=True)
