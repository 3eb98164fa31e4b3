/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authzd in a shared store whose log is in memory, for test_stale.py: main.c with another writer,
 * and with a struct share_fresh that the test sets. Its standard input is a socket that takes a
 * line for each command, and answers each with a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/serve/server.h"
#include "daemon/share/append.h"
#include "daemon/share/everywhere.h"
#include "daemon/share/fresh.h"
#include "daemon/store/changes.h"
#include "daemon/store/shared.h"
#include "daemon/write/writer.h"
#include "tests/daemon/share/log_memory.h"

#define CONTROL 0
#define MS      UINT64_C(1000000)

static struct share_fresh fresh;
static struct share_everywhere *everywhere;
static struct share_append append;
static struct log_memory *memory;
static struct share_log *connection;
static uint64_t number;
static uv_thread_t thread;

static struct share_log *on_take(void *context, uint64_t deadline, uint64_t *out_number)
{
	(void)context;
	(void)deadline;
	if (connection != NULL && !connection->ops->is_connected(connection)) {
		connection->ops->close(connection);
		connection = NULL;
	}
	if (connection == NULL) {
		connection = log_memory_connect(memory);
		number++;
	}
	*out_number = number;
	return connection;
}

static void on_give(void *context, struct share_log *log, bool broken)
{
	(void)context;
	if (broken) {
		log->ops->close(log);
		connection = NULL;
	}
}

static struct share_append *on_append(void *context)
{
	(void)context;
	return &append;
}

static void on_turn(void *context)
{
	(void)context;
}

/* The store becomes the first of a new realm. */
static int begin(struct store *store)
{
	struct store_shared shared = { .epoch = 1, .server_system = 7, .server_timeline = 1 };
	struct share_head head = { .epoch = 1, .format = SHARE_FORMAT, .server = { 7, 1 } };
	struct store_read *read;
	struct store_write *write;
	bool is_new = store_read_open(store, &read) == 0 && store_read_renew(read) == 0 &&
		      store_get_shared(read, &shared) != 0;

	store_read_close(read);
	secrets_fingerprint(store_secrets(store), head.secrets);
	memory = log_memory_create(&head);
	store_record_changes(store, true);
	if (is_new &&
		(store_write_begin(store, &write) != 0 || store_put_shared(write, &shared) != 0 ||
			store_write_keep(write) != 0 || store_write_commit(write, true) != 0)) {
		return -1;
	}
	append = (struct share_append){
		.store = store, .fresh = &fresh, .host = "one", .take = on_take, .give = on_give
	};
	return share_append_load(&append);
}

int __real_writer_create(struct store *store, struct usage *usage,
	const struct writer_shared *shared, struct writer **out);
int __wrap_writer_create(struct store *store, struct usage *usage,
	const struct writer_shared *shared, struct writer **out);
int __wrap_writer_create(struct store *store, struct usage *usage,
	const struct writer_shared *shared, struct writer **out)
{
	static const struct writer_shared mine = { .append = on_append, .turn = on_turn };

	(void)shared;
	if (begin(store) != 0) {
		fputs("shared_daemon: the store cannot be shared\n", stderr);
		return -1;
	}
	return __real_writer_create(store, usage, &mine, out);
}

/* What is known about the next append. */
static enum log_fault next;

static enum log_fault on_fault(void *context)
{
	(void)context;
	return next;
}

static void look(const char *hosts)
{
	struct share_host_seen rows[2];
	unsigned long long applied[2];
	struct share_proof proof = { 0 };
	static const char *const names[] = { "one", "two" };
	int count = sscanf(hosts, "%llu %llu", &applied[0], &applied[1]);

	for (int i = 0; i < count; i++) {
		rows[i] = (struct share_host_seen){ { names[i], 3 }, applied[i] };
	}
	/* Any wait was long enough to be named. */
	share_everywhere_look(everywhere, rows, count > 0 ? (size_t)count : 0, UINT64_MAX, &proof);
}

static void obey(const char *line)
{
	unsigned long long value = strtoull(line + strcspn(line, " "), NULL, 10);

	if (strncmp(line, "age ", 4) == 0) {
		atomic_store(&fresh.anchor, share_now() - value * MS);
	} else if (strncmp(line, "max_lag ", 8) == 0) {
		atomic_store(&fresh.max_lag, value * MS);
	} else if (strncmp(line, "stale ", 6) == 0) {
		atomic_store(&fresh.stale, value != 0);
	} else if (strncmp(line, "applied ", 8) == 0) {
		atomic_store(&fresh.applied, value);
	} else if (strncmp(line, "fault ", 6) == 0) {
		next = (enum log_fault)value;
		log_memory_set_faults(memory, on_fault, NULL);
	} else if (strncmp(line, "away ", 5) == 0) {
		log_memory_set_away(memory, value != 0);
	} else if (strncmp(line, "hosts ", 6) == 0) {
		look(line + 6);
	} else if (strncmp(line, "waits", 5) == 0) {
		while (!share_everywhere_waits(everywhere)) {
			uv_sleep(1);
		}
	}
}

static void run(void *context)
{
	FILE *control = fdopen(CONTROL, "r");
	char line[256];

	(void)context;
	while (control != NULL && fgets(line, sizeof line, control) != NULL) {
		obey(line);
		if (write(CONTROL, "ok\n", 3) != 3) {
			break;
		}
	}
}

int __real_server_init(
	struct server *server, const struct config *config, const struct activation *activation);
int __wrap_server_init(
	struct server *server, const struct config *config, const struct activation *activation);
int __wrap_server_init(
	struct server *server, const struct config *config, const struct activation *activation)
{
	int r;

	atomic_store(&fresh.shared, true);
	if (share_everywhere_create(&everywhere) != 0) {
		return -1;
	}
	server->context.fresh = &fresh;
	server->context.everywhere = everywhere;
	r = __real_server_init(server, config, activation);
	return r == 0 ? uv_thread_create(&thread, run, NULL) : r;
}
