/* SPDX-License-Identifier: Apache-2.0 */
/* What a role comes to, with what it inherits. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { index_trees } from '../../tools/console/lib/permissions.js';
import { ancestors, effect, outcome, own_counts } from '../../tools/console/lib/role_effect.js';

const INDEX = index_trees([{ resource: 'ui:/a', actions: [{ action: 'view', methods: [] }, { action: 'edit', methods: [] }] }, { resource: 'ui:/b', actions: [{ action: 'view', methods: [] }] }]);

test('ancestors are found once, nearest first, and a circle ends', () => {
	const roles = new Map([['a', { inherits: ['b', 'c'] }], ['b', { inherits: ['d'] }], ['c', { inherits: ['d', 'a'] }], ['d', {}]]);

	assert.deepEqual(ancestors('a', roles), ['b', 'c', 'd']);
	assert.deepEqual(ancestors('d', roles), []);
	assert.deepEqual(ancestors('unknown', roles), []);
});

test('a denial wins, wherever it comes from', () => {
	const found = effect([{ name: 'own', grants: ['allow view on ui:/**'] }, { name: 'above', grants: ['deny view on ui:/b', 'allow edit on ui:/a when context.x'] }], INDEX);

	assert.equal(outcome(found.get('ui:/a view')), 'allowed');
	assert.equal(outcome(found.get('ui:/b view')), 'denied');
	assert.equal(outcome(found.get('ui:/a edit')), 'sometimes');
	assert.deepEqual(found.get('ui:/b view'), { allow: ['own'], deny: ['above'], allow_when: [], deny_when: [] });
	assert.deepEqual(found.get('ui:/a edit').allow_when, [{ role: 'above', when: 'context.x' }]);
});

test('a denial with a condition makes what is allowed depend on it, and allows nothing', () => {
	const found = effect([{ name: 'r', grants: ['allow view on ui:/a', 'deny view on ui:/** when context.x'] }], INDEX);

	assert.equal(outcome(found.get('ui:/a view')), 'sometimes');
	assert.equal(outcome(found.get('ui:/b view')), 'none');
	assert.equal(outcome(undefined), 'none');
});

test('own grants are counted, with those under a condition, and each permission once', () => {
	assert.deepEqual(own_counts({ grants: ['allow view on ui:/**', 'allow all on ui:/a when context.x', 'deny edit on ui:/a'] }, INDEX), { allowed: 3, denied: 1 });
	assert.deepEqual(own_counts({ inherits: ['other'] }, INDEX), { allowed: 0, denied: 0 });
	assert.equal(own_counts({ grants: ['allow view on ui:/**', 'allow fly on ui:/a'] }, INDEX), undefined, 'a line that is not understood');
	assert.equal(own_counts({ grants: Array(1024).fill('allow view on ui:/a') }, INDEX), undefined, 'others may have been left out');
});
