# SPDX-License-Identifier: Apache-2.0
"""The contract of the API: what is sent and answered, as closed types."""
