/* SPDX-License-Identifier: Apache-2.0 */

/* policy try: states facts and asks a policy, line by line, without a daemon. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/ask/scene.h"
#include "policy/snapshot/condition.h"
#include "policy/text/nearest.h"
#include "tools/answer.h"
#include "tools/commands/commands.h"
#include "tools/policy.h"
#include "tools/story.h"
#include "tools/text.h"

/* Under an answer. */
#define STORY_INDENT 4

/* Lines of facts, without those that `forget` has ended. */
#define FACTS_MAX 1000

struct
try {
	struct app *app;
	struct policy policy;
	struct pol_scene *scene;
	struct pol_str facts[FACTS_MAX]; /* that stand, in their order */
	size_t fact_count;
	size_t line;   /* its number, from 1 */
	bool terminal; /* somebody types */
	bool explain;  /* answers have their story */
	bool question; /* the line is one without an expectation */
	bool failed;   /* a line was wrong, or an expectation did not come true */
	bool ended;
};

static const char help[] =
	"State facts as in a test; they stand until another line changes them:\n"
	"  as role A, B [at TREE:/PATH]    as principal ID    as nobody\n"
	"  and role C [at TREE:/PATH]      with scope S, T    key at TREE:/PATH\n"
	"  everyone role A [at TREE:/PATH]    anyone role A [at TREE:/PATH]\n"
	"  key active|inactive|expired|revoked|unknown|missing\n"
	"  service S    environment E    from ADDRESS    time T    mfa    peer USER\n"
	"  given resource.owner \"ann\", context.amount 500    given context.amount absent\n"
	"Ask:\n"
	"  GET api:/loans/7                may it? and why\n"
	"  GET, DELETE api:/loans/7, api:/loans/8\n"
	"  deny DELETE api:/loans/7 because role    is it so?\n"
	"And:\n"
	"  facts          those that were stated\n"
	"  forget         take all of them back\n"
	"  explain on|off whether answers say why (default: on)\n"
	"  reload         read the policy again; the facts stay\n"
	"  help, quit\n";

/* --- messages --------------------------------------------------------------------------------- */

static void complain(struct try *try, const char *message)
{
	try->failed = true;
	if (try->app->want_json) {
		app_list(try->app, json_object(), "lines");
		app_item(try->app, json_pack("{s:I, s:o}", "line", (json_int_t)try->line, "error",
					   document_text(message)));
		return;
	}
	fflush(stdout);
	if (!try->terminal) {
		fprintf(stderr, "line %zu: ", try->line);
	}
	fprintf(stderr, "%serror:%s %s\n", text_begin(try->app->colour_err, COLOUR_RED),
		text_end(try->app->colour_err, COLOUR_RED),
		text_escape(&try->app->arena, pol_str_of(message)));
}

static void complain_status(struct try *try, enum pol_status status)
{
	const struct pol_diags *diags = pol_scene_diags(try->scene);

	if (status == POL_EINVALID) {
		for (const struct pol_diag *diag = diags->first; diag != NULL; diag = diag->next) {
			complain(try, app_text(try->app, "%.*s", POL_STR_ARGS(diag->message)));
		}
	} else {
		complain(try, status == POL_ELIMIT ? "too long, or too many lines: 'forget' helps"
						   : "no memory left");
	}
}

static void put_json(struct try *try, const struct pol_scene_answer *answer)
{
	const struct pol_decision *decision = &answer->decision;

	app_list(try->app, json_object(), "lines");
	app_item(try->app,
		json_pack("{s:I, s:o, s:o, s:b, s:i, s:o, s:o*}", "line", (json_int_t)try->line,
			"action", document_str(answer->verb), "resource",
			document_str(answer->resource), "allow", decision->allow, "status",
			decision->status, "reason", document_str(decision->reason), "expected",
			try->question ? NULL : json_boolean(answer->holds)));
}

/* ": resource.owner, resource.status", the facts by whose absence it could not be decided. */
static const char *missing_text(const struct try *try, const struct pol_fact_set *missing)
{
	const struct pol_declared_fact *fact;
	const char *text = "";

	for (uint32_t i = 0; (fact = pol_condition_declared(try->policy.snapshot, i)) != NULL;
		i++) {
		if ((missing->words[i / 64] >> i % 64 & 1) != 0) {
			text = app_text(try->app, "%s%s%.*s", text, text[0] != '\0' ? ", " : ": ",
				POL_STR_ARGS(fact->name));
		}
	}
	return text;
}

