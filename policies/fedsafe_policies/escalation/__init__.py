# SPDX-License-Identifier: Apache-2.0
"""The case plane's rules: who may receive what of a case, and when it may go."""
