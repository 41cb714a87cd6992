//! Pages with the styles of others: of frameworks as they are published, and of site builders and chats as
//! they are known to be, written anew.
//!
//! What is hostile is said the loudest way that a stylesheet has: `!important`, under selectors that our
//! markup matches.

use std::path::Path;

/// What 1C-Bitrix' templates and its admin panel do to whatever stands in their pages.
const BITRIX: &str = "
    * { margin: 0; padding: 0; }
    body { font: 13px/18px 'Open Sans', Arial; letter-spacing: .02em; text-transform: uppercase; }
    form { display: inline; background: #eee; }
    form p, div p { text-indent: 20px; font-size: 10px; }
    h2 { font: bold 24px 'PT Sans'; color: #c00; float: left; }
    h2::first-letter { font-size: 40px; color: #f0f; }
    button, input[type=submit], .btn { height: 24px !important; background: url(/button.png) #aaa !important; color: #555 !important; border-radius: 0 !important; text-shadow: 0 1px #fff !important; }
    a { color: #0057a6 !important; border-bottom: 1px dotted !important; }
    a::after { content: ' \\2197'; }
    p::first-line { font-weight: bold; font-size: 18px; }
    #bx-panel ~ div { position: absolute !important; top: 0 !important; }";

/// What Tilda's blocks do.
const TILDA: &str = "
    html { font-size: 62.5%; -webkit-text-size-adjust: none; }
    * { box-sizing: content-box !important; }
    body { overflow-x: hidden; -webkit-font-smoothing: antialiased; word-spacing: 4px; visibility: inherit; cursor: help; }
    div { -webkit-tap-highlight-color: red; font-family: 'TildaSans', Arial !important; }
    .t-body form, form { max-width: 300px !important; margin: 40px auto !important; opacity: .9 !important; }
    [data-role], [name] { outline: 0 !important; }
    button { transition: all .8s ease-in-out; transform: scale(.8); text-transform: lowercase; }
    button::before { content: ''; position: absolute; inset: 0; background: #fff; }
    svg { display: none; } path { fill: #f00; stroke-width: 9px; }";

/// What a chat puts over everything.
const CHAT: &str = "
    #chat { position: fixed; z-index: 2147483647; inset: 0; background: #0007; }
    #chat iframe { width: 100%; height: 100%; border: 0; }";

/// Everything that a stylesheet can say against a banner.
const HOSTILE: &str = "
    *, *::before, *::after { all: unset !important; animation: none !important; }
    html body * { display: none !important; }
    div { display: none !important; visibility: hidden !important; }
    [role=dialog], [data-nosnippet], [id^=cc-], [class*=cm] { display: none !important; opacity: 0 !important; pointer-events: none !important; position: static !important; left: -9999px !important; width: 1px !important; z-index: -1 !important; clip-path: inset(50%) !important; }
    #cc-main#cc-main#cc-main button[value=decline-all] { display: none !important; font-size: 6px !important; color: #eee !important; background: #fff !important; --cc-button: #eee; --cc-button-ink: #ddd; --cc-radius: 40px; }
    #cc-main .cm__btn + .cm__btn { --cc-button: transparent !important; order: 9 !important; }
    body:has(#cc-main) { color: #fff; direction: rtl; text-align: right; writing-mode: vertical-rl; white-space: nowrap; user-select: none; pointer-events: none; line-height: 4; hyphens: auto; quotes: none; text-shadow: 0 0 9px red; }
    ::backdrop { background: #000 !important; display: block !important; }
    @media (min-width: 1px) { form { height: 10px !important; overflow: hidden !important; } }";

/// A page that a framework has made the containing block of everything.
const TRANSFORMED: &str = "
    body { transform: translateX(40px) scale(.9); filter: blur(1px); perspective: 100px; contain: layout; will-change: transform; opacity: .5; overflow: hidden; height: 100%; }";

/// The styles of published frameworks.
fn published(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/styles/node_modules");
    let path = folder.join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}: run `tests/run`, which fetches it, or, with node and npm at hand, \
             `node tests/styles/build.js`",
            path.display()
        )
    })
}

/// Every style, by the name of its page.
pub(crate) fn styles() -> Vec<(String, String)> {
    let preflight = published("tailwindcss/preflight.css");
    let utilities = ".hidden { display: none !important } .fixed { position: fixed }";
    let styles = [
        ("bootstrap", published("bootstrap/dist/css/bootstrap.css")),
        // As version 4 builds it, and as version 3 did, which has no layers.
        (
            "tailwind",
            format!(
                "@layer theme, base, components, utilities; @layer base {{ {preflight} }} @layer utilities {{ {utilities} }}"
            ),
        ),
        ("tailwind3", preflight),
        ("bitrix", BITRIX.to_owned()),
        ("tilda", TILDA.to_owned()),
        ("chat", CHAT.to_owned()),
        ("transformed", TRANSFORMED.to_owned()),
        ("hostile", HOSTILE.to_owned()),
        ("everything", [BITRIX, TILDA, CHAT, TRANSFORMED, HOSTILE].concat()),
    ];
    styles.map(|(name, style)| (name.to_owned(), style)).into()
}

/// A page of this name: with a style, in a language, or watched.
pub(crate) fn page(name: &str) -> Option<String> {
    let style = styles().into_iter().find(|(other, _)| other == name);
    let (language, dir, script) = match name {
        "kk" | "ru" => (name, "ltr", ""),
        "rtl" => ("en", "rtl", ""),
        "watched" => ("en", "ltr", include_str!("watch.html")),
        "en" | "bare" => ("en", "ltr", ""),
        _ if style.is_some() => ("en", "ltr", ""),
        _ => return None,
    };
    let style = style.map_or_else(String::new, |(_, style)| style);
    // Long enough to scroll, with what a chat leaves at the end.
    let text = "<p>Messages that arrive on time.</p>".repeat(60);
    Some(format!(
        "<!DOCTYPE html><html lang={language} dir={dir}><head><meta charset=utf-8>{script}\
         <meta name=viewport content='width=device-width, initial-scale=1'><title>Page</title>\
         <style>{style}</style></head><body class=t-body><div id=bx-panel class=hidden></div>\
         <main><h1>Page</h1>{text}</main><div id=chat></div></body></html>"
    ))
}
