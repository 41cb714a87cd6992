// The permanent control: a link to the settings, from every page (policy 7.1). TEXT, LANG and STYLE come before.
// Its style is given by script: the page has one tag for all of it, and no policy (CSP) to let a stylesheet in.
const own = document.currentScript;
const ours = location.origin + '/.consent/';
if (!document.getElementById('cc-open')) {
  const link = document.createElement('a');
  // A site may have changed its address by the time of the click.
  (link.onclick = () => {
    link.href = ours + '?lang=' + LANG + '&return=' + encodeURIComponent(location.pathname + location.search);
  })();
  link.id = 'cc-open';
  link.lang = LANG;
  link.target = '_self';
  link.dataset.nosnippet = '';
  link.append(TEXT);
  // As long as the banner is there, which shows it when it goes.
  link.hidden = !!document.getElementById('cc-main');
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  } catch {}
  own.after(link);
}

// What was decided elsewhere counts here, too: in another tab, or while this page lay in the back/forward cache.
// Each page tells the others under what it came; who came under something else asks what holds.
let had = own.dataset.p;
const look = async (told) => {
  // A choice is news each time, whatever was told before.
  if (told === had && told !== 'choice') return;
  try {
    if (window.kelisim) {
      await kelisim.state(false);
      had = told;
    } else {
      const state = await (await fetch(ours + 'state')).json();
      if (had.split(' ').some((purpose) => state[purpose].verdict !== 'permit')) location.reload();
    }
  } catch {
    // The page had nothing; or the next page, or the next visit, asks again.
  }
};
addEventListener('pageshow', (event) => event.persisted && look());
const others = new BroadcastChannel('kelisim');
others.onmessage = (event) => look(event.data);
others.postMessage(had);
