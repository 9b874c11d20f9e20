# SPDX-License-Identifier: Apache-2.0
"""Budgets as those see them who call the API of a real node."""

from msgspec.structs import replace
from tests.support.house import House, house

from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.vocabulary import Purpose

__all__ = ["house"]

ASK = {
    "questions": [{"kind": "email", "value": "anna@example.de"}],
    "purpose": "signup_check",
}


async def test_an_answer_says_what_is_left_and_a_refusal_when_to_come_again(
    house: House,
) -> None:
    olaf = await house.found()
    situation = house.fleet["a.demo"].base.situation
    budgets = replace(
        situation.policy.document.budgets, lookups_an_hour={Purpose.SIGNUP_CHECK: 2}
    )
    situation.policy = Policy(
        replace(situation.policy.document, budgets=budgets), situation.policy.digest
    )
    body = {
        "name": "shop",
        "scope": "lookup",
        "purposes": ["signup_check"],
        "until": house.now + 86_400,
    }
    shop = (await house.done("POST", "/v1/credentials", body, olaf))["token"]
    headers = {"Authorization": f"Bearer {shop}"}
    answers = [
        await house.http.post("/v1/lookup", json=ASK, headers=headers) for _ in range(3)
    ]
    problem = await answers[2].json()
    shown = await house.done("GET", "/v1/budgets", None, olaf)

    assert [each.status for each in answers] == [200, 200, 429]
    assert {each.headers["RateLimit-Policy"] for each in answers} == {
        '"hour";q=2;w=3600'
    }
    left = [each.headers["RateLimit"].split(";")[:2] for each in answers]
    assert left == [['"hour"', "r=1"], ['"hour"', "r=0"], ['"hour"', "r=0"]]
    assert 3_600 <= int(answers[2].headers["Retry-After"]) <= 3_900
    assert (problem["code"], problem["rule"]) == ("budget", "P18")
    assert problem["about"] == "signup_check"
    (budget,) = shown["budgets"]
    assert (budget["holder"], budget["spent"], budget["left"]) == ("shop", 2, 0)
    assert budget["shut_until"] is None
