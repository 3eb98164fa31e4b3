/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/compiled.h"
#include "tests/often.h"
#include "tests/policy/load.h"

/*
 * Two mistakes in one folder give the messages of each alone. Both are added to a valid policy,
 * each in a file of its own, one of them mostly in a tree. There is no message about the policy
 * itself, although its grants may select what a mistake removed.
 */

#define ROUNDS    OFTEN(4000)
#define TEXT_ROOM 8192

/* What a message depends on, so that another mistake there may suppress it. */
enum reach {
	REACH_NODE,  /* a node: patterns are looked for there */
	REACH_WILD,  /* what is below a node's parameter */
	REACH_PLACE, /* a node, and the way there from the root: a place */
	REACH_CHAIN, /* a node, and the blocks around it */
	REACH_TREE,  /* all of a tree */
	REACH_NAMES, /* names of trees */
	REACH_NONE
};

/* In the text @ is the node as a prefix of patterns, ~ the same of places, % the tree. */
struct mistake {
	const char *text;
	enum reach reach;
	/* A grant on the node that gives no message of its own: the mistake may have removed what
	 * it selects. */
	const char *lost;
};

/* Inside the block of a node. */
static const struct mistake in_trees[] = {
	{ "GET, GET", REACH_NODE, "allow GET on @" },
	{ "walrus TRACE PUT TRACE", REACH_NODE, "allow walrus, PUT on @" },
	{ "walrus TRACE, walrus CONNECT", REACH_NODE, "allow CONNECT on @" },
	{ "/{walrus} { GET }\n/{seal} { badger, badger TRACE }", REACH_WILD,
		"allow badger on @/{seal}" },
	{ "/{walrus} { GET }\n/{seal} { badger, /x { TRACE } }", REACH_WILD,
		"allow badger on @/{walrus}\nallow TRACE on @/{walrus}/x" },
	{ "/{walrus} { GET }\n/{seal...} { badger PUT }", REACH_WILD,
		"allow badger on @/{seal...}" },
	{ "/{seal...} { /walrus { badger PUT } }", REACH_WILD, "allow badger on @/**" },
	{ "/walrus \"one\" { GET }\n/walrus \"two\" { badger PUT }", REACH_NODE,
		"allow badger on @/walrus" },
	{ "/walrus, /walrus { badger PUT }", REACH_NODE, "allow badger on @/walrus" },
	{ "badger PUT, PATCH", REACH_NODE, "allow badger on @" },
	{ "GTE", REACH_NODE, NULL },
	{ "walrus TRCAE", REACH_NODE, "allow walrus, TRACE on @" },
	{ "walrus FROBNICATE", REACH_NODE, "allow walrus, seal on @" },
	{ "FROBNICATE", REACH_NODE, "allow walrus on @" },
	{ "walrus GET seal PUT", REACH_NODE, "allow seal on @" },
	{ "walrus Without quotes", REACH_NODE, "allow walrus on @" },
	{ "wal;rus GET", REACH_NODE, "allow seal on @" },
	{ "\"walrus\" { badger }", REACH_NODE, "allow badger on @/walrus" },
	{ "walrus { badger, badger }", REACH_NODE, "allow badger on @/walrus" },
	{ "/{walrus}x { badger GET, /y { GET, GET } }", REACH_NODE, "allow badger on @/{walrus}" },
	{ "/walrus//x { badger GET }", REACH_NODE, NULL },
	{ "/walrus/ { badger GET }", REACH_NODE, "allow badger on @/walrus" },
	{ "/wal%rus { badger GET }", REACH_NODE, "allow badger on @/walrus" },
	{ "/* { badger GET }", REACH_NODE, "allow badger on @/{walrus}" },
	{ "/walrus\n", REACH_NODE, "allow badger on @/walrus" },
	{ "/walrus, seal { badger }", REACH_NODE, "allow badger on @/walrus" },
	{ "/walrus\n{ badger }", REACH_NODE, "allow badger on @/walrus" },
	{ "allow GET on api:/walrus", REACH_NODE, NULL },
	{ "walrus TRACE { badger }", REACH_NODE, "allow walrus, badger on @" },
	{ "TRACE { badger }", REACH_NODE, "allow TRACE on @" },
	{ "/walrus { badger", REACH_CHAIN, "allow badger on @/walrus" },
	{ "/walrus { /seal { badger\n/otter { badger } }", REACH_CHAIN,
		"allow badger on @/walrus/otter" },
	{ "/walrus { badger } } }\n/seal { badger }\n}", REACH_TREE, "allow badger on @/seal" },
};

