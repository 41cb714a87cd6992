//! Small pages with all that makes markup hard to read.
//!
//! Each has trackers where a reader that is wrong about the markup around them would miss them, or
//! see some where there are none: in comments, in text, behind elements that never end.
//!
//! `{tag}`, `{inline}`, `{pixel}`, `{frame}` and `{ads}` stand for trackers as sites write them; the
//! last is one that the policy does not name. `{box}` is a script that stays.
//!
//! Pages in other encodings are made in [`encoded`].

use super::origin::Page;
use encoding_rs::{Encoding, KOI8_R, UTF_8, WINDOWS_1251};

const PARTS: [(&str, &str); 6] = [
    ("{tag}", r#"<script async src="https://mc.yandex.ru/metrika/tag.js"></script>"#),
    ("{inline}", r#"<script>if (1 < 2) ym(101234567, "init", {webvisor: true});</script>"#),
    ("{pixel}", r#"<img src="https://mc.yandex.ru/watch/101234567" alt="">"#),
    ("{frame}", r#"<iframe src="//www.googletagmanager.com/ns.html?id=GTM-ABC1234"></iframe>"#),
    ("{ads}", r#"<script src="https://www.googleadservices.com/pagead/conversion.js"></script>"#),
    ("{box}", r#"<script src="/box.js">let box = "<b>";</script>"#),
];

/// A page with a name for the report.
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) page: Page,
}

/// The documents in UTF-8.
pub(crate) fn documents() -> Vec<Document> {
    let long = format!(
        "<!DOCTYPE html><p>{}</p>{{tag}}<script>var state = \"{}\";</script>{{inline}}<p>end",
        "long text ".repeat(20_000),
        "x".repeat(1_200_000)
    );
    let deep = format!(
        "<!DOCTYPE html>{}{{tag}}{{pixel}}{}{{inline}}<p>end",
        "<div>".repeat(600),
        "</div>".repeat(600)
    );
    let written = DOCUMENTS.iter().map(|(name, markup)| (*name, (*markup).to_owned()));
    let documents = written.chain([("long texts", long), ("deep nesting", deep)]);
    documents
        .map(|(name, markup)| document(name, "text/html; charset=utf-8", &filled(&markup), UTF_8))
        .collect()
}

/// The same page in the encodings that Kazakh sites have had, declared in all the ways.
pub(crate) fn encoded() -> Vec<Document> {
    let page = |meta: &str| {
        filled(&format!(
            "<!DOCTYPE html><html lang=ru><head>{meta}<title>Посылки по Казахстану</title>{{tag}}\
        </head><body title=\"Главная\"><p>Привет, мир! яЯ</p>{{pixel}}<!-- тут пиксель -->\
        <script>// счётчик\nym(101234567, \"init\", {{webvisor: true}});</script>{{box}}\
        <noscript><p>Скрипты</p>{{pixel}}</noscript><p>конец</p></body></html>\n"
        ))
    };
    let plain = page("");
    let utf16 = |order: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        [mark, &plain].concat().encode_utf16().flat_map(order).collect()
    };
    let bytes = |name: &str, content_type: &str, body| Document {
        name: name.to_owned(),
        page: Page { content_type: content_type.to_owned(), body },
    };
    vec![
        document(
            "windows-1251 by meta",
            "text/html",
            &page("<meta charset=windows-1251>"),
            WINDOWS_1251,
        ),
        document(
            "windows-1251 by an old meta",
            "text/html",
            &page("<meta http-equiv=Content-Type content='text/html; charset=cp1251'>"),
            WINDOWS_1251,
        ),
        document("windows-1251 by header", "text/html; charset=windows-1251", &plain, WINDOWS_1251),
        document(
            "windows-1251 by header against meta",
            "text/html; charset=windows-1251",
            &page("<meta charset=utf-8>"),
            WINDOWS_1251,
        ),
        document("windows-1251 that nobody names", "text/html", &plain, WINDOWS_1251),
        document("koi8-r by header", "text/html; charset=koi8-r", &plain, KOI8_R),
        document("koi8-r by meta", "text/html", &page("<meta charset=koi8-r>"), KOI8_R),
        document("koi8-r that nobody names", "text/html", &plain, KOI8_R),
        document("utf-8 by its mark", "text/html", &["\u{feff}", &plain].concat(), UTF_8),
        document("utf-8 that nobody names", "text/html", &plain, UTF_8),
        bytes("utf-16le by its mark", "text/html", utf16(u16::to_le_bytes, "\u{feff}")),
        bytes("utf-16be by its mark", "text/html", utf16(u16::to_be_bytes, "\u{feff}")),
        bytes("utf-16le by header", "text/html; charset=utf-16le", utf16(u16::to_le_bytes, "")),
        bytes(
            "utf-16le by its mark against the header",
            "text/html; charset=koi8-r",
            utf16(u16::to_le_bytes, "\u{feff}"),
        ),
    ]
}

fn filled(markup: &str) -> String {
    PARTS.iter().fold(markup.to_owned(), |markup, (name, part)| markup.replace(name, part))
}

fn document(name: &str, content_type: &str, markup: &str, encoding: &'static Encoding) -> Document {
    let (body, _, lossy) = encoding.encode(markup);
    assert!(!lossy, "{name}: not to be written in {}", encoding.name());
    let page = Page { content_type: content_type.to_owned(), body: body.into_owned() };
    Document { name: name.to_owned(), page }
}

const DOCUMENTS: &[(&str, &str)] = &[
    (
        "a whole page",
        "<!DOCTYPE html>\n<html lang=en>\n<head>\n<title>t</title>\n{tag}\n{inline}\n{ads}\n</head>\n<body class=a>\n<p>one {pixel} two</p>\n{frame}\n{box}\n</body>\n</html>\n",
    ),
    ("a page without html, head and body", "{tag}\n{inline}\n<p>one<p>two {pixel} three{ads}{box}"),
    (
        "scripts in svg",
        "<!DOCTYPE html><svg><title>a<b>c</b></title><script href='https://mc.yandex.ru/metrika/tag.js'/><script xlink:href='https://mc.yandex.ru/metrika/tag.js' type='text/javascript'></script><script>ym(<!-- c -->101234567, 'ini&#116;', {a: '<![CDATA[<b>]]>'})</script><script>box(1 &lt; 2)</script><g>{pixel}</g></svg><p>after{tag}",
    ),
    (
        "a script in svg with both addresses",
        "<svg><script src='//mc.yandex.ru/a.js' href='/b.js' xlink:href='/c.js'>box()</script><path d=m></svg><script href='/b.js' src='//mc.yandex.ru/a.js'></script>",
    ),
    (
        "an svg that ends with what is around it",
        "<!DOCTYPE html><noindex><svg><path d=m></noindex>{tag}{inline}<p>{pixel}</p><div><svg><g></div>{box}{inline}",
    ),
    (
        "an svg that never ends",
        "<!DOCTYPE html><p>a<svg><g>{tag}<title>{tag}</title><desc><p>{pixel}</p>{inline}</desc>",
    ),
    (
        "an `a` of svg, which formats nothing",
        "<svg><a><i>b<svg></a><script href='https://mc.yandex.ru/metrika/tag.js'></script><g>{inline}</g></svg>{box}",
    ),
    (
        "html in svg",
        "<svg><foreignObject><p>a{pixel}<noscript>{pixel}</noscript>{tag}<svg>{tag}</svg></foreignObject><image href='https://mc.yandex.ru/watch/1'/><style><!-- </style>{inline}--></style><p>out{inline}",
    ),
    ("font in svg", "<svg><font>a</font><font color=red>b{tag}</font>{inline}</svg>{box}"),
    (
        "math",
        "<!DOCTYPE html><math><mi>a<b>{tag}</b></mi><annotation-xml encoding='text/html'><p>a{pixel}</p>{inline}</annotation-xml><annotation-xml encoding=x><svg>{tag}</svg><g>{tag}</g></annotation-xml><mtext><mglyph>{tag}</mglyph><p>{tag}</mtext></math>{inline}",
    ),
    (
        "sections of character data",
        "<!DOCTYPE html><p><![CDATA[ {pixel} ]]>a</p><svg><![CDATA[ {tag} ]]><g>{tag}</g></svg><math><![CDATA[</math>{tag}]]></math>{inline}",
    ),
    (
        "a select",
        "<!DOCTYPE html><select><option>a{tag}<option selected>b<optgroup label=c>{inline}<option>d</select>{tag}<select><p>a{pixel}<option>b<select>{inline}<p>after",
    ),
    (
        "a table that hands out its children",
        "<!DOCTYPE html><div><table>text<tr>{tag}<td>a{pixel}<tr>{pixel}<b>bold<td>c{inline}</table>{frame}<table><noscript>{pixel}</noscript><caption>a{pixel}<col><tbody>{inline}<p>p</table>end",
    ),
    (
        "templates",
        "<!DOCTYPE html><head><template><tr><td>{pixel}</td></tr>{tag}<template>{inline}{frame}</template></template></head><body><table><template><td>a</td>{tag}</template></table><template></p>{box}</body></template>{inline}",
    ),
    (
        "comments",
        "<!DOCTYPE html><!-- 1 --><body><p>2<!-->{tag}<!--->{inline}<!-- a --!>{tag}<!-- {tag} --><!---{pixel}--><!-- <!-- a -->{pixel}<!x {tag}><?php {inline} ?></ {tag}></3>{pixel}<!--{inline}--!-->{box}<!-- end",
    ),
    (
        "escaped scripts",
        "<!DOCTYPE html><script><!-- <script>ym(101234567,'init')</script>{box}--></script>{tag}<script><!-- a --></script>{inline}<script><!--><script>b</script>{inline}<script><!-- <scriptx></script>{tag}<script>\"<!--\"; ym(101234567, 'init');</SCRIPT\t>{pixel}",
    ),
    (
        "noscript in head and body",
        "<!DOCTYPE html><html><head><noscript><link rel=stylesheet href=/a.css><style>p{}</style></noscript><noscript><link rel=preconnect href=//mc.yandex.ru></noscript></head><body><noscript><div>{pixel}</div></noscript><noscript>  {frame} text </noscript><noscript><p>nothing</p></noscript><p>a</p></body></html>",
    ),
    (
        "noscript with what does not end in it",
        "<!DOCTYPE html><body><noscript><div>{pixel}</noscript><p>a</p><noscript>a {pixel} b<b></noscript>c",
    ),
    (
        "duplicate attributes",
        "<!DOCTYPE html><script src=/box.js src=https://mc.yandex.ru/metrika/tag.js></script><script src=https://mc.yandex.ru/metrika/tag.js SRC=/box.js id=a id=b></script><img src=/a.png src=https://mc.yandex.ru/watch/1><img src=https://mc.yandex.ru/watch/1 src=/a.png><script type=text/plain type=module>ym(101234567,'init')</script><p id=a ID=b class>",
    ),
    (
        "a foreign base",
        "<!DOCTYPE html><base href=https://mc.yandex.ru/><base href=/b/><script src=metrika/tag.js></script><p>a<img src=watch/1><img src=https://send-box.com/a.png><script src=https://send-box.com/box.js></script>",
    ),
    (
        "a base in a template",
        "<!DOCTYPE html><template><base href=//mc.yandex.ru></template><script src=metrika/tag.js></script><p>a<img src=/b.png>",
    ),
    (
        "inline documents",
        "<!DOCTYPE html><iframe srcdoc=\"<p>a{pixel}\" src='https://mc.yandex.ru/'></iframe><iframe srcdoc='<p title=&quot;x&amp;amp;y&quot;>a</p><script src=//mc.yandex.ru/metrika/tag.js></script>&lt;p>b'></iframe><iframe srcdoc='<iframe srcdoc=\"&lt;img src=//mc.yandex.ru/watch/1>c\"></iframe>d'></iframe><iframe srcdoc='<p>plain'></iframe><iframe sandbox srcdoc='<img src=//mc.yandex.ru/watch/1>e'></iframe>",
    ),
    (
        "tags in title and textarea",
        "<!DOCTYPE html><title>a {tag} </titl> &amp; b</title><textarea>\n\n{tag}{pixel}</textarea>{tag}<pre>\n{pixel}\n\nb</pre><textarea><!-- </textarea>{inline}<textarea>{box}",
    ),
    (
        "raw text",
        "<!DOCTYPE html><style>a:after{content:'{tag}'}</style><xmp>{tag}</xmp><noembed>{pixel}</noembed><iframe>{tag}<!-- </iframe><noframes>{frame}</noframes>{inline}<style><!--</style>{inline}",
    ),
    ("plaintext", "<!DOCTYPE html><p>{pixel}a<plaintext>{tag}</plaintext>{pixel}</body>"),
    (
        "unquoted and crowded attributes",
        "<!DOCTYPE html><script src=https://mc.yandex.ru/metrika/tag.js/></script><img alt=a/src=x src=https://mc.yandex.ru/watch/1><img/src='https://mc.yandex.ru/watch/2'/alt='b'><p a='1'b=\"2\"c =d =e=f \"g h<i='>'>x</p><script\nasync\ndefer\r\nsrc\n=\n'https://mc.yandex.ru/a.js'crossorigin></script><script =src=https://mc.yandex.ru/b.js></script>",
    ),
    (
        "addresses in other spellings",
        "<!DOCTYPE html><SCRIPT SRC='HTTPS://MC.YANDEX.RU/a.js'></SCRIPT><script src='&#104;ttps://mc.yandex.ru/b.js?a=1&amp;b=2&copy=3'></script><ScRiPt sRc=' \n//mc.yan\tdex.ru/c.js '></sCrIpT><img src='https:\\\\mc.yandex.ru\\watch'><img src='https:mc.yandex.ru'><IMG SRC=//mc%2Eyandex.ru/x>",
    ),
    (
        "the image that is an img",
        "<!DOCTYPE html><p>a<image src=https://mc.yandex.ru/watch/1>b<image src=/own.png></image>c</p><svg><image src=https://mc.yandex.ru/watch/1></image></svg>",
    ),
    (
        "frames",
        "<!DOCTYPE html><frameset cols='*,*'><frame src=/own.html><frame src=https://www.googletagmanager.com/ns.html?id=GTM-ABC1234><noframes>{frame}</noframes></frameset>",
    ),
    (
        "a frameset that comes too late",
        "<!DOCTYPE html><p>a<frameset><frame src=https://www.googletagmanager.com/ns.html?id=GTM-ABC1234></frameset>{tag}",
    ),
    (
        "misnested formatting",
        "<!DOCTYPE html><p><b>1<i>2</b>3{tag}</i>4<a href=1>{inline}<a href=2>b</p>{pixel}c</a><nobr>{tag}<nobr>d<b><b><b><b><p>{box}",
    ),
    ("quirks", "{tag}<!DOCTYPE html><title>a</title><p><table><tr><td>{pixel}</table>"),
    (
        "an old doctype",
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\" \"http://www.w3.org/TR/html4/loose.dtd\"><p>{tag}<center>a{pixel}</center>",
    ),
    (
        "text behind the body",
        "<!DOCTYPE html><html><body><p>a</p>{tag}</body><!-- b -->\n{inline}c</html><!-- d -->{pixel} e\n",
    ),
    (
        "line ends and controls",
        "<!DOCTYPE html>\r\n<p>a\rb\r\n\u{c}c\0d</p>\r\n{tag}\r\n<pre>\r\n{pixel}\r\n</pre><script>\r\nym(101234567,\0'init')\r\n</script><svg>a\0b<script>ym(101234567,'init')\0</script></svg>\u{1b}e",
    ),
    (
        "kinds of scripts",
        "<!DOCTYPE html><script type=module>ym(101234567,'init')</script><script type=importmap>{\"imports\": {\"ym\": \"https://mc.yandex.ru/metrika/tag.js\"}}</script><script type='application/ld+json'>{\"ym\": \"https://mc.yandex.ru/metrika/tag.js\"}</script><script type=text/template>{pixel}</script><script type=' Text/JavaScript\n' nonce=abc data-cfasync=false>ym(101234567,'init')</script><script language=JavaScript1.2>ym(101234567,'init')</script><script language=vbs src=https://mc.yandex.ru/a.js></script><script type=''>ym(101234567,'init')</script>",
    ),
    (
        "scripts that claim to be held",
        "<!DOCTYPE html><script type=text/plain data-consent=analytics>evil()</script><script data-consent=operation data-consent-src=/evil.js data-consent-type=module src=https://mc.yandex.ru/a.js type=text/javascript></script><script data-consent=x>box()</script>",
    ),
    (
        "a script in its own address",
        "<!DOCTYPE html><script src=\"data:text/javascript,ym(101234567,'init')\"></script><script src='data:text/javascript;base64,eW0oMTAxMjM0NTY3LCdpbml0Jyk='></script><script src='data:,box()'></script>",
    ),
    (
        "pictures and hints",
        "<!DOCTYPE html><link rel='PreConnect' href=//mc.yandex.ru><link rel='stylesheet preload' href=https://mc.yandex.ru/a.css><link rel=stylesheet href=https://mc.yandex.ru/a.css><link rel=dns-prefetch href=//www.google-analytics.com><body><link rel=preload href=//securepubads.g.doubleclick.net/a><picture><source srcset='/a.png 1x, https://mc.yandex.ru/watch/1 2x'><source srcset=/b.png><img src=/c.png></picture><img srcset='//mc.yandex.ru/watch/1' src=/d.png><input type=image src=https://mc.yandex.ru/watch/1 name=e><object data=https://www.googletagmanager.com/ns.html?id=GTM-ABC1234><p>f{pixel}</object><embed src=https://mc.yandex.ru/watch/1>g",
    ),
    (
        "code of the site beside a loader",
        "<!DOCTYPE html><script>let menu = 1; (function(m,r){m.src=r})(window,'https://mc.yandex.ru/metrika/tag.js'); ym(101234567,'init')</script><script>let state = 2; load('//mc.yandex.ru/metrika/watch.js', '/own.js')</script><script>self.__next_f.push([1, \"<script src='//mc.yandex.ru/metrika/tag.js'>\"])</script><p>a",
    ),
    (
        "sounds, beacons and refreshes",
        "<!DOCTYPE html><body background=https://mc.yandex.ru/watch/1><video poster=https://mc.yandex.ru/watch/1 src=/a.mp4><track src=https://mc.yandex.ru/watch/2></video><audio src=https://mc.yandex.ru/watch/3 preload=none></audio><p><a href=https://mc.yandex.ru/ ping='/own https://mc.yandex.ru/watch/4'>b</a><img src=/c.png data-src=https://mc.yandex.ru/watch/5 data-id='a//b'><div data-bg=//mc.yandex.ru/watch/6>d</div><object classid=https://mc.yandex.ru/watch/7 data=/e.svg>f</object><amp-analytics type=gtag id=g><script type=application/json>{}</script></amp-analytics><amp-pixel src=https://mc.yandex.ru/watch/8></amp-pixel>h",
    ),
    (
        "forms whose fields are called like properties",
        "<!DOCTYPE html><form><input name=childNodes><input name=attributes>{pixel}<form><input name=nodeType></form>{tag}<img name=body><img name=documentElement>",
    ),
    (
        "lists and paragraphs that end by themselves",
        "<!DOCTYPE html><ul><li>a{pixel}<li>b<ul><li>{tag}</ul><dl><dt>{inline}<dd>c<dt>d</dl><p>e<table><tr><td>f</table>g</p>h</p><ruby>i<rt>{pixel}<rp>j</ruby><h1>l<h2>m",
    ),
    ("a script that never ends", "<!DOCTYPE html><p>a{pixel}<script>ym(101234567, 'init'); <p>b"),
    (
        "a tag that never ends",
        "<!DOCTYPE html><p>a{tag}<img alt=b src='https://mc.yandex.ru/watch/1",
    ),
    (
        "a frame that never ends",
        "<!DOCTYPE html><p>a{tag}<iframe src=//www.googletagmanager.com/ns.html?id=GTM-ABC1234>{tag}<p>b",
    ),
    ("a noscript that never ends", "<!DOCTYPE html><p>a{tag}<noscript>{pixel}<p>b"),
    ("a title that never ends", "<!DOCTYPE html>{tag}<title>{pixel}<p>b</body>"),
    (
        "unknown and custom elements",
        "<!DOCTYPE html><x-a {b} @click=c :d.e=\"f\"><slot>{tag}</slot></x-a><o:p>{pixel}</o:p><script-x src=https://mc.yandex.ru/a.js>a</script-x><amp-analytics type=metrika>{inline}</amp-analytics>",
    ),
    (
        "instructions",
        "<!DOCTYPE html><p><?php echo '{tag}' ?>{tag}<?xml version='1.0'?><?a {pixel} ?><? b>{inline}<?>{tag}<svg><?c {tag} ?></svg><?d ?",
    ),
    (
        "a form that never ends",
        "<!DOCTYPE html><html><body><form action=/buy><input name=a><p>b{tag}</body></html>",
    ),
    ("a button that never ends", "<!DOCTYPE html><p>a{tag}<button>b"),
    ("a link that never ends", "<!DOCTYPE html><p>a{tag}<a href=/b>c"),
    ("a select that never ends", "<!DOCTYPE html><p>a{tag}<select><option>b</body>"),
    ("a table that never ends", "<!DOCTYPE html><p>a{tag}<table><tr><td>b</body>"),
    (
        "a noscript that holds its own end tag",
        "<!DOCTYPE html><p>a<noscript><b title='</noscript>{tag}'></b></noscript>{pixel}",
    ),
    (
        "a pixel that begins the body",
        "<!DOCTYPE html><title>a</title>{pixel}<script>box()</script><p>b",
    ),
    ("a pixel that formatting goes on for", "<!DOCTYPE html><p><b>a</p>{pixel}<div>b</div>"),
    (
        "a noscript that ends in an attribute",
        "<!DOCTYPE html><p>a<noscript><a title='</noscript><!-- '>{pixel}</a></noscript>-->b{tag}",
    ),
    (
        "formatting that goes on around an svg",
        "<!DOCTYPE html><p><b>a</p><p><svg><g></b><script>'<!--'; ym(101234567, 'init')</script>{tag}<p>b",
    ),
    (
        "a table part that is implied around an svg",
        "<!DOCTYPE html><table><tr><td><svg><g></tbody></table><script>'<!--'; ym(101234567, 'init')</script>{tag}<p>b",
    ),
    (
        "a cell that is implied around an svg",
        "<!DOCTYPE html><table><td><svg><g></tr><td><script>'<!--'; ym(101234567, 'init')</script>{tag}</table><p>b",
    ),
    (
        "an svg in a frameset",
        "<!DOCTYPE html><frameset><svg><frame src=https://www.googletagmanager.com/ns.html?id=GTM-ABC1234></svg></frameset>",
    ),
    ("nothing at all", ""),
    ("only text", "Just text, without any tag & with < signs"),
];
