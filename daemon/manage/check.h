/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * check: parameters of managing methods, judged once and alike.
 *
 * Each gives 0 to go on; 1 when the value is refused and the error is written; or a negative
 * errno.
 */

#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/call.h"
#include "daemon/store/env.h"

/* Free text that people type: at most STORE_MAX_TEXT bytes, no control characters, nothing that
 * turns the direction of what is printed behind it. Empty is well. */
int check_text(struct call *call, const char *param, struct wire_str text);

/* An id that is given to something new: 1 to STORE_MAX_NAME bytes, in addition no space and no
 * slash. */
int check_id(struct call *call, const char *param, struct wire_str id);

/* The tenant of a parameter that may be missing: then `default`, or a token's own. Another than the
 * token's is not there. 1 after not_found. */
int check_tenant(struct call *call, const struct wire_value *value, uint32_t *out);

/* Places of a list into a pack, in their one spelling (path.h); sorted, each once. An empty list is
 * refused: "nowhere" and "everywhere" must not look alike. `known`: the policy must have them,
 * which those that are taken away need not. */
int check_places(
	struct call *call, const struct wire_value *value, bool known, struct store_pack *out);

/* Names of scopes, or of roles, that the policy has. Roles: none of them `anyone`, no two of them
 * exclusive. */
int check_scopes(struct call *call, const struct wire_value *value, struct store_pack *out);
int check_roles(
	struct call *call, const struct wire_value *value, uint32_t tenant, struct store_pack *out);

/* May the role be handed out at all, one of the files or one of the tenant's own? *out_number is
 * the snapshot's. */
int check_role(struct call *call, const char *param, uint32_t tenant, struct pol_str role,
	uint32_t *out_number);

/* CIDRs into STORE_NETWORK bytes each. */
int check_networks(struct call *call, const struct wire_value *value,
	uint8_t out[static STORE_MAX_LIST * STORE_NETWORK], uint32_t *out_count);

/* Room for one list of names, or of places, as packs want it. */
#define CHECK_NAMES_SIZE  (STORE_MAX_LIST * (STORE_MAX_NAME + STORE_ROLE_EXTRA + 2))
#define CHECK_PLACES_SIZE 32768
