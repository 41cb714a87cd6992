//! `rules/site.toml`: whose site this is.
//!
//! Own hosts, languages, where the permanent control stands, and who the operator is, as
//! pages and receipts name them.
//!
//! Where the gate is to do otherwise than the rules say is in `leeway`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use encoding_rs::Encoding;
use schemars::JsonSchema;
use serde::Deserialize;

use super::RuleFile;
use super::first_party::{self, SitePath};
use super::leeway::{self, ConsentMode, Csp, Exempt, Mode, SiteBanner, Unlisted, UnlistedTable};
use super::page_kind::{self, PageKind};
use super::pattern::HostPattern;
use super::policy::purposes_by_name;
use super::problem::Problem;
use super::schema;
use super::source::Source;
use super::theme::{self, ThemeTable};
use crate::banner::{Texts, Theme};
use crate::coding::Levels;
use crate::policy::{PerPurpose, Purpose};
use crate::time::Time;

/// A wording in each of the site's languages, by language code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Localized(BTreeMap<String, String>);

impl Localized {
    /// The wording in `language`, which the loader has made sure exists.
    pub fn get(&self, language: &str) -> &str {
        self.0.get(language).map_or("", String::as_str)
    }

    /// All there is, by language.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(language, text)| (language.as_str(), text.as_str()))
    }

    /// Says it in a language that this wording lacks.
    pub(super) fn complete(&mut self, language: &str, text: &str) {
        self.0.entry(language.to_owned()).or_insert_with(|| text.to_owned());
    }

    /// The languages of the site that this wording lacks.
    pub(super) fn missing<'a>(&'a self, languages: &'a [String]) -> impl Iterator<Item = &'a str> {
        languages.iter().map(String::as_str).filter(|language| self.get(language).is_empty())
    }
}

/// Where a visitor finds the settings again after choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// A small button that the gateway puts on every page.
    Button,
    /// The site links `/.consent/` itself.
    Link,
}

/// Who runs the site and answers for the data (policy 2.1).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Business identification number.
    pub bin: String,
    /// Telephone.
    pub phone: String,
    /// E-mail.
    pub email: String,
    /// Legal name.
    pub name: Localized,
    /// Postal address.
    pub address: Localized,
}

/// The site.
#[derive(Clone, Debug)]
pub struct Site {
    /// Own hosts.
    pub hosts: Vec<HostPattern>,
    /// Languages; the first is the default.
    pub languages: Vec<String>,
    /// Where settings are found again.
    pub control: Control,
    /// The domain whose sub-domains share one consent, if any do.
    pub share: Option<String>,
    /// Purposes that are stopped for everybody.
    pub suspended: PerPurpose<bool>,
    /// The encoding of pages that name none, if the operator says one.
    pub encoding: Option<&'static Encoding>,
    /// How hard changed pages are packed.
    pub compression: Levels,
    /// Whether changed pages are packed that the site did not pack.
    pub packs_plain: bool,
    /// What the site itself serves of vendors.
    pub paths: Vec<SitePath>,
    /// Whether the gate acts.
    pub mode: Mode,
    /// Whether pages come behind a policy that names the hosts they may reach.
    pub csp: Csp,
    /// Who tells Google's tags what they may do.
    pub consent_mode: ConsentMode,
    /// Pages that are not gated for a time.
    pub exempt: Vec<Exempt>,
    /// What is done with what no rule knows.
    pub unlisted: Unlisted,
    /// The kinds of pages by which answers are counted.
    pub page_kinds: Vec<PageKind>,
    /// What is done about banners that the site has already.
    pub banner: SiteBanner,
    /// How the banner and our pages look.
    pub theme: Theme,
    /// The operator.
    pub operator: Operator,
    /// The file that this stands in.
    pub path: String,
}

impl Site {
    /// Whether the gate acts on a page. An exemption counts if it is in the record.
    pub fn mode_at(&self, path: &str, now: Time, recorded: bool) -> Mode {
        let covers = |exempt: &Exempt| exempt.is_in_force(now) && exempt.covers(path);
        match self.mode {
            Mode::Enforce if recorded && self.exempt.iter().any(covers) => Mode::Observe,
            mode => mode,
        }
    }

    /// The kind of the page at a path, as it is counted.
    pub fn page_kind(&self, path: &str) -> &str {
        page_kind::of(&self.page_kinds, &self.languages, path)
    }

