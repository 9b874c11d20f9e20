# SPDX-License-Identifier: Apache-2.0
"""What of the key files a store that was put back may lack.

Its seal knows the files of the day on which it was copied. Keys of months and quarters
that were destroyed since, and shares and own keys that have passed, are no fault then;
every other file that is gone is one.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from fedsafe_node.config import Place
from fedsafe_node.keys import FIRST_SET
from fedsafe_node.sealed_files import SealedFiles
from fedsafe_node.store.keeping_rows import EffectKind

DESTROYED: Final = {
    "periods/": EffectKind.PERIOD_KEY,
    "pseudonyms/": EffectKind.QUARTER_KEY,
}
_FIRST: Final = tuple(f"{name}.key" for name in FIRST_SET)
_PASSING: Final = ("share-", "media-", "identity-", *_FIRST)


def may_lack(name: str) -> bool:
    """Whether a key file that was sealed may be gone by now."""
    return name.startswith((*DESTROYED, *_PASSING))


class RestoredFiles(SealedFiles):
    """The key files, and those that were *sealed* and may be gone."""

    def __init__(
        self, place: Place, marks: Mapping[str, int], sealed: Mapping[str, bytes]
    ) -> None:
        super().__init__(place, marks)
        self._sealed = sealed

    def digests(self) -> dict[str, bytes]:
        """Return the digests; of a file that may be gone, the one that was sealed."""
        here = super().digests()
        return {name: d for name, d in self._sealed.items() if may_lack(name)} | here

    def news(
        self, sealed: Mapping[str, bytes], destroyed: Callable[[], Collection[str]]
    ) -> Mapping[str, bytes] | None:
        """Seal what is here from now on; a share that is gone is sealed no more."""

        def gone() -> set[str]:
            passing = {name for name in sealed if name.startswith(_PASSING)}
            return {*destroyed(), *passing}

        return super().news(sealed, gone)
