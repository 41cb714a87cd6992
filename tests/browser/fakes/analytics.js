// A stand-in for analytics.js, of our own making, with the contract that pages and gates rely on: the function that
// GoogleAnalyticsObject names, its queue `q`, trackers, `hitCallback` once a hit is sent, and both switches.
(() => {
  const name = window.GoogleAnalyticsObject || 'ga';
  const queue = window[name]?.q || [];
  const trackers = [];
  let number = 0;

  async function send(tracker, given) {
    const fields = Object.assign({ ...tracker.fields }, ...given.filter((value) => typeof value === 'object'));
    const said = given.filter((value) => typeof value !== 'object');
    const type = fields.hitType || said[0];
    const { trackingId, hitCallback } = fields;
    if (window['ga-disable-' + trackingId] || window._gaUserPrefs?.ioo()) return;
    const words = [type, ...said.slice(1), fields.eventAction].filter(Boolean).join('.');
    await fetch('https://www.google-analytics.com/j/collect?v=1&tid=' + trackingId + '&_s=' + ++number + '&t=' + words,
      { method: 'POST', mode: 'no-cors', keepalive: true }).catch(() => {});
    if (typeof hitCallback === 'function') hitCallback();
  }

  const ga = window[name] = function (method, ...rest) {
    if (typeof method === 'function') return void method(trackers[0]);
    if (method === 'create') {
      const fields = { trackingId: rest[0], clientId: '1.' + Math.floor(Date.now() / 1000) };
      if (!document.cookie.includes('_gid=')) document.cookie = '_gid=GA1.1.' + fields.clientId + '; Path=/; Max-Age=86400';
      trackers.push({ fields, get: (key) => fields[key], set: (key, value) => { fields[key] = value; }, send: (...given) => ga('send', ...given) });
    } else if (method === 'set') {
      trackers.forEach(({ fields }) => Object.assign(fields, typeof rest[0] === 'object' ? rest[0] : { [rest[0]]: rest[1] }));
    } else if (method === 'send') {
      trackers.forEach((tracker) => send(tracker, rest));
    }
  };
  Object.assign(ga, { loaded: true, getAll: () => trackers, getByName: () => trackers[0], create: (...rest) => ga('create', ...rest), remove() {} });
  queue.forEach((call) => ga(...call));
})();
