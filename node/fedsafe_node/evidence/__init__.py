# SPDX-License-Identifier: Apache-2.0
"""The verifier of evidence packs, which goes out in each of them."""
