/* SPDX-License-Identifier: Apache-2.0 */

/*
 * fault: LMDB follows what its pages say. A page that is damaged while the daemon serves, or that
 * its start did not walk, can lead it out of the file (SIGBUS), to memory that nobody has
 * (SIGSEGV), or over the end of a copy, which malloc(3) may find (SIGABRT). Going on is not
 * possible: the thread may hold LMDB's locks. The process ends, and the next start checks every
 * page.
 */

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/log.h"
#include "daemon/store/internal.h"

#define EXIT_DAMAGED 1

enum { SIGNALS = 3 };

/* A signal's handler has no argument of ours. */
static struct {
	struct store *store; /* NULL: none */
	const char *path;
	uintptr_t begin;
	size_t size;
	size_t page_size;
	atomic_flag said;
	struct sigaction before[SIGNALS];
} fault = { .said = ATOMIC_FLAG_INIT };

static const struct {
	int number;
	const char *name;
} signals[SIGNALS] = {
	{ SIGSEGV, "SIGSEGV" },
	{ SIGBUS, "SIGBUS" },
	{ SIGABRT, "SIGABRT" },
};

/* Of a signal that is handled here. */
static int index_of(int number)
{
	int i = 0;

	while (i < SIGNALS - 1 && signals[i].number != number) {
		i++;
	}
	return i;
}

/* abort(3) of this process, not a supervisor's. */
static bool is_own_abort(int number, const siginfo_t *info)
{
	return number == SIGABRT && info->si_code == SI_TKILL && info->si_pid == getpid();
}

/* A fault at another address may still come from a damaged page, which the writer had copied. The
 * instruction runs again, and what was there before us ends the process. */
static void pass_on(int number, const siginfo_t *info)
{
	sigaction(number, &fault.before[index_of(number)], NULL);
	/* A positive code is the kernel's: kill(2) has no address. abort(3) goes on by itself. */
	if (info->si_code <= 0 && !is_own_abort(number, info)) {
		raise(number);
	} else if (!atomic_flag_test_and_set(&fault.said)) {
		log_write_now(LOG_ERROR,
			"a fault outside of the store; if the store is damaged, the next start "
			"says so: it checks every page",
			"signal=%s", signals[index_of(number)].name);
	}
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)context;
	if (info->si_code <= 0 || at < fault.begin || at - fault.begin >= fault.size) {
		pass_on(number, info);
		return;
	}
	if (!atomic_flag_test_and_set(&fault.said)) {
		log_write_now(LOG_ERROR,
			"the store is damaged: put back a sound one, or restore a copy with "
			"`authzcheck store restore`; the next start checks every page",
			"path=%s page=%llu signal=%s", fault.path,
			(unsigned long long)((at - fault.begin) / fault.page_size),
			signals[index_of(number)].name);
		_exit(EXIT_DAMAGED);
	}
	/* The thread that was first ends the process. */
	for (;;) {
		pause();
	}
}

/* LMDB calls this where it would abort. */
static void on_assert(MDB_env *env, const char *message)
{
	(void)env;
	log_write_now(LOG_ERROR,
		"the store is damaged: put back a sound one, or restore a copy with `authzcheck "
		"store restore`; the next start checks every page",
		"path=%s lmdb=%s", fault.path, message);
	_exit(EXIT_DAMAGED);
}

/* Finds the map of the data file: LMDB does not say where it is. */
static bool find_map(ino_t file, size_t least)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	while (maps != NULL && !found && fgets(line, sizeof line, maps) != NULL) {
		uintmax_t begin, end, inode;

		if (sscanf(line, "%jx-%jx %*s %*s %*s %ju", &begin, &end, &inode) == 3 &&
			inode == file && end - begin >= least) {
			fault.begin = (uintptr_t)begin;
			fault.size = (size_t)(end - begin);
			found = true;
		}
	}
	if (maps != NULL) {
		fclose(maps);
	}
	return found;
}

void store_catch_faults(struct store *store, const char *path, size_t map_size)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	MDB_stat info;
	struct stat st;

	if (fault.store != NULL || fstat(store->lock_fd, &st) < 0 ||
		mdb_env_stat(store->env, &info) != MDB_SUCCESS || !find_map(st.st_ino, map_size)) {
		return;
	}
	fault.store = store;
	fault.path = path;
	fault.page_size = info.ms_psize;
	mdb_env_set_assert(store->env, on_assert);
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i].number, &action, &fault.before[i]);
	}
}

void store_ignore_faults(struct store *store)
{
	if (fault.store != store) {
		return;
	}
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i].number, &fault.before[i], NULL);
	}
	fault.store = NULL;
	fault.begin = 0;
	fault.size = 0;
}
