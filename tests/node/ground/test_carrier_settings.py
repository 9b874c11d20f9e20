# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import Final

import pytest

from fedsafe_node.ground.config import Place, parse_config, render_config
from fedsafe_node.ground.errors import ConfigError

NODE: Final = """\
format = 1
name = "chat.example"
url = "https://fedsafe.chat.example"
jurisdiction = "DE"
contact = "safety@chat.example"
policy = "strict"
custody_key = "custody.pub"
listen = {host = "127.0.0.1", port = 1}
"""
MAIL: Final = (
    '[sending.mail]\nhost = "mail.chat.example"\nsender = "cases@chat.example"\n'
)
ALL: Final = f"""\
[sending]
inside = ["10.1.2.0/24"]
{MAIL}
[sending.sftp]
key = "keys/sftp"
[sending.webhook]
certificate = "client.pem"
key = "client.key"
"""


def test_what_is_written_of_sending_is_read_as_it_was() -> None:
    place = Place(Path("/node"))
    config = parse_config(place, NODE + ALL)

    assert config.sending.inside == ("10.1.2.0/24",)
    assert config.sending.mail is not None
    assert config.sending.mail.security == "starttls"
    assert parse_config(place, render_config(config)) == config


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (MAIL + 'security = "none"\n', "sending.mail.security"),
        (MAIL + 'user = "cases"\n', "sending.mail"),
        (MAIL.replace("cases@", f"{'c' * 21}@"), "sending.mail.sender"),
        ('[sending]\ninside = ["10.1.2.3/24"]\n', "sending.inside"),
        ('[sending.webhook]\nkey = "client.key"\n', "sending.webhook"),
        ('[sending.sftp]\nkey = "k"\npassword = "p"\n', "sending.sftp"),
    ],
)
def test_settings_that_do_not_agree_are_named(text: str, where: str) -> None:
    with pytest.raises(ConfigError, match=where.replace(".", r"\.")):
        parse_config(Place(Path("/node")), NODE + text)
