/* SPDX-License-Identifier: Apache-2.0 */
/*
 * database_connect CONNINFO: connects as the daemon does and prints the result and the reason, in a
 * thread that is confined as the watcher's is. With -u in a thread that is not.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/host/confine.h"
#include "daemon/share/database.h"

enum { WAIT = 5000, MOST_PATHS = 16 };

static const struct share_database *database;
static const char *conninfo;
static bool confined = true;
static char paths[MOST_PATHS][256];
static size_t path_count;

static void on_path(void *context, const char *path)
{
	(void)context;
	if (path_count < MOST_PATHS) {
		snprintf(paths[path_count++], sizeof paths[0], "%s", path);
	}
}

static int confine(void)
{
	const char *list[MOST_PATHS];

	database->files(conninfo, on_path, NULL);
	for (size_t i = 0; i < path_count; i++) {
		list[i] = paths[i];
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return confine_network(list, path_count);
}

/* What the limits are for: no other file, no server. */
static void *watch(void *unused)
{
	const struct share_connect how = { .conninfo = conninfo, .listen = true, .timeout = WAIT };
	char why[SHARE_WHY] = "";
	struct share_log *log = NULL;
	struct share_head head;
	int r = confined && confine_is_built() ? confine() : 0;

	(void)unused;
	if (r < 0) {
		printf("confine %d\n", r);
		return NULL;
	}
	if (confined && confine_is_built() && fopen("/etc/shadow", "r") != NULL) {
		printf("reads /etc/shadow\n");
	}
	r = database->connect(&how, &log, why);
	printf("%d %s\n", r, why);
	if (r == 0) {
		r = log->ops->look(log, NULL, &head, WAIT);
		printf("look %d %s\n", r, r < 0 ? log->ops->why(log) : "");
		log->ops->close(log);
	}
	fflush(stdout);
	return NULL;
}

int main(int argc, char **argv)
{
	char why[SHARE_WHY] = "";
	pthread_t thread;

	confined = argc < 3 || strcmp(argv[1], "-u") != 0;
	conninfo = argv[argc - 1];
	if (share_database_load(&database, why) < 0) {
		printf("load %s\n", why);
		return 1;
	}
	if (pthread_create(&thread, NULL, watch, NULL) != 0 || pthread_join(thread, NULL) != 0) {
		return 1;
	}
	/* The limits were that thread's alone. */
	return access("/etc/passwd", R_OK) == 0 ? 0 : 1;
}
