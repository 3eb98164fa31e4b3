/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/secret.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/host/redact.h"

void secret_redact(char *message)
{
	message[redact_tokens(message, strlen(message), "…")] = '\0';
}

static int refuse(struct app *app, const char *word)
{
	char *copy = strdup(word);
	const char *mark;
	int status = EXIT_YES;

	if (copy == NULL) {
		return app_fail(app, EXIT_DAEMON, "internal", "out of memory");
	}
	secret_redact(copy);
	/* In front of the mark are the id and an underscore, unless they are percent-encoded. */
	mark = strlen(copy) < strlen(word) ? strstr(copy, "…") : NULL;
	if (mark != NULL && mark - copy > REDACT_KID &&
		memchr(copy, '%', (size_t)(mark - copy)) == NULL) {
		status = app_fail(app, EXIT_USAGE, "usage",
			"that is a secret, not an id: its id is %.*s", REDACT_KID,
			mark - 1 - REDACT_KID);
	} else if (mark != NULL) {
		status = app_fail(app, EXIT_USAGE, "usage",
			"that is a secret, not an id: the id is the 12 characters before its last "
			"underscore");
	}
	free(copy);
	return status;
}

int secret_refuse(struct app *app)
{
	const char *key = app->args.values[FLAG_KEY];
	bool wants = strstr(app->command->words != NULL ? app->command->words : "", "KEY") != NULL;
	int status = key != NULL ? refuse(app, key) : EXIT_YES;

	for (size_t i = 0; wants && status == EXIT_YES && i < app->args.word_count; i++) {
		status = refuse(app, app->args.words[i]);
	}
	return status;
}
