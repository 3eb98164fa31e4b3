// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { can_turn, status_word } from '../../tools/console/lib/status.js';

test('what is on or off can be switched, and nothing that is deleted, ended or altered', () => {
	assert.ok(can_turn({ status: 'active' }) && can_turn({ status: 'inactive' }));
	assert.ok(!can_turn({ status: 'inactive', deleted_at: 1 }));
	for (const status of ['expired', 'revoked', 'altered', 'deleted', undefined]) {
		assert.ok(!can_turn({ status }), status);
	}
});

test('a status is said as on or off, the others by their own words', () => {
	assert.deepEqual(['active', 'inactive', 'expired', 'revoked'].map(status_word), ['on', 'off', 'expired', 'revoked']);
});
