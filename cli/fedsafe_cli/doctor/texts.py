# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` finds, and the way out.

The English template is the pattern by which a text is known again, as in
`damage_texts`, which knows what is damaged. Paths, commands and versions stay as they
are, and so does what another part of FedSafe says of itself (why a file does not
fit).
"""

from typing import Final

from fedsafe_cli.doctor.damage_texts import finding
from fedsafe_cli.doctor.node_texts import CHECKS, NODE_SAID
from fedsafe_cli.terminal.moments import in_moments
from fedsafe_cli.terminal.texts import matched, patterns
from fedsafe_node.words.codes import CODES
from fedsafe_policies.ground.catalogue import SOURCE, Phrase, joined

SAID: Final = (
    Phrase("`fedsafe federation status`: the nodes begin a new epoch"),
    Phrase("at each member: `fedsafe federation reshare`"),
    # the machine
    Phrase("{name} is missing"),
    Phrase("install from requirements.txt"),
    Phrase("on Debian, apt install libsodium23"),
    Phrase("set the clock; run an NTP client"),
    Phrase("run as the node's user"),
    Phrase("{ms} ms for a durable write"),
    Phrase("put the node's directory on a faster disk"),
    Phrase("{free} MiB free; the store is on a server"),
    Phrase("{free} MiB free, {size} MiB in reserve"),
    Phrase("{free} MiB free, and the reserve is given up"),
    Phrase(
        "make room on this disk, and delete nothing in the node's directory: "
        "docs/howto/operate.md, when the disk is full"
    ),
    # key epochs
    Phrase("epoch {number} until {day}"),
    Phrase("epoch {number} ends on {day}, and signals under it 30 days later"),
    Phrase("epoch {number} has ended on {day}: nothing is published any more"),
    Phrase(
        "two weeks before the end members begin the next one by themselves; the "
        "nodes of all share holders have to run: docs/howto/federation.md, a new "
        "epoch"
    ),
    Phrase("the charter commits to no media keys of generation {number}"),
    Phrase(
        "once all members run this release, the next resharing commits to them: "
        "`fedsafe federation reshare`"
    ),
    Phrase("what was published in the epoch before ends on {day}"),
    Phrase(
        "`fedsafe signal ending` lists what could go on: review it, `fedsafe signal "
        "renew`"
    ),
    # the charter
    Phrase("no other member hears the appeals of persons who come to this node"),
    Phrase(
        "propose one with `fedsafe federation set-policy --appeal MEMBER`, or "
        "`--deputy MEMBER` where this node is the one: until then each origin "
        "decides alone"
    ),
    # the directory
    Phrase("cannot be read"),
    Phrase("{count} key files are open to others"),
    Phrase("key files are the node's alone"),
    Phrase("{name}: it wraps media and own keys"),
    Phrase("key files are not wrapped: {names}"),
    Phrase("key files are wrapped under another one: {names}"),
    Phrase(
        "name the key that wraps them in node.toml, or get it back with `fedsafe node "
        "outside-key recover`; if `fedsafe node outside-key rotate` was interrupted, "
        "run it again"
    ),
    Phrase("not examined: the outside key is not at hand"),
    Phrase("mend the outside key first, then call this again"),
    Phrase(
        "none: who takes the directory opens media; no picture is written to disk, "
        "so a start reads them all"
    ),
    Phrase("stop the node, then `fedsafe node outside-key new`"),
    Phrase("`fedsafe node outside-key show`"),
    Phrase("node.toml fits"),
    Phrase("node.toml names no address of the data protection officer"),
    Phrase("set dpo_contact, such as dpo@chat.example.de (Art. 14 (1) b GDPR)"),
    Phrase("letters say only in general words: {named}"),
    Phrase("set them under [provider] in node.toml: docs/reference/configuration.md"),
    Phrase("letters name provider and authority"),
    Phrase("the public form takes no requests: node.toml names no mail server"),
    Phrase("it takes requests, about numbers alone"),
    Phrase("it takes requests, about addresses alone"),
    Phrase("it takes requests, and sends codes"),
    Phrase(
        "set [mail] or [phone] in node.toml: without them persons can only write, "
        "and no match names the form"
    ),
    Phrase("the secret is too short"),
    Phrase("put there what `openssl rand -hex 32` says, and give it to the hook"),
    Phrase("look into the mail server's log: docs/reference/configuration.md"),
    Phrase("the mail server does not take user and password"),
    Phrase("put the right ones in mail.user and the file of mail.password_file"),
    Phrase("the mail server does not offer what mail.tls or mail.user ask for"),
    Phrase("set mail.tls and mail.port as the mail server wants them"),
    Phrase("the mail server's certificate is not trusted, or it speaks no TLS"),
    Phrase("set mail.tls and mail.port as it wants them, or renew its certificate"),
    Phrase("the mail server refuses this node"),
    Phrase("the mail server does not answer, or not in time"),
    Phrase("start it, or name another mail.host and mail.port in node.toml"),
    Phrase("the mail server answers; no letter was sent"),
    Phrase("the hook takes requests that nobody has signed"),
    Phrase("the hook answers, and checks signatures"),
    Phrase("the hook answers nothing that its guide knows"),
    Phrase("the hook does not answer, or not in time"),
    Phrase("start it, or name another phone.url in node.toml"),
    Phrase("the hook is busy, or fails"),
    Phrase("look into its log, and ask again"),
    Phrase("the hook's certificate is not trusted"),
    Phrase("name its authority as phone.ca, or renew the certificate"),
    Phrase("the hook does not take this node's signature"),
    Phrase("give both the same secret, and look at both clocks"),
    Phrase("{count} entries add up"),
    Phrase("{count} rows add up"),
    Phrase(
        "copy the whole directory as evidence and mend nothing in it; restore a backup "
        "that is not older than guard/; tell your data protection officer: "
        "docs/howto/operate.md, when something does not verify"
    ),
    Phrase(
        "`fedsafe policy propose`, then another person approves (`fedsafe act "
        "approve`); or put the old text back"
    ),
    Phrase("mend or put back the file, or name another one in node.toml"),
    # the running node
    Phrase("ok"),
    Phrase("its gate is shut"),
    Phrase("{node} {version}, policy {policy}"),
    Phrase("the 72 hours are over for {late} breaches"),
    Phrase("tell the authority, then `fedsafe breach notify`"),
    Phrase("{late} orders or letters of authorities are overdue"),
    Phrase("`fedsafe order list` says which; the legal adviser answers them"),
    Phrase("{late} requests of persons are overdue"),
    Phrase("`fedsafe rights list` says which; answer them: the law gives a month"),
    Phrase(
        "{waiting} requests of persons wait to be looked up, the oldest for {hours} h "
        "{minutes} min"
    ),
    Phrase(
        "see at each peer whether it answers; for people whom you know open "
        "requests as an officer (`fedsafe rights open`), which come first: "
        "docs/howto/operate.md, the form for persons"
    ),
    Phrase("{late} identity checks that no second officer can decide on any more"),
    Phrase(
        "whoever made the check asks again: `fedsafe rights list` says which, then "
        "`fedsafe rights check REQUEST`"
    ),
    Phrase("no case package leaves"),
    Phrase("`fedsafe case sending on` lets it go on"),
    Phrase("case packages that wait for a person: {waiting}"),
    Phrase("`fedsafe case dispatches CASE` names the ways that are left"),
    Phrase("case packages that somebody took out, with no word since: {taken}"),
    Phrase(
        "`fedsafe case dispatches CASE` says who has them; they note what came of "
        "it, also that it was kept back: `fedsafe case handed`"
    ),
    Phrase("{late} cases are overdue"),
    Phrase("`fedsafe case list` says which, and what they owe"),
    Phrase("{urgent} about life or safety are overdue"),
    Phrase("{broken} ways of asking or publishing are shut by a pattern"),
    Phrase("`fedsafe budget show` says whose, and until when"),
    Phrase(
        "no node starts with such a charter: found anew with three share holders or "
        "more, a threshold from 2 to one less, and an epoch of 366 days at most"
    ),
    Phrase("fewer than three members hold shares: nothing about persons goes out"),
    Phrase("invite another member: `fedsafe federation invite`"),
    Phrase("this node holds no share of the key; the others answer for it"),
    Phrase("it gets one when the members next deal shares anew"),
    Phrase("all {holders} members that hold a share are needed (t = n)"),
    Phrase(
        "one lost share ends all lookups: keep the keys backed up apart, and let more "
        "members join"
    ),
    Phrase("{count} evaluations of a week that only one of both has counted"),
    Phrase("compare `evaluation.compared` in both audit logs: whose key asks?"),
    Phrase("its log contradicts itself: see `fedsafe evidence list`"),
    Phrase("suspended"),
    Phrase("last seen {when}"),
    Phrase("{why}, last seen {when}"),
    Phrase("seen {when}"),
    Phrase("is its node running? ask it"),
    Phrase("it exchanges no signals about persons now; ask it until when"),
    Phrase("{waiting} notices to persons wait for the sign-off of a text"),
    Phrase(
        "see `fedsafe notice list`, then `fedsafe notice texts`: sign off what is no "
        "longer, with `fedsafe notice sign-off TEXT --until DAY`"
    ),
    Phrase(
        "print and read them (`fedsafe notice print`), then `fedsafe notice sign-off "
        "--all --until DAY --digest HEX`: HEX is the last line printed"
    ),
    # which networks it may meet members and partners in
    Phrase("{named} opens all of this house to whoever names an address"),
    Phrase(
        "name only the networks that they lie in, such as 10.1.2.0/24, and start "
        "the node again"
    ),
    Phrase(
        "none: to the desk all people come from its TLS proxy, so whoever guesses "
        "slows everybody down"
    ),
    Phrase(
        'name it in node.toml, such as desk.listen.proxies = ["127.0.0.1/32"], let '
        "it write X-Forwarded-For, and start the node again"
    ),
    # whose shares are overdue
    Phrase(
        "have these nodes started; the next attempt begins by itself within a day, see "
        "`fedsafe federation status`. For who stays away: `fedsafe federation suspend`"
    ),
    Phrase("nobody has signed off {texts}"),
    Phrase("{overdue} events for the provider lack their receipt"),
    Phrase("deliver what `fedsafe events list` shows, then `events receipt`"),
    # how case packages leave
    Phrase("put the file there, or name another one in node.toml"),
    Phrase("let the node's user read it, and run as that user"),
    Phrase("get a new certificate, and put it in its place"),
    Phrase("its library is missing"),
    Phrase("there is no file {file}"),
    Phrase("{file} is no file"),
    Phrase("{file} is open to others"),
    Phrase("{file} holds no password"),
    Phrase("{file} holds no private key without a password"),
    Phrase("{file} is in the form of OpenSSH, which a webhook cannot use"),
    Phrase("put it there in PEM form (PKCS #8), as `openssl genpkey` writes one"),
    Phrase("{file} holds a key that cannot sign"),
    Phrase("{file} holds no certificate"),
    Phrase("{file} holds a certificate of a version that does not exist"),
    Phrase("{file} has expired on {day}"),
    Phrase("{file} counts from {day} only"),
    Phrase("{file} expires on {day}"),
    Phrase("counts until {day}"),
    Phrase("can be used"),
    Phrase("certificate and key do not belong together"),
    # where the store went on
    Phrase("this store has moved: it goes on at {where}"),
    Phrase(
        "take [store] out of node.toml, or run the same `fedsafe store migrate` "
        "once more with --switch"
    ),
    Phrase(
        "name that in [store] of node.toml, or bring it back with `fedsafe store "
        "migrate`"
    ),
    # what holds the store
    Phrase("SQLite leaves sealed copies of erased rows until a month's key ends"),
    Phrase(
        "run the node where SQLite was built with ENABLE_DBPAGE_VTAB, as on Debian 13"
    ),
    Phrase("older than {oldest}"),
    Phrase("a standby, which takes no writes"),
    Phrase("fsync or full_page_writes is off"),
    Phrase("no data checksums: rot goes unseen"),
    Phrase("its log may show values of rows: set {loose}"),
    Phrase("max_connections is too low for a worker"),
    Phrase("PostgreSQL {version}, {ms} ms, connections for {workers} workers"),
    Phrase(
        "PostgreSQL {version}, {ms} ms, connections for {workers} workers, commits "
        "wait for a standby"
    ),
    Phrase("its tables are at schema {there}, this program wants {wanted}"),
    Phrase("as its owner: GRANT TEMPORARY ON DATABASE … TO the node's role"),
    Phrase("take these rights from the node's role, or name another one: {where}"),
    Phrase("stop the node, then `fedsafe store prepare --owner-file FILE`"),
    Phrase("the node's role has no TEMPORARY right"),
    Phrase("the node's role may change rows of the logs"),
    Phrase("the database has no tables of a node"),
    Phrase("run the newer FedSafe that wrote them"),
)
_ALL: Final = (*SAID, *NODE_SAID)
_BY_TEXT: Final = {each.english: each for each in _ALL}
_INNER: Final = frozenset({"why", "when"})
_TEXTS: Final = "texts"
_NEVER: Final = Phrase("never")
_PATTERNS: Final = patterns(_ALL)
_CODED: Final = patterns(each for each in _ALL if f"{{{_TEXTS}}}" in each.english)
"""What has codes in it, which are words in English too."""
_CHECKED: Final = patterns(CHECKS)


def said(text: str | Phrase, *, language: str) -> str:
    """Say what a check found, or the way out, in a language if it is known here."""
    if isinstance(text, Phrase):
        return text.said(language)
    text = in_moments(text)
    damaged = finding(text, language=language)
    if damaged != text:
        return damaged
    found = matched(text, _CODED if language == SOURCE else _PATTERNS, _inner)
    return text if found is None else found.phrase.said(language)


def checked(name: str, *, language: str) -> str:
    """Name what was checked, in the reader's language if that is known here."""
    found = matched(name, _CHECKED, _inner)
    return name if found is None else found.said(language)


def _inner(name: str, text: str) -> str | Phrase:
    """Say what stands in a text and is one itself."""
    if name == _TEXTS:
        return joined(", ", (CODES.get(code, code) for code in text.split(", ")))
    if name in _INNER:
        return _NEVER if text == "never" else _BY_TEXT.get(text, text)
    return text
