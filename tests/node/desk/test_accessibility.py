# SPDX-License-Identifier: Apache-2.0
"""The statement of accessibility: for everybody, with the operator's own address."""

import pytest
from tests.node.desk.conftest import Readers
from tests.support.desk_house import NODE, House

from fedsafe_node.ground.config import parse_config
from fedsafe_node.ground.errors import ConfigError

PATH = "/desk/accessibility"


async def test_each_page_leads_to_the_statement_also_before_the_log_in(
    reader: Readers,
) -> None:
    visitor, dora = await reader(), await reader("dora")
    pages = [await visitor.open("/desk/login"), await dora.open("/desk/log/events")]
    shown = await visitor.open(PATH)

    assert all(PATH in each.links for each in pages)
    assert shown.status == 200


@pytest.mark.parametrize("language", ["de", "en"])
async def test_it_names_the_contact_where_no_other_address_is_set(
    office: House, reader: Readers, language: str
) -> None:
    contact = office.fleet[NODE].base.config.contact

    assert contact in (await (await reader(None, language)).open(PATH)).text


async def test_an_address_that_is_set_has_to_be_one(office: House) -> None:
    place = office.fleet.place(NODE)
    own = '[desk]\naccessibility = "accessibility@a.demo"'
    text = place.config.read_text().replace("[desk]", own)

    config = parse_config(place, text)

    assert config.desk is not None
    assert config.desk.accessibility == "accessibility@a.demo"
    with pytest.raises(ConfigError, match="accessibility"):
        parse_config(place, text.replace("accessibility@", "anna.muster@"))
