//! What a page loads besides scripts and frames: pictures, sound, styles, and what comes ahead.
//!
//! Of withheld vendors the addresses go, and the elements stay in their places: a framework that
//! compares the page with what it would have made itself makes anew what it misses, and with it the
//! request. Where a rule says so the element goes, too, if nothing stands in it; a refresh goes always, as
//! it is no part of what is shown.
//!
//! Whatever is fetched and only shown counts as a picture: a pixel counts a visit as well by the name
//! of a style, a sound or an icon.
//!
//! Hints in headers are in [`super::super::hints`], refreshes in [`super::super::refresh`].

use super::super::address::is_data;
use super::super::csp::{self, ours::Ours};
use super::super::css;
use super::super::fate::{Fate, How};
use super::super::hints::{address_of, candidates, loads_script, relation_uses};
use super::super::refresh;
use super::super::tally::{Kind, Tally};
use super::super::trace::Deed;
use super::Document;
use crate::html::{Element, Namespace};
use crate::rules::Use;

impl Document {
    /// Takes one address of an element.
    pub(super) fn clear_if_withheld(
        &mut self,
        element: &mut Element<'_>,
        attribute: &[u8],
        used: Use,
    ) {
        let fate = self.fate_by(element, attribute, used);
        if fate != Fate::Permit {
            element.remove_attribute(attribute);
            self.done(element, fate, Kind::of(used), Deed::AddressTaken);
        }
    }

    /// Takes the address of a picture, or its candidates for other screens; what is not a withheld
    /// vendor's is still shown.
    pub(super) fn image(&mut self, element: &mut Element<'_>) {
        let of_address = self.fate_by(element, b"src", Use::Image);
        let list = element.attribute(b"srcset");
        let of_list =
            list.map_or(Fate::Permit, |list| self.fate_of_list(&list, &[Use::Image], |_| true));
        self.take_withheld(element, Kind::Image, [(b"src", of_address), (b"srcset", of_list)]);
    }

    /// Takes those of an element's two addresses that are withheld; with the first the element itself
    /// goes, where that is how.
    fn take_withheld(
        &mut self,
        element: &mut Element<'_>,
        kind: Kind,
        [(first, of_first), (second, of_second)]: [(&[u8], Fate); 2],
    ) {
        let deed = match (of_first, of_second) {
            (Fate::Permit, Fate::Permit) => return,
            (Fate::Permit, _) => take_addresses(element, &[second], None),
            (_, Fate::Permit) => take_addresses(element, &[first], of_first.how()),
            _ => take_addresses(element, &[first, second], of_first.or_stricter(of_second).how()),
        };
        self.done(element, of_first.or_stricter(of_second), kind, deed);
    }

    /// The strictest fate in a list of candidates when used so, of those that count.
    pub(super) fn fate_of_list(
        &self,
        list: &[u8],
        uses: &[Use],
        counts: impl Fn(&[u8]) -> bool,
    ) -> Fate {
        // Of nearly all, only their host is read.
        let unclear = candidates(list).filter(|candidate| !self.leads_elsewhere(candidate, uses));
        let fates = unclear
            .map(address_of)
            .filter(|address| counts(address))
            .map(|address| self.fate_of_url_as(address, uses));
        fates.fold(Fate::Permit, Fate::or_stricter)
    }

    /// Takes the addresses of a link that fetches or hints.
    pub(super) fn link(&mut self, element: &mut Element<'_>) {
        let Some(rel) = element.attribute(b"rel") else { return };
        let uses = relation_uses(&rel);
        if uses.is_empty() {
            return;
        }
        let mut of_address = Fate::Permit;
        if let Some(href) = element.written(b"href") {
            of_address = self.fate_at_as(href, uses);
            if self.fates.unlisted_scripts
                && loads_script(&rel, &element.attribute(b"as").unwrap_or_default())
            {
                of_address = of_address.or_stricter(self.fate_at(href, Use::Script));
            }
            let mut types = rel.split(u8::is_ascii_whitespace);
            if is_data(&href.value()) && types.any(|of| of.eq_ignore_ascii_case(b"stylesheet")) {
                of_address = of_address.or_stricter(self.fate_of_data_style(&href.value()));
            }
        }
        let set = element.attribute(b"imagesrcset");
        let of_list = set.map_or(Fate::Permit, |set| self.fate_of_list(&set, uses, |_| true));
        self.take_withheld(element, Kind::Hint, [(b"href", of_address), (b"imagesrcset", of_list)]);
    }

