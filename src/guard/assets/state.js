// What holds now, and what follows from a change: the server is asked, whoever calls.
const ask = fetch;
const { reload } = document.currentScript.dataset;
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

// Browsers keep 250 entries: of more, nobody knows.
const runs = (gone) => {
  const loaded = performance.getEntriesByType('resource');
  return loaded.length > 249 || loaded.some(({ name }) => gone.includes(whose(name)));
};
// Who cannot run the held tags asks without a release: what a site calls goes on being answered here.
const state = async (release = true) => {
  const answer = await ask(location.origin + '/.consent/state', { credentials: 'same-origin', cache: 'no-store' });
  if (!answer.ok) throw new Error(answer.status);
  const state = await answer.json();
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
  }
  if (gone.length) {
    for (const purpose of gone) permitted.splice(permitted.indexOf(purpose), 1);
    run('withdrawn', gone);
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
Object.defineProperty(window, 'kelisim', { value: Object.freeze({ state }), enumerable: true });
