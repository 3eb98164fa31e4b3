/* SPDX-License-Identifier: Apache-2.0 */
/* keys.delete, keys.restore and keys.purge. */
#include <errno.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/manage/check.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/keys/keys.h"
#include "daemon/manage/policy.h"
#include "daemon/write/audit.h"

static int open_any(struct call *call, const char *action, struct store_key *out)
{
	int r = actor_may(call, "keys", subject_str(call->params[0].text), action);

	return r != 0 ? r : keys_find_any(call, &call->params[0], out);
}

static int save(struct call *call, struct store_key *key)
{
	int r = audit_update_key(call->change, key);

	return r < 0 ? r : keys_answer(call, key);
}

/* The key is disabled too: after it is restored, it works when it is enabled. */
int keys_delete(struct call *call)
{
	struct store_key key;
	int r = open_any(call, "delete", &key);

	if (r != 0) {
		return r;
	}
	if (key.deleted_at != 0) {
		return keys_answer(call, &key);
	}
	key.flags |= STORE_KEY_DISABLED;
	key.deleted_at = call->now;
	return save(call, &key);
}

int keys_restore(struct call *call)
{
	struct store_key key;
	int r = open_any(call, "restore", &key);

	if (r != 0) {
		return r;
	}
	if (key.deleted_at == 0) {
		return keys_answer(call, &key);
	}
	key.deleted_at = 0;
	r = escalation_check_key(call, NULL, &key);
	if (r == 0 && keys_is_live(&key, call->now)) {
		r = keys_check_count(call, &key);
	}
	if (r != 0) {
		return r;
	}
	return save(call, &key);
}

int keys_answer_purged(struct call *call, const char kid[static STORE_KID])
{
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 1);
	wire_put_cstr(call->out, "id");
	wire_put_str(call->out, (struct wire_str){ kid, STORE_KID });
	return 0;
}

int keys_purge(struct call *call)
{
	char kid[STORE_KID];
	struct store_key key;
	int r = policy_admit(call);

	if (r != 0) {
		return r;
	}
	r = actor_may(call, "keys", subject_str(call->params[0].text), "delete");
	if (r == 0 && keys_is_altered(call, &call->params[0])) {
		return keys_purge_altered(call, &call->params[0]);
	}
	if (r == 0) {
		r = keys_find_any(call, &call->params[0], &key);
	}
	if (r != 0) {
		return r;
	}
	if (key.deleted_at == 0) {
		return call_error(
			call, "conflict", "only a deleted key can be purged: delete it first");
	}
	memcpy(kid, key.kid.ptr, sizeof kid);
	r = audit_remove_key(call->change, (struct pol_str){ kid, sizeof kid });
	return r < 0 ? r : keys_answer_purged(call, kid);
}