/* Statements. */
static const struct mistake statements[] = {
	{ "tree { /walrus { badger, badger } }", REACH_NAMES, "allow badger on seal:/walrus" },
	{ "tree Seal { /walrus { badger, badger } }", REACH_NAMES, "allow badger on seal:/walrus" },
	{ "tree authz { /walrus { badger, badger } }", REACH_NONE,
		"allow badger on authz:/walrus" },
	{ "role one { allow all on @/pelican }", REACH_NODE, NULL },
	{ "role one { allow all on @/{pelican} }", REACH_NODE, NULL },
	{ "role one { allow all on pelican:/walrus }", REACH_NAMES, NULL },
	{ "role one { allow pelican on @ }", REACH_NODE, NULL },
	{ "role one { allow SEARCH on @ }", REACH_NODE, NULL },
	{ "role one { allow SEARCH on @ except pelican }", REACH_NODE, NULL },
	{ "role one { alow all on @ }", REACH_NONE, NULL },
	{ "role one { allow all on @/{pelican} }\nrole one { allow all on @/pelican }\n",
		REACH_NODE, NULL },
	{ "role one inherits pelican\nrole one inherits heron\n", REACH_NONE, NULL },
	{ "role { allow pelican on @ }\n", REACH_NODE, NULL },
	{ "role one inherits two\nrole two inherits one", REACH_NONE, NULL },
	{ "role one { }", REACH_NONE, NULL },
	{ "scope one includes two\nscope two includes one", REACH_NONE, NULL },
	{ "scope one includes pelican", REACH_NONE, NULL },
	{ "role one { }\nrole two { }\nexclusive one, two\nrole six inherits one, two", REACH_NONE,
		NULL },
	{ "exclusive pelican, heron", REACH_NONE, NULL },
	{ "limits { key_ttl 3d\nkey_max_ttl 2d\npelican 3 }", REACH_NONE, NULL },
	{ "environment one prefix one_live_\nenvironment one prefix one_test_", REACH_NONE, NULL },
	{ "principal one { role pelican }\nprincipal one { role heron\npeer user x\npeer user x }",
		REACH_NONE, NULL },
	{ "principal { role pelican }", REACH_NONE, NULL },
	{ "principal one { role pelican at ~/pelican/heron }", REACH_PLACE, NULL },
	{ "stack one { authenticate required pelican\nauthorize required role }", REACH_NONE,
		NULL },
	{ "stack one { account required permit }\nstack one { account required pelican }\n",
		REACH_NONE, NULL },
	{ "stack { account required pelican }\n", REACH_NONE, NULL },
	{ "stack one { account include two }\nstack two { account include one }", REACH_NONE,
		NULL },
	{ "stack one { authenticate required warn\nauthorize required role }", REACH_NONE, NULL },
	{ "test \"one\" { as role pelican\nallow GET ~ }", REACH_NONE, NULL },
	{ "test { as principal pelican\ndeny GET ~ because heron }", REACH_NONE, NULL },
	{ "test \"one\" { deny pelican ~ }", REACH_PLACE, NULL },
	{ "test \"one\" { key at ~/pelican/heron\ndeny GET ~ }", REACH_PLACE, NULL },
	{ "test \"one\" { environment pelican\n service pelican\n deny GET ~ }", REACH_NONE, NULL },
	{ "test \"one\" { as nobody }", REACH_NONE, NULL },
	{ "pelican", REACH_NONE, NULL },
};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static uint64_t state = 20261128;

static uint32_t roll(size_t sides)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((state >> 33) % sides);
}

struct text {
	char at[TEXT_ROOM];
	size_t len;
};

