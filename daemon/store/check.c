/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/check.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/bytes.h"
#include "daemon/store/pages.h"
#include "daemon/store/trail_internal.h"

/* AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of linux/audit.h, whose other names are taken here. */
#if defined(__x86_64__)
#define OUR_ARCH 0xC000003E
#elif defined(__aarch64__)
#define OUR_ARCH 0xC00000B7
#endif

/* A sanitizer makes system calls of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(undefined_behavior_sanitizer)
#define SANITIZED 1
#endif
#endif

/* What the child leaves, in memory that it shares with the parent. */
struct report {
	atomic_int done;
	enum pages_fault fault;
	uint64_t page;
	int table;
	struct check_result result;
};

struct child {
	const struct check_file *file;
	enum check_depth depth;
	pid_t parent;
	struct report *report;
	struct store store;          /* its secrets alone are used */
	uint8_t before[STORE_CHAIN]; /* the tag of the trail's entry before */
};

/* --- tags, in the child ----------------------------------------------------------------------- */

static bool has_tag(int table)
{
	switch (table) {
	case STORE_META:
	case STORE_KEYS:
	case STORE_PRINCIPALS:
	case STORE_USES:
	case STORE_USED:
	case STORE_TENANTS:
	case STORE_ROLES:
	case STORE_RETRIES:
	case STORE_MARKS:
		return true;
	default:
		return false;
	}
}

/* The tag of an entry of the trail covers that of the entry before. */
static bool is_entry(struct child *child, struct pages_bytes value)
{
	const struct store_head *head = child->file->head;
	uint8_t tag[STORE_CHAIN];
	bool good;

	if (value.len < AUDIT_TEXT) {
		return false;
	}
	store_audit_chain(&child->store, value.at, value.len, tag);
	good = memcmp(tag, value.at + AUDIT_TAG, sizeof tag) == 0 &&
	       memcmp(child->before, value.at + AUDIT_BEFORE, sizeof tag) == 0;
	memcpy(child->before, value.at + AUDIT_TAG, sizeof tag);
	if (head != NULL && head->count == store_get64(value.at + AUDIT_SEQUENCE) &&
		memcmp(head->tag, tag, sizeof tag) == 0) {
		child->report->result.has_head = true;
	}
	return good;
}

static void on_record(void *context, int table, struct pages_bytes key, struct pages_bytes value)
{
	struct child *child = context;
	struct check_result *result = &child->report->result;
	MDB_val record = { value.len, (void *)(uintptr_t)value.at };
	struct check_altered *altered;

	if (!has_tag(table) && table != STORE_AUDIT) {
		return;
	}
	result->records++;
	if (table == STORE_AUDIT ? is_entry(child, value)
				 : store_unseal(&child->store, record, (enum store_table)table,
					   STORE_AT_BODY) != NULL) {
		return;
	}
	if (table == STORE_META && key.len == sizeof "check" - 1 &&
		memcmp(key.at, "check", key.len) == 0) {
		result->is_foreign = true;
	}
	if (result->altered++ < CHECK_MAX_LISTED) {
		altered = &result->listed[result->altered - 1];
		altered->table = table;
		altered->key_len = key.len < sizeof altered->key ? key.len : sizeof altered->key;
		memcpy(altered->key, key.at, altered->key_len);
	}
}

/* --- the child -------------------------------------------------------------------------------- */

/* From here on any system call but exit ends the child. */
static void confine(void)
{
#ifndef SANITIZED
	struct sock_filter filter[] = {
#ifdef OUR_ARCH
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
#endif
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* A kernel without filters leaves a child that has no descriptor and reads only. */
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}

static void *map_file(const struct check_file *file, size_t *out_size, bool whole)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0) {
		return MAP_FAILED;
	}
	*out_size = (size_t)st.st_size;
	/* All pages are read anyway: one call is cheaper than a fault each. */
	return mmap(
		NULL, *out_size, PROT_READ, MAP_SHARED | (whole ? MAP_POPULATE : 0), file->fd, 0);
}

static const char *const *table_names(const char *names[static STORE_TABLES])
{
	for (int i = 0; i < STORE_TABLES; i++) {
		names[i] = store_table_name((enum store_table)i);
	}
	return names;
}

