# SPDX-License-Identifier: Apache-2.0
"""`fedsafe open`: a partner opens a sealed package, with no node and no network.

What is printed says what was verified. Who sent it is verified only by comparing the
fingerprint with one that came another way.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.cases.opening_keys import read_partner_key
from fedsafe_cli.lookup.file_digests import FileFaultError, digests_of
from fedsafe_cli.terminal.errors import (
    BadInputError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import SpokenCommand, unfit
from fedsafe_cli.terminal.moments import readable, written
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_node.words.casework import class_word
from fedsafe_policies.ground.catalogue import Phrase, all_said
from fedsafe_policies.ground.system_reasons import reason_of

if TYPE_CHECKING:
    from fedsafe_federation.casework.statement import Opened

_FINGERPRINT: Final = re.compile(r"(?:[\s:]*[0-9a-fA-F]){32}[\s:]*")
_VERIFIED: Final = Phrase(
    "verified: seal, signature, recipient, schema, and every document's hash"
)
_VERIFIED_INSIDE: Final = Phrase(
    "verified: signature, recipient, schema, every hash; it was unsealed before"
)
_CORRECTION: Final = Phrase("THIS IS A CORRECTION: package {} no longer counts.")
_CALL_BACK: Final = Phrase("for questions: {}")
_TEST: Final = Phrase("THIS IS A TEST: no real case, there is nothing to do")
_COMPARE: Final = Phrase(
    "the sender is not verified: compare on the telephone, then use `--sender`"
)
_SENDER: Final = Phrase("the sender's fingerprint is the one that you have given")
_OTHER_SENDER: Final = Phrase("it was signed by another key than you have given")
_FIELDS: Final = {
    "package_id": Phrase("package"),
    "dispatch": Phrase.within("package open", "dispatch"),
    "partner_class": Phrase("for"),
    "case_ref": Phrase("case"),
    "provider": Phrase("provider"),
    "sealed_at": Phrase("sealed"),
    "fingerprint": Phrase("fingerprint"),
}
_DOCUMENTS: Final = (
    Phrase("document"),
    Phrase("type"),
    Phrase("bytes"),
    Phrase("SHA-256"),
)
_PAPERS: Final = Phrase("written for reading: {} (on this machine, from package.json)")
_FINDINGS: Final = {
    "same": Phrase("is the evidence {}"),
    "changed": Phrase("DIFFERS from the evidence {}"),
    "unlisted": Phrase("is not in the manifest"),
}


def _read_sender(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    """Refuse what is no fingerprint, before it looks as if another key had signed."""
    del context, parameter
    if value is not None and _FINGERPRINT.fullmatch(value) is None:
        raise unfit(Phrase("a fingerprint has 32 digits from 0 to 9 and a to f"))
    return value


@click.command("open", cls=SpokenCommand)
@click.argument("package", metavar="PACKAGE")
@click.option("--key", required=True, metavar="FILE", help="File of your private key.")
@click.option(
    "--certificate",
    metavar="FILE",
    help="Your X.509 certificate, for S/MIME; default: in the key's file.",
)
@click.option(
    "--password-file",
    metavar="FILE",
    help="File with the password of the key, if it has one.",
)
@click.option(
    "--sender",
    metavar="FINGERPRINT",
    callback=_read_sender,
    help="Fingerprint of the provider, as you learned it by another way.",
)
@click.option(
    "--evidence",
    multiple=True,
    metavar="FILE",
    help="Compare a file with the evidence manifest. May be repeated.",
)
@click.option(
    "--out",
    metavar="DIR",
    help="Write the documents and a readable case to a new directory that only you "
    "can read.",
)
@shared_options
@click.pass_context
def open_(context: click.Context, /, package: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Open a sealed package, and show which parts of it are verified.

    The key is one of `fedsafe partner key`, an RSA key as PEM with its certificate, or
    an OpenPGP key from `gpg --export-secret-keys`. With a certificate alone the command
    checks what gpg, OpenSSL or a smart card has already decrypted.

    Needs no node and no network. Exits with status 20 and writes nothing if the package
    is refused, a file is not the evidence, or it was signed by a key other than
    --sender.

    \b
    Examples:
      fedsafe open case.sealed --key partner.key
      fedsafe open case.sealed --key partner.key --out case/ \\
        --sender "3f9a 01bc 77de 4410 9c2e 5a6b f00d 1234"
      fedsafe open case.p7m --key own.key --certificate own.pem
      fedsafe open case.pgp --key own.pgp --password-file own.password
    """  # noqa: D301
    from fedsafe_federation.casework.errors import (  # noqa: PLC0415
        SealedPackageError,
    )
    from fedsafe_federation.casework.keys import same_fingerprint  # noqa: PLC0415
    from fedsafe_federation.casework.sealing import (  # noqa: PLC0415
        PublicIdentity,
        open_with,
    )
    from fedsafe_federation.casework.statement import LONGEST  # noqa: PLC0415

    settings = settings_of(context)
    key = read_partner_key(given["key"], given["certificate"], given["password_file"])
    try:
        opened = open_with(read_small(package, LONGEST), key)
    except SealedPackageError as error:
        return _refuse(settings, error.fault.value, error.phrase or Phrase(str(error)))
    sender = given["sender"]
    if sender is not None and not same_fingerprint(sender, opened.fingerprint):
        return _refuse(settings, "other_sender", _OTHER_SENDER)
    compared = _compare(opened, given["evidence"])
    whole = all(each["finding"] == "same" for each in compared)
    papers = papers_of(opened) if given["out"] is not None and whole else {}
    if given["out"] is not None and whole:
        _write(opened, papers, given["out"])
    sealed = not isinstance(key, PublicIdentity)
    known = sender is not None
    _tell(settings, opened, compared, sorted(papers), known=known, sealed=sealed)
    return OK if whole else ExitStatus.LOG_TAMPERED


