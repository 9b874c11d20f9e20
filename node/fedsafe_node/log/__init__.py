# SPDX-License-Identifier: Apache-2.0
"""The log engine: appending, proving and guarding a node's verifiable logs."""
