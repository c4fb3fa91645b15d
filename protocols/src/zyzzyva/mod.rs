//! Zyzzyva: Speculative Byzantine Fault Tolerance (Kotla, Alvisi, Dahlin, Clement, Wong, SOSP 2007;
//! TOCS 2009).
//!
//! # What the paper claims
//!
//! State machine replication by n = 3f + 1 replicas, like PBFT's, in three message delays where all
//! replicas answer in time: the primary orders, the replicas execute at once, and the *client*
//! decides whether its request is complete. *Safety*: if a request completes with the history
//! `h_n`, every request that completes later has a history that begins with `h_n`. *Liveness*
//! after GST.
//!
//! The safety claim is wrong (Abraham, Gueta, Malkhi, Alvisi, Kotla, Martin, arXiv 1712.01367): the
//! view change can lose a completed request. [`selection`] holds the published rule beside the one
//! that repairs it, and four that look as if they would.
//!
//! # Where things are
//!
//! [`message`]: what each message says. `replica.rs`: the state, one field for each variable of the
//! paper, and the one `match` that hands out what comes in. `agreement.rs`, `commit.rs`,
//! `checkpoint.rs`, `view_change.rs` (VC1 to VC3), `validity.rs`, `reconcile.rs` (VC4, VC5) and
//! [`retransmit`]: the handlers. `history.rs` and `state.rs`: what a replica executed, and what
//! came of it. [`selection`]: how a new view chooses its history; [`reading`]: what the published
//! words leave open. `client.rs`. `rules/`: what the paper demands and a planted flaw breaks;
//! `flaws.rs`: the names of the flaws. `lies.rs`: how corrupted nodes can lie. `mechanism.rs`: how
//! a run lost what had completed. [`evidence`]: what their statements prove against replicas.
//!
//! # The messages
//!
//! Each statement of [`message`] is documented with what it says. The primary gives slots to
//! requests (`OrderReq`), and every statement about a slot is one about the whole history up to it,
//! as `h_n` chains the digests. A replica answers what it executed on the primary's word alone
//! (`SpecResponse`).
//!
//! # The thresholds
//!
//! * 3f + 1 matching responses complete a request (*fast*): every correct replica holds it, so f +
//!   1 of any 2f + 1 that report to a new view say so.
//! * 2f + 1 matching responses are a commit certificate: no other history has one in this view. It
//!   completes nothing yet: of its signers a new view may hear of one correct one only. With 2f + 1
//!   LOCAL-COMMITs it does (*slow*): any 2f + 1 replicas that report include a correct one that
//!   stored it.
//! * f + 1 accusations for a view change; 2f + 1 reports, of which exactly so many are used: among
//!   them at most one history has f + 1 witnesses.
//! * 2f + 1 matching VIEW-CONFIRMs to enter a view: otherwise its primary could open it with
//!   different histories for different replicas.
//! * 2f + 1 CHECKPOINTs make one stable.
//!
//! # The view change under `fixed`
//!
//! What Abraham et al. give is a principle: choose what is compatible with a possible decision of
//! the highest lower view. How reports carry that is a reconstruction, in two forms. F1, which is
//! implemented: a replica counts the 2f + 1 VIEW-CONFIRMs with which it entered a view as a
//! certificate of that view, and reports the certificate of the highest (view, length). F2: it
//! reports all certificates that no other dominates. Neither was read in a paper; each passed
//! 400,000 seeds of an abstract model. F1 keeps a VIEW-CHANGE to one certificate, and one rule
//! tells when a slot is *covered*: a certificate of the *current* view reaches it. LOCAL-COMMIT and
//! CHECKPOINT rest on that. `docs/zyzzyva-violation.md` has the steps of an argument for its
//! safety, the function that supplies each, and what is not proven.
//!
//! A certificate at one replica is no decision, under any rule: its client may never have
//! completed, and a new view may not hear of it. So a correct replica may have to undo what it has
//! a certificate for (it reports `rolled-back-commit`), and observes `Committed` for stable slots
//! only.
//!
//! # Deviations from the paper
//!
//! * Of the statements that replicas keep to themselves, FILL-HOLE, CONFIRM-REQ and COMMIT are not
//!   signed by their sender, nor are STATUS, FETCH-STATE, STATE and STABLE-PROOF: links are
//!   authenticated, and what they carry proves itself.
//! * No batching, message authentication codes, read-only requests or preferred quorums; ND is
//!   empty. One answer comes in full from every replica.
//! * CHECKPOINT names the view in which it is said, and 2f + 1 of *one* view make it stable.
//!   Without the view, words of several views add up, and one of them may come from a replica that
//!   has undone since what it rests on. After a view change a replica says it again.
//! * A replica reports a certificate together with the requests that lead to it, as they may be
//!   gone from its history: the new view that it adopted may have been opened without its word,
//!   and never entered.
//! * LOCAL-COMMIT and CHECKPOINT need a certificate of the sender's view under the rules that count
//!   VIEW-CONFIRMs. With one of an older view a slot beyond the confirmed history would be
//!   committed by a certificate that is not reported any more.
//! * An order of a request that the history holds already is refused, and its primary suspected. If
//!   it were executed as one that does nothing, the next primary would have to order both again,
//!   and two orders of one request prove their primary guilty.
//! * OPENED: a replica that did not get into a view is sent its NEW-VIEW with the 2f + 1
//!   VIEW-CONFIRMs that opened it, and follows them even if it adopted, and confirmed, another
//!   history from a primary that signed two. It confirms nothing for a second time.
//! * A VIEW-CHANGE with more slots than the window holds, or with more or fewer accusations than
//!   f + 1, is not valid; CHECKPOINTs of slots that are not due are ignored. A certificate holds
//!   exactly 2f + 1 votes.
//! * Under `original` a VIEW-CHANGE carries one client's certificate: the longest whose history is
//!   that of the report, and a report whose certificate disagrees is refused. The text (VC2) speaks
//!   of one obtained since the last view change, then of the VIEW-CONFIRMs of the view, then of the
//!   NEW-VIEW; the implementations that were read have client's certificates only. A report with
//!   VIEW-CONFIRMs in place of a certificate is refused, unless `view-confirms-certify` is set: see
//!   [`reading`]. The NEW-VIEW is never carried. Ties go to the lowest number.
//! * O is the history after the stable checkpoint (technical report), not after the certificate.
//!   All of it is of one view: a NEW-VIEW orders G again, so its sender has no other orders.
//! * 2f + 1 CHECKPOINTs make one stable; by the text f + 1 do (one of the implementations says so
//!   in a comment, and asks for 2f + 1). f + 1 contain one correct signer, who saw a certificate;
//!   but no two sets of f + 1 need to share one, and the proof is passed on.
//! * A NEW-VIEW whose history contradicts the receiver's own stable checkpoint is not adopted, and
//!   its primary suspected. The text knows no such case; it cannot arise under `fixed` with at most
//!   f faults, and does under `original`.
//! * Two orders of one request in one view are a proof of misbehaviour, as are two orders for one
//!   slot; the text names the latter. A proof counts in its own view only. A certificate for
//!   another history of the own view makes a replica suspect the primary; no proof is made of it.
//! * An answer to a FILL-HOLE has 16 orders at most; a replica asks again for what is left.
//! * Requests that come between two views are answered in the next one; by the text none is
//!   accepted then.
//! * The client's first retransmission is sent after timer 1 and waited for as long as the first
//!   attempt; the interval doubles from the second on. If timer 2 expires it retransmits as well,
//!   and may deposit the same certificate again.
//! * A SPEC-RESPONSE is sent again, in the new view, to clients that ask again.
//! * A client's interval grows by doubling, three times at most, so that the liveness bound exists.
//! * Retransmission by STATUS ([`retransmit`]), sent by replicas that are stuck only; it also tells
//!   the last history digest, so that two histories of one view meet, and prove that the primary
//!   equivocated.
//! * A replica that a client asks again for what it executed is in doubt: others may be further. So
//!   is one that gets a certificate of an earlier view that its history does not hold, and one that
//!   restarts. It sends STATUS, and again after each answer that brought it on. With the paper's
//!   words a random run gets stuck for ever: two replicas are in view 1, one missed the view change
//!   and is content in view 0, the faulty one is silent, and the client hears two matching answers
//!   and one of another view, again and again.
//! * A certificate of a later view, or for a later slot, is kept until the replica is there, and it
//!   sends STATUS as long. A client completes with the word of all, or deposits a certificate with
//!   all, so each replica that lags behind learns of it. With the paper's words a random run leaves
//!   one behind for ever: it missed two view changes, and the others need it for nothing.
//! * Evidence against the primary that convinces nobody else is told with one STATUS, and again
//!   when a client asks again. Told for as long as the view lasts, it is told for ever where no
//!   client waits: a random run showed it. Whoever sends STATUS repeats its proof of misbehaviour,
//!   which may have been lost.
//! * A replica that hears a STATUS of one that is stuck and further asks that one with a STATUS.
//!   Those who wait for its word on a checkpoint may have slots that it never heard of.
//! * A replica that waits in vain for a hole to be filled shows the others the order after it. With
//!   the paper's words it suspects the primary alone, for ever, if that one gave nobody else the
//!   like.
//! * After a crash a replica says its responses to the slots that are due for a checkpoint again.
//!   If 2f + 1 lost them, none would ever hold a certificate; a random run showed it.
//! * A replica that learns of a stable checkpoint of a later view leaves its view. In a random run
//!   a primary that had missed a view change fetched such a state, ordered the client's request
//!   again in its old view, and thereby proved itself guilty.
//! * A stable checkpoint of another history than the own one shows that the primary gives out two,
//!   and undoes the own one. In the slots after it the replica executes no other orders of that
//!   view, and takes each as proof against the primary. Otherwise it would answer twice for one
//!   slot of one view, as random runs showed. A primary that has to undo orders of its own, which
//!   takes more than f faulty replicas, orders nothing more in its view: two orders for one slot,
//!   or of one request, would prove it guilty.
//! * What is stable is passed on as one proof. As single CHECKPOINTs a random run gets stuck: the
//!   faulty replica tells one replica another digest than the rest, which keeps the first and
//!   refuses the one in the proof.
//! * A replica asks f + 1 of those who proved a checkpoint for its state, and shows them the proof.
//!   One that asked a faulty replica alone, or one that did not know yet that the checkpoint is
//!   stable, waited for its STATUS timer, and gave up a correct primary: a guided run showed it.
//! * A replica that a history led to another state than the proven one has diverged. It says so
//!   (`state-diverged`), fetches the proven state, and executes the later orders of its view again.
//!   The paper does not treat the case.
//! * The order timer runs for the request that waits longest, and stops for no other. A client that
//!   sends a later request waits for the one before no more: the later one is timed after all that
//!   arrived before it, and the timer of the earlier one stops. Otherwise a corrupted client,
//!   always one request ahead, would be the one that waits longest for ever, and a corrupted
//!   primary could starve all others.
//! * A backup sends CONFIRM-REQ for each request that it begins to wait for, whoever sent it; by
//!   step 4c for those that come from the client. Otherwise it suspects a correct primary for a
//!   request that a corrupted replica showed to backups only. The primary answers one for a request
//!   that a later one of its client has overtaken with the order of that later one; the text speaks
//!   of the same request only, and a backup that lacks both would wait for an order that never
//!   comes.
//! * Timeouts double with each view that failed, and fall back when a request of a view is
//!   committed: by a client's certificate, or by a stable checkpoint. The fast path alone tells a
//!   replica nothing.
//! * A VIEW-CHANGE carries what its sender said before, outside of its bytes ([`message::Past`]):
//!   lies need it.
//! * Crash and restart, which the paper does not treat: all that a replica's messages rest on is on
//!   stable storage before they are sent; waiting requests and messages before their time are lost.
//!   See *What is written before what is sent*.
//!
//! # What is written before what is sent
//!
//! `docs/persistence.md` has the table, which is a reconstruction: of each field of [`Replica`] and
//! [`Client`], when it is written, and which messages rest on it. All upon one input, the own
//! statements included, is one write.
//!
//! Provenance: the rules were taken from a summary of the CACM text, of two public implementations
//! and of notes; the SOSP and TOCS texts were not read.

