/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * module: what a stack asks. This header is the whole interface, and its manual.
 *
 * A module is one const table. `prepare` checks a line's arguments when the policy is loaded and
 * returns state that lives in the snapshot; `decide` judges one request. `decide` may run on many
 * threads at once, sees const state and a const request, and does no allocation, input, output
 * and reads no clock: what it needs the daemon gathered before. There is nothing to free.
 *
 * Zero is the safe value everywhere: a forgotten verdict is an error, which counts as a denial.
 *
 * The built-in modules use it, and so does a shared object: NAME.so in the daemon's module folder
 * exports one symbol, the table `authz_module`, whose name is NAME. Both are checked alike. A line
 * of a policy that names NAME loads it; MODULES.md leads from an empty file to there. What can
 * hurt: a shared object runs inside the daemon, with all that it may do. One that crashes ends it,
 * one that loops stops a worker, and one that writes where it should not may allow anything.
 *
 * Stable: POL_MODULE_ABI counts up with every change that a compiled module could notice, and one
 * of another number is refused. Names, files and memory that are handed to `prepare` are borrowed
 * until it returns; what is to stay is copied into memory of prepare's alloc. The facts of a
 * request are borrowed until `decide` returns.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/word.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POL_MODULE_ABI 1

/* A data file is as large as this at most, all that one policy asks for four times as large. */
#define POL_DATA_MAX ((size_t)32 * 1024 * 1024)

#if defined(__GNUC__)
#define POL_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#define POL_EXPORT              __attribute__((__visibility__("default")))
#else
#define POL_PRINTF(text, first)
#define POL_EXPORT
#endif

struct pol_arena;
struct pol_ast_line;
struct pol_diags;
struct pol_host;
struct pol_prepare;

#define POL_GROUPS_ALL ((1U << POL_GROUP_COUNT) - 1)

/* What is known of the token. Zero: none came. */
enum pol_key_state {
	POL_KEY_MISSING = 0,
	POL_KEY_MALFORMED,
	POL_KEY_UNKNOWN, /* or a wrong secret */
	POL_KEY_REVOKED,
	POL_KEY_INACTIVE,
	POL_KEY_EXPIRED,
	POL_KEY_ACTIVE
};

/* What a credential is bound to, for ever. */
enum pol_binding {
	POL_BOUND_TO_NOTHING = 0, /* no credential */
	POL_BOUND_TO_PRINCIPAL,
	POL_BOUND_TO_ROLES,
	POL_BOUND_TO_SCOPES /* scopes alone */
};

/* Zero: nobody was named. */
enum pol_principal_state {
	POL_PRINCIPAL_NONE = 0,
	POL_PRINCIPAL_UNKNOWN,
	POL_PRINCIPAL_INACTIVE, /* switched off, or its api_access while a token asks */
	POL_PRINCIPAL_ACTIVE
};

/* A role that the subject holds. Expired ones (until) are left out by whoever gathers. */
struct pol_held {
	uint32_t role; /* snapshot number; POL_NONE counts for nothing */
	uint32_t place_count;
	const struct pol_str *places; /* `TREE:/path`; none: everywhere */
	int64_t until;                /* when it ends, for those who read: Unix seconds; 0: never */
};

struct pol_path_memo;

/* What a charge is counted for, each by itself. */
enum pol_per { POL_PER_KEY = 0, POL_PER_PRINCIPAL, POL_PER_TENANT, POL_PER_IP };

/* A charge past these bounds is an error of the module that names it. */
#define POL_CHARGE_NAME   128
#define POL_CHARGE_LIMIT  UINT64_C(1000000000000000)
#define POL_CHARGE_PERIOD (UINT64_C(3650) * 86400)

/* One of so many in a while. Charges of one name are the same one. Lives in a module's state. */
struct pol_charge {
	struct pol_str name; /* not empty */
	uint64_t limit;      /* from 1 */
	uint64_t period;     /* seconds, from 1 */
	enum pol_per per;
};

/* Charges that one decision may come to. */
#define POL_CHARGES 16

struct pol_facts;

/* Takes all of the charges, each by one, or, when one of them is used up, none. Gives no reason:
 * taken; else why not. `facts` are those of the decision; all that the charges are counted for is
 * known there. Called once at most, when everything else allows. */
struct pol_counter {
	struct pol_str (*take)(const struct pol_counter *counter, const struct pol_facts *facts,
		const struct pol_charge *const *charges, uint32_t count);
	void *context;
};

/* A time up to this one is none: a policy's own test that names no time asks then. It is before
 * every time that a policy may speak of, so that what ends has not ended, and not zero. */
#define POL_NO_TIME 1

/* The facts: views, dead after the answer. Zeroed facts are a request by nobody for nothing. */
struct pol_facts {
	/* who: gathered from the token, or named by a trusted peer */
	enum pol_key_state key_state;
	enum pol_binding binding;
	enum pol_principal_state principal_state;
	bool tenant_inactive;
	bool wrong_environment; /* the key's is another than the service's */
	bool wrong_tenant;
	bool narrowed; /* scopes or places were given to the key */
	bool narrowed_by_scopes;
	uint32_t held_count;
	uint32_t scope_count;
	uint32_t key_place_count;
	uint32_t key_network_count;
	const struct pol_held *held; /* the principal's, or the key's own roles */
	const uint32_t *scopes;      /* snapshot numbers; POL_NONE counts for nothing */
	const struct pol_str *key_places;
	const struct pol_network *key_networks; /* none: from anywhere */
	struct pol_str key;                     /* its public id */
	struct pol_str principal;
	uint32_t tenant; /* a number that stands for the key's or principal's; 0: not known */
	/* The principal is whom the kernel's peer is. It is nobody, and its roles count for
	 * nothing, unless a module of `authenticate` marks it with POL_MARK_PEER. */
	bool by_peer;
	bool declared; /* the principal is one that the policy's files declare */

