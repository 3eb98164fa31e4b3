/* SPDX-License-Identifier: Apache-2.0 */
/* A role while it is edited: its two layers of boxes, and the lines that stay text. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { index_trees, words_below } from '../../tools/console/lib/permissions.js';
import { begin, conditions, counts, lines_of, toggle, toggle_below, trees_of } from '../../tools/console/lib/role_draft.js';

const INDEX = index_trees([
	['ui:/a', ['view', 'edit']], ['ui:/a/b', ['view']], ['api:/x', ['read']],
].map(([resource, actions]) => ({ resource, actions: actions.map((action) => ({ action, methods: [] })) })));
const ROLE = { name: 'r', grants: ['allow view on ui:/a', 'allow edit on ui:/a when context.x', 'deny view on ui:/a/b', 'nonsense'] };

const node = (resource) => INDEX.by_resource.get(resource);
const texts = (draft) => lines_of(draft, INDEX).map((line) => line.text);

test('what was opened is written as it was', () => {
	assert.deepEqual(texts(begin(ROLE, INDEX)).sort(), [...ROLE.grants].sort());
	assert.deepEqual(texts(begin({}, INDEX)), []);
});

test('a box takes all below it in, and out when all are in', () => {
	const all = toggle_below(begin({}, INDEX), 'allow', node('ui:/a'));

	assert.deepEqual([...all.allow].sort(), ['ui:/a edit', 'ui:/a view', 'ui:/a/b view']);
	assert.equal(toggle_below(all, 'allow', node('ui:/a')).allow.size, 0);
	assert.equal(toggle_below(toggle(all, 'allow', [{ id: 'ui:/a edit' }]), 'allow', node('ui:/a')).allow.size, 3);
});

test('a word that several nodes have is taken in everywhere below a node, as one line, and out again', () => {
	const items = [['api:/', []], ['api:/a', ['list GET', 'create POST']], ['api:/a/b', ['read GET', 'update PUT']], ['api:/a/b/c', ['read GET']], ['api:/z', ['read GET', 'drop DELETE']]];
	const index = index_trees(items.map(([resource, actions]) => ({ resource, actions: actions.map((text) => ({ action: text.split(' ')[0], methods: [text.split(' ')[1]] })) })));
	const found = words_below(index.by_resource.get('api:/a'));

	/* What one node alone has is a chip there. */
	assert.deepEqual(found.map(({ word, permissions }) => [word, permissions.map((one) => one.resource)]), [['GET', ['api:/a', 'api:/a/b', 'api:/a/b/c']]]);
	const draft = toggle(begin({}, index), 'allow', found[0].permissions);
	assert.deepEqual(lines_of(draft, index).map((line) => line.text), ['allow GET on api:/a/**']);
	assert.equal(toggle(draft, 'allow', found[0].permissions).allow.size, 0);
	assert.deepEqual(words_below(index.by_resource.get('api:/z')), []);
	assert.deepEqual(lines_of(toggle(begin({}, index), 'deny', words_below(index.by_resource.get('api:/'))[0].permissions), index).map((line) => line.text), ['deny GET on api:/**']);
});

test('allowing and denying are layers that do not touch each other', () => {
	const draft = toggle_below(begin(ROLE, INDEX), 'deny', node('ui:/a'));

	assert.deepEqual([...draft.allow], ['ui:/a view']);
	assert.deepEqual(counts(draft, 'ui'), { allow: 1, deny: 3 });
	assert.deepEqual(counts(draft, 'api'), { allow: 0, deny: 0 });
	assert.deepEqual(texts(draft).filter((text) => text.startsWith('deny')), ['deny view on ui:/a/b', 'deny all on ui:/a']);
});

test('lines that are text keep their places, can be changed, added and removed', () => {
	const draft = begin(ROLE, INDEX);
	const changed = { ...draft, kept: [{ ...draft.kept[0], text: 'allow edit on ui:/a when context.y' }, { id: 99, text: '  allow read on api:/x when context.z  ' }, { id: 100, text: ' ' }] };

	assert.deepEqual(lines_of(changed, INDEX), [
		{ text: 'allow view on ui:/a', kept: undefined }, { text: 'allow edit on ui:/a when context.y', kept: 1 },
		{ text: 'deny view on ui:/a/b', kept: undefined }, { text: 'allow read on api:/x when context.z', kept: 99 }]);
});

test('conditions are shown where their lines count', () => {
	const found = conditions(begin(ROLE, INDEX), INDEX);

	assert.deepEqual(found.get('ui:/a edit'), [{ deny: false, when: 'context.x', line: 1 }]);
	assert.equal(found.size, 1);
});

test('a line belongs to the trees that it names', () => {
	const draft = begin(ROLE, INDEX);

	assert.deepEqual(trees_of(draft.kept[0], INDEX), ['ui']);
	assert.deepEqual(trees_of(draft.kept[1], INDEX), []);
});
