# SPDX-License-Identifier: Apache-2.0
"""`fedsafe doctor`: what is well here, what is not, and the way out.

Every line is ok, warn or fail. It never changes anything but a probe file, which
it removes.
"""

import os
import shlex
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.doctor.carriers import mail, phone, sending
from fedsafe_cli.doctor.deadlines import overdue
from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_cli.doctor.doors import identities, lookup_socket
from fedsafe_cli.doctor.epochs import epochs, resharings
from fedsafe_cli.doctor.networks import is_inner, networks
from fedsafe_cli.doctor.server import pages, server, unasked
from fedsafe_cli.doctor.texts import log_named, said, sentences, told
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import CliError, SettingsError, words_of
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.labels import coded, headings
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, table
from fedsafe_cli.terminal.settings import Settings, printable, printed
from fedsafe_node.words.codes import CODES
from fedsafe_policies.ground.catalogue import Phrase, joined
from fedsafe_policies.ground.system_reasons import reason_of

if TYPE_CHECKING:
    from fedsafe_node.ground.config import Config, Place

_SLOW_FSYNC_MS: Final = 20.0
_PROBES: Final = 8
_OTHERS: Final = 0o077
_EARLIEST: Final = 1_767_225_600  # 2026-01-01: no clock that is right is earlier
_UNCOVERED: Final = Phrase("is its node running? ask it")
_AWAY: Final = Phrase("{why}, last seen {when}")
_GATE_SHUT: Final = "its gate is shut"
_SHUT: Final = Phrase("it exchanges no signals about persons now; ask it until when")
_DAMAGED: Final = Phrase(
    "copy the whole directory as evidence and mend nothing in it; restore a "
    "backup that is not older than guard/; tell your data protection officer: "
    "docs/howto/operate.md, when something does not verify"
)
_ROOM: Final = Phrase(
    "make room on this disk, and delete nothing in the node's directory: "
    "docs/howto/operate.md, when the disk is full"
)
_PROPOSE: Final = Phrase(
    "`fedsafe policy propose`, then another person approves (`fedsafe act "
    "approve`); or put the old text back"
)
_FOUND_ANEW: Final = Phrase(
    "no node starts with such a charter: found anew with three share holders "
    "or more, a threshold from 2 to one less, and an epoch of 366 days at most"
)
_INNER: Final = Phrase("its address lies in an inner network: it is not asked")
_NAME_IT: Final = Phrase(
    "if it is yours, name the network in node.toml (peering.inside) and start "
    "the node again"
)
_MEND: Final = Phrase("mend or put back the file, or name another one in node.toml")
_NAMED_IN_LETTERS: Final = Phrase(
    "set them under [provider] in node.toml: docs/reference/configuration.md"
)
_MAILS: Final = Phrase(
    "set [mail] or [phone] in node.toml: without them persons can only write, "
    "and no match names the form"
)
_HEARER: Final = Phrase(
    "propose one with `fedsafe federation set-policy --appeal MEMBER`, or "
    "`--deputy MEMBER` where this node is the one: until then each origin "
    "decides alone"
)
_FILE: Final = "node.toml"
_SWAPS: Final = Path("/proc/swaps")
_OUTSIDE_SHOW: Final = Phrase("`fedsafe node outside-key show`")
_OUTSIDE_NEW: Final = Phrase("stop the node, then `fedsafe node outside-key new`")
_WAYS: Final = {
    "floods": (
        Phrase(
            "`fedsafe flood list` shows them; rule on each with `fedsafe flood rule`, "
            "as reviewer or legal adviser"
        )
    ),
    "reviews": Phrase("`fedsafe task list` shows them"),
}
_OTHER_KEY: Final = Phrase(
    "name the key that wraps them in node.toml, or get it back with `fedsafe "
    "node outside-key recover`; if `fedsafe node outside-key rotate` was "
    "interrupted, run it again"
)
_NOT_EXAMINED: Final = Phrase("not examined: the outside key is not at hand")
_ROWS: Final = Phrase("{count} rows add up")
_ENTRIES: Final = Phrase("{count} entries add up")
_KEY_FIRST: Final = Phrase("mend the outside key first, then call this again")
_NO_OUTSIDE: Final = Phrase(
    "none: who takes the directory opens media; no picture is written to disk, "
    "so a start reads them all"
)
_PACKAGES: Final = ("aiohttp", "cryptography", "msgspec", "pynacl", "numpy")


