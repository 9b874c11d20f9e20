# SPDX-License-Identifier: Apache-2.0
"""Partners in words: entries, whether they count, and the landscape."""

from typing import Any, Final

from fedsafe_cli.cases.partner_channels import channel_line
from fedsafe_cli.cases.render import STANDARD_OUTPUT, tell_signature
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_node.words.casework import (
    WAYS,
    Words,
    class_word,
    paper_language,
    word,
)
from fedsafe_policies.escalation.channels import host_key_fingerprint
from fedsafe_policies.ground.catalogue import Phrase, all_said, received

_STANDINGS: Final = {
    "verified": Phrase("verified"),
    "unverified": Phrase("NOT VERIFIED"),
    "expired": Phrase("verification expired"),
}
_OWN: Final = (
    Phrase("partner"),
    Phrase("revision"),
    Phrase("class"),
    Phrase("standing"),
    Phrase("until"),
    Phrase("test"),
    Phrase("fingerprint"),
    Phrase("handed by"),
)
_OFFICES: Final = (
    Phrase("office"),
    Phrase("name"),
    Phrase("class"),
    Phrase("fact"),
    Phrase("source"),
    Phrase("as of"),
)
_NONE: Final = Phrase("no partner is entered")
_LANDSCAPE: Final = Phrase(
    "offices in Germany by public sources (none is a partner by that):"
)
_TEMPLATE: Final = Phrase("template")
_SIGNER: Final = Phrase(
    "fingerprint of our key, to be told to partners on the telephone: {}"
)
_CERTIFICATE: Final = Phrase(
    "and that of our X.509 certificate (SHA-256, the first 32 digits): {}"
)
_CERTIFICATE_OF: Final = Phrase("its fingerprint (SHA-256, the first 32 digits): {}")
_UNUSABLE: Final = Phrase("{}: a key is not sealed to ({}): {}")
_KEYS: Final[Words] = {
    "key": Phrase("FedSafe key"),
    "certificate": Phrase("X.509 certificate"),
    "openpgp": Phrase("OpenPGP certificate"),
}
_UNCOMPARED: Final = Phrase(
    "{}: verified without its server's host key, which counts no more: verify it "
    "anew, with --host-key-fingerprint"
)
_STANDS: Final = Phrase("{}, revision {}: {}")
_NEXT: Final = Phrase(
    "another person calls and verifies: fedsafe partner verify {} --revision {} "
    "--reference …{}"
)
_VERIFIED: Final = Phrase("{}: revision {} is verified; that is revision {} now, {}")
_UNTIL: Final = Phrase("until {}")
_COMPARED: Final = (
    ("fingerprint", "--fingerprint"),
    ("certificate_fingerprint", "--certificate-fingerprint"),
    ("openpgp_fingerprint", "--openpgp-fingerprint"),
)
_KEPT: Final = Phrase("our X.509 certificate is in {}")
_WRITTEN: Final = Phrase("a test package for {} is in {}; our fingerprint: {}")
_OUTPUT: Final = Phrase("standard output")
_UNPROVED: Final[Words] = {
    "unverified": Phrase("careful: {}: nobody has verified this entry and its key"),
    "expired": Phrase(
        "careful: {}: the verification of this entry and its key has expired"
    ),
}
"""What is said of a standing in which a package may be sealed to somebody else."""
_LANGUAGES: Final = ("de", "en")
_YES: Final = (Phrase("no"), Phrase("yes"))


