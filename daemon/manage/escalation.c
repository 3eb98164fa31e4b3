/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/escalation.h"

#include <errno.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/manage/custody.h"
#include "daemon/manage/grantor.h"
#include "policy/ask/escalation.h"
#include "policy/text/timetext.h"

/* --- comparison ------------------------------------------------------------------------------- */

/* What is compared, and with what. */
struct comparison {
	struct party before;
	struct party after;
	struct party own;        /* of the caller, or of another that would gain by the call */
	struct grantor *grantor; /* NULL: nothing beside `own` counts */
	bool grants;             /* what the caller may grant counts too */
};

/* The first thing that may not be given, and from when on. */
struct finding {
	struct pol_escalation escalation;
	int64_t when;
};

/* Compares as of one time. */
static int compare_at(struct call *call, const struct comparison *comparison,
	struct pol_escalation_search *search, struct finding *out)
{
	const struct pol_escalation_time at = {
		.when = out->when,
		.before_ended = party_has_ended(&comparison->before, out->when),
		.after_ended = party_has_ended(&comparison->after, out->when),
		.grantor_ended = party_has_ended(&comparison->own, out->when),
	};
	struct pol_grantor grantor = { .facts = NULL };
	int r = 0;

	if (comparison->grantor != NULL) {
		grantor.runs = comparison->grantor->runs;
		grantor.run_count = comparison->grantor->run_count;
	}
	if (comparison->grants && !at.after_ended) {
		struct party_future is, has;

		r = grantor_allow(call, comparison->grantor,
			party_at(&comparison->own, at.when, &has),
			party_at(&comparison->after, at.when, &is), &grantor);
	}
	if (r == 0) {
		pol_escalation_find_at(search, &at, &grantor, &out->escalation);
	}
	return r;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Compares as of now, and as of each later time at which anything ends: what the subject held
 * before the call, what it holds after it, or what the caller has. So nothing is given for longer
 * than the caller has it, and a denial that ends does not hide what is allowed after it. */
static int compare(struct call *call, const struct comparison *comparison, struct finding *out)
{
	struct pol_escalation_search *search;
	int64_t when = call->now;
	int r = 0;

	out->escalation.found = false;
	if (pol_escalation_open(call->snapshot, comparison->before.facts, comparison->after.facts,
		    comparison->own.facts, &search) != POL_OK) {
		return -ENOMEM;
	}
	while (r == 0 && !out->escalation.found && when != INT64_MAX) {
		out->when = when;
		r = compare_at(call, comparison, search, out);
		when = earlier(party_next_end(&comparison->own, when),
			earlier(party_next_end(&comparison->before, when),
				party_next_end(&comparison->after, when)));
	}
	pol_escalation_close(search);
	return r;
}

static const char to_itself[] = "; and no caller may grant anything to itself";
static const char received[] =
	"; `grant` does not help, because a secret that you receive counts as your own";

/* A message is short, and for a peer without a token it has the way out before the reason. */
static int refuse(struct call *call, const struct finding *finding, const char *hint)
{
	const char *peer = "";
	char text[POL_TIME_TEXT];

	if (call->actor == NULL) {
		peer = "; a token that has it helps, or root, or `authz:/** all`";
		hint = hint == received ? "; a secret that you receive counts as your own" : hint;
	}
	if (finding->when > call->now && pol_timetext_format(finding->when, text) == POL_OK) {
		return call_error(call, "forbidden",
			"this would give away what you do not have yourself from %s on: %s on %s; "
			"let it end by then%s%s",
			text, finding->escalation.action, finding->escalation.resource, peer, hint);
	}
	return call_error(call, "forbidden",
		"this would give away what you do not have yourself: %s on %s%s%s",
		finding->escalation.action, finding->escalation.resource, peer, hint);
}

/* --- what the caller may give ----------------------------------------------------------------- */

/* A subject that gains. One of the two is set. */
struct gaining {
	const struct store_key *key;
	const struct store_principal *principal;
	const char *own; /* why `grant` does not count: a hint; NULL: it counts */
};

/* What a receiver has, whatever its state is. 0; -ENOENT or -EBADMSG: there is none any more; or
 * another negative errno. */
static int describe_receiver(struct call *call, const struct custody_receiver *receiver,
	struct subject *subject, struct party *out)
{
	struct pol_str id = { receiver->principal, receiver->principal_len };
	struct store_principal principal;
	struct store_key key;
	uint32_t declared = pol_snapshot_principal(call->snapshot, id);
	int r;

