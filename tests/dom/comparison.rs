//! Pages compared with all that the gateway makes of them.
//!
//! A page is read by a browser with scripts on, and what visitors with other choices get is held
//! against it. A browser with scripts off, if one is asked, reads the page and what a first visit
//! gets, where there is a `<noscript>`.
//!
//! What comes out byte for byte as it went in is not read again: it is the same document.
//!
//! What differs is said by [`super::difference`], and held against what is [`super::known`] to.

use super::{
    difference::{first, without_banner},
    documents::Document,
    expected::{Expected, is_held},
    gateway::{Banner, Choices, rewrite},
    known::known,
    nodes::{Kind, Node},
    origin::Page,
    reader::Reader,
};
use crate::{stub::Stub, visitor::Scripts};
use std::{collections::HashMap, time::Instant};

/// What a visitor gets.
type Variant = (Choices, Banner);

const AGREED: Variant = (Choices::Everything, Banner::Without);
const ASKED: Variant = (Choices::Nothing, Banner::With);
const HELD: Variant = (Choices::Nothing, Banner::Without);

/// Where the banner has to be found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Anywhere,
    BeforeEndOfBody,
}

/// What was compared, for who runs the tests, and what differed.
#[derive(Default)]
struct Tally {
    read: usize,
    nodes: usize,
    held: usize,
    gone: usize,
    wrong: Vec<String>,
}

/// Checks all of them, by browsers of each kind.
#[track_caller]
pub(crate) fn assert_same(documents: &[Document], browsers: &[Scripts], place: Place) {
    let start = Instant::now();
    let stub = Stub::start();
    let readers: Vec<_> =
        browsers.iter().map(|scripts| (*scripts, Reader::new(&stub, *scripts))).collect();
    let mut tally = Tally::default();
    for document in documents {
        compare(&readers, document, place, &mut tally);
    }
    let Tally { read, nodes, held, gone, wrong } = tally;
    println!(
        "{} pages, read {read} times, {nodes} nodes, {held} scripts held, {gone} elements gone, {:?}",
        documents.len(),
        start.elapsed()
    );
    assert!(held > 0 && gone > 0, "nothing has been changed");
    assert!(wrong.is_empty(), "{} differences\n\n{}", wrong.len(), wrong.join("\n"));
}

fn compare(
    readers: &[(Scripts, Reader<'_>)],
    document: &Document,
    place: Place,
    tally: &mut Tally,
) {
    let mut made: HashMap<Variant, Page> = HashMap::new();
    for (scripts, reader) in readers {
        // Nothing else is read otherwise with scripts off (HTML 13.2.4.5, the scripting flag).
        let has_noscript = document.page.body.windows(8).any(|part| part == b"noscript");
        if *scripts == Scripts::Off && !has_noscript {
            continue;
        }
        let known = known(&document.name, *scripts);
        let banner_differs = known.is_some_and(|known| known.banner == Some(Banner::With));
        let mut variants = match scripts {
            Scripts::On => vec![AGREED, ASKED],
            Scripts::Off => vec![ASKED],
        };
        if banner_differs {
            variants.push(HELD);
        }
        // The commands run while the browser reads the original.
        let (original, fresh) = std::thread::scope(|scope| {
            let missing: Vec<_> =
                variants.iter().copied().filter(|variant| !made.contains_key(variant)).collect();
            let commands = scope.spawn(move || {
                let rewritten = |(choices, banner)| rewrite(&document.page, choices, banner);
                missing.into_iter().map(|variant| (variant, rewritten(variant))).collect::<Vec<_>>()
            });
            let original = reader.read(&document.page);
            (original, commands.join().expect("the command rewrites the page"))
        });
        made.extend(fresh);
        tally.read += 1;
        tally.nodes += original.len();
        let mut differs = false;
        for variant in variants {
            let page = &made[&variant];
            let is_same =
                page.body == document.page.body && page.content_type == document.page.content_type;
            let list = if is_same {
                original.clone()
            } else {
                tally.read += 1;
                reader.read(page)
            };
            tally.nodes += list.len();
            let expected = Expected::of(&original, variant.0);
            tally.held += list.iter().filter(|node| is_held(node)).count();
            tally.gone += expected.gone;
            let Some(what) = difference(page, list, &expected, variant.1, place) else { continue };
            if known.is_some_and(|known| known.shows(variant.1)) {
                differs = true;
            } else {
                let Document { name, .. } = document;
                tally.wrong.push(format!("{name}, scripts {scripts:?}, {variant:?}: {what}"));
            }
        }
        if let Some(known) = known
            && !differs
        {
            let what = format!("{}: no longer differs; it was: {}", document.name, known.reason);
            tally.wrong.push(what);
        }
    }
}

fn difference(
    page: &Page,
    mut list: Vec<Node>,
    expected: &Expected,
    banner: Banner,
    place: Place,
) -> Option<String> {
    if banner == Banner::With {
        match without_banner(&list) {
            Some((rest, behind)) => {
                let weighs =
                    |node: &&Node| !node.data.trim().is_empty() && node.kind != Kind::Comment;
                let weighs = |node: &&Node| node.kind == Kind::Element || weighs(node);
                if place == Place::BeforeEndOfBody
                    && let Some(node) = behind.iter().find(weighs)
                {
                    return Some(format!("the banner stands before {node}"));
                }
                list = rest;
            }
            None if page.body.windows(7).any(|part| part == b"cc-main") => {
                let torn = first(expected, &list).unwrap_or_default();
                return Some(format!("the banner is torn; {torn}"));
            }
            None if place == Place::BeforeEndOfBody => {
                return Some("there is no banner".to_owned());
            }
            None => {}
        }
    }
    first(expected, &list)
}
