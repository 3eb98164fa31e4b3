/* SPDX-License-Identifier: Apache-2.0 */
/* Grants as boxes and as lines: what is read, what is written, and that both come to the same. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { parse, read } from '../../tools/console/lib/grants.js';
import { rewrite, write } from '../../tools/console/lib/grants_write.js';
import { below, index_trees, tally } from '../../tools/console/lib/permissions.js';
import { as_policy, dice, made_up } from './trees.mjs';

const AUTHZCHECK = process.env.AUTHZCHECK;

const LOANS = index_trees([
	['api:/', {}],
	['api:/loans', { list: ['GET'], create: ['POST'] }],
	['api:/loans/search', { search: ['POST'] }],
	['api:/loans/{loan}', { read: ['GET'], update: ['PUT', 'PATCH'], delete: ['DELETE'] }],
	['api:/loans/{loan}/payments', { list: ['GET'], create: ['POST'] }],
	['api:/loans/{loan}/payments/{payment}', { read: ['GET'], void: ['DELETE'] }],
	['api:/files/{path...}', { GET: [], PUT: ['PUT'] }],
	['ui:/loans', { view: [], post: [] }],
	['ui:/settings/roles', { view: [], edit: [] }],
].map(([resource, actions]) => ({ resource, actions: Object.entries(actions).map(([action, methods]) => ({ action, methods })) })));

function chosen(...lines) {
	return read(lines, LOANS);
}

function drawn(line) {
	const { allow, deny, lines } = read([line], LOANS);

	assert.equal(lines[0].is_drawn, true, line);
	return [...allow, ...deny].sort();
}

test('a line is read into its parts', () => {
	assert.deepEqual(parse('deny GET, update on api:/loans { /, /{loan} { / /payments } }, ui:/** except view on ui:/loans'), {
		deny: true, verbs: ['GET', 'update'], patterns: ['api:/loans', 'api:/loans/{loan}', 'api:/loans/{loan}/payments', 'ui:/**'],
		except: { verbs: ['view'], patterns: ['ui:/loans'] }, when: null,
	});
	assert.equal(parse('allow all on ui:/** when resource.owner is "ann, {x}" and {loan} is "7"').when, 'resource.owner is "ann, {x}" and {loan} is "7"');
	assert.deepEqual(parse('allow all on ui:/** except ui:/loans, ui:/x').except, { verbs: null, patterns: ['ui:/loans', 'ui:/x'] });
});

test('what is not a grant is not read', () => {
	for (const text of ['', 'allow', 'permit GET on api:/loans', 'allow GET api:/loans', 'allow GET on loans', 'allow GET on api:/loans {', 'allow GET on api:/loans { x }',
		'allow on api:/loans', 'allow GET on api:/loans when', 'allow GET on api:/loans extra', 'allow GET on api:/"a b"', 'allow GET, on api:/loans', '{ }', 'allow GET on api:/loans # x']) {
		assert.equal(parse(text), null, text);
	}
});

test('patterns, actions, methods and exceptions select what the language says', () => {
	assert.deepEqual(drawn('allow GET on api:/**'), ['api:/files/{path...} GET', 'api:/loans GET', 'api:/loans/{loan} GET', 'api:/loans/{loan}/payments GET', 'api:/loans/{loan}/payments/{payment} GET']);
	assert.deepEqual(drawn('allow update on api:/loans/{loan}'), ['api:/loans/{loan} PATCH', 'api:/loans/{loan} PUT']);
	assert.deepEqual(drawn('allow PATCH on api:/loans/{loan}'), ['api:/loans/{loan} PATCH']);
	assert.deepEqual(drawn('allow all on api:/loans/*'), ['api:/loans/search POST', 'api:/loans/{loan} DELETE', 'api:/loans/{loan} GET', 'api:/loans/{loan} PATCH', 'api:/loans/{loan} PUT']);
	assert.deepEqual(drawn('allow all on api:/loans/*/payments'), ['api:/loans/{loan}/payments GET', 'api:/loans/{loan}/payments POST']);
	assert.deepEqual(drawn('allow all on ui:/** except view'), ['ui:/loans post', 'ui:/settings/roles edit']);
	assert.deepEqual(drawn('allow all on ui:/** except view on ui:/loans'), ['ui:/loans post', 'ui:/settings/roles edit', 'ui:/settings/roles view']);
	assert.deepEqual(drawn('deny all on ui:/** except ui:/settings/**'), ['ui:/loans post', 'ui:/loans view']);
});

