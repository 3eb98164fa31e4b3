// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { can_turn } from '../../tools/console/lib/status.js';

test('what is on or off can be switched, and nothing that is deleted, ended or altered', () => {
	assert.ok(can_turn({ status: 'active' }) && can_turn({ status: 'inactive' }));
	assert.ok(!can_turn({ status: 'inactive', deleted_at: 1 }));
	for (const status of ['expired', 'revoked', 'altered', 'deleted', undefined]) {
		assert.ok(!can_turn({ status }), status);
	}
});
