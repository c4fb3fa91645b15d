//! The simulator: virtual time, one event queue, a partially synchronous network, signatures, the
//! run loop, the trace, and the checkers.
//!
//! This crate knows no protocol and does no input or output: it reads no clock, no file, no
//! environment, and starts no thread. A run is a pure function of its [`Setup`], the protocol's
//! parameters and the [`Adversary`].
//!
//! Where to look: [`node`] says what a protocol is; [`adversary`] what may go wrong; [`sim`] plays
//! a run; [`checkers`] judge it.

pub mod adversary;
pub mod body;
pub mod certificate;
pub mod checkers;
pub mod crypto;
pub mod declare;
pub mod editable;
pub mod encode;
pub mod evidence;
pub mod field;
mod field_list;
pub mod forensics;
pub mod history;
pub mod host;
pub mod id;
pub mod linearizability;
pub mod metrics;
pub mod milestones;
pub mod network;
pub mod node;
pub mod observation;
pub mod queue;
pub mod resilience;
pub mod rng;
mod sha256;
pub mod sim;
pub mod sorted;
pub mod time;
mod timers;
pub mod trace;
pub mod workload;

pub use adversary::{
    Adversary, Benign, Control, Crash, CrashPoint, Fate, Granted, Loss, Sent, Wake,
};
pub use certificate::{Attested, Certificate, CertificateForm};
pub use checkers::{PROPERTIES, Promptness, Stamp, Verdict, Violation, Wait};
pub use crypto::{CryptoBackend, Digest, PublicKeys, Signed, Signer, Statement};
pub use encode::{Encode, Encoder};
pub use evidence::{Conviction, Evidence, Law, Verifier};
pub use field::{Field, FieldMut, Sort};
pub use history::{Answer, Call, Operation, Text};
pub use host::{Host, Request};
pub use id::{Committee, NodeId, ReplicaSet};
pub use metrics::{Metrics, Moved};
pub use milestones::{Milestones, SHARED_MILESTONES};
pub use network::{Latency, NetworkModel};
pub use node::{ClientNode, Effect, Input, Kind, Lie, Message, Node, Outbox, Protocol};
pub use observation::{Content, Decided, Observation, Standing};
pub use queue::EventQueue;
pub use resilience::{Resilience, Trusted};
pub use rng::{Purpose, SimRng};
pub use sim::{Audit, CorruptedSigners, Ended, Outcome, Served, Setup, Simulation, Slack};
pub use sorted::Sorted;
pub use time::{Span, Time};
pub use timers::{Draws, Look, Looks, Timers};
pub use trace::{Marks, MessageInfo, Recorder, Shown, TraceEvent};
