// SPDX-License-Identifier: Apache-2.0
// The secrets of a key on a line of time.
import assert from 'node:assert/strict';
import test from 'node:test';
import { after_rotation, drawing, secrets_of } from '../../tools/console/lib/overlap.js';

const DAY = 86400, NOW = 1000 * DAY;
const key = (given = {}) => ({ created_at: NOW - 100 * DAY, ...given });

test('a key that was never rotated has one secret, from its beginning', () => {
	assert.deepEqual(secrets_of(key(), NOW), [{ what: 'only', state: 'current', from: NOW - 100 * DAY, until: undefined, due: undefined }]);
});

test('it ends with the key, or when it is not renewed, whichever comes first', () => {
	const [one] = secrets_of(key({ expires_at: NOW + 50 * DAY, renew_by: NOW + 5 * DAY, next_rotation_at: NOW + DAY }), NOW);

	assert.equal(one.until, NOW + 5 * DAY);
	assert.equal(one.due, NOW + DAY);
	assert.equal(secrets_of(key({ expires_at: NOW }), NOW)[0].state, 'ended');
});

test('no secret of a revoked or deleted key counts, whatever its record says of their ends', () => {
	for (const dead of [{ status: 'revoked', expires_at: NOW + DAY }, { deleted_at: NOW - DAY, retiring_until: NOW + DAY }]) {
		const secrets = secrets_of(key(dead), NOW);
		assert.deepEqual(secrets.map((one) => [one.state, one.until <= NOW]), [['ended', true]]);
	}
});

test('while the old secret retires the new one is current', () => {
	const [old, fresh] = secrets_of(key({ rotated_at: NOW - DAY, retiring_until: NOW + DAY }), NOW);

	assert.deepEqual([old.what, old.state, old.until], ['old', 'retiring', NOW + DAY]);
	assert.deepEqual([fresh.what, fresh.state, fresh.from, fresh.until], ['new', 'current', NOW - DAY, undefined]);
});

test('while the new secret waits for its first use the old one is current', () => {
	const [old, fresh] = secrets_of(key({ pending_until: NOW + 6 * DAY }), NOW);

	assert.deepEqual([old.what, old.state], ['old', 'current']);
	assert.deepEqual([fresh.what, fresh.state, fresh.from, fresh.until], ['new', 'pending', NOW - DAY, NOW + 6 * DAY]);
});

test('what a rotation would do is drawn before it is done', () => {
	const states = (mode) => secrets_of(after_rotation(key({ rotate_every: 30 * DAY, next_rotation_at: NOW, renew_by: NOW + 7 * DAY }), mode, DAY, NOW), NOW).map((one) => [one.state, one.until]);

	assert.deepEqual(states('overlap'), [['retiring', NOW + DAY], ['current', NOW + 37 * DAY]]);
	assert.deepEqual(states('immediate'), [['ended', NOW], ['current', NOW + 37 * DAY]]);
	assert.deepEqual(states('confirm'), [['current', NOW + 7 * DAY], ['pending', NOW + 7 * DAY]]);
});

test('all that is drawn lies on the line, and now and the end of the old secret are on it', () => {
	const keys = [key(), key({ created_at: NOW }), key({ expires_at: NOW - 50 * DAY }), key({ rotated_at: NOW - 60, retiring_until: NOW + 60 }), key({ rotated_at: NOW, retiring_until: NOW }),
		key({ rotated_at: NOW - DAY, retiring_until: NOW + 30 * DAY, expires_at: NOW + 3000 * DAY }), key({ pending_until: NOW + 7 * DAY }), key({ created_at: NOW, pending_until: NOW + 7 * DAY }),
		key({ rotate_every: DAY, next_rotation_at: NOW + DAY, renew_by: NOW + 8 * DAY })];

	for (const one of keys) {
		const drawn = drawing(secrets_of(one, NOW), NOW);
		assert.ok(drawn.to > drawn.from);
		assert.ok(drawn.now > 0 || drawn.from === NOW, JSON.stringify(one));
		assert.ok(drawn.now <= 100);
		for (const row of drawn.rows) {
			assert.ok(row.left >= 0 && row.width >= 0 && row.left + row.width <= 100.001, JSON.stringify(row));
			if (row.state === 'retiring' || row.state === 'pending') {
				assert.ok(!row.is_open && row.left + row.width < 100, 'its end is seen');
			}
		}
	}
});

test('the old secret ends to the left of where the new one does', () => {
	const { rows: [old, fresh] } = drawing(secrets_of(key({ rotated_at: NOW - DAY, retiring_until: NOW + DAY }), NOW), NOW);

	assert.ok(old.left + old.width < fresh.left + fresh.width && old.left < fresh.left);
	assert.ok(fresh.is_open && old.began_before);
});

test('what both secrets have together takes the middle of the line', () => {
	const { rows: [old, fresh], now } = drawing(secrets_of(key({ rotated_at: NOW - DAY, retiring_until: NOW + DAY }), NOW), NOW);

	assert.deepEqual([fresh.left, now, old.left + old.width].map(Math.round), [20, 50, 80]);
});
