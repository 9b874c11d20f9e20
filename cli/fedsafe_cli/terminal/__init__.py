# SPDX-License-Identifier: Apache-2.0
"""What all commands share: options, output, the client, errors and ways out."""
