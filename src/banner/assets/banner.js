// The banner, for browsers that run scripts. Without it the form is an ordinary form.
// The click stays a real submit (into a hidden frame), so that the browser attests that a person made it.
(() => {
  'use strict';
  const main = document.getElementById('cc-main');
  const form = main && main.querySelector('form');
  if (!form || main.dataset.ready) return;
  main.dataset.ready = '1';

  // In the top layer nothing covers it, and no transformed page carries it along.
  if (main.showPopover) {
    main.popover = 'manual';
    main.showPopover();
  }

  const back = form.elements.namedItem('return');
  const page = back.value;
  const message = form.querySelector('[role=alert]');
  const purposes = form.dataset.purposes.split(' ');
  const answered = ['declined', 'withdrawn', 'suspended'];
  let wanted = '';
  let busy = false;
  let timer = 0;
  let before = null;
  const others = window.BroadcastChannel && new BroadcastChannel('kelisim');

  const frame = document.createElement('iframe');
  frame.name = 'cc-frame';
  frame.title = form.dataset.frame;
  frame.tabIndex = -1;
  frame.hidden = true;
  frame.setAttribute('aria-hidden', 'true');
  main.append(frame);
  form.target = frame.name;
  back.value = '/.consent/done';

  main.addEventListener('focusin', (event) => {
    const from = event.relatedTarget;
    if (from && !main.contains(from)) before = from;
  });
  form.addEventListener('submit', (event) => {
    if (busy) return event.preventDefault();
    if (!form.target || form.target === '_self') return;
    busy = true;
    wanted = event.submitter?.value;
    main.setAttribute('aria-busy', 'true');
    message.hidden = true;
    timer = setTimeout(fail, 15000);
  });
  frame.addEventListener('load', () => { if (busy) settle(); });

  // The banner goes when the server says that the answer counts, not when a button was pressed.
  async function settle() {
    let state;
    try {
      state = await (window.kelisim ? kelisim.state() : ask());
      // Who is asked again had answered before: then only what was pressed is an answer.
      const agreed = (id) => permitted(state, id) || state[id].reason === 'suspended';
      if (!isAnswered(state) || (wanted === 'agree-all' && !purposes.every(agreed))) {
        // The answer was taken, and came to nothing: the browser has kept no cookie, and will not next time.
        if (!isAnswered(state) && frame.contentWindow.location.pathname === '/.consent/done') return stay();
        throw new Error('not recorded');
      }
    } catch (error) {
      return fail();
    }
    if (!busy) return;
    clearTimeout(timer);
    leave();
    if (others) others.postMessage('choice');
    // A page's policy cannot be widened: what it would stop comes with the page anew.
    const agreed = purposes.some((id) => permitted(state, id));
    if ('reload' in form.dataset && agreed) return location.reload();
    release(state);
  }

  // What is decided in another tab is decided here, too.
  if (others) others.onmessage = async ({ data }) => {
    if (data !== 'choice') return;
    try {
      const state = await (window.kelisim ? kelisim.state() : ask());
      if (busy || !main.isConnected || !isAnswered(state)) return;
      leave();
      release(state);
    } catch (error) {
      // The banner stays, and can be answered here.
      console.debug(error);
    }
  };

  function isAnswered(state) {
    return purposes.every((id) => permitted(state, id) || answered.includes(state[id].reason));
  }

  // The guard asks by itself. Where it could not be loaded, nothing was held but what came with the page.
  async function ask() {
    const answer = await fetch(location.origin + '/.consent/state', { credentials: 'same-origin', cache: 'no-store' });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  }

  // What scripts could not do, the next click does without them.
  function fail() {
    if (!busy) return;
    form.target = '_self';
    back.value = page;
    say(form.dataset.error);
  }

  function stay() {
    if (busy) say(form.dataset.noCookies);
  }

  function say(text) {
    clearTimeout(timer);
    busy = false;
    main.removeAttribute('aria-busy');
    message.textContent = text;
    message.hidden = false;
  }

  function leave() {
    const control = document.getElementById('cc-open');
    const held = main.contains(document.activeElement);
    main.dispatchEvent(new Event('cc-left'));
    main.remove();
    if (control) control.hidden = false;
    if (!held) return;
    if (before && before.isConnected) before.focus({ preventScroll: true });
    else if (control) control.focus({ preventScroll: true });
  }

  function permitted(state, purpose) {
    return purpose !== 'undeclared' && !!state[purpose] && state[purpose].verdict === 'permit';
  }

  // Shows the frames of permitted purposes and runs the held scripts, in document order.
  async function release(state) {
    for (const frame of document.querySelectorAll('iframe[data-consent]'))
      if (permitted(state, frame.dataset.consent)) {
        frame.removeAttribute('data-consent');
        frame.src = new URL(frame.src).searchParams.get('to');
      }
    const held = [...document.querySelectorAll('script[data-consent]')]
      .filter((script) => permitted(state, script.dataset.consent));
    const written = new Map();
    let running = null;

    // Split writes are whole only when their script has ended, so they wait for that.
    const writer = (end) => (...texts) => {
      const by = document.currentScript || running;
      written.set(by, (written.get(by) || '') + texts.join('') + end);
    };
    const own = ['write', 'writeln'].map((name) => [name, Object.getOwnPropertyDescriptor(document, name)]);
    document.write = writer('');
    document.writeln = writer('\n');

    for (const script of held) {
      try {
        await run(script.type === 'text/plain' ? fresh(script) : script, script);
      } catch (error) {
        console.error(error);
      }
    }
    // Partytown looks for new scripts when it is told to.
    if (held.some((script) => script.dataset.consentType === 'text/partytown')) dispatchEvent(new CustomEvent('ptupdate'));
    for (const [name, descriptor] of own) {
      delete document[name];
      if (descriptor) Object.defineProperty(document, name, descriptor);
    }

    async function run(script, place) {
      const classic = !script.type || /^(text|application)\/(x-)?(java|ecma)script$/i.test(script.type.trim());
      if (script !== place && !script.hasAttribute('async')) script.async = false;
      const waits = (script.src || script.dataset.consentSrc) && classic && !script.noModule && !script.async;
      const ended = waits && new Promise((done) => {
        script.addEventListener('load', done);
        script.addEventListener('error', done);
      });
      running = script;
      if (place === script) begin(script);
      else place.replaceWith(script);
      await ended;
      running = script;
      await flush();
    }

    async function flush() {
      for (const [by, text] of written) {
        written.delete(by);
        const at = by && by.isConnected ? by : document.body.lastChild;
        const range = document.createRange();
        range.selectNode(at);
        const fragment = range.createContextualFragment(text);
        const inner = [...fragment.querySelectorAll('script')].map((script) => {
          const place = document.createComment('');
          script.replaceWith(place);
          return [script, place];
        });
        at.after(fragment);
        for (const [script, place] of inner) await run(script, place);
      }
    }
  }

  // One that the guard held has never begun, and others may hold on to it.
  function begin(script) {
    const { consentSrc } = script.dataset;
    for (const name of ['data-consent', 'data-consent-src']) script.removeAttribute(name);
    script.src = consentSrc;
  }

  // A script element runs once and only if it was never inert: so each is made anew.
  function fresh(held) {
    const script = document.createElement('script');
    for (const { name, value } of held.attributes)
      if (!/^(type|src|data-consent(-type|-src)?)$/.test(name)) script.setAttribute(name, value);
    if (held.nonce) script.nonce = held.nonce;
    const { consentType, consentSrc } = held.dataset;
    if (consentType !== undefined) script.type = consentType;
    script.text = held.text;
    if (consentSrc !== undefined) script.src = consentSrc;
    return script;
  }
})();
