// SPDX-License-Identifier: Apache-2.0
// What is typed as the facts of a question, as the values that the daemon takes.
import assert from 'node:assert/strict';
import test from 'node:test';
import { read_facts, read_typed, text_of } from '../../tools/console/lib/facts.js';

const TYPES = Object.entries({ text: 'string', all: 'strings', count: 'int', yes: 'bool', at: 'time', within: 'duration', from: 'address', state: 'word' })
	.map(([name, type]) => ({ name: `context.${name}`, type }));

test('a field has the value of its type, and an empty one is left out', () => {
	assert.deepEqual(read_typed({ 'context.text': ' 17 ', 'context.all': 'EU, US,,', 'context.count': '-17', 'context.yes': 'false',
		'context.within': '8h', 'context.from': '10.0.0.1', 'context.state': 'draft', 'context.unknown': 'x' }, TYPES).facts,
	{ 'context.text': '17', 'context.all': ['EU', 'US'], 'context.count': -17, 'context.yes': false, 'context.within': '8h', 'context.from': '10.0.0.1', 'context.state': 'draft' });
	assert.equal(read_typed({ 'context.text': ' ' }, TYPES).facts, undefined);
	assert.deepEqual(read_typed({ 'context.at': '2026-11-22T03:05' }, TYPES).facts, { 'context.at': new Date(2026, 10, 22, 3, 5).getTime() / 1000 });
});

test('what is not a number is not sent, and its field is named', () => {
	for (const text of ['much', '1.5', '1e3', '9007199254740993']) {
		const { facts, wrong, param } = read_typed({ 'context.count': text }, TYPES);

		assert.equal(facts, undefined);
		assert.equal(param, 'facts.context.count');
		assert.match(wrong, /context\.count is not a whole number/);
	}
});

test('a default is shown as it would be typed', () => {
	assert.equal(text_of('strings', ['EU', 'US']), 'EU, US');
	assert.equal(text_of('bool', true), 'true');
	assert.equal(text_of('int', -7), '-7');
});

test('without types a line is a name and a value, JSON where it is some', () => {
	assert.deepEqual(read_facts('a.b=17\n c.d = ["x"]\ne.f=ann').facts, { 'a.b': 17, 'c.d': ['x'], 'e.f': 'ann' });
	assert.match(read_facts('nothing').wrong, /NAME=VALUE/);
});