@click.command(cls=SpokenCommand)
@shared_options
@click.pass_context
def doctor(context: click.Context) -> ExitStatus:
    """Check this machine and the node on it.

    Exit status 1 if a check fails.

    \b
    Examples:
      fedsafe doctor
      fedsafe doctor --json --config /srv/fedsafe
    """  # noqa: D301
    settings = settings_of(context)
    findings = list(examine(settings))
    if settings.json:
        document({"findings": [finding.document() for finding in findings]})
    else:
        names = ("check", "level", "found", "way out")
        language = settings.language
        rows = [
            (
                said(each.name, language=language),
                coded(each.level, settings),
                said(each.found, language=language),
                each.way_out and said(each.way_out, language=language),
            )
            for each in findings
        ]
        table(headings(settings, *names), rows)
    failed = any(finding.level is Level.FAIL for finding in findings)
    return ExitStatus.INTERNAL if failed else OK


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield all findings, the machine's first."""
    yield _python()
    yield _versions()
    yield _sodium()
    yield clock(time.time())  # noqa: TID251 (the clock is what is examined)
    try:
        directory = Path(settings.directory())
    except CliError as error:
        # No node here is no fault; none where one was named is.
        is_named = isinstance(error, SettingsError)
        level = Level.FAIL if is_named else Level.WARN
        yield Finding(Phrase("node"), level, error.message, error.hint)
        return
    yield disk(directory, time.perf_counter)
    yield from room(directory, shutil.disk_usage(directory).free)
    yield from pages(directory)
    yield from server(directory)
    yield permissions(directory)
    yield from outside_key(directory)
    yield from officer(directory)
    yield from networks(directory)
    yield from identities(directory)
    yield from lookup_socket(directory)
    yield from letters(directory)
    yield from sending(directory, time.time())  # noqa: TID251 (the machine's clock)
    yield from mail(directory, time.time())  # noqa: TID251 (likewise)
    yield from phone(directory, time.time())  # noqa: TID251 (likewise)
    yield from _node(directory)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding(Phrase("python"), Level.OK, found)


def _versions() -> Finding:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        found = ", ".join(f"{name} {version(name)}" for name in ("fedsafe", *_PACKAGES))
    except PackageNotFoundError as error:
        return Finding(
            Phrase("versions"),
            Level.FAIL,
            Phrase("{name} is missing").filled(name=error.name),
            Phrase("install from requirements.txt"),
        )
    return Finding(Phrase("versions"), Level.OK, found)


def _sodium() -> Finding:
    from fedsafe_crypto.errors import CryptoError  # noqa: PLC0415 (slow to load)
    from fedsafe_crypto.primitives.sodium import describe  # noqa: PLC0415

    try:
        library = describe()
    except CryptoError as error:
        return Finding(
            Phrase("libsodium"),
            Level.FAIL,
            str(error),
            Phrase("on Debian, apt install libsodium23"),
        )
    found = f"{library.version} ({library.source}) {library.path}"
    return Finding(Phrase("libsodium"), Level.OK, found)


def clock(now: float) -> Finding:
    """Say whether the clock can be right."""
    found = shown(int(now))
    if now < _EARLIEST:
        return Finding(
            Phrase("clock"),
            Level.FAIL,
            found,
            Phrase("set the clock; run an NTP client"),
        )
    return Finding(Phrase("clock"), Level.OK, found)


