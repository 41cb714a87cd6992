// What the site itself sees: errors that nobody caught, scripts that come into the page, and the last of the tags.
window.uncaught = [];
addEventListener('error', (event) => event.message && uncaught.push(event.message));
window.inserted = [];
new MutationObserver((records) => {
  for (const { addedNodes } of records)
    for (const node of addedNodes)
      if (node.localName === 'script')
        inserted.push([...node.attributes].map(({ name, value }) => name + (value && '=' + value)).sort().join(' '));
}).observe(document, { childList: true, subtree: true });
// Whether it was loaded or came back, each time that it is shown.
addEventListener('pageshow', (event) => {
  sessionStorage.shown = (sessionStorage.shown || '') + (event.persisted ? 'back ' : 'anew ');
});
// How the page was left, for the next one to tell.
addEventListener('pagehide', () => {
  sessionStorage.left = JSON.stringify({
    counter: window.disableYaCounter101234567,
    tag: window['ga-disable-G-RUNTIME001'],
    said: [...(window.dataLayer || [])].filter((item) => item[0] === 'consent').map((item) => item[1] + ' ' + item[2].analytics_storage),
    policy: document.querySelector('meta[http-equiv]')?.content,
  });
});
