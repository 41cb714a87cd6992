// What holds now, and what follows from a change: the server is asked, whoever calls.
const ask = fetch;
const { nonce, dataset: { reload, withhold = '' } } = document.currentScript;
const ours = location.origin + '/.consent/';
const jar = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
// A frame in a sandbox of its own has neither cookies nor storage, and says so by throwing.
const forget = () => {
  for (const [purpose, , cookies, keys] of groups) {
    if (permitted.includes(purpose)) continue;
    try {
      for (const name of document.cookie.split(/;\s*/).map((cookie) => cookie.split('=')[0]))
        if (cookies.test(name))
          for (let domain = location.hostname; domain; domain = domain.replace(/^[^.]*\.?/, ''))
            for (const where of ['', ';domain=' + domain]) apply(jar.set, document, [name + '=;max-age=0;path=/' + where]);
    } catch {}
    for (const kind of ['localStorage', 'sessionStorage'])
      try {
        for (const key of Object.keys(window[kind])) if (keys.test(key)) window[kind].removeItem(key);
      } catch {}
  }
};
forget();
addEventListener('pagehide', forget);

// What holds, as the page came: of what is withheld its tag says why.
const reasons = new Map(withhold.split(' ').map((one) => one.split(':')));
const settled = (state) => {
  for (const one of Object.values(state)) Object.freeze(one);
  return Object.freeze(state);
};
let known = settled(Object.fromEntries(PURPOSES.map((purpose) => {
  const reason = reasons.get(purpose) ?? null;
  return [purpose, { verdict: reason ? 'withhold' : 'permit', reason }];
})));
// Who subscribes hears of our events alone: a page may make others of the same name.
const told = new WeakSet();
const tell = (name) => {
  const event = new CustomEvent('kelisim:' + name, { detail: known });
  told.add(event);
  document.dispatchEvent(event);
};

// Browsers keep 250 entries: of more, nobody knows.
const runs = (gone) => {
  const loaded = performance.getEntriesByType('resource');
  return loaded.length > 249 || loaded.some(({ name }) => gone.includes(whose(name)));
};
// Who cannot run the held tags asks without a release: what a site calls goes on being answered here.
const state = async (release = true) => {
  const answer = await ask(ours + 'state', { credentials: 'same-origin', cache: 'no-store' });
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}, so what holds is not known; ask again later`);
  const state = settled(await answer.json());
  const isNew = PURPOSES.some((purpose) => state[purpose].reason !== known[purpose].reason);
  known = state;
  if (isNew) tell('choice');
  const may = (purpose) => state[purpose]?.verdict === 'permit';
  const asked = groups.map(([purpose]) => purpose).filter((purpose) => purpose !== 'undeclared');
  const come = asked.filter((purpose) => may(purpose) && !permitted.includes(purpose));
  const gone = asked.filter((purpose) => !may(purpose) && permitted.includes(purpose));
  if (release && come.length) {
    if (reload !== undefined) {
      // The policy of a page cannot be widened.
      try {
        sessionStorage.setItem(CARRIED, JSON.stringify(late));
      } catch {}
      location.reload();
      return new Promise(() => {});
    }
    permitted.push(...come);
    run('released', come);
    tell('release');
  }
  if (gone.length) {
    for (const purpose of gone) permitted.splice(permitted.indexOf(purpose), 1);
    run('withdrawn', gone);
    tell('withdraw');
    forget();
    if (runs(gone)) {
      const wall = document.createElement('meta');
      wall.httpEquiv = 'Content-Security-Policy';
      wall.content = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'self'";
      document.head.append(wall);
      location.reload();
    }
  }
  return state;
};
