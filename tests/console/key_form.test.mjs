// SPDX-License-Identifier: Apache-2.0
// From the form of a key to the parameters of a call.
import assert from 'node:assert/strict';
import test from 'node:test';
import { wrong_network } from '../../tools/console/lib/cidr.js';
import { consequences, create_params, empty_form, form_of, ids_for, is_changed, problems, update_params, wrong_place } from '../../tools/console/lib/key_form.js';

const NOW = 1000000;
const sent = (params) => JSON.parse(JSON.stringify(params));

test('a new key has what was chosen, and nothing of what it is not bound to', () => {
	const form = empty_form({ bound: 'principal', principal: ' ann ', roles: ['left', 'over'], name: ' Export ', label: '  ', ends: { expires_in: 60 }, rotate: '90', at: ['api:/a'] });

	assert.deepEqual(sent(create_params(form)), { principal: 'ann', at: ['api:/a'], name: 'Export', expires_in: 60, rotate_every: 90 });
	assert.deepEqual(sent(create_params({ ...form, bound: 'roles', scopes: ['s'] }, 'acme')),
		{ tenant: 'acme', roles: ['left', 'over'], scopes: ['s'], at: ['api:/a'], name: 'Export', expires_in: 60, rotate_every: 90 });
	assert.deepEqual(sent(create_params(empty_form({ bound: 'scopes', scopes: ['s'], environment: 'test', not_before: 7 }))), { scopes: ['s'], environment: 'test', not_before: 7 });
});

test('an empty list is never sent: it would be an error, and not mean everything', () => {
	const params = sent(create_params(empty_form({ principal: 'ann' })));

	assert.deepEqual(params, { principal: 'ann' });
});

test('a form that lacks what the key is bound to, or has a wrong place or network, is not sent', () => {
	assert.deepEqual(Object.keys(problems(empty_form({ principal: ' ' }))), ['principal']);
	assert.deepEqual(Object.keys(problems(empty_form({ bound: 'roles' }))), ['roles']);
	assert.deepEqual(Object.keys(problems(empty_form({ bound: 'scopes' }))), ['scopes']);
	assert.deepEqual(problems(empty_form({ principal: 'ann' })), {});
	assert.deepEqual(Object.keys(problems(empty_form({ principal: 'ann', at: ['api:/a', 'loans'], networks: ['10.0.0.1/8'] }))), ['at', 'networks']);
});

test('a place is TREE:/path, with ids in the places of parameters', () => {
	assert.equal(wrong_place('api:/'), undefined);
	assert.equal(wrong_place('api:/loans/7'), undefined);
	assert.match(wrong_place('api:/loans/{loan}'), /\{loan\}/);
	assert.match(wrong_place('api:/loans/**'), /without a \*/);
	for (const text of ['', 'api', '/loans', 'api:loans', ':/', '7:/a']) {
		assert.match(wrong_place(text), /is not a place/, text);
	}
});

test('networks are what the daemon takes', () => {
	for (const text of ['10.1.0.0/16', '10.1.2.3', '0.0.0.0/0', '10.1.2.3/32', '::/0', '::1', '2001:db8::/32', '1:2:3:4:5:6:7:8', '::ffff:1.2.3.4', '2001:db8::1/128', 'FE80::/10']) {
		assert.equal(wrong_network(text), undefined, text);
	}
	for (const text of ['', '10.1.2.3/16', '10.1.2/24', '10.01.0.0/16', '10.0.0.0/08', '10.0.0.0/33', '10.0.0.256', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '2001:db8::1/32', '1:2:3:4:5:6:7', '1::2::3',
		'1:2:3:4:5:6:7:8:9', '12345::', 'fe80::1%eth0', '1.2.3.4::', 'a.b.c.d', '1:2:3:4:5:6:7::8']) {
		assert.notEqual(wrong_network(text), undefined, text);
	}
});

const KEY = { id: '1a', name: 'A', label: 'l', principal: 'ann', scopes: ['a', 'b'], networks: ['10.0.0.0/8'], expires_at: 5000, rotate_every: 86400 };

test('an edit sends what is different alone, and null for what is taken away', () => {
	const form = form_of(KEY);

	assert.deepEqual(update_params(KEY, form, NOW), { id: '1a' });
	assert.ok(!is_changed(update_params(KEY, form, NOW)));
	assert.deepEqual(update_params(KEY, { ...form, name: '', label: 'm', networks: [], ends: {}, rotate: '' }, NOW),
		{ id: '1a', name: null, label: 'm', networks: null, expires_at: null, rotate_every: null });
	assert.deepEqual(update_params(KEY, { ...form, scopes: ['a'], ends: { expires_in: 60 }, rotate: '60' }, NOW), { id: '1a', scopes: ['a'], expires_at: NOW + 60, rotate_every: 60 });
	assert.deepEqual(update_params(KEY, { ...form, ends: { expires_at: 6000 } }, NOW), { id: '1a', expires_at: 6000 });
	assert.deepEqual(update_params(KEY, { ...form, scopes: [] }, NOW), { id: '1a' }, 'scopes cannot be removed');
	assert.deepEqual(update_params({ id: '1a', scopes: ['s'] }, form_of({ id: '1a', scopes: ['s'] }), NOW), { id: '1a' });
});

test('the page says what a change takes away', () => {
	assert.match(consequences(KEY, { id: '1a', scopes: ['a'] }).join(), /need b are denied/);
	assert.match(consequences({ id: '1a', principal: 'ann' }, { id: '1a', scopes: ['a'] }).join(), /narrowed/);
	assert.deepEqual(consequences(KEY, { id: '1a', name: 'x' }), []);
});

test('the same call again has the same id, and another call another', () => {
	let number = 0;
	const id = ids_for(() => `id${++number}`);

	assert.equal(id({ name: 'a' }), 'id1');
	assert.equal(id({ name: 'a' }), 'id1');
	assert.equal(id({ name: 'b' }), 'id2');
	assert.equal(id({ name: 'a' }), 'id3', 'the first answer is not asked for any more');
});