def tell_partners(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell the own entries, then what is known of offices, with its source."""
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    if answer["partners"]:
        rows = [row for each in answer["partners"] for row in _rows(each, language)]
        table(all_said(_OWN, language), rows)
        for each in answer["partners"]:
            for key, why in each["unusable"].items():
                made = each.get("unusable_made", {}).get(key)
                name, told = word(_KEYS, key, language), received(made, why)
                line(
                    _UNUSABLE.said(language).format(
                        each["partner"], name, told.said(language)
                    )
                )
            if each["verified_at"] and not each["verified_until"]:
                line(_UNCOMPARED.said(language).format(each["partner"]))
    else:
        line(_NONE.said(language))
    line(_LANDSCAPE.said(language))
    table(all_said(_OFFICES, language), _offices(answer["landscape"], language))
    line(_SIGNER.said(language).format(answer["signer"]))
    line(_CERTIFICATE.said(language).format(answer["certificate_fingerprint"]))
    return OK


def tell_certificate(
    settings: Settings, file: str, answer: dict[str, Any]
) -> ExitStatus:
    """Tell where our certificate was written, and what partners compare it with."""
    digits, language = answer["certificate_fingerprint"], settings.language
    told = _CERTIFICATE_OF.said(language).format(digits)
    if file == STANDARD_OUTPUT:
        note(told)
    elif settings.json:
        document({"file": file, "certificate_fingerprint": digits})
    else:
        line(_KEPT.said(language).format(printable(file)))
        line(told)
    return OK


def tell_entered(
    settings: Settings, answer: dict[str, Any], entry: dict[str, Any]
) -> ExitStatus:
    """Tell where a new entry stands, and how its keys and servers are compared."""
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    name, revision = answer["partner"], answer["revision"]
    standing = _STANDINGS[answer["standing"]].said(language)
    line(_STANDS.said(language).format(name, revision, standing))
    note(_next(answer, len(_servers(entry)), language))
    return OK


def tell_verified(
    settings: Settings, answer: dict[str, Any], looked_at: int
) -> ExitStatus:
    """Tell that an entry counts, and that it has another revision by that."""
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    name, revision = answer["partner"], answer["revision"]
    until = _UNTIL.said(language).format(shown(answer["verified_until"]))
    line(_VERIFIED.said(language).format(name, looked_at, revision, until))
    return OK


def tell_test(
    settings: Settings,
    answer: dict[str, Any],
    file: str | None,
    beside: dict[str, str],
) -> ExitStatus:
    """Tell where a test package was written, what lies beside it, what to compare.

    Without a *file* it went to standard output, and all is told beside that. In every
    form it is told beside the result that nobody has verified the key.
    """
    language = settings.language
    words, (partner, signer) = (
        _WRITTEN.said(language),
        (answer["partner"], answer["signer"]),
    )
    if file is None:
        note(words.format(partner, _OUTPUT.said(language), signer))
    elif settings.json:
        names = ("partner", "signer", "format", "standing")
        kept = {name: answer.get(name) for name in names}
        document(kept | {"file": file, "warnings": _warnings(answer)} | beside)
    else:
        line(words.format(partner, printable(file), signer))
        tell_signature(settings, beside)
    for each in _warnings(answer):
        note(f"fedsafe: {each[paper_language(language)]}")
    return OK


def _warnings(answer: dict[str, Any]) -> list[dict[str, str]]:
    """Say of a key that was sealed to that nobody has verified it, and how one does."""
    standing = str(answer.get("standing"))
    servers = len(answer.get("host_keys", ()))
    if standing not in _UNPROVED:
        return []
    said = {
        language: f"{_UNPROVED[standing].said(language).format(answer['partner'])}; "
        f"{_next(answer, servers, language)}"
        for language in _LANGUAGES
    }
    return [{"code": f"partner_{standing}", **said}]


def _next(answer: dict[str, Any], servers: int, language: str) -> str:
    """Say how another person verifies an entry, with each of its keys and servers."""
    options = [option for field, option in _COMPARED if answer[field] is not None]
    options += ["--host-key-fingerprint"] * servers
    told = "".join(f' {option} "…"' for option in options)
    return _NEXT.said(language).format(answer["partner"], answer["revision"], told)


def _rows(each: dict[str, Any], language: str) -> list[list[object]]:
    """Write an entry, with one row for each key that it has more than one."""
    until = each["verified_until"]
    named = (
        ("", each["fingerprint"]),
        ("X.509 ", each["certificate_fingerprint"]),
        ("OpenPGP ", each["openpgp_fingerprint"]),
    )
    found = [f"{kind}{digits}" for kind, digits in named if digits is not None]
    head: list[object] = [
        each["partner"],
        each["revision"],
        class_word(each["entry"]["partner_class"], language),
        _STANDINGS[each["standing"]].said(language),
        None if until is None else shown(until),
        all_said(_YES, language)[bool(each["entry"]["test"])],
    ]
    rest: list[list[object]] = [[*[""] * len(head), one, ""] for one in found[1:]]
    first: list[object] = [
        *head,
        next(iter(found), None),
        _handed_by(each["entry"], language),
    ]
    return [first, *rest]


def _servers(entry: dict[str, Any]) -> set[str]:
    """Return the host keys of an entry that the node has taken; each is compared."""
    return {
        host_key_fingerprint(each["host_key"])
        for each in entry.get("channels", ())
        if each["by"] == "sftp"
    }


def _handed_by(entry: dict[str, Any], language: str) -> str:
    """Return every channel in the order in which it is tried, then the ways by hand."""
    channels = [channel_line(each, language) for each in entry.get("channels", ())]
    return ", ".join([*channels, *(word(WAYS, way, language) for way in entry["ways"])])


def _offices(offices: list[dict[str, Any]], language: str) -> list[list[object]]:
    rows: list[list[object]] = []
    for office in offices:
        name = office[paper_language(language)]
        if office["template"]:
            name = f"{name} ({_TEMPLATE.said(language)})"
        class_ = class_word(office["partner_class"], language)
        head: list[object] = [office["office"], name, class_]
        for fact in office["facts"] or [None]:
            if fact is None:
                rows.append([*head, None, None, None])
            else:
                text = fact[paper_language(language)]
                rows.append([*head, text, fact["source"], fact["as_of"]])
            head = ["", "", ""]
    return rows
