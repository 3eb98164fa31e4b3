/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * check: checks parameters that several managing methods have.
 *
 * Each function returns 0 to go on, 1 if the value is refused and the error is written, or a
 * negative errno. `param` is the parameter's name for the error. Any thread.
 */

#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/call.h"
#include "daemon/store/env.h"

/* Free text: at most STORE_MAX_TEXT bytes, without control characters and without those that change
 * the direction of text. It may be empty. */
int check_text(struct call *call, const char *param, struct wire_str text);

/* The text of an attribute: the same, of at most CHECK_ATTRIBUTE bytes: a set of 256 ids of 16
 * bytes. */
#define CHECK_ATTRIBUTE 4096
int check_attribute(struct call *call, const char *param, struct wire_str text);

/* An id: 1 to STORE_MAX_NAME bytes, also without space and slash, not `.`, `..` or `*`, and
 * without a token. */
int check_id(struct call *call, const char *param, struct wire_str id);

/* The tenant that the parameter names; without it `default`, or the token's tenant. For a token
 * every other tenant is not_found. */
int check_tenant(struct call *call, const struct wire_value *value, uint32_t *out);

/* The same, or `*` for all tenants: *out is 0. For a token that is forbidden. */
int check_tenants(struct call *call, const struct wire_value *value, uint32_t *out);

/* Packs a list of places: normalised (policy/text/path.h), sorted, without duplicates. An empty
 * list is refused, since it would look like "everywhere". `known`: the policy must have the places,
 * which is not required to remove them. */
int check_places(
	struct call *call, const struct wire_value *value, bool known, struct store_pack *out);

/* Packs a list of scopes, or of roles, that the policy or the tenant has. Roles: none is `anyone`,
 * none is named twice, no two are exclusive. */
int check_scopes(struct call *call, const struct wire_value *value, struct store_pack *out);
int check_roles(
	struct call *call, const struct wire_value *value, uint32_t tenant, struct store_pack *out);

/* A role of the files or of the tenant, and not `anyone`. *out_number is its number in the call's
 * snapshot. */
int check_role(struct call *call, const char *param, uint32_t tenant, struct pol_str role,
	uint32_t *out_number);

/* Writes a conflict if the policy makes two roles exclusive, with what each inherits. For the same
 * role twice: if it inherits two exclusive ones itself. */
int check_exclusive(struct call *call, uint32_t a, uint32_t b);

/* Networks in CIDR notation, STORE_NETWORK bytes each. */
int check_networks(struct call *call, const struct wire_value *value,
	uint8_t out[static STORE_MAX_LIST * STORE_NETWORK], uint32_t *out_count);

/* Bytes of a pack for one list of names, or of places. */
#define CHECK_NAMES_SIZE  (STORE_MAX_LIST * (STORE_MAX_NAME + STORE_ROLE_EXTRA + 2))
#define CHECK_PLACES_SIZE 32768
