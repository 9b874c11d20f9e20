# SPDX-License-Identifier: Apache-2.0
"""A mail that answers a package acknowledges it once; a machine's acknowledges none."""

import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, refused, tables
from tests.support.package_desk import Post
from tests.support.replies import TOKEN, mail, token_of

from fedsafe_node.acts.dispatches import ReceiptWay, ReceiveReply
from fedsafe_node.acts.partners import VerifyPartner
from fedsafe_node.api.census import is_audited
from fedsafe_node.casework.dispatch.replies import read_reply
from fedsafe_node.ground.errors import BadRequestError, NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import begin
from fedsafe_node.store.casework_rows import AttemptRow
from fedsafe_policies.escalation.dispatches import DispatchState, Outcome
from fedsafe_policies.escalation.states import CaseState

__all__ = ["ada", "ben", "desk", "tables", "team"]

sequoia: Final = pytest.importorskip("pysequoia")
OTHER: Final = "Other-token_0123456789ab"
PROOF: Final = re.compile(r"message-id:sha256:[0-9a-f]{64}")


@pytest.fixture
def post(desk: Any) -> Post:  # noqa: ANN401
    return Post(desk)


@pytest.fixture
async def case(post: Post, ada: Principal, ben: Principal) -> str:
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    (sent,) = (await post.send(case, ada)).dispatches
    await tried(post, sent.dispatch, Outcome.IN_DOUBT)
    return case


async def tried(post: Post, dispatch: str, outcome: Outcome) -> None:
    now = post.desk.team.now
    attempt = AttemptRow(
        dispatch_id=dispatch,
        number=1,
        way=ReceiptWay.MAIL.value,
        began_at=now,
        ended_at=now,
        outcome=outcome.value,
    )
    await post.desk.store.write(lambda tx: tx.add_attempt(attempt))


@pytest.mark.parametrize(
    "lines",
    [
        (f"To: Faelle <cases+{TOKEN}@chat.example>",),
        ("To: cases@chat.example", f"Delivered-To: cases+{TOKEN}@chat.example"),
        (f"Subject: AW: FedSafe {TOKEN} (Az. 17)",),
        ("Subject: AW: FedSafe", f" {TOKEN}"),
        (f"Subject: =?utf-8?q?R=C3=A9ponse=3A_FedSafe_{TOKEN.replace('_', '=5F')}?=",),
        (f"Subject: FedSafe {TOKEN}", "Auto-Submitted: no (a (kind) person)"),
    ],
)
def test_a_token_is_found_where_a_mail_program_leaves_it(
    lines: tuple[str, ...],
) -> None:
    found = read_reply(mail(*lines))

    assert found.tokens == (TOKEN,)
    assert PROOF.fullmatch(found.proof)
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    "lines",
    [
        (f"X-Note: FedSafe {TOKEN}",),
        (f"Subject: FedSafe {TOKEN}_{TOKEN}",),
        (f"From: cases+{TOKEN}@chat.example",),
        ("", f"Subject: FedSafe {TOKEN}"),
    ],
)
def test_a_token_elsewhere_is_none(lines: tuple[str, ...]) -> None:
    assert read_reply(mail(*lines)).tokens == ()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("Auto-Submitted: auto-replied", "Auto-Submitted"),
        ("Auto-submitted: auto-generated; owner-email=x", "Auto-Submitted"),
        ("Return-Path: <>", "bounce"),
        ("Content-Type: Multipart/Report (x); report-type=disposition", "report"),
        ("Content-Type: ((a)b) multipart/report", "report"),
        ("Return-Path: < >", "bounce"),
        ("Precedence: bulk", "Precedence"),
        ("Precedence: auto-reply", "Precedence"),
        ("X-Autoreply: yes", "X-Autoreply"),
        ("X-Auto-Response-Suppress: All", "X-Auto-Response-Suppress"),
    ],
)
def test_what_a_machine_writes_is_refused_and_says_why(line: str, word: str) -> None:
    with pytest.raises(BadRequestError) as found:
        read_reply(mail(f"Subject: FedSafe {TOKEN}", line))

    assert found.value.code == "automatic_reply"
    assert word in found.value.detail
    assert TOKEN not in found.value.detail


@pytest.mark.parametrize(
    "line",
    ["garbage", ">From x@y Sat Nov 28", "X-Ä: b", "Auto-Submitted : auto-replied"],
)
def test_nothing_hides_behind_a_line_that_is_no_field(line: str) -> None:
    lines = (f"Subject: FedSafe {TOKEN}", line, "Auto-Submitted: auto-replied")
    with pytest.raises(BadRequestError) as found:
        read_reply(mail(*lines))

    assert found.value.code == "bad_reply"
    assert TOKEN not in found.value.detail


