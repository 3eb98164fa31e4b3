// SPDX-License-Identifier: Apache-2.0
'use strict';
// Search: what does not have all the words is hidden. #words after the page's address searches, too.
addEventListener('DOMContentLoaded', () => {
  const box = document.getElementById('search');
  const found = document.getElementById('found');
  const all = [...document.querySelectorAll('[data-find]')];
  const texts = all.map((each) => each.textContent.toLowerCase());
  const search = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    all.forEach((each, at) => {
      const here = words.every((word) => texts[at].includes(word));
      each.hidden = !here;
      count += here;
    });
    found.textContent = words.length ? `${count} of ${all.length} match` : '';
  };
  box.addEventListener('input', search);
  box.value = new URLSearchParams(`q=${location.hash.slice(1).replaceAll('&', '%26')}`).get('q');
  search();
  addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((each) => { each.open = true; }));
});