test('what the daemon would refuse is no box', () => {
	for (const text of ['allow GET on api:/nothing', 'allow GET, void on api:/loans', 'allow all on api:/', 'allow GET on api:/loans, ui:/loans', 'allow all on api:/files/*', 'allow all on api:/**/loans']) {
		assert.deepEqual(chosen(text).lines.map((line) => line.is_drawn), [false], text);
	}
});

test('a line with a condition stays as it is, and shows where it counts', () => {
	const { allow, lines } = chosen('allow update on api:/loans/{loan} when resource.status is draft');

	assert.equal(allow.size, 0);
	assert.equal(lines[0].is_drawn, false);
	assert.equal(lines[0].when, 'resource.status is draft');
	assert.deepEqual([...lines[0].ids].sort(), ['api:/loans/{loan} PATCH', 'api:/loans/{loan} PUT']);
});

function lines_for(line) {
	const { allow } = chosen(line);

	return write('allow', LOANS.roots, allow);
}

test('few and readable lines are written', () => {
	for (const line of ['allow all on api:/loans/**', 'allow GET on api:/**', 'allow all on api:/loans/{loan}/payments/{payment}', 'allow update on api:/loans/{loan}', 'allow PUT on api:/loans/{loan}',
		'allow view on ui:/**', 'allow list, create on api:/loans/**', 'allow all on api:/loans/search, api:/files/{path...}', 'allow all on api:/** except DELETE', 'allow all on api:/** except update']) {
		assert.deepEqual(lines_for(line), [line]);
	}
	assert.deepEqual(write('deny', LOANS.roots, new Set(['ui:/loans view'])), ['deny view on ui:/loans']);
	assert.deepEqual(write('allow', LOANS.roots, new Set()), []);
});

test('a subtree is not written as everything below a node that has nothing else', () => {
	assert.deepEqual(lines_for('allow all on ui:/settings/roles'), ['allow all on ui:/settings/roles']);
});

test('what is left out of much is an exception', () => {
	const items = Array.from({ length: 40 }, (_, i) => ({ resource: `api:/a${i % 4}/b${i}`, actions: [{ action: 'read', methods: ['GET'] }] }));
	const index = index_trees(items);
	const all = new Set(items.map((item) => `${item.resource} GET`));

	all.delete('api:/a1/b5 GET');
	assert.deepEqual(write('allow', index.roots, all), ['allow all on api:/** except api:/a1/b5']);
});

/* The lines after some boxes were changed; `more` and `less` are ids of what is allowed. */
function changed(texts, { more = [], less = [], deny = [] }) {
	const was = chosen(...texts);
	const now = { allow: new Set([...was.allow, ...more].filter((id) => !less.includes(id))), deny: new Set([...was.deny, ...deny]) };

	return rewrite(was, now, LOANS).map((line) => line.text);
}

test('a line stays as it is written while all of it is chosen, and what is new has a line of its own', () => {
	const texts = ['allow GET, create on api:/loans', 'allow view on ui:/loans, ui:/settings/roles', 'deny view on ui:/settings/roles', 'allow post on ui:/loans when context.amount < 5', 'something else'];
	const was = chosen(...texts);
	const now = rewrite(was, { allow: new Set([...was.allow, 'ui:/loans post']), deny: was.deny }, LOANS);

	assert.deepEqual(rewrite(was, was, LOANS), texts.map((text, kept) => ({ text, kept })));
	assert.deepEqual(now, [...texts.map((text, kept) => ({ text, kept })), { text: 'allow post on ui:/loans' }]);
	assert.deepEqual(rewrite(was, was, LOANS, new Set([3, 4])).map((line) => line.text), [texts[0], texts[1], texts[2]]);
	assert.deepEqual(changed(['allow list, read on api:/loans/**'], { more: ['api:/files/{path...} GET'] }), ['allow list, read on api:/loans/**', 'allow GET on api:/files/{path...}']);
	assert.deepEqual(changed(['allow list on api:/loans', 'deny void on api:/loans/**'], { more: ['api:/loans POST'], deny: ['api:/loans GET'] }),
		['allow list on api:/loans', 'allow create on api:/loans', 'deny void on api:/loans/**', 'deny list on api:/loans']);
});

