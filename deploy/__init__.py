# SPDX-License-Identifier: Apache-2.0
"""What operators set up around FedSafe; nothing in here is installed with it."""
