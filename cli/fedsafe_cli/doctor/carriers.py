# SPDX-License-Identifier: Apache-2.0
"""`fedsafe doctor`: with what case packages and codes leave the node.

A file that is missing shows only when a package waits, a certificate that ends only
when a partner refuses it, and a mail server or hook that is away only to a person who
waits for a code. `fedsafe_node` is imported inside the functions: it is slow
to load.
"""

import secrets
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto, unique
from importlib.util import find_spec
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import TYPE_CHECKING, Final

from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

if TYPE_CHECKING:
    from fedsafe_node.ground.carrier_settings import Sending
    from fedsafe_node.ground.config import Config
    from fedsafe_node.ground.mail_settings import Mail
    from fedsafe_node.rights.phone_hook import Outcome

_OTHERS: Final = 0o077
_MOST: Final = 1 << 20
_SOON: Final = timedelta(days=30)
_PAIR: Final = ("sending.webhook.certificate", "sending.webhook.key")
_INSTALL: Final = "pip install 'fedsafe[sftp]'"
_PUT: Final = Phrase("put the file there, or name another one in node.toml")
_AS_PEM: Final = Phrase(
    "put it there in PEM form (PKCS #8), as `openssl genpkey` writes one"
)
_READABLE: Final = Phrase("let the node's user read it, and run as that user")
_GUIDE: Final = "docs/howto/phone-codes.md"
_RENEW: Final = Phrase("get a new certificate, and put it in its place")


@unique
class _Kind(Enum):
    PASSWORD = auto()
    SSH_KEY = auto()
    TLS_KEY = auto()
    CERTIFICATE = auto()
    AUTHORITIES = auto()


_KEYS: Final = frozenset({_Kind.SSH_KEY, _Kind.TLS_KEY})


@dataclass(frozen=True, slots=True)
class _Named:
    """A file that a setting names."""

    setting: str
    path: Path
    kind: _Kind

    def finding(
        self, level: Level, found: str | Phrase, way_out: str | Phrase | None = None
    ) -> Finding:
        """Say what was found of it."""
        return Finding(self.setting, level, found, way_out)


def sending(directory: Path, now: float) -> Iterator[Finding]:
    """Say whether the files that `[sending]` of node.toml names can be used."""
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    try:
        settings = load_config(Place(directory)).sending
    except ConfigError:
        return  # said elsewhere
    if settings.sftp is not None and find_spec("asyncssh") is None:
        found = Phrase("its library is missing")
        yield Finding("sending.sftp", Level.FAIL, found, _INSTALL)
    findings = {
        each: _examined(each, datetime.fromtimestamp(now, UTC))
        for each in _named(settings, directory)
    }
    yield from findings.values()
    fit = [each for each, found in findings.items() if found.level is not Level.FAIL]
    yield from _pair([each for each in fit if each.setting in _PAIR])


def phone(directory: Path, now: float) -> Iterator[Finding]:
    """Say whether the hook for codes is there and checks who asks; no number goes."""
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415
    from fedsafe_node.rights.phone_hook import read_secret  # noqa: PLC0415

    try:
        config = load_config(Place(directory))
    except ConfigError:
        return  # said elsewhere
    settings = config.phone
    if settings is None:
        return
    secret = _Named(
        "phone.secret_file", directory / settings.secret_file, _Kind.PASSWORD
    )
    named = [secret]
    if settings.ca is not None:
        named.append(_Named("phone.ca", directory / settings.ca, _Kind.AUTHORITIES))
    findings = [_examined(each, datetime.fromtimestamp(now, UTC)) for each in named]
    yield from findings
    if any(found.level is Level.FAIL for found in findings):
        return
    try:
        read_secret(secret.path)
    except ConfigError:
        found = Phrase("the secret is too short")
        way_out = Phrase(
            "put there what `openssl rand -hex 32` says, and give it to the hook"
        )
        yield Finding(secret.setting, Level.FAIL, found, way_out)
        return
    yield asyncio.run(_asked(config, directory))


def mail(directory: Path, now: float) -> Iterator[Finding]:
    """Say whether codes can go by mail: as far as a letter goes, but none does."""
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    try:
        settings = load_config(Place(directory)).mail
    except ConfigError:
        return  # said elsewhere
    if settings is None:
        return
    if settings.password_file is not None:
        path = directory / settings.password_file
        named = _Named("mail.password_file", path, _Kind.PASSWORD)
        examined = _examined(named, datetime.fromtimestamp(now, UTC))
        yield examined
        if examined.level is Level.FAIL:
            return
    yield asyncio.run(_mailed(settings, directory))