test('a line stays though a new one covers it, which is then the shorter one', () => {
	const all = below(LOANS.by_resource.get('api:/loans')).map((one) => one.id);

	assert.deepEqual(changed(['allow list on api:/loans', 'allow GET on api:/loans/**'], { more: all }), ['allow list on api:/loans', 'allow GET on api:/loans/**', 'allow all on api:/loans/**']);
});

test('a line of which a part was taken is written in its place for what is left of it', () => {
	const loan = 'api:/loans/{loan}';

	assert.deepEqual(changed(['allow GET on api:/**', 'allow view on ui:/**'], { less: [`${loan} GET`] }), [`allow GET on api:/** except read on ${loan}`, 'allow view on ui:/**']);
	assert.deepEqual(changed([`allow read, update on ${loan}`, 'allow view on ui:/**'], { less: [`${loan} GET`] }), [`allow update on ${loan}`, 'allow view on ui:/**']);
	assert.deepEqual(changed([`allow read, update on ${loan}`, 'allow view on ui:/**'], { less: [`${loan} PUT`] }), [`allow read, PATCH on ${loan}`, 'allow view on ui:/**']);
	assert.deepEqual(changed(['allow all on api:/loans/search', 'allow view on ui:/**'], { less: ['api:/loans/search POST'] }), ['allow view on ui:/**']);
	assert.deepEqual(changed(['allow all on api:/loans/search, ui:/**'], { less: ['ui:/loans view', 'ui:/loans post'], deny: ['api:/loans GET'] }),
		['allow all on api:/loans/search', 'allow all on ui:/settings/roles', 'deny list on api:/loans']);
	/* What is left of it, and another line has, is not written twice. */
	assert.deepEqual(changed(['allow list, create on api:/loans', 'allow list on api:/loans'], { less: ['api:/loans POST'] }), ['allow list on api:/loans']);
});

test('a role that would have more lines than it can have is written from the beginning', () => {
	const items = Array.from({ length: 600 }, (_, i) => ({ resource: `api:/a${i}`, actions: [{ action: 'read', methods: ['GET'] }, { action: `act${i}`, methods: ['PUT'] }] }));
	const index = index_trees(items);
	const was = read(items.slice(0, 250).map((item) => `allow read on ${item.resource}`), index);
	const some = (n) => new Set([...was.allow, ...items.slice(0, n).map((item) => `${item.resource} PUT`)]);
	const few = rewrite(was, { allow: some(5), deny: was.deny }, index), many = rewrite(was, { allow: some(40), deny: was.deny }, index);

	assert.deepEqual([few.length, few.filter((line) => line.kept !== undefined).length], [255, 250]);
	assert.ok(many.length <= 256 && many.every((line) => line.kept === undefined), `${many.length}`);
	assert.deepEqual([...read(many.map((line) => line.text), index).allow].sort(), [...some(40)].sort());
});

test('counts are of the node and all below it', () => {
	const counts = tally(LOANS.roots, chosen('allow GET on api:/loans/**').allow);

	assert.deepEqual(counts.get('api:/loans'), { held: 4, of: 11 });
	assert.deepEqual(counts.get('api:/'), { held: 4, of: 13 });
	assert.deepEqual(counts.get('ui:/'), { held: 0, of: 4 });
});

