/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * audit_put: records of the trail, and what is wrong with it, as answers. One map each.
 */

#include "daemon/call/call.h"
#include "daemon/store/env.h"

void audit_encode(struct call *call, const struct store_audit *audit);
void audit_encode_problem(struct call *call, const struct store_problem *problem);

/* Bytes of a tag as hexadecimal text. */
void audit_encode_tag(struct wire_buf *out, const uint8_t *tag, size_t len);
