/* SPDX-License-Identifier: Apache-2.0 */
/* overlap: the secrets of a key on a line of time. Pure, and tested by itself. */

const WEEK = 7 * 86400; /* of a pending secret */
const LEAST = 3600;     /* seconds that a line has, so that nothing is divided by nothing */

/*
 * The secrets: [{what: 'old' | 'new' | 'only', state, from, until (undefined: open), due}], the older one first, as
 * the record of the key says it at `now`. state: 'current', 'retiring', 'pending' or 'ended'; `says` are words for an end that is not known.
 */
export function secrets_of(key, now) {
	const begun = key.rotated_at ?? key.created_at;
	const ends = [key.expires_at, key.renew_by].filter((time) => time !== undefined);
	const end = ends.length > 0 ? Math.min(...ends) : undefined;
	if (key.status === 'revoked' || key.deleted_at !== undefined) {
		return [{ what: 'only', state: 'ended', from: begun, until: Math.min(key.deleted_at ?? now, now), due: undefined, says: 'does not count any more' }];
	}
	const current = { what: 'only', state: end !== undefined && end <= now ? 'ended' : 'current', from: begun, until: end, due: key.next_rotation_at };

	if (key.retiring_until !== undefined) {
		return [{ what: 'old', state: key.retiring_until <= now ? 'ended' : 'retiring', from: key.created_at, until: key.retiring_until, due: undefined },
			{ ...current, what: 'new' }];
	}
	if (key.pending_until !== undefined) {
		return [{ ...current, what: 'old' },
			{ what: 'new', state: 'pending', from: Math.max(begun, key.pending_until - WEEK), until: key.pending_until, due: undefined }];
	}
	return [current];
}

/* What a rotation would make of the key, for the drawing before it is done. `overlap` in seconds. */
export function after_rotation(key, mode, overlap, now) {
	const without = { ...key, retiring_until: undefined, pending_until: undefined };

	if (mode === 'confirm') {
		return { ...without, pending_until: now + WEEK };
	}
	const moved = key.rotate_every === undefined ? {} : {
		next_rotation_at: now + key.rotate_every,
		renew_by: key.renew_by === undefined ? undefined : key.renew_by - key.next_rotation_at + now + key.rotate_every,
	};
	return { ...without, ...moved, rotated_at: now, retiring_until: mode === 'immediate' ? now : now + overlap };
}

/*
 * The drawing: {from, to, now: percent, rows: [{...secret, left, width, due: percent or undefined, is_open, began_before}]}. The line
 * shows what is near: two thirds of it lie around the other secret when there are two.
 */
export function drawing(secrets, now) {
	const times = [now, ...secrets.flatMap((one) => [one.until, one.due])].filter((time) => time !== undefined);
	const later = Math.max(...times);
	const starts = secrets.map((one) => one.from);
	const newest = Math.max(...starts);
	const ahead = secrets.length > 1 ? Math.max(...secrets.filter((one) => one.state === 'retiring' || one.state === 'pending' || one.state === 'ended').map((one) => one.until ?? now), now) : later;
	const span = Math.max(LEAST, ahead - newest, now - newest);
	const from = secrets.length > 1 ? newest - Math.round(span / 3) : Math.min(newest, now);
	const to = secrets.length > 1 ? Math.max(ahead, now) + Math.round(span / 3) : Math.max(later, now + Math.round(span / 6), from + LEAST);
	const percent = (time) => Math.max(0, Math.min(100, 100 * (time - from) / (to - from)));
	const inside = (time) => time !== undefined && time >= from && time <= to;

	return {
		from, to, now: percent(now),
		rows: secrets.map((one) => {
			const left = percent(one.from);
			const right = one.until === undefined ? 100 : percent(one.until);
			return { ...one, left, width: Math.max(0, right - left), due: inside(one.due) ? percent(one.due) : undefined, due_at: one.due, is_open: one.until === undefined || one.until > to, began_before: one.from < from };
		}),
	};
}
