/* SPDX-License-Identifier: Apache-2.0 */
/* actor: who made a change, as the daemon names callers: "uid:0", "uid:0@desk-1", "key:1abc", "principal:ann". Pure, and tested by itself. */

/* {kind, id, text}: `kind` is undefined for a name of another form; `text` is for people. */
export function actor_of(name) {
	const [, kind, id] = /^(uid|key|principal):(.+)$/.exec(name) || [];

	if (kind === 'uid') {
		const [, uid, host] = /^([^@]*)@?(.*)$/.exec(id);

		return { kind, id, text: `${uid === '0' ? 'root' : `user ${uid}`}${host ? ` on ${host}` : ''}` };
	}
	return { kind, id, text: kind === 'key' ? `key ${id}` : id ?? name };
}
