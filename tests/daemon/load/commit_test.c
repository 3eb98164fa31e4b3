/* SPDX-License-Identifier: Apache-2.0 */
/* What .authz-revision and the files of git say, written by hand here; tests/e2e has real work
 * trees. */
#include "daemon/load/commit.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "tests/daemon/folder.h"

#define SHA1   "0123456789abcdef0123456789abcdef01234567"
#define SHA256 SHA1 "0123456789abcdef01234567"
#define OTHER  "ffffffffffffffffffffffffffffffffffffffff"

static struct folder_owners owners;
static char got[COMMIT_TEXT], why[FOLDER_WHY];

static void setup(void)
{
	folder_make();
	owners = (struct folder_owners){ .uids = { geteuid() }, .count = 1 };
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", folder_name);
	cr_assert_eq(system(command), 0);
}

TestSuite(commit, .init = setup, .fini = teardown);

static void make(const char *name)
{
	char path[256];

	folder_path(path, sizeof path, name);
	cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
}

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	folder_path(path, sizeof path, name);
	file = fopen(path, "w");
	cr_assert_not_null(file, "%s", path);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(chmod(path, 0644), 0);
}

static int ask(const char *name)
{
	char path[256];

	folder_path(path, sizeof path, name);
	why[0] = '\0';
	return commit_read(path, &owners, got, why);
}

static void expect(const char *commit)
{
	int r = ask("policy");

	cr_expect_eq(r, 0, "%d: %s", r, why);
	cr_expect_str_eq(got, commit);
}

/* Refused, with a word of the reason. */
static void refused(const char *word)
{
	int r = ask("policy");

	cr_expect(r < 0 && r != -ENOENT, "%d", r);
	cr_expect_not_null(strstr(why, word), "%s", why);
	cr_expect_str_empty(got);
}

static void make_work_tree(const char *head)
{
	make("policy");
	make(".git");
	make(".git/refs");
	make(".git/refs/heads");
	put(".git/HEAD", head);
}

Test(commit, a_folder_outside_of_work_trees_has_none)
{
	make("policy");
	cr_expect_eq(ask("policy"), -ENOENT);
	cr_expect_str_empty(why);
	cr_expect_eq(ask("missing"), -ENOENT);
}

Test(commit, the_file_of_an_export_says_it)
{
	make_work_tree(OTHER "\n");
	put("policy/" COMMIT_FILE, SHA256 "\r\nmore\n");
	expect(SHA256);
	put("policy/" COMMIT_FILE, "release-4.2+b:7");
	expect("release-4.2+b:7");
	put("policy/" COMMIT_FILE, "$Format:%H$\n");
	expect(OTHER);
}

Test(commit, a_file_of_an_export_that_says_nothing_sensible_is_refused)
{
	make_work_tree(OTHER "\n");
	put("policy/" COMMIT_FILE, "");
	refused("its first line is to be a commit");
	put("policy/" COMMIT_FILE, "two words\n");
	refused("its first line");
	put("policy/" COMMIT_FILE, "\x1b[31mred\n");
	refused("its first line");
	put("policy/" COMMIT_FILE, SHA256 "0\n");
	refused("its first line");
}

Test(commit, head_is_a_commit_or_a_reference)
{
	make_work_tree(SHA1 "\n");
	expect(SHA1);
	put(".git/HEAD", SHA256 "\n");
	expect(SHA256);
	put(".git/HEAD", "ref: refs/heads/main\n");
	put(".git/refs/heads/main", OTHER "\n");
	expect(OTHER);
	put(".git/refs/heads/main", "ref: refs/heads/other\n");
	put(".git/refs/heads/other", SHA1 "\n");
	expect(SHA1);
}

Test(commit, a_reference_may_be_packed)
{
	make_work_tree("ref: refs/heads/main");
	put(".git/packed-refs",
		"# pack-refs with: peeled fully-peeled sorted \n" OTHER " refs/heads/mai\n" OTHER
		" refs/heads/main2\n" SHA1 " refs/heads/main\n^" OTHER "\n");
	expect(SHA1);
	put(".git/refs/heads/main", OTHER "\n");
	expect(OTHER);
}

Test(commit, a_branch_without_a_commit_has_none)
{
	make_work_tree("ref: refs/heads/main\n");
	cr_expect_eq(ask("policy"), -ENOENT);
	put(".git/packed-refs", "");
	cr_expect_eq(ask("policy"), -ENOENT);
}

Test(commit, what_is_neither_commit_nor_reference_is_refused)
{
	static const char *const heads[] = { "", "main\n", "ref: refs/../../secret\n",
		"ref: /etc/passwd\n", "ref: refs/\n", SHA1 "0\n",
		"0123456789ABCDEF0123456789ABCDEF01234567\n" };

	make_work_tree("");
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		put(".git/HEAD", heads[i]);
		refused("neither a commit nor a reference");
	}
	put(".git/HEAD", "ref: refs/heads/main\n");
	put(".git/refs/heads/main", "ref: refs/heads/main\n");
	refused("too many references");
}

Test(commit, a_further_work_tree_has_its_own_head)
{
	make("policy");
	make("main");
	make("main/worktrees");
	make("main/worktrees/w");
	make("main/refs");
	make("main/refs/heads");
	put("policy/.git", "gitdir: ../main/worktrees/w\n");
	put("main/worktrees/w/HEAD", "ref: refs/heads/side\n");
	put("main/worktrees/w/commondir", "../..\n");
	put("main/refs/heads/side", SHA1 "\n");
	expect(SHA1);
	put("policy/.git", "gitdir: ../elsewhere\n");
	refused("No such file");
	put("policy/.git", "nothing\n");
	refused("names no folder");
}

Test(commit, what_others_could_write_is_not_believed)
{
	char path[256];

	make_work_tree(SHA1 "\n");
	expect(SHA1);
	folder_path(path, sizeof path, ".git/HEAD");
	cr_assert_eq(chmod(path, 0664), 0);
	refused("not believed");
	cr_assert_eq(chmod(path, 0644), 0);
	folder_path(path, sizeof path, ".git");
	cr_assert_eq(chmod(path, 0777), 0);
	refused("not believed");
	cr_assert_eq(chmod(path, 0755), 0);
	if (geteuid() == 0) {
		cr_assert_eq(chown(path, 54321, 54321), 0);
		refused("not believed");
	}
}

Test(commit, what_is_not_a_file_or_too_large_is_refused)
{
	char path[256], *text = malloc(5000);

	make_work_tree("");
	folder_path(path, sizeof path, ".git/HEAD");
	cr_assert_eq(unlink(path), 0);
	make(".git/HEAD");
	refused("not a regular file");
	cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(mkfifo(path, 0644), 0);
	refused("not a regular file");
	cr_assert_eq(unlink(path), 0);
	memset(text, 'a', 4999);
	text[4999] = '\0';
	put(".git/HEAD", text);
	refused("too large");
	free(text);
}