def disk(directory: Path, timer: Callable[[], float]) -> Finding:
    """Measure how long the disk takes to make a write durable."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            start = timer()
            for _ in range(_PROBES):
                file.write(b"probe")
                file.flush()
                os.fdatasync(file.fileno())
            each = (timer() - start) * 1000 / _PROBES
    except OSError as error:
        why = Phrase("cannot be written: {why}").filled(why=reason_of(error))
        return Finding(
            Phrase("disk"), Level.FAIL, why, Phrase("run as the node's user")
        )
    found = Phrase("{ms} ms for a durable write").filled(ms=f"{each:.1f}")
    if each > _SLOW_FSYNC_MS:
        way_out = Phrase("put the node's directory on a faster disk")
        return Finding(Phrase("disk"), Level.WARN, found, way_out)
    return Finding(Phrase("disk"), Level.OK, found)


def room(directory: Path, free: int) -> Iterator[Finding]:
    """Say whether the disk will last, with so many bytes *free*."""
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415
    from fedsafe_node.store.keeping_rows import Room  # noqa: PLC0415

    place = Place(directory)
    try:
        config = load_config(place)
    except ConfigError:
        return  # said elsewhere
    size = config.disk.reserve
    if config.store is not None:  # the reserve is for the file of the store
        level = Level.WARN if free < 2 * size else Level.OK
        found = Phrase("{free} MiB free; the store is on a server").filled(
            free=free >> 20
        )
        yield Finding(
            Phrase("room"), level, found, _ROOM if level is Level.WARN else None
        )
        return
    found = Phrase("{free} MiB free, {size} MiB in reserve").filled(
        free=free >> 20, size=size >> 20
    )
    if not Room(free=free, size=size, held=True).is_short:
        yield Finding(Phrase("room"), Level.OK, found)
    elif place.reserve.exists():
        yield Finding(Phrase("room"), Level.WARN, found, _ROOM)
    else:
        found = Phrase("{free} MiB free, and the reserve is given up").filled(
            free=free >> 20
        )
        yield Finding(Phrase("room"), Level.FAIL, found, _ROOM)


def permissions(directory: Path) -> Finding:
    """Say whether others than the node's user could read its secrets."""
    try:
        open_to_others = [
            path
            for path in (directory / "keys").rglob("*")
            if stat.S_IMODE(path.stat().st_mode) & _OTHERS
        ]
    except OSError as error:
        why = reason_of(error)
        return Finding(
            Phrase("permissions"), Level.FAIL, why, Phrase("run as the node's user")
        )
    if open_to_others:
        name = shlex.quote(printable(str(open_to_others[0])))
        found = Phrase("{count} key files are open to others").filled(
            count=len(open_to_others)
        )
        return Finding(Phrase("permissions"), Level.FAIL, found, f"chmod go= {name}")
    return Finding(
        Phrase("permissions"), Level.OK, Phrase("key files are the node's alone")
    )


def configuration(directory: Path) -> Finding:
    """Say whether a node could start with its node.toml."""
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    try:
        load_config(Place(directory))
    except ConfigError as error:
        way_out = "docs/reference/configuration.md"
        return Finding(
            Phrase("configuration"), Level.FAIL, printed(error.told), way_out
        )
    return Finding(Phrase("configuration"), Level.OK, Phrase("node.toml fits"))


def outside_key(directory: Path) -> Iterator[Finding]:
    """Say whether a thief of the directory could open media."""
    from fedsafe_node.ground.config import Place  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.errors import (  # noqa: PLC0415
        ConfigError,
        KeyFileError,
        OutsideKeyError,
    )
    from fedsafe_node.operations.outside_key_change import state_of  # noqa: PLC0415

    check = Phrase("outside key")
    try:
        state = state_of(Place(directory))
    except ConfigError:
        return  # said already
    except OutsideKeyError as error:
        way_out = error.way_out or _OUTSIDE_SHOW
        yield Finding(check, Level.FAIL, printed(error.reason), printed(way_out))
        return
    except KeyFileError as error:
        yield Finding(check, Level.FAIL, printed(error), _OUTSIDE_SHOW)
        return
    if state.others:
        found = Phrase("key files are wrapped under another one: {names}").filled(
            names=", ".join(state.others)
        )
        yield Finding(check, Level.FAIL, found, _OTHER_KEY)
    elif state.name is None:
        # A node may go on without: no fault, but nobody should believe otherwise.
        yield Finding(check, Level.OK, _NO_OUTSIDE)
    elif state.plain:
        found = Phrase("key files are not wrapped: {names}").filled(
            names=", ".join(state.plain)
        )
        yield Finding(check, Level.WARN, found, _OUTSIDE_NEW)
    else:
        yield Finding(
            check,
            Level.OK,
            Phrase("{name}: it wraps media and own keys").filled(name=state.name),
        )


def officer(directory: Path) -> Iterator[Finding]:
    """Say whether persons are told how to reach the data protection officer."""
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    try:
        contact = load_config(Place(directory)).dpo_contact
    except ConfigError:
        return  # said already
    if contact is None:
        found = Phrase("node.toml names no address of the data protection officer")
        way_out = Phrase(
            "set dpo_contact, such as dpo@chat.example.de (Art. 14 (1) b GDPR)"
        )
        yield Finding(Phrase("dpo_contact"), Level.WARN, found, way_out)
    else:
        yield Finding(Phrase("dpo_contact"), Level.OK, contact)


