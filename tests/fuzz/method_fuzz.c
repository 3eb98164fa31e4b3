/* SPDX-License-Identifier: Apache-2.0 */
/*
 * method_fuzz: any requests, one after the other, to the managing and deciding methods on a real
 * store. Each gets one whole response; a refused change leaves nothing; and the trail, the records
 * and the lists agree after all of them. What an input changes is undone at its end, so that each
 * input meets the same store.
 *
 * The first byte says who asks: root, a peer that manages, one that is trusted, or any other. The
 * tokens of the keys in the store are `fuzz-admin`, `fuzz-user` and `fuzz-ended`.
 */
#include <sys/stat.h>

#include "client/http/json.h"
#include "daemon/call/dispatch.h"
#include "daemon/config/config.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/decision_log.h"
#include "daemon/decide/decision_watch.h"
#include "daemon/decide/given.h"
#include "daemon/decide/missing.h"
#include "daemon/keys/principal_cache.h"
#include "daemon/keys/quota_counters.h"
#include "daemon/keys/usage.h"
#include "daemon/load/build.h"
#include "daemon/load/current.h"
#include "daemon/load/plugin.h"
#include "daemon/store/backup.h"
#include "daemon/tend/pepper.h"
#include "daemon/tend/rotation.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"
#include "tests/fuzz/store.h"
#include "tools/document.h"

enum { LP = 7 }; /* the number of the user lp on every Debian */
enum { NOW = 1000000000, MAX_REQUESTS = 32, MAX_PROBLEMS = 8 };

static const char policy[] =
	"facts {\n principal.team string\n resource.owner string default \"bob\"\n"
	" resource.tags strings\n resource.state draft | active default active\n"
	" context.due time\n context.wait duration\n"
	" context.peer address\n resource.due time\n resource.from address\n action.forced bool "
	"default false\n}\n"
	"condition mine = resource.owner is principal.id or"
	" resource.tags has any principal.team, \"all\"\n"
	"tree api { /loans { list GET, create POST, /{loan} { read GET, update PUT,"
	" /payments { list GET } } }\n /health { GET } }\n"
	"role anyone { allow GET on api:/health }\n"
	"role viewer { allow GET on api:/loans/** }\n"
	"role clerk inherits viewer { allow create on api:/loans }\n"
	"role maker { allow update on api:/loans/{loan} }\n"
	"role owner { allow all on api:/loans/{loan} when mine and resource.state is active and"
	" (context.amount <= 500 or context.due > 2001-01-01T00:00:00Z)\n"
	" deny update on api:/loans/{loan} when {loan} is principal.team or action.forced or"
	" context.peer in 10.0.0.0/8, 192.0.2.1 or context.wait > 1h or principal.roles has "
	"\"maker\"\n deny PUT on api:/loans/{loan} when context.time < resource.due"
	" or not resource.from in 10.0.0.0/8 }\n"
	"role checker { allow GET on api:/loans/{loan}/payments }\n"
	"exclusive maker, checker\n"
	"role admin { allow all on authz:/** }\n"
	"facts { principal.branch string\n resource.regions strings\n resource.status a | b "
	"default a\n"
	" context.amount int }\n"
	"role lender { allow update on api:/loans/{loan} when context.amount < 500 and\n"
	" resource.regions has \"EU\" and resource.status is a and {loan} is principal.branch }\n"
	"scope read { allow GET on api:/loans/** }\n"
	"principal files { role viewer\n role lender\n role owner at api:/loans/7, api:/loans/8 "
	"}\n";

/* Requests of root that make the store. The hashes are SHA-256 of the tokens. */
static const char *const world[] = {
	"[0,1,\"tenants.create\",[{\"id\":\"acme\"}]]",
	"[0,1,\"principals.create\",[{\"id\":\"alice\",\"attributes\":{\"team\":\"loans\"}}]]",
	"[0,1,\"principals.create\",[{\"id\":\"bob\",\"tenant\":\"acme\"}]]",
	"[0,1,\"principals.create\",[{\"id\":\"root\"}]]",
	"[0,1,\"roles.create\",[{\"name\":\"auditor\",\"grants\":[\"allow GET on api:/loans/**\"],"
	"\"inherits\":[\"viewer\"]}]]",
	"[0,1,\"assignments.create\",[{\"principal\":\"alice\",\"role\":\"clerk\","
	"\"at\":[\"api:/loans/7\"]}]]",
	"[0,1,\"assignments.create\",[{\"principal\":\"alice\",\"role\":\"auditor\"}]]",
	"[0,1,\"assignments.create\",[{\"principal\":\"alice\",\"role\":\"owner\"}]]",
	"[0,1,\"assignments.create\",[{\"principal\":\"root\",\"role\":\"admin\"}]]",
	"[0,1,\"keys.import\",[{\"principal\":\"root\",\"hash\":"
	"\"1c64ed42d0e14a2b1a137b7634c45cc09a6b67d48ea1767a8a30cdad14225918\"}]]",
	"[0,1,\"keys.import\",[{\"principal\":\"alice\",\"scopes\":[\"read\"],\"hash\":"
	"\"18765fc5a6c12dc844b857d1b88e7f7e7c2a74343e29e8cdd14fcdbf2bf0c024\"}]]",
	"[0,1,\"keys.import\",[{\"principal\":\"alice\",\"expires_at\":1000000010,"
	"\"networks\":[\"10.0.0.0/"
	"8\"],\"hash\":\"93eafac55154e8b0fa295a30d3de19aea4a6b288354557d6549f88a38ff33874\"}]]",
	"[0,1,\"keys.create\",[{\"roles\":[\"viewer\"],\"request_id\":"
	"\"00112233445566778899aabbccddeeff\"}]]",
};

