/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi_fuzz: any bytes as the document of `authzcheck policy import-openapi`, and as the list of
 * import-routes. What is accepted makes a policy that loads, and the same one each time.
 */
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "tests/fuzz/fuzz.h"
#include "tools/import/import.h"

typedef bool (*reader)(struct import *import, struct pol_str text);

static bool import(struct import *import, reader read, struct pol_str text, struct pol_str *out)
{
	import_init(import, "api");
	if (read(import, text) && import_build(import) && import_write(import, out)) {
		return true;
	}
	fuzz_require(import->error != NULL && import->error[0] != '\0');
	return false;
}

static void require_loads(struct pol_str text)
{
	const struct pol_source source = { POL_STR("api.policy"), text };
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	fuzz_require(pol_compile(&source, 1, NULL, &diags, &snapshot) == POL_OK);
	pol_snapshot_unref(snapshot);
	pol_diags_finish(&diags);
}

static void try(reader read, struct pol_str text)
{
	struct import one, other;
	struct pol_str first, second;
	bool ok = import(&one, read, text, &first);

	fuzz_require(import(&other, read, text, &second) == ok);
	if (ok) {
		fuzz_require(pol_str_equal(first, second));
		require_loads(first);
	}
	import_finish(&one);
	import_finish(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = fuzz_copy(data, size);
	struct pol_str text = { copy, size };

	try(import_openapi, text);
	try(import_routes, text);
	free(copy);
	return 0;
}
