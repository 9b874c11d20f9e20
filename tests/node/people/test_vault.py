# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from fedsafe_node.ground.errors import KeyFileError, KeyFileMissingError
from fedsafe_node.people.credentials import (
    hash_code,
    hash_token,
    new_code,
    new_session_token,
)
from fedsafe_node.people.vault import Vault, open_vault

KEY = bytes(range(32))


def test_a_secret_opens_for_its_own_person_only() -> None:
    sealed = Vault(KEY).seal("anna", b"secret")

    assert Vault(KEY).open("anna", sealed) == b"secret"
    assert b"secret" not in sealed
    for vault, person in ((Vault(KEY), "ben"), (Vault(bytes(32)), "anna")):
        with pytest.raises(KeyFileError):
            vault.open(person, sealed)


def test_a_vault_is_made_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "people.key"
    sealed = open_vault(path).seal("anna", b"secret")

    assert open_vault(path).open("anna", sealed) == b"secret"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_vault_that_is_needed_is_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "people.key"
    with pytest.raises(KeyFileMissingError):
        open_vault(path, is_needed=True)

    assert not path.exists()


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.key"
    path.touch(0o600)
    path.write_bytes(b"short")

    with pytest.raises(KeyFileError):
        open_vault(path)


def test_a_counter_tells_no_name() -> None:
    vault = Vault(KEY)
    names = {
        vault.blind("account", "anna"),
        vault.blind("source", "anna"),
        vault.blind("account", "ben"),
        Vault(bytes(32)).blind("account", "anna"),
    }

    assert len(names) == 4
    assert not any("anna" in name for name in names)
    assert KEY.hex() not in repr(vault)


def test_a_code_is_read_as_people_type_it() -> None:
    code = new_code()

    assert hash_code(code) == hash_code(f" {code.lower().replace('-', ' ')} ")
    assert len({new_code() for _ in range(100)}) == 100
    assert len({hash_token(new_session_token()) for _ in range(100)}) == 100