    /// The kind of page that a form says it was on: one that there is, whatever it says.
    pub fn page_kind_named(&self, given: Option<&str>) -> &str {
        page_kind::named(&self.page_kinds, given)
    }

    /// The exemptions that have not ended.
    pub fn exempt_at(&self, now: Time) -> impl Iterator<Item = &Exempt> {
        self.exempt.iter().filter(move |exempt| exempt.is_in_force(now))
    }

    /// Whether a host (lower case, without port) is the site's own.
    pub fn has_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| own.matches(host))
    }

    /// The first host that is named in full.
    pub fn host(&self) -> Option<&str> {
        self.hosts.iter().find_map(|host| match host {
            HostPattern::Exact(name) => Some(name.as_str()),
            HostPattern::Under(_) | HostPattern::Any(_) => None,
        })
    }

    /// Whether `domain` is one of the site's own, rather than one above them that others
    /// share: `send-box.com` is, `com` is not. Of a host that is in no list nothing is known.
    pub fn owns(&self, domain: &str) -> bool {
        let below = |own: &str| {
            domain.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.hosts.iter().any(|host| match host {
            HostPattern::Exact(name) | HostPattern::Under(name) => below(name),
            HostPattern::Any(_) => host.matches(domain),
        })
    }

    /// The site's language that a tag (BCP 47) asks for: `kk-KZ` is `kk`. Pages of this
    /// country often say `kz`, which is the country's code, and mean `kk`.
    pub fn language(&self, tag: &str) -> Option<&str> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        let primary = if primary.eq_ignore_ascii_case("kz") { "kk" } else { primary };
        self.languages.iter().map(String::as_str).find(|code| code.eq_ignore_ascii_case(primary))
    }
}

/// The site that the gateway stands in front of.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteFile {
    /// Its own hosts: `example.kz`, `*.example.kz` for any below it, `example.*` for any ending.
    hosts: Vec<String>,
    /// Languages of banner and pages, each with a file in `texts`. The first is the default.
    languages: Vec<String>,
    /// How the visitor reaches the settings after a choice.
    control: Control,
    /// A domain whose sub-domains share one consent.
    share: Option<String>,
    /// Purposes that are stopped for everybody.
    #[serde(default, deserialize_with = "purposes_by_name")]
    #[schemars(schema_with = "schema::purposes")]
    suspended: Vec<Purpose>,
    /// The encoding of pages that name none.
    encoding: Option<String>,
    /// How hard changed pages are packed.
    #[serde(default)]
    compression: Compression,
    /// Whether the gate acts, or only counts what it would do.
    #[serde(default)]
    mode: Mode,
    /// Whether pages come behind a policy that names the hosts they may reach.
    #[serde(default)]
    csp: Csp,
    /// Who tells Google's tags what they may do (Consent Mode v2).
    #[serde(default, rename = "consent-mode")]
    consent_mode: ConsentMode,
    /// What is done with what no rule knows.
    #[serde(default)]
    unlisted: UnlistedTable,
    /// How the banner and our own pages look.
    #[serde(default)]
    banner: ThemeTable,
    /// Who processes the data.
    operator: Operator,
}

/// How hard changed pages are packed: more is smaller and slower.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
struct Compression {
    /// 1 to 19.
    zstd: Option<i64>,
    /// 0 to 11.
    br: Option<i64>,
    /// 1 to 9.
    gzip: Option<i64>,
    /// Whether pages are packed, too, that the site did not pack.
    #[serde(default)]
    plain: bool,
}

