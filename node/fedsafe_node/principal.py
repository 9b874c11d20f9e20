# SPDX-License-Identifier: Apache-2.0
"""Who acts."""

from dataclasses import dataclass

from fedsafe_policies.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: the name of a credential and its role.

    A process that can open the node's Unix socket without a credential is
    `local`, with the role of a service.
    """

    name: str
    role: Role
