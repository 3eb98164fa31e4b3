/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts_fuzz: any map as the `facts` of a request. It is refused with a parameter and a message, or
 * its facts are sorted, typed and within the bounds. The first byte chooses `undeclared` of the
 * request and of the facts that all entries share: the first map; the second is an entry's.
 */
#include "client/wire.h"
#include "daemon/decide/given.h"
#include "tests/fuzz/facts.h"

enum { IGNORE = 1, SHARED = 2, IGNORE_SHARED = 4 };

static struct given_room room;

static struct given_params params_of(
	const struct wire_value *facts, bool ignored, struct wire_value *undeclared)
{
	*undeclared = (struct wire_value){ .given = ignored, .text = WIRE_STR("ignore") };
	return (struct given_params){ facts, undeclared };
}

/* The next map of the input. False: there is none. */
static bool next_map(const uint8_t **data, size_t *size, struct wire_value *out)
{
	struct wire_walk walk;
	size_t len = 0;

	*out = (struct wire_value){ .given = false };
	wire_walk_init(&walk, WIRE_MAX_REQUEST);
	if (wire_walk(&walk, *data, *size, &len) != WIRE_COMPLETE) {
		return false;
	}
	out->items = wire_cursor_of(*data, len);
	out->given = wire_read_map(&out->items, &out->count);
	*data += len;
	*size -= len;
	return out->given;
}

static void check_wrong(const char *wrong, const char *param)
{
	fuzz_require(wrong[0] != '\0' && param != NULL);
	fuzz_require(strncmp(param, "facts", 5) == 0 || strcmp(param, "undeclared") == 0);
	for (const char *c = param; *c != '\0'; c++) {
		fuzz_require(*c > ' ' && *c <= '~');
	}
}

static void read_maps(const struct call *call, uint8_t how, const uint8_t *data, size_t size)
{
	struct wire_value facts, undeclared;
	struct given_params params;
	struct given_read read;
	const char *param = NULL, *wrong = NULL;

	given_begin(call);
	if ((how & SHARED) != 0 && next_map(&data, &size, &facts)) {
		params = params_of(&facts, (how & IGNORE_SHARED) != 0, &undeclared);
		wrong = given_begin_shared(call, &params, &param);
	}
	while (wrong == NULL && next_map(&data, &size, &facts)) {
		params = params_of(&facts, (how & IGNORE) != 0, &undeclared);
		wrong = given_read(call, &params, &read, &param);
		fuzz_require((read.given == NULL) || wrong == NULL);
		if (read.given != NULL) {
			facts_check(call->snapshot, read.given);
		}
	}
	if (wrong != NULL) {
		check_wrong(wrong, param);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pol_snapshot *snapshot;
	struct call call = { .given = &room };
	uint8_t *copy;

	if (size < 2) {
		return 0;
	}
	snapshot = snapshot != NULL ? snapshot : facts_compile();
	call.snapshot = snapshot;
	copy = fuzz_copy(data + 1, size - 1);
	read_maps(&call, data[0], copy, size - 1);
	free(copy);
	return 0;
}
