# SPDX-License-Identifier: Apache-2.0
"""What a server's certificate must have under every Python, and what is told."""

import ssl
from pathlib import Path

import pytest
from tests.node.casework.transports.conftest import Papers, issue_papers

from fedsafe_cli.cases.carrier_texts import in_words
from fedsafe_federation.wire.tls import client_context, flaw


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, called: str) -> None:
    """Let both speak TLS in memory until the client has judged the certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(to_client, to_server, server_hostname=called)
    answers = server.wrap_bio(to_server, to_client, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        asks.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        answers.do_handshake()
    asks.do_handshake()


def said(papers: Papers, called: str = "127.0.0.1", ca: Path | None = None) -> str:
    with pytest.raises(ssl.SSLCertVerificationError) as found:
        handshake(papers.server(), client_context(ca or papers.ca), called)
    return flaw(found.value).removeprefix("its certificate is not trusted: ")


def test_a_whole_certificate_is_trusted(papers: Papers) -> None:
    handshake(papers.server(), client_context(papers.ca), "127.0.0.1")


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("authority key identifier", "it lacks the authority key identifier"),
        ("subject key identifier", "the authority's lacks the subject key identifier"),
        ("key usage", "the authority's lacks the key usage"),
        (
            "critical basic constraints",
            "the authority's basic constraints are not critical",
        ),
    ],
)
def test_what_a_certificate_lacks_is_told(
    tmp_path: Path, without: str, told: str
) -> None:
    words = said(issue_papers(tmp_path, without=without))

    assert words.startswith(f"{told} (RFC 5280 ")


@pytest.mark.parametrize(
    ("days", "told"), [((-2, -1), "it has expired"), ((1, 2), "it is not valid yet")]
)
def test_a_certificate_out_of_its_time_is_told(
    tmp_path: Path, days: tuple[int, int], told: str
) -> None:
    assert said(issue_papers(tmp_path, days=days)) == told


def test_another_name_address_or_authority_is_told_and_none_is_named(
    papers: Papers,
) -> None:
    assert said(papers, "other.example") == "it is for another name"
    assert said(papers, "127.0.0.2") == "it is for another address"
    unknown = said(papers, ca=papers.other_ca)
    assert unknown == "no authority known here has signed it"


def test_all_that_is_told_is_told_in_german(tmp_path: Path) -> None:
    told = [
        said(issue_papers(tmp_path, without=without))
        for without in (
            "authority key identifier",
            "subject key identifier",
            "key usage",
            "critical basic constraints",
        )
    ]
    papers = issue_papers(tmp_path)
    told += [said(papers, "other.example"), said(papers, "127.0.0.2")]
    told += [said(papers, ca=papers.other_ca)]
    told += [said(issue_papers(tmp_path, days=days)) for days in ((-2, -1), (1, 2))]

    for words in told:
        english = f"its certificate is not trusted: {words}"
        assert in_words(english, language="de").startswith("dem Zertifikat ist nicht")
