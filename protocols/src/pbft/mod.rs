//! PBFT: Practical Byzantine Fault Tolerance (Castro, Liskov, OSDI 1999), with signatures.
//!
//! # What the paper claims
//!
//! State machine replication by n = 3f + 1 replicas in an asynchronous network. *Safety*: the
//! service is linearizable, whatever the network does, if at most f replicas are faulty; any number
//! of clients may be. *Liveness*, if in addition message delays do not grow faster than time
//! forever: here, after GST (§3 of the paper).
//!
//! # Where things are
//!
//! [`message`]: what each message says. `replica.rs`: the state, one field for each variable of the
//! paper, and the one `match` that hands out what comes in. `normal.rs` (§4.2), `checkpoint.rs`
//! (§4.3), `view_change.rs` (§4.4) and [`retransmit`]: the handlers. `log.rs`: what a replica holds
//! for each slot. `lag.rs`: how it notices that it lags. `client.rs` (§4.1). `rules/`: what the
//! paper demands and a planted flaw breaks; `flaws.rs`: the names of the flaws. `lies.rs`: how
//! corrupted nodes can lie. [`evidence`]: what their statements prove against replicas.
//! `collected.rs`: what linear PBFT needs of a replica, and PBFT does not.
//!
//! # The messages
//!
//! Each statement of [`message`] is documented with what it says. A view's primary gives slots to
//! batches (`PrePrepare`); backups stand by its choice (`Prepare`); who knows that a quorum does
//! says so (`Commit`); who knows that a quorum *knows* executes and answers (`Reply`).
//!
//! # The thresholds
//!
//! * Quorum, 2f + 1: two of them share f + 1 replicas, one of them correct. For general n it is
//!   ceil((n + f + 1) / 2) ([`crate::shared::quorum::quorum`]).
//! * *prepared*, PRE-PREPARE and 2f PREPAREs: a quorum stands by the batch; no other batch can
//!   prepare in this view.
//! * *committed-local*, 2f + 1 COMMITs: f + 1 correct replicas prepared; every later view change
//!   hears of one of them.
//! * f + 1 replies, f + 1 VIEW-CHANGEs to join: one of them is from a correct replica. With reads
//!   past the order 2f + 1 replies: any two such sets share a correct replica.
//!
//! # Deviations from the paper
//!
//! * Batches: a slot orders up to `batch-max` requests; d is the digest of the list of the
//!   requests' digests (§5.1 names the idea, not the digest).
//! * The primary keeps at most `pipeline` slots open (W of §5.1, where it is a number of protocol
//!   instances). Of a client it queues the last request only: a correct one has no other open.
//! * Null requests occur in NEW-VIEWs only: a PRE-PREPARE of the normal case with an empty batch is
//!   refused (§4.2 and §4.4 do not say whether it is one).
//! * Two PRE-PREPAREs of one primary for one slot are reported as proof, and change nothing else;
//!   the paper names no proofs of misbehaviour.
//! * Retransmission is by STATUS messages ([`retransmit`]), sent only by replicas that are stuck;
//!   the paper's text leaves retransmission open, its library does it periodically. Any replica
//!   passes on the NEW-VIEW that opened its view. STATUS, FETCH, BATCH and STATE messages are not
//!   signed: links are authenticated, and what they carry proves itself.
//! * A replica takes a slot above the last that it executed for open if it is proposed or decided.
//!   It also asks for help if f + 1 replicas are ahead by their own word: they entered a later view,
//!   spoke of a later slot in its view, or executed one, though §4.2 has it drop most of what they
//!   say (`lag.rs`). One word alone may be a liar's: when each counted, one message made all ask
//!   for ever. Random runs left replicas behind for ever that heard of slots above their window
//!   only, or of a later view only.
//! * State transfer sends the whole state at once, with the checkpoint's proof (§4.3 and TOCS 2002
//!   describe partitions and partial digests). The state's digest covers the reply cache; the OSDI
//!   text says "the digest of the state". CHECKPOINTs above the window are heard, one of each
//!   sender, so that a replica that fell behind learns of them (§4.2 accepts nothing above H).
//! * A replica asks f + 1 of those who proved a checkpoint for its state at once, and shows them
//!   the proof. One that asked a faulty replica alone waited for its STATUS timer, and gave up
//!   correct primaries meanwhile. And a faulty replica can complete the quorum of CHECKPOINTs for
//!   one that lacks the state, and for no other: without the proof those who have the state never
//!   learn that it is stable. A guided sweep found both.
//! * A replica whose own state after a stable checkpoint's slot is not the proven one has diverged.
//!   It says so (`state-diverged`), fetches the proven state, and executes again what is decided
//!   above it. It signs no CHECKPOINT for a slot that it signed one for before: with more than f
//!   faulty replicas the two could differ, and would prove it guilty. The paper does not treat the
//!   case.
//! * A batch that a NEW-VIEW proposes by its digest alone, and that a backup lacks, is fetched; the
//!   backup sends its PREPARE meanwhile, and takes the batch for *prepared* only when it has it.
//! * Agreement messages of a view that a replica has not entered yet, and of slots above its
//!   window, are kept, up to a bound, instead of dropped: links are not FIFO, and a backup may hear
//!   others before the NEW-VIEW, or before the CHECKPOINTs that move its window. Where each correct
//!   vote was needed, a random run gave up a correct primary for a proposal that was dropped.
//! * The signature on a VIEW-CHANGE or NEW-VIEW does not cover the signatures inside it, which are
//!   verified on their own. A bad one proves nothing against the sender of what is around it: any
//!   replica passes these messages on.
//! * A client's retransmission interval is fixed. The view that it takes the replicas to be in is,
//!   of the views in the f + 1 equal replies, one that a correct replica is in for certain; §4.1
//!   says that replies let the client track the view, and not how. Otherwise one liar would lead
//!   clients to a view of its choice.
//! * A replica that asked for a view and sees no quorum follow stays there, as in the paper, until
//!   others join or open a later view. §4.4 lets it accept CHECKPOINT, VIEW-CHANGE and NEW-VIEW
//!   only; here it also fetches state, and takes and executes what is proven to be decided.
//! * Of each replica the VIEW-CHANGE for the highest view is kept, and of its own ones a replica
//!   sends that one again; §4.5.2 speaks of the messages in the log, and forgets none of them.
//! * A backup passes a request on to the primary when it is new to it, whoever sent it, and what it
//!   waits for when it enters a view, and with its STATUS; §4.1 has requests passed on when they
//!   come from the client. Random sweeps found requests that backups alone knew, from a primary
//!   that equivocated and from a corrupted replica: they gave up correct primaries.
//! * The progress timer runs for the request that waits longest, and stops when that one was
//!   executed; the OSDI text leaves open whether any execution stops it, which would let a primary
//!   starve one client for as long as it serves another. A request that a backup learns of by the
//!   PRE-PREPARE alone waits as well.
//! * A client that sends a later request waits for the one before no more, as §4.1 has a correct
//!   one wait for its answer first. The later one is timed after all that arrived before it, and
//!   the timer of the one before stops. Otherwise a corrupted client, always one request ahead,
//!   would be the one that waits longest for ever, and a corrupted primary could starve all others.
//!   In the primary's queue the later request takes the place of the earlier one.
//! * The timer at the entry of a view: §4.5.2 lets the timer that waits for the NEW-VIEW run on
//!   until the new view executes a request. Here it ends with the NEW-VIEW, and the progress timer
//!   starts anew, with the same timeout, if requests wait: so a view gets up to twice the time.
//! * The wait for a NEW-VIEW starts when a quorum asks for its view *or a later one*; by §4.5.2,
//!   when one asks for that view. With these words a run gets stuck where a replica says again its
//!   last VIEW-CHANGE only: a faulty replica completes a quorum for one correct replica, which
//!   times out and moves on, and the others wait for its VIEW-CHANGE for ever. A random sweep found
//!   it.
//!   The flaw P35g takes the paper at its word; its script shows the run.
//! * A replica that lags is sent, for each slot that the sender knows to be decided, the quorum's
//!   COMMITs with the batch, and takes them as proof in whatever view it is: signatures make them
//!   transferable. With retransmission of each replica's own votes alone, as in the paper's
//!   library, runs get stuck; a random sweep found them. The flaw P45 takes the proofs away; its
//!   script shows the run. What a replica decided by such a proof it has no certificate of, and its
//!   VIEW-CHANGE does not name it: f + 1 correct replicas are prepared, and name it.
//! * Timeouts: the wait for a NEW-VIEW starts at T and doubles with each view that failed (§4.5.2);
//!   it falls back to T when a request is executed that was not before, or a state is fetched that
//!   holds it; the paper does not say when. So a corrupted client and a corrupted primary together
//!   can make it fall back once in each of that primary's views.
//! * Proofs (C, V, certificates) hold exactly a quorum of votes; one with more is refused, as what
//!   is not checked would be kept and relayed.
//! * Crash and restart, which the OSDI text does not treat: all that a replica's messages rest on
//!   is on stable storage before they are sent; waiting requests and messages of views to come are
//!   lost. See *What is written before what is sent*.
//! * Read-only requests (§5.1) are an option, `read-only`. Without tentative execution a replica's
//!   state reflects nothing that is not committed, so it answers at once. f + 1 replies to a write
//!   and 2f + 1 to a read give stale reads, so that every request needs 2f + 1 replies then (the
//!   flaw P20b). The client compares not the answers alone, as §5.1 says, but also the slots that
//!   the states are from: a key that holds one value, then another, then the first again lets two
//!   reads contradict each other (P49; derived here, and not found in print). That a request is a
//!   read, and the slot of its answer, are not signed: links are authenticated, and whoever orders
//!   a read does what its client does when its time is up.
//! * 2f + 1 replies in order are what all correct replicas together give, so one that a faulty
//!   primary leaves out must not stay behind: the hole in liveness that Berger, Reiser and Bessani
//!   found (SRDS 2021; P20). The remedy here is the proof of decisions above, which a replica is
//!   sent when it says how far it came, and the last replies, which are in the state that it
//!   fetches. Theirs, by the words of their implementation in BFT-SMaRt (*decision forwarding*), is
//!   the same: a replica that sees votes on what it lacks asks for the decision, and is sent it
//!   with a quorum of signed votes; and a fetched state brings the last replies. The paper's text
//!   was not read.
//! * Not implemented: message authentication codes (§5.2), digest replies, tentative execution
//!   (§5.1), non-deterministic values (§4.6), proactive recovery (TOCS 2002).
//!
//! # What is written before what is sent
//!
//! `docs/persistence.md` has the table, which is a reconstruction: of each field of [`Replica`] and
//! [`Client`], when it is written, and which messages rest on it. All upon one input, the own
//! statements included, is one write.
//!
//! Provenance: the rules were taken from a summary whose normal case, view change and checkpoints
//! were verified against the OSDI text; state transfer and batching details are reconstructions.

