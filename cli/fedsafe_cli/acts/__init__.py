# SPDX-License-Identifier: Apache-2.0
"""`fedsafe act`, and how an act is told."""
