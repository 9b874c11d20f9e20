# SPDX-License-Identifier: Apache-2.0
"""The lines of the story, in German and in English."""

from typing import Final

from fedsafe_policies.ground.catalogue import Phrase

LINES: Final[dict[str, Phrase]] = {
    "input": Phrase(
        "Input: {persons} invented identifiers of {kinds} kinds{real}, "
        "{pictures} pictures."
    ),
    "real": Phrase(" (URLs and IP addresses real)"),
    "founded": Phrase(
        "Three providers federated without a centre: {names}; any "
        "{threshold} of {count} compute a token together."
    ),
    "lived": Phrase(
        "{name} has a desk, and {days} days behind it: {count} entries in an audit "
        "log that verifies, a link for each of {roles} roles."
    ),
    "desk": Phrase(
        "The desk of a.demo, for people with a browser; each link is good once, and "
        "as long as this runs. More: fedsafe demo links"
    ),
    "link": Phrase("  {role} ({name}): {url}"),
    "proposed": Phrase(
        "a.demo: anna proposes {count} permanent bans ({seconds:.1f} s); "
        "she cannot approve one alone ({why})."
    ),
    "approved": Phrase(
        "a.demo: ben reviews and approves {count} ({seconds:.1f} s), and "
        "{media} hashes of a picture; those take two people as well."
    ),
    "travelled": Phrase(
        "What travelled: {count} signals, each a token of 16 bytes and a "
        "sealed envelope; from approval to a match at b.demo in {ms:.0f} "
        "ms."
    ),
    "found": Phrase(
        "{name}: found {found} of {count} identifiers that were typed "
        "differently, {wrong} of {strangers} strangers ({rate:.0f} a "
        "second)."
    ),
    "pictures": Phrase(
        "c.demo: recognised {found} of {count} altered pictures, just as "
        "PDQ has it (distances {distances})."
    ),
    "command": Phrase(
        "`fedsafe lookup` at b.demo: status {match} for the banned person, "
        "{none} for a stranger, in {ms:.0f} ms. A reason to review, not a "
        "verdict."
    ),
    "own": Phrase(
        "c.demo bans one for itself: c.demo finds the person again, a.demo "
        "and b.demo learn nothing."
    ),
    "revoked": Phrase(
        "a.demo revokes a signal: after {ms:.0f} ms it no longer matches at b.demo."
    ),
    "thief": Phrase(
        "Who steals b.demo's directory holds {files} files of {mib:.1f} MiB"
        " and reads {found} of {count} persons in them."
    ),
    "audit": Phrase("Audit log of {name}: {events}; {logs} logs verified, all intact."),
    "nodes": Phrase("Nodes: {nodes}"),
    "stay": Phrase(
        "Everything stays up until Ctrl-C. Try: {fedsafe} lookup --config "
        "{dir}/b.demo email:{value}"
    ),
    "failed": Phrase("DOES NOT HOLD: {claim}"),
}
