/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored_fuzz: any lines as the grants of a stored role, and as the text that the store has of one.
 * What was read and written out is read again as the same permissions.
 */
#include "policy/snapshot/stored.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_LINES = 64 };

static const char policy[] =
	"facts {\n resource.owner string\n resource.open bool\n resource.tags strings\n"
	" resource.state draft | active\n context.amount int\n context.due time\n"
	" context.peer address\n principal.team string\n}\n"
	"condition mine = resource.owner is principal.id or resource.open\n"
	"tree api { /loans { list GET, create POST, /{loan} { read GET, update PUT,"
	" /payments { list GET } } }\n /health { GET } }\n";

struct lines {
	struct pol_str all[MAX_LINES];
	size_t count, at;
};

static void split(const char *text, size_t size, struct lines *out)
{
	const char *end = text + size;

	*out = (struct lines){ .count = 0 };
	while (text < end && out->count < MAX_LINES) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		stop = stop != NULL ? stop : end;
		out->all[out->count++] = (struct pol_str){ text, (size_t)(stop - text) };
		text = stop < end ? stop + 1 : end;
	}
}

static bool next_line(void *context, struct pol_str *out)
{
	struct lines *lines = context;

	if (lines->at == lines->count) {
		return false;
	}
	*out = lines->all[lines->at++];
	return true;
}

/* Lines that were written out, in memory of their own. */
struct written {
	struct lines lines;
	bool full;
};

static bool on_line(void *context, struct pol_str line)
{
	struct written *written = context;

	if (written->lines.count == MAX_LINES) {
		written->full = true;
		return false;
	}
	written->lines.all[written->lines.count++] =
		(struct pol_str){ fuzz_copy(line.ptr, line.len), line.len };
	return true;
}

static struct pol_stored *read_lines(const struct pol_snapshot *snapshot, struct lines *lines)
{
	const struct pol_stored_source source = { .lines = next_line, .context = lines };
	struct pol_stored *stored = NULL;

	return pol_stored_lines_read(snapshot, &source, &stored) == POL_OK ? stored : NULL;
}

static void check_again(const struct pol_snapshot *snapshot, const struct pol_stored *stored)
{
	struct written written = { .full = false };
	size_t allowed, denied, again_allowed, again_denied;
	struct pol_stored *again;

	(void)pol_stored_lines_write(snapshot, stored, on_line, &written);
	if (!written.full) {
		again = read_lines(snapshot, &written.lines);
		fuzz_require(again != NULL);
		pol_stored_count(stored, &allowed, &denied);
		pol_stored_count(again, &again_allowed, &again_denied);
		fuzz_require(allowed == again_allowed && denied == again_denied);
		pol_stored_unref(again);
	}
	for (size_t i = 0; i < written.lines.count; i++) {
		free((void *)(uintptr_t)written.lines.all[i].ptr);
	}
}

static struct pol_snapshot *compile(void)
{
	const struct pol_source source = { POL_STR_INIT("fuzz.policy"),
		{ policy, sizeof policy - 1 } };
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	fuzz_require(pol_compile(&source, 1, NULL, &diags, &snapshot) == POL_OK);
	pol_diags_finish(&diags);
	return snapshot;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pol_snapshot *snapshot;
	struct pol_stored_fault fault = { .why = "" };
	struct pol_stored *stored = NULL;
	char *text = fuzz_copy(data, size);
	struct lines lines;
	enum pol_status status;

	snapshot = snapshot != NULL ? snapshot : compile();
	split(text, size, &lines);
	status = pol_stored_text_parse(snapshot, lines.all, lines.count, &fault, &stored);
	fuzz_require((status == POL_OK) == (stored != NULL));
	fuzz_require(status != POL_EINVALID || (fault.why[0] != '\0' && fault.entry < lines.count));
	if (stored != NULL) {
		check_again(snapshot, stored);
		pol_stored_unref(stored);
	}
	stored = read_lines(snapshot, &lines);
	if (stored != NULL) {
		check_again(snapshot, stored);
		pol_stored_unref(stored);
	}
	free(text);
	return 0;
}