def letters(directory: Path) -> Iterator[Finding]:
    """Say whether letters can name provider, authority and a way that works."""
    from fedsafe_node.ground.config import Place, letters_lack, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    try:
        config = load_config(Place(directory))
    except ConfigError:
        return  # said already
    lacking = [name for name in letters_lack(config) if name != "dpo_contact"]
    if lacking:
        found = Phrase("letters say only in general words: {named}").filled(
            named=", ".join(lacking)
        )
        yield Finding(Phrase("letters"), Level.WARN, found, _NAMED_IN_LETTERS)
    else:
        yield Finding(
            Phrase("letters"), Level.OK, Phrase("letters name provider and authority")
        )
    if config.mail is None and config.phone is None:
        found = Phrase(
            "the public form takes no requests: node.toml names no mail server"
        )
        yield Finding(Phrase("form"), Level.WARN, found, _MAILS)
    elif config.mail is None:
        yield Finding(
            Phrase("form"), Level.OK, Phrase("it takes requests, about numbers alone")
        )
    elif config.phone is None:
        yield Finding(
            Phrase("form"), Level.OK, Phrase("it takes requests, about addresses alone")
        )
    else:
        yield Finding(
            Phrase("form"), Level.OK, Phrase("it takes requests, and sends codes")
        )


def stored(directory: Path) -> Iterator[Finding]:
    """Say whether the stopped node's logs, tables and keys are what it left."""
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.errors import ConfigError, OutsideKeyError  # noqa: PLC0415
    from fedsafe_node.operations.offline_inspect import examine_node  # noqa: PLC0415
    from fedsafe_node.store.sealed_parts import way_to  # noqa: PLC0415

    place = Place(directory)
    try:
        config = load_config(place)
    except ConfigError:
        return  # said already
    if unasked(directory) is not None:
        return  # said already
    yield from _approved(place, config)
    yield from _charter(place, config)
    try:
        found = asyncio.run(examine_node(place, config))
    except OutsideKeyError:
        # What is wrong with the key is said already.
        yield Finding(Phrase("store"), Level.WARN, _NOT_EXAMINED, _KEY_FIRST)
        return
    for examined in found:
        part = _part(examined.part)
        if examined.moved:
            where = printable(examined.moved)
            gone = Phrase("this store has moved: it goes on at {where}").filled(
                where=where
            )
            yield Finding(part, Level.FAIL, gone, way_to(examined.moved))
        elif examined.wrong:
            yield Finding(part, Level.FAIL, printed(examined.wrong), _DAMAGED)
        else:
            sound = _ROWS if examined.part == "seal" else _ENTRIES
            sound = sound.filled(count=examined.size)
            yield Finding(part, Level.OK, sound)


def _part(name: str) -> str | Phrase:
    """Name a part of a stopped node's store; tables have their own names."""
    if name.startswith("log "):
        return log_named(name.removeprefix("log "))
    return {"store": Phrase("store"), "seal": Phrase("seal")}.get(name, name)


def _approved(place: "Place", config: "Config") -> Iterator[Finding]:
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415 (slow to load)
    from fedsafe_node.operations.offline_inspect import approved_in  # noqa: PLC0415
    from fedsafe_node.rules.policy_bundle import check_named  # noqa: PLC0415

    approved = asyncio.run(approved_in(place, config))
    try:
        named = check_named(place, config)
    except ConfigError as error:
        if approved is None:
            yield Finding(Phrase("policy"), Level.FAIL, printed(error), _MEND)
        else:
            yield from not_approved([_FILE], words_of(error))
        return
    if approved is not None:
        yield from not_approved(named.differing(approved))


def _charter(place: "Place", config: "Config") -> Iterator[Finding]:
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_node.operations.offline_inspect import unfit_charter  # noqa: PLC0415 (slow to load)

    why = asyncio.run(unfit_charter(place, config))
    if why is not None:
        yield Finding(Phrase("charter"), Level.FAIL, printed(why), _FOUND_ANEW)


def not_approved(
    names: Iterable[str], unfit: str | Phrase | None = None
) -> Iterator[Finding]:
    """Say what node.toml names that the node does not decide by, or what is unfit."""
    if unfit is not None:
        found = Phrase(
            "the node decides by what was approved; what node.toml names does not fit: "
            "{why}"
        ).filled(why=unfit)
        yield Finding(Phrase("policy"), Level.WARN, printed(found), _MEND)
    elif named := ", ".join(names):
        found = Phrase(
            "the node decides by what was approved; node.toml has another {named}"
        ).filled(named=named)
        yield Finding(Phrase("policy"), Level.WARN, printed(found), _PROPOSE)


