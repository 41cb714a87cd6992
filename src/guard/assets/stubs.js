// What stubs are lent, also in a worker, where there is no document. A stub defines what a site calls of its vendor; the calls wait here, and are never stored.
const QUEUE_MAX = 500;
const hooks = [];
const looks = [];
const late = [];
const page = self.document;
const lend = (vendor, purpose) => ({
  // Whether the vendor is withheld now.
  withheld: () => !permitted.includes(purpose),
  // Whether another vendor is permitted, by the name of its file.
  permits: (other) => permitted.includes(VENDORS[other]),
  // Whether the site says itself what Google's tags may do.
  site: SITE,
  // Puts a call into a queue; of too many the oldest goes. What was called after the page had loaded is called again
  // after a reload that releases.
  push(queue, call) {
    queue.push(call);
    this.waits(queue, call);
  },
  // What is to be done when a call was put into a queue, of which so many of the oldest stay.
  waits(queue, call, carry = true, stay = 0) {
    if (permitted.includes(purpose)) return;
    if (queue.length > QUEUE_MAX + stay) queue.splice(stay, 1);
    if (carry && page?.readyState === 'complete' && late.push([vendor, typeof call === 'object' && call?.[Symbol.iterator] ? [...call] : call]) > QUEUE_MAX) late.shift();
  },
  // A callback that a site waits for: it is called soon, and never a second time.
  once(callback, self, wait, ...args) {
    let due = true;
    const call = function (...args) {
      if (!due) return;
      due = false;
      return callback.apply(this, args);
    };
    setTimeout(() => call.apply(self, args), wait);
    return call;
  },
  // Tells what an expression finds in scripts that are held, as they come.
  held: (expression, found) => looks.push([expression, found]),
  // Before the held tags run, after an agreement on this page.
  released: (then) => hooks.push([vendor, purpose, 'released', then]),
  // On a page where the tags run, after a withdrawal.
  withdrawn: (then) => hooks.push([vendor, purpose, 'withdrawn', then]),
  // What was called before the reload that released.
  carried(again) {
    for (const [name, call] of carried) if (name === vendor) again(call);
  },
});
const run = (what, changed) => {
  for (const [, purpose, when, then] of hooks)
    if (when === what && changed.includes(purpose))
      try {
        then();
      } catch (error) {
        console.error(error);
      }
};
const CARRIED = 'kelisim-calls';
let carried = [];
try {
  carried = JSON.parse(sessionStorage.getItem(CARRIED)) || [];
  sessionStorage.removeItem(CARRIED);
} catch {}
// The parser lets observers speak before it runs the next script.
const looking = page && new MutationObserver((records) => {
  for (const { addedNodes } of records)
    for (const node of addedNodes)
      if (node.matches?.('script[data-consent]'))
        for (const [expression, found] of looks)
          for (const [, name] of (node.text + ' ' + (node.dataset.consentSrc || '')).matchAll(expression)) if (name) found(name);
});
looking?.observe(page, { childList: true, subtree: true });
addEventListener('load', () => looking?.disconnect());
