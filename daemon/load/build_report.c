/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/build_report.h"

#include <stdio.h>

#include "daemon/host/log.h"

static struct wire_str wire_of(struct pol_str str)
{
	return (struct wire_str){ str.ptr != NULL ? str.ptr : "", str.len };
}

static const char *severity_name(enum pol_severity severity)
{
	switch (severity) {
	case POL_SEVERITY_WARNING:
		return "warning";
	case POL_SEVERITY_NOTE:
		return "note";
	case POL_SEVERITY_ERROR:
		break;
	}
	return "error";
}

static void encode_position(struct wire_buf *out, struct pol_str file, uint32_t line,
	uint32_t column, struct pol_str text)
{
	wire_put_str(out, WIRE_STR("file"));
	wire_put_str(out, wire_of(file));
	wire_put_str(out, WIRE_STR("line"));
	wire_put_int(out, line);
	wire_put_str(out, WIRE_STR("column"));
	wire_put_int(out, column);
	wire_put_str(out, WIRE_STR("message"));
	wire_put_str(out, wire_of(text));
}

static void encode_diag(struct wire_buf *out, const struct pol_diag *diag)
{
	uint32_t notes = 0;
	size_t at;

	wire_put_map(out, diag->warning != POL_WARNING_NONE ? 7 : 6);
	wire_put_str(out, WIRE_STR("severity"));
	wire_put_cstr(out, severity_name(diag->severity));
	if (diag->warning != POL_WARNING_NONE) {
		wire_put_str(out, WIRE_STR("code"));
		wire_put_cstr(out, pol_warning_code(diag->warning));
	}
	encode_position(out, diag->file, diag->line, diag->column, diag->message);
	wire_put_str(out, WIRE_STR("notes"));
	at = wire_open_array(out);
	for (const struct pol_diag_note *note = diag->notes; note != NULL; note = note->next) {
		wire_put_map(out, 4);
		encode_position(out, note->file, note->line, note->column, note->message);
		notes++;
	}
	wire_close_array(out, at, notes);
}

static void on_text(void *context, const char *text, size_t len)
{
	wire_put_raw(context, text, len);
}

/* For people. A diagnostic that is longer than BUILD_DIAGNOSTICS_MAX is cut. */
static void print(const struct pol_diags *diags, const struct pol_diag *diag)
{
	struct wire_buf text;

	wire_buf_init(&text, BUILD_DIAGNOSTICS_MAX);
	pol_diag_render(diags, diag, on_text, &text);
	log_lines((char *)text.data, text.len);
	wire_buf_finish(&text);
}

void build_report(struct build *out, bool to_people, const struct pol_diags *diags)
{
	size_t at = wire_open_array(&out->diagnostics);

	out->first[0] = '\0';
	for (const struct pol_diag *diag = diags->first; diag != NULL; diag = diag->next) {
		size_t mark = out->diagnostics.len;

		if (diag->severity == POL_SEVERITY_ERROR && out->first[0] == '\0') {
			snprintf(out->first, sizeof out->first, "%.*s:%u:%u: %.*s",
				POL_STR_ARGS(diag->file), (unsigned)diag->line,
				(unsigned)diag->column, POL_STR_ARGS(diag->message));
		}
		if (to_people) {
			print(diags, diag);
		} else if (out->reported < BUILD_MAX_REPORTED) {
			log_write(diag->severity == POL_SEVERITY_ERROR ? LOG_ERROR : LOG_WARN,
				"policy", "at=%.*s:%u:%u problem=%.*s", POL_STR_ARGS(diag->file),
				(unsigned)diag->line, (unsigned)diag->column,
				POL_STR_ARGS(diag->message));
		}
		if (out->reported < BUILD_MAX_REPORTED) {
			encode_diag(&out->diagnostics, diag);
			if (out->diagnostics.status == WIRE_OK) {
				out->reported++;
			} else {
				wire_buf_rewind(&out->diagnostics, mark);
			}
		}
	}
	wire_close_array(&out->diagnostics, at, out->reported);
	out->errors = diags->errors;
	out->warnings = diags->warnings;
}

void build_report_why(struct build *out, const struct build_options *options)
{
	wire_buf_rewind(&out->diagnostics, 0);
	wire_put_array(&out->diagnostics, 1);
	wire_put_map(&out->diagnostics, 6);
	wire_put_str(&out->diagnostics, WIRE_STR("severity"));
	wire_put_cstr(&out->diagnostics, "error");
	encode_position(&out->diagnostics, pol_str_of(options->path), 0, 0, pol_str_of(out->why));
	wire_put_str(&out->diagnostics, WIRE_STR("notes"));
	wire_put_array(&out->diagnostics, 0);
	snprintf(out->first, sizeof out->first, "%s", out->why);
	out->errors = 1;
	out->reported = 1;
	if (options->print) {
		char line[sizeof out->why + 16];
		int len = snprintf(line, sizeof line, "authzd: %s\n", out->why);

		log_lines(line, (size_t)len);
	}
}
