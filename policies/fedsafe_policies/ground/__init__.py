# SPDX-License-Identifier: Apache-2.0
"""Days, spans, references and reasons: what rules are written with."""