/* What a line allows, by another way than grants.js goes: patterns become regular expressions over resources. */
function selected(line, items) {
	const [, verbs, patterns, exception] = /^(?:allow|deny) (.+?) on (.+?)(?: except (.+))?$/.exec(line);
	const fits = (list, resource) => list.split(', ').some((pattern) => {
		const escaped = pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\/\\\*\\\*$/, '(/.*)?').replaceAll('\\*', '(?:(?!\\{[^/]*\\.\\.\\.\\})[^/]+)');

		return new RegExp(`^${escaped.replace(/:\(\/\.\*\)\?$/, ':/.*')}$`).test(resource);
	});
	const is_in = (list, action, word) => list === 'all' || list.split(', ').includes(action) || list.split(', ').includes(word);
	const [but_verbs, but_patterns] = /^[a-z]+:\//.test(exception || '') ? ['all', exception] : (exception || '').split(' on ');

	return items.filter((item) => fits(patterns, item.resource)).flatMap(({ resource, actions }) => actions.flatMap(({ action, methods }) => (methods.length > 0 ? methods : [action])
		.filter((word) => is_in(verbs, action, word))
		.filter((word) => !exception || !((!but_patterns || fits(but_patterns, resource)) && is_in(but_verbs, action, word)))
		.map((word) => `${resource} ${word}`)));
}

/* Boxes as people set them: whole subtrees, words below a node, and single ones, on and off. */
function boxes(index, roll) {
	const ids = new Set();
	const nodes = [...index.by_resource.values()];

	for (let i = roll(8); i >= 0; i--) {
		const some = below(nodes[roll(nodes.length)]);
		const word = some.length > 0 && roll(2) === 0 ? some[roll(some.length)].word : null;

		some.filter((one) => word === null || one.word === word).forEach((one) => roll(4) > 0 || word !== null ? ids.add(one.id) : ids.delete(one.id));
	}
	return ids;
}

test('boxes, written as lines, come to the same boxes, on random trees', () => {
	for (let seed = 1; seed <= 200; seed++) {
		const roll = dice(seed);
		const items = [...made_up('api', 5 + roll(120), roll), ...made_up('ui', 5 + roll(30), roll)];
		const index = index_trees(items);
		const allow = boxes(index, roll), deny = boxes(index, roll);
		const now = rewrite(read([], index), { allow, deny }, index).map((line) => line.text);
		const by_effect = (effect) => new Set(now.filter((line) => line.startsWith(effect)).flatMap((line) => selected(line, items)));
		const back = read(now, index);

		assert.deepEqual([...by_effect('allow')].sort(), [...allow].sort(), `allow, seed ${seed}: ${now.join('\n')}`);
		assert.deepEqual([...by_effect('deny')].sort(), [...deny].sort(), `deny, seed ${seed}: ${now.join('\n')}`);
		assert.deepEqual([...back.allow].sort(), [...allow].sort(), `seed ${seed}`);
		assert.ok(back.lines.every((line) => line.is_drawn), `seed ${seed}`);
		assert.ok(now.length <= 256, `seed ${seed}: ${now.length} lines`);
	}
});

/* Lines as people write them, of which some overlap. */
function lines_by_hand(index, items, roll) {
	const nodes = [...index.by_resource.values()].filter((node) => below(node).length > 0);

	return Array.from({ length: 1 + roll(8) }, () => {
		const node = nodes[roll(nodes.length)];
		const some = node.children.length > 0 && (node.permissions.length === 0 || roll(2) === 0) ? [`${node.resource.replace(/\/$/, '')}/**`, below(node)] : [node.resource, node.permissions];
		const one = some[1][roll(some[1].length)], other = some[1][roll(some[1].length)];
		const verbs = roll(3) === 0 ? 'all' : [...new Set([one.word, other.action])].join(', ');
		const except = roll(4) === 0 ? ` except ${other.action} on ${other.resource}` : '';

		return `${roll(4) === 0 ? 'deny' : 'allow'} ${verbs} on ${some[0]}${except}`;
	});
}

