// SPDX-License-Identifier: Apache-2.0
// The matrix of roles and actions: its marks, and parts that become a whole.

import assert from 'node:assert/strict';
import test from 'node:test';
import { read_marks, read_matrix } from '../../tools/console/lib/matrix.js';

const PARTS = {
  first: { holders: [{ name: 'clerk' }, { name: 'chief' }], conditions: ['resource.open'], cursor: '1',
    nodes: [{ resource: 'api:/loans', actions: [{ action: 'list', methods: ['GET'], marks: '?+', when: { 0: 0 } }] }] },
  1: { conditions: ['a', 'b'], nodes: [{ resource: 'api:/x', actions: [] }, { resource: 'api:/y',
    actions: [{ action: 'read', methods: ['GET'], marks: '+2' }, { action: 'drop', marks: '.?', when: { 1: 1 } }] }] },
};

test('a run of marks is as many marks', () => {
  assert.equal(read_marks('.4+x2?12'), `....+xx${'?'.repeat(12)}`);
  assert.equal(read_marks('.+'), '.+');
});

test('parts are one whole, each with its own conditions', async () => {
  const asked = [];
  const whole = await read_matrix((cursor) => {
    asked.push(cursor);
    return PARTS[cursor || 'first'];
  }, 10);
  assert.deepEqual(asked, [undefined, '1']);
  assert.deepEqual(whole.holders.map(({ name }) => name), ['clerk', 'chief']);
  assert.deepEqual(whole.rows.map(({ resource, action, marks, when }) => [resource, action, marks, when]),
    [['api:/loans', 'list', '?+', { 0: 'resource.open' }], ['api:/y', 'read', '+2', {}], ['api:/y', 'drop', '.?', { 1: 'b' }]]);
  assert.equal(whole.cut, false);
});

test('no more is read than is wanted, and that is said', async () => {
  const asked = [];
  const whole = await read_matrix((cursor) => {
    asked.push(cursor);
    return PARTS[cursor || 'first'];
  }, 1);
  assert.deepEqual([asked.length, whole.rows.length, whole.cut], [1, 1, true]);
  assert.equal((await read_matrix((cursor) => PARTS[cursor || 'first'], 2)).cut, true);
});
