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

/* The daemon's name of a caller that is written as people see it, or in the daemon's own way. */
export function actor_named(text) {
	const said = text.trim();
	const [, root, uid, host] = /^(?:(root)|user (\d+))(?: on (\S+))?$/.exec(said) || [];

	if (said === '' || said === 'daemon' || /^(uid|key|principal):/.test(said)) {
		return said;
	}
	if (root || uid) {
		return `uid:${root ? 0 : uid}${host ? `@${host}` : ''}`;
	}
	return /^key /.test(said) ? `key:${said.slice(4).trim()}` : `principal:${said}`;
}
