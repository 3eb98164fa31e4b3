// SPDX-License-Identifier: Apache-2.0
// The console's figures, and their goals.

import { readFileSync } from 'node:fs';
import { get } from 'node:http';

export const BUNDLE = 150 * 1024;        // bytes, compressed
export const MEMORY = 20 * 1024 * 1024;  // bytes
export const PAINT = 1000;               // milliseconds, with 10,000 keys on two cores

// Bytes of the page as it is sent.
export function size(origin) {
  return new Promise((resolve, reject) => {
    get(`${origin}/console/`, { headers: { 'Accept-Encoding': 'gzip' } }, (answer) => {
      let bytes = 0;
      answer.on('data', (part) => { bytes += part.length; }).on('end', () => resolve(bytes));
    }).on('error', reject);
  });
}

// Bytes that a process has in memory now, and had at most.
export function resident(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)[1]) * 1024;

  return { now: of('VmRSS'), most: of('VmHWM') };
}

// Milliseconds from the beginning of the navigation until the first rows of keys are painted.
export async function first_paint(page) {
  return await page.evaluate(() => new Promise((resolve) => {
    const look = () => document.querySelector('.table .tr') ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now()))) : requestAnimationFrame(look);
    look();
  }));
}
