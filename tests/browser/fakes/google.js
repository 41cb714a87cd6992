// A stand-in for gtag.js and gtm.js, of our own making: it keeps the contract that pages rely on and no more.
// It reads the commands that wait in dataLayer, leaves them there, and takes those that follow; `config` of
// its own id sets the cookies and sends a hit. A container (GTM) reports that it has started.
(() => {
  const id = new URL(document.currentScript.src).searchParams.get('id');
  const now = Math.floor(Date.now() / 1000);

  function cookie(name, value) {
    if (!document.cookie.includes(name + '=')) document.cookie = name + '=' + value + '; Path=/; Max-Age=63072000';
  }

  function handle(item) {
    if (item[0] === 'config' && item[1] === id) {
      cookie('_ga', 'GA1.1.' + Math.floor(1e9 * Math.random()) + '.' + now);
      cookie('_ga_' + id.slice(2), 'GS2.1.s' + now);
      fetch('https://www.google-analytics.com/g/collect?v=2&en=page_view&tid=' + id,
        { method: 'POST', mode: 'no-cors', keepalive: true });
    } else if (item.event === 'gtm.js' && id.startsWith('GTM-')) {
      navigator.sendBeacon('https://www.googletagmanager.com/a?v=3&id=' + id);
    }
  }

  const layer = window.dataLayer = window.dataLayer || [];
  const push = layer.push;
  layer.forEach(handle);
  layer.push = function (...items) {
    items.forEach(handle);
    return push.apply(layer, items);
  };
})();
