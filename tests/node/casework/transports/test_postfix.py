# SPDX-License-Identifier: Apache-2.0
"""Against Postfix, which holds what it takes; only root can start it."""

import email
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from shutil import chown

import pytest
from tests.node.casework.transports.conftest import PARCEL, Papers, sealed_as
from tests.programs import do_without, program
from tests.support.openssl_desk import (
    FROM_HEADER,
    OPENS,
    VERIFY,
    equip,
    openpgp,
    run,
    smime,
)

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.mail import MailCarrier
from fedsafe_node.casework.transports.parcels import Sealing
from fedsafe_node.ground.carrier_settings import MailSending
from fedsafe_node.ground.clock import SystemClock
from fedsafe_policies.escalation.channels import MailChannel

TO = MailChannel(address="intake@office.example")
SERVICES = """\
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
anvil unix - - n - 1 anvil
discard unix - - n - - discard
"""


@dataclass(frozen=True)
class Mta:
    """A running Postfix; one of its ports offers TLS, the other does not."""

    queue: Path
    port: int
    plain: int
    papers: Papers

    def carrier(self, *, port: int, ca: Path) -> MailCarrier:
        settings = MailSending(
            host="127.0.0.1", sender="cases@chat.example", port=port, ca=ca.name
        )
        folder, clock = self.papers.folder, SystemClock()
        return MailCarrier(settings, folder, clock)

    def held(self) -> list[bytes]:
        return [path.read_bytes() for path in (self.queue / "hold").iterdir()]

    def mails(self) -> list[bytes]:
        """Return what would be delivered of each."""
        show = ("/usr/sbin/postcat", "-c", self.queue.parent / "conf", "-bh")
        return [
            subprocess.run([*show, path], check=True, capture_output=True).stdout
            for path in (self.queue / "hold").iterdir()
        ]


@pytest.fixture
def mta(papers: Papers) -> Iterator[Mta]:
    postfix = program("postfix", "postfix")
    if os.geteuid() != 0:
        do_without("root", "to start Postfix")
    port, plain = free_ports(2)
    # Its processes have users of their own, who cannot enter pytest's folders.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name in ("conf", "queue", "data"):
            (root / name).mkdir(mode=0o755)
        chown(root / "data", "postfix")
        (root / "conf/main.cf").write_text(_main(root, papers))
        (root / "conf/master.cf").write_text(
            f"{SERVICES}127.0.0.1:{port} inet n - n - - smtpd\n"
            f"127.0.0.1:{plain} inet n - n - - smtpd -o smtpd_tls_security_level=none\n"
        )
        process = subprocess.Popen(
            [postfix, "-c", root / "conf", "start-fg"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if "daemon started" in line:
                break
        yield Mta(root / "queue", port, plain, papers)
        stop = [postfix, "-c", str(root / "conf"), "stop"]
        subprocess.run(stop, check=True, capture_output=True)
        process.communicate(timeout=10)


def _main(root: Path, papers: Papers) -> str:
    return f"""\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = /dev/stdout
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.chat.example
mydestination =
default_transport = discard
alias_maps =
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {papers.certificate("server")}
smtpd_tls_key_file = {papers.key("server")}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
    check_recipient_access static:HOLD, permit_mynetworks, reject
"""


async def test_postfix_takes_a_mail_over_tls_and_over_nothing_else(mta: Mta) -> None:
    handed = await mta.carrier(port=mta.port, ca=mta.papers.ca).carry(PARCEL, TO)
    faults = []
    for port, ca in ((mta.plain, mta.papers.ca), (mta.port, mta.papers.other_ca)):
        with pytest.raises(SendingError) as found:
            await mta.carrier(port=port, ca=ca).carry(PARCEL, TO)
        faults.append(found.value.why)
    (held,) = mta.held()

    assert faults == [Fault.UNTRUSTED, Fault.UNTRUSTED]
    assert handed.proof.startswith("250 ")
    assert f"Subject: FedSafe {PARCEL.reply_token}".encode() in held
    assert handed.message is not None
    assert handed.message.encode() in held


async def test_what_postfix_delivers_is_verified_with_openssl_and_opens(
    mta: Mta, tmp_path: Path
) -> None:
    carrier = mta.carrier(port=mta.port, ca=mta.papers.ca)
    await carrier.carry(sealed_as(Sealing.SMIME, smime()), TO)
    (mail,) = mta.mails()
    folder = equip(tmp_path)
    found = email.message_from_bytes(mail, policy=default)
    assert isinstance(found, EmailMessage)
    (folder / "mail.eml").write_bytes(mail)
    (folder / "case.p7m").write_bytes(found.get_content())
    opens = f"{VERIFY.format('case.p7m')} && {OPENS['case.p7m']}"

    assert found.get_content_type() == "application/pkcs7-mime"
    assert run(folder, FROM_HEADER.replace("NAME", "case.p7m"))
    assert run(folder, opens)
    (folder / "case.p7m").write_bytes(smime()[:-1] + b"?")
    assert not run(folder, opens)


async def test_an_openpgp_mail_that_postfix_delivers_is_verified_with_openssl(
    mta: Mta, tmp_path: Path
) -> None:
    program("gpg", "gpg")
    carrier = mta.carrier(port=mta.port, ca=mta.papers.ca)
    await carrier.carry(sealed_as(Sealing.OPENPGP, openpgp()), TO)
    (mail,) = mta.mails()
    folder = equip(tmp_path)
    found = email.message_from_bytes(mail, policy=default)
    assert isinstance(found, EmailMessage)
    _, sealed = found.iter_parts()
    (folder / "mail.eml").write_bytes(mail)
    (folder / "encrypted.asc").write_bytes(sealed.get_content())

    assert found.get_content_type() == "multipart/encrypted"
    assert run(folder, FROM_HEADER.replace("NAME", "case.pgp"))
    assert run(folder, "gpg --batch --dearmor --output case.pgp encrypted.asc")
    assert (folder / "case.pgp").read_bytes() == openpgp()
    assert run(folder, VERIFY.format("case.pgp"))
