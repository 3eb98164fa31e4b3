/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * module: the interface of a module, which the lines of a stack name. This header is the whole
 * interface and its manual.
 *
 * A module is one const table. `prepare` checks the arguments of a line when the policy is compiled
 * and returns state that lives as long as the policy. `decide` answers for one request. It may run
 * in many threads at once; it must not allocate, do input or output, or read a clock. All that it
 * needs is in its state and in the request. A module has nothing to free.
 *
 * Zero is the safe value everywhere: a verdict that was not set is POL_ERROR, which does not allow.
 *
 * Built-in modules and shared objects use the same interface. A shared object is NAME.so in the
 * daemon's module folder and exports one symbol, the table `authz_module`, whose name is NAME. The
 * daemon loads it when a line of a policy names it. MODULES.md is a tutorial.
 *
 * Risks: a shared object runs inside the daemon with all of its rights, and with no others: once
 * the daemon serves, a module that makes a process or a socket ends the daemon, and it can open no
 * file (authzd(8), CONFINEMENT). If it crashes, the daemon ends; if it loops, a worker thread
 * stops; if it corrupts memory, any request may be allowed.
 *
 * Stability: POL_MODULE_ABI is increased with every change that a compiled module could notice, and
 * a module with another number is refused. What `prepare` is given (names, files, memory) is
 * borrowed until it returns; state is allocated with prepare's alloc. The facts of a request are
 * borrowed until `decide` returns.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/word.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POL_MODULE_ABI 4

/* Bytes of a data file, at most. All data files of one policy may have four times as many. */
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
struct pol_matched;
struct pol_prepare;
struct pol_zone;

#define POL_GROUPS_ALL ((1U << POL_GROUP_COUNT) - 1)

/* The state of the key whose token was presented. Zero: no token. */
enum pol_key_state {
	POL_KEY_MISSING = 0,
	POL_KEY_MALFORMED,
	POL_KEY_UNKNOWN, /* there is no such key, or the secret is wrong */
	POL_KEY_REVOKED,
	POL_KEY_INACTIVE,
	POL_KEY_EXPIRED,
	POL_KEY_ACTIVE
};

/* What a key is bound to; that never changes. */
enum pol_binding {
	POL_BOUND_TO_NOTHING = 0, /* no key */
	POL_BOUND_TO_PRINCIPAL,
	POL_BOUND_TO_ROLES,
	POL_BOUND_TO_SCOPES /* scopes alone */
};

/* The state of the principal. Zero: there is none. */
enum pol_principal_state {
	POL_PRINCIPAL_NONE = 0,
	POL_PRINCIPAL_UNKNOWN,
	POL_PRINCIPAL_INACTIVE, /* disabled; or, for a request with a token, its api_access is */
	POL_PRINCIPAL_ACTIVE
};

/* A role that the subject holds. Roles that have expired are not in the facts. */
struct pol_held {
	uint32_t role; /* its number in the snapshot; POL_NONE is ignored */
	uint32_t place_count;
	const struct pol_str *places; /* `TREE:/path`, in canonical spelling; none: everywhere */
	int64_t until;                /* Unix seconds, for explanations; 0: no end */
};

struct pol_given;
struct pol_path_memo;

/* The kind of the principal. Zero: there is none. */
enum pol_principal_kind { POL_KIND_NONE = 0, POL_KIND_USER, POL_KIND_SERVICE };

/* What a charge is counted for: there is one counter for each key, principal, ... */
enum pol_per { POL_PER_KEY = 0, POL_PER_PRINCIPAL, POL_PER_TENANT, POL_PER_IP };

/* Limits of a charge's fields. A charge beyond them is an error of its module. */
#define POL_CHARGE_NAME   128
#define POL_CHARGE_LIMIT  UINT64_C(1000000000000000)
#define POL_CHARGE_PERIOD (UINT64_C(3650) * 86400)

/* A quota: at most `limit` requests in a period. Charges with the same name are the same charge.
 * Lives in the state of a module. */
struct pol_charge {
	struct pol_str name; /* not empty */
	uint64_t limit;      /* at least 1 */
	uint64_t period;     /* seconds, at least 1 */
	enum pol_per per;
	uint32_t prefix6; /* with POL_PER_IP: leading bits of an IPv6 address that count; 0: 64 */
};

/* The bits, where a charge says nothing: hosts get a /64 each, and choose addresses in it freely.
 */
#define POL_CHARGE_PREFIX6 64

/* Charges of one decision, at most. */
#define POL_CHARGES 16

struct pol_facts;

/* Counts the charges. `take` adds one to each of them, or to none if one is used up. It returns an
 * empty view if they were counted, else a reason code. `facts` are those of the decision, with all
 * that the charges are counted for. Called at most once in a decision, when all else allows. */
struct pol_counter {
	struct pol_str (*take)(const struct pol_counter *counter, const struct pol_facts *facts,
		const struct pol_charge *const *charges, uint32_t count);
	void *context;
};

