/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/http/config_internal.h"
#include "daemon/host/settings_file.h"

/* A file of the largest size, and copies of its words. */
enum { MAX_MEMORY = 8 * SETTINGS_FILE_MAX };

void http_config_init(struct http_config *config)
{
	memset(config, 0, sizeof *config);
	pol_arena_init(&config->arena, MAX_MEMORY);
	config->connections = HTTP_CONNECTIONS;
	config->idle = HTTP_IDLE;
	config->timeout_ms = HTTP_TIMEOUT;
	config->authz = "/run/authz/authz.sock";
}

void http_config_finish(struct http_config *config)
{
	pol_arena_finish(&config->arena);
}

/* What no single line can say. */
static void check_whole(struct http_reader *reader)
{
	const struct http_config *config = reader->config;

	if (config->listener_count == 0 && reader->diags->errors == 0) {
		pol_diag_error(reader->diags, POL_NO_POSITION,
			"no `listen` line: write one, such as listen /run/authz-http/http.sock "
			"0660 www-data");
	}
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct http_listener *listener = &config->listeners[i];

		if (listener->tenant_from_host && listener->host_count == 0) {
			pol_diag_error(reader->diags, POL_NO_POSITION,
				"`tenant from host` without a `host` line: write host NAME TENANT "
				"for each one");
			return;
		}
	}
	http_config_check_console(reader);
}

int http_config_read(struct http_config *config, const char *path)
{
	struct pol_source source = { .name = pol_str_of(path) };
	struct pol_diags diags;
	struct http_reader *reader;
	int r = settings_file_load(path, &config->arena, &source.text);

	if (r < 0) {
		return r;
	}
	reader = calloc(1, sizeof *reader);
	if (reader == NULL) {
		fprintf(stderr, "%s: error: out of memory\n", path);
		return -ENOMEM;
	}
	pol_diags_init(&diags, &source, 1);
	reader->config = config;
	reader->diags = &diags;
	reader->common = (struct http_listener){ .realm = "authz", .prefix = "/check" };
	reader->listener = &reader->common;
	pol_lexer_init(&reader->lexer, &diags, 0, source.text);
	while ((reader->count = pol_settings_line(
			&reader->lexer, &config->arena, reader->words, HTTP_MAX_WORDS)) > 0) {
		http_config_line(reader);
	}
	check_whole(reader);
	if (config->drain_ms == 0) {
		config->drain_ms = config->timeout_ms + HTTP_DRAIN * 1000;
	}
	r = settings_file_report(&diags);
	pol_diags_finish(&diags);
	free(reader);
	return r;
}
