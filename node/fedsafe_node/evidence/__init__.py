# SPDX-License-Identifier: Apache-2.0
"""Evidence packs: a part of the audit log that anybody can verify without FedSafe."""
