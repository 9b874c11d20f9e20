# SPDX-License-Identifier: Apache-2.0
"""The people's tables in SQL: a reading and a writing half for the store's classes.

They are mixed into `Reader` and `Transaction`, which own the connection.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.people_rows import (
    ActRefusalRow,
    ActRow,
    ActState,
    GrantRow,
    IdentityRow,
    PasskeyRow,
    PersonRow,
    PersonState,
    SessionRow,
    TermsRow,
    ThrottleRow,
    TrainingRow,
)
from fedsafe_node.store.rows import Row
from fedsafe_node.store.sql import Connection, IntegrityError

T = TypeVar("T", bound=Row)


def _columns(type_: type[Row]) -> str:
    return ", ".join(type_.__struct_fields__)


def _marks(type_: type[Row]) -> str:
    return ", ".join("?" for _ in type_.__struct_fields__)


_PERSON = f"SELECT {_columns(PersonRow)} FROM persons "  # noqa: S608 - our own columns
_GRANT = f"SELECT {_columns(GrantRow)} FROM grants "  # noqa: S608
_ADD_GRANT = (  # the store gives the number
    "INSERT INTO grants (person, role, since, until, granted_by) VALUES (?, ?, ?, ?, ?)"
)
_TRAINING = f"SELECT {_columns(TrainingRow)} FROM trainings "  # noqa: S608
_SESSION = f"SELECT {_columns(SessionRow)} FROM sessions "  # noqa: S608
_THROTTLE = f"SELECT {_columns(ThrottleRow)} FROM throttles "  # noqa: S608
_ACT = f"SELECT {_columns(ActRow)} FROM acts "  # noqa: S608
_REFUSAL = f"SELECT {_columns(ActRefusalRow)} FROM act_refusals "  # noqa: S608
_REFUSED = (
    f"SELECT {', '.join('a.' + each for each in ActRow.__struct_fields__)}, "  # noqa: S608
    "r.act, r.reason, r.reference, r.at FROM act_refusals r "
    "JOIN acts a ON a.id = r.act "
    "WHERE r.at >= ? AND (a.asked_by = ? OR a.decided_by = ?) "
    "ORDER BY r.at DESC, r.act DESC LIMIT ?"
)
_TERMS = f"SELECT {_columns(TermsRow)} FROM credential_terms "  # noqa: S608
_PASSKEY = f"SELECT {_columns(PasskeyRow)} FROM passkeys "  # noqa: S608
_IDENTITY = f"SELECT {_columns(IdentityRow)} FROM identities "  # noqa: S608


def _person(row: Any) -> PersonRow:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(PersonRow.__struct_fields__, row, strict=True))
    named |= {"external": bool(named["external"]), "state": PersonState(named["state"])}
    return PersonRow(**named)


def _passkey(row: Any) -> PasskeyRow:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(PasskeyRow.__struct_fields__, row, strict=True))
    named |= {each: bytes(named[each]) for each in ("credential", "public_key")}
    named["synced"] = bool(named["synced"])
    return PasskeyRow(**named)


def _act(row: Any) -> ActRow:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(ActRow.__struct_fields__, row, strict=True))
    named["state"] = ActState(named["state"])
    return ActRow(**named)


def _made(type_: type[T], row: Any) -> T:  # noqa: ANN401 - a raw row
    return type_(**dict(zip(type_.__struct_fields__, row, strict=True)))


def _values(row: Row) -> tuple[object, ...]:
    return msgspec.structs.astuple(row)


class SqlPeopleReader:
    """Reads the people's tables."""

    _connection: Connection

    def _row(self, sql: str, *values: object) -> Any:  # noqa: ANN401 - a raw row
        return self._connection.execute(sql, values).fetchone()

    def _rows(self, sql: str, *values: object) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    async def person(self, person_id: str) -> PersonRow | None:
        """Return a person by id."""
        row = self._row(_PERSON + "WHERE id = ?", person_id)
        return row and _person(row)

    async def person_named(self, name: str) -> PersonRow | None:
        """Return a person by name."""
        row = self._row(_PERSON + "WHERE name = ?", name)
        return row and _person(row)

    async def persons(self) -> list[PersonRow]:
        """Return all persons by name."""
        return [_person(row) for row in self._rows(_PERSON + "ORDER BY name")]

    async def grants_of(self, person_id: str) -> list[GrantRow]:
        """Return a person's grants, past and future ones included, oldest first."""
        rows = self._rows(_GRANT + "WHERE person = ? ORDER BY role, number", person_id)
        return [_made(GrantRow, row) for row in rows]

    async def trainings_of(self, person_id: str) -> list[TrainingRow]:
        """Return a person's training records, expired ones included."""
        where = "WHERE person = ? ORDER BY until, id"
        return [
            _made(TrainingRow, row) for row in self._rows(_TRAINING + where, person_id)
        ]

    async def recovery_codes_left(self, person_id: str) -> int:
        """Count a person's recovery codes that were not used."""
        sql = "SELECT count(*) FROM recovery_codes WHERE person = ?"
        return int(self._row(sql, person_id)[0])

    async def session(self, session_id: str) -> SessionRow | None:
        """Return a session."""
        row = self._row(_SESSION + "WHERE id = ?", session_id)
        return row and _made(SessionRow, row)

    async def sessions_of(self, person_id: str) -> list[SessionRow]:
        """Return a person's sessions, those that are over included, newest first."""
        where = "WHERE person = ? ORDER BY began_at DESC, id"
        return [
            _made(SessionRow, row) for row in self._rows(_SESSION + where, person_id)
        ]

    async def throttle(self, key: str) -> ThrottleRow | None:
        """Return the failed logins under a blinded name."""
        row = self._row(_THROTTLE + "WHERE key = ?", key)
        return row and _made(ThrottleRow, row)

    async def act(self, act_id: str) -> ActRow | None:
        """Return an act that takes two persons."""
        row = self._row(_ACT + "WHERE id = ?", act_id)
        return row and _act(row)

    async def acts(
        self, state: ActState, limit: int, after: ActRow | None = None
    ) -> list[ActRow]:
        """Return acts of a state, oldest first, that were asked for after another."""
        begin = (-1, "") if after is None else (after.asked_at, after.id)
        where = "WHERE state = ? AND (asked_at, id) > (?, ?) ORDER BY asked_at, id "
        rows = self._rows(_ACT + where + "LIMIT ?", state.value, *begin, limit)
        return [_act(row) for row in rows]

    async def act_refusal(self, act_id: str) -> ActRefusalRow | None:
        """Return why an act was refused, if it was and that is still kept."""
        row = self._row(_REFUSAL + "WHERE act = ?", act_id)
        return row and _made(ActRefusalRow, row)

    async def refused_acts(
        self, name: str, since: int, limit: int
    ) -> list[tuple[ActRow, ActRefusalRow]]:
        """Return acts refused since, asked for or refused by somebody, newest first."""
        width = len(ActRow.__struct_fields__)
        rows = self._rows(_REFUSED, since, name, name, limit)
        return [(_act(row[:width]), _made(ActRefusalRow, row[width:])) for row in rows]

    async def terms_of(self, credential_id: str) -> TermsRow | None:
        """Return what a credential is good for."""
        row = self._row(_TERMS + "WHERE credential = ?", credential_id)
        return row and _made(TermsRow, row)

    async def identity(self, issuer: str, subject: str) -> IdentityRow | None:
        """Return whose identity this is."""
        row = self._row(_IDENTITY + "WHERE issuer = ? AND subject = ?", issuer, subject)
        return row and _made(IdentityRow, row)

    async def passkey_of(self, credential: bytes) -> PasskeyRow | None:
        """Return the passkey that a device calls so."""
        row = self._row(_PASSKEY + "WHERE credential = ?", credential)
        return row and _passkey(row)

    async def passkeys_of(self, person_id: str) -> list[PasskeyRow]:
        """Return a person's passkeys, oldest first."""
        where = "WHERE person = ? ORDER BY added_at, id"
        return [_passkey(row) for row in self._rows(_PASSKEY + where, person_id)]


