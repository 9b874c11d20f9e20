# SPDX-License-Identifier: Apache-2.0
"""What every room stands on: configuration, errors, clock, telemetry, key files."""
