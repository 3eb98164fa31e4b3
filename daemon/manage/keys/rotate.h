/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rotate: the methods of keys that change a key's secrets.
 */

#include "daemon/call/call.h"

int keys_rotate(struct call *call);
int keys_finish(struct call *call);
int keys_prolong(struct call *call);
int keys_rollback(struct call *call);
int keys_renew(struct call *call);

enum { KEYS_ROTATE_FIELDS = 5, KEYS_PROLONG_FIELDS = 2, KEYS_RENEW_FIELDS = 2 };

extern const struct wire_field keys_rotate_fields[KEYS_ROTATE_FIELDS];
extern const struct wire_field keys_prolong_fields[KEYS_PROLONG_FIELDS];
extern const struct wire_field keys_renew_fields[KEYS_RENEW_FIELDS];
