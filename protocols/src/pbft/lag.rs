//! By what the others say a replica notices that it lags, whatever it missed.
//!
//! Links are authenticated, so what comes from a correct replica is its own word. A slot that is
//! decided while no message is lost was voted for, by COMMITs, by f + 1 correct replicas, and their
//! votes reach everyone. Most of them may be useless where they arrive: of a later view, above the
//! window, one too few. But f + 1 replicas spoke of the slot, and that is remembered here until the
//! replica has executed it, or is in a later view: then the NEW-VIEW proposes the slot again, or
//! proves a checkpoint above it.
//!
//! A correct replica can make good what it says here, so who asks is answered: one that entered a
//! view hands over its NEW-VIEW, one that executed a slot the proofs or a state, and one that
//! accepted a proposal repeats it for as long as it is open. Only who leaves its view repeats
//! nothing of it but what prepared; so its VIEW-CHANGE takes the rest back. Otherwise a corrupted
//! replica and one vote of a correct one would make others ask for ever.

use byzsim_core::NodeId;

use super::message::{Msg, Seq, Status, View, ViewChange};

/// What each of the other replicas said of how far it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Others {
    /// By the number of the replica.
    words: Vec<Word>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Word {
    /// The last view that it entered.
    view: View,
    /// The last view, and the last slot of it, that it spoke of.
    slot: (View, Seq),
    /// The last slot that it executed.
    executed: Seq,
}

impl Others {
    /// What a message says of its sender, which need not be whose signature is in it.
    pub(super) fn hear(&mut self, from: NodeId, msg: &Msg) {
        if from.is_client() {
            return;
        }
        match msg {
            Msg::PrePrepare(it, _) => self.word(from).speak(it.view, it.seq),
            Msg::Prepare(it) => self.word(from).speak(it.view, it.seq),
            Msg::Commit(it) => self.word(from).speak(it.view, it.seq),
            Msg::Status(it) => {
                let word = self.word(from);
                word.speak(it.view, 0);
                word.execute(it.executed);
            }
            Msg::Checkpoint(it) if it.signer() == from => self.word(from).execute(it.seq),
            Msg::ViewChange(it) if it.signer() == from => self.word(from).leave(it),
            // Proves itself, or says nothing of how far the sender is.
            Msg::Checkpoint(_)
            | Msg::ViewChange(_)
            | Msg::NewView(_)
            | Msg::Decided(..)
            | Msg::State(..)
            | Msg::FetchState(_)
            | Msg::FetchBatch(..)
            | Msg::Batch(..)
            | Msg::Request(..)
            | Msg::Reply(..) => {}
        }
    }

    fn word(&mut self, node: NodeId) -> &mut Word {
        let number = usize::from(node.number());
        if self.words.len() <= number {
            self.words.resize(number + 1, Word::default());
        }
        &mut self.words[number]
    }

    /// Whether so many of them are ahead of one that is so far.
    pub(super) fn are_ahead_of(&self, own: &Status, many: usize) -> bool {
        many <= self.words.iter().filter(|word| word.is_ahead_of(own)).count()
    }
}

impl Word {
    fn speak(&mut self, view: View, seq: Seq) {
        self.view = self.view.max(view);
        self.slot = self.slot.max((view, seq));
    }

    fn execute(&mut self, seq: Seq) {
        self.executed = self.executed.max(seq);
    }

    /// It left its view: of the views up to there it stands by what prepared.
    fn leave(&mut self, it: &ViewChange) {
        self.execute(it.stable);
        if self.slot.0 < it.view {
            let prepared = it.prepared.iter().map(|it| (it.pre_prepare.view, it.pre_prepare.seq));
            self.slot = prepared.max().unwrap_or_default();
        }
    }

