// SPDX-License-Identifier: Apache-2.0
// What a line of a stack came to, in words, as the control table of policy/REFERENCE.md has it.

import assert from 'node:assert/strict';
import test from 'node:test';
import { CONTROLS, outcome_of } from '../../tools/console/lib/checks.js';

const word = (control, verdict) => outcome_of({ control, verdict }).word;

test('a line that must not deny, and does, denies', () => {
  for (const control of ['required', 'requisite']) {
    assert.deepEqual(['allow', 'deny', 'error', 'ignore'].map((verdict) => word(control, verdict)), ['allows', 'denies', 'denies', 'no say']);
  }
});

test('a sufficient line that does not allow is no denial', () => {
  assert.equal(word('sufficient', 'allow'), 'allows');
  const { word: said, tone, note } = outcome_of({ control: 'sufficient', verdict: 'deny' });
  assert.deepEqual([said, tone], ['not enough', 'plain']);
  assert.match(note, /no denial/);
  assert.equal(word('sufficient', 'error'), 'not enough');
  assert.equal(word('sufficient', 'ignore'), 'no say');
});

test('an optional line decides only where no other does, and its failure does not count', () => {
  assert.deepEqual(['allow', 'deny', 'error', 'ignore'].map((verdict) => word('optional', verdict)), ['allows', 'denies', 'no say', 'no say']);
  assert.match(outcome_of({ control: 'optional', verdict: 'deny' }).note, /no other/);
});

test('each control is explained', () => assert.deepEqual(Object.keys(CONTROLS), ['required', 'requisite', 'sufficient', 'optional']));
