/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/env.h"
#include "tests/daemon/folder.h"

#define SENTENCE "a fault outside of the store; if the store is damaged, the next start says so"

TestSuite(fault, .init = folder_make, .fini = folder_remove);

static void by_itself(int ready)
{
	close(ready);
	abort();
}

static void by_another(int ready)
{
	close(ready);
	for (;;) {
		pause();
	}
}

/* Runs `end` in a process that has a store open. Gives the length of what that one writes to
 * standard error, and asserts that SIGABRT ends it. */
static size_t say_at_end(void (*end)(int ready), bool send, char *said, size_t size)
{
	int errors[2], ready[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;
	char byte;

	cr_assert_eq(pipe(errors), 0);
	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		dup2(errors[1], STDERR_FILENO);
		close(errors[1]);
		close(ready[0]);
		folder_store();
		end(ready[1]);
	}
	close(errors[1]);
	close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 0);
	if (send) {
		kill(pid, SIGABRT);
	}
	while (len < size - 1 && (n = read(errors[0], said + len, size - 1 - len)) > 0) {
		len += (size_t)n;
	}
	said[len] = '\0';
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%d: %s", status, said);
	close(errors[0]);
	close(ready[0]);
	return len;
}

/* As malloc(3) does, when a page that led LMDB out of its buffer has destroyed the heap. */
Test(fault, a_process_that_aborts_says_that_the_store_may_be_damaged)
{
	char said[1024];

	say_at_end(by_itself, false, said, sizeof said);
	cr_assert_not_null(strstr(said, SENTENCE), "%s", said);
	cr_assert_not_null(strstr(said, "signal=SIGABRT"), "%s", said);
	cr_assert_eq(strchr(said, '\n'), said + strlen(said) - 1, "once");
}

/* A supervisor does so when its watchdog was not heard. */
Test(fault, an_abort_that_another_process_sends_says_nothing_of_the_store)
{
	char said[1024];

	cr_assert_eq(say_at_end(by_another, true, said, sizeof said), 0, "%s", said);
}
