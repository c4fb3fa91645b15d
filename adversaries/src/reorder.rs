//! Messages of one link in another order than they were sent: a few at a time arrive in reverse.
//!
//! What is sent within a *window* is reflected in time: the later a message of the window is sent,
//! the sooner it arrives. The fault decides when each message arrives as it is sent. So nothing is
//! held, nothing waits for a message that never comes, and no draw of the network or of another
//! fault changes the order.

use std::collections::BTreeMap;

use byzsim_core::{NodeId, Span, Time};

/// The order of messages that match one fault, link by link.
#[derive(Debug)]
pub(crate) struct Reorder {
    /// How many messages of a window are reversed.
    within: u32,
    /// How long a window is.
    by: Span,
    links: BTreeMap<(NodeId, NodeId), Link>,
}

/// Where a link stands.
#[derive(Debug, Default)]
struct Link {
    /// When the first message of the window was sent.
    opened: Time,
    /// How many messages of the window were sent.
    sent: u32,
    /// When the last message before the window arrives.
    before: Time,
    /// When the last message of all arrives.
    last: Time,
    /// When the last message of the window arrives whose fate this fault decided.
    last_decided: Option<Time>,
}

impl Reorder {
    /// Nothing sent yet.
    pub(crate) const fn new(within: u32, by: Span) -> Self {
        Self { within, by, links: BTreeMap::new() }
    }

    /// How long the next message that matches on a link is to take. Its place in the window does
    /// not depend on whether an earlier fault decides about it.
    pub(crate) fn next(&mut self, from: NodeId, to: NodeId, now: Time) -> Span {
        let link = self.links.entry((from, to)).or_default();
        if link.sent == 0 || link.opened + self.by <= now {
            *link = Link { opened: now, before: link.last, last: link.last, ..Link::default() };
        }
        // Windows do not overlap, whatever the nanoseconds that keep messages apart add up to.
        let arrives = if link.sent < self.within {
            let reflected = self.by * 3 - now.since(link.opened) * 2;
            let apart = Span::from_nanos(u64::from(link.sent));
            (now + (reflected - apart)).max(link.before + Span::from_nanos(1))
        } else {
            link.last + Span::from_nanos(1)
        };
        link.sent += 1;
        link.last = link.last.max(arrives);
        arrives.since(now)
    }

    /// Takes note of when the last message of a link really arrives: the network may grant another
    /// time than was asked for. Whether that is before a message that was sent earlier, and whose
    /// fate this fault decided as well.
    pub(crate) fn overtakes(&mut self, from: NodeId, to: NodeId, arrives: Time) -> bool {
        let link = self.links.entry((from, to)).or_default();
        let overtakes = link.last_decided.is_some_and(|last| arrives < last);
        link.last_decided = link.last_decided.max(Some(arrives));
        overtakes
    }
}

#[cfg(test)]
mod tests {
    use byzsim_core::{Purpose, SimRng};

    use super::*;

    const R0: NodeId = NodeId::Replica(0);
    const R1: NodeId = NodeId::Replica(1);
    const BY: Span = Span::from_millis(10);

    /// When messages arrive that are sent at these times, in milliseconds.
    fn arrivals(within: u32, sent: &[u64]) -> Vec<u64> {
        let mut reorder = Reorder::new(within, BY);
        let arrives = |ms: &u64| {
            let now = Time::ZERO + Span::from_millis(*ms);
            (now + reorder.next(R0, R1, now)).nanos()
        };
        sent.iter().map(arrives).collect()
    }

    #[test]
    fn a_window_arrives_in_reverse_and_what_exceeds_it_behind() {
        let ms = |ms: u64| ms * 1_000_000;
        assert_eq!(arrivals(3, &[0, 1, 4]), [ms(30), ms(29) - 1, ms(26) - 2]);
        assert_eq!(arrivals(2, &[0, 1, 4]), [ms(30), ms(29) - 1, ms(30) + 1]);
        assert_eq!(arrivals(3, &[0, 0, 0]), [ms(30), ms(30) - 1, ms(30) - 2], "sent at once");
        assert_eq!(arrivals(3, &[0, 10]), [ms(30), ms(40)], "another window");
    }

    #[test]
    fn links_have_windows_of_their_own() {
        let mut reorder = Reorder::new(2, BY);
        let now = Time::ZERO + Span::from_millis(5);
        let mut overtakes = |from, to| {
            let arrives = now + reorder.next(from, to, now);
            reorder.overtakes(from, to, arrives)
        };
        assert!(!overtakes(R0, R1));
        assert!(!overtakes(R1, R0));
        assert!(overtakes(R0, R1));
    }

    #[test]
    fn what_another_fault_decided_keeps_its_place_and_is_not_overtaken() {
        let [alone, after] = [true, false].map(|decides| {
            let mut reorder = Reorder::new(3, BY);
            let first = Time::ZERO + reorder.next(R0, R1, Time::ZERO);
            if decides {
                reorder.overtakes(R0, R1, first);
            }
            let now = Time::ZERO + Span::from_millis(1);
            let second = now + reorder.next(R0, R1, now);
            (second, reorder.overtakes(R0, R1, second))
        });
        assert_eq!(alone.0, after.0);
        assert!(alone.1 && !after.1);
    }

    #[test]
    fn what_the_network_cuts_to_its_bound_overtakes_nothing() {
        let mut reorder = Reorder::new(2, BY);
        let bound = Span::from_millis(20);
        for ms in [0, 1] {
            let now = Time::ZERO + Span::from_millis(ms);
            let wished = reorder.next(R0, R1, now);
            assert!(bound < wished, "{wished}");
            assert!(!reorder.overtakes(R0, R1, now + bound));
        }
    }

    #[test]
    fn no_message_takes_too_long_or_is_overtaken_too_often() {
        let mut rng = SimRng::new(1, Purpose::Plan, 0);
        for within in [2, 3, 7, 100] {
            let mut reorder = Reorder::new(within, BY);
            let (mut now, mut seen) = (Time::ZERO, Vec::<Time>::new());
            for _ in 0..2_000 {
                now += Span::from_nanos(rng.between(0, 3) * rng.between(0, 3_000_000));
                let latency = reorder.next(R0, R1, now);
                let slack = Span::from_nanos(2_000);
                assert!(BY <= latency + slack && latency <= BY * 3 + slack, "{latency}");
                let arrives = now + latency;
                let overtakes = reorder.overtakes(R0, R1, arrives);
                assert_eq!(overtakes, seen.iter().any(|earlier| arrives < *earlier));
                seen.push(arrives);
            }
            let overtakers =
                |place: usize| seen[place..].iter().filter(|later| **later < seen[place]).count();
            let most = (0..seen.len()).map(overtakers).max().expect("some were sent");
            assert!(0 < most && most < usize::try_from(within).expect("small"), "{most}");
        }
    }
}
