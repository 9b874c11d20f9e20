# SPDX-License-Identifier: Apache-2.0
"""Review rounds: people look through what people did, by a sample and all alarms."""
