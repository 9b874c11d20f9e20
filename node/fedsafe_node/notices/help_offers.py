# SPDX-License-Identifier: Apache-2.0
"""Offers of help as a fragment of HTML: no script, no style, nothing from elsewhere.

Pure: values in, HTML out, every value escaped. A provider puts it into a page of its
own; the class names are for that page's style.
"""

from collections.abc import Mapping
from html import escape
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.help.choice import Shown
from fedsafe_policies.help.offers import Channel, Sort, Tongue, Way

_HEADINGS: Final[Mapping[Sort, Text]] = {
    Sort.EMERGENCY: Phrase("In danger").both(),
    Sort.HELP: Phrase("Help").both(),
    Sort.COMPLAINTS: Phrase("Report content").both(),
}
_WAYS: Final[Mapping[Way, Text]] = {
    Way.CHAT: Phrase("Chat").both(),
    Way.MESSENGER: Phrase("Messenger").both(),
    Way.PHONE: Phrase("Phone").both(),
    Way.MAIL: Phrase("E-mail").both(),
    Way.FORM: Phrase("Form").both(),
    Way.WEB: Phrase("Web").both(),
}


def fragment(offers: tuple[Shown, ...], tongue: Tongue) -> bytes:
    """Write offers, grouped and in the order in which they came."""
    sections: dict[Sort, list[str]] = {}
    for shown in offers:
        sections.setdefault(shown.offer.sort, []).append(_offer(shown, tongue))
    body = "".join(
        f"<h2>{_said(_HEADINGS[sort], tongue)}</h2><ul>{''.join(items)}</ul>"
        for sort, items in sections.items()
    )
    return f'<div class="fedsafe-help" lang="{tongue.value}">{body}</div>\n'.encode()


def in_words(offers: tuple[Shown, ...], tongue: Tongue) -> str:
    """Write offers as plain text, one a line."""
    lines = []
    for shown in offers:
        ways = [
            f"{_plain(_WAYS[channel.way], tongue)}: {channel.address}"
            + (f" ({_plain(channel.hours, tongue)})" if channel.hours else "")
            for channel in shown.channels
            if channel.address is not None
        ]
        if not ways and shown.offer.url is not None:
            ways = [shown.offer.url]
        if ways:
            lines.append(f"- {_plain(shown.offer.name, tongue)}: {'; '.join(ways)}")
    return "\n".join(lines)


def _offer(shown: Shown, tongue: Tongue) -> str:
    offer, name = shown.offer, _said(shown.offer.name, tongue)
    if offer.url is not None:
        name = f'<a href="{escape(offer.url)}" rel="noreferrer noopener">{name}</a>'
    about = f"<p>{_said(offer.about, tongue)}</p>" if offer.about else ""
    ways = "".join(_channel(channel, tongue) for channel in shown.channels)
    listed = f"<ul>{ways}</ul>" if ways else ""
    return f"<li><strong>{name}</strong>{about}{listed}</li>"


def _channel(channel: Channel, tongue: Tongue) -> str:
    hours = f", {_said(channel.hours, tongue)}" if channel.hours else ""
    where = (
        "" if channel.address is None else f": {_link(channel.way, channel.address)}"
    )
    return f"<li>{_said(_WAYS[channel.way], tongue)}{where}{hours}</li>"


def _link(way: Way, address: str) -> str:
    shown, target = escape(address), None
    if way is Way.PHONE:
        target = f"tel:{address.replace(' ', '')}"
    elif address.startswith("https://"):
        target = address
    elif way is Way.MAIL:
        target = f"mailto:{address}"
    if target is None:
        return shown
    return f'<a href="{escape(target)}" rel="noreferrer noopener">{shown}</a>'


def _said(text: Text, tongue: Tongue) -> str:
    return escape(_plain(text, tongue))


def _plain(text: Text, tongue: Tongue) -> str:
    return text.de if tongue is Tongue.DE else text.en
