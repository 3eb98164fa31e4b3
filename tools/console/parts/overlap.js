/* SPDX-License-Identifier: Apache-2.0 */
/* overlap: the secrets of a key drawn as bars on a line of time, with now on it. */
import { html } from 'htm/preact';
import { drawing } from '../lib/overlap.js';
import { ago, exact, now } from '../lib/time.js';

const WHAT = { old: 'Old secret', new: 'New secret', only: 'Secret' };

const ROOM = 30; /* percent: a time at the end of the line has room when now is that far away */

/* What a bar says, in words. */
function words({ state, until }) {
	switch (state) {
	case 'retiring':
		return `ends ${ago(until)}`;
	case 'pending':
		return `counts from its first use on; dropped ${ago(until)} if nobody uses it`;
	case 'ended':
		return until === undefined ? 'has ended' : `ended ${ago(until)}`;
	default:
		return until === undefined ? 'current, without an end' : `current, ends ${ago(until)}`;
	}
}

/* secrets: of secrets_of(); one with `says` has an end that is not known, and says this. label: what is drawn. */
export function Overlap({ secrets, label }) {
	const at = now();
	const drawn = drawing(secrets, at);

	return html`<figure class="overlap" aria-label=${label}>
		<div class="lines">
			${drawn.rows.map((one) => html`<div class="line" key=${one.what}>
				<p><strong>${WHAT[one.what]}</strong> <span class="dim" title=${one.until === undefined || one.says ? undefined : exact(one.until)}>${one.says || words(one)}</span></p>
				<div class="track" aria-hidden="true">
					<span class="span ${one.state} ${one.is_open ? 'open' : ''} ${one.began_before ? 'before' : ''}" style=${{ left: `${one.left}%`, width: `${one.width}%` }}></span>
					${one.due !== undefined && html`<span class="due" title=${`due ${ago(one.due_at)}`} style=${{ left: `${one.due}%` }}></span>`}
					<span class="now" style=${{ left: `${drawn.now}%` }}></span>
				</div></div>`)}
		</div>
		<figcaption aria-hidden="true"><span>${drawn.now > ROOM && ago(drawn.from, at)}</span><span class="here" style=${{ left: `clamp(1.15em, ${drawn.now}%, 100% - 1.15em)` }}>now</span><span>${drawn.now < 100 - ROOM && !secrets.some((one) => one.says) && ago(drawn.to, at)}</span></figcaption>
	</figure>`;
}
