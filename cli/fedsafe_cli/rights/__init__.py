# SPDX-License-Identifier: Apache-2.0
"""`fedsafe rights`, `notice`, `dispute` and `appeal`."""