mod checkpoint;
mod client;
mod collected;
pub mod evidence;
mod flaws;
mod lag;
mod lies;
mod log;
pub mod message;
mod normal;
mod outline;
mod replica;
pub mod retransmit;
mod rules;
mod view_change;

use std::rc::Rc;

use byzsim_core::forensics::{Case, Held};
use byzsim_core::{
    Committee, Conviction, Evidence, Law, NodeId, Promptness, Protocol, Signer, Span, Wait,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use client::Client;
pub use flaws::PbftFlaw;
pub use message::Msg;
pub use replica::{Replica, Timer};

use crate::catalogue::{Catalogued, Flaw as _, FlawEntry, Flaws, check_counts, check_times};
use crate::judgement;
use crate::shared::quorum::{primary, quorum};
use crate::shared::status::catching_up;
use rules::Rules;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Pbft;

/// The parameters that a scenario may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Params {
    /// K: the number of slots between checkpoints.
    pub checkpoint_interval: u64,
    /// L: how many slots above the stable checkpoint may be in use. At least 2K, or the window
    /// stalls on a single outstanding checkpoint.
    pub window: u64,
    /// The greatest number of requests in a slot.
    pub batch_max: u16,
    /// How many slots the primary keeps open at once; requests queue up meanwhile.
    pub pipeline: u64,
    /// T: how long a backup waits for a request to be executed before it suspects the primary.
    pub view_change_timeout: Span,
    /// How long a client waits before it sends its request to all replicas.
    pub client_timeout: Span,
    /// How long a replica waits without progress before it asks the others for what it lacks.
    pub status_interval: Span,
    /// §5.1: clients send reads to all replicas, which answer at once; 2f + 1 answers of one state
    /// are needed. Requests in order then need 2f + 1 replies, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// How many equal replies complete a request in order, other than f + 1, or 2f + 1 with
    /// read-only requests, to study what breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replies: Option<u16>,
    /// A quorum other than ceil((n + f + 1) / 2), to study what breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u16>,
    /// Planted flaws, by name.
    #[serde(skip_serializing_if = "Flaws::is_empty")]
    pub flaws: Flaws<PbftFlaw>,
}

