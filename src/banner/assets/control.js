// What was decided elsewhere counts here, too: in another tab, or while this page lay in the back/forward cache.
// Each page tells the others under what it came; who came under something else asks what holds.
(() => {
  'use strict';
  let had = document.currentScript.dataset.permit;
  const look = async (told) => {
    // A choice is news each time, whatever was told before.
    if (told === had && told !== 'choice') return;
    try {
      if (window.kelisim) {
        await window.kelisim.state(false);
        had = told;
      } else {
        const answer = await fetch(location.origin + '/.consent/state', { credentials: 'same-origin', cache: 'no-store' });
        const state = await answer.json();
        if (had.split(' ').some((purpose) => purpose && state[purpose].verdict !== 'permit')) location.reload();
      }
    } catch (error) {
      // The next page, or the next visit, asks again.
      console.debug(error);
    }
  };
  addEventListener('pageshow', (event) => event.persisted && look());
  if (!window.BroadcastChannel) return;
  const others = new BroadcastChannel('kelisim');
  others.onmessage = (event) => look(event.data);
  others.postMessage(had);
})();
