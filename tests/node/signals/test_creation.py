# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.signals.creation import draw, make_uuid7

MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis wants it naive
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
).map(lambda moment: moment.replace(tzinfo=UTC))


@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_an_id_is_a_uuid_of_version_7_that_tells_its_time(
    moment: datetime, drawn: bytes
) -> None:
    uuid = UUID(bytes=make_uuid7(moment, lambda _: drawn))

    assert uuid.version == 7
    assert uuid.variant == "specified in RFC 4122"
    assert uuid.int >> 80 == int(moment.timestamp() * 1000)


def test_an_id_fits_the_example_of_the_rfc() -> None:
    # RFC 9562, appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F
    moment = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    drawn = (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10)

    made = make_uuid7(moment, lambda _: drawn)

    assert signal_name(made) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_a_salt_is_not_shown() -> None:
    fresh = draw(datetime(2026, 1, 1, tzinfo=UTC), lambda size: b"\xab" * size)

    assert len(fresh.salt) == 32
    assert "salt" not in repr(fresh)