	/* what */
	struct pol_str service; /* ptr NULL: not named */
	struct pol_str tree;    /* of `path`; or taken from `resource` when empty */
	struct pol_str path; /* as the web server saw it; or TREE:/path whole when tree is empty */
	struct pol_path_memo *memo; /* NULL: the path is read for this decision alone */
	struct pol_str verb;        /* a method, or an action */
	bool http;                  /* verb is a method and only that */

	/* where and when */
	struct pol_ip ip;
	int64_t now;    /* Unix seconds, wall clock */
	int64_t mfa_at; /* Unix seconds; 0: not known */
	int64_t time;   /* for `hours`; 0: not known, then now */
	uint32_t dice;  /* drawn anew for each decision; for what takes samples */

	const struct pol_counter *counter; /* who counts; NULL: charges are not taken, as
					    * in tests and when a call manages */
};

/* What eval worked out before it asks the modules of `authorize`. Every caller holds `anyone`, so
 * what it allows counts in the first two as well. */
struct pol_request {
	const struct pol_facts *facts;
	bool roles_allow;  /* what the held roles allow here */
	bool scopes_allow; /* what the key's scopes allow here, at the key's places */
	bool anyone_allows;
	bool allowed; /* for the modules of `record`: what came out */
};

/* What a module asks the daemon to do about the decision; bits. */
enum pol_mark {
	POL_MARK_WARN = 1, /* log it as a warning */
	POL_MARK_LOG = 2,  /* write it to the log of decisions */
	POL_MARK_PEER = 4  /* the caller is the kernel's peer: see facts.by_peer */
};

/* A verdict and, unless it allows, why: a reason code, [a-z0-9_]+, static or in the state. */
struct pol_answer {
	enum pol_verdict verdict;
	uint32_t marks; /* of enum pol_mark; count whatever the verdict is */
	struct pol_str reason;
	const struct pol_charge *charge; /* taken when all is allowed; NULL: none. Counts with
					  * POL_ALLOW alone; a module of `record` has none. */
};

/* One argument as it was given, `NAME=VALUE,VALUE…`: its values, the first without the name and
 * `=`. Zeroed: it was not given. */
struct pol_option {
	const struct pol_word *values;
	size_t count;
};

/* For prepare: what stands in the line, and what the host does for it. */
struct pol_prepare {
	/* The module's name in the line: the place to complain of what is missing. */
	struct pol_word module;

	/* Sorts the line's arguments by the names that the module knows: out[i] belongs to
	 * names[i]. False when it complained (of an unknown, repeated or empty one) or memory ran
	 * out. */
	bool (*options)(const struct pol_prepare *prepare, const char *const *names, size_t count,
		struct pol_option *out);

	/* count * size zeroed bytes, aligned for any object, that live as long as the policy. NULL:
	 * there is no room for them; return false then, it is reported. */
	void *(*alloc)(const struct pol_prepare *prepare, size_t count, size_t size);

	/* Complains: FILE:LINE:COLUMN of `at`, then the message. The policy is refused. */
	void (*error)(const struct pol_prepare *prepare, struct pol_span at, const char *format,
		...) POL_PRINTF(3, 4);

	/* The bytes of a file in the module folder's `data/`, by its plain name. The daemon reads
	 * it, and prepares anew when it changes. False when it complained: no such name, no such
	 * file, or one that may not be read. At most POL_DATA_MAX bytes; zero bytes are no failure.
	 */
	bool (*data)(const struct pol_prepare *prepare, const struct pol_word *name,
		struct pol_str *out);

	/* Complains of a data file's line (from 1; 0: of the whole), at `name`. The message says
	 * what is wrong, as in "is no network", and never quotes the file: it may hold what nobody
	 * who reads a log should see. */
	void (*data_error)(const struct pol_prepare *prepare, const struct pol_word *name,
		uint64_t line, const char *message);

	/* `10.0.0.0/8`, `2001:db8::/32` or an address alone. False: it is none of these, or bits
	 * are set behind its prefix. */
	bool (*network)(struct pol_str text, struct pol_network *out);

	/* The host's own, for modules that are built in. */
	const struct pol_ast_line *line;
	struct pol_arena *arena;
	struct pol_diags *diags;
	const struct pol_host *host; /* NULL: nobody */
};

struct pol_module {
	uint32_t abi;  /* POL_MODULE_ABI */
	uint32_t size; /* sizeof(struct pol_module) */
	const char *name;
	const char *version; /* for people: at most 32 printable ASCII characters */
	uint32_t groups;     /* bit 1 << enum pol_group for each group it serves */
	/* False after at least one complaint: the policy is refused. *out may stay NULL. NULL: the
	 * module takes no arguments. */
	bool (*prepare)(const struct pol_prepare *prepare, const void **out);
	struct pol_answer (*decide)(const void *state, const struct pol_request *request);
};

/* What a shared object exports: it defines this. */
extern POL_EXPORT const struct pol_module authz_module;

#ifdef __cplusplus
}
#endif
