// What was decided elsewhere counts here, too: in another tab, or while this page lay in the back/forward cache.
(() => {
  'use strict';
  const had = (document.currentScript.dataset.permit || '').split(' ');
  const look = async () => {
    if (window.kelisim) return window.kelisim.state();
    const answer = await fetch(location.origin + '/.consent/state', { credentials: 'same-origin', cache: 'no-store' });
    const state = await answer.json();
    if (had.some((purpose) => purpose && state[purpose]?.verdict !== 'permit')) location.reload();
  };
  const check = () => look().catch((error) => console.debug(error));
  addEventListener('pageshow', (event) => event.persisted && check());
  if (window.BroadcastChannel) new BroadcastChannel('kelisim').onmessage = check;
})();