mod agreement;
mod checkpoint;
mod client;
mod commit;
pub mod evidence;
mod flaws;
mod history;
mod lies;
mod mechanism;
pub mod message;
mod outline;
pub mod reading;
mod reconcile;
mod replica;
pub mod retransmit;
mod rules;
pub mod selection;
mod state;
mod validity;
mod view_change;

use std::rc::Rc;

use byzsim_core::forensics::{Case, Held};
use byzsim_core::{
    Committee, Conviction, Evidence, Law, NodeId, Promptness, Protocol, Signer, Span, Wait,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use client::Client;
pub use flaws::ZyzzyvaFlaw;
pub use message::Msg;
pub use reading::ReportedCertificate;
pub use replica::{Replica, Timer};
pub use selection::ViewChangeRule;
pub use state::{Place, State};

use crate::catalogue::{
    Catalogued, Diagnosis, Flaw as _, FlawEntry, Flaws, check_counts, check_times,
};
use crate::judgement;
use crate::shared::quorum::primary;
use crate::shared::status::catching_up;
use rules::Rules;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Zyzzyva;

/// The parameters that a scenario may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Params {
    /// How a new view chooses its history: the published rule, the repair (what is left out means
    /// this one, or the rule that a planted flaw names), or one of four repairs that fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_change: Option<ViewChangeRule>,
    /// A reading of the published rule: whether the 2f + 1 VIEW-CONFIRMs with which a replica
    /// entered its view count as a certificate.
    #[serde(skip_serializing_if = "is_default")]
    pub view_confirms_certify: bool,
    /// A reading of the published rule: which certificate a replica may report.
    #[serde(skip_serializing_if = "is_default")]
    pub reported_certificate: ReportedCertificate,
    /// Whether a new view puts null requests into slots that a report shows but that the rule
    /// leaves empty (technical report of Zyzzyva).
    pub null_fill: bool,
    /// `CP_INTERVAL`: the number of slots between checkpoints. Replicas execute no slot further
    /// than two intervals above the last stable one.
    pub checkpoint_interval: u64,
    /// Timer 1: how long a client waits for 3f + 1 responses. It doubles with each retransmission,
    /// at most three times.
    pub client_timeout: Span,
    /// Timer 2: how long a client waits for 2f + 1 LOCAL-COMMITs.
    pub commit_timeout: Span,
    /// How long a backup waits for an order, or for one that it lacks, before it takes the next
    /// step; in the last step it suspects the primary.
    pub order_timeout: Span,
    /// How long a replica waits for a new view to start.
    pub view_change_timeout: Span,
    /// How long a replica waits without progress before it asks the others for what it lacks.
    pub status_interval: Span,
    /// Planted flaws, by name.
    #[serde(skip_serializing_if = "Flaws::is_empty")]
    pub flaws: Flaws<ZyzzyvaFlaw>,
}

