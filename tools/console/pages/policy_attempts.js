/* SPDX-License-Identifier: Apache-2.0 */
/* policy_attempts: the last attempts to read the policy, what was wrong with each, and the older loads that the trail has. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { call, may } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { older_loads } from '../lib/loads.js';
import { count } from '../lib/text.js';
import { exact } from '../lib/time.js';
import { Badge, Card, ErrorBox, Time } from '../parts/bits.js';
import { Diagnostics } from '../parts/diagnostics.js';
import { Actor } from '../parts/record.js';

const LOOKED = 1000; /* records of the trail in which older loads are looked for */
const OLDER = 20;    /* of these, that are shown */

/* What an attempt was made for. */
const WHY = { start: 'the daemon started', watch: 'a change was noticed', signal: 'a signal', request: 'asked for by' };

function Outcome({ of }) {
	if (!of.ok) {
		return html`<${Badge} tone="bad">refused<//>`;
	}
	return of.exchanged ? html`<${Badge} tone="good">accepted<//>` : html`<${Badge}>nothing had changed<//>`;
}

function Why({ of }) {
	return html`<span class="dim">${WHY[of.trigger] || of.trigger}${of.trigger === 'request' && html` <${Actor} actor=${of.actor} />`}</span>`;
}

/* What was wrong with an earlier one, with the lines, which are asked for when it is opened. */
function Wrong({ of }) {
	const [open, set] = useState(false);

	return html`<details onToggle=${(event) => set(event.currentTarget.open)}><summary>What was wrong</summary>
		${open && html`<p class="dim">The lines are those of the files as they are now.</p><${Messages} of=${of} />`}</details>`;
}

function Messages({ of }) {
	const left = of.errors + of.warnings - of.diagnostics.length;

	return html`<${Diagnostics} of=${of.diagnostics} />${left > 0 && html`<p class="dim">and ${count(left, 'other')}</p>`}`;
}

function Attempt({ of, is_last }) {
	return html`<li class=${is_last ? 'newest' : ''}><div class="row">${is_last && html`<strong>${of.ok ? 'Last load' : 'Last attempt'}</strong>`} <${Outcome} of=${of} /> <${Time} at=${of.attempted_at} />
			${of.times > 1 && html`<span class="dim" title=${`since ${exact(of.first_at)}`}>${of.times.toLocaleString('en')} times</span>`}
			<${Why} of=${of} />
			<span class=${of.errors + of.warnings > 0 ? '' : 'dim'}>${count(of.errors, 'error')}, ${count(of.warnings, 'warning')}</span>
			${is_last && !of.ok ? html`<span>The daemon keeps deciding by revision <code>${of.revision}</code>.</span>`
				: html`<span class="dim">revision <code>${of.revision}</code></span>`}</div>
		${of.diagnostics.length > 0 && (is_last ? html`<div class="messages"><${Messages} of=${of} /></div>` : html`<${Wrong} of=${of} />`)}</li>`;
}

function Older({ of }) {
	return html`<li><div class="row"><${Badge} tone="good">accepted<//> <${Time} at=${of.at} /> <${Why} of=${of} />
		<span class="dim">revision <code>${of.revision}</code>${of.commit && html`, commit <code>${of.commit.slice(0, 12)}</code>`}</span></div></li>`;
}

/* policy: of policy.status, which has all messages of the last attempt, and the first ones of those before. */
export function Attempts({ policy }) {
	const [last, ...earlier] = policy.attempts;
	const records = useLoad(async () => may('read', '/audit') ? (await call('audit.list', { newest_first: true, limit: LOOKED })).items : []);

	return html`<${Card} title="Last attempts"><ol class="lines attempts">
		${last && html`<${Attempt} of=${{ ...last, diagnostics: policy.diagnostics }} is_last=${true} />`}
		${earlier.map((one, i) => html`<${Attempt} key=${`${one.first_at} ${earlier.length - i}`} of=${one} />`)}
		${older_loads(records.data || [], policy.attempts, OLDER).map((one) => html`<${Older} key=${one.sequence} of=${one} />`)}
	</ol><${ErrorBox} error=${records.error} retry=${records.reload} /><//>`;
}
