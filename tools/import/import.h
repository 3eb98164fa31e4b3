/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * import: a policy's tree and scopes from a description of an API: an OpenAPI document, or a
 * list of routes. Reading makes a model, import_build arranges it as a tree, import_write writes it
 *as policy text. Pure except for memory; one thread at a time.
 *
 * The result depends on what the source describes and not on its order: children, methods and
 * scopes are sorted. What the language cannot say is left out or changed, never silently: each
 * such thing is a note.
 *
 *	struct import import;
 *	bool ok;
 *
 *	import_init(&import, "api");
 *	ok = import_openapi(&import, text) && import_build(&import) && import_write(&import, &out);
 *	... import.error, or out and import.notes ...
 *	import_finish(&import);
 *
 * Everything that a model hands out lives until import_finish; the text that it was read from must
 * live as long.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/language/parse.h"
#include "policy/text/arena.h"
#include "policy/text/path.h"
#include "policy/text/str.h"

/* Bytes of a document or list. The largest known document of a public API has 40 MB; one of 64 MiB
 * takes a few GiB of the importing machine's memory in the worst case. */
#define IMPORT_FILE_MAX ((size_t)64 * 1024 * 1024)

/* A policy file has at most POL_FILE_MAX bytes, and an operation takes about 40 of them. */
#define IMPORT_OPERATIONS_MAX (POL_FILE_MAX / 40)

/* Segments of a path: the blocks of a policy nest 64 deep, and the tree's own is one of them. */
#define IMPORT_SEGMENTS_MAX 60

/* Bytes of a name in the language. */
#define IMPORT_NAME_MAX 128

/* Bytes of a description. A longer one is cut after a word, so that a tree still reads as a
 * list. */
#define IMPORT_DESCRIPTION_MAX 160

/* Scopes. The largest APIs have a few hundred; each that is renamed is compared with all others. */
#define IMPORT_SCOPES_MAX 4096

/* A $ref may lead to another one: at most this many in a row. Documents have one or two. */
#define IMPORT_REFS_MAX 32

/* Names that parameters of one node have in different paths; more are not counted. */
#define IMPORT_PARAM_NAMES 16

/* Bytes of memory for a model and its text. */
#define IMPORT_ARENA_MAX ((size_t)2 << 30)

/* What could not be said, or was said otherwise. */
struct import_note {
	struct import_note *next;
	const char *where; /* "GET /loans/{id}", or a place in the document */
	const char *text;
};

struct import_segment {
	bool param;
	bool rest;           /* of a parameter: it may have slashes */
	bool partial;        /* of a parameter: it was a part of its segment */
	struct pol_str text; /* the literal, decoded, or the parameter's name */
	struct pol_str raw;  /* as the source has it */
};

/* The scopes that a request needs together; their numbers, sorted. */
struct import_need {
	struct import_need *next;
	uint32_t count;
	uint32_t scopes[];
};

struct import_node;

struct import_operation {
	struct pol_str method; /* in capitals, registered */
	struct pol_str path;   /* as the source has it */
	const struct import_segment *segments;
	uint32_t segment_count;
	struct pol_str id;               /* its name in the source; empty: none */
	struct pol_str description;      /* one line; empty: none */
	struct pol_str about;            /* of its path; empty: none */
	const struct import_need *needs; /* any one of them is enough; NULL: no scope */
	/* Set by import_build: */
	struct import_node *node;
	struct pol_str action; /* empty: its method by itself */
	bool shares;           /* another operation has its method at its node */
};

struct import_scope {
	struct pol_str name; /* in the source; of several together, NULL */
	struct pol_str id;   /* in the policy; set by import_build */
	struct pol_str description;
	const struct import_need *all; /* of several together: which */
	uint32_t *operations;          /* that it allows, in the tree's order */
	size_t count, capacity;
};

/* A parameter's names in the paths of the source. */
struct import_param {
	struct pol_str name;
	size_t count;
};

struct import_node {
	struct import_node *parent;
	struct import_node *first_child, *last_child, *next;
	struct import_segment segment; /* the root has none */
	struct pol_str about;
	size_t first, count; /* its operations */
	struct import_param names[IMPORT_PARAM_NAMES];
	uint32_t name_count;
	bool rest; /* as it is written */
};

