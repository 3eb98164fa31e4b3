/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/check.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy/lint/lint.h"
#include "tools/lsp/position.h"
#include "tools/lsp/publish.h"
#include "tools/lsp/server.h"

/* A folder of more bytes is checked when nothing has changed for that many milliseconds. */
#define LARGE ((size_t)64 * 1024)
#define PAUSE 250

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- in the child ----------------------------------------------------------------------------- */

/* The positions of one view's files. */
struct ranges {
	struct lsp *lsp;
	struct lsp_view *view;
};

static json_t *json_note(const struct ranges *ranges, const struct pol_diag_note *note)
{
	struct app *run = &ranges->view->run;
	const struct pol_source *source = &ranges->view->sources.items[note->at.file];
	struct lsp_lines lines = { .text = source->text };
	const char *path = pol_arena_copy(&run->arena, source->name).ptr;

	return json_pack("{s:{s:s, s:o}, s:o}", "location", "uri",
		path != NULL ? lsp_view_uri(ranges->lsp, &run->arena, path) : "", "range",
		lsp_position_range(
			&lines, note->at.offset, (size_t)note->at.offset + note->at.length),
		"message", document_str(note->message));
}

/* In the protocol's form, but with `offset` and `length` in the place of its range. */
static json_t *json_diag(const struct ranges *ranges, const struct pol_diag *diag)
{
	json_t *related = json_array();
	json_t *object =
		json_pack("{s:I, s:I, s:i, s:s, s:o}", "offset", (json_int_t)diag->at.offset,
			"length", (json_int_t)diag->at.length, "severity", 1 + (int)diag->severity,
			"source", "authzcheck", "message", document_str(diag->message));

	if (diag->warning != POL_WARNING_NONE) {
		json_object_set_new(object, "code", json_string(pol_warning_code(diag->warning)));
	}
	for (const struct pol_diag_note *note = diag->notes; note != NULL; note = note->next) {
		if (note->at.file < ranges->view->sources.count) {
			app_append(&ranges->view->run, related, json_note(ranges, note));
		}
	}
	json_object_set_new(object, "relatedInformation", related);
	return object;
}

/* {path: diagnostics} of all files. */
static json_t *json_files(const struct ranges *ranges)
{
	struct lsp_view *view = ranges->view;
	json_t *files = json_object();

	for (uint32_t i = 0; i < view->sources.count; i++) {
		const char *path =
			pol_arena_copy(&view->run.arena, view->sources.items[i].name).ptr;

		if (path != NULL) {
			json_object_set_new(files, path, json_array());
		}
	}
	for (const struct pol_diag *diag = view->policy.diags.first; diag != NULL;
		diag = diag->next) {
		const char *path = diag->at.file < view->sources.count
					   ? pol_arena_copy(&view->run.arena,
						     view->sources.items[diag->at.file].name)
						     .ptr
					   : NULL;

		if (path != NULL) {
			app_append(
				&view->run, json_object_get(files, path), json_diag(ranges, diag));
		}
	}
	return files;
}

/* {files}, or {why}: the folder could not be read. */
static json_t *check(struct lsp *lsp, const char *folder)
{
	struct lsp_view view;
	struct ranges ranges = { lsp, &view };
	const char *why;
	json_t *result;
	bool opened = lsp_view_open(lsp, folder, &view, &why);

	if (opened && policy_compile(&view.run, folder, &view.policy) != EXIT_YES) {
		why = json_string_value(
			json_object_get(json_object_get(view.run.document, "error"), "message"));
		opened = false;
	}
	if (opened && view.policy.snapshot != NULL) {
		(void)pol_suite_run(view.policy.snapshot, &view.policy.diags, NULL, NULL);
		(void)pol_lint(view.policy.snapshot, &view.policy.diags);
	}
	result = opened ? json_pack("{s:o}", "files", json_files(&ranges))
			: json_pack("{s:s}", "why", why != NULL ? why : "no memory left");
	lsp_view_close(&view);
	return result;
}

