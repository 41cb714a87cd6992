// What runs in the page: `window.kelisim`, as the gateway in front of this site puts it there.
// Copy this file into your sources, or name its address in a `/// <reference path="…" />`.

declare namespace Kelisim {
  /** The purposes of the policy, clauses 4.1 to 4.7. */
  type Purpose = 'contract' | 'operation' | 'analytics' | 'scoring' | 'marketing' | 'subject-requests' | 'security';

  /** Why a purpose is withheld. */
  type Reason =
    | 'not-asked'
    | 'declined'
    | 'withdrawn'
    | 'expired'
    | 'terms-changed'
    | 'signalled-refusal'
    | 'undeclared'
    | 'suspended'
    | 'unverified';

  /** What holds for one purpose. */
  type Verdict =
    | { readonly verdict: 'permit'; readonly reason: null }
    | { readonly verdict: 'withhold'; readonly reason: Reason };

  /** What holds for this visitor. */
  type State = Readonly<Record<Purpose, Verdict>>;

  /**
   * - `ready`: the page is parsed and this is what it came with; who subscribes later is called at once.
   * - `choice`: something else holds than before: an answer, here or in another tab, or a term that ended.
   * - `release`: what was permitted now runs in this page.
   * - `withdraw`: what was withdrawn is stopped in this page, which may be loaded anew right after.
   */
  type Event = 'ready' | 'choice' | 'release' | 'withdraw';

  interface Api {
    /**
     * Asks the gateway what holds and brings the page up to date. With `false` what was withdrawn goes and nothing is
     * released. Rejects where the gateway cannot be reached.
     */
    state(release?: boolean): Promise<State>;

    /** Leads to the settings and back; where the banner is in the page, to that. */
    open(): void;

    /**
     * Brings up the banner for purposes that are not permitted, also to somebody who has declined, and resolves with what
     * holds once a person has answered: at once if all are permitted. Without purposes it is all that the site
     * asks for. Call it when a person wants something that needs consent, and at no other time.
     *
     * Where the page's policy (CSP) lets nobody bring a script in, it leads to the settings, and never resolves; nor does it
     * where the page is loaded anew with what was agreed to.
     */
    ask(purposes?: Purpose | readonly Purpose[]): Promise<State>;

    /** Declines everything that the site asks for, and takes back what was agreed to. */
    decline(): Promise<State>;

    /** Takes back everything that was agreed to. */
    withdraw(): Promise<State>;

    /** Calls a function with what holds, each time. What it returns ends that. */
    on(event: Event, heard: (state: State) => void): () => void;
  }
}

/** The same as `window.kelisim`. It is there before any script of the page's. */
declare const kelisim: Readonly<Kelisim.Api>;

interface Window {
  readonly kelisim: Readonly<Kelisim.Api>;
}

interface DocumentEventMap {
  'kelisim:ready': CustomEvent<Kelisim.State>;
  'kelisim:choice': CustomEvent<Kelisim.State>;
  'kelisim:release': CustomEvent<Kelisim.State>;
  'kelisim:withdraw': CustomEvent<Kelisim.State>;
}
