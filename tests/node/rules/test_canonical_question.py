# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.acts.bodies import (
    Kind,
    Question,
)
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.keys.lookup_items import File, Person
from fedsafe_node.rules.canonical_question import plane_of, read_question
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Plane

SECRET = "Some.Body@Mail.example"


def read(kind: Kind, value: str, **more: str | None) -> Person | File:
    question = Question(kind=kind, value=value, **more)
    return read_question(question, pointer="/questions/0")


@pytest.mark.parametrize(
    ("kind", "digits", "media"),
    [
        (Kind.SHA256, 64, MediaKind.SHA256),
        (Kind.SHA1, 40, MediaKind.SHA1),
        (Kind.MD5, 32, MediaKind.MD5),
        (Kind.BLAKE3, 64, MediaKind.BLAKE3),
        (Kind.PDQ, 64, MediaKind.PDQ),
    ],
)
def test_a_digest_has_the_length_of_its_kind(
    kind: Kind, digits: int, media: MediaKind
) -> None:
    asked = read(kind, "aB" * (digits // 2))

    assert asked == File(media, bytes([0xAB] * (digits // 2)))
    assert plane_of(Question(kind=kind, value="")) is Plane.MEDIA
    for wrong in ("ab" * (digits // 2 - 1), "ab" * (digits // 2 + 1), "g" * digits):
        with pytest.raises(BadRequestError) as caught:
            read(kind, wrong)
        assert caught.value.pointer == "/questions/0/value"
        assert wrong not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["ab " + "ab" * 30 + "a", " " * 64, "ab" * 31 + "\n "]
)
def test_white_space_is_no_part_of_a_digest(value: str) -> None:
    with pytest.raises(BadRequestError):
        read(Kind.SHA256, value)


@pytest.mark.parametrize("more", [{"region": "DE"}, {"namespace": "chat"}])
def test_a_digest_has_no_region_or_namespace(more: dict[str, str]) -> None:
    with pytest.raises(BadRequestError):
        read(Kind.SHA256, "ab" * 32, **more)


def test_an_identifier_is_framed_for_one_federation() -> None:
    person = read(Kind.EMAIL, SECRET)
    assert isinstance(person, Person)

    assert person.kind is IdentifierKind.EMAIL
    assert plane_of(Question(kind=Kind.EMAIL, value="")) is Plane.ACTOR
    assert person.input("one#1") != person.input("two#1")
    assert person == read(Kind.EMAIL, SECRET.lower())


def test_what_is_asked_is_not_shown() -> None:
    shown = repr(read(Kind.EMAIL, SECRET)) + repr(read(Kind.SHA256, "ab" * 32))

    assert "some.body" not in shown.lower()
    assert "ab" * 8 not in shown
    assert "\\xab" not in shown


@given(st.sampled_from(list(Kind)), st.text(min_size=1, max_size=80))
def test_junk_is_refused_without_being_repeated(kind: Kind, value: str) -> None:
    question = Question(kind=kind, value=value)
    refusal = refusal_of(question)
    if refusal is not None:
        assert refusal.pointer == "/questions/0/value"
        assert len(value) < 9 or value not in str(refusal)


def refusal_of(question: Question) -> BadRequestError | None:
    try:
        read_question(question, pointer="/questions/0")
    except BadRequestError as error:
        return error
    return None
