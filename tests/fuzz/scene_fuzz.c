/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene_fuzz: any lines typed at the prompt of `authzcheck policy try`, one after another.
 */
#include "policy/ask/scene.h"
#include "tests/fuzz/fuzz.h"

static const char text[] =
	"environment live prefix a_live_\nenvironment test prefix a_test_\n"
	"tree api { /loans { list GET, create POST, /{loan} { read GET, update PUT PATCH } } }\n"
	"tree ui { /page { view } }\n"
	"role viewer { allow GET on api:/** }\n"
	"role clerk inherits viewer { allow create on api:/loans\n deny view on ui:/page }\n"
	"scope reading { allow GET on api:/** }\n"
	"principal billing { role viewer at api:/loans }\n"
	"stack bank {\n authenticate sufficient key\n authenticate required principal\n"
	" account required network allow=10.0.0.0/8\n account required mfa max_age=5m\n"
	" authorize required role\n authorize required scope\n}\n"
	"stack part {\n account required hours allow=mon-fri/07:00-20:00\n}\n";

static struct pol_snapshot *compile(void)
{
	const struct pol_source source = { POL_STR("a.policy"), { text, sizeof text - 1 } };
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	fuzz_require(pol_compile(&source, 1, NULL, &diags, &snapshot) == POL_OK);
	pol_diags_finish(&diags);
	return snapshot;
}

static void hear(void *context, const struct pol_scene_answer *answer)
{
	size_t *answers = context;

	fuzz_require(answer->decision.reason.len > 0);
	fuzz_require(answer->decision.allow == (answer->decision.status == 200));
	++*answers;
}

/* A line that is wrong says why, and answers nothing. */
static void take(struct pol_scene *scene, struct pol_str line)
{
	size_t answers = 0;
	bool question = false;
	enum pol_status status = pol_scene_line(scene, line, hear, &answers, &question);

	if (status == POL_EINVALID) {
		fuzz_require(pol_scene_diags(scene)->errors > 0);
	}
	fuzz_require((answers > 0) == (status == POL_OK && question));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pol_snapshot *snapshot;
	char *copy = fuzz_copy(data, size);
	struct pol_scene *scene;

	if (snapshot == NULL) {
		snapshot = compile();
	}
	scene = pol_scene_create(snapshot);
	fuzz_require(scene != NULL);
	for (size_t from = 0; from < size;) {
		const char *end = memchr(copy + from, '\n', size - from);
		size_t len = end != NULL ? (size_t)(end - copy) - from : size - from;

		take(scene, (struct pol_str){ copy + from, len });
		from += len + 1;
	}
	pol_scene_destroy(scene);
	free(copy);
	return 0;
}
