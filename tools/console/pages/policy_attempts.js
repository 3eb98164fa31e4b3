/* SPDX-License-Identifier: Apache-2.0 */
/* policy_attempts: the last attempts to read the policy since the daemon started, and what was wrong with each. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { count } from '../lib/text.js';
import { exact } from '../lib/time.js';
import { Badge, Card, Time } from '../parts/bits.js';
import { Diagnostics } from '../parts/diagnostics.js';
import { Actor } from '../parts/record.js';

/* What an attempt was made for. */
const WHY = { start: 'the daemon started', watch: 'a change was noticed', signal: 'a signal', request: 'asked for by' };

function Outcome({ of }) {
	if (!of.ok) {
		return html`<${Badge} tone="bad">refused<//>`;
	}
	return of.exchanged ? html`<${Badge} tone="good">accepted<//>` : html`<${Badge}>nothing had changed<//>`;
}

/* What was wrong, with the lines, which are asked for when it is opened. */
function Wrong({ of }) {
	const [open, set] = useState(false);
	const left = of.errors + of.warnings - of.diagnostics.length;

	return html`<details onToggle=${(event) => set(event.currentTarget.open)}><summary>What was wrong</summary>
		${open && html`<p class="dim">The lines are those of the files as they are now.</p><${Diagnostics} of=${of.diagnostics} />
			${left > 0 && html`<p class="dim">and ${count(left, 'other')}</p>`}`}</details>`;
}

function Attempt({ of, is_newest }) {
	return html`<li><div class="row"><${Outcome} of=${of} /> <${Time} at=${of.attempted_at} />
			${of.times > 1 && html`<span class="dim" title=${`since ${exact(of.first_at)}`}>${of.times.toLocaleString('en')} times</span>`}
			<span class="dim">${WHY[of.trigger] || of.trigger}${of.trigger === 'request' && html` <${Actor} actor=${of.actor} />`}</span>
			${of.errors + of.warnings > 0 && html`<span>${count(of.errors, 'error')}, ${count(of.warnings, 'warning')}</span>`}
			<span class="dim">revision <code>${of.revision}</code> ${of.ok ? 'decides' : 'goes on deciding'}</span></div>
		${!is_newest && of.diagnostics.length > 0 && html`<${Wrong} of=${of} />`}</li>`;
}

/* of: `attempts` of policy.status. What is wrong with the newest one stands on the page already. */
export function Attempts({ of }) {
	return html`<${Card} title="Last attempts"><ol class="lines attempts">${of.map((one, i) => html`<${Attempt} key=${`${one.first_at} ${of.length - i}`} of=${one} is_newest=${i === 0} />`)}</ol><//>`;
}
