# SPDX-License-Identifier: Apache-2.0
"""`fedsafe store`, `backup` and `restore`."""
