// A stand-in for Metrica's tag.js, of our own making: it keeps the contract that pages rely on and no more.
// It takes over the queue that the snippet left in ym.a, answers `init` with a hit and with identifiers in
// cookies and in localStorage, and sends each goal.
(() => {
  const attributes = '; Path=/; Max-Age=31536000' + (location.protocol === 'https:' ? '; SameSite=None; Secure' : '');

  function identify() {
    const held = localStorage.getItem('_ym_uid');
    // As the real one does: what localStorage still holds brings the deleted cookie back.
    const uid = held ? JSON.parse(held) : Math.floor(Date.now() / 1000) + '' + Math.floor(1e8 * Math.random());
    localStorage.setItem('_ym_uid', JSON.stringify(uid));
    document.cookie = '_ym_uid=' + uid + attributes;
    document.cookie = '_ym_d=' + Math.floor(Date.now() / 1000) + attributes;
  }

  function send(counter, page) {
    navigator.sendBeacon('https://mc.yandex.ru/watch/' + counter + '/1?page-url=' + encodeURIComponent(page));
  }

  function handle(call) {
    const [counter, method, goal] = call;
    if (method === 'init') {
      identify();
      send(counter, location.href);
    } else if (method === 'reachGoal') {
      send(counter, 'goal://' + location.host + '/' + goal);
    }
  }

  const queue = window.ym.a = window.ym.a || [];
  queue.forEach(handle);
  queue.push = handle;
})();
