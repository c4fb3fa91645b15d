//! A fixed sequencer: one replica orders, the others follow.
//!
//! # What it claims
//!
//! With a sequencer that is correct, replica 0, and at most f Byzantine others: everything. It has
//! no way to replace the sequencer, so with a faulty one it claims nothing. There is nothing in it
//! that such a protocol can do without, so others can start from it.
//!
//! # The messages
//!
//! A client sends its signed `Request` to all replicas. The sequencer gives it the next slot, and
//! says so to all (`Order`). Who hears of a slot executes it in its turn, and answers the client
//! (`Reply`). Who hears of a later slot first asks for what it lacks (`Fetch`).
//!
//! # The thresholds
//!
//! * 1 order: the sequencer is correct, so it orders one request in each slot.
//! * f + 1 equal replies: one of them is from a correct replica.
//!
//! # Deviations from the paper
//!
//! There is no paper. All that a node knows is on stable storage before it sends; a crash takes its
//! timers only.

mod replica;
mod rules;

use std::rc::Rc;

use byzsim_core::{Committee, NodeId, Protocol, Resilience, Signed, Signer, Span, Trusted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use replica::Replica;
pub use rules::OnephaseFlaw;

use crate::catalogue::{Catalogued, Flaw as _, FlawEntry, Flaws, check_times};
use crate::shared::asking::{Asking, Client, Reply, Request, Terms};
use crate::shared::timer::Timer;
use rules::Rules;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Onephase;

/// The parameters that a scenario may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Params {
    /// How long a client waits before it sends its request again.
    pub client_timeout: Span,
    /// How long a replica waits for a slot that it lacks before it asks for it.
    pub fetch_timeout: Span,
    /// Planted flaws, by name.
    #[serde(skip_serializing_if = "Flaws::is_empty")]
    pub flaws: Flaws<OnephaseFlaw>,
}

impl Default for Params {
    fn default() -> Self {
        let (client_timeout, fetch_timeout) = (Span::from_millis(300), Span::from_millis(100));
        Self { client_timeout, fetch_timeout, flaws: Flaws::default() }
    }
}

byzsim_core::statements! {
    /// `Order`: I, the sequencer, give slot `seq` to the request of this digest.
    #[derive(Clone, Copy, Debug)]
    pub struct Order = "onephase/order" {
        /// The slot, from 1.
        seq: u64,
        /// Of the request, which travels beside the statement.
        digest: byzsim_core::Digest,
    } invents digest
}

byzsim_core::messages! {
    /// A message of the protocol.
    #[derive(Clone, Debug)]
    pub enum Msg {
        /// A client asks.
        "request" = Request(it: Rc<Signed<Request>>) seq(it.timestamp) digest(it.digest()),

        /// The sequencer orders.
        "order" = Order(it: Signed<Order>, request: Rc<Signed<Request>> => alone)
            view(0) seq(it.seq) digest(it.digest),

        /// A replica answers.
        "reply" = Reply(it: Signed<Reply>) seq(it.timestamp),

        /// A replica lacks the slots from this one on.
        "fetch" = Fetch(from: u64) seq(*from),
    }
}

impl Asking for Msg {
    fn request(request: Rc<Signed<Request>>) -> Self {
        Self::Request(request)
    }

    fn reply(&self) -> Option<&Signed<Reply>> {
        if let Self::Reply(reply) = self { Some(reply) } else { None }
    }
}

impl Protocol for Onephase {
    type Msg = Msg;
    type Timer = Timer;
    type Params = Params;
    type Replica = Replica;
    type Client = Client<Msg>;

    const NAME: &'static str = "onephase";

    fn replica(signer: Rc<Signer>, committee: Committee, params: &Params) -> Replica {
        Replica::new(signer, Rules::new(committee, params), params.fetch_timeout)
    }

    fn client(signer: Rc<Signer>, committee: Committee, params: &Params) -> Client<Msg> {
        let replies = Rules::new(committee, params).replies();
        Client::new(signer, Terms { replies, patience: params.client_timeout })
    }

    /// The client asks again, each replica asks for what it lacks, and four messages follow each
    /// other; twice that, as a timer may have been armed just before.
    fn liveness_bound(_: Committee, params: &Params, delta: Span, _: Span) -> Span {
        (params.client_timeout + params.fetch_timeout + delta * 4) * 2
    }

    fn leader(committee: Committee, params: &Params, _: u64) -> Option<NodeId> {
        Some(Rules::new(committee, params).sequencer())
    }

    /// One order decides, so all rests on the sequencer.
    fn resilience(committee: Committee, params: &Params) -> Resilience {
        let node = Rules::new(committee, params).sequencer();
        let trusted = Some(Trusted { node, for_safety: true });
        Resilience { quorum: 1, trusted, ..Resilience::byzantine(committee) }
    }
}

impl Catalogued for Onephase {
    fn flaws() -> Vec<FlawEntry> {
        OnephaseFlaw::entries().collect()
    }

    fn plant(params: &mut Params, flaw: &str) -> Result<(), String> {
        params.flaws.plant(flaw)
    }

    fn check(params: &Params, _: Committee) -> Result<(), String> {
        let Params { client_timeout, fetch_timeout, .. } = *params;
        check_times(&[("client-timeout", client_timeout), ("fetch-timeout", fetch_timeout)])
    }

    fn base_timeout(params: &Params) -> Span {
        params.client_timeout
    }
}