test('boxes that are changed leave the lines that still hold, and all lines come to what is chosen, on random trees', () => {
	let kept = 0, replaced = 0;

	for (let seed = 1; seed <= 300; seed++) {
		const roll = dice(seed + 5000);
		const items = [...made_up('api', 5 + roll(80), roll), ...made_up('ui', 5 + roll(20), roll)];
		const index = index_trees(items);
		const was = read(lines_by_hand(index, items, roll), index);
		const other = (ids) => {
			const now = new Set(ids), all = [...index.by_id.keys()];

			for (let i = roll(6); i > 0; i--) {
				const id = roll(2) === 0 && now.size > 0 ? [...now][roll(now.size)] : all[roll(all.length)];

				now.has(id) ? now.delete(id) : now.add(id);
			}
			return now;
		};
		const now = { allow: other(was.allow), deny: other(was.deny) };
		const lines = rewrite(was, now, index);
		const texts = lines.map((line) => line.text);
		const said = `seed ${seed}: ${was.lines.map((line) => line.text).join('\n')}\nnow\n${texts.join('\n')}`;

		assert.deepEqual(rewrite(was, was, index), was.lines.map(({ text }, i) => ({ text, kept: i })), said);
		for (const effect of ['allow', 'deny']) {
			const holds = was.lines.flatMap((line, i) => line.deny === (effect === 'deny') && [...line.ids].every((id) => now[effect].has(id)) ? [i] : []);

			assert.deepEqual([...new Set(texts.filter((text) => text.startsWith(effect)).flatMap((text) => selected(text, items)))].sort(), [...now[effect]].sort(), said);
			assert.deepEqual(lines.filter((line) => line.text.startsWith(effect) && line.kept !== undefined).map((line) => line.kept), holds, said);
			kept += holds.length;
		}
		replaced += lines.filter((line) => line.kept === undefined).length;
	}
	assert.ok(kept > 300 && replaced > 300, `${kept} kept, ${replaced} new`);
});

test('a large tree is written in a moment', () => {
	const roll = dice(7);
	const items = Array.from({ length: 5000 }, (_, i) => ({ resource: `api:/a${i % 10}/b${i % 100}/c${i}`, actions: [{ action: 'read', methods: ['GET'] }, { action: 'update', methods: ['PUT', 'PATCH'] }] }));
	const index = index_trees(items);
	const ids = boxes(index, roll);
	const began = performance.now();

	items.forEach((item, i) => i % 3 === 0 ? ids.add(`${item.resource} GET`) : ids.delete(`${item.resource} PUT`));
	assert.deepEqual([...read(write('allow', index.roots, ids), index).allow].sort(), [...ids].sort());
	assert.ok(performance.now() - began < 5000);
});

/* The engine itself says what the lines allow: authzcheck policy can. */
test('the policy engine allows what the boxes say', { skip: AUTHZCHECK ? false : 'AUTHZCHECK names no program' }, () => {
	for (let seed = 1; seed <= 12; seed++) {
		const roll = dice(seed * 1000);
		const items = made_up('api', 60, roll);
		const index = index_trees(items.filter((item) => item.actions.length > 0));
		const allow = boxes(index, roll), deny = boxes(index, roll);
		const lines = rewrite(read([], index), { allow, deny }, index).map((line) => line.text);
		const folder = mkdtempSync(join(tmpdir(), 'grants-'));

		try {
			writeFileSync(join(folder, 'made-up.policy'), `${as_policy('api', items)}\nrole r {\n${lines.map((line) => `    ${line}\n`).join('')}}\n`);
			const said = JSON.parse(execFileSync(AUTHZCHECK, ['policy', 'can', folder, '--role', 'r', '--json'], { encoding: 'utf8' }));
			const has = new Set((said.items || said).flatMap((item) => item.actions.flatMap((word) => index.by_resource.get(item.resource).permissions
				.filter((one) => one.action === word || one.word === word).map((one) => one.id))));

			assert.deepEqual([...has].sort(), [...allow].filter((id) => !deny.has(id)).sort(), `seed ${seed}: ${lines.join('\n')}`);
		} finally {
			rmSync(folder, { recursive: true });
		}
	}
});
