// SPDX-License-Identifier: Apache-2.0
// The name of a policy file within its folder, of what the daemon calls it.
import assert from 'node:assert/strict';
import test from 'node:test';

globalThis.location = { hash: '' };
globalThis.history = { state: { entry: 0 } };
globalThis.addEventListener = () => {};
const { within } = await import('../../tools/console/lib/position.js');

test('a file is named within its folder, whether the daemon was given the folder absolute or relative', () => {
	for (const said of ['/etc/authz/policy/a.policy', 'policy/a.policy', './policy/a.policy', 'authz/policy/a.policy']) {
		assert.equal(within('/etc/authz/policy', said), 'a.policy', said);
	}
	assert.equal(within('/etc/authz/policy', '/etc/authz/policy/policy/a.policy'), 'policy/a.policy');
	assert.equal(within('/etc/authz/policy', 'policy/policy/a.policy'), 'policy/a.policy');
	assert.equal(within('/policy', 'policy/a.policy'), 'a.policy');
});

test('a file of elsewhere keeps its name', () => {
	for (const said of ['/usr/share/policy/a.policy', 'a.policy', 'icy/a.policy', 'other/a.policy']) {
		assert.equal(within('/etc/authz/policy', said), said);
	}
});