def _compare(opened: "Opened", files: tuple[str, ...]) -> list[dict[str, Any]]:
    from fedsafe_federation.casework.comparison import (  # noqa: PLC0415
        Digested,
        compare,
    )

    read: list[Digested] = []
    for file in files:
        try:
            size, digests = digests_of(file)
        except FileFaultError as error:
            raise BadInputError(
                Phrase("{file}: {why}").filled(
                    file=printable(file), why=error.fault.detail
                )
            ) from None
        read.append(
            Digested(
                name=printable(file),
                size=size,
                sha256=digests["sha256"],
                blake3=digests["blake3"],
            )
        )
    return [
        {"file": each.name, "finding": each.finding.value, "object": each.object_id}
        for each in compare(opened.package, read)
    ]


def _write(opened: "Opened", papers: dict[str, bytes], directory: str) -> None:
    from fedsafe_node.ground.key_files import write_durably  # noqa: PLC0415

    out = Path(directory)
    try:
        out.mkdir(mode=0o700)
        for each in opened.documents:
            write_durably(out / each.name, each.content)
        for name, content in papers.items():
            write_durably(out / name, content)
    except (OSError, ValueError) as error:
        why = reason_of(error, Phrase("cannot be written"))
        raise BadInputError(
            Phrase("{directory}: {why}").filled(
                directory=printable(directory), why=why
            ),
            Phrase("name a new directory"),
        ) from None


