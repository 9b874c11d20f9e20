# SPDX-License-Identifier: Apache-2.0
"""German for what a node says of itself to `fedsafe doctor`, and for what is checked.

The English text is the pattern, as in `texts`.
"""

from typing import Final

from fedsafe_policies.ground.catalogue import Phrase

NODE_SAID: Final = (
    Phrase("ok"),
    Phrase("its gate is shut"),
    Phrase("suspended"),
    Phrase("{urgent} about life or safety are overdue"),
    # its store and its disk
    Phrase("full since {when}"),
    Phrase("busy since {when}"),
    Phrase("failed since {when}"),
    Phrase("failing"),
    Phrase("full since {when}; it cannot be read"),
    Phrase("busy since {when}; it cannot be read"),
    Phrase("failed since {when}; it cannot be read"),
    Phrase("failing; it cannot be read"),
    Phrase("short: {free} MiB free; make room"),
    Phrase("full: {free} MiB free, and the reserve is given up; make room"),
    Phrase("unfinished: {named}"),
    Phrase("{waiting} wait for a person"),
    Phrase("{floods} wait for a ruling"),
    Phrase("{late} signals are overdue; see `fedsafe signal sample`"),
    Phrase("{probations} run; see `fedsafe trial list`"),
    # the others
    Phrase("exchanges nothing: {why}"),
    Phrase(
        "the members know other keys of this node than are here: restore the "
        "newest, or let them expel this node and invite it anew"
    ),
    Phrase(
        "two valid versions {number}, made so by {names}: the members are split; "
        "agree by telephone with the others who is expelled"
    ),
    Phrase("this node rests: it lacks the policy of the federation"),
    Phrase("its additions wait for witnesses"),
    Phrase("what came of it lately is in quarantine here"),
    Phrase("stale"),
    Phrase("openings are lacking"),
    Phrase("no receipt since {when}"),
    Phrase("no receipt since {when}; it gets no new openings"),
    Phrase("wait for witnesses since {when}"),
    Phrase("they have seen more than this node has"),
    Phrase("they refuse this node: is its clock right?"),
    Phrase("away since {when}"),
    Phrase("has shown two trees"),
    Phrase(
        "generation {generation} waits for a threshold of {threshold} instead of "
        "{was}: two people at each member have to agree"
    ),
    Phrase("generation {generation} was to be shared anew by {day}; missing: {names}"),
    Phrase(
        "generation {generation} was to be shared anew by {day}; nobody was found "
        "missing"
    ),
    Phrase(
        "{count} members that left hold shares of generation {generation}, and "
        "{threshold} make the key"
    ),
    # no node answers
    Phrase("no node is running at {path}"),
    Phrase("start it with `fedsafe node run --config {path}`"),
    Phrase("the node at {path} did not answer within {seconds} s"),
    Phrase("see `fedsafe doctor` and the node's log"),
    Phrase("the socket {path} belongs to another user"),
    Phrase(
        "run this command as the node's user, or ask the node by its address: "
        "FEDSAFE_URL=https://... with --credential FILE or `fedsafe login`"
    ),
    Phrase("the node at {path}: {why}"),
    Phrase("there is no node here or in ~/.fedsafe"),
    Phrase(
        "name its directory with --config DIR or FEDSAFE_CONFIG, or make one with "
        "`fedsafe node init`"
    ),
    Phrase("{path} does not exist"),
    Phrase("--config takes a node's directory, as `fedsafe node init --dir` made it"),
)
CHECKS: Final = (
    Phrase("python"),
    Phrase("versions"),
    Phrase("libsodium"),
    Phrase("clock"),
    Phrase("disk"),
    Phrase("room"),
    Phrase("permissions"),
    Phrase("configuration"),
    Phrase("dpo_contact"),
    Phrase("pages"),
    Phrase("letters"),
    Phrase("form"),
    Phrase.within("node", "phone"),
    Phrase("server"),
    Phrase("policy"),
    Phrase("node"),
    Phrase("node: store"),
    Phrase("node: disk"),
    Phrase("node: memory"),
    Phrase("node: keys to destroy"),
    Phrase("node: charter"),
    Phrase("node: reviews"),
    Phrase("node: cases"),
    Phrase("node: floods"),
    Phrase("node: sample"),
    Phrase("node: probation"),
    Phrase("node: policy"),
    Phrase("node: witnesses"),
    Phrase("node: feed of {member}"),
    Phrase("node: erasures at {member}"),
    Phrase("node: additions of {member}"),
    Phrase("node: log {log}"),
    Phrase("budgets"),
    Phrase("keys"),
    Phrase("evaluations of {member}"),
    Phrase("peer {member}"),
    Phrase("resharing"),
    Phrase("share"),
    Phrase("charter"),
    Phrase("appeals"),
    Phrase("holders"),
    Phrase("threshold"),
    Phrase.within("node", "notices"),
    Phrase("texts"),
    Phrase("receipts"),
    Phrase("breaches"),
    Phrase("cases"),
    Phrase("orders"),
    Phrase.within("node", "mail"),
    Phrase("requests"),
    Phrase("identity checks"),
    Phrase("requests that wait"),
    Phrase("sending"),
    Phrase("packages"),
    Phrase("packages taken"),
    Phrase("epoch"),
    Phrase("media keys"),
    Phrase("outside key"),
    Phrase("epoch before"),
    Phrase("store"),
    Phrase("seal"),
    Phrase("log {log}"),
)
"""What is checked; settings of node.toml and tables of the store stay as they are."""
