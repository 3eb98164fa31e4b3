/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/decide/modules/modules.h"
#include "policy/decide/zone.h"
#include "policy/text/diag.h"
#include "policy/text/host.h"
#include "policy/text/line.h"
#include "policy/text/nearest.h"

static struct pol_str name_of(struct pol_str text)
{
	const char *equals = text.len > 0 ? memchr(text.ptr, '=', text.len) : NULL;

	return (struct pol_str){ text.ptr,
		equals != NULL ? (size_t)(equals - text.ptr) : text.len };
}

static size_t find_name(struct pol_str name, const char *const *names, size_t count)
{
	size_t i = 0;

	while (i < count && !pol_str_equal(name, pol_str_of(names[i]))) {
		i++;
	}
	return i;
}

static void report_unknown(const struct pol_prepare *prepare, struct pol_word word,
	const char *const *names, size_t count)
{
	struct pol_str module = prepare->line->module.text;
	struct pol_str name = name_of(word.text);
	struct pol_nearest nearest;

	if (count == 0) {
		pol_diag_error(prepare->diags, word.at, "module '%.*s' takes no arguments",
			POL_STR_ARGS(module));
		return;
	}
	nearest = pol_nearest_to(name);
	for (size_t i = 0; i < count; i++) {
		pol_nearest_offer(&nearest, pol_str_of(names[i]));
	}
	pol_diag_error(prepare->diags, word.at, "module '%.*s' has no argument '%.*s'" POL_NEAREST,
		POL_STR_ARGS(module), POL_STR_ARGS(name), POL_NEAREST_ARGS(nearest));
}

/* Copies the argument's values and cuts the name and `=` off the first. */
static bool read_values(const struct pol_prepare *prepare, const struct pol_ast_argument *argument,
	size_t cut, struct pol_option *out)
{
	size_t count = argument->values.count;
	struct pol_word *values = pol_arena_alloc(prepare->arena, count, sizeof *values);

	if (values == NULL) {
		return false;
	}
	memcpy(values, argument->values.items, count * sizeof *values);
	values[0].text.ptr += cut;
	values[0].text.len -= cut;
	/* The position is moved too, unless quotes or escapes make the source differ from the text.
	 */
	if (values[0].at.length == values[0].text.len + cut) {
		values[0].at.offset += (uint32_t)cut;
		values[0].at.length -= (uint32_t)cut;
	}
	for (size_t i = 0; i < count; i++) {
		if (values[i].text.len == 0) {
			pol_diag_error(prepare->diags, argument->values.items[i].at,
				"an empty value: write NAME=VALUE, and a comma between values");
			return false;
		}
	}
	*out = (struct pol_option){ values, count };
	return true;
}

static bool read_argument(const struct pol_prepare *prepare,
	const struct pol_ast_argument *argument, const char *const *names, size_t count,
	struct pol_option *out)
{
	struct pol_word word = argument->values.items[0];
	struct pol_str name = name_of(word.text);
	size_t i = find_name(name, names, count);

	if (i == count) {
		report_unknown(prepare, word, names, count);
		return false;
	}
	if (name.len == word.text.len) {
		pol_diag_error(prepare->diags, word.at, "argument '%s' wants a value: '%s=VALUE'",
			names[i], names[i]);
		return false;
	}
	if (out[i].count > 0) {
		pol_diag_error(prepare->diags, word.at,
			"argument '%s' is given twice: separate its values by commas", names[i]);
		return false;
	}
	return read_values(prepare, argument, name.len + 1, &out[i]);
}

bool pol_options_read(const struct pol_prepare *prepare, const char *const *names, size_t count,
	struct pol_option *out)
{
	const struct pol_ast_line *line = prepare->line;
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		out[i] = (struct pol_option){ 0 };
	}
	for (uint32_t i = 0; i < line->argument_count; i++) {
		good = read_argument(prepare, &line->arguments[i], names, count, out) && good;
	}
	return good;
}

/* The bytes of the zone's file. False: there are none, which was reported. */
static bool find_zone(
	const struct pol_prepare *prepare, const struct pol_word *name, struct pol_str *out)
{
	const struct pol_host *host = prepare->host;
	enum pol_status status = POL_EINVALID;

	if (!pol_zone_is_name(name->text)) {
		pol_diag_error(prepare->diags, name->at,
			"'%.*s' is not a time zone's name: write one such as 'Europe/Berlin'",
			POL_STR_ARGS(name->text));
		return false;
	}
	if (host != NULL && host->zone != NULL) {
		status = host->zone(host->context, name->text, out);
	}
	switch (status) {
	case POL_OK:
		return true;
	case POL_ENOTFOUND:
		pol_diag_error(prepare->diags, name->at,
			"this machine has no time zone '%.*s' (the package tzdata brings them)",
			POL_STR_ARGS(name->text));
		return false;
	case POL_ENOMEM:
	case POL_ELIMIT:
	case POL_EINVALID:
		break;
	}
	pol_diag_error(prepare->diags, name->at, "time zone '%.*s' cannot be read on this machine",
		POL_STR_ARGS(name->text));
	return false;
}

bool pol_options_zone(
	const struct pol_prepare *prepare, const struct pol_word *name, const struct pol_zone **out)
{
	struct pol_str bytes;
	enum pol_status status;

	if (pol_str_equal(name->text, POL_STR("UTC"))) {
		*out = NULL;
		return true;
	}
	if (!find_zone(prepare, name, &bytes)) {
		return false;
	}
	status = pol_zone_read(bytes, prepare->arena, out);
	if (status == POL_EINVALID) {
		pol_diag_error(prepare->diags, name->at,
			"the machine's file of time zone '%.*s' is damaged, or counts leap seconds",
			POL_STR_ARGS(name->text));
	}
	return status == POL_OK;
}
