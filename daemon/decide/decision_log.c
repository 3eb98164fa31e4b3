/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/decision_log.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/host/log.h"

enum {
	BUFFER = 1 << 20, /* bytes; two of them */
	PAUSE = 100,      /* ms */
};

static size_t format_dropped(char line[static LOG_SINK_DROPPED], uint64_t lines)
{
	return (size_t)snprintf(
		line, LOG_SINK_DROPPED, "{\"dropped\":%llu}\n", (unsigned long long)lines);
}

int decision_log_create(const char *path, mode_t mode, const gid_t *group, struct log_sink **out)
{
	const struct log_sink_options options = {
		.path = path,
		.mode = mode,
		.has_group = group != NULL,
		.group = group != NULL ? *group : 0,
		.fd = STDOUT_FILENO,
		.buffer = BUFFER,
		.pause = PAUSE,
		.name = "decisions",
		.format_dropped = format_dropped,
	};

	return log_sink_create(&options, out);
}

void decision_log_destroy(struct log_sink *log)
{
	uint64_t dropped = log_sink_destroy(log);

	if (dropped > 0) {
		log_warn("decisions were not logged", "dropped=%llu", (unsigned long long)dropped);
	}
}