static struct config config;
static struct current current;
static struct plugins *plugins;
static struct writer *writer;
static struct given_room given;
static struct missing_counts missing;
static struct context context = { .config = &config };
static const struct peer peers[] = {
	{ .known = true,
		.superuser = true,
		.may_decide = true,
		.may_manage = true,
		.trusted = true },
	{ .known = true, .uid = LP, .may_decide = true, .may_manage = true },
	{ .known = true, .uid = 8, .may_decide = true, .trusted = true },
	{ .known = true, .uid = 9, .may_decide = true, .may_manage = true },
};

/* --- one request ------------------------------------------------------------------------------ */

struct scene {
	const struct peer *peer;
	struct store_write *write;
	struct pol_snapshot *snapshot; /* with the roles that the input made */
	uint32_t random_state;
	struct wire_buf out;
};

static void require_one_response(const struct scene *scene)
{
	struct wire_walk walk;
	size_t len = 0;

	wire_walk_init(&walk, WIRE_MAX_RESPONSE);
	fuzz_require(scene->out.status == WIRE_OK);
	fuzz_require(wire_walk(&walk, scene->out.data, scene->out.len, &len) == WIRE_COMPLETE);
	fuzz_require(len == scene->out.len);
}

static void take_snapshot(struct scene *scene, struct pol_snapshot **next)
{
	if (*next != NULL) {
		pol_snapshot_unref(scene->snapshot);
		scene->snapshot = *next;
		*next = NULL;
	}
}

static void run_method(struct scene *scene, const struct method *method,
	const struct wire_value *values, uint32_t id)
{
	struct store_read *read = store_write_reader(scene->write);
	const struct writer_turn turn = { .read = read, .write = scene->write, .now = NOW };
	struct audit_change change = audit_change_of(&turn, scene->peer, method->name);
	bool changes = (method->flags & METHOD_CHANGES) != 0;
	struct call_slices slices = { .going = false };
	struct pol_snapshot *next = NULL;
	int (*after)(struct call * call) = NULL;
	struct call call = { .context = &context,
		.method = method,
		.params = values,
		.id = id,
		.peer = scene->peer,
		.out = &scene->out,
		.snapshot = scene->snapshot,
		.serial = 1,
		.now = NOW,
		.random_state = &scene->random_state,
		.given = &given,
		.missing = &missing,
		.read = read,
		.change = changes ? &change : NULL,
		.next = changes ? &next : NULL,
		.after = changes ? &after : NULL,
		.slices = changes ? &slices : NULL };
	int r;

	do {
		bool judged = !slices.going || (method->flags & METHOD_JUDGED) != 0;

		store_write_job(scene->write);
		r = dispatch_run(&call, judged ? actor_run : method->handler);
		fuzz_require(r != 0 || !store_write_owes(scene->write));
		if ((r == 0 || r == CALL_MORE) && store_write_keep(scene->write) == 0) {
			take_snapshot(scene, &next);
		} else {
			store_write_undo(scene->write);
		}
		slices.going = true;
		call.actor = NULL;
	} while (r == CALL_MORE);
	pol_snapshot_unref(next);
}

static bool is_left_out(const struct method *method)
{
	/* They act outside of the store, on other threads or files. */
	return (method->flags & METHOD_RELOADS) != 0 || strncmp(method->name, "pepper.", 7) == 0 ||
	       strncmp(method->name, "store.", 6) == 0 || strcmp(method->name, "status") == 0 ||
	       strncmp(method->name, "policy.", 7) == 0;
}

/* False: no request can follow. */
static bool run_request(struct scene *scene, const uint8_t *bytes, size_t len)
{
	struct wire_value values[WIRE_MAX_FIELDS];
	const struct method *method = NULL;
	struct wire_request request;
	struct wire_error err;
	int r = wire_decode_request(bytes, len, &request, &err);

	wire_buf_rewind(&scene->out, 0);
	if (r == WIRE_ESHAPE) {
		return false;
	}
	if (r == 0) {
		r = dispatch_decode(&request, scene->peer, &method, values, &err);
	}
	if (r != 0) {
		wire_put_error(&scene->out, &request.id, &err);
	} else if (!is_left_out(method)) {
		run_method(scene, method, values, request.id);
	} else {
		return true;
	}
	require_one_response(scene);
	return true;
}

