# SPDX-License-Identifier: Apache-2.0
"""The driver of PostgreSQL, which only who uses a server installs and loads.

```python
with driver_needed():
    from fedsafe_node.store.postgresql.facts import facts_of
```
"""

from collections.abc import Iterator
from contextlib import contextmanager

from fedsafe_node.ground.errors import StoreFailedError


@contextmanager
def driver_needed() -> Iterator[None]:
    """Say how the driver is had, if what is imported inside misses it.

    Raises:
        StoreFailedError: it is not installed.
    """
    try:
        yield
    except ImportError:
        why = "PostgreSQL needs its driver: pip install 'fedsafe[postgresql]'"
        raise StoreFailedError(why) from None
