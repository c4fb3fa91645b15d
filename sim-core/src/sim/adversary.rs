//! The calls to the adversary: what it is shown, and where it leaves what it wants.

use super::corrupted::Corrupted;
use super::transport::Envelope;
use crate::adversary::{Adversary, Command, Control, Fate, Granted, Sent, Wake};
use crate::id::NodeId;
use crate::node::{Input, Message, Outbox};
use crate::time::Time;

/// The adversary of a run, as the run calls it.
pub(super) struct AdversaryPort<'a, M> {
    adversary: &'a mut dyn Adversary<M>,
    corrupted: Corrupted,
    /// Those and the ones that lose what they wrote.
    faulty: Corrupted,
    control: Control,
    outbox: Outbox<M, Wake>,
}

impl<'a, M: Message> AdversaryPort<'a, M> {
    pub(super) fn new(
        adversary: &'a mut dyn Adversary<M>,
        corrupted: Corrupted,
        faulty: Corrupted,
    ) -> Self {
        let control = Control::default();
        Self { adversary, corrupted, faulty, control, outbox: Outbox::new(Time::ZERO) }
    }

    /// Whether the node is corrupted, or loses what it wrote. What it reports is not judged.
    pub(super) fn is_faulty(&self, node: NodeId) -> bool {
        self.faulty.contains(node)
    }

    pub(super) fn is_corrupted(&self, node: NodeId) -> bool {
        self.corrupted.contains(node)
    }

    /// When the last of what it does for a known time is over.
    pub(super) fn settled_at(&self) -> Time {
        self.adversary.settled_at()
    }

    /// What the adversary wishes for a message; none if its corrupted sender withholds it.
    pub(super) fn wish(&mut self, now: Time, sent: &Envelope<M>) -> Option<Fate> {
        let Envelope { from, to, kind, count, .. } = *sent;
        let wish = self.adversary.schedule(&Sent { now, from, to, kind, count, msg: &*sent.msg });
        if wish != Fate::Drop || !self.is_corrupted(from) {
            return Some(wish);
        }
        self.granted(Granted { arrives: None, is_changed: true, is_cut: false });
        None
    }

    /// Tells the adversary what became of its last wish.
    pub(super) fn granted(&mut self, granted: Granted) {
        self.adversary.granted(granted);
    }

    /// Lets the adversary act as a corrupted node. Its outbox is lent: it wants it
    /// [back](Self::take_back) when the effects are done.
    pub(super) fn act(
        &mut self,
        now: Time,
        node: NodeId,
        input: Input<'_, M, Wake>,
    ) -> Outbox<M, Wake> {
        let mut outbox = std::mem::replace(&mut self.outbox, Outbox::new(now));
        outbox.reset(now);
        self.adversary.act(node, input, &mut outbox);
        outbox
    }

    pub(super) fn take_back(&mut self, mut outbox: Outbox<M, Wake>) {
        outbox.clear();
        self.outbox = outbox;
    }

    /// Makes one of the calls that take commands. The commands, in order.
    pub(super) fn consult(
        &mut self,
        call: impl FnOnce(&mut dyn Adversary<M>, &mut Control),
    ) -> impl Iterator<Item = Command> {
        call(self.adversary, &mut self.control);
        self.control.commands.drain(..)
    }
}
