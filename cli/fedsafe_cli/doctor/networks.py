# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` says of the networks that a node may meet others in.

A member's address comes from its card, a partner's from whoever enters it: the networks
that node.toml names are all that keeps either from leading to any door of the house.
`fedsafe_node` is imported here only: it is slow to load.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_node.ground.config import Config

_NARROW: Final = Phrase(
    "name only the networks that they lie in, such as 10.1.2.0/24, and start "
    "the node again"
)

_ONE_PLACE: Final = Phrase(
    "none: to the desk all people come from its TLS proxy, so whoever guesses "
    "slows everybody down"
)
_NAME_PROXY: Final = Phrase(
    'name it in node.toml, such as desk.listen.proxies = ["127.0.0.1/32"], let '
    "it write X-Forwarded-For, and start the node again"
)


def networks(directory: Path) -> Iterator[Finding]:
    """Warn of networks in node.toml that are as good as all, or that lack."""
    from fedsafe_node.ground.networks import is_broad  # noqa: PLC0415

    config = _config(directory)
    if config is None:
        return
    inside = {
        "peering.inside": config.peering.inside,
        "sending.inside": config.sending.inside,
    }
    for setting, named in inside.items():
        if broad := ", ".join(each for each in named if is_broad(each)):
            found = Phrase(
                "{named} opens all of this house to whoever names an address"
            ).filled(named=broad)
            yield Finding(setting, Level.WARN, found, _NARROW)
    desk = config.desk
    if (
        desk is not None
        and desk.origin.startswith("https:")
        and not desk.listen.proxies
    ):
        yield Finding("desk.listen.proxies", Level.WARN, _ONE_PLACE, _NAME_PROXY)


def is_inner(directory: Path, url: str) -> bool:
    """Whether the node connects to no address of a member's URL."""
    from fedsafe_node.ground.networks import is_inside, member_networks  # noqa: PLC0415

    config = _config(directory)
    if config is None:
        return False
    return is_inside(url, member_networks(config.name, config.peering))


def _config(directory: Path) -> "Config | None":
    """Read node.toml; None if it does not fit, which is said elsewhere."""
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    try:
        return load_config(Place(directory))
    except ConfigError:
        return None
