/* SPDX-License-Identifier: Apache-2.0 */
/* use: what the daemon does now, which keys nobody uses, why requests are denied, and the hosts of a shared store. */
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { call, list, may, session } from '../lib/api.js';
import { FINDINGS } from '../lib/findings.js';
import { useLoad, useTick } from '../lib/load.js';
import { href } from '../lib/route.js';
import { add_sample, NO_SAMPLES } from '../lib/samples.js';
import { count } from '../lib/text.js';
import { duration, now } from '../lib/time.js';
import { Badge, Card, ErrorBox, Facts, Head, Loaded, Time } from '../parts/bits.js';
import { Lines } from '../parts/plot.js';
import { Reasons } from '../parts/share.js';
import { Hosts } from './use_hosts.js';

const EVERY = 2000;      /* milliseconds between two looks at the status */
const MOST = 20;         /* findings that are shown of each kind */
const PEPPER = 'A secret file of the daemon, with which secrets of keys are hashed: the store alone does not let anybody try them. Each change of it has the next number.';
const LATENCY = [{ label: 'half within', tone: '--accent' }, { label: '99 of 100 within', tone: '--info' }];
const RATE = [{ label: 'allowed /s', tone: '--good' }, { label: 'denied /s', tone: '--bad' }];

function Number({ value, text, tone }) {
	return html`<div class="number ${tone || ''}"><strong>${value}</strong><span>${text}</span></div>`;
}

