/* SPDX-License-Identifier: Apache-2.0 */
/* trail: who changed what, the newest first, and whether the trail and the store are as they were written. */
import { html } from 'htm/preact';
import { useId, useState } from 'preact/hooks';
import { actor_named, actor_of } from '../lib/actor.js';
import { call, session } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { useOnce } from '../lib/once.js';
import { set_query } from '../lib/route.js';
import { count } from '../lib/text.js';
import { from_local, now } from '../lib/time.js';
import { Badge, Card, ErrorBox, Head, Loaded } from '../parts/bits.js';
import { FilterButton, ShowAll } from '../parts/filter.js';
import { Select, Text } from '../parts/form.js';
import { Records } from '../parts/record.js';

const NARROWING = ['actor', 'kind', 'target', 'span', 'since', 'ends', 'until'];
const PAGE = 100;    /* records that are shown at once */
const VERIFY = 1000; /* records that one call of audit.verify checks */
const KINDS = [['', 'anything'], ['key', 'a key'], ['principal', 'a person or a service'], ['role', 'a role'], ['tenant', 'a tenant'], ['policy', 'the policy'],
	['store', 'the store'], ['alarm', 'an alarm about a key']];
const NAMED = ['key', 'principal', 'role', 'tenant', 'alarm']; /* kinds of which there are several */
const SPANS = [['', 'ever'], ['3600', 'the last hour'], ['86400', 'the last day'], ['604800', 'the last week'], ['2592000', 'the last 30 days'], ['from', 'a time …']];
const ENDS = [['', 'now'], ['at', 'a time …']];

function params_of(query) {
	const since = query.span === 'from' ? from_local(query.since || '') : query.span ? now() - Number(query.span) : undefined;

	return { actor: actor_named(query.actor || '') || undefined, kind: query.kind || undefined, target: NAMED.includes(query.kind) && query.target || undefined,
		tenant: query.tenant || undefined, since, until: from_local(query.until || ''), newest_first: true };
}

/* Checks the whole trail, then each record of the store, in parts, so that it can be watched and stopped: {running, state, run,
 * stop}. */
function useVerify() {
	const [state, set_state] = useState(null);
	const [running, set_running] = useState(null);
	const run = useOnce(async () => {
		const mine = { going: true };
		let problems = [], cursor;

		set_running(mine);
		try {
			do {
				const part = await call('audit.verify', { limit: VERIFY, cursor });

				problems = problems.concat(part.items);
				cursor = part.cursor;
				set_state({ problems, checked: part.checked, total: part.total, done: cursor === undefined });
			} while (cursor !== undefined && mine.going);
		} catch (error) {
			set_state({ error });
		}
		set_running(null);
	});

	return { running, state, run, stop: () => { running.going = false; } };
}

/* How far it is, and what was found; nothing before it was asked for. */
function Verified({ of: { running, state, stop } }) {
	if (!running && !state) {
		return null;
	}
	return html`<${Card} title="Verify" aside=${running && html`<button type="button" onClick=${stop}>Stop</button>`}>
		<p class="dim">Compares each record with its tag, and with the one before it, then each key and principal with the change that wrote it.</p>
		${state?.error && html`<${ErrorBox} error=${state.error} />`}
		${state && !state.error && html`<div role="status">
			${state.total > 0 && html`<progress max=${Math.max(state.checked, state.total)} value=${state.checked} aria-label="Checked"></progress>`}
			<p>${count(state.checked, 'record')} checked${state.total > state.checked ? ` of ${state.total.toLocaleString('en')}` : ''}.
			${state.done && state.problems.length === 0 && html` <${Badge} tone="good">nothing was altered<//>`}</p>
			${state.problems.length > 0 && html`<ul class="lines">${state.problems.map((one, i) => html`<li key=${i}><${Badge} tone="bad">${one.problem}<//>
				${one.sequence !== undefined && html`<span>#${one.sequence}</span>`} ${one.target && html`<strong>${one.target}</strong>`} <span>${one.message}</span></li>`)}</ul>`}
		</div>`}<//>`;
}

export function TrailPage({ query }) {
	const [more, set_more] = useState({ items: [], cursor: undefined, of: '' });
	const [error, set_error] = useState(null);
	const key = JSON.stringify(query);
	const trail = useLoad(() => call('audit.list', { ...params_of(query), limit: PAGE }), [key]);
	const further = more.of === key ? more : { items: [], cursor: undefined };
	const cursor = further.items.length > 0 ? further.cursor : trail.data?.cursor;
	const next = useOnce(async () => {
		try {
			const page = await call('audit.list', { ...params_of(query), limit: PAGE, cursor });

			set_more({ items: [...further.items, ...page.items], cursor: page.cursor, of: key });
			set_error(null);
		} catch (problem) {
			set_error(problem);
		}
	});
	const verify = useVerify();
	const [is_open, open] = useState(false);
	const is_ended = Boolean(query.until || query.ends);
	const number = ['actor', 'kind', 'target', 'span'].filter((word) => query[word]).length + is_ended;
	const names = useId();
	const seen = [...new Set([...(trail.data?.items || []), ...further.items].map((one) => actor_of(one.actor).text))].sort();
	const set = (name) => (value) => set_query({ [name]: value });

	return html`<${Head} title="Trail" about="Every change of keys, people, roles, assignments and the policy, the newest first." >
			${session.value.caller.everything && html`<button type="button" onClick=${verify.run} title="Is each record as it was written?">Verify the trail</button>`}
			<button type="button" onClick=${trail.reload}>Load again</button><//>
		<div class="card filters folds ${is_open ? 'open' : ''}" role="search" aria-label="Which records">
			<${FilterButton} number=${number} is_open=${is_open} open=${open} />
			<div class="pair">
			<${Text} label="By" value=${query.actor || ''} set=${set('actor')} list=${names} placeholder="e.g. root" wrong=${trail.error?.param === 'actor' ? trail.error.message : undefined} />
			<${Select} label="About" value=${query.kind || ''} set=${set('kind')} options=${KINDS} />
			${NAMED.includes(query.kind) && html`<${Text} label="Which one" value=${query.target || ''} set=${(text) => set('target')(text.trim())} mono=${true} placeholder="its id or name" wrong=${trail.error?.param === 'target' ? trail.error.message : undefined} />`}
			<${Select} label="Since" value=${query.span || ''} set=${set('span')} options=${SPANS} />
			${query.span === 'from' && html`<${Text} label="From" type="datetime-local" value=${query.since || ''} set=${set('since')} />`}
			<${Select} label="Until" value=${is_ended ? 'at' : ''} set=${(value) => set_query({ ends: value, until: undefined })} options=${ENDS} />
			${is_ended && html`<${Text} label="To" type="datetime-local" value=${query.until || ''} set=${set('until')} />`}
		</div>
		<${ShowAll} query=${query} words=${NARROWING} />
		<datalist id=${names}>${seen.map((name) => html`<option key=${name} value=${name} />`)}</datalist></div>
		<div class="stack">
		<${Verified} of=${verify} />
		<${Card}><${Loaded} of=${trail}>${(page) => html`
			<${Records} items=${[...page.items, ...further.items]} empty="Nothing is recorded that fits." />
			<${ErrorBox} error=${error} />
			${cursor && html`<div class="row"><button type="button" onClick=${next}>Show older ones</button></div>`}`}<//><//>
		</div>`;
}
