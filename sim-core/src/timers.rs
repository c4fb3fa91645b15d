//! The timers of one node.

use std::collections::BTreeMap;

use crate::time::{Span, Time};

/// The timers of one node. They know no queue: whoever runs the node looks at a timer when its
/// deadline has come, as often as the timers ask for it.
#[derive(Debug)]
pub struct Timers<T> {
    armed: BTreeMap<T, Armed>,
    looks: Looks,
    /// How much slower (positive, in parts per million) they run.
    drift_ppm: i32,
    /// Whether what the node does now was provoked.
    provoked: bool,
}

/// For which armings of a timer a look is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// For those only that no earlier look serves. Most timers are moved or disarmed before they
    /// expire: a look that comes too early asks for the next one.
    WhereNeeded,
    /// For every one.
    Always,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    /// When it was armed.
    since: Time,
    /// When the timer expires; never if it was disarmed.
    deadline: Option<Time>,
    /// When it is looked at next.
    looked_at: Time,
    /// Whether the node armed it when it was provoked.
    provoked: bool,
}

/// What a look at a timer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It expired just now. It was armed then.
    Expired(Time),
    /// It was moved: look again then.
    Again(Time),
    /// It was disarmed, or is looked at at another time.
    Stale,
}

impl<T: Ord + Clone> Timers<T> {
    /// No timers yet; those that will be run slower by `drift_ppm` parts per million.
    pub const fn new(looks: Looks, drift_ppm: i32) -> Self {
        Self { armed: BTreeMap::new(), looks, drift_ppm, provoked: false }
    }

    /// Says whether what the node does next was provoked: not its own doing.
    pub(crate) const fn provoke(&mut self, provoked: bool) {
        self.provoked = provoked;
    }

    /// Whether what the node does now was provoked.
    pub(crate) const fn is_provoked(&self) -> bool {
        self.provoked
    }

    /// Whether a timer runs; of those that the node armed on its own account if only these are
    /// meant.
    pub(crate) fn any_runs(&self, own_only: bool) -> bool {
        self.armed.values().any(|it| it.deadline.is_some() && !(own_only && it.provoked))
    }

    /// Arms a timer that expires after `span`, or moves it. When it must be looked at for that, if
    /// no earlier look serves.
    pub(crate) fn arm(&mut self, now: Time, timer: &T, span: Span) -> Option<Time> {
        let deadline = now + span.drifted(self.drift_ppm);
        let provoked = self.provoked;
        let fresh = Armed { since: now, deadline: Some(deadline), looked_at: deadline, provoked };
        match self.armed.get_mut(timer) {
            Some(armed) if self.looks == Looks::WhereNeeded && armed.looked_at <= deadline => {
                (armed.since, armed.deadline) = (now, Some(deadline));
                armed.provoked = provoked;
                None
            }
            Some(armed) => {
                *armed = fresh;
                Some(deadline)
            }
            None => {
                self.armed.insert(timer.clone(), fresh);
                Some(deadline)
            }
        }
    }

    /// Disarms a timer; nothing happens if it is not armed.
    pub(crate) fn disarm(&mut self, timer: &T) {
        if let Some(armed) = self.armed.get_mut(timer) {
            armed.deadline = None;
        }
    }

    /// The armed timers: since when, and until when.
    pub(crate) fn armed(&self) -> impl Iterator<Item = (&T, [Time; 2])> {
        self.armed.iter().filter_map(|(timer, it)| Some((timer, [it.since, it.deadline?])))
    }

    /// Disarms all timers.
    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// Looks at a timer. One that expired is armed no longer; what follows is provoked if its
    /// arming was.
    pub(crate) fn look_at(&mut self, now: Time, timer: &T) -> Look {
        let Some(armed) = self.armed.get_mut(timer).filter(|it| it.looked_at == now) else {
            // The timer was moved forward, or a crash wiped it out.
            return Look::Stale;
        };
        match armed.deadline {
            Some(deadline) if now < deadline => {
                armed.looked_at = deadline;
                Look::Again(deadline)
            }
            Some(_) => {
                let since = armed.since;
                self.provoked = armed.provoked;
                self.armed.remove(timer);
                Look::Expired(since)
            }
            None => {
                self.armed.remove(timer);
                Look::Stale
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Time {
        Time::from_nanos(ms * 1_000_000)
    }

    /// Arms a timer at the given times for the given spans, and answers each look that it asks for
    /// when its time has come. When it was looked at, and what each look showed.
    fn looks(looks: Looks, armings: &[(u64, u64)]) -> Vec<(Time, Look)> {
        let mut timers = Timers::new(looks, 0);
        let mut asked: Vec<Time> = Vec::new();
        for (now, span) in armings {
            asked.extend(timers.arm(at(*now), &"tick", Span::from_millis(*span)));
        }
        let mut shown = Vec::new();
        while let Some(now) = asked.iter().min().copied() {
            asked.retain(|time| *time != now);
            let look = timers.look_at(now, &"tick");
            if let Look::Again(then) = look {
                asked.push(then);
            }
            shown.push((now, look));
        }
        shown
    }

    #[test]
    fn a_timer_expires_once_at_its_latest_deadline() {
        use Look::{Again, Expired, Stale};
        for (armings, where_needed, always) in [
            (&[(0, 20)][..], &[(20, Expired(at(0)))][..], &[(20, Expired(at(0)))][..]),
            // Moved back: one look serves twice, or two are asked for.
            (
                &[(0, 20), (5, 50)],
                &[(20, Again(at(55))), (55, Expired(at(5)))],
                &[(20, Stale), (55, Expired(at(5)))],
            ),
            // Moved forward.
            (
                &[(0, 50), (5, 20)],
                &[(25, Expired(at(5))), (50, Stale)],
                &[(25, Expired(at(5))), (50, Stale)],
            ),
        ] {
            for (policy, expected) in [(Looks::WhereNeeded, where_needed), (Looks::Always, always)]
            {
                let expected: Vec<_> = expected.iter().map(|(ms, look)| (at(*ms), *look)).collect();
                assert_eq!(looks(policy, armings), expected, "{armings:?}, {policy:?}");
            }
        }
    }

    #[test]
    fn a_disarmed_timer_does_not_expire_and_a_slow_clock_is_late() {
        let mut timers = Timers::new(Looks::WhereNeeded, 500_000);
        assert_eq!(timers.arm(at(0), &"tick", Span::from_millis(20)), Some(at(30)));
        timers.disarm(&"tick");
        assert_eq!(timers.look_at(at(30), &"tick"), Look::Stale);
    }

    #[test]
    fn what_a_timer_leads_to_is_provoked_if_its_arming_was() {
        let mut timers = Timers::new(Looks::WhereNeeded, 0);
        assert!(!timers.any_runs(false));
        timers.arm(at(0), &"own", Span::from_millis(20));
        timers.provoke(true);
        timers.arm(at(0), &"provoked", Span::from_millis(10));
        timers.provoke(false);
        assert_eq!(timers.look_at(at(10), &"provoked"), Look::Expired(at(0)));
        assert!(timers.is_provoked() && timers.any_runs(true));
        // The timer that a provoked handler moves is the provoker's.
        timers.arm(at(10), &"own", Span::from_millis(20));
        assert!(timers.any_runs(false) && !timers.any_runs(true));
        timers.disarm(&"own");
        assert!(!timers.any_runs(false));
    }
}
