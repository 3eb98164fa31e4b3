/* SPDX-License-Identifier: Apache-2.0 */
/* keys_bulk: one action for many keys: the bar over the list, and the dialog that asks, shows how far it is, and what failed. */
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, may } from '../lib/api.js';
import { ACTIONS, plan, run_all } from '../lib/bulk.js';
import { useOnce } from '../lib/once.js';
import { ADVICE, count } from '../lib/text.js';
import { Chip } from '../parts/bits.js';
import { open_dialog } from '../parts/dialog.js';

const MOST = 12; /* names that are shown before "and more" */

function Names({ keys }) {
	return html`<div class="chips">${keys.slice(0, MOST).map((key) => html`<${Chip} key=${key.id} title=${key.id}>${key.name || key.id}<//>`)}
		${keys.length > MOST && html`<span class="dim">and ${(keys.length - MOST).toLocaleString('en')} more</span>`}</div>`;
}

/* Why the keys are left out, each reason once. */
function Skipped({ of }) {
	const by_why = new Map();

	for (const { key, why } of of) {
		by_why.set(why, [...(by_why.get(why) || []), key]);
	}
	return [...by_why].map(([why, keys]) => html`<p class="dim" key=${why}>${count(keys.length, 'key')} left out: ${why}.</p>`);
}

function Failed({ of }) {
	return html`<div class="scroll"><table class="plain"><thead><tr><th scope="col">Key</th><th scope="col">Why it failed</th></tr></thead>
		<tbody>${of.map(({ key, error }) => html`<tr key=${key.id}><td>${key.name} <code>${key.id}</code></td><td>${error.message}<br /><small class="dim">${ADVICE[error.code]}</small></td></tr>`)}</tbody></table></div>`;
}

/* A dialog. done(results): what the calls answered, [{key, result}]. */
function BulkDialog({ action, keys, done, close }) {
	const words = ACTIONS[action];
	const [step, set_step] = useState(null);    /* null: it was not begun */
	const [planned, set_planned] = useState(() => plan(action, keys, may));
	const [running, set_running] = useState(false);
	const stopped = useRef(false);
	const total = planned.chosen.length;
	const begin = useOnce(async () => {
		const these = step ? step.failed.map((one) => one.key) : planned.chosen;

		stopped.current = false;
		set_planned({ ...planned, chosen: these });
		set_step({ done: [], failed: [], left: these.length });
		set_running(true);
		const last = await run_all(these, (key) => call(words.method, { id: key.id }), (now) => set_step({ ...now }), () => stopped.current);
		set_step({ ...last });
		set_running(false);
		done(last.done);
	});
	const place = useRef(null);

	/* The button that was pressed is gone when it has ended: the focus goes to the next. */
	useEffect(() => {
		if (step && !running) {
			place.current?.querySelector('[data-first]')?.focus();
		}
	}, [running]);
	const leave = () => {
		stopped.current = true;
		close();
	};
	const is_over = step && !running;

	return html`<form class="dialog" ref=${place} onSubmit=${(event) => {
		event.preventDefault();
		begin();
	}}>
		<header><h2 id="dialog-title">${words.text} ${count(total, 'key')}${step ? '' : '?'}</h2>
			<button type="button" class="quiet" aria-label="Close" onClick=${leave}>✕</button></header>
		<div class="body">
			${!step && html`<p>${total === 0 ? 'There is nothing to do for the keys that are selected.' : words.about}</p>
				<${Names} keys=${planned.chosen} />`}
			${step && html`<p role="status">${is_over
				? `${count(step.done.length, 'key')} ${step.done.length === 1 ? 'is' : 'are'} ${words.past}${step.failed.length > 0 ? `, ${step.failed.length} failed` : ''}${step.left > 0 ? `, ${step.left} not tried` : ''}.`
				: `${step.done.length + step.failed.length} of ${total} …`}</p>
				<progress max=${total} value=${step.done.length + step.failed.length} aria-label="Keys that are done"></progress>
				${step.failed.length > 0 && html`<${Failed} of=${step.failed} />`}`}
			<${Skipped} of=${planned.skipped} />
		</div>
		<footer>
			${running ? html`<button type="button" onClick=${() => { stopped.current = true; }}>Stop</button>`
			: is_over ? html`${step.failed.length > 0 && html`<button>Try those that failed again</button>`}<button type="button" class="primary" onClick=${leave} data-first>Close</button>`
			: html`<button type="button" onClick=${leave}>Cancel</button>
				<button class=${words.danger ? 'danger' : 'primary'} disabled=${total === 0} data-first=${!words.danger}>${words.text} ${count(total, 'key')}</button>`}
		</footer>
	</form>`;
}

/* keys: those that are selected; hidden: how many of them the list does not show as it is narrowed now. */
export function BulkBar({ keys, hidden, apart, clear, done }) {
	const offered = apart === 'deleted' ? ['restore', 'purge'] : apart === 'altered' ? ['revoke', 'purge'] : ['enable', 'disable', 'revoke', 'delete'];
	const ask = (action) => open_dialog(BulkDialog, { action, keys, done });

	return html`<div class="strip bulk" role="region" aria-label="Keys that are selected">
		<strong>${keys.length.toLocaleString('en')} selected</strong>
		${hidden > 0 && html`<span class="dim">${hidden} of them not shown now</span>`}
		<span class="row">${offered.map((action) => html`<button type="button" key=${action} class=${ACTIONS[action].danger && action !== 'disable' ? 'risky' : ''} onClick=${() => ask(action)}>${ACTIONS[action].text} …</button>`)}</span>
		<button type="button" class="quiet" onClick=${clear}>Select none</button>
	</div>`;
}
