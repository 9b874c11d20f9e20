# SPDX-License-Identifier: Apache-2.0
"""One provider's server."""