static void on_answer(void *context, const struct pol_scene_answer *answer)
{
	struct try *try = context;
	struct app *app = try->app;
	const struct pol_decision *decision = &answer->decision;
	const char *what = text_escape(
		&app->arena, pol_str_of(app_text(app, "%.*s on %.*s", POL_STR_ARGS(answer->verb),
				     POL_STR_ARGS(answer->resource))));

	try->failed = try->failed || (!try->question && !answer->holds);
	if (app->want_json) {
		put_json(try, answer);
		return;
	}
	if (decision->allow) {
		printf("%sallow%s  %s", text_begin(app->colour, COLOUR_GREEN),
			text_end(app->colour, COLOUR_GREEN), what);
	} else {
		printf("%sdeny%s %u %.*s: %s%s", text_begin(app->colour, COLOUR_RED),
			text_end(app->colour, COLOUR_RED), (unsigned)decision->status,
			POL_STR_ARGS(decision->reason),
			answer_reason(
				app, app_text(app, "%.*s", POL_STR_ARGS(decision->reason)), what),
			missing_text(try, &decision->missing));
	}
	printf("%s\n", try->question   ? ""
		       : answer->holds ? "  (as expected)"
				       : "  (NOT as expected)");
	if (try->explain && answer->explanation != NULL) {
		story_print(app, answer->explanation, STORY_INDENT, stdout);
		putchar('\n');
	}
}

/* --- the policy ------------------------------------------------------------------------------- */

/* States the facts again, in a new scene. Those that the policy does not know any more are
 * reported and go. */
static int restate(struct try *try)
{
	size_t kept = 0;

	pol_scene_destroy(try->scene);
	try->scene = pol_scene_create(try->policy.snapshot);
	if (try->scene == NULL) {
		return app_fail(try->app, EXIT_DAEMON, "internal", "no memory left");
	}
	for (size_t i = 0; i < try->fact_count; i++) {
		bool question;
		enum pol_status status =
			pol_scene_line(try->scene, try->facts[i], on_answer, try, &question);

		if (status == POL_OK) {
			try->facts[kept++] = try->facts[i];
		} else {
			complain_status(try, status);
		}
	}
	try->fact_count = kept;
	return EXIT_YES;
}

static void reload(struct try *try)
{
	struct policy fresh = { .snapshot = NULL };
	int status = policy_load(try->app, try->app->args.words[0], &fresh);

	if (status != EXIT_YES || fresh.snapshot == NULL) {
		policy_show_diags(&fresh);
		policy_finish(&fresh);
		complain(try, "the policy does not load: the one of before stays");
		return;
	}
	pol_scene_destroy(try->scene);
	try->scene = NULL;
	policy_finish(&try->policy);
	try->policy = fresh;
	try->policy.host.asked.context = &try->policy.host;
	if (restate(try) != EXIT_YES) {
		try->ended = true;
	} else if (!try->app->want_json) {
		printf("revision %s\n", pol_snapshot_revision(try->policy.snapshot));
	}
}

/* --- lines ------------------------------------------------------------------------------------ */

static struct pol_str trim(struct pol_str line)
{
	while (line.len > 0 && strchr(" \t\r\n", line.ptr[line.len - 1]) != NULL) {
		line.len--;
	}
	while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t')) {
		line.ptr++;
		line.len--;
	}
	return line;
}

static struct pol_str first_word(struct pol_str line)
{
	size_t len = 0;

	while (len < line.len && line.ptr[len] != ' ' && line.ptr[len] != '\t') {
		len++;
	}
	return (struct pol_str){ line.ptr, len };
}

/* How lines of a test begin. */
static const char *const steps[] = { "as", "and", "with", "key", "mfa", "environment", "service",
	"from", "time", "peer", "given", "allow", "deny" };
static const char *const commands[] = { "help", "facts", "forget", "explain", "reload", "quit" };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool is_step(struct pol_str word)
{
	for (size_t i = 0; i < COUNT(steps); i++) {
		if (pol_str_equal(word, pol_str_of(steps[i]))) {
			return true;
		}
	}
	return false;
}

static void unknown_word(struct try *try, struct pol_str word)
{
	struct pol_nearest nearest = pol_nearest_to(word);

	for (size_t i = 0; i < COUNT(steps); i++) {
		pol_nearest_offer(&nearest, pol_str_of(steps[i]));
	}
	for (size_t i = 0; i < COUNT(commands); i++) {
		pol_nearest_offer(&nearest, pol_str_of(commands[i]));
	}
	complain(try, app_text(try->app, "unknown command '%.*s'" POL_NEAREST "%s",
			      POL_STR_ARGS(word), POL_NEAREST_ARGS(nearest),
			      nearest.best.len > 0 ? "" : ": 'help' lists what there is"));
}

