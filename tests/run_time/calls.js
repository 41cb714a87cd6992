// Each call that sites make of tags. None may throw; a callback that sites wait for comes later, and once.
window.thrown = [];
window.awaited = [];
window.called = [];
let running = '';
let round = '';
// A callback of this name, and who it is to be called as.
const back = (name, self) => {
  name += round;
  awaited.push(name);
  return function () {
    called.push(name + (running && ' at once') + (self && this !== self ? ' as another' : ''));
  };
};
const self = { who: 'the site' };
const calls = [
  () => ym(101234567, 'hit', '/next', { title: 'Next', callback: back('ym hit', self), ctx: self }),
  () => ym(101234567, 'reachGoal', 'order', { price: 1 }, back('ym reachGoal', self), self),
  () => ym(101234567, 'reachGoal', 'order', back('ym reachGoal without parameters')),
  () => ym(101234567, 'extLink', 'https://partner.example/', { callback: back('ym extLink') }),
  () => ym(101234567, 'file', 'https://partner.example/a.pdf', { callback: back('ym file') }),
  () => ym(101234567, 'notBounce', { callback: back('ym notBounce') }),
  () => ym(101234567, 'getClientID', back('ym getClientID')),
  () => ym(101234567, 'params', { a: { b: 1 } }),
  () => ym(101234567, 'userParams', { UserID: 1 }),
  () => ym(101234567, 'setUserID', '1'),
  () => ym(101234567, 'addFileExtension', ['zip']),
  () => ym(101234567, 'enableAll'),
  () => ym(101234567, 'clickmap', true),
  () => ym(101234567, 'trackLinks', false),
  () => ym(101234567, 'accurateTrackBounce', 15000),
  () => ym(101234567, 'replacePhones'),
  () => ym(101234567, 'firstPartyParams', { email: 'a@b.example' }),
  () => ym('101234567', 'reachGoal', 'order'),
  () => ym(),
  () => yaCounter101234567.reachGoal('order', { price: 1 }, back('yaCounter reachGoal', self), self),
  () => yaCounter101234567.hit('/next', { callback: back('yaCounter hit') }),
  () => yaCounter101234567.params({ a: 1 }),
  () => (window.yandex_metrika_callbacks2 = window.yandex_metrika_callbacks2 || []).push(() => { throw new Error('never'); }),

  () => gtag('js', new Date()),
  () => gtag('config', 'G-RUNTIME001', { event_callback: back('gtag config') }),
  () => gtag('event', 'purchase', { value: 1, event_callback: back('gtag event') }),
  () => gtag('set', { currency: 'KZT' }),
  () => gtag('consent', 'update', { wait_for_update: 500 }),
  () => gtag('get', 'G-RUNTIME001', 'client_id', back('gtag get')),
  () => dataLayer.push({ event: 'purchase', eventCallback: back('dataLayer eventCallback'), eventTimeout: 500 }),
  () => dataLayer.push({ ecommerce: null }, { event: 'view' }),
  () => dataLayer.push(function () { this.get('gtm.start'); }),
  () => dataLayer.push(null, 'word', ['not', 'a command']),
  () => gtag('event', 'purchase', Object.freeze({ event_callback: back('gtag event of what cannot be changed') })),
  () => dataLayer.filter((item) => item?.event).slice(-1),

  () => ga('set', 'anonymizeIp', true),
  () => ga('send', 'event', 'shop', 'order', { hitCallback: back('ga send') }),
  () => ga('send', { hitType: 'pageview', hitCallback: back('ga send of fields') }),
  () => ga('set', 'hitCallback', back('ga set')),
  () => ga('shop.send', 'pageview'),
  () => ga(back('ga of a function')),
  () => ga((tracker) => tracker.get('clientId')),
  () => ga(() => ga.getByName('t0').send('pageview')),
  () => ga.getAll()[0].get('clientId'),
  () => ga.create('UA-10000001-1', 'auto').set('page', '/next'),
  () => ga.remove('t0'),

  () => _gaq.push(['_set', 'hitCallback', back('_gaq hitCallback')]),
  () => _gaq.push(['_trackEvent', 'shop', 'order'], ['shop._trackPageview']),
  () => _gaq.push(() => _gat._getTrackerByName()._trackEvent('shop', 'order')),
  () => _gat._getTracker('UA-10000002-1')._trackPageview('/next'),
  () => _gat._createTracker('UA-10000002-1')._link('https://partner.example/'),
  () => pageTracker._trackEvent('shop', 'order'),
  () => urchinTracker('/next'),

  () => fbq('init', '1234567890'),
  () => fbq('track', 'Purchase', { value: 1 }),
  () => fbq.push(['track', 'Lead']),
  () => _fbq.push(['track', 'Lead']),
  () => ttq.track('Purchase'),
  () => ttq.instance('C1').page(),
  () => clarity('set', 'plan', 'a'),
  () => hj('event', 'order'),
  () => _tmr.push({ id: '1', type: 'pageView' }),
];
const all = () => {
  for (const call of calls) {
    running = call.toString();
    try {
      call();
    } catch (error) {
      thrown.push(running + ': ' + error);
    }
    running = '';
  }
};
all();
addEventListener('load', () => setTimeout(() => {
  round = ' after the page has loaded';
  all();
}));
