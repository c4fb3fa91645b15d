//! Rules of reads that go past the order (§5.1): what they are answered from, how many answers are
//! enough, and what replicas owe to one that was left out.

use byzsim_core::{Answer, NodeId, Operation, Signed};

use super::super::flaws::PbftFlaw;
use super::super::message::{Asked, Basis, PrePrepare, Seq};
use super::super::replica::Replica;
use super::Rules;

/// Flaws of reads. Each of them is a flaw of a protocol that has reads.
const OF_READS: [PbftFlaw; 4] = [
    PbftFlaw::DarkUnhelped,
    PbftFlaw::WritesAtWeak,
    PbftFlaw::ReadsUncommitted,
    PbftFlaw::StatesUncompared,
];

impl Rules {
    /// §5.1: whether clients send reads to all replicas, which answer them at once.
    pub(in crate::pbft) fn reads_at_once(&self) -> bool {
        self.read_only || OF_READS.iter().any(|flaw| self.flaws.has(*flaw))
    }

    /// How a client asks for an operation first.
    pub(in crate::pbft) fn asks(&self, operation: &Operation) -> Asked {
        let is_read = matches!(operation, Operation::Get { .. });
        if is_read && self.reads_at_once() { Asked::AtOnce } else { Asked::InOrder }
    }

    /// §5.1: what a read finds, and after which slot: in a state that reflects only what committed.
    /// Of what is not decided the next view may decide another thing.
    pub(in crate::pbft) fn read(
        &self,
        replica: &Replica,
        operation: &Operation,
    ) -> Option<(Seq, Answer)> {
        if !self.reads_at_once() {
            return None;
        }
        match self.flaws.has(PbftFlaw::ReadsUncommitted) {
            false => Some((replica.executed, replica.service.read(operation)?)),
            true => read_ahead(replica, operation),
        }
    }

    /// How many equal replies a client needs.
    ///
    /// §4.1: f + 1, so that a correct replica gave one of them. §5.1: to a read 2f + 1, which meet
    /// each other 2f + 1 in a correct replica. For this, 2f + 1 must answer what is ordered, too:
    /// if f + 1 completed a write, f of them faulty, one correct replica would have executed it, and
    /// 2f + 1 others would answer a read as if it had never been.
    pub(in crate::pbft) fn replies(&self, asked: Asked) -> usize {
        let weak = match self.flaws.has(PbftFlaw::ClientTrusts) {
            false => self.weak(),
            true => self.faults().max(1),
        };
        let in_order = match self.reads_at_once() && !self.flaws.has(PbftFlaw::WritesAtWeak) {
            false => weak,
            true => self.quorum(),
        };
        match asked {
            Asked::InOrder => self.replies.map_or(in_order, usize::from),
            Asked::AtOnce => self.quorum(),
        }
    }

    /// Whether two answers to a read are of one state. Equal values are not enough: a key may have
    /// held one, then another, and then the first again, and a client that pooled the first with
    /// the last would see a write pass that another one sees after it.
    pub(in crate::pbft) fn is_same_basis(&self, one: Basis, other: Basis) -> bool {
        one == other || self.flaws.has(PbftFlaw::StatesUncompared)
    }

    /// Whether a replica sends another the proposal of a slot: not its own word only, but the
    /// primary's as well, which may have left the other out.
    pub(in crate::pbft) fn passes_on(&self, it: &Signed<PrePrepare>, me: NodeId) -> bool {
        it.signer() == me || !self.flaws.has(PbftFlaw::DarkUnhelped)
    }
}

/// Reads from a copy of the state that runs ahead of the commit, as far as proposals are known.
fn read_ahead(replica: &Replica, operation: &Operation) -> Option<(Seq, Answer)> {
    let (mut seq, mut state) = (replica.executed, replica.service.clone());
    while let Some((_, batch)) = replica.log.proposed(seq + 1) {
        seq += 1;
        for request in batch.requests() {
            state.execute(request.signer(), request.timestamp, &request.operation);
        }
    }
    Some((seq, state.read(operation)?))
}
