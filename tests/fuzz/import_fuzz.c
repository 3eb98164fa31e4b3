/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_fuzz: any bytes as the file of `authzcheck key import FILE`, where no daemon runs: a
 * mistake in it is found before the daemon is looked for.
 */
#include "tests/fuzz/fuzz.h"
#include "tools/commands/commands.h"
#include "tools/rpc.h"

static const struct command *import_command(void)
{
	for (size_t i = 0; i < KEY_COMMANDS; i++) {
		if (strcmp(commands_key[i].name, "key import") == 0) {
			return &commands_key[i];
		}
	}
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[128], socket[128];
	const char *words[] = { path };
	struct app app = { .command = import_command(), .want_json = true };
	int status;

	fuzz_quiet();
	fuzz_require(app.command != NULL);
	if (path[0] == '\0') {
		fuzz_folder();
		fuzz_path(path, sizeof path, "keys");
		fuzz_path(socket, sizeof socket, "authz.sock");
	}
	fuzz_write(path, data, size);
	pol_arena_init(&app.arena, APP_ARENA_LIMIT);
	app.args.given[FLAG_SOCKET] = true;
	app.args.values[FLAG_SOCKET] = socket;
	app.args.words = words;
	app.args.word_count = 1;
	status = key_import_run(&app);
	fuzz_require(status == EXIT_USAGE || status == EXIT_DAEMON);
	fuzz_require(app.document != NULL);
	rpc_close(app.rpc);
	json_decref(app.document);
	pol_arena_finish(&app.arena);
	return 0;
}
