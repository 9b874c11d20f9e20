# SPDX-License-Identifier: Apache-2.0
"""What protects and bounds the way to others, on real sockets."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from tests.node.sending.conftest import Papers, issue_papers

from fedsafe_federation.errors import PeerUnreachableError
from fedsafe_federation.transfer import converse
from fedsafe_node.networks import member_session, member_tls


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Papers]:
    papers = issue_papers(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(papers.ca))
    member_tls.cache_clear()
    yield papers
    member_tls.cache_clear()


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])
async def test_a_member_is_asked_over_tls_1_3_only(
    papers: Papers, newest: ssl.TLSVersion
) -> None:
    context = papers.server()
    context.maximum_version = newest
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0, ssl_context=context)
    await site.start()
    url = f"https://localhost:{runner.addresses[0][1]}/"
    try:
        async with await member_session() as session:
            asked = converse(
                session, "b.demo", "GET", url, headers={}, body=None, seconds=5, most=99
            )
            if newest is ssl.TLSVersion.TLSv1_3:
                assert (await asked)[0] == 404
            else:
                with pytest.raises(PeerUnreachableError, match="ClientConnector"):
                    await asked
    finally:
        await runner.cleanup()
