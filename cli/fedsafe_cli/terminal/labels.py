# SPDX-License-Identifier: Apache-2.0
"""German for labels, fields, codes and short sentences of results.

The English text is the key, so that a command reads as what it prints. A text that
has no German fails in the tests, not before a person.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.codes import CODES, OUTCOMES
from fedsafe_node.words.fields import FIELDS
from fedsafe_policies.ground.catalogue import SOURCE, Phrase

_LABELS: Final = (
    # headings
    Phrase("name"),
    Phrase("person"),
    Phrase("seat"),
    Phrase("state"),
    Phrase("roles"),
    Phrase("role"),
    Phrase("module"),
    Phrase("by"),
    Phrase("since"),
    Phrase("until"),
    Phrase.within("labels", "holder"),
    Phrase.within("labels", "scope"),
    Phrase("purposes"),
    Phrase.within("labels", "log"),
    Phrase("entries"),
    Phrase("entry"),
    Phrase("openings"),
    Phrase("erased"),
    Phrase("verdict"),
    Phrase("root"),
    Phrase("table"),
    Phrase("rows"),
    Phrase.within("labels", "at"),
    Phrase("event"),
    Phrase("outcome"),
    Phrase("purpose"),
    Phrase.within("labels", "actor"),
    Phrase("account"),
    Phrase("detail"),
    Phrase("gap"),
    Phrase("what"),
    Phrase("hold"),
    Phrase("reason"),
    Phrase("placed by"),
    Phrase("index"),
    Phrase("url"),
    Phrase("jurisdiction"),
    Phrase("directory"),
    Phrase("check"),
    Phrase.within("labels", "level"),
    Phrase("found"),
    Phrase("way out"),
    Phrase("kind"),
    Phrase("count"),
    Phrase("authors"),
    Phrase("sources"),
    Phrase("drawn"),
    Phrase("signal"),
    Phrase("dated"),
    Phrase.within("labels", "own"),
    Phrase("session"),
    Phrase("way"),
    Phrase("last request"),
    Phrase("last used"),
    Phrase("passkey"),
    Phrase.within("labels", "round"),
    Phrase.within("labels", "question"),
    Phrase.within("labels", "opened"),
    Phrase("breach"),
    Phrase.within("labels", "why"),
    # pairs
    Phrase("set-up code"),
    Phrase("good until"),
    Phrase("secret"),
    Phrase("address"),
    Phrase("recovery code"),
    Phrase("fingerprint"),
    Phrase("federation"),
    Phrase("threshold"),
    Phrase("epoch"),
    Phrase("policy"),
    Phrase("signed by"),
    Phrase("missing entries"),
    Phrase("declared lost"),
    Phrase("last nightly check"),
    Phrase("holds"),
    Phrase("pruned below"),
    Phrase("fails now"),
    Phrase("sealed residues of"),
    Phrase("last signed"),
    Phrase("signed at"),
    Phrase("record"),
    Phrase("leaf"),
    Phrase("proof"),
    Phrase("group"),
    Phrase("proposal"),
    Phrase("members"),
    Phrase("arrangement"),
    Phrase("none"),
    # sentences
    Phrase("changes by"),
    Phrase("tries left"),
    Phrase(
        "consent is for fewer of them too, down to {fewest}: {threshold} make a "
        "token then too, and {quorum} change the charter"
    ),
    Phrase(
        "{name}: {url} leads into an inner network, and peering.inside in node.toml "
        "does not name that: this node will not connect to it"
    ),
    Phrase("the share for it stays; consent to fewer members has ended"),
    Phrase("tell the convenor: no file in the folder says so"),
    Phrase("to take part again: {command}"),
    Phrase("this one goes on, for this node has made its share: {names}"),
    Phrase("to step next: {names}"),
    Phrase("whoever has confirmed it before need not do so again"),
    Phrase("the threshold is {count} of {whole} now, and was {before} of {all}"),
    Phrase("all confirm anew, also who has confirmed before"),
    Phrase("all members"),
    Phrase("no list of files waits"),
    Phrase("the list would hit lines {lines}"),
    Phrase("published: {count}, refused: {bad}"),
    Phrase("{count} entries added to {file}"),
    Phrase("{count} entries would be added to {file}"),
    Phrase("{count} entries taken out of {file}"),
    Phrase("{count} entries would be taken out of {file}"),
    Phrase(
        'nothing counts yet: see that node.toml has `do_not_share = "{file}"`, then '
        "`fedsafe policy propose`"
    ),
    Phrase("{names}: the operator has yet to confirm"),
    Phrase("{name}, groups {first} and {second}, as they are read out to you:"),
    Phrase("please type two groups of four, such as: 1a2b 3c4d"),
    Phrase("{state} until {until}"),
    Phrase("next, the person: {command}"),
    Phrase("next, as another person: {command}"),
    Phrase("fedsafe: this is shown once; keep the recovery codes on paper"),
    Phrase("{name} is linked at {issuer}"),
    Phrase("{passkey} is called {name}"),
    Phrase("{passkey} is removed"),
    Phrase("{name}: {role} waits for a second person"),
    Phrase("{name} has the role {role}"),
    Phrase("{name} has no longer the role {role}"),
    Phrase("{name} is {state}"),
    Phrase("{role} until {until}"),
    Phrase("{name}: {module} until {until}"),
    Phrase("{name} is revoked"),
    Phrase("{name} until {until}: {file}"),
    Phrase("policy {policy}: the people suffice"),
    Phrase("policy {policy}: the people do not suffice"),
    Phrase("never together: {pairs}"),
    Phrase("external seats: {seats}"),
    Phrase("nobody is {role}"),
    Phrase("{name} may not be {first} and {second} at once"),
    Phrase("no escalation officer is trained to act alone in imminent danger"),
    Phrase("no author finds a reviewer who is somebody else"),
    Phrase("next: {command}"),
    Phrase("no demo lies in {directory}; make one: fedsafe demo up"),
    Phrase("no demo lies in {directory}; nothing to stop or delete"),
    Phrase("stopped: {names}"),
    Phrase("nothing ran"),
    Phrase("deleted: {directory}"),
    Phrase("no two people may do this together: {act}"),
    Phrase("what {people} published: nobody else may rule on a dispute of it"),
    Phrase(
        "fedsafe: until {until} a person's credential records own bans, looks up, "
        "reads; all else takes an account (`fedsafe account setup`)"
    ),
    Phrase("then, within three days, with whoever trained you and until when:"),
    Phrase("credential of {name}"),
    Phrase("set-up code of {name}"),
    Phrase("{count} of {whole}"),
    Phrase("fails: {case}: {effect} {rule} {code}"),
    Phrase("{count} of {whole} cases hold"),
    Phrase("account {ref}"),
    Phrase("entries {first} to {last}"),
    Phrase("{why} at entry {first}"),
    Phrase("this store is old: it has moved, and goes on at {where}"),
    Phrase(
        "incomplete: entries {first} to {last} were lost and declared lost on {at}, "
        "in entry {entry}"
    ),
    Phrase("{why} somewhere in the entries {first} to {last}"),
    Phrase("{why} at {at}"),
    Phrase("{verdict} (row {row})"),
    Phrase("{size} entries, by {by}"),
    Phrase("{name} at {at}"),
    Phrase("nothing yet"),
    Phrase("none yet"),
    Phrase("{size} entries intact, {at}"),
    Phrase("damaged at entry {first}, {at}: {why}"),
    Phrase("nothing"),
    Phrase("{start} to {end} of {size}"),
    Phrase("entries 0 to {last} by {names} (anchors {first} to {end})"),
    Phrase("erased on {at}"),
    Phrase("withheld"),
    Phrase("erased ({reason})"),
    Phrase("UNFINISHED"),
    Phrase("LASTS"),
    Phrase("there may be more: --from {next}"),
    Phrase("there are more; a pack (`fedsafe audit export`) holds all"),
    Phrase("nothing is done yet: let another person run `{command}`"),
    Phrase("nothing is done yet: let another person run `{command}`, which erases"),
    Phrase(
        "nothing is done yet: let another person run `{command}`, which holds it back"
    ),
    Phrase(
        "nothing is done yet: let another person run `{command}`, then repeat this "
        "with --act"
    ),
    Phrase("nothing is written yet: let another person run `{command}`, then `{then}`"),
    Phrase("fedsafe: the record counts once another person has approved it; as them:"),
    Phrase("fedsafe: management_approval must be another person than dpo_approval"),
    Phrase(
        "fedsafe: arrangement must end in what the charter names, as in jca-3:{agreed}"
    ),
    Phrase("approvals are possible until {until}"),
    Phrase("{name} ({role}) until {until}"),
    Phrase("{name} is logged out"),
    Phrase("{name}: sessions ended: {ended}"),
    Phrase("fedsafe: session kept in {file}; `fedsafe logout` ends it"),
    Phrase(
        "fedsafe: other commands find this node by its address: "
        "export FEDSAFE_URL={url}"
    ),
    Phrase("fedsafe: {left} recovery codes left; see `fedsafe account totp`"),
    Phrase("open this address in your browser and log in:"),
    Phrase("fedsafe: nothing waits for approval"),
    Phrase("founded: {name} with {members}"),
    Phrase("written: {file}"),
    Phrase("the federation is founded; hand on what was written"),
    Phrase("nothing new: the others are to step next"),
    Phrase("fedsafe: a recovery code only logs in; approvals take the authenticator"),
)
"""German for what is printed, by its English."""

SAID: Final = {each.english: each for each in _LABELS}
"""What `say` says, by its English."""
_IN_WORDS: Final = frozenset({"purpose", "purposes", "role", "roles"})
_YES: Final = Phrase("yes")
_NO: Final = Phrase("no")


def say(text: str, settings: Settings, **values: object) -> str:
    """Say a text in the reader's language, with its values."""
    return SAID[text].said(settings.language).format(**values)