/// Readings are named where they are not the usual ones.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for Params {
    /// The repaired view change; timeouts for latencies of tens of milliseconds.
    fn default() -> Self {
        Self {
            view_change: None,
            view_confirms_certify: false,
            reported_certificate: ReportedCertificate::Agreeing,
            null_fill: false,
            checkpoint_interval: 100,
            client_timeout: Span::from_millis(300),
            commit_timeout: Span::from_millis(300),
            order_timeout: Span::from_millis(400),
            view_change_timeout: Span::from_millis(500),
            status_interval: Span::from_millis(250),
            flaws: Flaws::default(),
        }
    }
}

impl Protocol for Zyzzyva {
    type Msg = Msg;
    type Timer = Timer;
    type Params = Params;
    type Replica = Replica;
    type Client = Client;

    const NAME: &'static str = "zyzzyva";

    fn replica(signer: Rc<Signer>, committee: Committee, params: &Params) -> Replica {
        Replica::new(signer, Rules::new(committee, params), params.clone())
    }

    fn client(signer: Rc<Signer>, committee: Committee, params: &Params) -> Client {
        Client::new(signer, Rules::new(committee, params), params.clone())
    }

    /// *The chain of views*, as in PBFT: the shorter of the two timeouts that double is at GST not
    /// longer than the asynchrony and its first value together. A view costs the wait for it, and
    /// two order timeouts: for a hole first the primary is asked and then everybody. The view that
    /// is under way at GST fails, and f after it; the next one serves if its timeouts are as long
    /// as catching up may take.
    ///
    /// *The others' requests.* The order timer runs for the request that waits longest. A faulty
    /// primary may order it, and nothing else, each time just before the timer expires. At most one
    /// request of each other client is ordered before this one.
    ///
    /// *The client*, whose interval has grown, asks twice until a view change has begun, and twice
    /// after it: once for the responses, once for the LOCAL-COMMITs.
    ///
    /// It is loose where PBFT's is.
    fn liveness_bound(
        committee: Committee,
        params: &Params,
        delta: Span,
        asynchrony: Span,
    ) -> Span {
        let catching_up = catching_up(params.status_interval, committee).at(delta);
        let view = params.view_change_timeout + params.order_timeout * 2;
        let shorter = params.view_change_timeout.min(params.order_timeout);
        let parts = view.nanos().div_ceil(shorter.nanos().max(1));
        let chain = (shorter + asynchrony).max(catching_up) * parts;
        let chain = chain.doubled(u32::from(committee.faults) + 1);
        let asking = params.client_timeout.doubled(client::DOUBLINGS_MAX) + params.commit_timeout;
        let others = u64::from(committee.clients.saturating_sub(1));
        chain + (params.order_timeout + delta * 4) * others + asking * 4 + catching_up * 2
    }

