/* SPDX-License-Identifier: Apache-2.0 */

/*
 * store_edit: edits the store's file, as an attacker with write access could, for tests.
 *
 *     store_edit FILE list TABLE              KEY VALUE lines, in hexadecimal
 *     store_edit FILE put TABLE KEY VALUE
 *     store_edit FILE del TABLE KEY
 */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST ((size_t)64 << 10)

static void check(int r, const char *what)
{
	if (r != 0) {
		fprintf(stderr, "store_edit: %s: %s\n", what, mdb_strerror(r));
		exit(1);
	}
}

static void print(const MDB_val *value)
{
	const unsigned char *bytes = value->mv_data;

	for (size_t i = 0; i < value->mv_size; i++) {
		printf("%02x", bytes[i]);
	}
}

static MDB_val parse(const char *text, unsigned char *room)
{
	size_t len = strlen(text) / 2;

	for (size_t i = 0; i < len && i < MOST; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };

		room[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return (MDB_val){ len, room };
}

static void list(MDB_txn *txn, MDB_dbi table)
{
	MDB_cursor *cursor;
	MDB_val key, value;

	check(mdb_cursor_open(txn, table, &cursor), "cursor");
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		print(&key);
		putchar(' ');
		print(&value);
		putchar('\n');
	}
	mdb_cursor_close(cursor);
}

int main(int argc, char **argv)
{
	static unsigned char keys[MOST], values[MOST];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;
	MDB_val key, value;

	if (argc < 4) {
		fputs("usage: store_edit FILE list|put|del TABLE [KEY [VALUE]]\n", stderr);
		return 2;
	}
	check(mdb_env_create(&env), "environment");
	check(mdb_env_set_maxdbs(env, 64), "tables");
	check(mdb_env_set_mapsize(env, (size_t)1 << 30), "map");
	check(mdb_env_open(env, argv[1], MDB_NOSUBDIR, 0600), argv[1]);
	check(mdb_txn_begin(env, NULL, 0, &txn), "transaction");
	check(mdb_dbi_open(txn, argv[3], 0, &table), argv[3]);
	if (strcmp(argv[2], "list") == 0) {
		list(txn, table);
	} else if (strcmp(argv[2], "put") == 0 && argc == 6) {
		key = parse(argv[4], keys);
		value = parse(argv[5], values);
		check(mdb_put(txn, table, &key, &value, 0), "put");
	} else if (strcmp(argv[2], "del") == 0 && argc == 5) {
		key = parse(argv[4], keys);
		check(mdb_del(txn, table, &key, NULL), "del");
	}
	check(mdb_txn_commit(txn), "commit");
	mdb_env_close(env);
	return 0;
}