/* Returns the child's exit status. */
static int run_child(struct child *child)
{
	const struct check_file *file = child->file;
	const char *names[STORE_TABLES];
	struct pages_walk walk = {
		.map_size = file->map_size,
		.leaves = child->depth >= CHECK_PAGES,
		.record = child->depth >= CHECK_RECORDS ? on_record : NULL,
		.context = child,
		.names = table_names(names),
		.name_count = STORE_TABLES,
	};
	void *bytes = map_file(file, &walk.size, walk.leaves);
	void *seen = mmap(NULL, file->map_size / PAGES_MIN_SIZE / 8 + 1, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (bytes == MAP_FAILED || seen == MAP_FAILED || getppid() != child->parent) {
		return 1;
	}
	walk.bytes = bytes;
	walk.seen = seen;
#ifndef SANITIZED
	syscall(SYS_close_range, 0U, ~0U, 0U);
#endif
	confine();
	pages_walk(&walk);
	child->report->fault = walk.fault;
	child->report->page = walk.page;
	child->report->table = walk.table;
	child->report->result.pages = walk.walked;
	atomic_store(&child->report->done, 1);
	return 0;
}

/* --- the parent ------------------------------------------------------------------------------- */

/* Returns the child's status as waitpid(2) has it, or a negative errno. */
static int fork_child(struct child *child)
{
	sigset_t all, old;
	pid_t pid;
	int status, r;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	child->parent = getpid();
	pid = fork();
	if (pid == 0) {
		_exit(run_child(child));
	}
	r = pid < 0 ? -errno : 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		return r;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return -errno;
		}
	}
	return status;
}

static const char advice[] = "put back a sound one, or restore a copy with `authzcheck store "
			     "restore`";
static const char first_start[] =
	"; if authzd was never ready on this folder, its first start was cut off: remove the file "
	"and start again";

/* Says what the child found. */
static int judge(const struct check_file *file, int status, const struct report *report,
	char why[static STORE_WHY])
{
	const char *table = report->table >= 0 && report->table < STORE_TABLES
				    ? store_table_name((enum store_table)report->table)
				    : "none of its own";

	if (WIFSIGNALED(status)) {
		return store_why(why, -EIO, "%s: is damaged: its check ended with signal %d: %s",
			file->path, WTERMSIG(status), advice);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || atomic_load(&report->done) == 0) {
		return store_why(why, -EAGAIN, "%s: cannot be checked: out of memory or processes",
			file->path);
	}
	if (report->fault == PAGES_SOUND && file->head != NULL && file->head->count > 0 &&
		!report->result.has_head) {
		return store_why(why, -EBADMSG,
			"%s: lacks record %" PRIu64 " of its audit trail, which its head names: it "
			"was rolled back or is another store: %s",
			file->path, file->head->count, advice);
	}
	if (report->fault == PAGES_SOUND) {
		return 0;
	}
	if (report->page < 2) {
		return store_why(why, -EIO,
			"%s: is not a store, or is damaged: page %" PRIu64 ": %s: %s%s", file->path,
			report->page, pages_explain(report->fault), advice, first_start);
	}
	return store_why(why, -EIO, "%s: is damaged: page %" PRIu64 " (table %s): %s: %s",
		file->path, report->page, table, pages_explain(report->fault), advice);
}

int check_run(const struct check_file *file, enum check_depth depth, struct check_result *out,
	char why[static STORE_WHY])
{
	union {
		const struct secrets *in;
		struct secrets *out;
	} same = { .in = file->secrets };
	struct child child = { .file = file, .depth = depth, .store = { .secrets = same.out } };
	int status, r;

	child.report = mmap(NULL, sizeof *child.report, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (child.report == MAP_FAILED) {
		return store_why(why, -ENOMEM, "out of memory");
	}
	status = fork_child(&child);
	if (status < 0) {
		r = store_why(
			why, status, "%s: cannot be checked: %s", file->path, strerror(-status));
	} else {
		r = judge(file, status, child.report, why);
	}
	*out = child.report->result;
	munmap(child.report, sizeof *child.report);
	return r;
}

void check_describe(const struct check_altered *altered, char *out, size_t size)
{
	const char *table = altered->table >= 0 && altered->table < STORE_TABLES
				    ? store_table_name((enum store_table)altered->table)
				    : "?";
	size_t len = (size_t)snprintf(out, size, "%s ", table);
	bool text = true;
	/* These begin with the tenant's number. */
	size_t skip = altered->table == STORE_PRINCIPALS || altered->table == STORE_ROLES ? 4 : 0;

	skip = skip < altered->key_len ? skip : 0;
	for (size_t i = skip; i < altered->key_len; i++) {
		text = text && altered->key[i] > ' ' && altered->key[i] < 0x7f;
	}
	for (size_t i = text ? skip : 0; i < altered->key_len && len + 3 < size; i++) {
		len += (size_t)snprintf(
			out + len, size - len, text ? "%c" : "%02x", (unsigned)altered->key[i]);
	}
}