	if (receiver->is_key) {
		r = store_get_key(call->read, (struct pol_str){ receiver->kid, STORE_KID }, &key);
		r = r < 0 ? r : subject_describe_key(call, &key, subject);
		*out = (struct party){ &subject->facts, r < 0 ? 0 : key.expires_at };
		return r;
	}
	/* Only principals of that tenant can be impersonated. */
	r = store_get_principal(call->read, ACTOR_TENANT, id, &principal);
	if (r == 0) {
		r = subject_describe_principal(call, &principal, subject);
	} else if (r == -ENOENT && declared != POL_NONE) {
		r = subject_describe_declared(call, declared, subject);
	}
	*out = (struct party){ &subject->facts, 0 };
	return r;
}

/* Does a key or principal that received the caller's secret gain what it does not have itself? */
static int check_receiver(struct call *call, const struct comparison *comparison,
	const struct custody_receiver *receiver, struct finding *out)
{
	struct comparison other = *comparison;
	struct subject subject;
	int r = describe_receiver(call, receiver, &subject, &other.own);

	other.grantor = NULL;
	if (r == -ENOENT || r == -EBADMSG) {
		other.own = (struct party){ .facts = NULL };
		r = 0;
	}
	return r < 0 ? r : compare(call, &other, out);
}

/* `grant` would help: does the caller, or another key that received the caller's secret, hold a
 * secret of the subject? Then it would give to itself. */
static int check_custody(struct call *call, const struct comparison *comparison,
	const struct gaining *gaining, struct finding *finding)
{
	struct custody custody;
	int r = gaining->key != NULL ? custody_of_key(call, gaining->key, &custody)
				     : custody_of_principal(call, gaining->principal->tenant,
					       gaining->principal->id, &custody);

	if (r == 0 && custody.own) {
		return refuse(call, finding, received);
	}
	for (uint32_t i = 0; r == 0 && i < custody.count; i++) {
		r = check_receiver(call, comparison, &custody.receivers[i], finding);
		if (r == 0 && finding->escalation.found) {
			return refuse(call, finding, received);
		}
	}
	return r;
}

static int check(
	struct call *call, struct party before, struct party after, const struct gaining *gaining)
{
	struct grantor grantor;
	struct comparison comparison = { .before = before, .after = after, .grantor = &grantor };
	struct finding finding = { .when = call->now };
	int r = grantor_init(call, &grantor);

