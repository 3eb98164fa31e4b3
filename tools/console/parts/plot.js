/* SPDX-License-Identifier: Apache-2.0 */
/* plot: numbers over time. Lines by uPlot, as the page's colours have it; bars of days as SVG. */
import uPlot from 'uplot';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { clock, utc_date } from '../lib/time.js';
import { count } from '../lib/text.js';

/* A colour of the style as a canvas knows it: it cannot read light-dark(). */
function colour(name) {
	const probe = document.createElement('i');

	probe.style.color = `var(${name})`;
	document.body.append(probe);
	const { color } = getComputedStyle(probe);
	probe.remove();
	return color;
}

const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]; /* between two marks of the time */

/* series: [{label, tone: a CSS variable}]; data: [times, values, …] as uPlot takes it. `about` says
 * in words what is drawn, for those who do not see it. */
export function Lines({ series, data, height = 180, about }) {
	const place = useRef(null);
	const plot = useRef(null);

	useEffect(() => {
		const make = () => {
			const axis = { stroke: colour('--dim'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };

			plot.current?.destroy();
			plot.current = new uPlot({
				width: place.current.clientWidth, height, padding: [null, 36, null, null], legend: { live: true }, cursor: { y: false },
				series: [{ value: (_, at) => at === null ? '--' : clock(at) }, ...series.map((one) => ({ label: one.label, stroke: colour(one.tone), width: 2, points: { show: false } }))],
				scales: { y: { range: (_, least, most) => [0, Math.max(1, most * 1.1)] } },
				axes: [{ ...axis, space: 90, incrs: SECONDS, values: (_, times) => times.map(clock) }, { ...axis, size: 60 }],
			}, data, place.current);
		};
		const dark = matchMedia('(prefers-color-scheme: dark)');
		const observer = new ResizeObserver(() => place.current && plot.current?.setSize({ width: place.current.clientWidth, height }));

		make();
		dark.addEventListener('change', make);
		observer.observe(place.current);
		return () => {
			dark.removeEventListener('change', make);
			observer.disconnect();
			plot.current.destroy();
			plot.current = null;
		};
	}, [series.map((one) => one.label).join()]);
	useEffect(() => plot.current?.setData(data), [data]);
	return html`<figure class="plot"><div ref=${place} role="img" aria-label=${about}></div></figure>`;
}

/* Uses and denials of the last `days` days: [{day, uses, denials}] as the daemon has them. */
export function Days({ of = [], days = 32 }) {
	const today = Math.floor(Date.now() / 86400000) * 86400;
	const by_day = new Map(of.map((one) => [one.day, one]));
	const all = Array.from({ length: days }, (_, i) => by_day.get(today - (days - 1 - i) * 86400) || { day: today - (days - 1 - i) * 86400, uses: 0, denials: 0 });
	const most = Math.max(1, ...all.map((one) => one.uses));
	const total = all.reduce((sum, one) => sum + one.uses, 0);
	const denied = all.reduce((sum, one) => sum + one.denials, 0);

	return html`<figure class="days">
		<svg viewBox="0 0 ${days * 10} 64" preserveAspectRatio="none" role="img" aria-label=${`${count(total, 'request')} in ${days} days, ${denied.toLocaleString('en')} of them denied; most in a day: ${most}`}>
			${all.map((one, i) => html`<g key=${one.day}><title>${`${utc_date(one.day)}: ${count(one.uses, 'request')}, ${one.denials.toLocaleString('en')} of them denied`}</title>
				<rect class="rest" x=${i * 10 + 1} y="0" width="8" height="64" />
				<rect class="uses" x=${i * 10 + 1} y=${64 - 62 * one.uses / most} width="8" height=${62 * one.uses / most} />
				<rect class="denials" x=${i * 10 + 1} y=${64 - 62 * one.denials / most} width="8" height=${62 * one.denials / most} /></g>`)}
		</svg>
		<figcaption><span>${utc_date(all[0].day)}</span><span>${count(total, 'request')}: <i class="allowed"></i>${(total - denied).toLocaleString('en')} allowed, <i class="denied"></i>${denied.toLocaleString('en')} denied</span><span>today</span></figcaption>
	</figure>`;
}