impl Default for Params {
    /// K = 100 and L = 200 as in the paper; no batching; timeouts for latencies of tens of
    /// milliseconds.
    fn default() -> Self {
        Self {
            checkpoint_interval: 100,
            window: 200,
            batch_max: 1,
            pipeline: 200,
            view_change_timeout: Span::from_millis(500),
            client_timeout: Span::from_millis(300),
            status_interval: Span::from_millis(250),
            read_only: false,
            replies: None,
            quorum: None,
            flaws: Flaws::default(),
        }
    }
}

impl Protocol for Pbft {
    type Msg = Msg;
    type Timer = Timer;
    type Params = Params;
    type Replica = Replica;
    type Client = Client;

    const NAME: &'static str = "pbft";

    fn replica(signer: Rc<Signer>, committee: Committee, params: &Params) -> Replica {
        Replica::new(signer, Rules::new(committee, params), params.clone())
    }

    fn client(signer: Rc<Signer>, committee: Committee, params: &Params) -> Client {
        Client::new(signer, Rules::new(committee, params), params.clone())
    }

    /// *The chain of views.* Each doubling of the timeout before GST was preceded by a wait as long
    /// as the timeout was: T(2^k - 1) ≤ asynchrony, so at GST no timeout is longer than asynchrony
    /// and T together. From then on the view that is under way may fail, and at most f views after
    /// it have faulty primaries. Each of these costs its timeout twice at most, once for its
    /// NEW-VIEW and once for the request, and each timeout is twice the one before. The next view
    /// serves, if its timeout is as long as catching up may take; if not, a few more fail until it
    /// is. All in all 2^(f + 2) times the first timeout or the time of catching up.
    ///
    /// *The others' requests.* A faulty primary may serve, each time just before the timer expires,
    /// the one request that is timed, and nothing else. The timer runs for the request that waits
    /// longest, so at most one request of each other client is served before this one: whatever a
    /// client sends later arrived later.
    ///
    /// Where it is loose: few runs have timeouts at GST that are as long as that, and faulty
    /// primaries wherever they cost most. Where it is not a promise: if T is too short for any view
    /// to work, a corrupted client and a corrupted primary may shorten the timeouts repeatedly.
    fn liveness_bound(
        committee: Committee,
        params: &Params,
        delta: Span,
        asynchrony: Span,
    ) -> Span {
        let timeout = params.view_change_timeout;
        let catching_up = catching_up(params.status_interval, committee).at(delta);
        let chain = (timeout + asynchrony).max(catching_up);
        let chain = chain.doubled(u32::from(committee.faults) + 2);
        let others = u64::from(committee.clients.saturating_sub(1));
        // A read that finds no equal answers waits once more.
        let asks = if Rules::new(committee, params).reads_at_once() { 3 } else { 2 };
        params.client_timeout * asks + chain + (timeout + delta * 4) * others + catching_up * 2
    }

