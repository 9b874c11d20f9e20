# SPDX-License-Identifier: Apache-2.0
"""Times that persons read on the form."""

import pytest

from fedsafe_node.acts.requests import Language
from fedsafe_node.rights.terms import hour


@pytest.mark.parametrize(
    ("language", "moment", "zone", "told"),
    [
        (
            Language.DE,
            "2027-01-05T14:30:00+00:00",
            "Europe/Berlin",
            "05.01.2027, 14:30 UTC (15:30 MEZ)",
        ),
        (
            Language.DE,
            "2027-07-05T23:30:00+00:00",
            "Europe/Berlin",
            "05.07.2027, 23:30 UTC (06.07.2027, 01:30 MESZ)",
        ),
        (
            Language.EN,
            "2027-07-05T14:30:00+00:00",
            "Europe/Berlin",
            "2027-07-05, 14:30 UTC (16:30 CEST)",
        ),
        (
            Language.EN,
            "2027-01-05T14:30:00+00:00",
            "Europe/London",
            "2027-01-05, 14:30 UTC",
        ),
    ],
)
def test_a_time_is_told_in_utc_and_in_the_zone_of_the_reader(
    language: Language, moment: str, zone: str, told: str
) -> None:
    assert hour(moment, language, zone) == told