static void add(struct text *text, const char *what, size_t len)
{
	cr_assert_lt(text->len + len, TEXT_ROOM);
	memcpy(text->at + text->len, what, len);
	text->len += len;
	text->at[text->len] = '\0';
}

/* Appends the node's path as a tree declares it, or a place on it; nothing for a root. */
static void add_path(
	const struct pol_snapshot *policy, uint32_t number, bool concrete, struct text *out)
{
	const struct pol_node *node = &policy->nodes[number];

	if (node->parent == POL_NONE) {
		return;
	}
	add_path(policy, node->parent, concrete, out);
	add(out, "/", 1);
	if (node->kind == POL_SEGMENT_LITERAL) {
		add(out, node->name.ptr, node->name.len);
	} else if (concrete) {
		add(out, "4711", 4);
	} else {
		add(out, "{", 1);
		add(out, node->name.ptr, node->name.len);
		add(out, "}", 1);
	}
}

/* Fills the node in. A lone `@` at a root is its "/". */
static void fill(
	const struct pol_snapshot *policy, uint32_t node, const char *from, struct text *out)
{
	struct pol_str tree = policy->trees[policy->nodes[node].tree].name;

	for (; *from != '\0'; from++) {
		if (*from != '@' && *from != '~') {
			add(out, from, 1);
			continue;
		}
		add(out, tree.ptr, tree.len);
		add(out, ":", 1);
		add_path(policy, node, *from == '~', out);
		if (policy->nodes[node].parent == POL_NONE && from[1] != '/') {
			add(out, "/", 1);
		}
	}
}

struct planted {
	const struct mistake *mistake;
	uint32_t node;
	bool in_tree;
	struct text text;
};

static void write_down(const struct pol_snapshot *policy, struct planted *planted)
{
	struct pol_str tree = policy->trees[policy->nodes[planted->node].tree].name;
	bool root = policy->nodes[planted->node].parent == POL_NONE;
	struct text *out = &planted->text;

	out->len = 0;
	if (!planted->in_tree) {
		fill(policy, planted->node, planted->mistake->text, out);
		add(out, "\n", 1);
		return;
	}
	add(out, "tree ", 5);
	add(out, tree.ptr, tree.len);
	add(out, " {\n", 3);
	add_path(policy, planted->node, false, out);
	add(out, root ? "" : " {\n", root ? 0 : 3);
	fill(policy, planted->node, planted->mistake->text, out);
	add(out, root ? "\n}\n" : "\n}\n}\n", root ? 3 : 5);
}

static uint32_t pick_node(const struct pol_snapshot *policy)
{
	/* The built-in tree is the last one. */
	uint32_t count = policy->trees[policy->tree_count - 1].root;
	uint32_t node;

	do {
		node = roll(count);
	} while (policy->nodes[node].kind == POL_SEGMENT_REST);
	return node;
}

static bool is_above(const struct pol_snapshot *policy, uint32_t upper, uint32_t node)
{
	return upper <= node && node < policy->nodes[upper].end;
}

/* May one mistake suppress the message of the other? */
static bool may_hide(
	const struct pol_snapshot *policy, const struct planted *one, const struct planted *other)
{
	enum reach reach = other->mistake->reach;

	if (one->mistake->reach == REACH_NAMES) {
		return reach == REACH_NAMES;
	}
	if (!one->in_tree || reach == REACH_NONE || reach == REACH_NAMES) {
		return false;
	}
	if (one->mistake->reach == REACH_TREE ||
		(one->mistake->reach == REACH_CHAIN && reach == REACH_PLACE)) {
		return policy->nodes[one->node].tree == policy->nodes[other->node].tree;
	}
	if (one->mistake->reach == REACH_CHAIN && is_above(policy, other->node, one->node)) {
		return true;
	}
	if (one->mistake->reach == REACH_WILD && reach != REACH_PLACE) {
		uint32_t wild = policy->nodes[one->node].wild;

		return wild != POL_NONE && is_above(policy, wild, other->node);
	}
	return reach == REACH_PLACE ? is_above(policy, one->node, other->node)
				    : one->node == other->node;
}

