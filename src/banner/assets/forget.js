// Tells other pages of a choice that was made here, and removes from the browser's storage what nobody may keep there any more. No header can say it by name:
// Clear-Site-Data takes all that the site itself keeps, too. And what stays there brings deleted cookies back.
(() => {
  'use strict';
  const { keys, changed } = document.currentScript.dataset;
  const names = keys.split(' ');
  if (changed !== undefined && window.BroadcastChannel) new BroadcastChannel('kelisim').postMessage('choice');
  const covers = (name, key) => name.endsWith('*') ? key.startsWith(name.slice(0, -1)) : key === name;
  for (const kind of ['localStorage', 'sessionStorage']) {
    try {
      const storage = window[kind];
      for (const key of Object.keys(storage))
        if (names.some((name) => covers(name, key))) storage.removeItem(key);
    } catch (error) {
      // A browser that keeps nothing for this site has nothing to forget.
      console.debug(error);
    }
  }
})();
