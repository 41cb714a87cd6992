// How a site's code uses `window.kelisim`. What TypeScript has to refuse is marked: an unused mark is an error, too.
const leave: () => void = kelisim.on('ready', (state) => {
  const verdict: 'permit' | 'withhold' = state.analytics.verdict;
  if (state.marketing.verdict === 'withhold') {
    const reason: Kelisim.Reason = state.marketing.reason;
    console.log(verdict, reason);
  } else {
    const none: null = state.marketing.reason;
    console.log(none);
  }
});
leave();
document.addEventListener('kelisim:choice', (event) => console.log(event.detail['subject-requests'].verdict));

async function uses(): Promise<Kelisim.State[]> {
  window.kelisim.open();
  return [
    await kelisim.state(),
    await kelisim.state(false),
    await kelisim.ask(),
    await kelisim.ask('analytics'),
    await kelisim.ask(['analytics', 'marketing'] as const),
    await kelisim.decline(),
    await kelisim.withdraw(),
  ];
}
void uses();

// @ts-expect-error nobody agrees by script
kelisim.agree();
// @ts-expect-error no such purpose
void kelisim.ask('analitics');
// @ts-expect-error no such event
kelisim.on('chosen', () => {});
// @ts-expect-error nobody to call
kelisim.on('choice');
// @ts-expect-error it cannot be replaced
window.kelisim = kelisim;
// @ts-expect-error nor can what is in it
kelisim.open = () => {};
void kelisim.state().then((state) => {
  // @ts-expect-error what holds is the gateway's to say
  state.analytics = { verdict: 'permit', reason: null };
  // @ts-expect-error what is permitted has no reason
  const verdict: Kelisim.Verdict = { verdict: 'permit', reason: 'declined' };
  return verdict;
});