    fn leader(committee: Committee, _: &Params, view: u64) -> Option<NodeId> {
        Some(primary(committee, view))
    }

    /// A backup passes a request on, and the primary proposes it when its turn comes: after the
    /// open slots, and after one request of each other client. A slot takes three messages, and one
    /// more where the window waits for a checkpoint.
    fn promptness(committee: Committee, params: &Params) -> Option<Promptness> {
        Some(Promptness {
            settling: catching_up(params.status_interval, committee),
            serving: Wait { messages: 4 + 4 * turns(committee, params), timers: Span::ZERO },
        })
    }

    fn convicts(evidence: &Evidence, law: Law<'_, Params>) -> Conviction {
        judgement::convicts::<evidence::Exhibit>(evidence, law)
    }

    fn investigate(transcript: &[Held<Msg>], law: Law<'_, Params>) -> Case {
        evidence::search::investigate(transcript, law)
    }
}

/// After how many rounds of slots a request has its turn, when each other client has one before it.
pub(crate) fn turns(committee: Committee, params: &Params) -> u64 {
    let at_once = params.pipeline.min(params.window - params.checkpoint_interval);
    let at_once = at_once.saturating_mul(u64::from(params.batch_max)).max(1);
    u64::from(committee.clients).div_ceil(at_once).max(1)
}

