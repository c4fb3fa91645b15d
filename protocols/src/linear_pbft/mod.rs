//! Linear PBFT: PBFT whose votes go to a collector, who shows everybody a certificate of them.
//!
//! # What is claimed
//!
//! What PBFT claims ([`crate::pbft`]), for as many replicas and under the same assumptions, with a
//! number of messages that grows with n instead of n². A request takes 6n − 4 messages instead of
//! 2n² − n + 1, and 7 message delays instead of 5.
//!
//! There is no paper: this is the variant that lectures derive from PBFT's n² messages on the way
//! to Zyzzyva, where the client is the collector. SBFT (Gueta et al., DSN 2019) has collectors,
//! and threshold signatures for their certificates. Both messages of the collector are
//! **reconstructed** here from PBFT's: what a backup learns from 2f PREPAREs or 2f + 1 COMMITs it
//! learns from one message that holds them.
//!
//! # Where things are
//!
//! Almost everything is PBFT's: a replica *holds* one of PBFT, and so does a client. `replica.rs`
//! sends the votes of the former to the collector, and gives it the certificates. [`message`]: the
//! two messages that are new. `carry.rs`: how what the node of PBFT wants done is passed on.
//! `rules/`: what makes a certificate; `flaws.rs`: the names of the flaws. `lies.rs`: how a
//! corrupted collector can lie. `client.rs`.
//!
//! # The messages
//!
//! A slot in five steps, where the collector of a view is its primary:
//!
//! 1. PRE-PREPARE, from the primary to all backups: n − 1 messages;
//! 2. PREPARE, from each backup to the collector: n − 1;
//! 3. PREPARE-CERT, from the collector to all others, 2f of these PREPAREs: n − 1;
//! 4. COMMIT, from each other replica, which is *prepared* now, to the collector: n − 1;
//! 5. COMMIT-CERT, from the collector to all others, 2f + 1 COMMITs, its own among them: n − 1.
//!
//! With the client's request and n replies that is 1 + 5(n − 1) + n = 6n − 4. View changes,
//! checkpoints, state transfer and retransmission have the messages of PBFT, and their costs.
//!
//! # The thresholds
//!
//! Those of PBFT. A PREPARE-CERT holds PREPAREs of exactly 2f distinct backups (general n: one
//! fewer than a quorum), a COMMIT-CERT COMMITs of exactly 2f + 1 distinct replicas (a quorum), on
//! one batch for one slot of one view, all signed by who cast them. Nobody else saw the votes: what
//! a receiver does not check the collector can make up.
//!
//! # Why it is as safe and as live
//!
//! *Safety.* A backup prepares and commits on the same signed votes as in PBFT. It keeps the
//! PREPARE-CERT of what it prepared, which is the certificate that its VIEW-CHANGE must carry: so
//! what committed is in the VIEW-CHANGEs of f + 1 correct replicas, as in PBFT.
//!
//! *Liveness.* A collector that withholds certificates, or makes bad ones, keeps requests from
//! being executed; the backups that wait for them time out, and the next view has another
//! collector. One that shows certificates to some only lets these execute: the others ask, by
//! STATUS, and are sent the proof of what is decided by any of those.
//!
//! # Certificates as lists or as aggregates
//!
//! With `certificates = "list"` a certificate is its votes, and the number of *messages* is linear,
//! but each of them holds 2f or 2f + 1 signatures, and each receiver verifies all of them. With
//! `"aggregate"` it is one statement, a bitmap and one signature that those of the voters add up to
//! ([`byzsim_core::certificate`]); bytes and verifications are linear then, too. VIEW-CHANGEs, and
//! the proofs of decided slots, carry the aggregates that their senders hold. Votes cannot be taken
//! out of an aggregate, but it proves that each of its signers voted: two aggregates for two
//! batches convict who is in both, as two lists do.
//!
//! # Deviations from the paper
//!
//! There is none for the collector; of PBFT's paper, those of [`crate::pbft`], and besides:
//!
//! * The collector is the primary. SBFT has several, and other ones for each slot.
//! * A certificate proves itself, and is taken from whoever sends it. One that comes before its
//!   view, or for a slot above the window, is kept, as PBFT's early votes are.
//! * Where PBFT's replicas say their votes again, these say them again to the collector only, and
//!   the collector shows its PREPARE-CERT again.
//! * A COMMIT-CERT that comes before the PREPARE-CERT waits for it, as *committed-local* asks for
//!   *prepared*.
//! * A replica that executed something, and then nothing for one status interval, tells all others
//!   how far it came, by a STATUS, once (`tells-progress`). In PBFT the votes of others tell a
//!   replica of slots that the primary keeps from it; here only the collector speaks to it until
//!   the next checkpoint. Without this a correct replica that a corrupted collector passes over may
//!   lag for ever, when nothing more is asked: see the scenario `passed-over`. It costs n(n − 1)
//!   messages for each pause, which the 6n − 4 do not hold.
//! * Read-only requests, which PBFT here has as an option, are ordered like all others.
//! * Accountability is PBFT's: its offences, proven by signed statements, those in certificates
//!   included.
//!
//! # What is written before what is sent
//!
//! What PBFT writes, the certificates included, as they are in the log of its replica
//! (`docs/persistence.md`).

mod carry;
mod client;
mod flaws;
mod lies;
pub mod message;
mod replica;
mod rules;

use std::rc::Rc;

