// A stand-in for Metrica's tag.js, of our own making, with the contract that pages and gates rely on:
// - the snippet's queue, `ym.a`: each item once, what was called before `init` after it; then its `push` is ours
// - identifiers on the registrable domain and in localStorage, of which either brings the other back
// - sendBeacon, then fetch, XHR, JSONP, a picture: each when the one before is refused; what failed is sent again later
// - callbacks, with `ctx`, once what they follow is sent; `yaCounterN`, and the event that says so
// - `disableYaCounterN`, `disableYtm`, `destruct`
(() => {
  const HOST = 'https://mc.yandex.ru';
  const RETRY = '_ym_retryReqs';
  const counters = {};
  const waiting = {};
  let number = 0;
  const now = () => Math.floor(Date.now() / 1000);

  function read(name) {
    return document.cookie.match('(?:^|; )' + name + '=([^;]*)')?.[1];
  }

  // The widest domain that takes a cookie is the registrable one.
  function domain() {
    const labels = location.hostname.split('.');
    for (let at = labels.length - 1; at >= 0; at--) {
      const tried = '; Path=/; Domain=' + labels.slice(at).join('.');
      document.cookie = 'metrika_enabled=1' + tried;
      if (read('metrika_enabled') === undefined) continue;
      document.cookie = 'metrika_enabled=; Max-Age=0' + tried;
      return tried;
    }
    return '; Path=/';
  }

  function identify() {
    const attributes = domain() + '; Max-Age=31536000' + (location.protocol === 'https:' ? '; SameSite=None; Secure' : '');
    const held = localStorage.getItem('_ym_uid');
    const uid = read('_ym_uid') || (held ? JSON.parse(held) : now() + '' + Math.floor(1e6 + 9e8 * Math.random()));
    localStorage.setItem('_ym_uid', JSON.stringify(uid));
    for (const [name, value] of [['_ym_uid', uid], ['_ym_d', now()], ['_ym_isad', 2]])
      document.cookie = name + '=' + value + attributes;
  }

  const ways = [
    (url) => navigator.sendBeacon(url) || Promise.reject(),
    (url) => fetch(url, { method: 'POST', mode: 'no-cors', keepalive: true }),
    (url) => new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.onload = done;
      request.onerror = failed;
      request.open('GET', url.replace('?', '?wmode=7&'));
      request.send();
    }),
    ...['script', 'img'].map((name, at) => (url) => new Promise((done, failed) => {
      const element = document.createElement(name);
      element.onload = done;
      element.onerror = failed;
      element.src = url.replace('?', at ? '?wmode=0&' : '?wmode=5&callback=_ymjsp1&');
      if (!at) document.head.append(element);
    })),
  ];

  async function send(path) {
    for (const way of ways)
      try {
        return await way(HOST + path);
      } catch {}
    const failed = JSON.parse(localStorage.getItem(RETRY) || '[]');
    localStorage.setItem(RETRY, JSON.stringify([...failed, path]));
  }

  async function hit(id, page, then, self) {
    if (window['disableYaCounter' + id]) return;
    const info = 'pv:1:rqn:' + ++number + ':u:' + read('_ym_uid');
    await send('/watch/' + id + '/1?browser-info=' + encodeURIComponent(info) + '&page-url=' + encodeURIComponent(page));
    if (typeof then === 'function') then.call(self);
  }

  function init(id, options = {}) {
    if (window['disableYaCounter' + id] || counters[id]) return;
    counters[id] = options;
    identify();
    window['yaCounter' + id] = new Proxy({}, { get: (_, method) => (...rest) => handle([id, method, ...rest]) });
    if (options.triggerEvent) document.dispatchEvent(new Event('yacounter' + id + 'inited'));
    for (const path of JSON.parse(localStorage.getItem(RETRY) || '[]')) send(path);
    localStorage.removeItem(RETRY);
    if (!options.disableYtm) send('/ytm-config/?id=' + id);
    if (options.webvisor) new WebSocket(HOST.replace('http', 'ws') + '/solid.ws');
    if (!options.defer) hit(id, location.href);
    for (const call of waiting[id] || []) handle(call);
  }

  function handle([id, method, ...rest]) {
    if (method === 'init') return init(id, rest[0]);
    if (!counters[id]) return void (waiting[id] = waiting[id] || []).push([id, method, ...rest]);
    if (method === 'destruct') {
      delete counters[id];
    } else if (method === 'reachGoal') {
      const at = rest.findIndex((value) => typeof value === 'function');
      hit(id, 'goal://' + location.host + '/' + rest[0], rest[at], rest[at + 1]);
    } else if (method === 'hit') {
      hit(id, new URL(rest[0], location.href).href, rest[1]?.callback, rest[1]?.ctx);
    } else if (['extLink', 'file', 'notBounce'].includes(method)) {
      const options = rest.find((value) => value?.callback);
      hit(id, method + ':' + (rest[0]?.length ? rest[0] : ''), options?.callback, options?.ctx);
    } else if (method === 'getClientID') {
      rest[0](read('_ym_uid'));
    }
  }

  // What is recorded of the visit is sent when it ends.
  addEventListener('pagehide', () => {
    for (const id in counters) if (counters[id].webvisor) send('/webvisor/' + id + '?rn=1');
  });

  // The snippet's last argument renames the function; whatever it is called, it has a queue and its time.
  const names = Object.keys(window).filter((name) => typeof window[name] === 'function' && window[name].l > 0 && !window[name].q);
  for (const name of names) {
    const queue = window[name].a = window[name].a || [];
    queue.splice(0).forEach(handle);
    queue.push = handle;
  }
})();
