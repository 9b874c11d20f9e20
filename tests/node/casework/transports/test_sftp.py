# SPDX-License-Identifier: Apache-2.0
"""Against the server of asyncssh for faults, and that of OpenSSH where there is one."""

import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from getpass import getuser
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from tests.node.casework.transports.conftest import INSIDE, PARCEL, sealed_as
from tests.programs import files, program
from tests.support.openssl_desk import signature, smime

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.parcels import Parcel, Sealing, name_of
from fedsafe_node.casework.transports.sftp import SftpCarrier
from fedsafe_node.ground.carrier_settings import SftpSending
from fedsafe_policies.escalation.channels import SftpChannel, read_host_key

SERVER = Path("/usr/lib/openssh/sftp-server")
NAME = name_of(PARCEL)
SEALED = f"fedsafe-{PARCEL.dispatch}.p7m"
BESIDE = f"{SEALED}.sig"


@dataclass
class Desk:
    """A server on loopback, and this node's key for it."""

    root: Path
    port: int
    own: Path
    host_key: str
    seen: list[str] = field(default_factory=list)
    cut_at: str | None = None
    cut_after: int = 0
    spoil: bool = False
    ends_session: bool = False

    def channel(self, **more: Any) -> SftpChannel:  # noqa: ANN401
        given: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "fedsafe",
            "directory": "in",
            "host_key": self.host_key,
        }
        return SftpChannel(**(given | more))

    def carrier(
        self, *, within: float = 20.0, inside: tuple[str, ...] = INSIDE
    ) -> SftpCarrier:
        key = SftpSending(key=self.own.name)
        return SftpCarrier(key, self.own.parent, inside, within=within)

    @property
    def box(self) -> Path:
        return self.root / "in"

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.box.iterdir()}


