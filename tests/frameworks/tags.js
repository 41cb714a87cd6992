// The tags as sites paste them: the vendors' public install forms, with made-up numbers.
// What they load comes from the browser tests' stand-ins.

export const METRICA = `(function(m,e,t,r,i,k,a){m[i]=m[i]||function(){(m[i].a=m[i].a||[]).push(arguments)};
m[i].l=1*new Date();
for (var j = 0; j < document.scripts.length; j++) {if (document.scripts[j].src === r) { return; }}
k=e.createElement(t),a=e.getElementsByTagName(t)[0],k.async=1,k.src=r,a.parentNode.insertBefore(k,a)})
(window, document, "script", "https://mc.yandex.ru/metrika/tag.js", "ym");
ym(101234567, "init", {clickmap:true, trackLinks:true, accurateTrackBounce:true});`;

export const METRICA_PIXEL = 'https://mc.yandex.ru/watch/101234567';

export const GTAG = 'https://www.googletagmanager.com/gtag/js?id=G-FRAME00001';

export const OTHER_GTAG = 'https://www.googletagmanager.com/gtag/js?id=G-FRAME00002';

export const GTAG_INLINE = `window.dataLayer = window.dataLayer || [];
function gtag(){dataLayer.push(arguments);}
gtag('js', new Date());
gtag('config', 'G-FRAME00001');`;

export const TAG_MANAGER = `(function(w,d,s,l,i){w[l]=w[l]||[];w[l].push({'gtm.start':
new Date().getTime(),event:'gtm.js'});var f=d.getElementsByTagName(s)[0],
j=d.createElement(s),dl=l!='dataLayer'?'&l='+l:'';j.async=true;j.src=
'https://www.googletagmanager.com/gtm.js?id='+i+dl;f.parentNode.insertBefore(j,f);
})(window,document,'script','dataLayer','GTM-FRAME1');`;

export const TAG_MANAGER_FRAME_ADDRESS = 'https://www.googletagmanager.com/ns.html?id=GTM-FRAME1';

export const TAG_MANAGER_FRAME =
  `<iframe src="${TAG_MANAGER_FRAME_ADDRESS}" height="0" width="0" style="display:none;visibility:hidden"></iframe>`;

export const FACEBOOK_PIXEL = 'https://www.facebook.com/tr?id=123456789012345&ev=PageView&noscript=1';

// What a click reports, guarded as sites guard it against blockers.
export function report(goal) {
  if (typeof window.ym === 'function') window.ym(101234567, 'reachGoal', goal);
  if (typeof window.gtag === 'function') window.gtag('event', goal);
}

// Marks what the server sent before a framework comes to life: an element made anew has no mark.
export const MARK = `document.querySelectorAll('main, main *').forEach((element) => { element.fromServer = true; });`;