/* Is it a place on a node that takes any value as a child? Then any place there is valid. */
static bool leads_on(const struct pol_snapshot *policy, const struct planted *planted)
{
	return planted->mistake->reach == REACH_PLACE &&
	       policy->nodes[planted->node].wild != POL_NONE;
}

/* Are the messages of the two independent of each other? */
static bool are_apart(
	const struct pol_snapshot *policy, const struct planted *one, const struct planted *other)
{
	if (leads_on(policy, one) || leads_on(policy, other)) {
		return false;
	}
	if (one->in_tree && other->in_tree) {
		return !is_above(policy, one->node, other->node) &&
		       !is_above(policy, other->node, one->node) &&
		       one->mistake->reach != REACH_CHAIN && other->mistake->reach != REACH_CHAIN &&
		       one->mistake->reach != REACH_TREE && other->mistake->reach != REACH_TREE;
	}
	return one->in_tree != other->in_tree && !may_hide(policy, one, other) &&
	       !may_hide(policy, other, one);
}

/* --- what is said --- */

#define SAID_ROOM 100

struct said {
	char *lines[SAID_ROOM];
	size_t count;
	size_t errors;
	size_t of_policy; /* errors in the valid policy's own files */
};

static int compare(const void *a, const void *b)
{
	char *const *left = a;
	char *const *right = b;

	return strcmp(*left, *right);
}

/* Keeps the position of a message and its beginning: the rest may depend on what else is declared
 * there. */
static void say(struct said *said, struct pol_str file, uint32_t line, uint32_t column,
	struct pol_str message)
{
	const char *space = memchr(message.ptr, ' ', message.len);
	int word = space != NULL ? (int)(space - message.ptr) : (int)message.len;
	char text[POL_DIAG_MESSAGE_MAX + 64];

	snprintf(text, sizeof text, "%.*s:%u:%u %.*s", POL_STR_ARGS(file), line, column, word,
		message.ptr);
	cr_assert_lt(said->count, SAID_ROOM);
	said->lines[said->count] = malloc(strlen(text) + 1);
	cr_assert_not_null(said->lines[said->count]);
	strcpy(said->lines[said->count++], text);
}

/* Compiles the policy with the planted files after its own. */
static void judge(const struct loaded *policy, const struct planted *one,
	const struct planted *other, struct said *out)
{
	struct pol_source sources[20];
	size_t count = policy->count;
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	*out = (struct said){ 0 };
	memcpy(sources, policy->sources, count * sizeof *sources);
	if (one != NULL) {
		sources[count++] =
			(struct pol_source){ POL_STR("one"), { one->text.at, one->text.len } };
	}
	if (other != NULL) {
		sources[count++] = (struct pol_source){ POL_STR("other"),
			{ other->text.at, other->text.len } };
	}
	pol_diags_init(&diags, sources, count);
	(void)pol_compile(sources, count, NULL, &diags, &snapshot);
	out->errors = diags.errors;
	for (const struct pol_diag *diag = diags.first; diag != NULL; diag = diag->next) {
		if (diag->at.file < policy->count) {
			out->of_policy += diag->severity == POL_SEVERITY_ERROR;
			continue;
		}
		say(out, diag->file, diag->line, diag->column, diag->message);
		for (const struct pol_diag_note *note = diag->notes; note != NULL;
			note = note->next) {
			say(out, note->file, note->line, note->column, note->message);
		}
	}
	pol_snapshot_unref(snapshot);
	pol_diags_finish(&diags);
}

static void join(struct said *into, struct said *from)
{
	for (size_t i = 0; i < from->count; i++) {
		cr_assert_lt(into->count, SAID_ROOM);
		into->lines[into->count++] = from->lines[i];
	}
	from->count = 0;
}

static void forget(struct said *said)
{
	for (size_t i = 0; i < said->count; i++) {
		free(said->lines[i]);
	}
	said->count = 0;
}

