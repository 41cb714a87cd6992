//! The analytics tags that the demonstration site carries.
//!
//! They are the vendors' public install snippets with made-up numbers, spelled as the vendors hand
//! them out, since a gateway that recognises only tidied-up forms recognises nothing in the wild.
//!
//! Only snippets stand here; what they load belongs to the vendors and is fetched from them, or
//! from the browser tests' stub.
//!
//! What the gateway does to them is said by `rules/vendors/`.

use maud::{Markup, PreEscaped};

/// Opens a connection to Metrica before any script runs: the visitor's address leaks by this alone.
const PRECONNECT: &str = r#"<link rel="preconnect" href="https://mc.yandex.ru">"#;

const TAG_MANAGER: &str = r"<!-- Google Tag Manager -->
<script>(function(w,d,s,l,i){w[l]=w[l]||[];w[l].push({'gtm.start':
new Date().getTime(),event:'gtm.js'});var f=d.getElementsByTagName(s)[0],
j=d.createElement(s),dl=l!='dataLayer'?'&l='+l:'';j.async=true;j.src=
'https://www.googletagmanager.com/gtm.js?id='+i+dl;f.parentNode.insertBefore(j,f);
})(window,document,'script','dataLayer','GTM-DEMO01');</script>
<!-- End Google Tag Manager -->";

const ANALYTICS: &str = r#"<!-- Google tag (gtag.js) -->
<script async src="https://www.googletagmanager.com/gtag/js?id=G-DEMO000001"></script>
<script>
  window.dataLayer = window.dataLayer || [];
  function gtag(){dataLayer.push(arguments);}
  gtag('js', new Date());

  gtag('config', 'G-DEMO000001');
</script>"#;

const TAG_MANAGER_NOSCRIPT: &str = r#"<!-- Google Tag Manager (noscript) -->
<noscript><iframe src="https://www.googletagmanager.com/ns.html?id=GTM-DEMO01"
height="0" width="0" style="display:none;visibility:hidden"></iframe></noscript>
<!-- End Google Tag Manager (noscript) -->"#;

const METRICA: &str = r#"<!-- Yandex.Metrika counter -->
<script type="text/javascript" >
   (function(m,e,t,r,i,k,a){m[i]=m[i]||function(){(m[i].a=m[i].a||[]).push(arguments)};
   m[i].l=1*new Date();
   for (var j = 0; j < document.scripts.length; j++) {if (document.scripts[j].src === r) { return; }}
   k=e.createElement(t),a=e.getElementsByTagName(t)[0],k.async=1,k.src=r,a.parentNode.insertBefore(k,a)})
   (window, document, "script", "https://mc.yandex.ru/metrika/tag.js", "ym");

   ym(12345678, "init", {
        clickmap:true,
        trackLinks:true,
        accurateTrackBounce:true,
        webvisor:true
   });
</script>
<noscript><div><img src="https://mc.yandex.ru/watch/12345678" style="position:absolute; left:-9999px;" alt="" /></div></noscript>
<!-- /Yandex.Metrika counter -->"#;

/// What the vendors ask to be put into `<head>`, "as high as possible".
pub(super) fn head() -> Markup {
    PreEscaped([PRECONNECT, TAG_MANAGER, ANALYTICS].join("\n"))
}

/// What the vendors ask to be put right after `<body>`.
pub(super) fn body() -> Markup {
    PreEscaped([TAG_MANAGER_NOSCRIPT, METRICA].join("\n"))
}

/// The cookies that servers set for the vendors' scripts, so that Safari keeps them for a year.
///
/// The numbers are the same for everybody: a made-up site has no business counting real people.
/// `FPID` is what a server-side Tag Manager sets, out of any script's reach.
pub(super) const COOKIES: [(&str, &str); 3] = [
    ("_ym_uid", "_ym_uid=1767225600123456789; Path=/; Max-Age=31536000; SameSite=Lax"),
    ("_ga", "_ga=GA1.1.1234567890.1767225600; Path=/; Max-Age=63072000; SameSite=Lax"),
    ("FPID", "FPID=FPID2.1.demo.1767225600; Path=/; Max-Age=63072000; SameSite=Lax; HttpOnly"),
];
