/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/names.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* First and largest buffer for a record of the user or group tables, in bytes. A group's record
 * lists its members. */
#define RECORD_FIRST ((size_t)4 << 10)
#define RECORD_MAX   ((size_t)4 << 20)

struct names {
	pthread_mutex_t lock; /* from a question to its answer */
	int fd;
	pid_t pid;
};

struct question {
	bool is_group;
	char name[NAMES_MAX + 1];
};

struct answer {
	int error; /* 0 or a negative errno */
	bool found;
	uint32_t id;
};

/* --- looking up ------------------------------------------------------------------------------- */

/* With a buffer of that size. 0 or a positive errno. */
static int try_size(const struct question *question, size_t size, struct answer *answer)
{
	char *buffer = malloc(size);
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;
	int r;

	if (buffer == NULL) {
		return ENOMEM;
	}
	r = question->is_group ? getgrnam_r(question->name, &group, buffer, size, &found_group)
			       : getpwnam_r(question->name, &user, buffer, size, &found_user);
	answer->found = found_user != NULL || found_group != NULL;
	if (answer->found) {
		answer->id = question->is_group ? (uint32_t)group.gr_gid : (uint32_t)user.pw_uid;
	}
	free(buffer);
	return answer->found || r == ENOENT || r == ESRCH ? 0 : r;
}

static struct answer look_up(const struct question *question)
{
	struct answer answer = { 0, false, 0 };
	int r = ERANGE;

	for (size_t size = RECORD_FIRST; r == ERANGE && size <= RECORD_MAX; size *= 2) {
		do {
			r = try_size(question, size, &answer);
		} while (r == EINTR);
	}
	answer.error = -r;
	return answer;
}

/* --- the process ------------------------------------------------------------------------------ */

/* Leaves `fd` as the only open descriptor beside the standard ones, which lead to /dev/null. */
static int keep_only(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i <= STDERR_FILENO; i++) {
		if (null < 0 || dup2(null, i) < 0) {
			return -errno;
		}
	}
	if (fd != STDERR_FILENO + 1 && dup2(fd, STDERR_FILENO + 1) < 0) {
		return -errno;
	}
	return close_range(STDERR_FILENO + 2, UINT_MAX, 0) == 0 ? STDERR_FILENO + 1 : -errno;
}

/* Answers until the daemon has ended: then recv(2) returns 0. */
static void serve(int fd)
{
	struct question question;

	while (recv(fd, &question, sizeof question, 0) == (ssize_t)sizeof question) {
		struct answer answer;

		question.name[NAMES_MAX] = '\0';
		answer = look_up(&question);
		if (send(fd, &answer, sizeof answer, MSG_NOSIGNAL) < 0) {
			return;
		}
	}
}

/* The daemon's handlers of signals do not work here. A signal to the process group is the daemon's
 * business, and this process ends with it. */
static void run(int fd, const sigset_t *mask)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
		signal(ignored[i], SIG_IGN);
	}
	sigprocmask(SIG_SETMASK, mask, NULL);
	prctl(PR_SET_NAME, "authzd-names");
	fd = keep_only(fd);
	if (fd >= 0) {
		serve(fd);
	}
	_exit(fd >= 0 ? 0 : 1);
}

int names_start(struct names **out)
{
	struct names *names = calloc(1, sizeof *names);
	sigset_t all, old;
	int pair[2], r;

	if (names == NULL) {
		return -ENOMEM;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		r = -errno;
		free(names);
		return r;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	names->pid = fork();
	if (names->pid == 0) {
		close(pair[0]);
		run(pair[1], &old);
	}
	r = names->pid < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(pair[1]);
	names->fd = pair[0];
	if (r == 0) {
		r = -pthread_mutex_init(&names->lock, NULL);
	}
	if (r < 0) {
		close(pair[0]);
		free(names);
		return r;
	}
	*out = names;
	return 0;
}

static int ask(struct names *names, const struct question *question, struct answer *answer)
{
	ssize_t n;

	do {
		n = send(names->fd, question, sizeof *question, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	while (n >= 0) {
		n = recv(names->fd, answer, sizeof *answer, 0);
		if (n >= 0) {
			return n == (ssize_t)sizeof *answer ? answer->error : -EPIPE;
		}
		n = errno == EINTR ? 0 : -1;
	}
	return -errno;
}

int names_find(
	struct names *names, bool is_group, const char *name, bool *out_found, uint32_t *out_id)
{
	struct question question = { .is_group = is_group };
	struct answer answer = { 0, false, 0 };
	size_t len = strlen(name);

	*out_found = false;
	if (len > NAMES_MAX) {
		return 0;
	}
	memcpy(question.name, name, len);
	if (names == NULL) {
		answer = look_up(&question);
	} else {
		int r;

		pthread_mutex_lock(&names->lock);
		r = ask(names, &question, &answer);
		pthread_mutex_unlock(&names->lock);
		answer.error = r;
	}
	*out_found = answer.error == 0 && answer.found;
	*out_id = answer.id;
	return answer.error;
}

void names_stop(struct names *names)
{
	if (names == NULL) {
		return;
	}
	close(names->fd);
	while (waitpid(names->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	pthread_mutex_destroy(&names->lock);
	free(names);
}
