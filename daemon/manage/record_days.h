/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * record_days: the field `days` of a key's record: its use by day, oldest first, without the days
 * that have none. Nothing, if all are.
 */

#include "daemon/call/call.h"
#include "daemon/store/record.h"

/* Appends the pair to call->out and returns the number of pairs. */
uint32_t record_days(struct call *call, const struct store_days *days);