struct import {
	struct pol_arena arena;
	const char *tree; /* its name */
	const char *base; /* the path before all others; NULL: as the source says */
	struct pol_str title, version;
	json_t *document; /* NULL: a list of routes */
	struct import_operation *operations;
	size_t count, capacity;
	size_t paths; /* different ones in the source */
	struct import_scope *scopes;
	size_t scope_count, scope_capacity;
	json_t *scope_numbers; /* by name */
	json_t *joint_numbers; /* of those that stand for several together, by name */
	json_t *scope_ids;     /* in small letters */
	struct import_node *root;
	struct import_note *notes, *last_note;
	size_t note_count;
	bool noted_way_without; /* of the whole document: a way to sign in without scopes */
	const char *error;      /* why a function returned false */
};

/* tree: the tree's name, which must be a valid one. */
void import_init(struct import *import, const char *tree);
void import_finish(struct import *import);

/* Reads an OpenAPI document, 3.0 or 3.1, in JSON or YAML. False: import->error. */
bool import_openapi(struct import *import, struct pol_str text);

/* Reads a list of routes: routes.c says how lines are written. False: import->error. */
bool import_routes(struct import *import, struct pol_str text);

/* Arranges what was read. False: import->error. */
bool import_build(struct import *import);

/* The policy, in the canonical form (policy/format). False: import->error, also when it is larger
 * than a policy file may be. */
bool import_write(struct import *import, struct pol_str *out);

/* What a first policy has beside the tree: environments whose keys begin with the prefix ("acme"),
 * roles, scopes, stacks and tests, commented. The stack is called as the tree. False:
 * import->error. */
bool import_first(struct import *import, const char *prefix, struct pol_str *out);

/* A node's path as the policy declares it: "/loans/{loan}". */
const char *import_node_path(struct import *import, const struct import_node *node);

/* --- for the files of this room ----------------------------------------------------------------
 */

/* printf into the arena; "" without memory, which import_build and the readers report. */
__attribute__((format(printf, 2, 3))) const char *import_text(
	struct import *import, const char *format, ...);
/* Sets import->error, unless it is set, and returns false. */
__attribute__((format(printf, 2, 3))) bool import_fail(
	struct import *import, const char *format, ...);
__attribute__((format(printf, 3, 4))) void import_note(
	struct import *import, const char *where, const char *format, ...);

/* Reads the bytes as JSON or, where they do not begin with a brace, as YAML. NULL: import->error.
 */
json_t *import_document(struct import *import, struct pol_str text);
json_t *import_yaml(struct import *import, struct pol_str text);

/* The value itself, or what its $ref leads to, through others if need be. NULL: there is none, and
 * *out_why says why. */
const json_t *import_ref(struct import *import, const json_t *value, const char **out_why);

/* The first line of a text of the source, without what a policy may not contain, and cut. */
struct pol_str import_description(struct import *import, struct pol_str text);

/* The requirement objects of an operation as needs; array: NULL or the value of `security`. */
const struct import_need *import_security(
	struct import *import, const json_t *array, const char *where);

/* `{name}` is a parameter, `{name...}` one that may have slashes, `{a}-{b}` a part of one. */
bool import_split_braces(struct import *import, struct pol_str raw, struct import_segment *out);

/* Adds one operation, whose path is split by `split`. False: import->error. What cannot be a path
 * is noted and left out. */
typedef bool (*import_split)(struct import *import, struct pol_str raw, struct import_segment *out);
bool import_add(
	struct import *import, const struct import_operation *operation, import_split split);

/* Brings what was written into the canonical form. False: import->error. */
bool import_format(struct import *import, struct pol_str *text);

/* A literal that needs no quotes: nothing in it has a meaning, neither here nor for a router. */
bool import_is_plain(struct pol_str text);

/* Names of the language made from any text; empty when nothing of it can stay. */
struct pol_str import_action_name(struct import *import, struct pol_str text);
struct pol_str import_param_name(struct import *import, struct pol_str text);
struct pol_str import_scope_name(struct import *import, struct pol_str text);

/* Gives the scopes their names and operations. */
bool import_scopes_build(struct import *import);
