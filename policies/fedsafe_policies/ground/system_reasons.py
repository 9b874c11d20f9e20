# SPDX-License-Identifier: Apache-2.0
"""Why the system did not give or take a file, as a person reads it."""

import errno
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase

_SYSTEM: Final = {
    errno.EACCES: Phrase("Permission denied"),
    errno.EBUSY: Phrase("Device or resource busy"),
    errno.EDQUOT: Phrase("Disk quota exceeded"),
    errno.EEXIST: Phrase("File exists"),
    errno.EFBIG: Phrase("File too large"),
    errno.EINVAL: Phrase("Invalid argument"),
    errno.EIO: Phrase("Input/output error"),
    errno.EISDIR: Phrase("Is a directory"),
    errno.ELOOP: Phrase("Too many levels of symbolic links"),
    errno.EMFILE: Phrase("Too many open files"),
    errno.ENAMETOOLONG: Phrase("File name too long"),
    errno.ENOENT: Phrase("No such file or directory"),
    errno.ENOSPC: Phrase("No space left on device"),
    errno.ENOTDIR: Phrase("Not a directory"),
    errno.ENOTEMPTY: Phrase("Directory not empty"),
    errno.ENXIO: Phrase("No such device or address"),
    errno.EPERM: Phrase("Operation not permitted"),
    errno.EROFS: Phrase("Read-only file system"),
}
"""What the system says of a file, in its own English words."""
_NO_REASON: Final = Phrase("cannot be read or written")


def reason_of(error: Exception, otherwise: Phrase = _NO_REASON) -> Phrase:
    """Say why the system did not give or take a file; *otherwise* if it does not say.

    A reason that is not known here stays as the system says it.
    """
    said, number = getattr(error, "strerror", None), getattr(error, "errno", None)
    if not isinstance(said, str) or not said:
        return otherwise
    # An error of another library than the system's may have its number by chance.
    known = _SYSTEM.get(number) if isinstance(number, int) else None
    return known if known is not None and str(known) == said else Phrase(said)