class SqlPeopleWriter:
    """Writes the people's tables."""

    _connection: Connection

    def _run(self, sql: str, *values: object) -> int:
        try:
            return self._connection.execute(sql, values).rowcount
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    def _keep(self, table: str, row: Row, tail: str = "") -> None:
        type_ = type(row)
        self._run(
            f"INSERT INTO {table} ({_columns(type_)}) VALUES ({_marks(type_)}) {tail}",  # noqa: S608
            *_values(row),
        )

    def _replace(self, table: str, row: Row, *key: str) -> None:
        rest = [name for name in row.__struct_fields__ if name not in key]
        sets = ", ".join(f"{name} = excluded.{name}" for name in rest)
        self._keep(table, row, f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}")

    async def add_person(self, person: PersonRow) -> None:
        """Keep a new person.

        Raises:
            ConflictError: the name was given before.
        """
        self._keep("persons", person)

    async def set_person(self, person: PersonRow) -> bool:
        """Replace what is kept of a person but name and id; False if unknown."""
        rest = PersonRow.__struct_fields__[2:]
        sets = ", ".join(f"{name} = ?" for name in rest)
        sql = f"UPDATE persons SET {sets} WHERE id = ?"  # noqa: S608
        return self._run(sql, *_values(person)[2:], person.id) > 0

    async def add_grant(self, grant: GrantRow) -> None:
        """Keep a grant; an older one of the same role ends as this one begins."""
        self._run(
            "UPDATE grants SET until = CASE WHEN since > ?1 THEN since ELSE ?1 "
            "END WHERE person = ?2 AND role = ?3 AND (until IS NULL OR until > ?1)",
            grant.since,
            grant.person,
            grant.role,
        )
        self._run(_ADD_GRANT, *_values(grant)[:-1])

    async def end_grant(self, number: int, at: int) -> None:
        """Let a grant end at a moment; one that ends before is left alone."""
        self._run(
            "UPDATE grants SET until = CASE WHEN since > ?1 THEN since ELSE ?1 "
            "END WHERE number = ?2 AND (until IS NULL OR until > ?1)",
            at,
            number,
        )

    async def add_training(self, training: TrainingRow) -> None:
        """Keep a training record."""
        self._keep("trainings", training)

    async def set_recovery_codes(self, person_id: str, hashes: Sequence[bytes]) -> None:
        """Replace a person's recovery codes."""
        self._run("DELETE FROM recovery_codes WHERE person = ?", person_id)
        for code_hash in hashes:
            sql = "INSERT INTO recovery_codes (person, hash) VALUES (?, ?)"
            self._run(sql, person_id, code_hash)

    async def spend_recovery_code(self, person_id: str, code_hash: bytes) -> bool:
        """Use a recovery code up; False if there is no such code."""
        sql = "DELETE FROM recovery_codes WHERE person = ? AND hash = ?"
        return self._run(sql, person_id, code_hash) > 0

    async def put_session(self, session: SessionRow) -> None:
        """Keep a session, or how it stands now."""
        self._replace("sessions", session, "id")

    async def remove_session(self, session_id: str) -> bool:
        """End a session; False if there was none."""
        return self._run("DELETE FROM sessions WHERE id = ?", session_id) > 0

    async def remove_sessions_of(self, person_id: str) -> int:
        """End all sessions of a person; return how many."""
        return self._run("DELETE FROM sessions WHERE person = ?", person_id)

    async def forget_sessions(self, *, seen: int, began: int) -> int:
        """Drop sessions last seen, or begun, before these moments; return how many."""
        sql = "DELETE FROM sessions WHERE seen_at < ? OR began_at < ?"
        return self._run(sql, seen, began)

    async def put_throttle(self, throttle: ThrottleRow) -> None:
        """Keep a count of failed logins."""
        self._replace("throttles", throttle, "key")

    async def remove_throttle(self, key: str) -> bool:
        """Drop a count of failed logins; False if there was none."""
        return self._run("DELETE FROM throttles WHERE key = ?", key) > 0

    async def forget_throttles(self, before: int) -> int:
        """Drop counts last changed before a moment; return how many."""
        return self._run("DELETE FROM throttles WHERE seen_at < ?", before)

    async def add_act(self, act: ActRow) -> None:
        """Keep an act that waits for a second person."""
        self._keep("acts", act)

    async def decide_act(
        self, act_id: str, state: ActState, *, by: str, at: int
    ) -> bool:
        """Decide a pending act and drop its content; False if none is pending.

        Raises:
            ConflictError: whoever asked for it also approves it.
        """
        sql = (
            "UPDATE acts SET state = ?, decided_by = ?, decided_at = ?, content = NULL "
            "WHERE id = ? AND state = 'pending'"
        )
        return self._run(sql, state.value, by, at, act_id) > 0

    async def add_act_refusal(self, refusal: ActRefusalRow) -> None:
        """Keep why an act was refused."""
        self._keep("act_refusals", refusal)

    async def forget_act_refusals(self, before: int) -> int:
        """Drop why acts were refused before a moment; return how many."""
        return self._run("DELETE FROM act_refusals WHERE at < ?", before)

    async def add_terms(self, terms: TermsRow) -> None:
        """Keep what a credential is good for; removed together with it."""
        self._keep("credential_terms", terms)

    async def set_credential_expiry(self, credential_id: str, at: int) -> bool:
        """Let a credential end at a moment; False if there is none."""
        sql = "UPDATE credentials SET expires_at = ? WHERE id = ?"
        return self._run(sql, at, credential_id) > 0

    async def add_identity(self, identity: IdentityRow) -> None:
        """Keep who somebody is at an issuer.

        Raises:
            ConflictError: the identity, or the person's place there, is taken.
        """
        self._keep("identities", identity)

    async def remove_identities_of(self, person_id: str) -> int:
        """Forget who somebody is at all issuers; return how many."""
        return self._run("DELETE FROM identities WHERE person = ?", person_id)

    async def add_passkey(self, passkey: PasskeyRow) -> None:
        """Keep a passkey.

        Raises:
            ConflictError: a passkey that its device calls so is there already.
        """
        self._keep("passkeys", passkey)

    async def set_passkey(self, passkey: PasskeyRow) -> bool:
        """Replace a passkey's name and what its last use told; False if unknown."""
        sql = "UPDATE passkeys SET name = ?, sign_count = ?, used_at = ? WHERE id = ?"
        used = (passkey.sign_count, passkey.used_at)
        return self._run(sql, passkey.name, *used, passkey.id) > 0

    async def remove_passkey(self, passkey_id: str) -> bool:
        """Drop a passkey; False if there is none."""
        return self._run("DELETE FROM passkeys WHERE id = ?", passkey_id) > 0

    async def remove_passkeys_of(self, person_id: str) -> int:
        """Drop all passkeys of a person; return how many."""
        return self._run("DELETE FROM passkeys WHERE person = ?", person_id)

    async def spend_challenge(self, digest: bytes, until: int) -> bool:
        """Note that a challenge was used; False if it was before."""
        sql = (
            "INSERT INTO spent_challenges (digest, until) VALUES (?, ?) "
            "ON CONFLICT (digest) DO NOTHING"
        )
        return self._run(sql, digest, until) > 0

    async def forget_challenges(self, now: int) -> int:
        """Drop used challenges that do not count any more; return how many."""
        return self._run("DELETE FROM spent_challenges WHERE until <= ?", now)
