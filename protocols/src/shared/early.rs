//! The messages that a replica keeps until it enters their view: peers may enter it first.

use byzsim_core::{Message, NodeId};

/// Messages that came before their view, with their senders.
///
/// The papers let a replica drop them. Here links are not FIFO, so a backup may hear votes of a
/// view before the NEW-VIEW that opens it; dropped, they would cost a retransmission. Of each
/// sender a bounded number is kept, or a liar could fill the memory.
///
/// ```
/// use byzsim_core::NodeId;
/// use byzsim_protocols::shared::early::Early;
///
/// let (r1, r2) = (NodeId::Replica(1), NodeId::Replica(2));
/// let mut early = Early::default();
/// for message in ["a", "b", "c"] {
///     early.keep(r1, &message, 2);
/// }
/// early.keep(r2, &"d", 2);
/// assert_eq!(early.take_if(|message| *message == "b"), [(r1, "b")]);
/// early.keep(r1, &"e", 2);
/// assert_eq!(early.take(), [(r1, "a"), (r2, "d"), (r1, "e")], "two of each sender");
/// assert_eq!(early.take(), []);
/// ```
#[derive(Clone, Debug)]
pub struct Early<M> {
    messages: Vec<(NodeId, M)>,
}

impl<M> Default for Early<M> {
    fn default() -> Self {
        Self { messages: Vec::new() }
    }
}

impl<M: Clone> Early<M> {
    /// Keeps a message, unless so many of its sender are kept.
    pub fn keep(&mut self, from: NodeId, message: &M, most: u64) {
        let kept = self.messages.iter().filter(|(sender, _)| *sender == from).count();
        if (kept as u64) < most {
            self.messages.push((from, message.clone()));
        }
    }

    /// Takes the messages out for which it is time.
    pub fn take_if(&mut self, is_time: impl Fn(&M) -> bool) -> Vec<(NodeId, M)> {
        let (taken, kept) = self.take().into_iter().partition(|(_, message)| is_time(message));
        self.messages = kept;
        taken
    }

    /// Takes all messages out, in the order of their arrival.
    pub fn take(&mut self) -> Vec<(NodeId, M)> {
        std::mem::take(&mut self.messages)
    }
}

impl<M: Message + Clone> Early<M> {
    /// Takes the messages out that are not of a view before `view`, which was just entered; the
    /// others are forgotten.
    pub fn take_from(&mut self, view: u64) -> Vec<(NodeId, M)> {
        let mut messages = self.take();
        messages.retain(|(_, message)| message.view().is_some_and(|it| view <= it));
        messages
    }
}
