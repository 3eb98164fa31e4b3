/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* MADV_WIPEONFORK and syscall(), which POSIX does not have */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/client/authz_test.h"

/* --- processes and users --- */

static bool is_old;      /* the kernel is older than Linux 4.14 */
static bool is_emulated; /* all advice is taken, and none followed */

/* In place of the C library's. */
int madvise(void *begin, size_t size, int advice)
{
	if (is_old && advice == MADV_WIPEONFORK) {
		errno = EINVAL;
		return -1;
	}
	return is_emulated ? 0 : (int)syscall(SYS_madvise, begin, size, advice);
}

static void expect_own_connection_of_a_child(void)
{
	struct fake_server server;
	struct authz_decision decision;
	struct authz *authz;
	int status = -1;
	pid_t child;

	fake_start(&server, fake_allow_all);
	authz = client_of(&server, LONG_MS);
	cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	child = fork();
	if (child == 0) {
		bool good = authz_fd(authz) == -1 && authz_events(authz) == 0 &&
			    authz_check(authz, &question, &decision) == AUTHZ_OK &&
			    decision.verdict == AUTHZ_ALLOW && authz_fd(authz) >= 0;

		authz_destroy(authz);
		_exit(good ? 0 : 1);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_expect_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
	authz_destroy(authz);
	fake_stop(&server);
	cr_expect_eq(server.connections, 2);
}

Test(authz_process, a_forks_child_has_a_connection_of_its_own)
{
	expect_own_connection_of_a_child();
}

Test(authz_process, it_has_one_where_the_kernel_cannot_wipe_a_page_in_it)
{
	is_old = true;
	expect_own_connection_of_a_child();
}

Test(authz_process, it_has_one_where_the_kernel_says_that_it_wipes_and_does_not)
{
	is_emulated = true;
	expect_own_connection_of_a_child();
}

static void note_ids(struct fake_server *server, int fd, unsigned number)
{
	uint32_t *ids = server->data;

	if (fake_read_id(fd, &ids[number])) {
		fake_answer(fd, ids[number], true);
		fake_drain(fd);
	}
}

Test(authz_process, ids_begin_at_random)
{
	enum { HANDLES = 8 };
	uint32_t ids[HANDLES] = { 0 };
	struct fake_server server;
	unsigned near = 0;

	fake_start(&server, note_ids);
	server.data = ids;
	for (int i = 0; i < HANDLES; i++) {
		struct authz *authz = client_of(&server, LONG_MS);
		struct authz_decision decision;

		cr_assert_eq(authz_check(authz, &question, &decision), AUTHZ_OK);
		authz_destroy(authz);
	}
	fake_stop(&server);
	for (int i = 1; i < HANDLES; i++) {
		near += ids[i] - ids[0] + 1000 < 2000;
	}
	cr_expect_eq(near, 0);
}

/* --- where the socket is --- */

Test(authz_process, the_default_socket_is_where_the_daemon_puts_it)
{
	static const struct {
		const char *socket, *runtime, *state, *home;
		const char *expected; /* NULL: none can be named */
	} cases[] = {
		{ "/a/b.sock", "/r", "/st", "/h", "/a/b.sock" },
		{ NULL, "/r", "/st", "/h", "/r/authz/authz.sock" },
		{ NULL, NULL, "/st", "/h", "/st/authz/authz.sock" },
		{ NULL, NULL, NULL, "/h", "/h/.local/state/authz/authz.sock" },
		{ "", "", "", "/h", "/h/.local/state/authz/authz.sock" },
		{ NULL, NULL, NULL, NULL, NULL },
		{ NULL,
			"/123456789012345678901234567890123456789012345678901234567890"
			"123456789012345678901234567890123456789012345678901234567890",
			NULL, NULL, NULL },
	};
	char path[AUTHZ_PATH_SIZE];

	unsetenv("AUTHZ_SOCKET");
	if (geteuid() == 0) {
		setenv("XDG_RUNTIME_DIR", "/r", 1);
		cr_expect_eq(authz_default_socket(path, sizeof path), AUTHZ_OK);
		cr_expect_str_eq(path, "/run/authz/authz.sock");
		cr_expect_eq(authz_default_socket(path, 5), AUTHZ_EINVAL);
		cr_assert_eq(setgid(65534), 0);
		cr_assert_eq(setuid(65534), 0);
	}
	if (access("/run/authz/authz.sock", F_OK) == 0) {
		cr_skip_test("the system's daemon is running");
	}
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *names[] = { "AUTHZ_SOCKET", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
			"HOME" };
		const char *values[] = { cases[i].socket, cases[i].runtime, cases[i].state,
			cases[i].home };

		for (size_t k = 0; k < 4; k++) {
			if (values[k] != NULL) {
				setenv(names[k], values[k], 1);
			} else {
				unsetenv(names[k]);
			}
		}
		cr_expect_eq(authz_default_socket(path, sizeof path),
			cases[i].expected != NULL ? AUTHZ_OK : AUTHZ_EINVAL, "case %zu", i);
		if (cases[i].expected != NULL) {
			cr_expect_str_eq(path, cases[i].expected, "case %zu", i);
		}
	}
}

Test(authz_process, every_error_has_a_description)
{
	for (int error = AUTHZ_OK; error >= AUTHZ_EBUSY; error--) {
		cr_expect_str_neq(authz_strerror(error), "unknown error", "%d", error);
	}
	cr_expect_str_eq(authz_strerror(AUTHZ_EBUSY - 1), "unknown error");
	cr_expect_str_eq(authz_strerror(1), "unknown error");
}
