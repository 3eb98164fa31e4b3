/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* setgroups */

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/client/authz_test.h"

/*
 * Which user may serve. The folder `top` lies where strangers cannot write, so it is not in /tmp;
 * top/run is the socket's folder, and top/run/s the socket of a server with uid SERVER.
 */

enum { SERVER = 4711, OTHER = 4712 };

static char top[64], folder[80], path[96];
static pid_t child;

/* Serves in a child process. The user at listen() is the one in SO_PEERCRED. */
static void serve_as(uid_t uid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), ready[2];
	char byte;

	memcpy(address.sun_path, path, strlen(path) + 1);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	cr_assert_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (setgroups(0, NULL) < 0 || setuid(uid) < 0 || listen(fd, 4) < 0 ||
			write(ready[1], "", 1) != 1) {
			_exit(1);
		}
		for (;;) {
			int peer = accept(fd, NULL, NULL);

			fake_allow_all(NULL, peer, 0);
			close(peer);
		}
	}
	close(fd);
	cr_assert_gt(child, 0);
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void setup(void)
{
	unsetenv("AUTHZ_SERVER_USER");
	if (geteuid() != 0) {
		cr_skip_test("only root can serve as another user");
	}
	snprintf(top, sizeof top, "/run/authz-test-XXXXXX");
	cr_assert_not_null(mkdtemp(top), "%s", strerror(errno));
	snprintf(folder, sizeof folder, "%s/run", top);
	snprintf(path, sizeof path, "%s/s", folder);
	cr_assert_eq(mkdir(folder, 0755), 0);
	cr_assert_eq(chmod(top, 0755), 0);
	cr_assert_eq(chown(folder, SERVER, SERVER), 0);
}

static void teardown(void)
{
	char command[128];

	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	if (top[0] != '\0') {
		snprintf(command, sizeof command, "rm -r %s", top);
		cr_assert_eq(system(command), 0);
	}
}

TestSuite(authz_trust, .init = setup, .fini = teardown);

/* What a check by this socket answers; said: the sentence about the error, if there is one. */
static int ask(const struct authz_options *options, char *said, size_t size)
{
	struct authz_decision decision = allowed();
	struct authz *authz;
	int r;

	cr_assert_eq(authz_create(options, &authz), AUTHZ_OK);
	r = authz_check(authz, &question, &decision);
	cr_expect_eq(is_denial(&decision), r != AUTHZ_OK);
	authz_explain(authz, r, said, size);
	authz_destroy(authz);
	return r;
}

static int ask_by(const char *socket, char said[static 512])
{
	const struct authz_options options = { .socket = socket, .timeout_ms = LONG_MS };

	return ask(&options, said, 512);
}

static void expect_refusal(const char *socket, const char *why)
{
	char said[512];

	cr_expect_eq(ask_by(socket, said), AUTHZ_EPEER);
	cr_expect_not_null(strstr(said, why), "want '%s' in: %s", why, said);
	cr_expect_not_null(strstr(said, "served by uid 4711"), "%s", said);
	cr_expect_not_null(strstr(said, "set AUTHZ_SERVER_USER=4711"), "%s", said);
}

Test(authz_trust, the_owner_of_a_folder_that_no_stranger_can_write_may_serve)
{
	char said[512];

	serve_as(SERVER);
	cr_expect_eq(ask_by(path, said), AUTHZ_OK, "%s", said);
	cr_assert_eq(chown(top, SERVER, SERVER), 0);
	cr_expect_eq(ask_by(path, said), AUTHZ_OK, "%s", said);
	cr_assert_eq(chdir(folder), 0);
	cr_expect_eq(ask_by("s", said), AUTHZ_OK, "%s", said);
	cr_assert_eq(chdir(top), 0);
	cr_expect_eq(ask_by("run/s", said), AUTHZ_OK, "%s", said);
	cr_expect_eq(ask_by(".//run/./s", said), AUTHZ_OK, "%s", said);
	cr_assert_eq(chdir("/"), 0);
}

Test(authz_trust, another_user_than_the_folders_owner_may_not)
{
	serve_as(SERVER);
	cr_assert_eq(chown(folder, 0, 0), 0);
	expect_refusal(path, "the socket's folder");
	cr_assert_eq(chown(folder, OTHER, 0), 0);
	expect_refusal(path, "belongs to uid 4712, who could replace the socket");
}

Test(authz_trust, a_folder_that_others_can_write_names_nobody)
{
	static const mode_t modes[] = { 0775, 0757, 01777 };

	serve_as(SERVER);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		cr_assert_eq(chmod(folder, modes[i]), 0);
		expect_refusal(path, "others can write");
	}
	cr_assert_eq(chmod(folder, 0755), 0);
	/* Nor does one in a folder where a stranger could have made it. */
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		cr_assert_eq(chmod(top, modes[i]), 0);
		expect_refusal(path, "others can write");
	}
	cr_assert_eq(chmod(top, 0755), 0);
	cr_assert_eq(chown(top, OTHER, 0), 0);
	expect_refusal(path, "belongs to uid 4712");
}

