/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/config/config_internal.h"
#include "daemon/host/settings_file.h"

/* Both may be set by an option, too, which wins; the lines may be in any order. */
static void check_connections(struct config_reader *reader)
{
	const struct config *config = reader->config;
	unsigned all = config->connections != 0 ? config->connections : CONFIG_CONNECTIONS;

	if (reader->user_connections.length > 0 && config->user_connections > all) {
		pol_diag_error(reader->diags, reader->user_connections,
			"user_connections %u is more than all connections, %u: lower it, or raise "
			"connections",
			config->user_connections, all);
	}
}

int config_read(struct config *config, const char *path)
{
	struct pol_source source = { .name = pol_str_of(path) };
	struct pol_diags diags;
	struct config_reader *reader;
	int r = settings_file_load(path, &config->arena, &source.text);

	if (r < 0) {
		return r;
	}
	reader = calloc(1, sizeof *reader);
	if (reader == NULL) {
		return -ENOMEM;
	}
	pol_diags_init(&diags, &source, 1);
	reader->config = config;
	reader->diags = &diags;
	reader->listeners_given = config->listener_count > 0;
	pol_lexer_init(&reader->lexer, &diags, 0, source.text);
	while ((reader->count = pol_settings_line(
			&reader->lexer, &config->arena, reader->words, CONFIG_MAX_WORDS)) > 0) {
		config_read_line(reader);
	}
	check_connections(reader);
	r = settings_file_report(&diags);
	pol_diags_finish(&diags);
	free(reader);
	return r;
}
