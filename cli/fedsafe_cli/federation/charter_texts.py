# SPDX-License-Identifier: Apache-2.0
"""What commands about the charter say, in German and English."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fedsafe_cli.federation.invitations import Invited
from fedsafe_cli.terminal.labels import coded, say
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.codes import of_both
from fedsafe_policies.ground.catalogue import Phrase

_VOTES: Final = Phrase(
    "It counts once enough members have signed; first a second person here has to "
    "approve it."
)
_NEW_KEYS: Final = Phrase(
    "This node then signs with new keys, which are made here now; the old ones are "
    "destroyed. Let the others compare the fingerprint by telephone."
)

CONSEQUENCES: Final[Mapping[str, Sequence[Phrase]]] = {
    "suspend": (
        Phrase(
            "{member} then takes no part: no exchange, no evaluations, "
            "no match of its "
            "signals. That can be taken back."
        ),
        _VOTES,
    ),
    "reinstate": (
        Phrase("{member} then takes part again, and its signals match again."),
        _VOTES,
    ),
    "expel": (
        Phrase(
            "{member} is then no member any more: its signals end, their "
            "openings are "
            "erased everywhere, its index is never given again."
        ),
        _VOTES,
    ),
    "leave": (
        Phrase(
            "This node is then no member any more: what it has published ends "
            "everywhere, and what others gave it is erased here. Own bans stay."
        ),
        _VOTES,
    ),
    "terms": (
        Phrase(
            "The terms of the federation change for all. Another "
            "arrangement closes "
            "the legal gate until its record cites it."
        ),
        _VOTES,
    ),
    "roles": (
        Phrase(
            "{member} then has these roles and no others. The signals of who "
            "keeps no list any more match nobody."
        ),
        _VOTES,
    ),
    "keys": (_NEW_KEYS, _VOTES),
    "stolen-keys": (
        _NEW_KEYS,
        Phrase(
            "What the old keys sign since that time counts nowhere, and what they "
            "signed before only where the own feed holds it. The others decide "
            "without this node's vote."
        ),
        _VOTES,
    ),
    "stolen": (
        Phrase(
            "What keys that {member} gave up before have signed since that time "
            "then counts nowhere, and neither does a fork that only they prove. "
            "Its present keys stay."
        ),
        _VOTES,
    ),
    "sound": (
        Phrase(
            "Keys that {member} gave up before are then held to be stolen no more. "
            "What they signed still counts only where its own feed holds it."
        ),
        _VOTES,
    ),
    "withdraw": (Phrase("Nobody comes by this invitation any more then. {member}"),),
    "backfill": (
        Phrase(
            "While the backfill is in force, the member could also try out so many "
            "identifiers more."
        ),
        _VOTES,
    ),
    "join": (
        Phrase(
            "{member} then becomes a member. Compare the fingerprint by telephone "
            "before."
        ),
        _VOTES,
    ),
    "quarantine": (
        Phrase(
            "What came from {member} after that moment, and still comes, matches "
            "nobody here and is not carried on. Restrictions apply as ever. "
            "Lookups name {member} as not covered."
        ),
    ),
    "give-back": (
        Phrase(
            "What is set aside of {member} matches again, once a second person "
            "here has approved it."
        ),
    ),
    "rotate": (
        Phrase(
            "The members make a new key. What is published stands under it from "
            "then on; what is older matches for 30 days more, and has to be "
            "published anew by then. That cannot be taken back."
        ),
        Phrase("At each member two people have to agree by the same command."),
    ),
    "reshare": (
        Phrase(
            "The members share the key anew among all who are to hold shares. "
            "Tokens and matches stay, lookups go on. Old shares are destroyed once "
            "all have followed."
        ),
        Phrase(
            "The other nodes take part by themselves if the threshold is the usual "
            "one; to another one two people there have to agree by the same "
            "command. "
            "Whoever takes no part by the deadline holds no share afterwards."
        ),
    ),
    "sign": (
        Phrase(
            "This node signs this version, and no other one while it can "
            "still come to "
            "count."
        ),
    ),
    "refuse": (Phrase("This node promises never to sign this version."),),
}
"""What a command leads to, said before it is done."""

_WORDS: Final = (
    Phrase("this node"),
    Phrase("version"),
    Phrase("arrangement"),
    Phrase("quorum"),
    Phrase("appeals"),
    Phrase("deputy"),
    Phrase("set aside"),
    Phrase("no quorum is left"),
    Phrase("proposal"),
    Phrase("refused by"),
    Phrase("must sign"),
    Phrase("of the members now"),
    Phrase("of the members then"),
    Phrase("digest"),
    Phrase("key"),
    Phrase("threshold"),
    Phrase.within("charter", "holders"),
    Phrase("to be shared anew"),
    Phrase("a member has left"),
    Phrase("a member lacks a share"),
    Phrase("a month has passed"),
    Phrase("left with shares"),
    Phrase.within("charter", "resharing"),
    Phrase("attempt"),
    Phrase("until"),
    Phrase("left out"),
    Phrase("have their share"),
    Phrase("failed by"),
    Phrase("waits for two people here"),
    Phrase("this node takes no part"),
    Phrase("under way"),
    Phrase("agreed, being signed"),
    Phrase.within("charter", "failed"),
    Phrase("change"),
    Phrase("wants to join"),
    Phrase("wants to leave"),
    Phrase("invitation"),
    Phrase("came with it"),
    Phrase("version now"),
    Phrase("in quarantine"),
    Phrase("what came after"),
    Phrase("from record"),
    Phrase("records here"),
    Phrase("how far back is not known: all of it"),
    Phrase("the charter is forked"),
    Phrase("two versions {version} are valid, by {members}"),
    Phrase("the members have yet to sign"),
)

_BY_TEXT: Final = {each.english: each for each in _WORDS}

Rows = list[tuple[str, object]]


def word(text: str, settings: Settings) -> str:
    """Say a word about the charter in the reader's language."""
    return _BY_TEXT[text].said(settings.language)