static void keep_fact(struct try *try, struct pol_str line)
{
	struct pol_str copy = pol_arena_copy(&try->app->arena, line);

	if (try->fact_count == FACTS_MAX) {
		complain(try, "too many facts to keep over a reload: 'forget' helps");
	} else if (copy.ptr != NULL) {
		try->facts[try->fact_count++] = copy;
	}
}

/* A fact, an expectation, or a question, which is an expectation that says nothing. */
static void state_or_ask(struct try *try, struct pol_str line)
{
	struct pol_str word = first_word(line);
	struct pol_str text = line;
	bool question = false;
	enum pol_status status;

	try->question = !is_step(word);
	if (try->question) {
		/* A resource has a colon; without one the line asks nothing. */
		if (memchr(line.ptr, ':', line.len) == NULL) {
			unknown_word(try, word);
			return;
		}
		text = pol_str_of(app_text(try->app, "allow %.*s", POL_STR_ARGS(line)));
	}
	status = pol_scene_line(try->scene, text, on_answer, try, &question);
	if (status != POL_OK) {
		complain_status(try, status);
	} else if (!question) {
		keep_fact(try, line);
	}
}

static void show_facts(struct try *try)
{
	if (try->app->want_json) {
		return;
	}
	for (size_t i = 0; i < try->fact_count; i++) {
		text_put(stdout, try->facts[i]);
		putchar('\n');
	}
	if (try->fact_count == 0) {
		puts("none: an active key without a principal, role or scope asks");
	}
}

static void forget(struct try *try)
{
	try->fact_count = 0;
	try->ended = restate(try) != EXIT_YES;
}

static bool is_command(struct pol_str line, const char *command)
{
	return pol_str_equal(line, pol_str_of(command));
}

static void take_line(struct try *try, struct pol_str line)
{
	if (line.len == 0 || line.ptr[0] == '#') {
		return;
	}
	if (is_command(line, "quit") || is_command(line, "exit")) {
		try->ended = true;
	} else if (is_command(line, "help") || is_command(line, "?")) {
		fputs(try->app->want_json ? "" : help, stdout);
	} else if (is_command(line, "facts")) {
		show_facts(try);
	} else if (is_command(line, "forget")) {
		forget(try);
	} else if (is_command(line, "reload")) {
		reload(try);
	} else if (is_command(line, "explain on") || is_command(line, "explain off")) {
		try->explain = is_command(line, "explain on");
	} else {
		state_or_ask(try, line);
	}
}

static void prompt(const struct try *try)
{
	if (try->terminal) {
		fputs("> ", stdout);
	}
	fflush(stdout);
}

static void converse(struct try *try)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t len = 0;

	for (prompt(try); !try->ended && (len = getline(&text, &size, stdin)) >= 0;) {
		try->line++;
		take_line(try, trim((struct pol_str){ text, (size_t)len }));
		if (!try->ended) {
			prompt(try);
		}
	}
	if (try->terminal && len < 0) {
		putchar('\n');
	}
	free(text);
}

static int try_policy(struct try *try)
{
	struct app *app = try->app;
	int status = policy_need(app, app->args.words[0], &try->policy);

	if (status == EXIT_YES) {
		status = restate(try);
	}
	if (status != EXIT_YES) {
		return status;
	}
	if (try->terminal) {
		puts("State facts and ask: 'help' says how, and 'quit' ends.");
	}
	if (app->want_json) {
		app_list(app, json_object(), "lines");
	}
	converse(try);
	/* Who typed it has seen it. */
	return try->failed && !try->terminal ? EXIT_NO : EXIT_YES;
}

static int run(struct app *app)
{
	struct try try = {
		.app = app,
		.terminal =
			isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !app->want_json,
		.explain = true,
	};
	int status = try_policy(&try);

	pol_scene_destroy(try.scene);
	policy_finish(&try.policy);
	return status;
}

const struct command command_policy_try = {
	.name = "policy try",
	.words = "DIR",
	.summary = "State facts and ask a policy, line by line; no daemon is needed",
	.text = "Reads lines as those of a policy's tests: facts such as `as role clerk` or\n"
		"`from 10.0.0.1`, and questions such as `GET api:/loans/7`, which are answered\n"
		"with the rules and the lines of the stack that decided. `help` lists them all.\n"
		"From a file or a pipe, exit status 1 when a line was wrong or an `allow` or\n"
		"`deny` line is not so.\n",
	.examples = "  authzcheck policy try policy/\n"
		    "  printf 'as role clerk\\nGET api:/loans/7\\n' | authzcheck policy try "
		    "policy/\n",
	.flags = { FLAG_MODULES },
	.min_words = 1,
	.run = run,
};