static void write_result(int fd, const json_t *result)
{
	char *text = result != NULL ? json_dumps(result, JSON_COMPACT) : NULL;
	size_t length = text != NULL ? strlen(text) : 0;

	for (size_t at = 0; at < length;) {
		ssize_t n = write(fd, text + at, length - at);

		if (n < 0 && errno != EINTR) {
			break;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	free(text);
}

/* --- in the server ---------------------------------------------------------------------------- */

void lsp_check_mark(struct lsp *lsp, const char *path)
{
	const char *folder = lsp_view_folder(lsp, &lsp->app->arena, path);
	const struct lsp_kept *kept = folder != NULL ? lsp_kept_find(lsp, folder) : NULL;

	if (kept == NULL) {
		return;
	}
	if (lsp->check.fd >= 0 && strcmp(lsp->check.folder, folder) == 0) {
		lsp_check_cancel(lsp);
	}
	json_object_set_new(lsp->dirty, folder, json_null());
	lsp->due = now_ms() + (lsp_check_waits(kept) ? PAUSE : 0);
}

bool lsp_check_waits(const struct lsp_kept *kept)
{
	return lsp_kept_bytes(kept) > LARGE;
}

void lsp_check_forget(struct lsp *lsp, const char *folder)
{
	json_t *none = json_pack("{s:{}}", "files");

	if (lsp->check.fd >= 0 && strcmp(lsp->check.folder, folder) == 0) {
		lsp_check_cancel(lsp);
	}
	json_object_del(lsp->dirty, folder);
	lsp_publish_result(lsp, folder, none);
	json_decref(none);
}

int lsp_check_due(const struct lsp *lsp)
{
	int64_t left = lsp->due - now_ms();

	if (json_object_size(lsp->dirty) == 0 || lsp->check.fd >= 0) {
		return -1;
	}
	return left > 0 ? (int)left : 0;
}

/* The child's end of the pipe is in *out_fd. Returns as fork(2) does. */
static pid_t start(struct lsp_check *check, int *out_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) != 0) {
		return -1;
	}
	pid = fork();
	*out_fd = fds[1];
	if (pid != 0) {
		close(fds[1]);
	}
	if (pid <= 0) {
		close(fds[0]);
		return pid;
	}
	check->pid = pid;
	check->fd = fds[0];
	return pid;
}

void lsp_check_begin(struct lsp *lsp)
{
	char *folder = strdup(json_object_iter_key(json_object_iter(lsp->dirty)));
	json_t *result;
	int fd = -1;

	while (waitpid(-1, NULL, WNOHANG) > 0) {
		/* those of before; there are no other children */
	}
	if (folder == NULL) {
		lsp->due = now_ms() + PAUSE;
		return;
	}
	json_object_del(lsp->dirty, folder);
	switch (start(&lsp->check, &fd)) {
	case 0:
		result = check(lsp, folder);
		write_result(fd, result);
		json_decref(result);
		free(folder);
		_exit(0);
	case -1: /* without a child it takes its time here */
		result = check(lsp, folder);
		lsp_publish_result(lsp, folder, result);
		json_decref(result);
		free(folder);
		break;
	default:
		lsp->check.folder = folder;
	}
}

/* Forgets the child, which has ended or was killed. The kernel may need a while to free its memory,
 * so the next check reaps it. */
static void leave(struct lsp_check *check)
{
	close(check->fd);
	free(check->folder);
	free(check->bytes);
	*check = (struct lsp_check){ .fd = -1 };
}

void lsp_check_cancel(struct lsp *lsp)
{
	if (lsp->check.fd >= 0) {
		kill(lsp->check.pid, SIGKILL);
		leave(&lsp->check);
	}
}

void lsp_check_read(struct lsp *lsp)
{
	struct lsp_check *check = &lsp->check;
	json_t *result;
	ssize_t n;

	if (check->length == check->capacity) {
		size_t capacity = check->capacity * 2 + 65536;
		char *grown = realloc(check->bytes, capacity);

		if (grown == NULL) {
			lsp_check_cancel(lsp);
			return;
		}
		check->bytes = grown;
		check->capacity = capacity;
	}
	n = read(check->fd, check->bytes + check->length, check->capacity - check->length);
	if (n > 0) {
		check->length += (size_t)n;
	}
	if (n > 0 || (n < 0 && errno == EINTR)) {
		return;
	}
	result = json_loadb(check->bytes, check->length, JSON_ALLOW_NUL, NULL);
	lsp_publish_result(lsp, check->folder, result);
	json_decref(result);
	leave(check);
}