def grouped(number: int, settings: Settings) -> str:
    """Write a number with its thousands apart, as the reader's language does."""
    text = f"{number:,}"
    return text.replace(",", ".") if settings.language == "de" else text


def headings(settings: Settings, *names: str) -> list[str]:
    """Name the columns of a table."""
    return [say(name, settings) if name else "" for name in names]


def field(name: str, settings: Settings) -> str:
    """Name a field of an answer, or leave a name as it is that is newer than this."""
    pair = FIELDS.get(name)
    if pair is not None:
        return pair.said(settings.language)
    return SAID[name].said(settings.language) if name in SAID else name


def coded(code: object, settings: Settings) -> str:
    """Say what a code means, or the code, should it be newer than this."""
    pair = CODES.get(str(code))
    return str(code) if pair is None else pair.said(settings.language)


def value_of(name: str, value: object, settings: Settings) -> object:
    """Show a field's value: yes or no, a moment, words; None if there is nothing."""
    if isinstance(value, bool):
        return yes_or_no(value, settings)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items()) or None
    if isinstance(value, list):
        return ", ".join(coded(each, settings) for each in value) or None
    return readable(name, value)


def meant(name: str, value: object, settings: Settings) -> object:
    """Show a field of the log: a purpose, role or outcome in the reader's words.

    In English these are the codes that one types.
    """
    if settings.language == SOURCE or not isinstance(value, str | list):
        return readable(name, value)
    if isinstance(value, list):
        return ", ".join(str(meant(name, each, settings)) for each in value)
    if name == "outcome" and value in OUTCOMES:
        return OUTCOMES[value].said(settings.language)
    if name in _IN_WORDS:
        from fedsafe_policies.documents.value_words import said  # noqa: PLC0415 (slow)

        return said(value).said(settings.language)
    return readable(name, value)


def detail_of(fields: Mapping[str, object], settings: Settings) -> str:
    """Show the details of an event on one line; what is missing is left out."""
    is_english = settings.language == SOURCE
    return " ".join(
        f"{name if is_english else field(name, settings)}={meant(name, each, settings)}"
        for name, each in fields.items()
        if each is not None
    )


def yes_or_no(value: object, settings: Settings) -> str:
    """Say whether something is so."""
    return (_YES if value else _NO).said(settings.language)
