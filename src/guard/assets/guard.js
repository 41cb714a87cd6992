// The guard: what scripts do after the page has arrived. First in <head>, so that every interface is still the browser's.
// Wrappers are proxies and look native. What is permitted is asked at each call: a release needs nothing put back.
// It is no wall: what gets past it is stopped by the policy that the gate sends under `csp = "enforce"`.
const { apply, construct } = Reflect;

// A group of rules: its purpose, then an expression each for hosts, cookies, keys in storage, and addresses in markup.
const either = (globs, any) => '(?:' + globs.replace(/[.+?^${}()[\]\\]/g, '\\$&').replace(/ /g, '|').replace(/\*/g, any) + ')';
const whole = (globs) => RegExp('^' + either(globs, '.*') + '$');
const groups = RULES.map(([purpose, urls, cookies, keys]) => [
  purpose,
  whole(urls.replace(/\/\S*/g, '')),
  whole(cookies),
  whole(keys),
  RegExp('(<script[^>]*\\s)?((?:src|href)=["\']?)?(?:\\w+:)?//' + either(urls, '[^"\'\\s)>]*') + '(?![\\w.-])', 'gi'),
]);
// The purpose that withholds what begins with what a group names.
const withheld = (kind, text) => groups.find((group) => !permitted.includes(group[0]) && !text.search(group[kind]))?.[0];
const whose = (url) => {
  try {
    const { hostname, pathname, search } = new URL(url.url || url, document.baseURI);
    return withheld(1, hostname) && withheld(4, '//' + hostname + pathname + search);
  } catch {}
};
// Markup or style without its withheld addresses; scripts in it are held. It is only taken apart where a host is named.
// Under Trusted Types only what a policy of the page's made counts, and nothing is left of it.
const clean = (text) => {
  let left = '' + text;
  for (const [, host] of left.matchAll(/\/\/([\w.-]+)/g))
    if (withheld(1, host)) {
      for (const group of groups)
        if (!permitted.includes(group[0]))
          left = left.replace(group[4], (all, script = '', name) => script + (name ? (script && `data-consent=${group[0]} `) + 'data-consent-' + all.slice(script.length) : 'data:,'));
      return typeof text === 'object' ? trustedTypes.emptyHTML : left;
    }
  return text;
};
const later = (target, ...types) => setTimeout(() => types.forEach((type) => target.dispatchEvent(new Event(type))));