	comparison.own = grantor.own;
	if (r == 0) {
		r = compare(call, &comparison, &finding);
	}
	if (r != 0 || !finding.escalation.found) {
		return r;
	}
	if (gaining->own != NULL) {
		return refuse(call, &finding, gaining->own);
	}
	r = check_custody(call, &comparison, gaining, &finding);
	if (r == 0) {
		comparison.grants = true;
		r = compare(call, &comparison, &finding);
	}
	if (r != 0) {
		return r;
	}
	return finding.escalation.found
		       ? refuse(call, &finding, "; `grant` on the role or scope would allow it")
		       : 0;
}

/* The key that the caller presented: whatever it gains, the caller gains. */
static int check_own_key(struct call *call, struct party before, struct party after)
{
	const struct comparison comparison = { .before = before, .after = after };
	struct finding finding = { .when = call->now };
	int r = compare(call, &comparison, &finding);

	return r == 0 && finding.escalation.found ? refuse(call, &finding, to_itself) : r;
}

bool escalation_is_own(const struct call *call, uint32_t tenant, struct pol_str id)
{
	const struct actor *actor = call->actor;

	return actor != NULL && id.len > 0 && actor->tenant == tenant &&
	       pol_str_equal(id, (struct pol_str){ actor->principal, actor->principal_len });
}

static bool is_own_key(const struct call *call, const struct store_key *key)
{
	return call->actor != NULL && !call->actor->impersonated &&
	       pol_str_equal(key->kid, (struct pol_str){ call->actor->kid, STORE_KID });
}

/* --- changes ---------------------------------------------------------------------------------- */

/* A key that has expired is compared as one without an end: it has the one that it is given next.
 */
static struct party party_of_key(
	const struct call *call, const struct store_key *key, const struct subject *subject)
{
	return (struct party){ &subject->facts, key->expires_at > call->now ? key->expires_at : 0 };
}

/* `hint` as in struct gaining, or NULL. */
static int check_key(struct call *call, const struct store_key *before,
	const struct store_key *after, const char *hint)
{
	struct gaining gaining = { .key = after, .own = hint };
	struct party parties[2] = { { .facts = NULL } };
	struct subject was, is;
	int r = 0;

	if (actor_gives_anything(call)) {
		return 0;
	}
	if (escalation_is_own(call, after->tenant, after->principal)) {
		gaining.own = to_itself;
	} else if (before == NULL && after->binding == POL_BOUND_TO_PRINCIPAL) {
		r = actor_may(call, "principals", after->principal, "issue");
	}
	if (r == 0 && before != NULL) {
		r = subject_describe_key(call, before, &was);
		parties[0] = party_of_key(call, before, &was);
	}
	if (r == 0) {
		r = subject_describe_key(call, after, &is);
		parties[1] = party_of_key(call, after, &is);
	}
	if (r != 0) {
		return r;
	}
	return is_own_key(call, after) ? check_own_key(call, parties[0], parties[1])
				       : check(call, parties[0], parties[1], &gaining);
}

int escalation_check_key(
	struct call *call, const struct store_key *before, const struct store_key *after)
{
	return check_key(call, before, after, NULL);
}

int escalation_check_secret(struct call *call, const struct store_key *key)
{
	return check_key(call, NULL, key, received);
}

/* A change of a principal, for each of its keys. */
struct narrowed {
	struct call *call;
	const struct store_principal *before, *after;
	const char *own; /* as in struct gaining */
};

/* Do scopes of the key depend on conditions? */
static bool is_conditional(const struct call *call, const struct store_key *key)
{
	struct store_list scopes = key->scopes;
	struct pol_str name;

	while (store_list_next(&scopes, &name)) {
		if (pol_snapshot_scope_is_conditional(
			    call->snapshot, pol_snapshot_scope(call->snapshot, name))) {
			return true;
		}
	}
	return false;
}

/* What the principal is allowed on more conditions than before, its key may be allowed on less. */
static int check_narrowed(void *context, const struct store_key *key)
{
	const struct narrowed *narrowed = context;
	struct call *call = narrowed->call;
	struct gaining gaining = { .key = key, .own = narrowed->own };
	struct party parties[2];
	struct subject was, is;
	int r;

	if (!is_conditional(call, key)) {
		return 0;
	}
	r = subject_describe_narrowed(call, narrowed->before, key, &was);
	if (r == 0) {
		r = subject_describe_narrowed(call, narrowed->after, key, &is);
	}
	if (r != 0) {
		return r;
	}
	parties[0] = party_of_key(call, key, &was);
	parties[1] = party_of_key(call, key, &is);
	return is_own_key(call, key) ? check_own_key(call, parties[0], parties[1])
				     : check(call, parties[0], parties[1], &gaining);
}

int escalation_check_principal(struct call *call, const struct store_principal *before,
	const struct store_principal *after)
{
	struct narrowed narrowed = { .call = call, .before = before, .after = after };
	struct gaining gaining = { .principal = after };
	struct party parties[2] = { { .facts = NULL } };
	struct subject was, is;
	int r = 0;

	if (actor_gives_anything(call)) {
		return 0;
	}
	if (escalation_is_own(call, after->tenant, after->id)) {
		gaining.own = to_itself;
		narrowed.own = to_itself;
	}
	if (before != NULL) {
		r = subject_describe_principal(call, before, &was);
		parties[0].facts = &was.facts;
	}
	if (r == 0) {
		r = subject_describe_principal(call, after, &is);
		parties[1].facts = &is.facts;
	}
	r = r != 0 ? r : check(call, parties[0], parties[1], &gaining);
	/* Without `before` all that the principal is allowed was compared, so its keys add none. */
	return r != 0 || before == NULL ? r
					: store_list_unrevoked(call->read, after->tenant, after->id,
						  check_narrowed, &narrowed);
}

static const char to_all[] =
	"; and `grant` does not help, because you are one of those who gain it";

int escalation_check_everyone(struct call *call, enum store_everyone kind,
	const struct store_principal *before, const struct store_principal *after)
{
	const struct gaining gaining = { .own = to_all };
	struct party parties[2] = { { .facts = NULL } };
	struct subject was, is;
	int r;

	if (actor_gives_anything(call)) {
		return 0;
	}
	r = subject_describe_everyone(call, before->tenant, kind, before, &was);
	if (r == 0) {
		r = subject_describe_everyone(call, after->tenant, kind, after, &is);
	}
	parties[0].facts = &was.facts;
	parties[1].facts = &is.facts;
	return r != 0 ? r : check(call, parties[0], parties[1], &gaining);
}

/* A change of a role. `snapshot` NULL: subjects will hold `after`. */
struct role_change {
	uint32_t before;
	const struct pol_snapshot *snapshot;
	uint32_t after;
};

static enum pol_status find_by_role(const struct call *call, const struct role_change *change,
	const struct pol_grantor *grantor, struct pol_escalation *out)
{
	return change->snapshot != NULL
		       ? pol_escalation_of_role(call->snapshot, change->before, change->snapshot,
				 change->after, grantor, out)
		       : pol_escalation_of_membership(call->snapshot, change->after, grantor, out);
}

/* A role has no end, so the caller must have what it allows for good. */
static int check_role_change(struct call *call, const struct role_change *change)
{
	struct grantor grantor;
	struct finding finding = { .when = call->now };
	int64_t when = call->now;
	int r;

	if (actor_gives_anything(call)) {
		return 0;
	}
	r = grantor_init(call, &grantor);
	if (r < 0) {
		return r;
	}
	while (!finding.escalation.found && when != INT64_MAX) {
		struct party_future future;
		const struct pol_grantor then = {
			.facts = party_at(&grantor.own, when, &future),
			.runs = grantor.runs,
			.run_count = grantor.run_count,
		};

		finding.when = when;
		if (find_by_role(call, change, &then, &finding.escalation) != POL_OK) {
			return -ENOMEM;
		}
		when = party_next_end(&grantor.own, when);
	}
	if (!finding.escalation.found) {
		return 0;
	}
	return refuse(call, &finding,
		finding.when > call->now ? ", which a role cannot" : ", everywhere");
}

int escalation_check_role(
	struct call *call, uint32_t before, const struct pol_snapshot *snapshot, uint32_t after)
{
	return check_role_change(call, &(struct role_change){ before, snapshot, after });
}

int escalation_check_membership(struct call *call, uint32_t role)
{
	return check_role_change(call, &(struct role_change){ .before = POL_NONE, .after = role });
}
