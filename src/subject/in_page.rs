//! What pages of the site ask us for while they are open: the banner, the boxes for frames, the types.
//!
//! A script may bring the banner up, and a frame that is withheld is a page of ours until it is shown. Both are made
//! for this visitor, so neither is kept.
//!
//! No page of another site gets the banner, and a box leads to nowhere but where a rule speaks of: an address
//! that nobody withholds has none.
//!
//! The markup is [`crate::banner`]'s; who asks is [`crate::guard`], or the gate that has put a box into a page.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, REFERER};
use url::{Position, Url, form_urlencoded};

use super::form::local_path;
use super::settings::Query;
use super::{Page, Subject, html, set, text_field};
use crate::banner::held::{self, Held, Way};
use crate::banner::{Carrier, pages};
use crate::face;
use crate::fault::{Fault, GatewayFault, VisitorFault};
use crate::gate::csp::wall::Walls;
use crate::gate::fate::{Fate, Fates, Whose};
use crate::policy::RecipientId;
use crate::rules::Use;

/// What `window.kelisim` is.
const TYPES: &str = include_str!("assets/kelisim.d.ts");

/// The types of what the site's own code may ask of us.
pub(super) fn types() -> Page {
    let mut page = Response::new(Bytes::from_static(TYPES.as_bytes()));
    set(&mut page, CONTENT_TYPE, "text/plain; charset=utf-8");
    page
}

/// The banner, for a page of the site that has none.
pub(super) fn banner(subject: &Subject<'_>, query: &str) -> Result<Page, Fault> {
    let from = subject.headers.get("sec-fetch-site");
    if from.is_some_and(|from| from != "same-origin") {
        return Err(VisitorFault::ForeignForm.into());
    }
    let query = Query::read(query);
    let language = subject.language(query.language.as_deref());
    let face = subject.snapshot.face(subject.policy()?, language);
    let layer = face.and_then(|face| face.layer.as_ref()).ok_or(VisitorFault::NotFound)?;
    let token = subject.whom().token(&subject.snapshot.seal, subject.conditions.now);
    // The page may have another base.
    let origin = format!("//{}", subject.host);
    let return_to = query.return_to.unwrap_or_else(|| subject.came_from());
    let path = return_to.split('?').next().unwrap_or_default();
    let page = Carrier {
        return_to: &return_to,
        kind: subject.snapshot.rules.site.page_kind(path),
        origin: &origin,
        by_digest: true,
        ..Carrier::default()
    };
    let mut markup = Vec::new();
    layer.write(&mut markup, &token, page);
    Ok(html(String::from_utf8(markup).expect("it is ASCII"), pages::POLICY))
}

/// The box for a frame that is withheld.
pub(super) fn frame(subject: &Subject<'_>, query: &str) -> Result<Page, Fault> {
    let not_found = || Fault::from(VisitorFault::NotFound);
    let to = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "to");
    let to = to.and_then(|(_, to)| Url::parse(&to).ok()).ok_or_else(not_found)?;
    let host = to.host_str().filter(|_| matches!(to.scheme(), "http" | "https"));
    let host = host.ok_or_else(not_found)?;
    let page = Url::parse(&format!("https://{}/", subject.host)).map_err(|_| not_found())?;

    let snapshot = subject.snapshot;
    let rules = &snapshot.rules;
    let policy = subject.conditions.policy.ok_or(GatewayFault::NoPolicy)?;
    let language = subject.language(Query::read(query).language.as_deref());
    let texts = rules.texts(language);
    let return_to = subject.came_from();
    let way = match Fates::of(rules, subject.verdicts).of_url_from(rules, &page, &to, Use::Frame) {
        Fate::Permit => return Err(not_found()),
        Fate::Undeclared(..) => Way::None,
        Fate::Until(purpose, whose, _) => {
            let cards = face::cards(rules, policy, texts);
            let card = cards.into_iter().find(|card| card.id == purpose.name());
            let recipient = recipient_of(subject, whose);
            let recipient = recipient.and_then(|id| face::recipient(rules, policy, id, texts));
            let (card, recipient) = card.zip(recipient).ok_or_else(not_found)?;
            // A policy that names hosts lets the frame in with the page that comes after an agreement.
            let walled = snapshot.walls.as_ref().is_some_and(Walls::enforce);
            let once = (!walled).then_some(to.as_str());
            Way::Ask { purpose: card.id, data: card.data, recipient, once }
        }
    };
    let held = Held { host, way, return_to: &return_to };
    Ok(html(held::page(texts, &subject.snapshot.style, &held), pages::POLICY_FRAMED))
}

/// Who would receive what is sent to a frame.
fn recipient_of<'s>(subject: &Subject<'s>, whose: Whose) -> Option<&'s RecipientId> {
    let rules = &subject.snapshot.rules;
    match whose {
        Whose::Vendor(index) => Some(&rules.vendors[index].recipient),
        Whose::List(index) => Some(&rules.lists()[index].recipient),
        Whose::Unlisted | Whose::Unknown => None,
    }
}

impl Subject<'_> {
    /// The page of the site that the visitor comes from, as far as their browser says; else its first.
    pub(super) fn came_from(&self) -> String {
        let from = Url::parse(text_field(self.headers, REFERER.as_str())).ok();
        let from = from.filter(|from| {
            let of_page = &from[Position::BeforeHost..Position::AfterPort];
            of_page == self.host && !from.path().starts_with(super::ROOT)
        });
        let path = from.and_then(|from| local_path(&from[Position::BeforePath..]));
        path.unwrap_or_else(|| "/".to_owned())
    }
}