def charter_rows(found: dict[str, Any], settings: Settings) -> Rows:
    """Name what members agreed on."""
    return [
        (say("federation", settings), found["federation"]),
        (word("this node", settings), coded(found["standing"], settings)),
        (word("version", settings), found["version"]),
        (say("fingerprint", settings), found["fingerprint"]),
        (word("quorum", settings), found["quorum"]),
        (word("appeals", settings), found["appeal"]),
        *([(word("deputy", settings), found["deputy"])] if found.get("deputy") else []),
        *((word("set aside", settings), each) for each in found.get("set_aside") or ()),
        (say("policy", settings), found["policy"]),
        (word("arrangement", settings), found["arrangement"]),
    ]


_NEEDS: Final[Mapping[str, str]] = {
    "departed": "a member has left",
    "lacking": "a member lacks a share",
    "monthly": "a month has passed",
}
_STATES: Final[Mapping[str, str]] = {
    "waits": "waits for two people here",
    "aside": "this node takes no part",
    "under_way": "under way",
    "agreed": "agreed, being signed",
    "failed": "failed",
}


def key_rows(each: dict[str, Any], settings: Settings) -> Rows:
    """Tell who holds a key, and what is to be done about it."""
    part, holders = "{count} of {whole}", each["holders"]
    whole = each["departed_threshold"]
    left = say(part, settings, count=each["departed"], whole=whole)
    need = each["need"]
    return [
        (word("key", settings), f"{each['epoch']}.{each['generation']}"),
        (word("threshold", settings), each["threshold"]),
        (word("holders", settings), ", ".join(holders)),
        (
            word("to be shared anew", settings),
            word(_NEEDS[need], settings) if need else None,
        ),
        (word("left with shares", settings), left if each["departed"] else None),
    ]


def attempt_rows(each: dict[str, Any], settings: Settings) -> Rows:
    """Tell of an attempt to share a key anew."""
    return [
        (word("resharing", settings), f"{each['epoch']}.{each['generation']}"),
        (say("by", settings), each["by"]),
        (word("attempt", settings), each["attempt"]),
        (word("threshold", settings), each["threshold"]),
        (word("until", settings), shown(each["deadline"])),
        (say("state", settings), word(_STATES[each["state"]], settings)),
        (word("left out", settings), ", ".join(each["left_out"]) or None),
        (word("have their share", settings), ", ".join(each["said"]) or None),
        (word("failed by", settings), ", ".join(each["gone"]) or None),
    ]


def invitation_rows(found: Invited, settings: Settings) -> Rows:
    """Tell what an invitation names."""
    return [
        (say("federation", settings), found.federation),
        (say("url", settings), ", ".join(found.urls)),
        (say("good until", settings), shown(found.expires)),
        (say("fingerprint", settings), found.fingerprint),
    ]


def out_rows(each: dict[str, Any], settings: Settings) -> Rows:
    """Tell of an invitation that is out."""
    return [
        (word("invitation", settings), each["invitation"]),
        (say("good until", settings), shown(each["expires"])),
        (say("fingerprint", settings), each["fingerprint"]),
        (word("came with it", settings), each["name"]),
    ]


def proposal_rows(each: dict[str, Any], settings: Settings) -> Rows:
    """Tell of a proposal, and of who has signed it."""
    part = "{count} of {whole}"
    counts = (
        (each["count"], each["quorum"]),
        (each["count_after"], each["quorum_after"]),
    )
    before, after = (
        say(part, settings, count=count, whole=whole) for count, whole in counts
    )
    dead = word("no quorum is left", settings) if each["dead"] else None
    return [
        (word("proposal", settings), each["proposal"][:16]),
        (say("by", settings), each["by"]),
        (say("at", settings), shown(each["at"])),
        *_changes(each["changes"], settings),
        (say("signed by", settings), ", ".join(each["signed"]) or None),
        (word("refused by", settings), ", ".join(each["refused"]) or None),
        (word("must sign", settings), ", ".join(each["missing"]) or None),
        (word("of the members now", settings), before),
        (word("of the members then", settings), after),
        (say("state", settings), dead),
    ]


def quarantine_rows(each: dict[str, Any], settings: Settings) -> Rows:
    """Tell what of a member is set aside here."""
    whole = "how far back is not known: all of it"
    return [
        (word("in quarantine", settings), each["member"]),
        (word("what came after", settings), shown(each["after"])),
        (word("from record", settings), each["first"]),
        (word("records here", settings), each["records"]),
        ("", word(whole, settings) if each["whole"] else None),
        (say("by", settings), each["by"]),
        (say("at", settings), shown(each["at"])),
    ]


def fork_row(forked: dict[str, Any], settings: Settings) -> tuple[str, object]:
    """Raise the alarm that two versions of the charter are valid."""
    members = ", ".join(sorted({*forked["signed_both"], *forked["broke_promise"]}))
    text = word("two versions {version} are valid, by {members}", settings)
    told = text.format(version=forked["version"], members=members)
    return word("the charter is forked", settings), told


def version_rows(each: dict[str, Any], settings: Settings) -> Rows:
    """Tell of a version of the charter."""
    return [
        (word("version", settings), each["version"]),
        (say("at", settings), shown(each["created"])),
        (word("digest", settings), each["charter"]),
        *_changes(each["changes"], settings),
        (say("signed by", settings), ", ".join(each["signed"])),
    ]


def _changes(changes: list[dict[str, str]], settings: Settings) -> Rows:
    language = settings.language
    return [(word("change", settings), of_both(each, language)) for each in changes]
