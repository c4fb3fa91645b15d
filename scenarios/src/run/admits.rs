//! Which strategy can choose the plans of which scenario.

use crate::file::error::LoadError;
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;

impl Scenario {
    /// Whether `strategy` can choose the plans of this scenario.
    ///
    /// # Errors
    /// If the scenario says something else already, or says too little.
    pub fn admits(&self, strategy: Strategy) -> Result<(), LoadError> {
        let error = |what: String, help: &str| Err(LoadError::new(what, help));
        match strategy {
            Strategy::Random => Ok(()),
            // A schedule is a whole plan. Faults behind those of a script could corrupt one replica
            // too many, or one that the script crashes.
            Strategy::Twins | Strategy::Delays | Strategy::Priorities
                if !self.file.faults.faults.is_empty() =>
            {
                let what = format!(
                    "`{}` has faults of its own, but the strategy `{strategy}` makes whole plans",
                    self.name
                );
                error(what, "use a scenario without `[[fault]]`, or the strategy `random`")
            }
            Strategy::Twins if self.corrupt_max() == 0 => {
                let what = format!("`{}` allows no corrupted replica to run as twins", self.name);
                let help = "`cluster.faults` and `random.faults.corrupt-max` must be at least 1, \
                            and the protocol must tolerate replicas that break its rules";
                error(what, help)
            }
            Strategy::Twins | Strategy::Delays | Strategy::Priorities => Ok(()),
            // What may be varied, and how far, is what the weather allows.
            Strategy::Guided => {
                let random = self.file.random.as_ref();
                if random.is_some_and(|random| random.faults.is_some()) {
                    return Ok(());
                }
                let what = format!("`{}` does not say what a guided search may vary", self.name);
                error(what, "add a table `[random.faults]` to the scenario")
            }
        }
    }
}
