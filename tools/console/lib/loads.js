/* SPDX-License-Identifier: Apache-2.0 */
/* loads: which loads of the policy the audit trail has that are older than the attempts that the daemon remembers. */

const BESIDE = 60; /* seconds by which the record of a load may be older than its attempt */

/* What a record says that a field became. */
function became(record, field) {
	return (record.changes || []).find((change) => change.field === field)?.to;
}

/*
 * attempts: of policy.status; records: of audit.list; both newest first. [{sequence, at, revision, commit, trigger, actor}],
 * at most `most`. The record of the oldest attempt is written a moment before the attempt has ended, so it does not count as an older load.
 */
export function older_loads(records, attempts, most) {
	const oldest = attempts[attempts.length - 1];
	const is_older = (one) => oldest === undefined || one.at < oldest.first_at
		&& !(one.revision === oldest.revision && one.trigger === oldest.trigger && oldest.first_at - one.at < BESIDE);

	return records.filter((record) => record.action === 'policy.reload')
		.map((record) => ({ sequence: record.sequence, at: record.time, actor: record.actor, revision: became(record, 'revision'), commit: became(record, 'commit'), trigger: became(record, 'trigger') }))
		.filter(is_older).slice(0, most);
}
