# SPDX-License-Identifier: Apache-2.0
"""The form of everything that is signed or sent, and bounds on it."""
