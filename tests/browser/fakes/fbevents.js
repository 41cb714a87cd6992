// A stand-in for fbevents.js, of our own making, with the contract that pages and gates rely on: `fbq.callMethod`, which
// takes over from `fbq.queue`, the browser's id in a cookie, and pictures as hits.
(() => {
  const { fbq } = window;
  const pixels = [];
  fbq.callMethod = (method, what) => {
    if (method === 'init') {
      pixels.push(what);
      document.cookie = '_fbp=fb.0.' + Date.now() + '.1; Path=/; Max-Age=7776000';
    } else if (method.startsWith('track')) {
      for (const pixel of pixels) new Image().src = 'https://www.facebook.com/tr/?id=' + pixel + '&ev=' + what;
    }
  };
  fbq.queue.splice(0).forEach((call) => fbq.callMethod(...call));
})();