/// Reads `site.toml`, which lies among these files.
pub(super) fn read(
    path: &str,
    text: &str,
    files: &[RuleFile],
    texts: &BTreeMap<String, Texts>,
    problems: &mut Vec<Problem>,
) -> Option<Site> {
    let mut source = Source::open(path, text, problems);
    let exempt = source.each("exempt");
    let exempt = leeway::exempt(&mut source, exempt);
    let banner = leeway::site_banner(&mut source);
    let page_kinds = page_kind::read(&mut source);
    let unlisted_line = source.line_of("unlisted");
    let line = |source: &Source<'_>, key| source.line_of(key);
    let (hosts_line, languages_line, share_line, operator_line, encoding_line, compression_line) = (
        line(&source, "hosts"),
        line(&source, "languages"),
        line(&source, "share"),
        line(&source, "operator"),
        line(&source, "encoding"),
        line(&source, "compression"),
    );
    let paths = first_party::paths_of_site(&mut source);
    let theme_lines = theme::Lines::of(&source);
    let mut file: SiteFile = source.rest()?;

    let mut hosts = Vec::new();
    for host in &file.hosts {
        match HostPattern::parse(host) {
            Ok(pattern) => hosts.push(pattern),
            Err(text) => source.problem(hosts_line, text),
        }
    }
    if file.hosts.is_empty() {
        source.problem(hosts_line, "`hosts` is empty; name the site's own host, e.g. `example.kz`");
    }
    if file.languages.is_empty() {
        source.problem(languages_line, "`languages` is empty; the first one is the default");
    }
    if let Some(share) = &file.share {
        // A domain that is not the site's own, or a bare top-level one, would hand the
        // consent of this site to others.
        let owns = hosts.iter().any(|host| match host {
            HostPattern::Exact(name) | HostPattern::Under(name) => {
                name == share || name.ends_with(&format!(".{share}"))
            }
            HostPattern::Any(_) => false,
        });
        if !owns || !share.contains('.') {
            source.problem(
                share_line,
                format!(
                    "`share = \"{share}\"` is not a domain of `hosts`; name the one that they share"
                ),
            );
        }
    }
    complete(&mut source, operator_line, &mut file, texts);
    let encoding = file.encoding.as_deref().and_then(|label| {
        let known = Encoding::for_label(label.as_bytes());
        let readable = known.filter(|encoding| encoding.is_ascii_compatible());
        if readable.is_none() {
            let text = format!(
                "`encoding = \"{label}\"` is no encoding that pages without a charset can be read in; \
                 name one like `utf-8` or `windows-1251`"
            );
            source.problem(encoding_line, text);
        }
        readable
    });
    let theme = theme::read(&mut source, &theme_lines, &file.banner, files);
    let compression = levels(&mut source, compression_line, &file.compression);
    let SiteFile {
        languages,
        control,
        share,
        suspended,
        operator,
        mode,
        csp,
        consent_mode,
        unlisted,
        ..
    } = file;
    let unlisted = leeway::unlisted(&mut source, unlisted_line, unlisted);
    Some(Site {
        hosts,
        languages,
        control,
        share,
        suspended: PerPurpose::from_fn(|purpose| suspended.contains(&purpose)),
        encoding,
        compression,
        packs_plain: file.compression.plain,
        paths,
        mode,
        csp,
        consent_mode,
        exempt,
        unlisted,
        page_kinds,
        banner,
        theme,
        operator,
        path: path.to_owned(),
    })
}

/// Says who the operator is in the languages that the file lacks, as far as those say it.
fn complete(
    source: &mut Source<'_>,
    line: usize,
    file: &mut SiteFile,
    texts: &BTreeMap<String, Texts>,
) {
    let operator = &mut file.operator;
    for (language, texts) in texts {
        if let Some(words) = &texts.translated.operator {
            operator.name.complete(language, &words.name);
            operator.address.complete(language, &words.address);
        }
    }
    for (what, wording) in [("name", &operator.name), ("address", &operator.address)] {
        for language in wording.missing(&file.languages) {
            source.problem(line, format!("operator {what} lacks language `{language}`"));
        }
    }
}

/// How hard changed pages are packed.
fn levels(source: &mut Source<'_>, line: usize, given: &Compression) -> Levels {
    let mut level = |name: &str, given: Option<i64>, range: RangeInclusive<u8>, usual: u8| {
        let level = given.map_or(Some(usual), |level| u8::try_from(level).ok());
        level.filter(|level| range.contains(level)).unwrap_or_else(|| {
            let (least, most) = (range.start(), range.end());
            let given = given.unwrap_or_default();
            let text = format!(
                "`{name} = {given}` is no level of {name}; name one from {least} to {most}"
            );
            source.problem(line, text);
            usual
        })
    };
    let usual = Levels::default();
    Levels {
        zstd: level("zstd", given.zstd, Levels::ZSTD, usual.zstd),
        br: level("br", given.br, Levels::BR, usual.br),
        gzip: level("gzip", given.gzip, Levels::GZIP, usual.gzip),
    }
}