async def _mailed(settings: "Mail", directory: Path) -> Finding:
    """Connect, protect and log in as the node would."""
    import smtplib  # noqa: PLC0415 (slow to load, as all below)
    import ssl  # noqa: PLC0415

    from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415
    from fedsafe_node.rights.code_mail import Mailer  # noqa: PLC0415

    way_out = Phrase("look into the mail server's log: docs/reference/configuration.md")
    try:
        await Mailer(settings, directory, SystemClock()).try_out()
    except smtplib.SMTPAuthenticationError:
        found = Phrase("the mail server does not take user and password")
        way_out = Phrase(
            "put the right ones in mail.user and the file of mail.password_file"
        )
    except smtplib.SMTPNotSupportedError:
        found = Phrase(
            "the mail server does not offer what mail.tls or mail.user ask for"
        )
        way_out = Phrase("set mail.tls and mail.port as the mail server wants them")
    except ssl.SSLError:
        found = Phrase(
            "the mail server's certificate is not trusted, or it speaks no TLS"
        )
        way_out = Phrase(
            "set mail.tls and mail.port as it wants them, or renew its certificate"
        )
    except smtplib.SMTPException:
        found = Phrase("the mail server refuses this node")
    except (OSError, ConfigError):
        found = Phrase("the mail server does not answer, or not in time")
        way_out = Phrase(
            "start it, or name another mail.host and mail.port in node.toml"
        )
    else:
        return Finding(
            Phrase.within("node", "mail"),
            Level.OK,
            Phrase("the mail server answers; no letter was sent"),
        )
    return Finding(Phrase.within("node", "mail"), Level.FAIL, found, way_out)


async def _asked(config: "Config", directory: Path) -> Finding:
    """Ask the hook as the node would, and then as somebody without the secret."""
    from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415
    from fedsafe_node.rights.phone_hook import Hook, Outcome  # noqa: PLC0415

    assert config.phone is not None  # noqa: S101 - looked at before
    hook = Hook(config.phone, directory, config.name, SystemClock())
    answered = await hook.ping()
    if answered is not Outcome.ACCEPTED:
        return Finding(
            Phrase.within("node", "phone"), Level.FAIL, *_hook_says(answered)
        )
    if await hook.ping(secrets.token_bytes(32)) is Outcome.ACCEPTED:
        found = Phrase("the hook takes requests that nobody has signed")
        return Finding(Phrase.within("node", "phone"), Level.FAIL, found, _GUIDE)
    return Finding(
        Phrase.within("node", "phone"),
        Level.OK,
        Phrase("the hook answers, and checks signatures"),
    )


def _hook_says(answered: "Outcome") -> tuple[Phrase, str | Phrase]:
    from fedsafe_node.rights.phone_hook import Outcome  # noqa: PLC0415

    found = Phrase("the hook answers nothing that its guide knows")
    way_out: str | Phrase = _GUIDE
    match answered:
        case Outcome.UNREACHABLE:
            found = Phrase("the hook does not answer, or not in time")
            way_out = Phrase("start it, or name another phone.url in node.toml")
        case Outcome.BUSY:
            found = Phrase("the hook is busy, or fails")
            way_out = Phrase("look into its log, and ask again")
        case Outcome.UNTRUSTED:
            found = Phrase("the hook's certificate is not trusted")
            way_out = Phrase("name its authority as phone.ca, or renew the certificate")
        case Outcome.UNSIGNED:
            found = Phrase("the hook does not take this node's signature")
            way_out = Phrase("give both the same secret, and look at both clocks")
        case _:
            pass
    return found, way_out


def _pair(named: list[_Named]) -> Iterator[Finding]:
    """Say whether the client's certificate is that of its key, if both can be used."""
    if len(named) < len(_PAIR):
        return
    certificate, key = (each.path for each in named)
    try:
        # Without a password OpenSSL would ask for one, at the terminal.
        context = SSLContext(PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError):
        found = Phrase("certificate and key do not belong together")
        yield Finding("sending.webhook", Level.FAIL, found, _PUT)


def _named(settings: "Sending", directory: Path) -> Iterator[_Named]:
    mail, sftp, webhook = settings.mail, settings.sftp, settings.webhook
    for setting, name, kind in (
        ("mail.ca", None if mail is None else mail.ca, _Kind.AUTHORITIES),
        (
            "mail.password_file",
            None if mail is None else mail.password_file,
            _Kind.PASSWORD,
        ),
        ("sftp.key", None if sftp is None else sftp.key, _Kind.SSH_KEY),
        ("webhook.ca", webhook.ca, _Kind.AUTHORITIES),
        ("webhook.certificate", webhook.certificate, _Kind.CERTIFICATE),
        ("webhook.key", webhook.key, _Kind.TLS_KEY),
    ):
        if name is not None:
            yield _Named(f"sending.{setting}", directory / name, kind)


