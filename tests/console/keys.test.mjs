// SPDX-License-Identifier: Apache-2.0
// What the list of keys is narrowed to.
import assert from 'node:assert/strict';
import test from 'node:test';
import { dangling_names, fits, holder, holders_of, is_filtered, list_params, mark_of, narrowed_by, ONLY, other_secret, sort_of, sort_text, values_of } from '../../tools/console/lib/keys.js';

const DAY = 86400, NOW = 1000 * DAY;
const key = (given = {}) => ({ id: '1abcdefghijk', prefix: 'lp_live_', status: 'active', environment: 'live', created_at: NOW - 10 * DAY, ...given });

test('a search finds the token as it is shown, names, labels, holders, scopes and places, word by word', () => {
	const one = key({ name: 'Billing Export', label: 'finance', principal: 'ann', scopes: ['loans:read'], at: ['api:/loans/7'] });

	for (const search of ['', 'lp_live_1abc', 'billing', 'EXPORT bill', 'finance', 'ann', 'loans:read', '/loans/7', 'billing ann']) {
		assert.ok(fits(one, { search }, NOW), search);
	}
	for (const search of ['bob', 'billing bob', 'lp_test_']) {
		assert.ok(!fits(one, { search }, NOW), search);
	}
	assert.ok(!fits(key(), { search: 'undefined' }, NOW), 'what a key lacks is no word');
});

test('a key that this host alone refuses is found, and says so', () => {
	assert.ok(!ONLY.marked.holds(key()) && mark_of(key()) === undefined);
	assert.ok(fits(key({ marked: 'revoked' }), { only: 'marked' }, NOW) && !fits(key(), { only: 'marked' }, NOW));
	assert.equal(mark_of(key({ marked: 'revoked' })), 'revoked here');
	assert.equal(mark_of(key({ marked: 'inactive' })), 'off here');
});

test('each filter narrows, and together they narrow more', () => {
	const one = key({ principal: 'ann', label: 'a' });

	assert.ok(fits(one, { status: 'active', environment: 'live', holder: 'ann', label: 'a' }, NOW));
	for (const [word, value] of [['status', 'inactive'], ['environment', 'test'], ['holder', 'an'], ['holder', 'role ann'], ['label', 'b']]) {
		assert.ok(!fits(one, { holder: 'ann', [word]: value }, NOW), word);
	}
	assert.ok(fits(key({ status: 'revoked', deleted_at: NOW }), { status: 'deleted' }, NOW), 'the daemon has chosen the deleted ones, whatever they were before');
});

test('keys without expiry, and those that were not used for 90 days', () => {
	assert.ok(ONLY.endless.holds(key()));
	assert.ok(!ONLY.endless.holds(key({ expires_at: NOW + 1 })));
	assert.ok(!ONLY.idle.holds(key(), NOW), 'a key that is young is not idle');
	assert.ok(!ONLY.idle.holds(key({ created_at: 0, last_used_at: NOW - 90 * DAY }), NOW));
	assert.ok(ONLY.idle.holds(key({ created_at: 0, last_used_at: NOW - 90 * DAY - 1 }), NOW));
	assert.ok(ONLY.idle.holds(key({ created_at: 0 }), NOW), 'never used, and old');
	assert.ok(ONLY.expiring.holds(key({ expires_at: NOW + 30 * DAY }), NOW));
	assert.ok(!ONLY.expiring.holds(key({ expires_at: NOW }), NOW), 'it has expired');
	assert.ok(ONLY.rotating.holds(key({ pending_until: NOW })) && ONLY.rotating.holds(key({ retiring_until: NOW })) && !ONLY.rotating.holds(key()));
	assert.ok(fits(key(), { only: 'nonsense' }, NOW), 'an address with an unknown word shows all');
});

test('deleted and altered keys are asked for by themselves; the rest is narrowed by the page until there is too much', () => {
	assert.deepEqual(list_params({ status: 'active', holder: 'ann' }), {});
	assert.deepEqual(list_params({ status: 'deleted' }), { status: 'deleted' });
	assert.deepEqual(list_params({ status: 'active', holder: 'ann', label: '' }, true), { status: 'active', principal: 'ann', label: undefined });
	assert.deepEqual(list_params({ status: 'altered', holder: 'ann' }, true), { status: 'altered' }, 'this one takes no other filter');
	assert.equal(list_params({ holder: 'role clerk' }, true).principal, undefined, 'the daemon narrows by principals alone');
});

test('the holders of a list are its principals, then roles and scopes, each once, and each finds its keys', () => {
	const keys = [key({ scopes: ['loans'] }), key({ roles: ['reader', 'clerk'] }), key({ principal: 'bob', scopes: ['loans'] }), key({ principal: 'ann' }), key({ roles: ['clerk'] })];

	assert.deepEqual(holders_of(keys), ['ann', 'bob', 'role clerk', 'role reader', 'scope loans']);
	assert.deepEqual(holders_of(keys).map((word) => keys.filter((one) => fits(one, { holder: word }, NOW)).length), [1, 1, 2, 1, 1]);
});

test('what a key is bound to, and what narrows it', () => {
	assert.deepEqual(holder(key({ principal: 'ann', scopes: ['s'] })), { kind: 'principal', names: ['ann'] });
	assert.deepEqual(holder(key({ roles: ['r'], scopes: ['s'] })), { kind: 'roles', names: ['r'] });
	assert.deepEqual(holder(key({ scopes: ['s'] })), { kind: 'scopes', names: ['s'] });
	assert.deepEqual(narrowed_by(key({ principal: 'ann', scopes: ['s'], at: ['api:/a'] })), ['s', 'api:/a']);
	assert.deepEqual(narrowed_by(key({ scopes: ['s'] })), [], 'scopes that it is bound to do not narrow it');
	assert.deepEqual(other_secret(key({ retiring_until: 5 })), { state: 'retiring', until: 5 });
	assert.equal(other_secret(key()), null);
	assert.deepEqual(dangling_names({ dangling: ['a'] }), ['a']);
	assert.deepEqual(dangling_names({}), []);
});

test('the order is a word of the address, and the usual one is none', () => {
	assert.deepEqual(sort_of(undefined, 'name'), { key: 'name', down: false });
	assert.deepEqual(sort_of('-last', 'name'), { key: 'last', down: true });
	assert.equal(sort_text({ key: 'last', down: true }, 'name'), '-last');
	assert.equal(sort_text({ key: 'name', down: false }, 'name'), undefined);
	assert.ok(is_filtered({ only: 'idle' }) && !is_filtered({ sort: '-last', tenant: 'a', search: '' }));
});

test('the values to choose from are each there once, in their order', () => {
	assert.deepEqual(values_of([{ label: 'b10' }, { label: 'b9' }, {}, { label: 'b9' }, { label: '' }], 'label'), ['b9', 'b10']);
});