def test_a_mail_of_many_tokens_is_left_to_a_person() -> None:
    lines = [f"Delivered-To: a+{TOKEN}{number}@chat.example" for number in range(9)]
    with pytest.raises(BadRequestError) as found:
        read_reply(mail(*lines))

    assert found.value.code == "bad_reply"


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "value",
    [
        'text/plain; a="' + '"' * 60_000,
        "text/plain;" + " ;" * 30_000,
        "text/plain; a=" + "(" * 5_000,
        "text/plain; a*",
    ],
)
def test_no_field_is_parsed_for_long(value: str) -> None:
    found = read_reply(mail(f"Subject: FedSafe {TOKEN}", f"Content-Type: {value}"))

    assert found.tokens == (TOKEN,)


@given(
    st.binary(max_size=400)
    | st.lists(
        st.tuples(
            st.sampled_from(
                ["Subject", "To", "Message-ID", "Auto-Submitted", "Content-Type"]
            ),
            st.text(max_size=60) | st.just("=?utf-8?b?/?= =?x?q?=FF?=  =??q??="),
        ),
        max_size=6,
    ).map(lambda s: "\r\n".join(f"{a}: {b}" for a, b in s).encode("utf-8", "replace"))
)
def test_whatever_is_handed_in_is_read_or_refused(data: bytes) -> None:
    try:
        found = read_reply(data)
    except BadRequestError as error:
        assert error.code in {"automatic_reply", "bad_reply"}  # noqa: PT017
    else:
        assert PROOF.fullmatch(found.proof)


async def test_a_reply_acknowledges_as_far_as_a_person_could(
    post: Post, ada: Principal, case: str
) -> None:
    token = await token_of(post, case, ada)
    asked = ReceiveReply(mail(f"To: cases+{token}@chat.example"))
    done = await post.notes.receive(asked, ada)
    found = await post.only(case, ada)
    (receipt,) = found.receipts

    assert (done.case, done.dispatch, done.noted) == (case, found.dispatch, True)
    assert done.state is CaseState.ACKNOWLEDGED
    assert found.state is DispatchState.ACKNOWLEDGED
    assert found.acknowledged_at == post.desk.team.now
    assert (receipt.way, receipt.by) == (ReceiptWay.MAIL, "ada")
    assert PROOF.fullmatch(receipt.reference)


async def test_a_second_reply_is_no_second_acknowledgement(
    post: Post, ada: Principal, case: str
) -> None:
    token = await token_of(post, case, ada)
    first = ReceiveReply(mail(f"Subject: FedSafe {token}"))
    later = ReceiveReply(mail(f"Subject: FedSafe {token}", number=2))
    answers = []
    for asked in (first, first, later):
        asking = begin()
        answers.append(await post.notes.receive(asked, ada))
        assert is_audited("receiveReply", asking)
    told = [event for event, _, _ in await post.desk.team.events()]

    assert [each.noted for each in answers] == [True, False, False]
    assert len((await post.only(case, ada)).receipts) == 1
    assert told.count("dispatch.noted") == 1


@pytest.mark.parametrize("outcome", [None, Outcome.REFUSED])
async def test_who_refused_a_package_cannot_stop_it_by_a_reply(
    post: Post, ada: Principal, ben: Principal, outcome: Outcome | None
) -> None:
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    (sent,) = (await post.send(case, ada)).dispatches
    if outcome is not None:
        await tried(post, sent.dispatch, outcome)
    before = await post.desk.store.read(lambda reader: reader.dispatch(sent.dispatch))
    token = await token_of(post, case, ada)
    asked = ReceiveReply(mail(f"Subject: FedSafe {token}"))
    error = await refused(post.notes.receive(asked, ada))
    after = await post.desk.store.read(lambda reader: reader.dispatch(sent.dispatch))

    assert error.code == "nothing_arrived"
    assert after == before


async def test_a_token_that_fits_nothing_is_refused_and_not_repeated(
    post: Post, ada: Principal
) -> None:
    asked = [
        ReceiveReply(mail(f"Subject: FedSafe {OTHER}")),
        ReceiveReply(mail("Subject: Danke")),
    ]
    unknown, bare = [await refused(post.notes.receive(each, ada)) for each in asked]

    assert isinstance(unknown, NotFoundError)
    assert str(unknown) == str(bare)
    assert OTHER not in str(unknown)


async def test_a_mail_that_answers_two_packages_is_left_to_a_person(
    post: Post, ada: Principal, ben: Principal, case: str
) -> None:
    other = await post.approved(ada, ben)
    await post.send(other, ada)
    tokens = [await token_of(post, each, ada) for each in (case, other)]
    head = (f"Subject: FedSafe {tokens[0]}", f"To: cases+{tokens[1]}@chat.example")
    error = await refused(post.notes.receive(ReceiveReply(mail(*head)), ada))

    assert error.code == "bad_reply"
    assert not any(token in str(error) for token in tokens)