def _examined(named: _Named, now: datetime) -> Finding:
    content = _content(named)
    if isinstance(content, Finding):
        return content
    if named.kind is _Kind.PASSWORD:
        return _password(named, content)
    if named.kind in _KEYS:
        return _key(named, content)
    return _certificates(named, content, now)


def _content(named: _Named) -> bytes | Finding:
    """Read a file as the node will, or say why that cannot be."""
    name = printable(str(named.path))
    try:
        mode = named.path.stat().st_mode
        if not stat.S_ISREG(mode):  # a pipe would never end
            return named.finding(
                Level.FAIL, Phrase("{file} is no file").filled(file=name), _PUT
            )
        with named.path.open("rb") as file:
            content = file.read(_MOST)
    except FileNotFoundError:
        return named.finding(
            Level.FAIL, Phrase("there is no file {file}").filled(file=name), _PUT
        )
    except OSError as error:
        told = Phrase("{file} cannot be read: {why}")
        unread = told.filled(file=name, why=reason_of(error))
        return named.finding(Level.FAIL, unread, _READABLE)
    is_secret = named.kind is _Kind.PASSWORD or named.kind in _KEYS
    if is_secret and stat.S_IMODE(mode) & _OTHERS:
        found = Phrase("{file} is open to others").filled(file=name)
        return named.finding(Level.FAIL, found, f"chmod go= {shlex.quote(name)}")
    return content


def _password(named: _Named, content: bytes) -> Finding:
    if not content.strip():
        found = Phrase("{file} holds no password").filled(
            file=printable(str(named.path))
        )
        return named.finding(Level.FAIL, found, _PUT)
    return named.finding(Level.OK, Phrase("can be used"))


def _key(named: _Named, content: bytes) -> Finding:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
        load_ssh_private_key,
    )

    name = printable(str(named.path))
    is_ssh = b"BEGIN OPENSSH PRIVATE KEY" in content
    if is_ssh and named.kind is _Kind.TLS_KEY:
        found = Phrase(
            "{file} is in the form of OpenSSH, which a webhook cannot use"
        ).filled(file=name)
        return named.finding(Level.FAIL, found, _AS_PEM)
    load = load_ssh_private_key if is_ssh else load_pem_private_key
    try:
        key = load(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is locked
        found = Phrase("{file} holds no private key without a password").filled(
            file=name
        )
        return named.finding(Level.FAIL, found, _PUT)
    if not hasattr(key, "sign"):  # X25519, for one
        return named.finding(
            Level.FAIL,
            Phrase("{file} holds a key that cannot sign").filled(file=name),
            _PUT,
        )
    return named.finding(Level.OK, Phrase("can be used"))


def _certificates(named: _Named, content: bytes, now: datetime) -> Finding:
    """Judge the certificate that is shown, or the last authority that ends."""
    from cryptography.x509 import (  # noqa: PLC0415
        InvalidVersion,
        load_pem_x509_certificates,
    )

    name = printable(str(named.path))
    try:
        found = load_pem_x509_certificates(content)
        if named.kind is _Kind.CERTIFICATE:
            found = found[:1]  # behind it stand those that have issued it
        begins = min(each.not_valid_before_utc for each in found)
        ends = max(each.not_valid_after_utc for each in found)
    except ValueError:
        return named.finding(
            Level.FAIL, Phrase("{file} holds no certificate").filled(file=name), _PUT
        )
    except InvalidVersion:
        told = Phrase(
            "{file} holds a certificate of a version that does not exist"
        ).filled(file=name)
        return named.finding(Level.FAIL, told, _PUT)
    day = f"{ends:%Y-%m-%d}"
    if now >= ends:
        return named.finding(
            Level.FAIL,
            Phrase("{file} has expired on {day}").filled(file=name, day=day),
            _RENEW,
        )
    if now < begins:
        told = Phrase("{file} counts from {day} only").filled(
            file=name, day=f"{begins:%Y-%m-%d}"
        )
        return named.finding(Level.FAIL, told, _RENEW)
    if now >= ends - _SOON:
        return named.finding(
            Level.WARN,
            Phrase("{file} expires on {day}").filled(file=name, day=day),
            _RENEW,
        )
    return named.finding(Level.OK, Phrase("counts until {day}").filled(day=day))
