/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/prepare.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/decide/modules/modules.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/dependency.h"
#include "policy/snapshot/prepared.h"
#include "policy/text/cidr.h"
#include "policy/text/host.h"
#include "policy/text/line.h"
#include "policy/text/str.h"

#define DATA_NAME_MAX 128

bool pol_prepare_is_data_name(struct pol_str name)
{
	static const char more[] = "._-";

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!plain && memchr(more, c, sizeof more - 1) == NULL) {
			return false;
		}
	}
	return name.len > 0 && name.len <= DATA_NAME_MAX && name.ptr[0] != '.';
}

/* A module may pass any span: one outside of the sources becomes the position of the line. */
static struct pol_span position_of(const struct pol_prepare *prepare, struct pol_span at)
{
	const struct pol_diags *diags = prepare->diags;

	if (at.file >= diags->source_count || at.offset > diags->sources[at.file].text.len ||
		at.length > diags->sources[at.file].text.len - at.offset) {
		return prepare->module.at;
	}
	return at;
}

/* The message goes to logs and into replies, which must be UTF-8; a module may pass any bytes. */
static void clean(char *text)
{
	const struct pol_str message = pol_str_of(text);

	for (size_t i = 0; !pol_str_is_utf8(message) && i < message.len; i++) {
		text[i] = (unsigned char)text[i] >= 0x80 ? '?' : text[i];
	}
}

static void report(const struct pol_prepare *prepare, struct pol_span at, const char *format, ...)
	POL_PRINTF(3, 4);

static void report(const struct pol_prepare *prepare, struct pol_span at, const char *format, ...)
{
	char text[POL_DIAG_MESSAGE_MAX];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n < 0) {
		text[0] = '\0';
	}
	clean(text);
	pol_diag_error(prepare->diags, position_of(prepare, at), "%s", text);
}

static void *alloc(const struct pol_prepare *prepare, size_t count, size_t size)
{
	return pol_arena_alloc(prepare->arena, count, size);
}

/* Gives the module memory of its own, unless it has that already. False: there is none. */
static bool begin_own(struct pol_preparation *preparation)
{
	struct pol_arena *shared = preparation->base.arena;

	if (preparation->prepared == NULL) {
		preparation->prepared = pol_prepared_create(shared->limit, shared->budget);
	}
	if (preparation->prepared == NULL) {
		shared->status = POL_ENOMEM;
		return false;
	}
	preparation->base.arena = &preparation->prepared->arena;
	return true;
}

/* A fault of a data file: of the file alone if the host keeps the last good one, else of the
 * policy.
 */
static void report_data(const struct pol_prepare *prepare, const struct pol_word *name,
	const char *why, bool of_policy)
{
	struct pol_preparation *preparation = (struct pol_preparation *)(uintptr_t)prepare;

	if (preparation->last) {
		return; /* the fault of the present file is reported */
	}
	if (of_policy || prepare->host == NULL || prepare->host->last_data == NULL) {
		report(prepare, name->at, "data file '%.*s' of module '%.*s': %s",
			POL_STR_ARGS(name->text), POL_STR_ARGS(prepare->module.text), why);
	} else if (preparation->feed.text.len == 0 && begin_own(preparation)) {
		preparation->feed = *name;
		snprintf(preparation->feed_why, sizeof preparation->feed_why, "%s", why);
		clean(preparation->feed_why);
	}
}

/* A name that never was a file's is a misspelt one. */
static bool is_misspelt(const struct pol_prepare *prepare, const struct pol_word *name)
{
	const struct pol_host *host = prepare->host;
	struct pol_str last;

	return host == NULL || host->last_data == NULL ||
	       (!host->data_may_lack &&
		       host->last_data(host->context, name->text, &last) != POL_OK);
}

/* The content for this line, and a note that it has that. */
static enum pol_status read_data(struct pol_preparation *preparation, struct pol_str name,
	struct pol_str *out, char why[POL_HOST_WHY])
{
	const struct pol_host *host = preparation->base.host;
	const struct pol_dependency *data = NULL;
	enum pol_status status = POL_ENOMEM;

	if (begin_own(preparation)) {
		status = preparation->last
				 ? pol_dependency_last(preparation->snapshot, host, name, &data)
				 : pol_dependency_data(
					   preparation->snapshot, host, name, &data, why);
	}
	if (preparation->prepared != NULL && !pol_prepared_use(preparation->prepared, name,
						     status == POL_OK ? data->module.hash : 0)) {
		return preparation->prepared->arena.status;
	}
	if (status == POL_OK) {
		*out = data->bytes;
	}
	return status;
}

static bool data(
	const struct pol_prepare *prepare, const struct pol_word *name, struct pol_str *out)
{
	struct pol_preparation *preparation = (struct pol_preparation *)(uintptr_t)prepare;
	char why[POL_HOST_WHY] = "no module folder is named", text[POL_PREPARE_WHY];
	enum pol_status status;

	if (!pol_prepare_is_data_name(name->text)) {
		report(prepare, name->at,
			"'%.*s' is not a data file's plain name: letters, digits, '.', '_' and "
			"'-', "
			"of a "
			"file in the module folder's data/",
			POL_STR_ARGS(name->text));
		return false;
	}
	status = read_data(preparation, name->text, out, why);
	switch (status) {
	case POL_OK:
		return true;
	case POL_ENOMEM:
		snprintf(why, sizeof why, "there is no memory left");
		break;
	case POL_ELIMIT:
	case POL_EINVALID:
	case POL_ENOTFOUND:
		break;
	}
	snprintf(text, sizeof text, "cannot be used: %s", why);
	report_data(prepare, name, text,
		status == POL_ENOMEM || (status == POL_ENOTFOUND && is_misspelt(prepare, name)));
	return false;
}

static void data_error(const struct pol_prepare *prepare, const struct pol_word *name,
	uint64_t line, const char *message)
{
	char text[POL_HOST_WHY];

	if (line == 0) {
		snprintf(text, sizeof text, "%s", message);
	} else {
		snprintf(text, sizeof text, "line %llu %s", (unsigned long long)line, message);
	}
	report_data(prepare, name, text, false);
}

static void note(const struct pol_prepare *prepare, const char *format, ...) POL_PRINTF(2, 3);

static void note(const struct pol_prepare *prepare, const char *format, ...)
{
	struct pol_preparation *preparation = (struct pol_preparation *)(uintptr_t)prepare;
	va_list args;

	va_start(args, format);
	vsnprintf(preparation->note, sizeof preparation->note, format, args);
	va_end(args);
	pol_str_clean(preparation->note);
}

static bool network(struct pol_str text, struct pol_network *out)
{
	return pol_cidr_parse(text, out) == POL_OK;
}

void pol_prepare_init(struct pol_preparation *preparation, struct pol_snapshot *snapshot,
	const struct pol_host *host, struct pol_diags *diags, const struct pol_ast_line *line)
{
	*preparation = (struct pol_preparation){
		.base = {
			.module = line->module,
			.options = pol_options_read,
			.alloc = alloc,
			.error = report,
			.data = data,
			.data_error = data_error,
			.network = network,
			.zone = pol_options_zone,
			.note = note,
			.line = line,
			.arena = &snapshot->arena,
			.diags = diags,
			.host = host,
		},
		.snapshot = snapshot,
	};
}
