/* SPDX-License-Identifier: Apache-2.0 */
/* key_actions: the buttons of one key, and what they ask before they do it. */
import { html } from 'htm/preact';
import { call, may } from '../lib/api.js';
import { changed } from '../lib/load.js';
import { go } from '../lib/route.js';
import { can_turn } from '../lib/status.js';
import { confirm, open_dialog } from '../parts/dialog.js';
import { say } from '../parts/toast.js';
import { KeyEdit } from './key_edit.js';
import { KeyRotate } from './key_rotate.js';
import { KeySwitch, turn } from './key_turn.js';

const name_of = (key) => key.name ? `${key.name} (${key.id})` : key.id;

function ask(key, method, { title, about, action, said, danger, leave = false }) {
	confirm({
		title: `${title} ${name_of(key)}?`, about, action, danger,
		doing: async () => {
			await call(method, { id: key.id });
			say(said);
			if (leave) {
				go('keys');
			}
			changed();
		},
	});
}

const ASK = {
	revoke: ['keys.revoke', { title: 'Revoke', action: 'Revoke for ever', said: 'The key is revoked.',
		about: 'Every request with it is denied from now on, for ever. This cannot be undone: a program that needs it gets a new key. To stop it for a while, switch it off.' }],
	delete: ['keys.delete', { title: 'Delete', action: 'Delete', said: 'The key is deleted. For 30 days it can be restored.',
		about: 'Every request with it is denied from now on, and it leaves the list. For 30 days you can restore it; then it is gone, with the record of its use.' }],
	restore: ['keys.restore', { title: 'Restore', action: 'Restore', said: 'The key is restored, and switched off.', danger: false,
		about: 'It is in the list again, switched off. If it was revoked it stays so.' }],
	purge: ['keys.purge', { title: 'Purge', action: 'Remove for ever', said: 'The key is gone.', leave: true,
		about: 'The key and the record of its use are removed now. This cannot be undone; the audit trail keeps what was done with it.' }],
};

/* children: what stands before that which cannot be taken back so easily. */
export function KeyActions({ record, children }) {
	const path = `/keys/${record.id}`;
	const is_deleted = record.deleted_at !== undefined;
	const is_live = !is_deleted && !['revoked', 'altered'].includes(record.status);
	const offers = {
		revoke: !is_deleted && record.status !== 'revoked' && may('revoke', path),
		delete: !is_deleted && record.status !== 'altered' && may('delete', path),
		restore: is_deleted && may('restore', path),
		purge: (is_deleted || record.status === 'altered') && may('delete', path),
	};

	return html`
		${can_turn(record) && html`<${KeySwitch} of=${record} turn=${(key, on) => turn(key, on).then(changed)} />`}
		${is_live && may('rotate', path) && html`<button type="button" onClick=${() => open_dialog(KeyRotate, { record })}>Rotate …</button>`}
		${is_live && may('update', path) && html`<button type="button" onClick=${() => open_dialog(KeyEdit, { record })}>Edit …</button>`}
		${children}
		${Object.keys(ASK).filter((word) => offers[word]).map((word) => html`<button type="button" key=${word} class=${word === 'restore' ? '' : 'risky'} onClick=${() => ask(record, ...ASK[word])}>${ASK[word][1].title} …</button>`)}`;
}