def _unfit(directory: Path) -> str | Phrase | None:
    """Say what does not fit of that which node.toml names."""
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415
    from fedsafe_node.rules.policy_bundle import check_named  # noqa: PLC0415

    place = Place(directory)
    try:
        check_named(place, load_config(place))
    except ConfigError as error:
        return words_of(error)
    return None


def _node(directory: Path) -> Iterator[Finding]:
    client = Client(str(directory / "node.sock"), None, str(directory))
    try:
        health = client.get("/v1/health", timeout=5)
        status = client.get("/v1/status", timeout=5)
    except CliError as error:
        yield configuration(directory)
        yield from stored(directory)
        # A node that was stopped takes its socket along; one that died leaves it.
        stopped = not (directory / "node.sock").exists()
        level = Level.WARN if stopped else Level.FAIL
        yield Finding(Phrase("node"), level, error.message, error.hint)
        return
    yield from _checked(health)
    names = {name: str(status.get(name)) for name in ("node", "version", "policy")}
    found = Phrase("{node} {version}, policy {policy}").filled(**names)
    yield Finding(Phrase("node"), Level.OK, found)
    if waits := status.get("not_approved"):
        yield from not_approved(waits, _unfit(directory))
    yield from memory(status, swaps_in(_SWAPS))
    yield from owed(status)
    yield from epochs(status, int(time.time()))  # noqa: TID251 (the machine's clock)
    yield from resharings(status)
    yield from _shares(status)
    yield from overdue(status)
    if broken := status.get("circuits_broken"):
        way_out = Phrase("`fedsafe budget show` says whose, and until when")
        found = Phrase(
            "{broken} ways of asking or publishing are shut by a pattern"
        ).filled(broken=broken)
        yield Finding(Phrase("budgets"), Level.WARN, found, way_out)
    yield from departed(status)
    for member, count in (status.get("evaluations_differing") or {}).items():
        way_out = Phrase(
            "compare `evaluation.compared` in both audit logs: whose key asks?"
        )
        found = Phrase(
            "{count} evaluations of a week that only one of both has counted"
        ).filled(count=count)
        name = Phrase("evaluations of {member}").filled(member=printable(member))
        yield Finding(name, Level.WARN, found, way_out)
    yield from _peers(status, directory)


def _peers(status: Mapping[str, Any], directory: Path) -> Iterator[Finding]:
    """Say which members are covered, and why another is not."""
    for peer in status.get("peers") or []:
        member = printable(str(peer.get("name")))
        name = Phrase("peer {member}").filled(member=member)
        if peer.get("suspended"):
            way_out = Phrase("its log contradicts itself: see `fedsafe evidence list`")
            yield Finding(name, Level.FAIL, Phrase("suspended"), way_out)
        elif not peer.get("covered"):
            why = peer.get("uncovered")
            seen = peer.get("synced_at") or Phrase("never")
            last = Phrase("last seen {when}").filled(when=seen)
            found = (
                last
                if why is None
                else _AWAY.filled(why=told(why, peer.get("uncovered_made")), when=seen)
            )
            shut = _SHUT if why == _GATE_SHUT else _UNCOVERED
            if is_inner(directory, str(peer.get("url"))):
                yield Finding(name, Level.FAIL, _INNER, _NAME_IT)
            else:
                yield Finding(name, Level.WARN, found, shut)
        else:
            yield Finding(
                name, Level.OK, Phrase("seen {when}").filled(when=peer.get("synced_at"))
            )


def _checked(health: Mapping[str, Any]) -> Iterator[Finding]:
    """Say what the node itself has checked."""
    made = health.get("checks_made") or {}
    for name, verdict in sorted((health.get("checks") or {}).items()):
        level = Level.WARN if verdict == _GATE_SHUT else Level.FAIL
        is_ok = verdict == "ok"
        way_out = None if is_ok else _WAYS.get(name)
        level = Level.OK if is_ok else level
        how = made.get(name) or {}
        check = Phrase("node: {check}").filled(check=told(name, how.get("name")))
        yield Finding(check, level, told(verdict, how.get("verdict")), way_out)


