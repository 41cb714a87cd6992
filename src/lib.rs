//! Kelisim (Kazakh *келісім*: consent): a consent gateway.
//!
//! A reverse proxy that stands in front of a site and keeps the word that its personal-data
//! policy gives. Without a change in the site's code it withholds the tags and cookies of
//! analytics vendors until a visitor agrees, logs only what each purpose of the policy
//! permits, and serves the consent banner and the visitor's rights.
//!
//! # The one idea
//!
//! For every request one small value is computed, the [verdicts](policy::Verdicts): for each
//! purpose of the policy either a *permit*, or a reason to withhold. It is a pure function of
//! the policy in force, the visitor's choices and the browser's signal. Cookies, tags, logs,
//! the banner and the answers under `/.consent/` all read that one value, so they cannot
//! disagree.
//!
//! # Floors
//!
//! Imports only go down; `tests/tidy.rs` holds them to it.
//!
//! | floor | modules | what it is |
//! |---|---|---|
//! | 0 words | [`time`], [`policy`] | purposes, terms, choices, the decision; no clock, file or HTTP |
//! | 1 tools | [`rules`], [`html`], [`coding`], [`charset`], [`banner`], [`superseded`], [`settings`], [`bounds`] | files into rules; markup that streams; how bodies are packed and encoded; pages and wording; withdrawn ids; what a setting is; timeouts and limits |
//! | 2 gate | [`gate`], [`guard`], [`face`], [`snapshot`], [`fault`] | what passes between visitor and site; what runs first in a page; all that a request needs, as one value; failures |
//! | 3 disk, clock | [`clock`], [`deadline`], [`store`], [`observe`], [`tls`] | the time and who lets it pass; the record of consent; the purpose logs and counters; certificates |
//! | 4 pages | [`subject`], [`admin`] | what a person does about their data; health and metrics |
//! | 5 path | [`proxy`] | one function from a request to its answer; connections to the site; what is in force |
//! | 6 house | [`config`], [`server`], [`reload`], [`handover`], [`demo`], [`load`], [`app`], [`cli`] | the settings, sockets, the strict front door, new settings and new processes, load tests, threads, commands |
//!
//! Floors 0 to 2 are pure: time is an argument, files arrive as `(path, text)`.
//!
//! # A request's walk
//!
//! 1. [`server`] accepts the connection if there is a place for it, is told by a listed balancer who
//!    comes, and completes TLS. Over HTTP/1 its front door follows the requests by strict rules, and
//!    hyper reads only what passed, and is let go while the connection rests; over HTTP/2 a guard counts frames, and cuts who floods.
//! 2. [`proxy::Worker::handle`] is given what is in force, one [`proxy::InForce`] with its
//!    [`snapshot::Snapshot`] of the rules, and holds to it to the end.
//! 3. [`gate::asker`] opens the sealed consent cookie, is given the superseded ids, and says
//!    who asks and what their browser signals.
//! 4. [`policy::decide()`] gives the verdicts.
//! 5. What lies under `/.consent/`, and what others look for under `/.well-known/`, is answered by [`subject`];
//!    everything else is the site's.
//! 6. What the site would serve of a withheld vendor is answered by [`gate::first_party`], without
//!    the site. [`gate::request`] keeps permitted cookies byte for byte; the path's `headers` drops what
//!    belongs to one connection and states anew where the request came from.
//! 7. The path's `upstream` chooses a server, sends it there and awaits the head of the answer.
//! 8. [`gate::response`] keeps permitted `Set-Cookie` lines and makes what depends on consent the
//!    visitor's own; [`gate::expiry`] expires withheld cookies; [`gate::validators`] tags the page.
//! 9. If the page has to change, it goes through a [`gate::stream`]: unpacked, read in its
//!    encoding, changed by [`gate::document`], which is an [`html::Edit`], and packed again.
//!    A script that begins like a vendor's library is a matter for [`gate::first_party`], too.
//!    A page in which anything may be withheld begins with a [`guard`]: it takes what scripts insert later.
//!    Everything else passes as it came, still compressed. Documents and the code of workers go out beside a
//!    policy of approved hosts ([`gate::csp`]), if the operator wants one. Where the operator only observes, or the page
//!    is exempt, all that steps 6 to 9 would change is counted in a [`gate::tally`], and stays as it is.
//!    Of some answers a [`gate::scout`] tells what no rule knows; [`observe::Discoveries`] keeps it.
//! 10. [`observe`]: each permit opens its own categories into a line of its own log. Lines wait in memory
//!     and are written together; where too much waits one is dropped and counted. The visitor never waits.
//! 11. Any failure is a [`fault::Fault`], and becomes a page, a status and a log line in one
//!     place.
//!
//! # Invariants
//!
//! - Only [`policy::decide()`] makes a [`policy::Permit`]; only a permit opens a
//!   [`policy::Personal`]. *(It does not compile otherwise: the examples there.)*
//! - What is unreadable is a refusal: a bad cookie or seal, an expired or superseded choice, a
//!   record that cannot be read. The site is served all the same. *(`tests/decisions.txt`;
//!   `tests/scenarios/`: forged, expired, withdrawn; `tests/process.rs`.)*
//! - What is withheld keeps its place in the page, so that frameworks find what they look for and make
//!   nothing anew, unless a rule says `strip` or `stub`. *(`tests/frameworks.rs`, `tests/dom.rs`.)*
//! - A tag that matched never goes out runnable, unless all rules that matched only report. A page that
//!   cannot be read goes out behind a policy that lets nothing reach another host. *(`tests/scenarios/`,
//!   `tests/browser.rs`.)*
//! - No script of a page can agree: what a page's guard lets pass is what the gateway says is permitted.
//!   *(`tests/vectors.rs`, `tests/run_time.rs`.)*
//! - No identifier before a choice, and none for a refusal: who refuses the same text on the
//!   same day holds the same bytes. *(`tests/scenarios/`.)*
//! - No terms of a purpose change unannounced: on each page, a week ahead, by a list that is made by comparing.
//!   Then those are asked whose purpose changed, and nobody else. *(`tests/scenarios/policy_announced.txt`,
//!   `terms_changed.txt`, `wording_changed.txt`; `tests/policy.rs`.)*
//! - What is counted of answers has nobody in it. *(`tests/policy.rs`.)*
//! - An agreement that no person made, by what a browser that would say so says, is not recorded; a refusal
//!   is. *([`gate::attestation`]; `tests/scenarios/unattested.txt`.)*
//! - What is held about a person is shown to no script of a page. *(`tests/scenarios/my_data.txt`.)*
//! - Each choice has a receipt that holds, and none holds of which a byte was changed.
//!   *(`tests/rights.rs`; [`subject::receipt::proof`].)*
//! - Every row of the record resolves to all that the Law wants in a consent, in the visitor's language.
//!   *(`tests/rights.rs`.)*
//! - Who is forgotten stands nowhere any more, and their id never counts again; the record's chain holds
//!   without them. It is on the disk before it is said. *(`src/store/tests.rs`; `tests/rights.rs` kills the
//!   gateway.)*
//! - Requests and responses pass byte for byte where no rule speaks. *(`tests/scenarios/`, `tests/passes.rs`,
//!   `tests/equality.rs`;
//!   for markup `tests/html_tokenizer.rs`, `tests/html_cuts.rs` and `tests/stream.rs`.)*
//! - A choice is on the disk before it is answered. Where the disk fails an agreement is
//!   refused, and a withdrawal counts all the same: in memory, and by a mark that the next
//!   start heeds. *(`tests/process.rs` and `tests/withdrawals.rs` kill the gateway.)*
//! - A rule set that exists is whole: examples played, languages complete, notice given. A reload
//!   puts all of the new into force or nothing: rules, settings and certificates are one value. No
//!   setting is passed over. *(`tests/process.rs`, `tests/reload.rs`, `tests/reload_settings.rs`,
//!   `tests/reload_sites.rs`.)*
//! - A new process takes the place of the one that runs and turns nobody away; the record of consent
//!   has one writer at any time. *(`tests/handover.rs`.)*
//! - What two readers of HTTP/1 could read in two ways does not pass. *(`tests/door.rs`.)*
//! - What one HTTP/2 connection can make the gateway hold or do is bounded. *(`tests/http2_abuse.rs`.)*
//! - Nothing is exempt that the record does not know of, and no exemption outlives its day.
//!   *(`tests/scenarios/exempt.txt`, `tests/leeway.rs`.)*
//! - What `kelisim explain` tells is what is done. *(`tests/explain.rs`.)*
//! - Of several rules that speak of one thing the strictest counts: one that only reports lets pass
//!   nothing that another withholds. *(`tests/actions.rs`.)*
//! - Our policies only narrow, and let no vendor pass who is withheld; the site's own is changed by nothing
//!   but what the banner needs. *(`tests/scenarios/csp_*.txt`, `tests/csp.rs`, `tests/csp_sites.rs`.)*
//! - A list of others that only reports changes nothing, and one that holds undoes no agreement to a
//!   vendor. *(`tests/import.rs`.)*
//! - The gateway opens no connection but to the servers of the site (policy 8.2); their names the
//!   system looks up.
//!
//! # Threads
//!
//! One thread per core, each pinned, with its own `current_thread` runtime, listeners
//! (`SO_REUSEPORT`), connections to the site and counters. What they share is one immutable
//! value of what is in force, the map of superseded ids, and what is known of each server: one thread checks their
//! health and looks their names up. SQLite and the log files have threads of their own
//! behind bounded queues.

pub mod admin;
pub mod app;
pub mod banner;
pub mod bounds;
pub mod charset;
pub mod cli;
pub mod clock;
pub mod coding;
pub mod config;
pub mod deadline;
pub mod demo;
pub mod face;
pub mod fault;
pub mod gate;
pub mod guard;
pub mod handover;
pub mod html;
pub mod load;
pub mod observe;
pub mod policy;
pub mod proxy;
pub mod reload;
pub mod rules;
pub mod server;
pub mod settings;
pub mod snapshot;
pub mod store;
pub mod subject;
pub mod superseded;
pub mod time;
pub mod tls;
