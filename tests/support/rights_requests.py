# SPDX-License-Identifier: Apache-2.0
"""Requests of persons at three nodes."""

from tests.support.fleet import Fleet
from tests.support.vouched_requests import Vouched

from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.requests import (
    CollectRequest,
    Language,
    NewRightsRequest,
    RequestKind,
    RightsRequestAnswer,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rights.requests import Requests
from fedsafe_policies.vocabulary import Role

WHO = "Person@Mail.example"
PLACE = "192.0.2.7"
SHOP = Principal("shop", Role.SERVICE, scope="rights")


class Spoken(dict[str, frozenset[str]]):
    """What members can do, whatever their handshakes say meanwhile."""

    def __setitem__(self, peer: str, features: frozenset[str]) -> None:
        """Keep what was said first."""


def requests_of(fleet: Fleet, name: str = "b.demo") -> Requests:
    return Vouched(fleet, name)


def asked(
    kind: RequestKind = RequestKind.ACCESS,
    value: str = WHO,
    language: Language = Language.EN,
) -> NewRightsRequest:
    return NewRightsRequest(
        kind=kind,
        about=Question(kind=Kind.EMAIL, value=value),
        control="account_login",
        language=language,
        subject_ref="account-7",
    )


async def collected(fleet: Fleet, opened: RightsRequestAnswer) -> str | None:
    assert opened.collect is not None
    request = CollectRequest(request=opened.request, code=opened.collect)
    return (await requests_of(fleet).collect(request, PLACE)).text