static void expect_equal(struct said *both, struct said *each, const struct planted *one,
	const struct planted *other)
{
	bool equal = both->count == each->count;

	qsort(both->lines, both->count, sizeof *both->lines, compare);
	qsort(each->lines, each->count, sizeof *each->lines, compare);
	for (size_t i = 0; equal && i < both->count; i++) {
		equal = strcmp(both->lines[i], each->lines[i]) == 0;
	}
	if (equal) {
		return;
	}
	for (size_t i = 0; i < both->count; i++) {
		fprintf(stderr, "of both: %s\n", both->lines[i]);
	}
	for (size_t i = 0; i < each->count; i++) {
		fprintf(stderr, "of each: %s\n", each->lines[i]);
	}
	cr_expect_fail("one:\n%s\nother:\n%s", one->text.at, other->text.at);
}

static const struct mistake *pick(bool in_tree)
{
	return in_tree ? &in_trees[roll(COUNT(in_trees))] : &statements[roll(COUNT(statements))];
}

static void try_pair(const struct loaded *policy)
{
	static struct planted one, other;
	struct said both, each, rest;

	do {
		one = (struct planted){ .in_tree = roll(4) != 0 };
		other = (struct planted){ .in_tree = one.in_tree ? roll(4) == 0 : true };
		one.mistake = pick(one.in_tree);
		other.mistake = pick(other.in_tree);
		one.node = pick_node(policy->snapshot);
		other.node = pick_node(policy->snapshot);
	} while (!are_apart(policy->snapshot, &one, &other));
	write_down(policy->snapshot, &one);
	write_down(policy->snapshot, &other);
	judge(policy, &one, NULL, &each);
	judge(policy, NULL, &other, &rest);
	cr_expect_gt(each.count, 0, "no message for\n%s", one.text.at);
	cr_expect_gt(rest.count, 0, "no message for\n%s", other.text.at);
	join(&each, &rest);
	judge(policy, &one, &other, &both);
	expect_equal(&both, &each, &one, &other);
	cr_expect_eq(both.of_policy, 0, "a message about the policy itself for\n%s\nor\n%s",
		one.text.at, other.text.at);
	forget(&both);
	forget(&each);
}

/* A grant on what the mistake removed gives no message of its own. */
static void try_lost(const struct loaded *policy, const struct mistake *mistake, bool in_tree)
{
	static struct planted one, grant;
	struct mistake role = { .reach = REACH_NODE };
	struct said alone, both;
	char text[256];

	if (mistake->lost == NULL) {
		return;
	}
	one = (struct planted){ .mistake = mistake, .in_tree = in_tree };
	one.node = pick_node(policy->snapshot);
	snprintf(text, sizeof text, "role last { %s }", mistake->lost);
	role.text = text;
	grant = (struct planted){ .mistake = &role, .node = one.node };
	write_down(policy->snapshot, &one);
	write_down(policy->snapshot, &grant);
	judge(policy, &one, NULL, &alone);
	judge(policy, &one, &grant, &both);
	expect_equal(&both, &alone, &one, &grant);
	forget(&alone);
	forget(&both);
}

static const char *const files[] = {
	"tests/corpus/accept/the-page.policy",
	"tests/corpus/accept/suffixes.policy",
	"tests/corpus/accept/principals.policy",
	"policy/examples/booking/booking.policy",
	"policy/examples/lendiq/lendiq.policy",
	"policy/examples/loop/loop.policy",
};

static struct loaded load(size_t i)
{
	struct loaded policy =
		i < COUNT(files) ? load_file(files[i]) : load_folder("policy/examples/loanpro");

	cr_assert_not_null(policy.snapshot, "%s", policy.said);
	return policy;
}

Test(mistakes, two_mistakes_give_the_messages_of_each)
{
	for (size_t i = 0; i <= COUNT(files); i++) {
		struct loaded policy = load(i);

		for (int k = 0; k < ROUNDS / (int)(COUNT(files) + 1); k++) {
			try_pair(&policy);
		}
		unload(&policy);
	}
}

Test(mistakes, what_a_mistake_removed_gives_no_message_of_its_own)
{
	for (size_t i = 0; i <= COUNT(files); i++) {
		struct loaded policy = load(i);

		for (size_t k = 0; k < COUNT(in_trees); k++) {
			try_lost(&policy, &in_trees[k], true);
		}
		for (size_t k = 0; k < COUNT(statements); k++) {
			try_lost(&policy, &statements[k], false);
		}
		unload(&policy);
	}
}