    fn leader(committee: Committee, _: &Params, view: u64) -> Option<NodeId> {
        Some(primary(committee, view))
    }

    /// A backup asks the primary to confirm a request, and the primary orders it when its turn
    /// comes: where flow control stops it, it waits for a checkpoint, which takes four messages.
    fn promptness(committee: Committee, params: &Params) -> Option<Promptness> {
        let turns = u64::from(committee.clients).div_ceil(params.checkpoint_interval).max(1);
        Some(Promptness {
            settling: catching_up(params.status_interval, committee),
            serving: Wait { messages: 2 + 4 * turns, timers: Span::ZERO },
        })
    }

    fn convicts(evidence: &Evidence, law: Law<'_, Params>) -> Conviction {
        judgement::convicts::<evidence::Exhibit>(evidence, law)
    }

    fn investigate(transcript: &[Held<Msg>], law: Law<'_, Params>) -> Case {
        evidence::search::investigate(transcript, law)
    }
}

impl Catalogued for Zyzzyva {
    fn small() -> Params {
        Params { checkpoint_interval: 4, ..Params::default() }
    }

    fn flaws() -> Vec<FlawEntry> {
        ZyzzyvaFlaw::entries().collect()
    }

    fn plant(params: &mut Params, flaw: &str) -> Result<(), String> {
        params.flaws.plant(flaw)
    }

    fn check(params: &Params, _: Committee) -> Result<(), String> {
        rules::check_view_change(params)?;
        check_counts(params.checkpoint_interval, &[])?;
        check_times(&[
            ("client-timeout", params.client_timeout),
            ("commit-timeout", params.commit_timeout),
            ("order-timeout", params.order_timeout),
            ("view-change-timeout", params.view_change_timeout),
            ("status-interval", params.status_interval),
        ])
    }

    /// The rule of the view change is named, unless a planted flaw names it.
    fn complete(params: &mut Params) {
        rules::name_view_change(params);
    }

    /// The paper claims safety for n = 3f + 1, and for its own view change above all: what breaks
    /// under the rules other than `fixed` breaks within the model.
    fn within_model(_: &Params, committee: Committee) -> bool {
        3 * committee.faults < committee.replicas
    }

    fn base_timeout(params: &Params) -> Span {
        params.view_change_timeout
    }

    fn diagnosis(committee: Committee, corrupted: &[NodeId]) -> Option<Box<dyn Diagnosis>> {
        Some(Box::new(mechanism::Mechanism::new(committee, corrupted)))
    }
}
