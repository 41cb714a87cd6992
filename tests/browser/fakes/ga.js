// A stand-in for ga.js, of our own making, with the contract that pages and gates rely on: the queue `_gaq` of lists and
// functions, `_gat._getTracker`, `hitCallback` once a hit is sent, and pictures as hits.
(() => {
  let account;
  let number = 0;
  let then;

  function hit(what) {
    if (window['ga-disable-' + account] || window._gaUserPrefs?.ioo()) return;
    if (!document.cookie.includes('__utma=')) document.cookie = '__utma=1.' + Math.floor(Date.now() / 1000) + '; Path=/; Max-Age=63072000';
    const picture = new Image(1, 1);
    picture.onload = () => then?.();
    picture.src = 'https://ssl.google-analytics.com/__utm.gif?utmac=' + account + '&utms=' + ++number + '&utme=' + what;
  }

  const tracker = {
    _setAccount(id) { account = id; },
    _set(key, value) { if (key === 'hitCallback') then = value; },
    _trackPageview() { hit('pageview'); },
    _trackEvent(...what) { hit(what.join('.')); },
    _link(address) { location.href = address; },
  };
  function run(item) {
    if (typeof item === 'function') item();
    else tracker[item[0].replace(/^.*\./, '')]?.(...item.slice(1));
  }

  window._gat = { _getTracker: (id) => (tracker._setAccount(id), tracker) };
  const queue = window._gaq || [];
  window._gaq = { push: (...items) => items.forEach(run) };
  queue.forEach(run);
})();
