/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/grantor.h"

#include "daemon/decide/actor.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/manage/authz_nodes.h"
#include "policy/decide/subject.h"

/* --- what is held, and until when ------------------------------------------------------------- */

int64_t party_next_end(const struct party *party, int64_t when)
{
	const struct pol_facts *facts = party->facts;
	int64_t next = party->end > when ? party->end : INT64_MAX;

	for (uint32_t i = 0; facts != NULL && i < facts->held_count; i++) {
		int64_t until = facts->held[i].until;

		next = until > when && until < next ? until : next;
	}
	return next;
}

bool party_has_ended(const struct party *party, int64_t when)
{
	return party->facts == NULL || (party->end != 0 && when >= party->end);
}

const struct pol_facts *party_at(
	const struct party *party, int64_t when, struct party_future *future)
{
	const struct pol_facts *facts = party->facts;

	if (party_has_ended(party, when)) {
		return NULL;
	}
	pol_subject_at(facts, when, future->held, &future->facts);
	return &future->facts;
}

/* --- a manager of the configuration ----------------------------------------------------------- */

/* The permissions that `manage` lines give to a peer without a token, as runs. */
static int find_runs(struct call *call, struct grantor *grantor)
{
	for (size_t i = 0; i < AUTHZ_NODES; i++) {
		const struct authz_node *node = &authz_nodes[i];
		bool below = node->param != NULL;

		for (const char *const *action = node->actions; *action != NULL; action++) {
			struct pol_str id = below ? POL_STR(AUTHZ_ANY_ID) : (struct pol_str){ 0 };
			struct pol_run *run = &grantor->runs[grantor->run_count];
			int r = actor_can(call, node->noun, id, *action);

			if (r < 0) {
				return r;
			}
			if (r > 0 && grantor->run_count < 64 &&
				pol_escalation_permission(
					call->snapshot, node->noun, below, *action, run)) {
				grantor->run_count++;
			}
		}
	}
	return 0;
}

/* --- the caller ------------------------------------------------------------------------------- */

/* When the caller's credential ends; a principal that is impersonated has none. Its key, or the
 * secret that it presented, if that retires. */
static int64_t find_end(struct call *call)
{
	const struct subject *subject = &call->actor->subject;
	const struct store_key *key = &subject->key;
	int64_t end, until;

	if (call->actor->impersonated) {
		return 0;
	}
	end = key->expires_at;
	until = key->rotation.other_until;
	if (subject->by_other && secret_rules_other(key, call->now) == STORE_OTHER_RETIRING &&
		(end == 0 || until < end)) {
		end = until;
	}
	return end;
}

int grantor_init(struct call *call, struct grantor *grantor)
{
	grantor->own = (struct party){ .facts = NULL };
	grantor->run_count = 0;
	if (call->actor == NULL) {
		return find_runs(call, grantor);
	}
	grantor->own.facts = &call->actor->subject.facts;
	grantor->own.end = find_end(call);
	return 0;
}

/* --- what `grant` allows beside --------------------------------------------------------------- */

static int may_grant(
	struct call *call, const struct pol_facts *own, const char *noun, struct pol_str name)
{
	if (name.len == 0 || (call->actor != NULL && own == NULL)) {
		return 0;
	}
	return call->actor != NULL ? actor_could(call, own, noun, name, "grant")
				   : actor_can(call, noun, name, "grant");
}

int grantor_allow(struct call *call, struct grantor *grantor, const struct pol_facts *own,
	const struct pol_facts *facts, struct pol_grantor *out)
{
	out->roles = grantor->roles;
	out->scopes = grantor->scopes;
	for (uint32_t i = 0; i < facts->held_count && i < SUBJECT_MAX_HELD; i++) {
		uint32_t role = facts->held[i].role;
		int r = may_grant(
			call, own, "grants/roles", pol_snapshot_role_name(call->snapshot, role));

		if (r < 0) {
			return r;
		}
		if (r > 0) {
			grantor->roles[out->role_count++] = role;
		}
	}
	for (uint32_t i = 0; i < facts->scope_count && i < STORE_MAX_LIST; i++) {
		int r = may_grant(call, own, "grants/scopes",
			pol_snapshot_scope_name(call->snapshot, facts->scopes[i]));

		if (r < 0) {
			return r;
		}
		if (r > 0) {
			grantor->scopes[out->scope_count++] = facts->scopes[i];
		}
	}
	return 0;
}
