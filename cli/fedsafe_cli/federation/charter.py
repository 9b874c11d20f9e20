# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation`: what members change of their charter, and how it stands.

Each command first says what it will lead to and asks. What it then asks the node for
waits for a second person here (`fedsafe act approve`), then for other members.
"""

from typing import Final

from fedsafe_cli.federation.charter_join import invite, join, withdraw
from fedsafe_cli.federation.charter_proposal import (
    backfill,
    expel,
    former_keys,
    leave,
    reinstate,
    rotate_keys,
    set_policy,
    set_roles,
    suspend,
)
from fedsafe_cli.federation.charter_view import history, status
from fedsafe_cli.federation.charter_vote import approve, refuse
from fedsafe_cli.federation.quarantine import quarantine
from fedsafe_cli.federation.resharing import reshare, rotate

COMMANDS: Final = (
    status,
    history,
    invite,
    withdraw,
    join,
    suspend,
    reinstate,
    expel,
    leave,
    set_policy,
    set_roles,
    rotate_keys,
    former_keys,
    backfill,
    reshare,
    rotate,
    approve,
    refuse,
    quarantine,
)
