//! Random crashes beyond the plain ones: in the middle of something, with a loss, of clients.
//!
//! They are drawn from a stream of their own, so that plans without crashes do not depend on them.

use byzsim_core::{NodeId, Purpose, SimRng, Time};

use crate::action::{Action, Class};
use crate::crash::Lost;
use crate::generate::Draw;
use crate::odds;
use crate::plan::{Plan, corrupted};
use crate::weather::Weather;

impl Draw<'_> {
    /// Makes some of the crashes that were drawn more than plain ones, and lets a client crash.
    pub(crate) fn more_crashes(&mut self, weather: &Weather, seed: u64) {
        let allows = |class| weather.classes.contains(&class);
        let synchronous = self.aim.timing.gst == Time::ZERO;
        if synchronous || weather.strikes_max == 0 || !allows(Class::Crash) {
            return;
        }
        self.aim.rng = SimRng::new(seed, Purpose::Plan, 1);
        if allows(Class::Forget) {
            self.forget(weather);
        }
        if allows(Class::CrashMidway) {
            self.crash_midway();
        }
        if self.aim.rng.chance(odds::CLIENT_CRASHES_PPM) {
            self.crash_a_client();
        }
        if 0 < weather.down_max {
            // Of another stream again: no other draw depends on who stays down.
            self.aim.rng = SimRng::new(seed, Purpose::Plan, 2);
            self.stay_down(weather);
        }
    }

    /// A replica that crashes may lose what it wrote, as long as no more than f are faulty.
    fn forget(&mut self, weather: &Weather) {
        let faulty = corrupted(&self.faults).iter().filter(|node| !node.is_client()).count();
        let most = weather.corrupt_max.unwrap_or(self.committee.faults);
        if usize::from(most.min(self.committee.faults)) <= faulty {
            return;
        }
        let Some((place, node)) = self.plain_crashes().into_iter().next() else { return };
        if !self.aim.rng.chance(odds::FORGETS_PPM) {
            return;
        }
        let loses = *self.aim.rng.pick(&[Lost::LastWrite, Lost::Everything]);
        let after = self.aim.rng.chance(odds::FORGETS_MIDWAY_PPM).then(|| self.count());
        self.faults[place].action = Action::Forget { node, loses, after };
    }

    /// Each plain crash may become one in the middle of something, at most one for each replica.
    fn crash_midway(&mut self) {
        for (place, node) in self.plain_crashes() {
            let is_drawn = self.aim.rng.chance(odds::CRASH_MIDWAY_PPM);
            let after = self.count();
            let is_first = !self.faults.iter().any(|fault| {
                let class = fault.action.class();
                matches!(class, Class::CrashMidway | Class::Forget)
                    && fault.action.owner() == Some(node)
            });
            if is_drawn && is_first {
                self.faults[place].action = Action::CrashMidway { node, after };
            }
        }
    }

    /// Replicas that crash may stay down, as long as no more than f are faulty.
    fn stay_down(&mut self, weather: &Weather) {
        let faulty = Plan { faults: self.faults.clone() }.faulty_replicas(self.aim.timing.gst);
        let spare = usize::from(self.committee.faults).saturating_sub(faulty.len());
        let most = spare.min(usize::from(weather.down_max));
        let mut gone: Vec<NodeId> = Vec::new();
        for fault in &mut self.faults {
            let crashes = matches!(fault.action.class(), Class::Crash | Class::CrashMidway);
            let Some(node) = fault.action.owner().filter(|node| crashes && !node.is_client())
            else {
                continue;
            };
            let is_one_more = gone.len() < most && !gone.contains(&node);
            if is_one_more && self.aim.rng.chance(odds::STAYS_DOWN_PPM) {
                fault.end = None;
                gone.push(node);
            }
        }
    }

    /// A correct client crashes, and restarts by the clock.
    fn crash_a_client(&mut self) {
        let corrupted = corrupted(&self.faults);
        let clients: Vec<NodeId> =
            self.committee.client_ids().filter(|client| !corrupted.contains(client)).collect();
        if clients.is_empty() {
            return;
        }
        let client = *self.aim.rng.pick(&clients);
        let (start, end) = self.aim.window();
        self.push((Some(start), Some(end)), Action::Crash(client));
    }

    /// How many messages are sent before a crash: a part of one broadcast, or of two.
    fn count(&mut self) -> u32 {
        let most = 2 * u64::from(self.committee.replicas);
        let (one, other) = (self.aim.rng.between(0, most), self.aim.rng.between(0, most));
        u32::try_from(one.min(other)).expect("a few messages")
    }

    /// The plain crashes, by their places.
    fn plain_crashes(&self) -> Vec<(usize, NodeId)> {
        let faults = self.faults.iter().enumerate();
        let plain = faults.filter_map(|(place, fault)| {
            if let Action::Crash(node) = fault.action { Some((place, node)) } else { None }
        });
        plain.collect()
    }
}
