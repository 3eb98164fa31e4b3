/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/reload_report.h"

#include <stdio.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/load/build.h"

int reload_reports_init(struct reload_reports *reports)
{
	return -pthread_mutex_init(&reports->lock, NULL);
}

void reload_reports_finish(struct reload_reports *reports)
{
	pthread_mutex_destroy(&reports->lock);
	wire_buf_finish(&reports->diagnostics);
	dangling_finish(&reports->dangling);
}

void reload_reports_add(
	struct reload_reports *reports, struct build *build, struct reload_outcome outcome)
{
	struct report_policy *last = &reports->last;
	struct wire_buf old = reports->diagnostics;

	pthread_mutex_lock(&reports->lock);
	last->attempted_at = outcome.at;
	last->ok = outcome.ok;
	last->errors = build->errors;
	last->warnings = build->warnings;
	last->refused += !outcome.ok;
	if (outcome.exchanged) {
		last->reloads++;
		last->loaded_at = outcome.at;
		last->serial = outcome.serial;
		snprintf(last->revision, sizeof last->revision, "%s", outcome.revision);
	}
	memcpy(reports->why, build->why, sizeof reports->why);
	reports->diagnostics = build->diagnostics;
	build->diagnostics = old;
	pthread_mutex_unlock(&reports->lock);
}

void reload_reports_refused(struct reload_reports *reports, const struct build *build,
	const char *path, const char *running, bool forced)
{
	static const char message[] = "policy refused, the running one stays";

	if (build->why[0] == '\0') {
		log_error(message, "path=%s errors=%zu revision=%s", path, build->errors, running);
	} else if (forced || strcmp(build->why, reports->why) != 0) {
		log_error(message, "path=%s errors=%zu revision=%s why=%s", path, build->errors,
			running, build->why);
	}
}

void reload_reports_dangling(struct reload_reports *reports, struct dangling *found)
{
	struct dangling old;

	pthread_mutex_lock(&reports->lock);
	old = reports->dangling;
	reports->dangling = *found;
	reports->last.dangling = found->total;
	pthread_mutex_unlock(&reports->lock);
	dangling_finish(&old);
}

void reload_reports_get(struct reload_reports *reports, struct report_policy *out)
{
	pthread_mutex_lock(&reports->lock);
	*out = reports->last;
	pthread_mutex_unlock(&reports->lock);
}

/* The lock is held. */
static void put_array(const struct wire_buf *array, struct wire_buf *out)
{
	if (array->len > 0) {
		wire_put_raw(out, array->data, array->len);
	} else {
		wire_put_array(out, 0);
	}
}

void reload_reports_put_diagnostics(struct reload_reports *reports, struct wire_buf *out)
{
	pthread_mutex_lock(&reports->lock);
	put_array(&reports->diagnostics, out);
	pthread_mutex_unlock(&reports->lock);
}

void reload_reports_put_dangling(struct reload_reports *reports, struct wire_buf *out)
{
	pthread_mutex_lock(&reports->lock);
	put_array(&reports->dangling.items, out);
	pthread_mutex_unlock(&reports->lock);
}