    fn is_ahead_of(&self, own: &Status) -> bool {
        let (view, seq) = self.slot;
        own.view < self.view
            || own.executed < self.executed
            || own.view == view && own.executed < seq
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use byzsim_core::{Digest, Signed};

    use super::super::message::{Checkpoint, Commit, PrePrepare, Prepare, PreparedCertificate};
    use super::*;

    const R: [NodeId; 3] = [NodeId::Replica(1), NodeId::Replica(2), NodeId::Replica(3)];
    const OWN: Status = Status { view: 1, changing: None, stable: 4, executed: 5 };

    fn commit(node: NodeId, view: View, seq: Seq) -> Msg {
        let commit = Commit { view, seq, digest: Digest::default() };
        Msg::Commit(Rc::new(Signed::forged(commit, node)))
    }

    fn checkpoint(node: NodeId, seq: Seq) -> Msg {
        Msg::Checkpoint(Signed::forged(Checkpoint { seq, state: Digest::default() }, node))
    }

    fn view_change(node: NodeId, view: View, stable: Seq, prepared: &[(View, Seq)]) -> Msg {
        let digest = Digest::default();
        let certificate = |&(view, seq): &(View, Seq)| PreparedCertificate {
            pre_prepare: Signed::forged(PrePrepare { view, seq, digest }, R[0]),
            prepares: Vec::new().into(),
        };
        let prepared = prepared.iter().map(certificate).collect();
        let it = ViewChange { view, stable, proof: Vec::new(), prepared };
        Msg::ViewChange(Rc::new(Signed::forged(it, node)))
    }

    /// How many are ahead, when these messages came, each from its sender.
    fn ahead(messages: &[(NodeId, Msg)]) -> usize {
        let mut others = Others::default();
        for (from, msg) in messages {
            others.hear(*from, msg);
        }
        (0..=3).rev().find(|many| others.are_ahead_of(&OWN, *many)).expect("none at least")
    }

    #[test]
    fn who_speaks_of_a_later_slot_or_view_is_ahead_until_it_is_reached() {
        let [r1, r2, r3] = R;
        assert_eq!(ahead(&[(r1, commit(r1, 1, 5)), (r2, commit(r2, 0, 9))]), 0, "known, and over");
        let said = [(r1, commit(r1, 1, 6)), (r1, commit(r1, 1, 7)), (r2, commit(r2, 2, 1))];
        assert_eq!(ahead(&said), 2);
        let status = Msg::Status(Status { view: 1, changing: None, stable: 4, executed: 6 });
        assert_eq!(ahead(&[(r1, status.clone()), (r2, checkpoint(r2, 8))]), 2);
        assert_eq!(ahead(&[(NodeId::Client(0), status)]), 0, "no replica");
        let digest = Digest::default();
        let prepare = Prepare { view: 1, seq: 6, digest };
        let prepare = Msg::Prepare(Rc::new(Signed::forged(prepare, r3)));
        assert_eq!(ahead(&[(r3, prepare)]), 1);
        assert_eq!(ahead(&[(r3, checkpoint(r2, 8))]), 0, "it passes on what another said");
    }

    #[test]
    fn who_leaves_its_view_stands_by_what_prepared() {
        let [r1, ..] = R;
        let voted = (r1, commit(r1, 1, 6));
        let leaves = |prepared: &[(View, Seq)]| (r1, view_change(r1, 2, 4, prepared));
        assert_eq!(ahead(&[voted.clone(), leaves(&[])]), 0);
        assert_eq!(ahead(&[voted.clone(), leaves(&[(0, 7), (1, 5)])]), 0, "of a view before");
        assert_eq!(ahead(&[voted.clone(), leaves(&[(1, 5), (1, 6)])]), 1);
        assert_eq!(ahead(&[voted, (r1, view_change(r1, 2, 8, &[]))]), 1, "it executed slot 8");
        let entered = (r1, commit(r1, 2, 1));
        assert_eq!(ahead(&[entered, leaves(&[])]), 1, "it had entered that view before");
    }
}
