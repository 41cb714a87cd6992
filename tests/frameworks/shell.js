// The server's part of a page around what a framework renders: tags outside of the hydrated root, and the state.
import { GTAG, GTAG_INLINE, MARK, METRICA, TAG_MANAGER, TAG_MANAGER_FRAME } from './tags.js';

// State as servers write it into a script: no `<` that could end it.
function inScript(value) {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

export function page(client, root, state) {
  // A site whose settings hold its tags, as content systems hand them on.
  const whole = { ...state, counters: [`<script>${METRICA}</script>`] };
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${state.title.replace('&', '&amp;')}</title>
<link rel="icon" href="data:,">
<link rel="preconnect" href="https://mc.yandex.ru">
<script>${TAG_MANAGER}</script>
<script async src="${GTAG}"></script>
<script>${GTAG_INLINE}</script>
</head><body>
<noscript>${TAG_MANAGER_FRAME}</noscript>
<div id="root">${root}</div>
<script>window.__INITIAL_STATE__ = ${inScript(whole)}</script>
<script>${MARK}</script>
<script type="module" src="${client}"></script>
</body></html>
`;
}
