/* SPDX-License-Identifier: Apache-2.0 */
/* has_keys: is there likely a keyboard, so that its keys are worth a word? */
import { signal } from '@preact/signals';

const media = matchMedia('(hover: hover) and (min-width: 36rem)');

export const has_keys = signal(media.matches);
media.addEventListener('change', () => { has_keys.value = media.matches; });