def test_a_reply_that_cannot_be_known_again_is_refused() -> None:
    with pytest.raises(BadRequestError) as found:
        read_reply(f"Subject: FedSafe {TOKEN}\n\n".encode())

    assert found.value.code == "bad_reply"
    assert TOKEN not in str(found.value)


async def test_a_machine_acknowledges_nothing_and_no_event_holds_a_token(
    post: Post, ada: Principal, case: str
) -> None:
    token = await token_of(post, case, ada)
    subject = f"Subject: FedSafe {token}"
    machine = ReceiveReply(mail(subject, "Auto-Submitted: auto-replied"))
    await refused(post.notes.receive(machine, ada))
    untouched = await post.only(case, ada)
    await post.notes.receive(ReceiveReply(mail(subject)), ada)
    told = await post.desk.team.events()

    assert (untouched.acknowledged_at, untouched.receipts) == (None, [])
    assert "dispatch.noted" in [event for event, _, _ in told]
    assert not any(token in openings for _, _, openings in told)


class Signer:
    """A partner that signs its replies."""

    def __init__(self) -> None:
        self.secret = sequoia.Tsk.generate("Stelle <stelle@example.org>")
        self.text = str(self.secret.extract_certificate())
        self.fingerprint = self.secret.extract_certificate().fingerprint

    def signed(self, text: str) -> bytes:
        clear = sequoia.SignatureMode.CLEAR
        return bytes(sequoia.sign(self.secret.signer(), text.encode(), mode=clear))


@pytest.fixture
def signer() -> Signer:
    return Signer()


async def signed_case(post: Post, signer: Signer, *who: Principal) -> str:
    ada, ben = who
    await post.enter(ada, None, key=None, openpgp=signer.text)
    digits = signer.fingerprint
    call = VerifyPartner(revision=1, reference="call-1", openpgp_fingerprint=digits)
    await post.partners.verify("bka", call, ben)
    case = await post.approved(ada, ben)
    (sent,) = (await post.send(case, ada)).dispatches
    await tried(post, sent.dispatch, Outcome.DELIVERED)
    return case


async def test_a_token_that_the_partner_has_signed_tells_by_which_key(
    post: Post, ada: Principal, ben: Principal, signer: Signer
) -> None:
    case = await signed_case(post, signer, ada, ben)
    token = await token_of(post, case, ada)
    head = mail(f"Subject: FedSafe {token}").partition(b"\r\n\r\n")[0]
    body = signer.signed(f"Eingegangen: FedSafe {token}\n")
    done = await post.notes.receive(ReceiveReply(head, body), ada)
    (receipt,) = (await post.only(case, ada)).receipts

    assert done.signed_by == receipt.signed_by == signer.fingerprint.lower()


@pytest.mark.parametrize("text", ["Eingegangen", f"FedSafe {OTHER}", "FedSafe {}x"])
async def test_a_signature_on_anything_else_is_none_of_the_acknowledgement(
    post: Post, ada: Principal, ben: Principal, signer: Signer, text: str
) -> None:
    case = await signed_case(post, signer, ada, ben)
    token = await token_of(post, case, ada)
    head = mail(f"Subject: FedSafe {token}").partition(b"\r\n\r\n")[0]
    body = signer.signed(text.format(token) + "\n") + f"FedSafe {token}\n".encode()
    done = await post.notes.receive(ReceiveReply(head, body), ada)

    assert (done.noted, done.signed_by) == (True, None)


async def test_a_reply_that_another_has_signed_acknowledges_nothing(
    post: Post, ada: Principal, ben: Principal, signer: Signer
) -> None:
    case = await signed_case(post, signer, ada, ben)
    token = await token_of(post, case, ada)
    head = mail(f"Subject: FedSafe {token}").partition(b"\r\n\r\n")[0]
    body = Signer().signed(f"FedSafe {token}\n")
    error = await refused(post.notes.receive(ReceiveReply(head, body), ada))
    shown = await post.only(case, ada)

    assert error.code == "bad_signature"
    assert token not in str(error)
    assert (shown.receipts, shown.acknowledged_at) == ([], None)


async def test_a_key_that_nobody_has_compared_has_signed_nothing(
    post: Post, ada: Principal, ben: Principal, signer: Signer
) -> None:
    case = await signed_case(post, signer, ada, ben)
    token = await token_of(post, case, ada)
    await post.change(ada, key=None, openpgp=Signer().text)
    head = mail(f"Subject: FedSafe {token}").partition(b"\r\n\r\n")[0]
    body = signer.signed(f"FedSafe {token}\n")
    done = await post.notes.receive(ReceiveReply(head, body), ada)

    assert (done.noted, done.signed_by) == (True, None)
