/* SPDX-License-Identifier: Apache-2.0 */
/* record: entries of the audit trail, as a list that is read from top to bottom. */
import { html } from 'htm/preact';
import { actor_of } from '../lib/actor.js';
import { href } from '../lib/route.js';
import { status_word } from '../lib/status.js';
import { duration, exact } from '../lib/time.js';
import { Time } from './bits.js';

const PAGES = { key: 'keys', principal: 'people', role: 'roles' };

/* What was done, in words: keys.create is "created". */
const DONE = {
	create: 'created', update: 'edited', disable: 'switched off', enable: 'switched on', rotate: 'rotated', finish: 'ended the old secret of',
	prolong: 'prolonged the old secret of', rollback: 'rolled back the rotation of', renew: 'renewed', revoke: 'revoked', delete: 'deleted',
	restore: 'restored', purge: 'purged', import: 'imported', reload: 'loaded', confirm: 'confirmed the new secret of',
};
const SAID = { 'alarm.dead_secret': 'reported an ended secret of key' };
/* What a field of a record is called, where its own name does not say it. */
const FIELDS = { other: 'other secret', other_until: 'other secret until', generation: 'secret number', api_access: 'may hold keys', presented: 'requests with it' };
const NOUNS = { keys: 'key', principals: 'principal', roles: 'role', assignments: 'assignment of', tenants: 'tenant', policy: 'policy', pepper: 'pepper', store: 'store', hosts: 'host' };

function said_of(action) {
	const [noun, verb] = action.split('.');

	return verb && DONE[verb] && NOUNS[noun] ? `${DONE[verb]} ${NOUNS[noun]}` : SAID[action] || action;
}

/* The actor of a change, with a link where there is a page about it. */
export function Actor({ actor }) {
	const { kind, id, text } = actor_of(actor);

	return PAGES[kind] ? html`<span>${kind === 'key' ? 'key ' : ''}<a href=${href(PAGES[kind], id)}>${id}</a></span>` : html`<span title=${actor}>${text}</span>`;
}

function Target({ record }) {
	const { kind, target } = record;

	if (!target) {
		return null;
	}
	return PAGES[kind] ? html`<a href=${href(PAGES[kind], target)}>${target}</a>` : html`<strong>${target}</strong>`;
}

/* The fields whose value is a list, which the trail writes without a space. */
const LISTS = ['assignments', 'at', 'attributes', 'inherits', 'networks', 'roles', 'scopes'];

function spaced(text, field) {
	return field === 'grants' ? text.split(/,(?=(?:allow|deny) )/).join('; ') : LISTS.includes(field) ? text.replace(/,(?=\S)/g, ', ') : text;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/* Values in the words of the pages, by their field. */
const SAME = { status: status_word, kind: (text) => text === 'user' ? 'person' : text, api_access: (text) => text === 'true' ? 'yes' : 'no' };

/* A value of the trail; a time in the reader's zone. */
function Value({ of, field }) {
	if (SAME[field]) {
		return SAME[field](String(of));
	}
	if (field === 'rotate_every') {
		return Number(of) > 0 ? duration(Number(of)) : 'never';
	}
	return TIME.test(of) ? html`<time dateTime=${of} title=${of}>${exact(Date.parse(of) / 1000)}</time>` : spaced(String(of), field);
}

/* What was assigned and to whom, of a record that says no more; undefined of others. */
function assigned_of({ action, target, changes = [] }) {
	const [change] = changes;

	return target && action === 'assignments.create' && changes.length === 1 && change.field === 'assignments' && change.from === undefined ? change.to : undefined;
}

function Said({ record }) {
	const assigned = assigned_of(record);

	return html`<${Actor} actor=${record.actor} /> ${assigned === undefined ? said_of(record.action) : html`assigned <strong>${spaced(assigned, 'assignments')}</strong> to`} <${Target} record=${record} />`;
}

/* is_new: the record was made by it, and what its fields were before says nothing. */
function Changes({ of = [], is_new }) {
	return of.length > 0 && html`<ul class="changes">${of.map((change, i) => html`<li key=${i}><span class="dim">${FIELDS[change.field] || change.field.replace(/_/g, ' ')}</span>
		${change.from !== undefined && !(is_new && change.to !== undefined) && html`<del><${Value} of=${change.from} field=${change.field} /></del>`}
		${change.from !== undefined && change.to !== undefined && !is_new && html`<span aria-hidden="true">→</span><span class="unseen">became</span>`}
		${change.to !== undefined && html`<ins><${Value} of=${change.to} field=${change.field} /></ins>`}
		${change.from !== undefined && change.to === undefined && html`<span class="dim">removed</span>`}</li>`)}</ul>`;
}

/* items as audit.list gives them */
export function Records({ items, empty = 'Nothing is recorded.' }) {
	return items.length === 0 ? html`<p class="dim">${empty}</p>` : html`<ol class="records">${items.map((record) => html`<li key=${record.sequence}>
		<div class="line"><${Time} at=${record.time} /> <span><${Said} record=${record} /></span>
			<span class="dim seq" title="its number in the trail">#${record.sequence}</span></div>
		${assigned_of(record) === undefined && html`<${Changes} of=${record.changes} is_new=${/^(?!assignments).*\.create$/.test(record.action)} />`}</li>`)}</ol>`;
}