/* `now` in a policy's own test that sets no time. A time up to this one is not known. It is not
 * zero, and before each time in a policy, so that nothing has expired. */
#define POL_NO_TIME 1

/* The facts of a request. Views are valid until `decide` returns. Zeroed facts have no subject and
 * no resource, and are denied. */
struct pol_facts {
	/* the subject: from the token, or named by a trusted peer */
	enum pol_key_state key_state;
	enum pol_binding binding;
	enum pol_principal_state principal_state;
	bool tenant_inactive;
	bool wrong_environment; /* the key's environment is not the service's */
	bool wrong_tenant;
	bool narrowed; /* the key was made with scopes or places */
	bool narrowed_by_scopes;
	uint32_t held_count;
	uint32_t scope_count;
	uint32_t key_place_count;
	uint32_t key_network_count;
	/* How many of `held`, at its end, are held by every principal of the tenant, and then by
	 * every caller. Those of every caller count without a principal too. */
	uint16_t everyone_count;
	uint16_t anyone_count;
	const struct pol_held *held; /* the principal's, or the key's own roles; then the others */
	const uint32_t *scopes;      /* numbers in the snapshot; POL_NONE is ignored */
	const struct pol_str *key_places;
	const struct pol_network *key_networks; /* none: from anywhere */
	struct pol_str key;                     /* its public id */
	struct pol_str principal;
	uint32_t tenant; /* the number of the key's or principal's tenant; 0: not known */
	struct pol_str tenant_name; /* its id; empty: not known. In a policy's tests: `default` */
	/* The principal was found from the credentials of the peer's socket. It counts only if a
	 * module of `authenticate` sets POL_MARK_PEER; else the request has no principal. */
	bool by_peer;
	bool declared; /* the principal is declared in the policy's files */
	enum pol_principal_kind principal_kind;
	const struct pol_given *attributes; /* of the principal; NULL: none */

	/* the resource and the action */
	struct pol_str service; /* ptr NULL: not named */
	struct pol_str tree;    /* empty: it is in `path` */
	struct pol_str path;    /* as the web server received it; TREE:/path if `tree` is empty */
	struct pol_path_memo *memo; /* NULL: the path is read for this decision only */
	struct pol_str verb;        /* a method, or an action */
	bool http;                  /* verb must be a method */

	/* address and time */
	struct pol_ip ip;
	int64_t now;    /* Unix seconds, wall clock */
	int64_t mfa_at; /* Unix seconds; 0: not known */
	int64_t time;   /* for `hours`; 0: not known, `now` is used */
	uint32_t dice;  /* a random number, new for each decision; for sampling */

	const struct pol_given *given; /* facts that came with the request; NULL: none */
	struct pol_str environment;    /* the name of the one that the request is in */

	const struct pol_counter *counter; /* NULL: charges are not counted, as in a policy's
					    * tests and in managing calls */
};

struct pol_request;

/* A request with what was found before the modules of `authorize` run. Every subject holds the role
 * `anyone`, so what that allows is in roles_allow and scopes_allow too. What depends on a condition
 * that is unknown counts as allowed; if the lines of `authorize` then allow the request, they may
 * be asked once more as if the roles did not allow it. */
struct pol_request {
	const struct pol_facts *facts;
	bool roles_allow;  /* the held roles allow it here */
	bool scopes_allow; /* the key's scopes allow it here, and it is at the key's places */
	bool anyone_allows;
	bool allowed; /* the decision, for modules of `record` */

	/* Writes the node that the path leads to, as declared: `api:/loans/{loan}`. At most `size`
	 * bytes with a NUL; longer text is cut. Returns the length of the whole text; 0: there is
	 * no node, as in `authenticate`, which runs before the path is read, and in listings. */
	size_t (*node)(const struct pol_request *request, char *out, size_t size);

	/* The value of a parameter of that node, percent-decoded: `7` of {loan} in /loans/7.
	 * {name...} has several, a segment each, numbered by `index` from 0. False: there is none.
	 * The view is valid until `decide` returns. A plan asks about all resources of a node at
	 * once: then a parameter may be open. It has no value, and a module that asks for one gets
	 * no plan. `facts->path` is then the node as declared, such as /loans/{loan}. */
	bool (*parameter)(const struct pol_request *request, struct pol_str name, uint32_t index,
		struct pol_str *out);

	/* Seconds east of UTC, at any time in Unix seconds, in a zone that `prepare` got. */
	int32_t (*zone_offset)(const struct pol_zone *zone, int64_t time);

	/* Private. */
	const struct pol_matched *matched;
};

/* What the daemon is to do about the decision; bits. */
enum pol_mark {
	POL_MARK_WARN = 1, /* log it as a warning */
	POL_MARK_LOG = 2,  /* write it to the decision log */
	POL_MARK_PEER = 4  /* accept the principal of the peer: see facts.by_peer */
};

