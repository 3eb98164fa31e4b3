/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * authzen_reply: reads what the daemon answered. Each function returns false when the bytes are not
 * of the form that PROTOCOL.md gives; then nothing of the answer may be believed. Texts are views
 * of the answer, and UTF-8.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"

/* The member of a map, or a cursor over no bytes when the map lacks it. False: no map. */
bool authzen_reply_find(struct wire_cursor map, const char *name, struct wire_cursor *out);

/* The next item, a text. */
bool authzen_reply_next(struct wire_cursor *items, struct wire_str *out);

/* The text of a member; of length 0 when it is absent. */
bool authzen_reply_text(struct wire_cursor map, const char *name, struct wire_str *out);

/* The items of a member that is an array, and their number; it must be there. */
bool authzen_reply_array(
	struct wire_cursor map, const char *name, struct wire_cursor *out, uint32_t *out_count);

struct authzen_decision {
	bool allow;
	struct wire_str reason;
	struct wire_cursor missing; /* names of facts, to be read with authzen_reply_next */
	uint32_t missing_count;
};

/* One result of authorize_many; moves the cursor after it. */
bool authzen_reply_decision(struct wire_cursor *results, struct authzen_decision *out);