class Server(asyncssh.SFTPServer):
    """Serves a directory, and cuts the line or spoils a file when it is told to."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], desk: Desk) -> None:
        super().__init__(channel, chroot=bytes(desk.root))
        self._line = channel
        self._desk = desk

    def _step(self, name: str) -> None:
        names = ",".join(sorted(path.name for path in self._desk.box.iterdir()))
        self._desk.seen.append(f"{name}: {names}")
        times = sum(step.startswith(f"{name}:") for step in self._desk.seen)
        if self._desk.cut_at == name and times > self._desk.cut_after:
            self._line.get_connection().abort()

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self._step("write")
        if self._desk.spoil:
            data = data[:-1] + b"?"
        return super().write(file_obj, offset, data)  # type: ignore[return-value]

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().rename(oldpath, newpath)
        self._step("rename")
        if self._desk.ends_session:
            self._line.abort()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    own, host = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    (tmp_path / "root/in").mkdir(parents=True)
    own.write_private_key(tmp_path / "own")
    (tmp_path / "own").chmod(0o600)
    trusted = tmp_path / "trusted"
    own.write_public_key(trusted)
    (port,) = free_ports(1)
    host_key = read_host_key(host.export_public_key().decode())
    desk = Desk(tmp_path / "root", port, tmp_path / "own", host_key)
    server = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_host_keys=[host],
        authorized_client_keys=str(trusted),
        sftp_factory=lambda channel: Server(channel, desk),
    )
    yield desk
    server.close()
    await server.wait_closed()


async def fault(
    desk: Desk, channel: SftpChannel | None = None, parcel: Parcel = PARCEL
) -> SendingError:
    with pytest.raises(SendingError) as found:
        await desk.carrier().carry(parcel, channel or desk.channel())
    return found.value


def smime_parcel() -> Parcel:
    return sealed_as(Sealing.SMIME, smime())


def both() -> dict[str, bytes]:
    return {SEALED: smime(), BESIDE: signature(smime())}


async def test_a_package_gets_its_name_once_it_is_whole(desk: Desk) -> None:
    handed = await desk.carrier().carry(PARCEL, desk.channel())
    again = await desk.carrier().carry(PARCEL, desk.channel())

    assert desk.files() == {NAME: PARCEL.data}
    assert desk.seen[0] == f"write: {NAME}.part"
    assert [step for step in desk.seen if step.startswith("rename")] == [
        f"rename: {NAME}"
    ]
    assert (handed.message, again.message) == (NAME, NAME)
    assert again.proof == "it was there already"


async def test_another_host_key_is_not_trusted(desk: Desk) -> None:
    for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256"):
        other = asyncssh.generate_private_key(kind).export_public_key().decode()
        found = await fault(desk, desk.channel(host_key=read_host_key(other)))

        assert (found.why, found.retry) == (Fault.UNTRUSTED, False)
    assert desk.files() == {}


async def test_a_cut_upload_never_has_the_final_name(desk: Desk) -> None:
    desk.cut_at = "write"
    found = await fault(desk)

    assert (found.why, found.retry) == (Fault.UNREACHABLE, True)
    assert NAME not in desk.files()
    desk.cut_at = None
    await desk.carrier().carry(PARCEL, desk.channel())
    assert desk.files() == {NAME: PARCEL.data}


async def test_a_line_cut_at_the_renaming_leaves_doubt_and_then_is_found(
    desk: Desk,
) -> None:
    desk.cut_at = "rename"
    found = await fault(desk)

    assert (found.why, found.retry) == (Fault.IN_DOUBT, True)
    desk.cut_at = None
    again = await desk.carrier().carry(PARCEL, desk.channel())
    assert again.proof == "it was there already"


async def test_a_server_that_ends_the_session_at_the_renaming_leaves_doubt(
    desk: Desk,
) -> None:
    desk.ends_session = True
    found = await fault(desk)

    assert found.why is Fault.IN_DOUBT
    assert desk.files() == {NAME: PARCEL.data}


async def test_what_is_read_back_otherwise_is_taken_away(desk: Desk) -> None:
    desk.spoil = True
    found = await fault(desk)

    assert (found.why, found.retry) == (Fault.REFUSED, True)
    assert desk.files() == {}


async def test_another_file_of_that_name_is_left_alone(desk: Desk) -> None:
    (desk.box / NAME).write_bytes(b"other")
    found = await fault(desk)

    assert (found.why, found.retry) == (Fault.REFUSED, False)
    assert desk.files() == {NAME: b"other"}


async def test_a_missing_directory_and_a_strange_key_are_refused(
    desk: Desk, tmp_path: Path
) -> None:
    missing = await fault(desk, desk.channel(directory="nowhere"))
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / "own")
    strange = await fault(desk)
    (tmp_path / "own").chmod(0o644)
    loose = await fault(desk)

    assert (missing.why, strange.why) == (Fault.REFUSED, Fault.REFUSED)
    assert loose.why is Fault.MISCONFIGURED


async def test_an_inner_network_must_be_named(desk: Desk) -> None:
    with pytest.raises(SendingError) as found:
        await desk.carrier(inside=()).carry(PARCEL, desk.channel())

    assert found.value.why is Fault.MISCONFIGURED


async def test_a_server_that_says_nothing_is_left(desk: Desk) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(SendingError) as found:
            await desk.carrier(within=0.2).carry(PARCEL, desk.channel(port=port))

    assert (found.value.why, found.value.retry) == (Fault.UNREACHABLE, True)


async def test_who_sees_a_package_finds_its_signature_there(desk: Desk) -> None:
    handed = await desk.carrier().carry(smime_parcel(), desk.channel())
    again = await desk.carrier().carry(smime_parcel(), desk.channel())
    renamed = [step for step in desk.seen if step.startswith("rename")]

    assert desk.files() == both()
    assert desk.seen[0] == f"write: {BESIDE}.part"
    assert renamed == [f"rename: {BESIDE}", f"rename: {SEALED},{BESIDE}"]
    assert (handed.message, again.message) == (SEALED, SEALED)
    assert handed.proof == f"read back {len(smime())} bytes and renamed"
    assert again.proof == "it was there already"


@pytest.mark.parametrize(
    ("step", "cut_after", "left"),
    [
        ("write", 0, {f"{BESIDE}.part"}),
        ("rename", 0, {BESIDE}),
        ("write", 1, {BESIDE, f"{SEALED}.part"}),
    ],
)
async def test_a_line_cut_before_the_package_is_there_leaves_no_doubt(
    desk: Desk, step: str, cut_after: int, left: set[str]
) -> None:
    desk.cut_at, desk.cut_after = step, cut_after
    found = await fault(desk, parcel=smime_parcel())
    there = set(desk.files())
    desk.cut_at = None
    handed = await desk.carrier().carry(smime_parcel(), desk.channel())

    assert (found.why, found.retry) == (Fault.UNREACHABLE, True)
    assert there == left
    assert handed.proof.startswith("read back")
    assert desk.files() == both()


async def test_a_line_cut_at_the_renaming_of_the_package_leaves_doubt(
    desk: Desk,
) -> None:
    desk.cut_at, desk.cut_after = "rename", 1
    found = await fault(desk, parcel=smime_parcel())
    desk.cut_at = None
    again = await desk.carrier().carry(smime_parcel(), desk.channel())

    assert (found.why, found.retry) == (Fault.IN_DOUBT, True)
    assert again.proof == "it was there already"
    assert desk.files() == both()


async def test_a_package_of_an_older_release_gets_its_signature(desk: Desk) -> None:
    (desk.box / SEALED).write_bytes(smime())
    handed = await desk.carrier().carry(smime_parcel(), desk.channel())

    assert handed.proof == "it was there already"
    assert desk.files() == both()


async def test_another_signature_of_that_name_is_left_alone(desk: Desk) -> None:
    (desk.box / BESIDE).write_bytes(b"other")
    found = await fault(desk, parcel=smime_parcel())

    assert (found.why, found.retry) == (Fault.REFUSED, False)
    assert found.words == "another file has this signature's name"
    assert desk.files() == {BESIDE: b"other"}


@pytest.fixture
def openssh(tmp_path: Path) -> Iterator[Desk]:
    sshd = program("sshd", "openssh-server")
    files("openssh-server", SERVER)
    own, host = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    for name, key in (("own", own), ("host", host)):
        key.write_private_key(tmp_path / name)
        (tmp_path / name).chmod(0o600)
    own.write_public_key(tmp_path / "trusted")
    (port,) = free_ports(1)
    (tmp_path / "in").mkdir()
    (tmp_path / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {tmp_path}/host\n"
        f"AuthorizedKeysFile {tmp_path}/trusted\nPidFile none\nUsePAM no\n"
        "StrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"Subsystem sftp {SERVER} -d {tmp_path}\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sshd, "-D", "-e", "-f", tmp_path / "sshd_config"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    heard = process.stderr.readline()
    host_key = read_host_key(host.export_public_key().decode())
    yield Desk(tmp_path, port, tmp_path / "own", host_key)
    process.terminate()
    process.communicate(timeout=10)
    assert "listening" in heard


async def test_openssh_takes_a_package_once_and_only_from_the_pinned_server(
    openssh: Desk,
) -> None:
    channel = openssh.channel(user=getuser())
    handed = await openssh.carrier().carry(PARCEL, channel)
    again = await openssh.carrier().carry(PARCEL, channel)
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    wrong = await fault(
        openssh, openssh.channel(user=getuser(), host_key=read_host_key(other))
    )

    assert openssh.files() == {NAME: PARCEL.data}
    assert (handed.message, again.proof) == (NAME, "it was there already")
    assert wrong.why is Fault.UNTRUSTED


async def test_openssh_takes_a_package_with_its_signature_once(openssh: Desk) -> None:
    channel = openssh.channel(user=getuser())
    handed = await openssh.carrier().carry(smime_parcel(), channel)
    again = await openssh.carrier().carry(smime_parcel(), channel)
    there = openssh.files()
    (openssh.box / SEALED).unlink()  # as if the node had been killed in between
    third = await openssh.carrier().carry(smime_parcel(), channel)
    (openssh.box / BESIDE).write_bytes(b"other")
    found = await fault(openssh, channel, smime_parcel())

    assert there == both()
    assert handed.proof == third.proof
    assert again.proof == "it was there already"
    assert found.why is Fault.REFUSED
    assert openssh.files() == {SEALED: smime(), BESIDE: b"other"}