/* The answer of `decide`. */
struct pol_answer {
	enum pol_verdict verdict;
	uint32_t marks; /* bits of enum pol_mark; they count with every verdict */
	struct pol_str
		reason; /* of POL_DENY: a reason code, 1 to 63 of [a-z0-9_] and not `ok`,
			 * static or in the state; with any other one the answer is POL_ERROR */
	const struct pol_charge *charge; /* counted if the decision allows; NULL: none. Ignored
					  * unless the verdict is POL_ALLOW, and in `record`. */
};

/* The values of one argument, `NAME=VALUE,VALUE...`; the first is without the name and `=`. Zeroed:
 * the line does not have the argument. */
struct pol_option {
	const struct pol_word *values;
	size_t count;
};

/* Bytes of a note. */
#define POL_NOTE_TEXT 128

/* The line of a stack and the functions that `prepare` may call. */
struct pol_prepare {
	/* The module's name in the line: the position for errors about what is missing. */
	struct pol_word module;

	/* Finds the line's arguments by name: out[i] gets the values of names[i]. False: an
	 * argument is unknown, repeated or empty, which was reported, or memory ran out. */
	bool (*options)(const struct pol_prepare *prepare, const char *const *names, size_t count,
		struct pol_option *out);

	/* count * size zeroed bytes, aligned for any object, that live as long as the policy. NULL:
	 * no memory, which is reported; `prepare` must return false then. */
	void *(*alloc)(const struct pol_prepare *prepare, size_t count, size_t size);

	/* Reports an error at `at`: FILE:LINE:COLUMN, then the message. The policy is refused. */
	void (*error)(const struct pol_prepare *prepare, struct pol_span at, const char *format,
		...) POL_PRINTF(3, 4);

	/* The bytes of a file in the folder `data/` of the module folder, by its plain name. When
	 * the file changes, the daemon lets the module prepare the line again. False: the name is
	 * not plain, or there is no such file, or it cannot be read, which was reported. At most
	 * POL_DATA_MAX bytes; an empty file is no error. */
	bool (*data)(const struct pol_prepare *prepare, const struct pol_word *name,
		struct pol_str *out);

	/* Reports an error in a line of a data file (from 1; 0: in the whole file), at `name`. In
	 * the daemon it does not refuse the policy: if `prepare` then returns false, it is called
	 * again with the last good content, and without one the line denies. The message says what
	 * is wrong, as in "is not a network". It must not quote the file, which may hold
	 * secrets. */
	void (*data_error)(const struct pol_prepare *prepare, const struct pol_word *name,
		uint64_t line, const char *message);

	/* Reads `10.0.0.0/8`, `2001:db8::/32` or an address alone. False: the text is none of
	 * these, or bits after the prefix are set. */
	bool (*network)(struct pol_str text, struct pol_network *out);

	/* A time zone of the machine by its IANA name, for zone_offset of struct pol_request.
	 * False: the machine has no zone of this name, which was reported. It lives as long as the
	 * policy. */
	bool (*zone)(const struct pol_prepare *prepare, const struct pol_word *name,
		const struct pol_zone **out);

	/* Leaves a note about this line for `status`: "50,000 networks". At most POL_NOTE_TEXT
	 * bytes with a NUL are kept; a later note replaces it. */
	void (*note)(const struct pol_prepare *prepare, const char *format, ...) POL_PRINTF(2, 3);

	/* For built-in modules only. */
	const struct pol_ast_line *line;
	struct pol_arena *arena;
	struct pol_diags *diags;
	const struct pol_host *host; /* NULL: there is none */
};

/* Bytes of the text of a fact, with its NUL. */
#define POL_FACT_TEXT 128

struct pol_module {
	uint32_t abi;  /* POL_MODULE_ABI */
	uint32_t size; /* sizeof(struct pol_module) */
	const char *name;
	const char *version; /* for people: at most 32 printable ASCII characters */
	uint32_t groups;     /* bit 1 << enum pol_group for each group in which it may be used */
	/* Checks the line and sets *out to the state, which may be NULL. False, after it reported
	 * at least one error: the policy is refused. NULL: the module takes no arguments. */
	bool (*prepare)(const struct pol_prepare *prepare, const void **out);
	/* Answers for one request. */
	struct pol_answer (*decide)(const void *state, const struct pol_request *request);
	/* Writes the fact by which `decide` denied, for people: "192.0.2.1 is in US", or that it is
	 * not known: "no address was stated". Called after a denial that is shown to somebody, by
	 * the same rules as `decide`; of the request only the facts are set, and *out is empty.
	 * NULL: the module says none. */
	void (*fact)(const void *state, const struct pol_request *request, char out[POL_FACT_TEXT]);
};

/* The table that a shared object defines and exports. */
extern POL_EXPORT const struct pol_module authz_module;

#ifdef __cplusplus
}
#endif
