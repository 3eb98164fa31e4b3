/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * hosts: several hosts in one process: each with a store of its own, the same secrets, and a part
 * in one log in memory.
 */

#include <stdatomic.h>
#include <string.h>

#include "daemon/secret/token.h"
#include "daemon/share/append.h"
#include "daemon/share/catch_up.h"
#include "daemon/share/fresh.h"
#include "daemon/store/changes.h"
#include "daemon/store/shared.h"
#include "tests/daemon/folder.h"
#include "tests/daemon/share/log_memory.h"

struct host {
	struct store *store;
	struct share_fresh fresh;
	struct share_append append;
	struct log_memory *log;
	struct share_log *connection;
	uint64_t number;
	char name[8];
	bool own_secrets; /* its file is `pepper-` and its name, not that of all; a copy is there */
};

static const uint8_t hosts_realm[SHARE_REALM] = "a realm of test";

static inline void hosts_drop(struct host *host)
{
	if (host->connection != NULL) {
		host->connection->ops->close(host->connection);
	}
	host->connection = NULL;
}

static inline struct share_log *hosts_take(void *context, uint64_t deadline, uint64_t *out_number)
{
	struct host *host = context;

	(void)deadline;
	if (host->connection != NULL && !host->connection->ops->is_connected(host->connection)) {
		hosts_drop(host);
	}
	if (host->connection == NULL) {
		host->connection = log_memory_connect(host->log);
		host->number++;
	}
	*out_number = host->number;
	return host->connection;
}

static inline void hosts_give(void *context, struct share_log *log, bool broken)
{
	struct host *host = context;

	cr_assert_eq(log, host->connection);
	if (broken) {
		hosts_drop(host);
	}
}

static inline void hosts_load(struct host *host)
{
	host->append = (struct share_append){
		.store = host->store,
		.fresh = &host->fresh,
		.host = host->name,
		.take = hosts_take,
		.give = hosts_give,
		.context = host,
	};
	cr_assert_eq(share_append_load(&host->append), 0);
}

/* The head of a new realm. */
static inline struct share_head hosts_head(struct store *store)
{
	struct share_head head = { .epoch = 1, .format = SHARE_FORMAT, .server = { 77, 1 } };

	memcpy(head.realm, hosts_realm, SHARE_REALM);
	secrets_fingerprint(store_secrets(store), head.secrets);
	return head;
}

/* A folder for the hosts, and an empty log of their realm. */
static inline struct log_memory *hosts_begin(void)
{
	struct share_head head;
	struct store *store;

	folder_make();
	store = folder_store();
	head = hosts_head(store);
	store_close(store);
	return log_memory_create(&head);
}

static inline void hosts_open_store(struct host *host)
{
	char path[256], pepper[256], why[STORE_WHY], file[32] = "pepper";
	struct store_options options = {
		.path = path, .pepper = pepper, .map_size = STORE_MAP_SIZE_SMALL, .readers = 8
	};

	folder_path(path, sizeof path, host->name);
	if (host->own_secrets) {
		snprintf(file, sizeof file, "pepper-%s", host->name);
	}
	folder_path(pepper, sizeof pepper, file);
	cr_assert_eq(store_open(&options, &host->store, why), 0, "%s", why);
	store_record_changes(host->store, true);
}

/* A new store, which follows the log from its beginning. */
static inline void hosts_open(struct host *host, unsigned number)
{
	struct store_shared shared = { .epoch = 1, .server_system = 77, .server_timeline = 1 };
	struct store_write *write;

	*host = (struct host){ .log = host->log, .own_secrets = host->own_secrets };
	snprintf(host->name, sizeof host->name, "host%u", number);
	hosts_open_store(host);
	memcpy(shared.realm, hosts_realm, SHARE_REALM);
	cr_assert_eq(store_write_begin(host->store, &write), 0);
	cr_assert_eq(store_put_shared(write, &shared), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, false), 0);
	hosts_load(host);
}

static inline void hosts_close(struct host *host)
{
	share_append_finish(&host->append);
	hosts_drop(host);
	store_close(host->store);
}

/* Applies all that is in the log. */
static inline int hosts_catch_up(struct host *host)
{
	uint64_t applied;
	int r = share_catch_up(&host->append, &applied, host->append.why);

	share_append_end(&host->append);
	return r;
}

static inline bool hosts_have(struct host *host, unsigned number)
{
	struct store_read *read = folder_reader(host->store);
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number), found;
	int r = store_get_key(read, key.kid, &found);

	store_read_close(read);
	return r == 0;
}

/* Begins a batch that creates a key. */
static inline struct store_write *hosts_write(struct host *host, unsigned number)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number);
	struct store_write *write;

	cr_assert_eq(store_write_begin(host->store, &write), 0);
	store_write_alone(write);
	cr_assert_eq(store_create_key(write, &key), 0);
	cr_assert_eq(folder_enter(write, key.kid), 0);
	cr_assert_eq(store_write_keep(write), 0);
	return write;
}

/* Appends a batch with a key, once. */
static inline int hosts_put(struct host *host, unsigned number)
{
	int r = share_append_begin(&host->append);
	struct store_write *write;

	if (r == 0) {
		write = hosts_write(host, number);
		r = share_append(&host->append, write, 0);
		if (r == 0) {
			share_append_committed(&host->append, store_write_commit(write, true));
		} else {
			store_write_abort(write);
		}
	}
	share_append_end(&host->append);
	return r;
}
