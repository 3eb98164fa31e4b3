/* SPDX-License-Identifier: Apache-2.0 */
/* use_hosts: the hosts that share a store, and how far each of them is. */
import { html } from 'htm/preact';
import { call, list } from '../lib/api.js';
import { changed, useLoad, useTick } from '../lib/load.js';
import { href } from '../lib/route.js';
import { count } from '../lib/text.js';
import { Badge, Card, Facts, Loaded, Time } from '../parts/bits.js';
import { confirm } from '../parts/dialog.js';
import { Scroll } from '../parts/scroll.js';
import { say } from '../parts/toast.js';

const EVERY = 5000; /* milliseconds between two looks */
const TONES = { live: 'good', late: 'warn', gone: 'plain', diverged: 'bad' };

function forget(host) {
	confirm({
		title: `Forget ${host.name}?`,
		about: 'This says that the host will never answer again. If it is alive, it may allow what was revoked everywhere.',
		action: 'Forget it',
		doing: async () => {
			await call('hosts.forget', { host: host.instance });
			say(`Host ${host.name} is forgotten.`);
			changed();
		},
	});
}

export function Hosts({ shared }) {
	const hosts = useLoad(async () => (await list('hosts.list')).items);

	useTick(hosts.reload, EVERY);
	return html`<${Card} title="Hosts of the shared store" wide=${true}>
		<${Facts} rows=${[
			['This host', html`${shared.host} ${shared.stale && html`<${Badge} tone="bad">stale<//>`} ${shared.diverged && html`<${Badge} tone="bad">diverged<//>`}`],
			['Database', shared.connected ? html`<${Badge} tone="good">connected<//>` : html`<${Badge} tone="bad">not connected<//> ${shared.problem}`],
			['Refused here alone', shared.marks > 0 && html`<a href=${href('keys', null, { only: 'marked' })}>${count(shared.marks, 'key')}</a>, until the database has it`],
			['Applied', `row ${shared.applied} of ${shared.head}`],
			['Age of what it knows', shared.lag_ms === undefined ? html`<${Badge} tone="warn">has not caught up yet<//>` : `${shared.lag_ms} ms${shared.max_lag_ms ? ` of at most ${shared.max_lag_ms} ms` : ''}`],
		]} />
		<${Loaded} of=${hosts}>${(items) => html`<${Scroll} label="Hosts"><table class="plain"><thead><tr><th scope="col">Host</th><th scope="col">State</th><th scope="col">Lacks</th><th scope="col">Seen</th><th scope="col">Policy</th><th scope="col">Version</th><th scope="col"><span class="unseen">Action</span></th></tr></thead>
			<tbody>${items.map((host) => html`<tr key=${host.instance}>
				<td>${host.name}${host.this && html` <span class="dim">(this one)</span>`}</td>
				<td><${Badge} tone=${TONES[host.state]}>${host.state}<//> ${host.problem}</td>
				<td>${host.lacks}</td><td><${Time} at=${host.seen_at} /></td><td><code>${host.revision}</code></td><td>${host.version}</td>
				<td>${!host.this && host.state !== 'live' && html`<button type="button" class="quiet" onClick=${() => forget(host)}>Forget</button>`}</td></tr>`)}</tbody></table><//>`}<//>
	<//>`;
}
