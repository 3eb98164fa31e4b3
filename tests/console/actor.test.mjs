/* SPDX-License-Identifier: Apache-2.0 */
/* Who made a change, in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actor_named, actor_of } from '../../tools/console/lib/actor.js';

test('a user of the machine is named, root by that name', () => {
	assert.equal(actor_of('uid:0').text, 'root');
	assert.equal(actor_of('uid:1000').text, 'user 1000');
});

test('a user of a host of a shared store is named with the host', () => {
	assert.equal(actor_of('uid:0@desk-1').text, 'root on desk-1');
	assert.equal(actor_of('uid:33@desk-1').text, 'user 33 on desk-1');
});

test('a key and a principal have their ids', () => {
	assert.deepEqual(actor_of('key:1abc'), { kind: 'key', id: '1abc', text: 'key 1abc' });
	assert.deepEqual(actor_of('principal:uid:0@x'), { kind: 'principal', id: 'uid:0@x', text: 'uid:0@x' });
});

test('another name stays as it is', () => {
	assert.deepEqual(actor_of('daemon'), { kind: undefined, id: undefined, text: 'daemon' });
});

test('what a row of the trail shows is a name that the daemon knows', () => {
	for (const name of ['uid:0', 'uid:1000', 'uid:0@desk-1', 'uid:33@desk-1', 'key:1abc', 'principal:ann', 'daemon']) {
		assert.equal(actor_named(actor_of(name).text), name);
		assert.equal(actor_named(` ${name} `), name);
	}
	assert.equal(actor_named(''), '');
});