Test(authz_trust, links_are_followed_where_no_stranger_can_make_them)
{
	char link[96], by[128], said[512];

	serve_as(SERVER);
	snprintf(link, sizeof link, "%s/link", top);
	snprintf(by, sizeof by, "%s/s", link);
	cr_assert_eq(symlink("run", link), 0);
	cr_expect_eq(ask_by(by, said), AUTHZ_OK, "%s", said);
	cr_assert_eq(lchown(link, OTHER, 0), 0);
	expect_refusal(by, "belongs to uid 4712");
	cr_assert_eq(unlink(link), 0);
	/* The target of a link is on the way, too. */
	cr_assert_eq(symlink(folder, link), 0);
	cr_expect_eq(ask_by(by, said), AUTHZ_OK, "%s", said);
	snprintf(link, sizeof link, "%s/open", top);
	cr_assert_eq(mkdir(link, 0755), 0);
	cr_assert_eq(chmod(link, 01777), 0);
	snprintf(link, sizeof link, "%s/open/link", top);
	cr_assert_eq(symlink(folder, link), 0);
	snprintf(by, sizeof by, "%s/s", link);
	expect_refusal(by, "others can write");
	snprintf(link, sizeof link, "%s/way", top);
	cr_assert_eq(symlink("open/link", link), 0);
	snprintf(by, sizeof by, "%s/s", link);
	expect_refusal(by, "others can write");
}

Test(authz_trust, a_chain_of_links_is_followed_so_far)
{
	char from[96], to[96], by[128], said[512];

	serve_as(SERVER);
	snprintf(to, sizeof to, "%s", folder);
	for (int i = 0; i < 9; i++) {
		snprintf(from, sizeof from, "%s/l%d", top, i);
		cr_assert_eq(symlink(to, from), 0);
		snprintf(by, sizeof by, "%s/s", from);
		if (i < 8) {
			cr_expect_eq(ask_by(by, said), AUTHZ_OK, "%d: %s", i, said);
		} else {
			expect_refusal(by, "cannot be checked at");
		}
		snprintf(to, sizeof to, "%s", from);
	}
}

Test(authz_trust, the_number_of_unmapped_users_is_not_the_folders_owner)
{
	char said[512];
	struct authz_options options = { .socket = path, .timeout_ms = LONG_MS };

	cr_assert_eq(chown(folder, 65534, 65534), 0);
	serve_as(65534);
	cr_expect_eq(ask_by(path, said), AUTHZ_EPEER);
	cr_expect_not_null(strstr(said, "every user of another user namespace"), "%s", said);
	/* The one who names it knows that there is no other namespace. */
	options.server_uid = 65534;
	cr_expect_eq(ask(&options, said, sizeof said), AUTHZ_OK);
}

Test(authz_trust, nor_are_they_the_callers_own_user_if_it_has_that_number_too)
{
	char said[512];

	cr_assert_eq(chown(folder, 0, 0), 0);
	serve_as(65534);
	cr_assert_eq(chmod(path, 0666), 0);
	cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(ask_by(path, said), AUTHZ_EPEER);
	cr_expect_not_null(strstr(said, "every user of another user namespace"), "%s", said);
	cr_assert_eq(seteuid(0), 0);
}

Test(authz_trust, the_user_whom_the_caller_names_may_serve)
{
	struct authz_options options = { .socket = path, .timeout_ms = LONG_MS };
	struct authz *authz;
	char said[512];

	cr_assert_eq(chown(folder, 0, 0), 0);
	serve_as(SERVER);
	options.server_uid = SERVER;
	cr_expect_eq(ask(&options, said, sizeof said), AUTHZ_OK);
	setenv("AUTHZ_SERVER_USER", "4711", 1);
	cr_expect_eq(ask_by(path, said), AUTHZ_OK);
	/* The options come first. */
	options.server_uid = OTHER;
	cr_expect_eq(ask(&options, said, sizeof said), AUTHZ_EPEER);
	setenv("AUTHZ_SERVER_USER", "daemon", 1);
	expect_refusal(path, "the socket's folder");
	setenv("AUTHZ_SERVER_USER", "no-such-user-here", 1);
	options.server_uid = 0;
	cr_expect_eq(authz_create(&options, &authz), AUTHZ_EINVAL);
	setenv("AUTHZ_SERVER_USER", "", 1);
	expect_refusal(path, "the socket's folder");
}

Test(authz_trust, the_handle_says_who_served)
{
	struct authz_options options = { .socket = path, .timeout_ms = LONG_MS };
	struct authz *authz;

	cr_assert_eq(chown(folder, 0, 0), 0);
	cr_assert_eq(authz_create(&options, &authz), AUTHZ_OK);
	cr_expect_eq(authz_server(authz), (uid_t)-1);
	serve_as(SERVER);
	cr_expect_eq(authz_connect(authz), AUTHZ_EPEER);
	cr_expect_eq(authz_server(authz), SERVER);
	authz_destroy(authz);
}

Test(authz_trust, users_are_given_by_name_or_number, .init = NULL, .fini = NULL)
{
	static const char *const wrong[] = { "", "no-such-user-here", "1x", "-1", "4294967295",
		"99999999999999999999999" };
	uid_t uid = 7;

	cr_expect_eq(authz_find_user("root", &uid), AUTHZ_OK);
	cr_expect_eq(uid, 0);
	cr_expect_eq(authz_find_user("4294967294", &uid), AUTHZ_OK);
	cr_expect_eq(uid, 4294967294u);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		cr_expect_eq(authz_find_user(wrong[i], &uid), AUTHZ_EINVAL, "%s", wrong[i]);
	}
	cr_expect_eq(uid, 4294967294u);
	cr_expect_eq(authz_find_user(NULL, &uid), AUTHZ_EINVAL);
}
