# SPDX-License-Identifier: Apache-2.0
"""Mutants that no test can notice: (file, function, operator, line, line changed) and why."""

EXPLAINED = {
}
