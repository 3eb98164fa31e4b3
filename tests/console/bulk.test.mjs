// SPDX-License-Identifier: Apache-2.0
// One action for many keys, and what was found about one.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ACTIONS, plan, run_all } from '../../tools/console/lib/bulk.js';
import { findings_of, used_words } from '../../tools/console/lib/findings.js';

const key = (id, status = 'active', more = {}) => ({ id, status, ...more });
const ids = (keys) => keys.map((one) => one.id).join();

test('what makes no sense for a key is left out, with the reason', () => {
	const keys = [key('on'), key('off', 'inactive'), key('late', 'expired'), key('dead', 'revoked'), key('gone', 'inactive', { deleted_at: 1 }), key('odd', 'altered')];
	const chosen = Object.fromEntries(Object.keys(ACTIONS).map((action) => [action, ids(plan(action, keys).chosen)]));

	assert.deepEqual(chosen, { enable: 'off', disable: 'on,late', revoke: 'on,off,late,odd', delete: 'on,off,late,dead', restore: 'gone', purge: 'gone,odd' });
	for (const action of Object.keys(ACTIONS)) {
		assert.ok(plan(action, keys).skipped.every((one) => one.why));
	}
});

test('what the caller may not do is left out; purging needs the right to delete', () => {
	const asked = [];
	const may = (action, path) => {
		asked.push(`${action} ${path}`);
		return path !== '/keys/b';
	};

	assert.deepEqual(plan('disable', [key('a'), key('b')], may).skipped, [{ key: key('b'), why: 'you may not' }]);
	plan('purge', [key('a', 'active', { deleted_at: 1 })], may);
	assert.deepEqual(asked, ['disable /keys/a', 'disable /keys/b', 'delete /keys/a']);
});

test('each key is called once, some at a time, and failures are kept beside successes', async () => {
	const keys = Array.from({ length: 50 }, (_, i) => key(`k${i}`));
	const called = [];
	let now = 0, most = 0, steps = 0;
	const end = await run_all(keys, async (one) => {
		called.push(one.id);
		most = Math.max(most, ++now);
		await null;
		now--;
		if (one.id === 'k7') {
			throw Object.assign(new Error('no'), { code: 'forbidden' });
		}
		return { status: 'inactive' };
	}, () => steps++);

	assert.deepEqual([...called].sort(), keys.map((one) => one.id).sort());
	assert.ok(most > 1 && most <= 6, `${most} at once`);
	assert.deepEqual([end.done.length, ids(end.failed.map((one) => one.key)), end.left, steps], [49, 'k7', 0, 50]);
});

test('when nothing answers any more, or it is stopped, the rest is not tried', async () => {
	const keys = Array.from({ length: 50 }, (_, i) => key(`k${i}`));
	const broken = await run_all(keys, async () => {
		throw Object.assign(new Error('gone'), { code: 'no_answer' });
	});
	let calls = 0;
	const stopped = await run_all(keys, async () => ++calls, () => {}, () => calls >= 10);

	assert.ok(broken.left >= 44 && broken.failed.length <= 6);
	assert.ok(stopped.left > 30 && stopped.done.length >= 10);
	assert.deepEqual(await run_all([], async () => {}), { done: [], failed: [], left: 0 });
});

test('findings say what to do, the worst first; one that is new is shown still', () => {
	const found = findings_of({ findings: ['no_expiry', 'idle', 'overdue', 'made_up'] });

	assert.deepEqual(found.map((one) => one.name), ['overdue', 'idle', 'no_expiry', 'made_up']);
	assert.ok(found.slice(0, 3).every((one) => one.title && one.advice));
	assert.equal(found[3].title, 'made up');
	assert.match(findings_of({ findings: ['unused_permissions'], narrower: ['a', 'b'] })[0].advice, /a, b/);
	assert.deepEqual(findings_of(undefined), []);
	assert.equal(used_words({ granted: 1, used: 0 }), '0 of 1 permission used');
	assert.equal(used_words({}), undefined);
});