def swaps_in(table: Path) -> list[str] | None:
    """Name where this machine writes memory to; None if that is not known.

    Compressed memory (zram) is none of it.
    """
    try:
        rows = table.read_text(encoding="ascii", errors="replace").splitlines()[1:]
    except OSError:
        return None
    names = [row.split()[0] for row in rows if row.strip()]
    return [name for name in names if not name.startswith("/dev/zram")]


def memory(status: Mapping[str, Any], swaps: list[str] | None) -> Iterator[Finding]:
    """Say whether keys in the node's memory can reach a disk or another process."""
    name = Phrase("node: {check}").filled(check=Phrase.within("node", "memory"))
    state = status.get("memory")
    if state == "readable":
        found = Phrase(
            "other processes of its user can read it, and a crash may dump it"
        )
        way_out = Phrase(
            "run the node on Linux; elsewhere turn core dumps off, and let nothing "
            "else run as its user"
        )
        yield Finding(name, Level.WARN, found, way_out)
    elif state == "swappable" and swaps != []:
        named = printable(", ".join(swaps or ["?"]))
        found = Phrase("keys can be written to swap: {named}").filled(named=named)
        way_out = Phrase(
            "let the node lock its memory (LimitMEMLOCK=infinity in its unit, ulimit "
            "-l unlimited), or turn swap off: docs/howto/operate.md, as a service"
        )
        yield Finding(name, Level.WARN, found, way_out)
    elif state == "swappable":
        found = Phrase("no core and no other reader; this machine has no swap")
        yield Finding(name, Level.OK, found)
    elif state is not None:
        yield Finding(name, Level.OK, Phrase("no core, no other reader, no swap"))


def departed(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say for which keys members that left hold nearly enough shares."""
    for found in sentences(status, "keys_departed"):
        way_out = Phrase("`fedsafe federation status`: the nodes begin a new epoch")
        if "two people" in str(found):
            way_out = Phrase("at each member: `fedsafe federation reshare`")
        yield Finding(Phrase("keys"), Level.WARN, found, way_out)


def _shares(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say whether the federation's key would survive the loss of a share."""
    threshold, holders = status.get("threshold"), status.get("holders")
    if status.get("shares_missing"):
        found = Phrase("this node holds no share of the key; the others answer for it")
        way_out = Phrase("it gets one when the members next deal shares anew")
        yield Finding(Phrase("share"), Level.WARN, found, way_out)
    if status.get("too_few_holders"):
        found = Phrase(
            "fewer than three members hold shares: nothing about persons goes out"
        )
        way_out = Phrase("invite another member: `fedsafe federation invite`")
        yield Finding(Phrase("holders"), Level.WARN, found, way_out)
    if status.get("appeals_unheard"):
        found = Phrase(
            "no other member hears the appeals of persons who come to this node"
        )
        yield Finding(Phrase("appeals"), Level.WARN, found, _HEARER)
    if threshold and holders == threshold > 1:
        found = Phrase(
            "all {holders} members that hold a share are needed (t = n)"
        ).filled(holders=holders)
        way_out = Phrase(
            "one lost share ends all lookups: keep the keys backed up apart, and let "
            "more members join"
        )
        yield Finding(Phrase("threshold"), Level.WARN, found, way_out)


def owed(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say what keeps persons from being told."""
    if waiting := status.get("notices_waiting"):
        way_out = Phrase(
            "see `fedsafe notice list`, then `fedsafe notice texts`: sign off what is "
            "no longer, with `fedsafe notice sign-off TEXT --until DAY`"
        )
        found = Phrase(
            "{waiting} notices to persons wait for the sign-off of a text"
        ).filled(waiting=waiting)
        yield Finding(Phrase.within("node", "notices"), Level.WARN, found, way_out)
    if unsigned := status.get("texts_unsigned"):
        way_out = Phrase(
            "print and read them (`fedsafe notice print`), then `fedsafe notice "
            "sign-off --all --until DAY --digest HEX`: HEX is the last line printed"
        )
        texts = joined(", ", (CODES.get(str(each), str(each)) for each in unsigned))
        found = Phrase("nobody has signed off {texts}").filled(texts=texts)
        yield Finding(Phrase("texts"), Level.WARN, found, way_out)
    if overdue := status.get("receipts_overdue"):
        way_out = Phrase(
            "deliver what `fedsafe events list` shows, then `events receipt`"
        )
        found = Phrase("{overdue} events for the provider lack their receipt").filled(
            overdue=overdue
        )
        yield Finding(Phrase("receipts"), Level.WARN, found, way_out)
