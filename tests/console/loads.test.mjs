/* SPDX-License-Identifier: Apache-2.0 */
/* Which loads of the trail are older than the attempts that the daemon remembers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { older_loads } from '../../tools/console/lib/loads.js';

const ATTEMPTS = [{ attempted_at: 5000, first_at: 5000, revision: 'c', trigger: 'watch' }, { attempted_at: 4000, first_at: 3000, revision: 'b', trigger: 'start' }];

function load(time, revision, trigger, sequence = time) {
	return { sequence, time, action: 'policy.reload', actor: 'daemon', changes: [{ field: 'revision', from: '', to: revision }, { field: 'commit', from: '', to: 'd0' }, { field: 'trigger', from: '', to: trigger }] };
}

function times(records, attempts = ATTEMPTS, most = 20) {
	return older_loads(records, attempts, most).map((one) => one.at);
}

test('loads that are among the attempts are left out, older ones stay, newest first', () => {
	assert.deepEqual(times([load(4999, 'c', 'watch'), load(3000, 'b', 'start'), load(2000, 'a', 'request'), load(1000, 'z', 'start')]), [2000, 1000]);
	assert.deepEqual(older_loads([load(2000, 'a', 'request', 7)], ATTEMPTS, 20), [{ sequence: 7, at: 2000, actor: 'daemon', revision: 'a', commit: 'd0', trigger: 'request' }]);
});

test('the record of the oldest attempt, a moment before it, is no older load', () => {
	assert.deepEqual(times([load(2999, 'b', 'start')]), []);
	assert.deepEqual(times([load(2999, 'a', 'start'), load(2998, 'b', 'signal'), load(2000, 'b', 'start')]), [2999, 2998, 2000]);
});

test('other records are no loads, and no more are given than asked for', () => {
	assert.deepEqual(times([{ ...load(2000, 'a', 'watch'), action: 'keys.create' }, load(1900, 'a', 'watch'), load(1800, 'z', 'watch')], ATTEMPTS, 1), [1900]);
	assert.deepEqual(times([load(2000, 'a', 'watch')], []), [2000]);
	assert.deepEqual(times([]), []);
});