function Now({ status, samples }) {
	const { counters, store, rotation } = status;

	return html`<div class="numbers">
		<${Number} value=${status.rate.toLocaleString('en')} text="decisions a second" />
		<${Number} value=${`${Math.round(status.latency_ns.p50 / 1000)} µs`} text="half of the answers are faster" />
		<${Number} value=${`${Math.round(status.latency_ns.p99 / 1000)} µs`} text="99 of 100 answers are faster" />
		<${Number} value=${(counters.allowed + counters.denied).toLocaleString('en')} text=${`decisions since the start, ${counters.denied.toLocaleString('en')} denied`} />
		<${Number} value=${store.keys.toLocaleString('en')} text="keys" />
		<${Number} value=${store.principals.toLocaleString('en')} text="people and services" />
		${rotation.overdue > 0 && html`<${Number} tone="bad" value=${rotation.overdue} text="secrets that ended unrenewed" />`}
		${rotation.dead > 0 && html`<${Number} tone="bad" value=${rotation.dead} text="requests with ended secrets" />`}
		${store.altered > 0 && html`<${Number} tone="bad" value=${store.altered} text="altered records were refused" />`}
	</div>
	<div class="columns">
		<${Card} title="Decisions a second">${samples.times.length > 1 ? html`<${Lines} series=${RATE} data=${[samples.times, samples.allowed, samples.denied]}
			about=${`Decisions a second since this page was opened: now ${Math.round(samples.allowed.at(-1))} allowed and ${Math.round(samples.denied.at(-1))} denied`} />`
		: html`<p class="dim">Drawn from now on, while this page is open.</p>`}<//>
		<${Card} title="Time of an answer, in µs">${samples.times.length > 1 ? html`<${Lines} series=${LATENCY} data=${[samples.times, samples.p50, samples.p99]}
			about=${`Time of an answer in microseconds: half within ${Math.round(samples.p50.at(-1))}, 99 of 100 within ${Math.round(samples.p99.at(-1))}`} />`
		: html`<p class="dim">Drawn from now on, while this page is open.</p>`}<//>
	</div>
	<div class="columns">
		<${Card} title="The daemon"><${Facts} rows=${[
			['Version', status.version],
			['Started', html`<${Time} at=${status.started_at} />`],
			['Workers', status.workers],
			['Connections', `${counters.connections} of ${counters.max_connections}`],
			['Refused', counters.refused > 0 && count(counters.refused, 'connection')],
			['Store', `${(store.bytes_used / 1048576).toFixed(1)} MiB`],
			['Pepper', html`<span title=${PEPPER}>number ${status.pepper.number}${status.pepper.left > 0 && `, ${count(status.pepper.left, 'key')} may need the older one`}<br /><small class="dim">a secret file used to hash keys</small></span>`],
			['Clock', store.clock_back > 0 ? html`<${Badge} tone="bad">was set back by ${duration(store.clock_back)}<//>` : store.clock_ahead > 0 ? html`<${Badge} tone="bad">went ahead by ${duration(store.clock_ahead)}<//>` : 'as expected'],
			['Confined', status.confinement.seccomp ? `by seccomp and Landlock (version ${status.confinement.landlock})` : html`<${Badge} tone="warn">not by seccomp<//>`],
			['Missing facts', Object.keys(status.missing_facts).length > 0 && Object.entries(status.missing_facts).map(([name, times]) => html`<div key=${name}><code>${name}</code> ${count(times, 'time')}</div>`)],
		]} /><//>
		${status.shared?.on && html`<${Hosts} shared=${status.shared} />`}
	</div>`;
}

/* Denials by reason, of all keys since the daemon's start, and what keys.audit finds. */
function OfKeys() {
	const keys = useLoad(async () => (await list('keys.list')).items);
	const findings = useLoad(async () => (await list('keys.audit')).items);

	return html`<div class="columns">
		<${Card} title="Denials by reason"><${Loaded} of=${keys}>${(items) => {
			const by_reason = new Map();

			for (const [reason, times] of items.flatMap((key) => Object.entries(key.denied_for || {}))) {
				by_reason.set(reason, (by_reason.get(reason) || 0) + times);
			}
			const all = [...by_reason].sort((a, b) => b[1] - a[1]);

			return all.length === 0 ? html`<p class="dim">No key was denied anything since the daemon’s start.</p>` : html`<${Reasons} rows=${all} /><p class="tip">Of requests whose key was verified, since the daemon’s start.</p>`;
		}}<//><//>
		<${Card} title="Keys to look at"><${Loaded} of=${findings}>${(items) => {
			const kinds = Object.keys(FINDINGS).filter((kind) => items.some((key) => key.findings.includes(kind)));

			return kinds.length === 0 ? html`<p class="dim">Nothing is found.</p>` : kinds.map((kind) => {
				const of = items.filter((key) => key.findings.includes(kind));
				return html`<details key=${kind} class="finding"><summary><${Badge} tone=${FINDINGS[kind].tone}>${of.length.toLocaleString('en')}<//> ${FINDINGS[kind].many}</summary>
					<ul class="lines">${of.slice(0, MOST).map((key) => html`<li key=${key.id}><a href=${href('keys', key.id)}>${key.name || key.id}</a> <span class="dim">${key.principal}</span>
						${kind === 'idle' && html`<${Time} at=${key.last_used_at} />`} ${kind === 'expiring' && html`<${Time} at=${key.expires_at} />`}
						${kind === 'unused_permissions' && html`<span class="dim">${key.used} of ${key.granted} used</span>`}</li>`)}
						${of.length > MOST && html`<li class="dim">and ${count(of.length - MOST, 'other')}</li>`}</ul></details>`;
			});
		}}<//><//>
	</div>`;
}

export function UsePage() {
	const [state, set_state] = useState({ status: null, samples: NO_SAMPLES, error: null });
	const looks = session.value.caller.everything === true;
	const look = async () => {
		if (!looks) {
			return;
		}
		try {
			const status = await call('status');

			set_state((was) => ({ status, samples: add_sample(was.samples, status, now()), error: null }));
		} catch (error) {
			set_state((was) => ({ ...was, error }));
		}
	};

	useLoad(look);
	useTick(look, EVERY);
	return html`<${Head} title="Use" about=${looks ? 'What the daemon does now, which keys need a look, and why requests are denied.' : 'Which keys need a look, and why requests are denied.'} />
		<div class="stack">
			<${ErrorBox} error=${state.error} />
			${state.status && html`<${Now} status=${state.status} samples=${state.samples} />`}
			${may('list', '/keys') && html`<${OfKeys} />`}
		</div>`;
}
