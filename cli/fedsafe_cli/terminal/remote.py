# SPDX-License-Identifier: Apache-2.0
"""The same client for a node by its address: TLS, plain HTTP on loopback, a socket.

The socket is that of a group (`[lookup.socket]` in `node.toml`), for users who may not
read the node's directory; it takes lookups alone, with a credential.
"""

import os
import re
import socket
from dataclasses import dataclass
from typing import Final

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import (
    NodeUnreachableError,
    SettingsError,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

_SOCKET: Final = "unix:"
_URL: Final = re.compile(
    r"(https)://([a-z0-9.-]+)(?::([0-9]{1,5}))?"
    r"|(http)://(127(?:\.[0-9]{1,3}){3}|\[::1\]|localhost):([0-9]{1,5})"
)


@dataclass(frozen=True, slots=True, repr=False)
class RemoteClient(Client):
    """Calls a node at an address; `path` is that address."""

    secure: bool
    address: str
    port: int

    @property
    def host(self) -> str:
        """What the Host header says."""
        return f"{self.address}:{self.port}"

    @property
    def place(self) -> str:
        """The node's address, in one spelling."""
        scheme = "https" if self.secure else "http"
        return f"{scheme}://{self.address}:{self.port}"

    def _connect(self, timeout: float) -> socket.socket:
        address = (self.address.strip("[]"), self.port)
        line = socket.create_connection(address, timeout)
        if not self.secure:
            return line
        import ssl  # noqa: PLC0415 (slow to load)

        try:
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does
            return context.wrap_socket(line, server_hostname=self.address)
        except BaseException:
            line.close()
            raise

    def _unreachable(self, error: OSError, timeout: float) -> NodeUnreachableError:
        if isinstance(error, TimeoutError):
            why = Phrase("no answer within {seconds} s").filled(seconds=f"{timeout:g}")
        else:
            why = reason_of(error, Phrase(str(error)))
        return NodeUnreachableError(
            Phrase("the node at {file}: {why}").filled(file=self.path, why=why)
        )


@dataclass(frozen=True, slots=True, repr=False)
class SocketClient(Client):
    """Calls a node at the socket that it keeps for a group."""

    @property
    def place(self) -> str:
        """The socket, in one spelling."""
        return f"{_SOCKET}{os.path.realpath(self.path)}"

    def _unreachable(self, error: OSError, timeout: float) -> NodeUnreachableError:
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            return NodeUnreachableError(
                Phrase("no node answers at the socket {file}").filled(file=self.path),
                Phrase(
                    "see whether the node runs, and which path [lookup.socket] in its "
                    "node.toml names"
                ),
            )
        if isinstance(error, PermissionError):
            return NodeUnreachableError(
                Phrase("the socket {file} is open to its group alone").filled(
                    file=self.path
                ),
                Phrase(
                    "have this user added to the group that [lookup.socket] in the "
                    "node's node.toml names, and start the program anew"
                ),
            )
        if isinstance(error, TimeoutError):
            why = Phrase("no answer within {seconds} s").filled(seconds=f"{timeout:g}")
        else:
            why = reason_of(error, Phrase(str(error)))
        return NodeUnreachableError(
            Phrase("the node at {file}: {why}").filled(file=self.path, why=why)
        )


def addressed(address: str) -> Client:
    """Return a client for what names a node in the caller's own settings.

    Raises:
        SettingsError: it is no socket's whole path, nor a URL as for `remote`.
    """
    if not address.startswith(_SOCKET):
        return remote(address)
    path = address.removeprefix(_SOCKET)
    if not os.path.isabs(path):  # noqa: PTH117 (pathlib is slow to load)
        raise SettingsError(
            Phrase("a socket is named like unix:/run/fedsafe/lookup.sock")
        )
    return SocketClient(path, None, address)


def remote(url: str) -> RemoteClient:
    """Return a client for a node's URL, which may be another's word.

    Raises:
        SettingsError: it is neither https nor http on loopback.
    """
    found = _URL.fullmatch(url.removesuffix("/"))
    if found is None:
        raise SettingsError(
            Phrase("a node's URL is https://name[:port], or http on a loopback address")
        )
    secure = found[1] is not None
    address = found[2] or found[5]
    port = int(found[3] or found[6] or 443)
    url = url.removesuffix("/")
    return RemoteClient(url, None, url, secure, address, port)
