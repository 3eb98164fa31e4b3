/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/prepare.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/decide/modules/modules.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/dependency.h"
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

static void report(const struct pol_prepare *prepare, struct pol_span at, const char *format, ...)
	POL_PRINTF(3, 4);

static void report(const struct pol_prepare *prepare, struct pol_span at, const char *format, ...)
{
	char text[POL_DIAG_MESSAGE_MAX];
	struct pol_str message = { text, 0 };
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	message.len = n < 0 ? 0 : strlen(text);
	/* The message goes to logs and into replies, which must be UTF-8; a module may pass any
	 * bytes. */
	for (size_t i = 0; !pol_str_is_utf8(message) && i < message.len; i++) {
		text[i] = (unsigned char)text[i] >= 0x80 ? '?' : text[i];
	}
	pol_diag_error(prepare->diags, position_of(prepare, at), "%.*s", POL_STR_ARGS(message));
}

static void *alloc(const struct pol_prepare *prepare, size_t count, size_t size)
{
	return pol_arena_alloc(prepare->arena, count, size);
}

static bool data(
	const struct pol_prepare *prepare, const struct pol_word *name, struct pol_str *out)
{
	const struct pol_preparation *preparation = (const struct pol_preparation *)prepare;
	char why[POL_HOST_WHY] = "no module folder is named";

	if (!pol_prepare_is_data_name(name->text)) {
		report(prepare, name->at,
			"'%.*s' is no data file's plain name: letters, digits, '.', '_' and '-', "
			"of a "
			"file in the module folder's data/",
			POL_STR_ARGS(name->text));
		return false;
	}
	switch (pol_dependency_data(preparation->snapshot, prepare->host, name->text, out, why)) {
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
	report(prepare, name->at, "data file '%.*s' cannot be used: %s", POL_STR_ARGS(name->text),
		why);
	return false;
}

static void data_error(const struct pol_prepare *prepare, const struct pol_word *name,
	uint64_t line, const char *message)
{
	if (line == 0) {
		report(prepare, name->at, "data file '%.*s' %s", POL_STR_ARGS(name->text), message);
	} else {
		report(prepare, name->at, "data file '%.*s': line %llu %s",
			POL_STR_ARGS(name->text), (unsigned long long)line, message);
	}
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
			.line = line,
			.arena = &snapshot->arena,
			.diags = diags,
			.host = host,
		},
		.snapshot = snapshot,
	};
}
