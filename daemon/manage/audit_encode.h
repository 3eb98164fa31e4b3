/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * audit_encode: encodes records of the audit trail, and problems found in it, for answers. Each
 * function appends one map.
 */

#include "daemon/call/call.h"
#include "daemon/store/env.h"

void audit_encode(struct call *call, const struct store_audit *audit);
void audit_encode_problem(struct call *call, const struct store_problem *problem);

/* The kind of that name; STORE_AUDIT_NONE for an unknown one. */
enum store_audit_kind audit_find_kind(struct pol_str name);

/* Refuses the parameter, and says which kinds there are. */
int audit_refuse_kind(struct call *call, const char *param);

/* Appends the bytes of a tag as hexadecimal text. */
void audit_encode_tag(struct wire_buf *out, const uint8_t *tag, size_t len);

/* Reads a tag of `len` bytes from such a text. False: the text is not one. */
bool audit_decode_tag(struct wire_str text, uint8_t *out, size_t len);
