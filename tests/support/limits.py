# SPDX-License-Identifier: Apache-2.0
"""Budgets of publications that are soon spent."""

from msgspec.structs import replace

from fedsafe_policies.documents.policy import Policy


def limited(policy: Policy, *, hour: int, day: int) -> Policy:
    budgets = replace(
        policy.document.budgets, publications_an_hour=hour, publications_a_day=day
    )
    return Policy(replace(policy.document, budgets=budgets), policy.digest)