impl Catalogued for Pbft {
    fn small() -> Params {
        Params { checkpoint_interval: 4, window: 8, ..Params::default() }
    }

    fn flaws() -> Vec<FlawEntry> {
        PbftFlaw::entries().collect()
    }

    fn plant(params: &mut Params, flaw: &str) -> Result<(), String> {
        params.flaws.plant(flaw)
    }

    fn check(params: &Params, committee: Committee) -> Result<(), String> {
        let Params { checkpoint_interval, window, batch_max, pipeline, .. } = *params;
        check_counts(checkpoint_interval, &[("window", window), ("pipeline", pipeline)])?;
        if window < 2 * checkpoint_interval {
            let least = checkpoint_interval.saturating_mul(2);
            return Err(format!(
                "`window` is {window}: use 2 × checkpoint-interval, {least}, or more"
            ));
        }
        if batch_max == 0 || pipeline == 0 {
            return Err("`batch-max` and `pipeline` must be 1 or more".to_owned());
        }
        check_times(&[
            ("view-change-timeout", params.view_change_timeout),
            ("client-timeout", params.client_timeout),
            ("status-interval", params.status_interval),
        ])?;
        for (name, count) in [("quorum", params.quorum), ("replies", params.replies)] {
            if let Some(count) = count
                && (count == 0 || committee.replicas < count)
            {
                return Err(format!("`{name}` is {count}: use 1 to {}", committee.replicas));
            }
        }
        Ok(())
    }

    fn within_model(params: &Params, committee: Committee) -> bool {
        let (n, f) = (usize::from(committee.replicas), usize::from(committee.faults));
        let least = if params.read_only { quorum(n, f) } else { f + 1 };
        3 * f < n
            && params.quorum.is_none_or(|it| usize::from(it) == quorum(n, f))
            && params.replies.is_none_or(|it| (least..=n - f).contains(&usize::from(it)))
    }

    fn base_timeout(params: &Params) -> Span {
        params.view_change_timeout
    }
}
