# SPDX-License-Identifier: Apache-2.0
"""Put sealed packages on a partner's SFTP server, whose host key is pinned.

A file is written under a name that ends in ``.part``, read back and compared, and gets
its final name in one step: whoever watches the directory never sees half of one. If
the final name is there already with the same bytes, an earlier attempt came through.
A signature that goes beside a package is there before it, in the same way.
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from posixpath import join
from typing import Final, cast

import asyncssh

from fedsafe_federation.casework.file_signature import ENDING
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.hosts import connect
from fedsafe_node.casework.transports.parcels import Handed, Parcel, name_of
from fedsafe_node.ground.carrier_settings import SftpSending
from fedsafe_node.ground.errors import KeyFileError
from fedsafe_node.ground.key_files import read_secret
from fedsafe_policies.escalation.channels import SftpChannel

WITHIN: Final = 120.0
"""Seconds that one package may take in all."""
_LOGIN: Final = 20.0
_RSA: Final = ("rsa-sha2-512", "rsa-sha2-256")

asyncssh.set_log_level(logging.CRITICAL)  # its lines name hosts and users


class SftpCarrier:
    """Puts packages on servers. Owned by the event loop."""

    def __init__(
        self,
        settings: SftpSending,
        directory: Path,
        inside: tuple[str, ...],
        *,
        within: float = WITHIN,
    ) -> None:
        self._key = directory / settings.key
        self._inside = inside
        self._within = within

    async def carry(self, parcel: Parcel, channel: SftpChannel) -> Handed:
        """Put a package into the partner's directory, under its final name.

        Raises:
            SendingError: it is not there, or nobody knows.
        """
        upload = _Upload(name_of(parcel), parcel.data, channel.directory)
        uploads = [*self._beside(parcel, channel), upload]
        try:
            async with asyncio.timeout(self._within):
                key = asyncssh.import_private_key(
                    await asyncio.to_thread(self._own_key)
                )
                async with (
                    await self._connected(channel, key) as line,
                    line.start_sftp_client() as client,
                ):
                    for each in uploads:
                        await each.run(client)
        except (
            OSError,
            asyncssh.Error,
            asyncssh.KeyImportError,
            asyncssh.KeyEncryptionError,
        ) as error:
            if not upload.is_done:
                raise _told(error, upload) from None
        proof = f"read back {len(parcel.data)} bytes and renamed"
        return Handed(
            "it was there already" if upload.was_there else proof, upload.name
        )

    def _beside(self, parcel: Parcel, channel: SftpChannel) -> "list[_Upload]":
        if parcel.signature is None:
            return []
        name = name_of(parcel) + ENDING
        return [_Upload(name, parcel.signature, channel.directory)]

    async def _connected(
        self, channel: SftpChannel, key: asyncssh.SSHKey
    ) -> asyncssh.SSHClientConnection:
        kind = channel.host_key.split()[0]
        pinned = asyncssh.import_public_key(channel.host_key)
        sock = await connect(channel.host, channel.port, self._inside)
        try:
            return await asyncssh.connect(
                channel.host,
                channel.port,
                sock=sock,
                config=None,
                username=channel.user,
                known_hosts=([pinned], [], []),
                server_host_key_algs=_RSA if kind == "ssh-rsa" else [kind],
                x509_trusted_certs=None,
                client_keys=[key],
                agent_path=None,
                gss_host=None,
                preferred_auth="publickey",
                compression_algs=["none"],  # what a server packs has no bounds
                login_timeout=_LOGIN,
                keepalive_interval=_LOGIN,
            )
        except BaseException:
            sock.close()
            raise

    def _own_key(self) -> bytes:
        try:
            return read_secret(self._key)
        except KeyFileError:
            raise SendingError(
                Fault.MISCONFIGURED, "the key file for SFTP cannot be used"
            ) from None


class _Upload:
    """One file on its way into a directory; it knows how far it came."""

    def __init__(self, name: str, data: bytes, directory: str) -> None:
        self._data = data
        self._final = join(directory, name)
        self._part = f"{self._final}.part"
        self.name = name
        self.is_renaming = False
        self.was_there = False
        self.is_done = False

    async def run(self, client: asyncssh.SFTPClient) -> None:
        """Write, read back, compare, rename.

        Raises:
            SendingError: something else stands there, or was read back.
        """
        if await self._is_there(client):
            self.was_there = self.is_done = True
            return
        async with client.open(self._part, "wb") as file:
            await file.write(self._data)
            await self._flush(file)
        if await self._read(client, self._part) != self._data:
            await client.remove(self._part)
            raise SendingError(
                Fault.REFUSED, "what was read back is not what was written", retry=True
            )
        self.is_renaming = True
        try:
            await client.rename(self._part, self._final)
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection):
            raise
        except asyncssh.SFTPError:
            # Nothing was replaced: servers rename to free names only.
            self.is_renaming = False
            if not await self._is_there(client):
                raise
            self.was_there = True
        self.is_done = True

    async def _flush(self, file: asyncssh.SFTPClientFile) -> None:
        """Ask for it to be on disk; servers without that extension go on."""
        try:
            await file.fsync()
        except asyncssh.SFTPOpUnsupported:
            return

    async def _is_there(self, client: asyncssh.SFTPClient) -> bool:
        if not await client.exists(self._final):
            return False
        if await self._read(client, self._final) != self._data:
            if self.name.endswith(ENDING):
                raise SendingError(
                    Fault.REFUSED, "another file has this signature's name"
                )
            raise SendingError(Fault.REFUSED, "another file has this package's name")
        return True

    async def _read(self, client: asyncssh.SFTPClient, name: str) -> bytes:
        async with client.open(name, "rb") as file:
            # Opened for bytes: the library's types know text only.
            return cast("bytes", await file.read(len(self._data) + 1))


_TOLD: Final[Sequence[tuple[tuple[type[Exception], ...], Fault, str]]] = (
    (
        (asyncssh.KeyImportError, asyncssh.KeyEncryptionError),
        Fault.MISCONFIGURED,
        "the key for SFTP is none, or has a passphrase",
    ),
    (
        (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed),
        Fault.UNTRUSTED,
        "its host key is not the one entered here",
    ),
    (
        (asyncssh.PermissionDenied,),
        Fault.REFUSED,
        "it does not let this node's key in",
    ),
    (
        (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath),
        Fault.REFUSED,
        "it has no such directory",
    ),
    (
        (asyncssh.SFTPPermissionDenied,),
        Fault.REFUSED,
        "this node may not write there",
    ),
    (
        (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection),
        Fault.UNREACHABLE,
        "the line was cut before the renaming",
    ),
)


def _told(error: Exception, upload: _Upload) -> SendingError:
    if upload.is_renaming:
        return SendingError(Fault.IN_DOUBT, "the line was cut at the renaming")
    for kinds, fault, words in _TOLD:
        if isinstance(error, kinds):
            return SendingError(fault, words)
    if isinstance(error, asyncssh.SFTPError):
        return SendingError(Fault.REFUSED, "it did not keep the file", retry=True)
    return SendingError(Fault.UNREACHABLE, "it does not answer, or not in time")
