# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal`, `task` and what comes of matches."""