    /// A stylesheet that stands in its own address.
    fn fate_of_data_style(&self, address: &[u8]) -> Fate {
        let url = self.bases[0].join(&String::from_utf8_lossy(address)).ok();
        let style = url.as_ref().and_then(|url| data_url::DataUrl::process(url.as_str()).ok());
        let Some((style, _)) = style.and_then(|style| style.decode_to_vec().ok()) else {
            return Fate::Permit;
        };
        let gone = css::without(&style, |address| self.withheld_image(address));
        let fates = gone.into_iter().flat_map(|(_, gone)| gone);
        fates.fold(Fate::Permit, Fate::or_stricter)
    }

    /// A page that leads on by itself leads to no withheld vendor.
    pub(super) fn meta(&mut self, element: &mut Element<'_>) {
        let Some(does) = element.attribute(b"http-equiv") else { return };
        let Some(content) = element.attribute(b"content") else { return };
        if does.eq_ignore_ascii_case(b"content-security-policy") {
            self.policy(element, &content);
        }
        if !does.eq_ignore_ascii_case(b"refresh") {
            return;
        }
        let Some(to) = refresh::target(&content) else { return };
        let fate = self.fate_of_url_as(to, &refresh::USES);
        if fate != Fate::Permit {
            element.remove();
            self.done(element, fate, Kind::Refresh, Deed::Removed);
        }
    }

    /// A policy in the page: it counts for what comes behind it, ours as well.
    fn policy(&mut self, element: &mut Element<'_>, policy: &[u8]) {
        let text = String::from_utf8_lossy(policy);
        self.hashes = self.hashes.and(&text);
        if let Some(insertion) = &mut self.insertion {
            insertion.reload |= csp::wants_trusted_types(&text);
            if insertion.nonce.is_none() {
                insertion.nonce = csp::nonce_in(&text);
            }
        }
        let insertion = self.insertion.as_ref();
        // The guard stands before it, and is bound by none of these.
        let ours = Ours::of(&self.snapshot, &self.bases[0], insertion, None);
        if let Some(changed) = ours.let_into(&text).filter(|_| policy.is_ascii()) {
            self.hashes.ours |= changed.by_digest;
            element.set_attribute(b"content", changed.text.as_bytes());
        }
    }

    /// A stylesheet in the page. Where policies list digests it stays: changed, none of it would count,
    /// and the policy says as well which pictures may be fetched.
    pub(super) fn style(&mut self, element: &mut Element<'_>) {
        if self.hashes.styles {
            return;
        }
        let Some(text) = element.text() else { return };
        if let Some((left, gone)) = css::without(text, |address| self.withheld_image(address)) {
            element.set_text(left);
            self.done_in_style(element, &gone);
        }
    }

    /// What becomes of a picture in a stylesheet, if it goes.
    pub(super) fn withheld_image(&self, address: &[u8]) -> Option<Fate> {
        Some(self.fate_of_url(address, Use::Image)).filter(|fate| *fate != Fate::Permit)
    }

    /// Counts the addresses that went from a stylesheet.
    pub(super) fn done_in_style(&mut self, element: &Element<'_>, gone: &[Fate]) {
        let mut tally = Tally::default();
        for whose in gone.iter().filter_map(|fate| fate.whose()) {
            tally.add(whose, Kind::Image);
        }
        self.done_all(element, &tally, Deed::StyleCleared);
    }
}

/// Takes the addresses of an element; or all of it, where that is how it is withheld and nothing stands
/// in it that is shown instead.
pub(super) fn take_addresses(
    element: &mut Element<'_>,
    addresses: &[&[u8]],
    how: Option<How>,
) -> Deed {
    let stands_alone = matches!(
        element.name(),
        b"img" | b"image" | b"source" | b"link" | b"embed" | b"frame" | b"iframe"
    );
    if how == Some(How::Strip) && stands_alone && element.namespace() == Namespace::Html {
        element.remove();
        return Deed::Stripped;
    }
    for address in addresses {
        element.remove_attribute(address);
    }
    Deed::AddressTaken
}
