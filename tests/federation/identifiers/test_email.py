# SPDX-License-Identifier: Apache-2.0
"""The short way of plain addresses is the long way's equal."""

from hypothesis import example, given
from hypothesis.strategies import from_regex, lists, one_of, sampled_from, text

from fedsafe_federation.errors import IdentifierError
from fedsafe_federation.identifiers import email
from fedsafe_federation.identifiers.email import PROVIDERS, canonical_email

WORDS = one_of(
    sampled_from(
        [".", "-", "--", "+", "@", "xn--", "a", "B", "1", "test", "local", "onion"]
    ),
    from_regex(r"[ -~]{1,3}", fullmatch=True),
)
NEARLY_PLAIN = lists(WORDS, min_size=1, max_size=12).map("".join)
LOCALS = from_regex(r"[A-Za-z0-9.+_!#$%&'*/=?^`{|}~-]{1,70}", fullmatch=True)
DOMAINS = from_regex(
    r"([A-Za-z0-9-]{1,64}\.){1,4}([A-Za-z]{1,6}|test|local|0x)", fullmatch=True
)


def long_way(address: str) -> str | None:
    # The parts below the public function: the same rules without the short cut.
    try:
        return email._fold_provider(*email._validated_parts(address))  # noqa: SLF001
    except IdentifierError:
        return None


def short_way(address: str) -> str | None:
    try:
        return canonical_email(address)
    except IdentifierError:
        return None


@given(LOCALS, one_of(DOMAINS, NEARLY_PLAIN, sampled_from(sorted(PROVIDERS))))
@example("anna", "ab--c.de")
@example("anna", "a" * 63 + ".de")
@example("anna", "a" * 64 + ".de")
@example("anna", "example.test")
@example("anna", "printer.LOCAL")
@example("INFO", "Example.de")
@example("a" * 300, "example.de")
@example("a", ".".join(["b" * 61] * 4) + ".de")
@example("anna", "example.c0m")
def test_plain_addresses_get_what_the_library_says(local: str, domain: str) -> None:
    address = f"{local}@{domain}"

    assert short_way(address) == long_way(address)


@given(NEARLY_PLAIN)
def test_almost_plain_addresses_do_too(local: str) -> None:
    for address in (local, f"{local}@example.de", f"anna@{local}"):
        if address.strip():
            assert short_way(address) == long_way(address.strip())


@given(text(alphabet="annA.", min_size=1, max_size=12), sampled_from(["", "+x", "+"]))
def test_all_spellings_of_a_gmail_address_meet(letters: str, tag: str) -> None:
    plain = letters.replace(".", "").lower()
    found = short_way(f"{letters}{tag}@googlemail.com")

    assert found in (None, f"{plain}@gmail.com")


def test_long_addresses_have_the_librarys_limit() -> None:
    domain = ".".join(["b" * 60] * 3) + ".de"
    fits = "a" * (254 - 1 - len(domain))

    assert short_way(f"{fits}@{domain}") == f"{fits}@{domain}"
    assert short_way(f"a{fits}@{domain}") is None
