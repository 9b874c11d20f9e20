# SPDX-License-Identifier: Apache-2.0
"""The node's configuration: `node.toml` in the node's directory.

Closed: an unknown key is refused by name. Paths are relative to the directory,
so a node can be moved whole. Secrets are never in here, only in key files.
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import pycountry

from fedsafe_federation.charter.card import Jurisdiction, NodeUrl
from fedsafe_federation.feed.signals import Contact
from fedsafe_federation.identifiers.namespaces import is_namespace
from fedsafe_federation.wire.signed import NodeName
from fedsafe_node.ground.carrier_settings import Sending, unfit_sending
from fedsafe_node.ground.errors import ConfigError, words_of
from fedsafe_node.ground.mail_settings import Mail, Phone, unfit_mail, unfit_phone
from fedsafe_node.ground.networks import (
    WANT_NETWORKS,
    Networks,
    Peering,
    are_networks,
    has_port,
    is_broad,
)
from fedsafe_node.ground.setting_types import Host, Port, Printable, at_key
from fedsafe_node.ground.store_settings import Storage, unfit_storage
from fedsafe_policies.escalation.laender import GERMANY, Calendar, Land
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.references import (
    BARRIER_MAILBOXES,
    DPO_MAILBOXES,
    MAILBOXES,
    is_contact,
)
from fedsafe_policies.rules.gate import DEMO_SUFFIX

_GERMAN: Final = "DE"
_LAENDER: Final = ", ".join(Land)


class Deadlines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By which working days and in which time zone the deadlines of cases are counted.

    Without a Land the holidays of all Laender count, and no others.
    """

    land: Annotated[str, msgspec.Meta(max_length=10)] | None = None
    time_zone: Annotated[str, msgspec.Meta(max_length=100)] = GERMANY

    @property
    def calendar(self) -> Calendar:
        """The calendar of these settings, which `unfit_deadlines` has checked."""
        land = None if self.land is None else Land(self.land)
        return Calendar(land, ZoneInfo(self.time_zone))


