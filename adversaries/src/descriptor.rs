//! Descriptors: what there is to know about each class of faults.

/// What there is to know about a class of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The name in scenario files, of the class and of its action.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Whom it strikes.
    pub strikes: Strikes,
    /// When it can be active.
    pub window: Window,
    /// Whether the model allows it only before GST: afterwards the network heals what it does. The
    /// messages that a corrupted node ignores are not subject to this.
    pub needs_asynchrony: bool,
    /// Whether it is drawn where the weather names no classes.
    pub is_usual: bool,
}

/// Whom a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strikes {
    /// The network: messages, whoever sends them.
    Messages,
    /// A node that is correct otherwise.
    CorrectNode {
        /// What a corrupted node has instead.
        instead: &'static str,
    },
    /// A node that it corrupts, for the whole run.
    CorruptedNode,
}

/// When a fault can be active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// From any start to any end.
    Any,
    /// Once, when it starts: so it needs a start.
    AtStart,
    /// For the whole run: it has no start and no end, and a node has one such fault at most.
    WholeRun,
}
