//! The status timer, by which a replica notices that it is stuck; and how long that takes.

use byzsim_core::{Committee, Span, Wait};

/// How long it takes at most, after GST, until a correct replica has what it lacks.
///
/// A replica notices within two intervals that it is stuck: its timer may have been armed just
/// before it came on for the last time. What it asks for it may ask f faulty replicas for first. In
/// between there are at most twelve messages in a row: of a view change, of retransmission, and of
/// agreement on what is left open.
pub fn catching_up(interval: Span, committee: Committee) -> Wait {
    Wait { messages: 12, timers: interval * (2 + 2 * u64::from(committee.faults)) }
}

/// How far a replica was when its status timer was armed.
///
/// The papers assume that senders retransmit; Castro and Liskov's library does so by periodic
/// STATUS messages. Here a replica arms a timer while something is open, and if the timer finds it
/// where it was, it says again what it has to say and asks for what it lacks. `P` is whatever tells
/// progress.
///
/// ```
/// use byzsim_protocols::shared::status::StatusClock;
///
/// let mut clock = StatusClock::default();
/// assert!(clock.arm(7), "armed when the replica was at slot 7");
/// assert!(!clock.arm(8), "it is armed");
/// assert!(!clock.expires(&8), "the replica came on: it is not stuck");
/// assert!(clock.arm(8));
/// assert!(clock.expires(&8), "stuck");
/// ```
#[derive(Clone, Debug)]
pub struct StatusClock<P> {
    armed_at: Option<P>,
}

impl<P> Default for StatusClock<P> {
    fn default() -> Self {
        Self { armed_at: None }
    }
}

impl<P: PartialEq> StatusClock<P> {
    /// Whether the timer is armed.
    pub const fn is_armed(&self) -> bool {
        self.armed_at.is_some()
    }

    /// Arms the timer, unless it is armed; says whether it was not.
    pub fn arm(&mut self, progress: P) -> bool {
        let idle = !self.is_armed();
        if idle {
            self.armed_at = Some(progress);
        }
        idle
    }

    /// The timer expired: whether the replica is where it was when the timer was armed.
    pub fn expires(&mut self, progress: &P) -> bool {
        self.armed_at.take().as_ref() == Some(progress)
    }
}
