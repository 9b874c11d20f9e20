# SPDX-License-Identifier: Apache-2.0
"""Mails of partners that answer a package."""

from typing import Final

from tests.support.package_desk import Post

from fedsafe_node.ground.principal import Principal

TOKEN: Final = "Reply-token_0123456789ab"


def mail(*lines: str, number: int = 1) -> bytes:
    head = (f"Message-ID: <{number}@office.example>", *lines)
    return "\r\n".join((*head, "", "Vielen Dank. Auto-Submitted: yes", "")).encode()


async def token_of(post: Post, case: str, who: Principal) -> str:
    made = await post.only(case, who)
    row = await post.desk.store.read(lambda reader: reader.dispatch(made.dispatch))
    assert row is not None
    return row.reply_token
