/* SPDX-License-Identifier: Apache-2.0 */
/* The page's beginning: its styles, the session, and the shell with the page that the address names. */
import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/parts.css';
import './style/pages.css';
import { render } from 'preact';
import { html } from 'htm/preact';
import { App } from './app.js';
import { begin } from './lib/api.js';

const place = document.getElementById('app');

begin();
place.replaceChildren();
render(html`<${App} />`, place);
