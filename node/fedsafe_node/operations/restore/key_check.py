# SPDX-License-Identifier: Apache-2.0
"""What of the key files a store that was put back may lack.

Its seal knows the files of the day on which it was copied. Keys of months and quarters
that were destroyed since, and shares and own keys that have passed, are no fault then;
every other file that is gone is one.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from fedsafe_node.ground.config import Place
from fedsafe_node.keys.own_keys import FIRST_SET
from fedsafe_node.store.keeping_rows import EffectKind
from fedsafe_node.store.sealed_files import SealedFiles, key_names

DESTROYED: Final = {
    "periods/": EffectKind.PERIOD_KEY,
    "pseudonyms/": EffectKind.QUARTER_KEY,
}
_FIRST: Final = tuple(f"{name}.key" for name in FIRST_SET)
_LATER: Final = "identity-"
_PASSING: Final = ("share-", "media-", _LATER)


def may_lack(name: str, here: Collection[str]) -> bool:
    """Whether a key file that was sealed may be gone, by those that are *here*.

    The first keys of a node pass when others have taken their place.
    """
    if name in _FIRST:
        return any(each.startswith(_LATER) for each in here)
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
        gone = {n: d for n, d in self._sealed.items() if may_lack(n, here)}
        return gone | here

    def news(
        self, sealed: Mapping[str, bytes], destroyed: Callable[[], Collection[str]]
    ) -> Mapping[str, bytes] | None:
        """Seal what is here from now on; a share that is gone is sealed no more."""

        def gone() -> set[str]:
            here = set(key_names(self._keys))
            kinds = (*_PASSING, *_FIRST)
            passing = {n for n in sealed if n.startswith(kinds) and may_lack(n, here)}
            return {*destroyed(), *passing}

        return super().news(sealed, gone)
