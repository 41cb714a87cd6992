// A stand-in for gtag.js and gtm.js, of our own making, with the contract that pages and gates rely on:
// - the layer that `l=` names: what waits is read and stays, what follows comes here
// - commands are `arguments` and nothing else; objects with an `event` are a container's
// - Consent Mode: `default` and `update`, told in each hit as `gcs=G1<ads><analytics>`; without storage no cookies
// - `ga-disable-<id>` and `_gaUserPrefs`; `event_callback` and `eventCallback`, once what they follow is sent
(() => {
  const asked = new URL(document.currentScript.src).searchParams;
  const id = asked.get('id');
  const now = Math.floor(Date.now() / 1000);
  const said = { default: {}, update: {} };
  let started = false;
  let number = 0;

  function cookie(name, value) {
    if (!document.cookie.includes(name + '=')) document.cookie = name + '=' + value + '; Path=/; Max-Age=63072000';
  }

  // An update counts whatever defaults come after it.
  function may(type) {
    return { granted: 1, denied: 0 }[said.update[type] || said.default[type]] ?? '-';
  }

  function off() {
    return window['ga-disable-' + id] || window._gaUserPrefs?.ioo();
  }

  async function hit(name, then) {
    if (off()) return;
    if (may('analytics_storage') !== 0) {
      cookie('_ga', 'GA1.1.' + Math.floor(1e9 * Math.random()) + '.' + now);
      cookie('_ga_' + id.slice(2), 'GS2.1.s' + now);
    }
    const gcs = 'G1' + may('ad_storage') + may('analytics_storage');
    const url = 'https://www.google-analytics.com/g/collect?v=2&en=' + name + '&gcs=' + gcs + '&_s=' + ++number + '&tid=' + id;
    await fetch(url, { method: 'POST', mode: 'no-cors', keepalive: true }).catch(() => {});
    if (typeof then === 'function') then(id);
  }

  function command([name, what, given, then]) {
    if (name === 'consent') {
      Object.assign(said[what], given);
    } else if (name === 'config' && what === id) {
      started = true;
      hit('page_view', given?.event_callback);
    } else if (name === 'event' && started) {
      hit(what, given?.event_callback);
    } else if (name === 'get' && what === id) {
      then(document.cookie.match(/_ga=GA1\.1\.([^;]*)/)?.[1]);
    }
  }

  function handle(item) {
    if (Object.prototype.toString.call(item) === '[object Arguments]') {
      if (!id.startsWith('GTM-') || item[0] === 'consent') command(item);
    } else if (id.startsWith('GTM-') && item?.event) {
      const what = item.event === 'gtm.js' ? '' : '&e=' + item.event;
      navigator.sendBeacon('https://www.googletagmanager.com/a?v=3&id=' + id + what);
      if (item.eventCallback) setTimeout(item.eventCallback, 0, id);
    }
  }

  const name = asked.get('l') || 'dataLayer';
  const layer = window[name] = window[name] || [];
  const push = layer.push;
  layer.slice().forEach(handle);
  layer.push = function (...items) {
    const length = push.apply(layer, items);
    items.forEach(handle);
    return length;
  };
  layer.hide?.end?.();
})();
