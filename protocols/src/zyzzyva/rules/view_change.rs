//! Rules of view changes: when a replica leaves its view, and what a new view rests on.

use byzsim_core::{ReplicaSet, Signed, Signer};

use super::super::flaws::ZyzzyvaFlaw;
use super::super::message::{Hate, View};
use super::super::reading::Reading;
use super::super::replica::Replica;
use super::super::selection::Step;
use super::Rules;

impl Rules {
    /// A proof of misbehaviour is against the primary of the view that it is of, and of no other.
    pub(in crate::zyzzyva) fn is_against(&self, proof: View, view: View) -> bool {
        proof == view || proof < view && self.flaws.has(ZyzzyvaFlaw::OldProofs)
    }

    /// VC1: a replica works in its view until it leaves for another; who suspects the primary keeps
    /// working. As no phase of agreement commits anything at the replicas, one that stopped alone,
    /// beside f silent ones, would block clients for ever.
    pub(in crate::zyzzyva) fn works(&self, replica: &Replica) -> bool {
        let stops = self.flaws.has(ZyzzyvaFlaw::StopsAlone) && suspects(replica);
        replica.changing.is_none() && !stops
    }

    /// VC2: a VIEW-CHANGE carries the accusations of the view before that justify it, so that one
    /// faulty replica cannot change views at will.
    pub(in crate::zyzzyva) fn are_accusations(
        &self,
        hates: &[Signed<Hate>],
        view: View,
        me: &Signer,
    ) -> bool {
        let accuses = |hate: &&Signed<Hate>| {
            hate.view == view && !hate.signer().is_client() && me.verify(hate)
        };
        let accusers: ReplicaSet = hates.iter().filter(accuses).map(Signed::signer).collect();
        // Exactly so many: who joins passes them on.
        let accused = hates.len() == self.accusations() && accusers.len() == self.accusations();
        accused || self.flaws.has(ZyzzyvaFlaw::Unaccused)
    }

    /// VC2, VC3: what a replica reports, and how a new view chooses its history: the parameters'
    /// values, or the rule that a flaw names.
    pub(in crate::zyzzyva) const fn view_change(&self) -> Reading {
        self.view_change
    }

    /// VC3: reports agree on a slot if they agree on the whole history up to it. Who counts those
    /// of one request together takes the history before it from one of them, which may be the
    /// liar's.
    pub(in crate::zyzzyva) fn agree(&self, one: Step, other: Step) -> bool {
        match self.flaws.has(ZyzzyvaFlaw::DigestMatched) {
            false => one == other,
            true => one.digest == other.digest,
        }
    }

    /// VC3: all that open a view asked for this very one. Who asked for an earlier one may have
    /// helped to complete something since.
    pub(in crate::zyzzyva) fn opens(&self, asked: View, view: View) -> bool {
        asked == view || asked < view && self.flaws.has(ZyzzyvaFlaw::ViewsMixed)
    }
}

/// Whether a replica said I-HATE-THE-PRIMARY in its view.
fn suspects(replica: &Replica) -> bool {
    replica.hates.get(&replica.id).is_some_and(|hate| replica.view <= hate.view)
}