def _tell(  # noqa: PLR0913 - what is told
    settings: Settings,
    opened: "Opened",
    compared: list[dict[str, Any]],
    papers: list[str],
    *,
    known: bool,
    sealed: bool,
) -> None:
    language = settings.language
    facts = _facts(opened)
    listed = [
        {
            "name": each.name,
            "media_type": each.media_type,
            "size": each.size,
            "sha256": each.sha256,
        }
        for each in opened.statement.documents
    ]
    if settings.json:
        told = {
            "test": opened.statement.test,
            "recalls": _recalled(opened),
            "call_back": _call_back(opened),
            "sender_compared": known,
            "sealed": sealed,
        }
        found = {"documents": listed, "papers": papers, "evidence": compared}
        document({"verified": True, **facts, **told, **found})
        return
    if opened.statement.test:
        line(_TEST.said(language))
    if (recalled := _recalled(opened)) is not None:
        line(_CORRECTION.said(language).format(recalled))
        if whom := _call_back(opened):
            line(_CALL_BACK.said(language).format(", ".join(whom.values())))
    line((_VERIFIED if sealed else _VERIFIED_INSIDE).said(language))
    facts["partner_class"] = class_word(facts["partner_class"], language)
    pairs(
        [
            (_FIELDS[name].said(language), readable(name, facts[name]))
            for name in _FIELDS
        ]
    )
    table(all_said(_DOCUMENTS, language), [list(each.values()) for each in listed])
    if papers:
        line(_PAPERS.said(language).format(", ".join(papers)))
    for each in compared:
        words = _FINDINGS[each["finding"]].said(language).format(each["object"])
        line(f"{each['file']}: {words}")
    note((_SENDER if known else _COMPARE).said(language))


def _recalled(opened: "Opened") -> str | None:
    """Name the earlier package that a correction takes back; the signer says so."""
    named = _correction(opened).get("recalls_package")
    return printable(named) if isinstance(named, str) else None


def _call_back(opened: "Opened") -> dict[str, str]:
    """Say who of the sender answers questions about a correction."""
    found = _correction(opened).get("call_back")
    known = found if isinstance(found, dict) else {}
    return {
        name: printable(known[name])
        for name in ("provider", "function", "phone", "address")
        if isinstance(known.get(name), str)
    }


def _correction(opened: "Opened") -> dict[str, Any]:
    from msgspec import DecodeError, json  # noqa: PLC0415

    for each in opened.documents:
        if each.name == "correction.json":
            try:
                found = json.decode(each.content)
            except DecodeError:
                return {}
            return found if isinstance(found, dict) else {}
    return {}


def _facts(opened: "Opened") -> dict[str, Any]:
    from msgspec import UNSET  # noqa: PLC0415

    statement, elements = opened.statement, opened.package.elements
    case, sender = elements.case, elements.sender
    return {
        "package_id": str(statement.package_id),
        "dispatch": statement.dispatch,
        "partner_class": statement.partner_class.value,
        "case_ref": None if case is UNSET else case.case_ref,
        "provider": None if sender is UNSET else sender.provider,
        "sealed_at": written(int(statement.sealed_at.timestamp())),
        "fingerprint": opened.fingerprint,
    }


def _refuse(settings: Settings, code: str, words: Phrase) -> ExitStatus:
    if settings.json:
        document({"verified": False, "code": code, "why": str(words)})
    else:
        note(f"fedsafe: {words.said(settings.language)}")
    return ExitStatus.LOG_TAMPERED


# What people at a partner read of an opened package, written on their machine.
#
# The package is one line of JSON. What it says is written as the provider itself would
# write it as a letter, in German and English; only the JSON is signed.


def papers_of(opened: "Opened") -> dict[str, bytes]:
    """Write an opened package for people; file names and HTML.

    Empty for a correction, which brings its own words, for a class of partner that has
    no paper, and for a package of which none can be written.
    """
    from fedsafe_node.casework.rendering.forms import (  # noqa: PLC0415
        paper_of,
        render,
    )
    from fedsafe_node.casework.rendering.sheets import Context  # noqa: PLC0415
    from fedsafe_policies.errors import (  # noqa: PLC0415 (slow to load)
        CasePackageError,
        RenderingError,
    )
    from fedsafe_policies.escalation.matrix import shipped_matrix  # noqa: PLC0415
    from fedsafe_policies.escalation.vocabulary import Language  # noqa: PLC0415

    package, names = opened.package, {each.name for each in opened.documents}
    form = paper_of(package.partner_class)
    if form is None or "correction.json" in names:
        return {}
    found = dict[str, bytes]()
    for language in Language:
        context = Context(matrix=shipped_matrix(), language=language)
        try:
            content = render(package, form, context).content
        except (CasePackageError, RenderingError):
            return {}
        found[f"{form}-{language}.html"] = content
    return {name: found[name] for name in found.keys() - names}
