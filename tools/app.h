/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * app: one run of authzcheck, and what a subcommand is.
 *
 * A struct app lives on main's stack and is passed down; there is no other state. Memory for output
 * and arguments comes from its arena and lives until the end.
 *
 * A subcommand is a row of a const table. It writes either text to standard output or, with --json,
 * gives app_document one document, which may begin with a list (app_list); it reports an error with
 * app_fail, once, and returns the exit status. Nothing here is thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/text/arena.h"
#include "policy/text/str.h"
#include "tools/args.h"
#include "tools/document.h"

/* Exit statuses. */
enum {
	EXIT_YES = 0,    /* allowed, done, clean */
	EXIT_NO = 1,     /* denied, failed, invalid, found something, refused */
	EXIT_USAGE = 2,  /* usage, unreadable input, invalid request */
	EXIT_DAEMON = 3, /* no daemon, deadline, overloaded, internal */
};

/* Of one run; enough to draw a million nodes. */
#define APP_ARENA_LIMIT ((size_t)2 << 30)

/* The protocol's bound for a token. */
#define APP_TOKEN 512

struct rpc;

struct app {
	const struct command *command;
	struct args args;
	struct pol_arena arena;
	bool want_json;
	size_t format;             /* which of the command's formats */
	bool colour;               /* on standard output */
	bool colour_err;           /* on standard error */
	json_t *document;          /* what --json prints at the end; NULL: nothing */
	struct document_list list; /* what --json has printed before that, if it was begun */
	bool failed;               /* app_fail was called */
	bool silent;               /* nothing goes to standard error: the caller reads `document` */
	bool may_be_forbidden;     /* a call that is `forbidden` is EXIT_NO and not reported */
	bool not_everywhere;       /* some hosts did not report a change */
	bool no_memory;            /* for the document */
	struct {
		pid_t pid;    /* 0: it was not begun; -1: it has ended */
		int terminal; /* the standard output of before */
	} pager;              /* see pager.h */
	struct rpc *rpc;
	int64_t now; /* Unix seconds, at the start */
	/* The token that the command manages by (token.h); without one the peer counts. Or the one
	 * that http-check sends. It is wiped at the end. */
	char token[APP_TOKEN];
	size_t token_len;
};

/* Options of one command. */
#define COMMAND_MAX_FLAGS 16

/* Values of its --format. */
#define COMMAND_MAX_FORMATS 5

/* For max_words: any number of words, each of them of the kind of the first. */
#define COMMAND_MANY_WORDS SIZE_MAX

struct bulk;
struct list;

/* A row of the tables in commands/. `run` reads those of the last fields that it needs. */
struct command {
	const char *name;                       /* "key create": what stands on the command line */
	const char *words;                      /* its arguments: "PRINCIPAL ROLE"; NULL: none */
	const char *summary;                    /* one line */
	const char *text;                       /* a paragraph or more, lines broken; may be NULL */
	const char *examples;                   /* lines of shell; never with a secret */
	enum flag flags[COMMAND_MAX_FLAGS + 1]; /* FLAG_NONE ends them */
	/* What --format may be, up to NULL; the first one is the default. "json" is --json. */
	const char *formats[COMMAND_MAX_FORMATS + 1];
	size_t min_words;
	size_t max_words; /* 0: min_words; or COMMAND_MANY_WORDS */
	bool by_token;    /* manages, and takes --token and --token-file for all its calls */
	bool long_work;   /* its call takes as long as the store is large */
	bool asks; /* decides, or goes by a token of its own: the socket for decisions does */
	bool all_tenants; /* --tenant '*' is all of them */
	bool edits;       /* an empty value removes what is there; at least one option is needed */
	int (*run)(struct app *app);
	const char *method; /* of the daemon, that it calls */
	const char *
		params[2]; /* the names of the words as parameters of the method: "path|resource" */
	bool makes_secret; /* the answer is a key with its new secret */
	/* Shows any other answer to people; NULL: as a key. */
	int (*show)(struct app *app, struct wire_cursor answer);
	const struct bulk *bulk;
	const struct list *list;
};

/* Reports on standard error ("authzcheck: MESSAGE") and, with --json, as the document
 * {"error": {"code", "message"}}, without secrets of tokens. Returns status, for `return
 * app_fail(…)`. */
__attribute__((format(printf, 4, 5))) int app_fail(
	struct app *app, int status, const char *code, const char *format, ...);

/* Sets the document that --json prints, and takes it over; NULL: there was no memory for it. After
 * app_fail it is dropped: the document is then the error. */
void app_document(struct app *app, json_t *document);

/* Replaces the document of app_fail by {"error": …}, with what else the daemon answered. */
void app_document_error(struct app *app, json_t *error);

/*
 * With --json, a list of unlimited length: app_list begins the document, with the members of the
 * object `before` and then `array`, unless it is begun; app_item prints one item of the array. What
 * is printed stays: the members of app_document, or `error` of app_fail, follow the array. Both
 * functions take the value over; NULL: there was no memory for it.
 */
void app_list(struct app *app, json_t *before, const char *array);
void app_item(struct app *app, json_t *item);

/* Prints the document, or what is missing of it, and a new line. False: no memory, or standard
 * output failed. */
bool app_print(struct app *app);

/* Appends a value to an array. Either may be NULL, when there was no memory. */
void app_append(struct app *app, json_t *array, json_t *value);

/* A warning on standard error; changes nothing else. */
__attribute__((format(printf, 2, 3))) void app_warn(struct app *app, const char *format, ...);

/* "1 key", "2 keys"; the plural of `one` has an s. */
const char *app_count(struct app *app, uint64_t count, const char *one);

/* printf into the arena. Never NULL: without memory it returns an empty string, and the arena's
 * status makes the run fail at its end. */
__attribute__((format(printf, 2, 3))) const char *app_text(
	struct app *app, const char *format, ...);