const seen = new WeakSet();
const install = (page) => {
  if (seen.has(page.Node)) return;
  seen.add(page.Node);
  // Asks `first` before methods, setters or getters: what it gives in brackets is the result, else they go on.
  const wrap = (kinds, names, first, key) => {
    for (const kind of kinds)
      for (const name of names.split(' ')) {
        const own = kind && Object.getOwnPropertyDescriptor(kind, name);
        const way = own && (key || (own.set ? 'set' : 'value'));
        if (!own?.[way]) continue;
        const trap = (go) => (target, self, args) => {
          const [known, result] = first(args, self, name, target) || [];
          return known ? result : go(target, self, args);
        };
        own[way] = new Proxy(own[way], { apply: trap(apply), construct: (target, args, as) => trap((target) => construct(target, args, as))(target, 0, args) });
        Object.defineProperty(kind, name, own);
      }
  };
  const of = (names) => names.split(' ').map((name) => page[name]?.prototype);
  const no = (found, result) => found && [1, result];

  // Attributes, by whatever way they are set: a script is held, of others the address goes. Code is left alone: what it
  // loads passes here again.
  const attribute = (args, self, name, at = 0) => {
    const isCode = self.localName === 'script';
    if (/^(style|ping|content|cssText)$|src(doc|set)$|erHTML$/i.test(name)) isCode || (args[at] = clean(args[at]));
    else if (/^(src|(xlink:)?href|data|poster|baseVal)$/i.test(name) && !/^(a|area|base)$/.test(self.localName)) {
      const purpose = whose(args[at]);
      if (purpose && isCode) {
        self.dataset.consent = purpose;
        self.dataset.consentSrc = args[at];
      }
      return no(purpose && (isCode || !boxed(self, purpose, args, at)));
    }
  };
  const text = (at) => (args) => {
    args[at] = clean(args[at]);
  };
  // The one has its name and its value at 0 and 1, the other, whose name is two letters longer, at 1 and 2.
  wrap(of('Element'), 'setAttribute setAttributeNS', (args, self, { length }) => attribute(args, self, args[length / 2 - 6], length / 2 - 5));
  wrap(of('Element'), 'setAttributeNode', ([one], self) => attribute([one.value], self, one.name));
  wrap(Object.getOwnPropertyNames(page).filter((name) => /^(HTML.*|SVGAnimatedString|Element|ShadowRoot|CSSStyleDeclaration)$/.test(name)).map((name) => page[name].prototype),
    'imageSrcset srcset innerHTML srcdoc href content ping src outerHTML data poster baseVal cssText', (args, self, name) => attribute(args, self, name));
  wrap(of('Range ShadowRoot CSSStyleSheet Element'), 'setHTMLUnsafe replaceSync createContextualFragment insertRule', text(0));
  wrap(of('Element CSSStyleDeclaration'), 'setProperty insertAdjacentHTML', text(1));
  wrap(of('Document'), 'write writeln', (args) => {
    const text = args.join('');
    const left = clean(text);
    if (left !== text) args.splice(0, 9, left);
  });

  // Nodes that count by their text, and frames, whose interfaces are others.
  const counts = 'style,meta,[type=speculationrules]';
  wrap(of('CharacterData Document DocumentFragment Node Element'), 'appendChild insertBefore replaceWith append prepend after before replaceChild replaceChildren insertAdjacentElement', (args) => {
    for (const node of args)
      for (const one of node?.matches?.(counts) ? [node] : node?.firstElementChild ? node.querySelectorAll(counts) : []) {
        const key = one.content ? 'content' : 'textContent';
        const left = clean(one[key]);
        if (left !== one[key]) one[key] = left;
      }
  });
  // No interface stands for each property of a style, but observers speak before anything is drawn.
  new MutationObserver((records) => {
    for (const { target } of records) {
      const style = target.getAttribute('style');
      if (style && clean(style) !== style) target.setAttribute('style', style);
    }
  }).observe(page.document, { attributeFilter: ['style'], subtree: true });
  wrap(of('HTMLIFrameElement'), 'contentWindow contentDocument', (args, self, name, get) => {
    const found = apply(get, self, args);
    try {
      install(found.defaultView || found);
    } catch {}
    return [1, found];
  }, 'get');

  // What is sent: it is answered as if it had been.
  wrap([page], 'fetch', ([url]) => no(whose(url), Promise.resolve(new Response())));
  wrap(of('Navigator'), 'sendBeacon', ([url]) => no(whose(url), true));
  const refused = new WeakSet();
  wrap(of('XMLHttpRequest'), 'open', ([, url], self) => {
    refused[whose(url) ? 'add' : 'delete'](self);
  });
  wrap(of('XMLHttpRequest'), 'send', (args, self) => no(refused.has(self) && later(self, 'error', 'loadend')));
  wrap([page], 'WebSocket EventSource', ([url]) => {
    if (!whose(url)) return;
    // What was never opened, and knows handlers of errors.
    const dead = Object.assign(new XMLHttpRequest(), { send() {}, close() {} });
    later(dead, 'error', 'close');
    return [1, dead];
  });

  // Ways out that no policy closes.
  const servers = ([settings]) => {
    for (const server of settings?.iceServers || [])
      if ([server.urls].flat().some((url) => whose((url + '').replace(/.*?:/, 'x://')))) server.urls = [];
  };
  wrap([page], 'RTCPeerConnection', servers);
  wrap(of('RTCPeerConnection'), 'setConfiguration', servers);
  wrap([page], 'open', ([url]) => no(whose(url), null));
  wrap(of('HTMLFormElement'), 'submit requestSubmit', (args, self) => no(whose(self.getAttribute('action'))));
  page.navigation?.addEventListener('navigate', (event) => {
    if (!event.userInitiated && whose(event.destination)) event.preventDefault();
  });

  // What is stored.
  wrap(of('Document'), 'cookie', ([text]) => no(withheld(2, (text + '').split('=')[0].trim())));
  wrap(of('CookieStore'), 'set', ([name]) => no(withheld(2, name.name ?? name), Promise.resolve()));
  wrap(of('Storage'), 'setItem', ([key]) => no(withheld(3, key + '')));
};
