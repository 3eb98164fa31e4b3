/* SPDX-License-Identifier: Apache-2.0 */
/* scroll: what is wider than its place scrolls sideways, and a shadow and a word say that there is more. */
import { html } from 'htm/preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/* Where more is: '', 'left', 'right' or 'left right'. */
function more_of({ scrollLeft, scrollWidth, clientWidth }) {
	return [scrollLeft > 1 && 'left', scrollLeft + clientWidth < scrollWidth - 1 && 'right'].filter(Boolean).join(' ');
}

/* label: what it is, for those who do not see it. */
export function Scroll({ label, children }) {
	const box = useRef(null);
	const [more, set_more] = useState('');
	const measure = () => set_more(more_of(box.current));

	useLayoutEffect(() => {
		const observer = new ResizeObserver(measure);

		observer.observe(box.current);
		observer.observe(box.current.firstElementChild);
		return () => observer.disconnect();
	}, []);
	return html`${more !== '' && html`<p class="tip">Scroll sideways for the rest.</p>`}
		<div class="sideways ${more}"><div class="scroll" ref=${box} onScroll=${measure} ...${more !== '' && { tabIndex: 0, role: 'region', 'aria-label': label }}>${children}</div></div>`;
}