def unfit_deadlines(deadlines: Deadlines, jurisdiction: str) -> Phrase | None:
    """Say what is wrong with the settings."""
    if deadlines.land is not None:
        if deadlines.land not in set(Land):
            return at_key(
                Phrase("no Land has that code: one of {codes}").filled(codes=_LAENDER),
                "deadlines.land",
            )
        if jurisdiction != _GERMAN:
            return at_key(
                Phrase("only a provider in Germany has a Land"), "deadlines.land"
            )
    try:
        ZoneInfo(deadlines.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return at_key(Phrase("no time zone like Europe/Berlin"), "deadlines.time_zone")
    return None


FILE: Final = "node.toml"
SOCKET: Final = "node.sock"
_DEMONSTRATION: Final = "synthetic"
_LONGEST_SOCKET_PATH: Final = 100  # the kernel's limit is 107 bytes

_FORMS: Final = {
    "name": Phrase("a domain name in small letters, such as chat.example.de"),
    "url": Phrase("an address such as https://fedsafe.chat.example.de"),
    "jurisdiction": Phrase("two capital letters, such as DE"),
    "contact": Phrase(
        "a role mailbox such as trust@chat.example.de, or an https address"
    ),
    "dpo_contact": Phrase(
        "a role mailbox such as dpo@chat.example.de, or an https address"
    ),
    "provider.complaints": Phrase("a role mailbox, or an https address"),
    "provider.legal_name": Phrase("one line without braces"),
    "provider.address": Phrase("one line without braces"),
    "provider.authority": Phrase("one line without braces"),
    "provider.out_of_court": Phrase("one line without braces"),
    "policy": Phrase("the name of a shipped policy, such as strict, or a file"),
    "listen.host": Phrase("a host's name or address, such as 127.0.0.1"),
    "desk.listen.host": Phrase("a host's name or address, such as 127.0.0.1"),
    "desk.origin": Phrase(
        "an address such as https://desk.chat.example.de, without a path"
    ),
    "mail.host": Phrase("a mail server's name or address"),
    "sending.mail.sender": Phrase("an address such as cases@chat.example.de"),
    "phone.url": Phrase("an https address, or http on loopback"),
    "mail.sender": Phrase("an address such as safety@chat.example.de"),
    "oidc.issuer": Phrase("an https address, or http on loopback"),
    "oidc.client_id": Phrase("letters, digits and signs without blanks"),
    "oidc.redirect": Phrase("an https address, or http on loopback"),
    "oidc.name": Phrase("one line without braces"),
    "store.url": Phrase("an address such as postgresql://fedsafe@127.0.0.1/fedsafe"),
}
_PROVIDER: Final = (
    r"^(https://|http://(127\.0\.0\.1|\[::1\]|localhost)(?=[:/]|$))[\x21-\x7e]*(?!\n)$"
)
_ORIGIN: Final = (
    r"^(https://[a-z0-9.-]{1,253}|http://(127\.0\.0\.1|\[::1\]|localhost))"
    r"(:[1-9][0-9]{0,4})?(?!\n)$"
)
Positive = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
KeptDays = Annotated[int, msgspec.Meta(ge=30, le=3_650)]
Line = Annotated[
    str, msgspec.Meta(pattern=r"^[^\s{}][^\x00-\x1f\x7f{}]*(?!\n)$", max_length=300)
]
"""A line of a letter; braces would be read as a gap that nobody has filled."""
RecordDays = Annotated[int, msgspec.Meta(ge=0, le=36_500)]


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where peers and remote back-ends reach the node.

    `proxies` are the networks of those in front of it that say for whom they ask, in
    the one header that `forwarded` names.
    """

    host: Host
    port: Port
    proxies: Networks = ()
    forwarded: Literal["X-Forwarded-For", "Forwarded"] = "X-Forwarded-For"


class Desk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where people work with the node in a browser: its own listener.

    `origin` is what stands in the browser's address bar, without a path: https, or
    http on this machine. A proxy in front passes the Host header on as it came.
    Whoever meets a barrier on a page writes to `accessibility`, or the node's contact.
    """

    listen: Listen
    origin: Annotated[str, msgspec.Meta(pattern=_ORIGIN, max_length=300)]
    accessibility: Contact | None = None


class LookupSocket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Unix socket for lookups alone, which a *group* of this machine may open.

    Its absolute *path* lies outside of the node's directory, which is nobody else's.
    """

    path: Printable
    group: Printable


class Lookup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How lookups behave.

    An origin whose feed was last seen more than `stale_after` seconds ago is
    named as not covered.
    """

    stale_after: Positive = 60.0
    socket: LookupSocket | None = None


class Sync(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often peers are polled, in seconds, beside their pokes."""

    poll: Positive = 5.0


class AuditRetention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days openings of the audit log are kept, by their group.

    `detail` is how long the key of a month is kept after its end; whatever else was
    sealed in that month goes with it, so it is the longest. `records` is how long the
    records themselves are kept, which name nobody; 0 is for good.
    """

    actor: KeptDays = 365
    subject: KeptDays = 365
    detail: KeptDays = 1_095
    records: RecordDays = 0


class Disk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The room that is kept for what makes things safer when the disk is full."""

    reserve_mib: Annotated[int, msgspec.Meta(ge=1, le=4_096)] = 32

    @property
    def reserve(self) -> int:
        """The size of the reserve in bytes."""
        return self.reserve_mib << 20


class Backups(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days copies of the node's disk are kept: backups, snapshots, logs.

    What was erased lives on in them; every erasure receipt says until when.
    """

    kept_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 35


class Founding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether this node answers a founding ceremony over the network."""

    open: bool = False


class Oidc(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider of identities (OpenID Connect) through which people log in.

    `redirect` is where it sends the browser of `fedsafe login --sso` afterwards,
    exactly as it was registered there for the public client `client_id`; the desk has
    an address of its own for that. `name` is what people call the provider, else its
    host.
    """

    issuer: Annotated[str, msgspec.Meta(pattern=_PROVIDER, max_length=2_048)]
    client_id: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,255}(?!\n)$")]
    redirect: Annotated[str, msgspec.Meta(pattern=_PROVIDER, max_length=2_048)]
    name: (
        Annotated[
            str,
            msgspec.Meta(pattern=r"^[^\s{}][^\x00-\x1f\x7f{}]*(?!\n)$", max_length=60),
        ]
        | None
    ) = None

    @property
    def called(self) -> str:
        """What people call it."""
        return self.name or urlsplit(self.issuer).hostname or self.issuer


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the provider is by law, and where a person complains; letters name it.

    `authority` supervises its data protection, `out_of_court` is a body that settles
    disputes (DSA Art. 21): each in one line, with how it is reached. Complaints (DSA
    Art. 20) go to `complaints`, or to the node's contact. Of `namespaces` it alone
    attests usernames and device ids: platforms, vendors or domains of its own.
    """

    legal_name: Line | None = None
    address: Line | None = None
    complaints: Contact | None = None
    authority: Line | None = None
    out_of_court: Line | None = None
    namespaces: Annotated[tuple[Printable, ...], msgspec.Meta(max_length=100)] = ()


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `node.toml` says."""

    format: Literal[1]
    name: NodeName
    url: NodeUrl
    jurisdiction: Jurisdiction
    contact: Contact
    policy: Printable
    listen: Listen
    custody_key: Printable
    outside_key: Printable | None = None
    dpo_contact: Contact | None = None
    provider: Provider = Provider()
    do_not_share: Printable | None = None
    calendar: Printable | None = None
    minimisation: Printable | None = None
    help: Printable | None = None
    lookup: Lookup = Lookup()
    sync: Sync = Sync()
    founding: Founding = Founding()
    peering: Peering = Peering()
    audit: AuditRetention = AuditRetention()
    disk: Disk = Disk()
    backups: Backups = Backups()
    deadlines: Deadlines = Deadlines()
    sending: Sending = Sending()
    desk: Desk | None = None
    store: Storage | None = None
    oidc: Oidc | None = None
    mail: Mail | None = None
    phone: Phone | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A node's directory and what lies where in it."""

    directory: Path

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.directory / FILE

    @property
    def making(self) -> Path:
        """What an attempt to make the node has made, until it is one."""
        return self.directory / "node.making"

    @property
    def database(self) -> Path:
        """The embedded store."""
        return self.directory / "store.db"

    @property
    def lock(self) -> Path:
        """Held by whoever runs the node on a store that is on a server."""
        return self.directory / "node.lock"

    @property
    def nonces(self) -> Path:
        """What the processes of a run have seen of signed requests."""
        return self.directory / "nonces"

    @property
    def reserve(self) -> Path:
        """The room that is kept for a full disk."""
        return self.directory / "reserve"

    @property
    def restoring(self) -> Path:
        """The mark of a restore that is under way; no node starts beside it."""
        return self.directory / "restore.json"

    @property
    def keys(self) -> Path:
        """The key files, 0600 in a directory of 0700."""
        return self.directory / "keys"

    @property
    def outside_sealed(self) -> Path:
        """The outside key, sealed to the custody key."""
        return self.directory / "outside.sealed"

    @property
    def outside_turn(self) -> Path:
        """What opens files under two outside keys, while one follows the other."""
        return self.directory / "outside.turn"

    @property
    def periods(self) -> Path:
        """The period keys of the openings."""
        return self.keys / "periods"

    @property
    def pseudonyms(self) -> Path:
        """The quarters' keys of the pseudonyms of staff."""
        return self.keys / "pseudonyms"

    @property
    def guard(self) -> Path:
        """The rollback guard."""
        return self.directory / "guard"

    @property
    def index(self) -> Path:
        """The token index, which can be rebuilt."""
        return self.directory / "index"

    @property
    def policies(self) -> Path:
        """The text of every policy that the node has decided by, by its digest."""
        return self.directory / "policies"

    @property
    def additions_policy(self) -> Path:
        """Whose cosignatures this node wants of others' feeds, beside the charter's."""
        return self.directory / "additions.policy"

    @property
    def witness_policy(self) -> Path:
        """Who must cosign the anchor, if not a majority of the other members."""
        return self.directory / "witness.policy"

    @property
    def socket(self) -> Path:
        """The local API's Unix socket."""
        return self.directory / SOCKET


def misfit(error: msgspec.ValidationError) -> str | Phrase:
    """Say which setting does not fit, and what is wanted in place of a pattern."""
    text = str(error)
    key = text.rpartition("`$.")[2].rstrip("`")
    if "matching regex" in text and key in _FORMS:
        return Phrase("{key} wants {form}").filled(key=key, form=_FORMS[key])
    return text


def load_config(place: Place) -> Config:
    """Read and check the configuration.

    Raises:
        ConfigError: with the file, the key and what is wrong.
    """
    try:
        text = place.config.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(place.config, _reason(error)) from None
    return parse_config(place, text)


def parse_config(place: Place, text: str) -> Config:
    """Check the text of a configuration, and that the node may lie in *place*.

    Raises:
        ConfigError: with the file, the key and what is wrong.
    """
    try:
        config = msgspec.convert(tomllib.loads(text), Config)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(place.config, words_of(error)) from None
    except msgspec.ValidationError as error:
        raise ConfigError(place.config, misfit(error)) from None
    why = _unfit(config)
    if why is not None:
        raise ConfigError(place.config, why)
    if len(bytes(place.socket.absolute())) > _LONGEST_SOCKET_PATH:
        raise ConfigError(
            place.config, Phrase("the directory's path is too long for a Unix socket")
        )
    if config.lookup.socket is not None:
        why = _unfit_socket(place, Path(config.lookup.socket.path))
        if why is not None:
            raise ConfigError(place.config, at_key(why, "lookup.socket.path"))
    return config


def _unfit_socket(place: Place, path: Path) -> Phrase | None:
    if not path.is_absolute() or ".." in path.parts:
        return Phrase("an absolute path, such as /run/fedsafe/lookup.sock")
    if len(bytes(path)) > _LONGEST_SOCKET_PATH:
        return Phrase("the path is longer than {limit} bytes").filled(
            limit=_LONGEST_SOCKET_PATH
        )
    if path.is_relative_to(place.directory.absolute()):
        # Others would need a way into it, and so one to the socket that rules it.
        return Phrase(
            "no user but the node's own enters its directory: name a path elsewhere, "
            "such as /run/fedsafe/lookup.sock"
        )
    return None


def _unfit(config: Config) -> Phrase | None:
    """Say what no type can: that settings do not agree."""
    if config.policy == _DEMONSTRATION and not config.name.endswith(DEMO_SUFFIX):
        # It would refuse every act, one at a time and without saying why.
        told = Phrase(
            "the policy {policy} is for demonstrations, whose nodes are named like "
            "chat{suffix}"
        ).filled(policy=_DEMONSTRATION, suffix=DEMO_SUFFIX)
        return at_key(told, "policy")
    if (why := _unfit_servers(config)) is not None:
        return why
    if config.audit.detail < max(config.audit.actor, config.audit.subject):
        return at_key(
            Phrase("details are kept as long as actors and subjects"), "audit.detail"
        )
    if 0 < config.audit.records < config.audit.detail:
        return at_key(
            Phrase("records are kept for good (0), or as long as details"),
            "audit.records",
        )
    return _unfit_provider(config)


def _unfit_provider(config: Config) -> Phrase | None:  # noqa: PLR0911 - a line a setting
    if pycountry.countries.get(alpha_2=config.jurisdiction) is None:
        return at_key(Phrase("no country has that code of ISO 3166"), "jurisdiction")
    why = unfit_deadlines(config.deadlines, config.jurisdiction)
    if why is not None:
        return why
    if not is_contact(config.contact):
        # Whatever was recorded later would be refused, one signal at a time.
        return _no_mailbox(MAILBOXES, "contact")
    dpo = config.dpo_contact
    if dpo is not None and not is_contact(dpo, DPO_MAILBOXES):
        return _no_mailbox(DPO_MAILBOXES, "dpo_contact")
    barriers = None if config.desk is None else config.desk.accessibility
    if barriers is not None and not is_contact(barriers, BARRIER_MAILBOXES):
        return _no_mailbox(BARRIER_MAILBOXES, "desk.accessibility")
    complaints = config.provider.complaints
    if complaints is not None and not is_contact(complaints):
        return _no_mailbox(MAILBOXES, "provider.complaints")
    return _unfit_namespaces(config.provider.namespaces)


def _no_mailbox(known: Iterable[str], key: str) -> Phrase:
    told = Phrase("no person's mailbox: one of {known}@, or https")
    return at_key(told.filled(known=", ".join(sorted(known))), key)


def _unfit_namespaces(namespaces: Sequence[str]) -> Phrase | None:
    for number, written in enumerate(namespaces):
        if not is_namespace(written):
            return at_key(
                Phrase("neither a known platform or vendor, nor a domain"),
                f"provider.namespaces[{number}]",
            )
    return None


def letters_lack(config: Config) -> tuple[str, ...]:
    """Name the settings without which letters say less than they could."""
    provider = config.provider
    found = {
        "dpo_contact": config.dpo_contact,
        "provider.legal_name": provider.legal_name,
        "provider.address": provider.address,
        "provider.authority": provider.authority,
        "provider.out_of_court": provider.out_of_court,
    }
    return tuple(name for name, value in found.items() if value is None)


def _unfit_servers(config: Config) -> Phrase | None:
    if not has_port(config.url):
        return at_key(Phrase("no port has that number"), "url")
    if (why := _unfit_networks(config)) is not None:
        return why
    if config.store is not None and (why := unfit_storage(config.store)) is not None:
        return at_key(why, "store.url")
    if config.mail is not None and (why := unfit_mail(config.mail)) is not None:
        return why
    if config.phone is not None and (why := unfit_phone(config.phone)) is not None:
        return why
    return unfit_sending(config.sending)


def _unfit_networks(config: Config) -> Phrase | None:
    if not are_networks(config.peering.inside):
        return at_key(WANT_NETWORKS, "peering.inside")
    listeners = {"listen": config.listen}
    if config.desk is not None:
        listeners["desk.listen"] = config.desk.listen
    for name, listen in listeners.items():
        if not are_networks(listen.proxies):
            return at_key(WANT_NETWORKS, f"{name}.proxies")
        if any(map(is_broad, listen.proxies)):
            # Everybody would be a proxy, and could say to be anybody.
            return at_key(
                Phrase("so wide a network is no proxy's: name the proxies alone"),
                f"{name}.proxies",
            )
    return None


def render_config(config: Config) -> str:
    """Write a configuration as the TOML that `load_config` reads."""
    table = msgspec.to_builtins(config)
    return "\n".join(_render(table, "")).lstrip("\n") + "\n"


def _render(table: dict[str, object], name: str) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if value is not None}
    if any(not isinstance(value, dict) for value in plain.values()) and name:
        yield from ("", f"[{name}]")
    for key, value in plain.items():
        if not isinstance(value, dict):
            yield f"{key} = {_toml(value)}"
    for key, value in plain.items():
        if isinstance(value, dict):
            yield from _render(value, f"{name}.{key}" if name else key)


def _toml(value: object) -> str:
    # JSON strings, numbers and booleans are TOML as well; the types of `Config`
    # let no control character in.
    return msgspec.json.encode(value).decode()


def _reason(error: OSError | UnicodeDecodeError) -> str | Phrase:
    if isinstance(error, OSError):
        return error.strerror or Phrase("cannot be read")
    return Phrase("not UTF-8")
