// The ways in which a script of a page reaches another host: 33 that a policy (CSP) closes, and five that none does.
// Each asks for an address of its own, so what reaches the host says which way was open.
'use strict';

const HOST = 'mc.yandex.ru';
const to = (name) => 'https://' + HOST + '/watch/' + name;
const add = (element) => document.body.appendChild(element);
const make = (name, properties) => Object.assign(document.createElement(name), properties);
const worker = (code) => new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
const blank = () => add(document.createElement('iframe')).contentWindow;

window.vectors = {
  // Scripts.
  'script-property': (url) => add(make('script', { src: url })),
  'script-attribute': (url) => {
    const script = document.createElement('script');
    script.setAttribute('src', url);
    add(script);
  },
  'script-attribute-ns': (url) => {
    const script = document.createElement('script');
    script.setAttributeNS(null, 'src', url);
    add(script);
  },
  'script-attribute-node': (url) => {
    const script = document.createElement('script');
    const source = document.createAttribute('src');
    source.value = url;
    script.setAttributeNode(source);
    add(script);
  },
  'script-written': (url) => document.write('<script src="' + url + '"><\/script>'),
  'import': (url) => import(url),

  // Pictures, sound, styles.
  'image': (url) => { new Image().src = url; },
  'image-set': (url) => { new Image().srcset = url + ' 2x, ' + url + ' 1x'; },
  'inner-html': (url) => { add(document.createElement('div')).innerHTML = '<img src="' + url + '">'; },
  'adjacent-html': (url) => document.body.insertAdjacentHTML('beforeend', '<img src=' + url + '>'),
  'fragment': (url) => add(document.createRange().createContextualFragment('<script src="' + url + '"><\/script>')),
  'svg-image': (url) => {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const image = document.createElementNS('http://www.w3.org/2000/svg', 'image');
    image.setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:href', url);
    svg.append(image);
    add(svg);
  },
  'poster': (url) => add(make('video', { poster: url })),
  'audio': (url) => add(make('audio', { preload: 'auto', src: url })),
  'stylesheet': (url) => document.head.append(make('link', { rel: 'stylesheet', href: url })),
  'style-import': (url) => document.head.append(make('style', { textContent: '@import "' + url + '";' })),
  'style-background': (url) => { add(make('p', { textContent: 'x' })).style.backgroundImage = 'url(' + url + ')'; },

  // What is sent.
  'fetch': (url) => fetch(url, { mode: 'no-cors' }),
  'xhr': (url) => {
    const request = new XMLHttpRequest();
    request.open('GET', url);
    request.send();
  },
  'beacon': (url) => navigator.sendBeacon(url, 'x'),
  'event-source': (url) => new EventSource(url),
  'web-socket': (url) => new WebSocket(url.replace('https:', 'wss:')),
  'ping': (url) => add(make('a', { href: '#here', ping: url, textContent: 'x' })).click(),

  // Frames, objects, forms.
  'frame': (url) => add(make('iframe', { src: url })),
  'frame-document': (url) => add(make('iframe', { srcdoc: '<img src="' + url + '">' })),
  'frame-fetch': (url) => blank().fetch(url, { mode: 'no-cors' }),
  'frame-image': (url) => { new (blank().Image)().src = url; },
  'frame-location': (url) => { blank().location = url; },
  'frame-form': (url) => {
    add(make('iframe', { name: 'target' }));
    add(make('form', { action: url, method: 'get', target: 'target' })).submit();
  },
  'object': (url) => add(make('object', { data: url })),

  // Workers.
  'worker-fetch': (url) => worker('fetch(' + JSON.stringify(url) + ', { mode: "no-cors" })'),
  'worker-import': (url) => worker('importScripts(' + JSON.stringify(url) + ')'),
  'worker-file': (url) => new Worker('/worker.js?' + encodeURIComponent(url)),
};

// What no policy closes.
window.past = {
  // Where its name leads is asked of no proxy, so it is the browser that says whether it tried.
  'web-rtc': async () => {
    const peer = new RTCPeerConnection({ iceServers: [{ urls: 'stun:' + HOST + ':3478' }] });
    const tried = new Promise((tell) => {
      peer.onicecandidateerror = () => tell(true);
      peer.onicecandidate = ({ candidate }) => candidate || tell(false);
    });
    peer.createDataChannel('x');
    await peer.setLocalDescription(await peer.createOffer());
    return tried;
  },
  'speculation': (url) => document.head.append(make('script', {
    type: 'speculationrules',
    textContent: JSON.stringify({ prefetch: [{ source: 'list', urls: [url], eagerness: 'immediate' }] }),
  })),
  'open': (url) => { window.open(url); },
  'location': (url) => { location = url; },
  'refresh': (url) => document.head.append(make('meta', { httpEquiv: 'refresh', content: '0;url=' + url })),
};
