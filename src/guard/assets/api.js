// What a site's own code may ask of us: `window.kelisim`, as kelisim.d.ts tells. It can ask and refuse; a person agrees.
const EVENTS = ['ready', 'choice', 'release', 'withdraw'];
const language = () => 'lang=' + encodeURIComponent(document.documentElement.lang);
const back = () => language() + '&return=' + encodeURIComponent(location.pathname + location.search);
const banner = () => document.getElementById('cc-main');
const focus = () => {
  const dialog = banner().querySelector('[role=dialog]');
  dialog.tabIndex = -1;
  dialog.focus();
};
const open = () => (banner() ? focus() : location.assign(ours + '?' + back()));

// A frame in sight that a script gives a withheld address shows a box of ours, which says what it would be. All else
// has failed to load.
const boxed = (self, purpose, args, at) => {
  if (self.localName !== 'iframe' || !(self.offsetHeight > 2 && self.offsetWidth > 2)) return void later(self, 'error');
  self.dataset.consent = purpose;
  args[at] = ours + 'frame?' + language() + '&to=' + encodeURIComponent(new URL(args[at], document.baseURI));
  return true;
};

// The banner's markup is read as a document, which no policy minds; then its stylesheet is awaited, and its script runs.
// A policy in the page itself comes behind our script, which has no nonce then; what it lets in has.
const put = (element) => new Promise((done) => {
  const own = nonce || document.querySelector('[nonce]')?.nonce;
  if (own) element.nonce = own;
  element.onload = element.onerror = done;
  document.body.append(element);
});
const fetched = () => new Promise((done, fail) => {
  const request = new XMLHttpRequest();
  request.open('GET', ours + 'banner?' + back());
  request.responseType = 'document';
  request.onloadend = () =>
    request.status === 200 ? done(request.response) : fail(new Error(`the gateway answered ${request.status} and no banner; kelisim.open() leads to the settings`));
  request.send();
});
const bring = async () => {
  const come = await fetched();
  const [style, main, code] = ['link', '#cc-main', 'script:last-of-type'].map((one) => come.querySelector(one));
  const script = document.createElement('script');
  let types = { createScriptURL: (url) => url };
  try {
    types = trustedTypes.createPolicy('kelisim', types);
  } catch {}
  try {
    script.src = types.createScriptURL(code.src);
  } catch {
    // The page wants Trusted Types and lets nobody else make them.
    open();
    return new Promise(() => {});
  }
  script.integrity = code.integrity;
  if (reload !== undefined) main.querySelector('form').dataset.reload = '';
  await put(style);
  document.body.append(main);
  await put(script);
};
let coming;

// What only takes, a script may do as well. Other tabs hear of it, and the banner here, which goes.
const refuse = async (path, choice) => {
  const answer = await ask(ours + path, { method: 'POST', credentials: 'same-origin', headers: { Accept: 'application/json' }, body: new URLSearchParams(choice) });
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}, so nothing is recorded; try again, or lead to the settings by kelisim.open()`);
  const others = new BroadcastChannel('kelisim');
  others.postMessage('choice');
  others.close();
  return state();
};

Object.defineProperty(window, 'kelisim', {
  enumerable: true,
  value: Object.freeze({
    state,
    open,
    async ask(purposes = ASKED) {
      const wanted = [purposes].flat();
      // Only who has just pressed something is led to the banner.
      const leads = navigator.userActivation?.isActive;
      for (const one of wanted)
        if (!ASKED.includes(one)) throw new TypeError(`\`${one}\` is nothing that this site asks for; it asks for: ${ASKED.join(', ')}`);
      const now = await state();
      if (wanted.every((one) => now[one].verdict === 'permit')) return now;
      if (!banner()) await (coming ||= bring().finally(() => (coming = null)));
      if (leads) focus();
      return new Promise((done) => banner().addEventListener('cc-left', () => done(known)));
    },
    decline: () => refuse('choices', { choice: 'decline-all' }),
    withdraw: () => refuse('withdraw', {}),
    on(name, heard) {
      if (!EVENTS.includes(name)) throw new TypeError(`unknown event \`${name}\`; there are: ${EVENTS.join(', ')}`);
      if (typeof heard !== 'function') throw new TypeError(`who hears of \`${name}\` is a function; this is: ${typeof heard}`);
      let listens = true;
      const hear = (event) => listens && told.has(event) && heard(event.detail);
      document.addEventListener('kelisim:' + name, hear);
      if (name === 'ready' && isReady) setTimeout(() => listens && heard(known));
      return () => {
        listens = false;
        document.removeEventListener('kelisim:' + name, hear);
      };
    },
  }),
});
let isReady = false;
document.addEventListener('DOMContentLoaded', () => {
  isReady = true;
  tell('ready');
});
