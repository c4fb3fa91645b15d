//! The timers of one node.

use std::collections::VecDeque;

use crate::id::NodeId;
use crate::rng::{Purpose, SimRng};
use crate::time::{Span, Time};

/// The timers of one node. They know no queue: whoever runs the node looks at a timer when its
/// deadline has come, as often as the timers ask for it.
#[derive(Debug)]
pub struct Timers<T> {
    /// Sorted. Few timers run at once, and the keys that carry a number come and go in its order.
    armed: VecDeque<(T, Armed)>,
    looks: Looks,
    /// How much slower (positive, in parts per million) they run.
    drift_ppm: i32,
    draws: Draws,
    /// Why the node does what it does now.
    cause: Cause,
}

/// Why a node does something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cause {
    /// On its own account.
    #[default]
    Own,
    /// It was provoked, by a faulty node or by what nobody can close.
    Provoked,
    /// A pulse led to it ([`Protocol::is_pulse`](crate::Protocol::is_pulse)).
    Pulse,
}

/// The spans that one copy of a node leaves to be drawn: a stream of its own, which no draw of
/// another node shifts, and which goes on when the node crashes.
#[derive(Debug)]
pub struct Draws {
    seed: u64,
    index: u32,
    /// The stream; few nodes need it, and it costs something to make.
    rng: Option<SimRng>,
}

impl Draws {
    /// Those of a node in the run of `seed`. A corrupted node may have several copies, from 0.
    pub const fn new(seed: u64, node: NodeId, copy: u8) -> Self {
        // The rank of a node has 17 bits.
        Self { seed, index: (copy as u32) << 24 | node.rank(), rng: None }
    }

    /// The next span, from `shortest` to `longest`.
    pub(crate) fn next(&mut self, shortest: Span, longest: Span) -> Span {
        let stream = || SimRng::new(self.seed, Purpose::Timers, self.index);
        let rng = self.rng.get_or_insert_with(stream);
        Span::from_nanos(rng.between(shortest.nanos(), longest.nanos()))
    }
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
    /// Why the node armed it.
    cause: Cause,
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
    pub const fn new(looks: Looks, drift_ppm: i32, draws: Draws) -> Self {
        Self { armed: VecDeque::new(), looks, drift_ppm, draws, cause: Cause::Own }
    }

    /// Says why the node does what it does next.
    pub(crate) const fn attribute(&mut self, cause: Cause) {
        self.cause = cause;
    }

    /// Why the node does what it does now.
    pub(crate) const fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether a timer runs that is no pulse, and was armed for no pulse; of those that the node
    /// armed on its own account if only these are meant.
    pub(crate) fn any_runs(&self, own_only: bool) -> bool {
        let counts = |cause| match cause {
            Cause::Own => true,
            Cause::Provoked => !own_only,
            Cause::Pulse => false,
        };
        self.armed.iter().any(|(_, it)| it.deadline.is_some() && counts(it.cause))
    }

    /// Whether a pulse runs, or what one led to.
    pub(crate) fn any_pulse(&self) -> bool {
        let is_pulse = |it: &Armed| it.deadline.is_some() && it.cause == Cause::Pulse;
        self.armed.iter().any(|(_, it)| is_pulse(it))
    }

    /// Draws a span for a timer.
    pub(crate) fn draw(&mut self, shortest: Span, longest: Span) -> Span {
        self.draws.next(shortest, longest)
    }

    /// Arms a timer that expires after `span`, or moves it. When it must be looked at for that, if
    /// no earlier look serves.
    pub(crate) fn arm(
        &mut self,
        now: Time,
        (timer, is_pulse): (&T, bool),
        span: Span,
    ) -> Option<Time> {
        let deadline = now + span.drifted(self.drift_ppm);
        let cause = if is_pulse { Cause::Pulse } else { self.cause };
        let fresh = Armed { since: now, deadline: Some(deadline), looked_at: deadline, cause };
        match self.place(timer) {
            Ok(place) => {
                let armed = &mut self.armed[place].1;
                let is_served = self.looks == Looks::WhereNeeded && armed.looked_at <= deadline;
                let looked_at = if is_served { armed.looked_at } else { deadline };
                *armed = Armed { looked_at, ..fresh };
                (!is_served).then_some(deadline)
            }
            Err(place) => {
                self.armed.insert(place, (timer.clone(), fresh));
                Some(deadline)
            }
        }
    }

