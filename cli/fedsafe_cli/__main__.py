# SPDX-License-Identifier: Apache-2.0
"""`python -m fedsafe_cli` is `fedsafe`."""

import sys

from fedsafe_cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
