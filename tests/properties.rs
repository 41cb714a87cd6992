//! What must hold for every input that the network can bring.

use std::sync::LazyLock;

use http::header::{COOKIE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use kelisim::gate::cookies::{ConsentCookie, spans};
use kelisim::gate::request::{self, is_withheld};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::gate::validators::{Condition, Variant, tag, untag};
use kelisim::observe::{Agent, PageAddress};
use kelisim::policy::{Record, Signal, Visitor, decide};
use kelisim::rules::Mode;
use kelisim::snapshot::Snapshot;
use kelisim::subject::form::local_path;
use kelisim::time::Time;
use kelisim::{banner, demo, rules};
use proptest::prelude::*;

fn seal() -> Seal {
    Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[])
}

/// The shipped rules, read once for all cases.
static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    Snapshot::new(rules, seal())
});

/// A `Cookie` field as browsers, programs and attackers write it.
fn cookie_field() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        Just(b"_ym_uid".to_vec()),
        Just(b"_ga".to_vec()),
        Just(b"__Host-consent".to_vec()),
        Just(b"sb_session".to_vec()),
        proptest::collection::vec(prop_oneof![0x20u8..0x7f, 0x80u8..=0xff], 0..8),
    ];
    let value = proptest::collection::vec(prop_oneof![0x20u8..0x7f, 0x80u8..=0xff], 0..12);
    let space = prop_oneof![Just(""), Just(" "), Just("\t "), Just("  ")];
    let pair = (space.clone(), name, space, value, any::<bool>()).prop_map(
        |(before, name, after, value, equals)| {
            let equals = if equals { "=" } else { "" };
            [before.as_bytes(), &name, after.as_bytes(), equals.as_bytes(), &value].concat()
        },
    );
    proptest::collection::vec(pair, 0..8).prop_map(|pairs| pairs.join(&b';'))
}

proptest! {
    #[test]
    fn cookies_that_stay_keep_their_bytes_and_order_and_no_other_travels(
        fields in proptest::collection::vec(cookie_field(), 1..4),
    ) {
        let snapshot = &*SNAPSHOT;
        let conditions = snapshot.conditions(Time(1_795_000_000), Record::Readable);
        let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
        let mut headers = HeaderMap::new();
        for field in &fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field).expect("field bytes"));
        }
        let own = ConsentCookie::Host;
        let (rules, seal) = (&snapshot.rules, &snapshot.seal);
        let sorted = request::cookies(&headers, rules, &verdicts, &own, seal, Mode::Enforce);

        let stays = |name: &[u8]| {
            !own.is_ours(name) && !is_withheld(name, &snapshot.rules, &verdicts)
        };
        let expected: Vec<(&[u8], &[u8])> = fields
            .iter()
            .flat_map(|field| spans(field))
            .filter(|cookie| stays(cookie.name))
            .map(|cookie| (cookie.name, cookie.value))
            .collect();
        let kept = sorted.kept.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
        let kept: Vec<_> = spans(kept).map(|cookie| (cookie.name, cookie.value)).collect();
        // Nothing at all and one empty cookie are the same bytes.
        let filled = |cookies: Vec<(&[u8], &[u8])>| -> Vec<(Vec<u8>, Vec<u8>)> {
            cookies
                .into_iter()
                .filter(|(name, value)| !(name.is_empty() && value.is_empty()))
                .map(|(name, value)| (name.to_vec(), value.to_vec()))
                .collect()
        };
        prop_assert_eq!(filled(kept), filled(expected));
        for name in &sorted.withheld {
            prop_assert!(is_withheld(name, &snapshot.rules, &verdicts));
        }
    }

    #[test]
    fn a_field_without_withheld_cookies_travels_as_it_came(value in "[a-z]{1,5}=[!-:<-~]{0,9}(;[ ]?[a-z]{1,5}=[!-:<-~]{0,9}){0,5}") {
        let snapshot = &*SNAPSHOT;
        let conditions = snapshot.conditions(Time(1_795_000_000), Record::Readable);
        let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, value.parse().expect("a field"));
        let (rules, seal, own) = (&snapshot.rules, &snapshot.seal, ConsentCookie::Host);
        let sorted = request::cookies(&headers, rules, &verdicts, &own, seal, Mode::Enforce);
        let kept = sorted.kept.expect("nothing was withheld");
        prop_assert_eq!(kept.as_bytes(), value.as_bytes());
    }

    #[test]
    fn what_we_did_not_seal_never_opens(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(seal().open(&bytes), None);
        let encoded = data_encoding::BASE64URL_NOPAD.encode(&bytes);
        prop_assert_eq!(seal().open(encoded.as_bytes()), None);
    }

    #[test]
    fn entity_tags_come_back_as_the_site_gave_them(weak: bool, opaque in "[!#-~]{0,40}", other: u64) {
        let etag = format!("{}\"{opaque}\"", if weak { "W/" } else { "" });
        let mut upstream = HeaderMap::new();
        upstream.insert(ETAG, etag.parse().expect("a field"));
        let state = Variant::of(&[b"state"]);
        let mut request = HeaderMap::new();
        request.insert(IF_NONE_MATCH, tag(&upstream, state).expect("a tag"));
        let back = Condition::Ours(Some(etag.parse().expect("a field")));
        prop_assert_eq!(untag(&request, state), back);
        prop_assert_eq!(untag(&request, Variant::of(&[&other.to_be_bytes()])), Condition::Ours(None));
    }

    #[test]
    fn a_path_to_return_to_never_leaves_the_site(given in "[/\\\\\t\n .:@?#a-z2e%]{0,20}|//?[a-z.]{1,8}/?.{0,9}") {
        if let Some(path) = local_path(&given) {
            let here = url::Url::parse("https://send-box.com/a/b").expect("an address");
            let followed = here.join(&path).expect("a path that was accepted");
            prop_assert_eq!(followed.origin(), here.origin(), "{:?} gave {:?}", given, path);
            prop_assert!(HeaderValue::from_str(&path).is_ok());
        }
    }

    #[test]
    fn no_path_or_agent_is_too_odd_for_a_log(path in ".{0,700}", agent in proptest::collection::vec(any::<u8>(), 0..700)) {
        let page = PageAddress::of_path(&path);
        prop_assert!(!page.path().contains('@') && !page.path().contains('?'));
        prop_assert!(!Agent::of_field(&agent).family().is_empty());
    }

    #[test]
    fn what_a_form_names_is_never_markup_in_our_answer(what in ".{0,60}") {
        let texts = SNAPSHOT.rules.texts("ru");
        let error = |what| {
            let failure = banner::view::Failure::UnknownChoice(what);
            banner::pages::error(texts, &SNAPSHOT.style, failure, None)
        };
        let (page, plain) = (error(&what), error(""));
        prop_assert_eq!(page.matches('<').count(), plain.matches('<').count());
    }
}