static void run_requests(struct scene *scene, const uint8_t *data, size_t size)
{
	struct wire_walk walk;
	size_t len;

	wire_walk_init(&walk, WIRE_MAX_REQUEST);
	for (int i = 0; i < MAX_REQUESTS; i++) {
		if (wire_walk(&walk, data, size, &len) != WIRE_COMPLETE ||
			!run_request(scene, data, len)) {
			return;
		}
		data += len;
		size -= len;
	}
}

/* --- the store afterwards --------------------------------------------------------------------- */

static void on_problem(void *context_, const struct store_problem *problem)
{
	(void)context_;
	(void)problem;
	abort();
}

static void verify(const struct scene *scene)
{
	struct store_verify verify = { .checked = 0 };

	/* The head's file is written after a commit, and nothing is committed here. */
	while (store_verify(store_write_reader(scene->write), &verify, 256, 0, on_problem, NULL) ==
		0) {
	}
}

/* --- the world -------------------------------------------------------------------------------- */

static void load_policy(void)
{
	static char path[128];
	char file[160];
	struct build_options options;
	struct build build;

	fuzz_path(path, sizeof path, "policy");
	fuzz_require(mkdir(path, 0700) == 0);
	snprintf(file, sizeof file, "%s/a.policy", path);
	fuzz_write_text(file, policy);
	snprintf(file, sizeof file, "%s.conf", path);
	fuzz_write_text(file, "manage user lp authz:/** all\n");
	config_init(&config);
	fuzz_require(config_read(&config, file) == 0);
	config.policy = path;
	config.uid = geteuid();
	config.gid = getegid();
	fuzz_require(plugins_create(&plugins) == 0);
	options = build_options_of(&config, NULL, plugins);
	build_run(&build, &options);
	fuzz_require(build.snapshot != NULL);
	fuzz_require(current_init(&current, build.snapshot) == 0);
	build.snapshot = NULL;
	build_finish(&build);
}

static void create_parts(void)
{
	struct rotation_parts parts;

	context.store = fuzz_store();
	fuzz_require(usage_create(context.store, &context.usage) == 0);
	fuzz_require(principal_cache_create(&context.principal_cache) == 0);
	fuzz_require(quota_counters_create(store_secrets(context.store), QUOTA_COUNTERS_MAX,
			     &context.quota_counters) == 0);
	fuzz_require(writer_create(context.store, context.usage, NULL, &writer) == 0);
	parts = (struct rotation_parts){ .store = context.store,
		.usage = context.usage,
		.writer = writer,
		.current = &current };
	fuzz_require(rotation_create(&parts, &context.rotation) == 0);
	fuzz_require(pepper_create(context.store, writer, NULL, &context.pepper) == 0);
	fuzz_require(backup_create(context.store, &context.backup) == 0);
	fuzz_require(decision_watch_create(&context.watch) == 0);
	fuzz_require(decision_log_create("/dev/null", 0, NULL, &context.decision_log) == 0);
}

static void begin(struct scene *scene, const struct peer *peer)
{
	*scene = (struct scene){ .peer = peer, .random_state = 1 };
	scene->snapshot = pol_snapshot_ref(current.snapshot);
	wire_buf_init(&scene->out, WIRE_MAX_RESPONSE);
	fuzz_require(store_write_begin(context.store, &scene->write) == 0);
}

/* Runs a request that must succeed. */
static void make(struct scene *scene, const char *request)
{
	static const uint8_t result[] = { 0x94, 0x01, 0x01, 0xc0 }; /* [1, 1, nil, … */
	json_t *value = json_loads(request, 0, NULL);
	struct wire_buf bytes;

	wire_buf_init(&bytes, WIRE_MAX_REQUEST);
	fuzz_require(value != NULL && http_json_to_wire(value, &bytes) == NULL);
	fuzz_require(run_request(scene, bytes.data, bytes.len));
	if (memcmp(scene->out.data, result, sizeof result) != 0) {
		dprintf(STDERR_FILENO, "%s\n%.*s\n", request, (int)scene->out.len,
			(const char *)scene->out.data);
		abort();
	}
	wire_buf_finish(&bytes);
	json_decref(value);
}

static void make_world(void)
{
	struct scene scene;

	fuzz_folder();
	load_policy();
	create_parts();
	begin(&scene, &peers[0]);
	for (size_t i = 0; i < sizeof world / sizeof world[0]; i++) {
		make(&scene, world[i]);
	}
	fuzz_require(store_write_commit(scene.write, true) == 0);
	pol_snapshot_unref(current.snapshot);
	current.snapshot = scene.snapshot;
	wire_buf_finish(&scene.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool made;
	struct scene scene;
	uint8_t *copy;

	if (!made) {
		fuzz_quiet();
		make_world();
		made = true;
	}
	if (size < 2) {
		return 0;
	}
	copy = fuzz_copy(data + 1, size - 1);
	begin(&scene, &peers[data[0] % 4]);
	run_requests(&scene, copy, size - 1);
	verify(&scene);
	store_write_abort(scene.write);
	pol_snapshot_unref(scene.snapshot);
	wire_buf_finish(&scene.out);
	free(copy);
	return 0;
}