    /// Disarms a timer; nothing happens if it is not armed.
    pub(crate) fn disarm(&mut self, timer: &T) {
        if let Ok(place) = self.place(timer) {
            self.armed[place].1.deadline = None;
        }
    }

    /// The place of a timer; if it is not there, the place that it would have.
    fn place(&self, timer: &T) -> Result<usize, usize> {
        self.armed.binary_search_by(|(known, _)| known.cmp(timer))
    }

    /// The armed timers: since when, and until when.
    pub(crate) fn armed(&self) -> impl Iterator<Item = (&T, [Time; 2])> {
        self.armed.iter().filter_map(|(timer, it)| Some((timer, [it.since, it.deadline?])))
    }

    /// Disarms all timers.
    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// Looks at a timer. One that expired is armed no longer; what follows has the cause that its
    /// arming had.
    pub(crate) fn look_at(&mut self, now: Time, timer: &T) -> Look {
        let Some(place) = self.place(timer).ok().filter(|it| self.armed[*it].1.looked_at == now)
        else {
            // The timer was moved forward, or a crash wiped it out.
            return Look::Stale;
        };
        let Armed { since, deadline, cause, .. } = self.armed[place].1;
        match deadline {
            Some(deadline) if now < deadline => {
                self.armed[place].1.looked_at = deadline;
                Look::Again(deadline)
            }
            Some(_) => {
                self.cause = cause;
                self.armed.remove(place);
                Look::Expired(since)
            }
            None => {
                self.armed.remove(place);
                Look::Stale
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: Draws = Draws::new(7, NodeId::Replica(1), 0);

    const fn at(ms: u64) -> Time {
        Time::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn a_pulse_is_no_sign_of_work_and_what_it_leads_to_is_none() {
        let mut timers = Timers::new(Looks::WhereNeeded, 0, DRAWS);
        timers.arm(at(0), (&"beat", true), Span::from_millis(10));
        assert!(!timers.any_runs(false) && timers.any_pulse());
        assert_eq!(timers.look_at(at(10), &"beat"), Look::Expired(at(0)));
        assert_eq!(timers.cause(), Cause::Pulse);
        timers.arm(at(10), (&"next", false), Span::from_millis(10));
        assert!(!timers.any_runs(false) && timers.any_pulse());
        timers.attribute(Cause::Own);
        timers.arm(at(12), (&"next", false), Span::from_millis(10));
        assert!(timers.any_runs(true) && !timers.any_pulse());
    }

    /// Golden values: a change gives each recorded seed of a protocol with drawn timers another
    /// run.
    #[test]
    fn the_draws_of_each_copy_of_each_node_never_change() {
        let drawn = |seed, node, copy| {
            let mut draws = Draws::new(seed, node, copy);
            [(); 3].map(|()| draws.next(Span::from_millis(150), Span::from_millis(300)).nanos())
        };
        let (r1, c1) = (NodeId::Replica(1), NodeId::Client(1));
        assert_eq!(drawn(7, r1, 0), GOLDEN);
        let others = [drawn(8, r1, 0), drawn(7, NodeId::Replica(2), 0), drawn(7, c1, 0)];
        for other in others.into_iter().chain([drawn(7, r1, 1)]) {
            assert!(other.iter().all(|it| !GOLDEN.contains(it)), "{other:?}");
            assert!(other.iter().all(|it| (150_000_000..=300_000_000).contains(it)));
        }
        // A crash wipes out the timers, and no draw comes again.
        let mut timers: Timers<&str> = Timers::new(Looks::WhereNeeded, 0, DRAWS);
        let draw = |timers: &mut Timers<&str>| {
            timers.draw(Span::from_millis(150), Span::from_millis(300)).nanos()
        };
        let first = draw(&mut timers);
        timers.clear();
        assert_eq!([first, draw(&mut timers)], GOLDEN[..2]);
    }
    const GOLDEN: [u64; 3] = [162_322_422, 242_367_081, 272_946_229];

    /// Arms a timer at the given times for the given spans, and answers each look that it asks for
    /// when its time has come. When it was looked at, and what each look showed.
    fn looks(looks: Looks, armings: &[(u64, u64)]) -> Vec<(Time, Look)> {
        let mut timers = Timers::new(looks, 0, DRAWS);
        let mut asked: Vec<Time> = Vec::new();
        for (now, span) in armings {
            asked.extend(timers.arm(at(*now), (&"tick", false), Span::from_millis(*span)));
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

    /// Several timers, armed, moved and disarmed at random, against a list of deadlines: each
    /// expires at its own, and nothing else does.
    #[test]
    fn timers_expire_when_a_list_of_deadlines_says_so() {
        for seed in 0..100 {
            let mut rng = SimRng::new(seed, Purpose::Search, 0);
            let policy = *rng.pick(&[Looks::WhereNeeded, Looks::Always]);
            let mut timers = Timers::new(policy, 0, DRAWS);
            let mut deadlines: [Option<Time>; 5] = [None; 5];
            let mut asked: Vec<(Time, usize)> = Vec::new();
            for now in (0..300).map(at) {
                let mut expired = Vec::new();
                while let Some(place) = asked.iter().position(|(time, _)| *time == now) {
                    let (_, timer) = asked.remove(place);
                    match timers.look_at(now, &timer) {
                        Look::Expired(_) => expired.push(timer),
                        Look::Again(then) => asked.push((then, timer)),
                        Look::Stale => {}
                    }
                }
                expired.sort_unstable();
                let due: Vec<usize> = (0..5).filter(|it| deadlines[*it] == Some(now)).collect();
                assert_eq!(expired, due, "seed {seed} at {now}");
                due.into_iter().for_each(|it| deadlines[it] = None);
                let timer = usize::try_from(rng.between(0, 4)).expect("below 5");
                if rng.chance(300_000) {
                    timers.disarm(&timer);
                    deadlines[timer] = None;
                } else if rng.chance(500_000) {
                    let span = Span::from_millis(rng.between(1, 20));
                    asked.extend(timers.arm(now, (&timer, false), span).map(|it| (it, timer)));
                    deadlines[timer] = Some(now + span);
                }
                let armed: Vec<(usize, Time)> =
                    timers.armed().map(|(timer, [_, until])| (*timer, until)).collect();
                let listed = (0..5).filter_map(|it| Some((it, deadlines[it]?)));
                assert_eq!(armed, listed.collect::<Vec<_>>(), "seed {seed} at {now}");
            }
        }
    }

    #[test]
    fn a_disarmed_timer_does_not_expire_and_a_slow_clock_is_late() {
        let mut timers = Timers::new(Looks::WhereNeeded, 500_000, DRAWS);
        assert_eq!(timers.arm(at(0), (&"tick", false), Span::from_millis(20)), Some(at(30)));
        timers.disarm(&"tick");
        assert_eq!(timers.look_at(at(30), &"tick"), Look::Stale);
    }

    #[test]
    fn what_a_timer_leads_to_is_provoked_if_its_arming_was() {
        let mut timers = Timers::new(Looks::WhereNeeded, 0, DRAWS);
        assert!(!timers.any_runs(false));
        timers.arm(at(0), (&"own", false), Span::from_millis(20));
        timers.attribute(Cause::Provoked);
        timers.arm(at(0), (&"provoked", false), Span::from_millis(10));
        timers.attribute(Cause::Own);
        assert_eq!(timers.look_at(at(10), &"provoked"), Look::Expired(at(0)));
        assert!(timers.cause() == Cause::Provoked && timers.any_runs(true));
        // The timer that a provoked handler moves is the provoker's.
        timers.arm(at(10), (&"own", false), Span::from_millis(20));
        assert!(timers.any_runs(false) && !timers.any_runs(true));
        timers.disarm(&"own");
        assert!(!timers.any_runs(false));
    }
}