use byzsim_core::forensics::{Case, Held};
use byzsim_core::{
    CertificateForm, Committee, Conviction, Evidence, Law, NodeId, Promptness, Protocol, Signer,
    Span, Wait,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use client::Client;
pub use flaws::LinearFlaw;
pub use message::Msg;
pub use replica::{Replica, Timer};

use crate::catalogue::{Catalogued, Flaw as _, FlawEntry, Flaws};
use crate::pbft::evidence::search::judge;
use crate::pbft::{self, Pbft};
use rules::Rules;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct LinearPbft;

/// The parameters that a scenario may set: those of PBFT, and how certificates look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Params {
    /// Whether a certificate holds its votes one by one, or one signature that they add up to.
    pub certificates: CertificateForm,
    /// Whether a replica that executed something, and then nothing for a status interval, tells
    /// the others how far it came.
    pub tells_progress: bool,
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
    /// A quorum other than ceil((n + f + 1) / 2), to study what breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u16>,
    /// Planted flaws, by name.
    #[serde(skip_serializing_if = "Flaws::is_empty")]
    pub flaws: Flaws<LinearFlaw>,
}

impl Default for Params {
    fn default() -> Self {
        Self::of(pbft::Params::default())
    }
}

impl Params {
    /// These of PBFT, with certificates as lists.
    fn of(plain: pbft::Params) -> Self {
        Self {
            certificates: CertificateForm::List,
            tells_progress: true,
            checkpoint_interval: plain.checkpoint_interval,
            window: plain.window,
            batch_max: plain.batch_max,
            pipeline: plain.pipeline,
            view_change_timeout: plain.view_change_timeout,
            client_timeout: plain.client_timeout,
            status_interval: plain.status_interval,
            quorum: plain.quorum,
            flaws: Flaws::default(),
        }
    }

    /// Those of PBFT among these.
    fn plain(&self) -> pbft::Params {
        pbft::Params {
            checkpoint_interval: self.checkpoint_interval,
            window: self.window,
            batch_max: self.batch_max,
            pipeline: self.pipeline,
            view_change_timeout: self.view_change_timeout,
            client_timeout: self.client_timeout,
            status_interval: self.status_interval,
            // Requests are ordered, all of them.
            read_only: false,
            replies: None,
            quorum: self.quorum,
            flaws: Flaws::default(),
        }
    }
}

impl Protocol for LinearPbft {
    type Msg = Msg;
    type Timer = Timer;
    type Params = Params;
    type Replica = Replica;
    type Client = Client;

    const NAME: &'static str = "linear-pbft";

    fn replica(signer: Rc<Signer>, committee: Committee, params: &Params) -> Replica {
        let plain = Pbft::replica(Rc::clone(&signer), committee, &rules::plain(params));
        Replica::new(signer, Rules::new(committee, params), params.clone(), plain)
    }

    fn client(signer: Rc<Signer>, committee: Committee, params: &Params) -> Client {
        Client::new(Pbft::client(signer, committee, &params.plain()))
    }

    /// That of PBFT, if messages took twice as long: a vote and a certificate take the place of a
    /// vote. Who was passed over hears of it after two status intervals more.
    fn liveness_bound(
        committee: Committee,
        params: &Params,
        delta: Span,
        asynchrony: Span,
    ) -> Span {
        let plain = Pbft::liveness_bound(committee, &params.plain(), delta * 2, asynchrony);
        plain + params.status_interval * 2
    }

    fn leader(committee: Committee, _: &Params, view: u64) -> Option<NodeId> {
        Some(crate::shared::quorum::primary(committee, view))
    }

    /// A slot takes two messages more than in PBFT, and so does catching up.
    fn promptness(committee: Committee, params: &Params) -> Option<Promptness> {
        let plain = params.plain();
        let Promptness { settling, serving } = Pbft::promptness(committee, &plain)?;
        let more = |wait: Wait, messages| Wait { messages: wait.messages + messages, ..wait };
        let turns = pbft::turns(committee, &plain);
        Some(Promptness { settling: more(settling, 2), serving: more(serving, 2 * turns) })
    }

    fn convicts(evidence: &Evidence, law: Law<'_, Params>) -> Conviction {
        let Law { keys, committee, params } = law;
        Pbft::convicts(evidence, Law { keys, committee, params: &params.plain() })
    }

    /// By PBFT's offences: the votes in a certificate are as good as any.
    fn investigate(transcript: &[Held<Msg>], law: Law<'_, Params>) -> Case {
        let Law { keys, committee, params } = law;
        let all = transcript.iter().flat_map(|Held { place, msg }| {
            msg.exhibits().into_iter().map(|exhibit| (exhibit, *place))
        });
        judge(all, Law { keys, committee, params: &params.plain() })
    }
}

impl Catalogued for LinearPbft {
    fn small() -> Params {
        Params::of(Pbft::small())
    }

    fn flaws() -> Vec<FlawEntry> {
        LinearFlaw::entries().collect()
    }

    fn plant(params: &mut Params, flaw: &str) -> Result<(), String> {
        params.flaws.plant(flaw)
    }

    fn check(params: &Params, committee: Committee) -> Result<(), String> {
        Pbft::check(&params.plain(), committee)
    }

    fn within_model(params: &Params, committee: Committee) -> bool {
        Pbft::within_model(&params.plain(), committee)
    }

    fn base_timeout(params: &Params) -> Span {
        Pbft::base_timeout(&params.plain())
    }
}
