# SPDX-License-Identifier: Apache-2.0
"""Mutants that no test can notice: (file, function, operator, line, line changed) and why."""

EXPLAINED = {
    ("daemon/decide/decision_log.c", "decision_log_put", "negate",
     "bool half = buffer->len < DECISION_LOG_BUFFER / 2;",
     "bool half = buffer->len >= DECISION_LOG_BUFFER / 2;"):
        "only how soon the log's thread wakes: it wakes by its interval in any case",
}
