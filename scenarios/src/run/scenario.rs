//! A scenario, checked and ready to play: scenario and seed in, report out.

use byzsim_adversaries::{Plan, Seen, twins_schedules};
use byzsim_core::workload;
use byzsim_core::{Committee, Digest, NodeId, Operation, Recorder, Resilience, Setup, Time};

use crate::file::conditions;
use crate::file::error::Problem;
use crate::file::format::{Arrival, ScenarioFile};
use crate::run::check;
use crate::run::draw::{self, Drawn};
use crate::run::expect;
use crate::run::mechanism;
use crate::run::panics;
use crate::run::registry::{self, AnyProtocol, Investigation, ProtocolEntry, Watch};
use crate::run::resilience;
use crate::run::result::{PlayOptions, Report};
use crate::run::strategy::Strategy;
use crate::run::without_effect;

/// A scenario, checked and ready to play.
#[derive(Debug)]
pub struct Scenario {
    /// The name in the library, or the path.
    pub name: String,
    /// What the file says, with all parameters of the protocol filled in.
    pub file: ScenarioFile,
    /// The SHA-256 hash over the canonical JSON of `file`.
    pub hash: Digest,
    /// The nodes.
    pub committee: Committee,
    /// The protocol.
    pub protocol: &'static ProtocolEntry,
    instance: Box<dyn AnyProtocol>,
    /// The scenario under each of its conditions.
    conditions: Vec<Self>,
    /// How many conditions of the file were left out, since they say something else about what was
    /// set for this command.
    pub left_out: usize,
    /// What has no effect in the file as it is, without its conditions: one sentence for each.
    pub notes: Vec<String>,
}

impl Scenario {
    /// Checks `file` and makes it ready to play, with `flaws` planted beyond those that it names.
    ///
    /// # Errors
    /// What is wrong, and where in the file.
    pub fn new(name: &str, mut file: ScenarioFile, flaws: &[String]) -> Result<Self, Problem> {
        let protocol = registry::protocol(&file.protocol)?;
        let committee = check::structure(&file)?;
        let instance = (protocol.prepare)(&file.params, flaws, committee)?;
        check::faults(&file, committee, protocol, &*instance)?;
        check::milestones(&file)?;
        file.params = instance.params();
        // The faults hold the members: what is made of the file names no group.
        file.groups.clear();
        let hash = file.hash();
        let under = |(place, file): (usize, Result<ScenarioFile, Problem>)| {
            Self::new(name, file?, flaws)
                .map_err(|why| conditions::problem(place, why.what, why.help.unwrap_or_default()))
        };
        let conditions =
            conditions::files(&file).enumerate().map(under).collect::<Result<_, _>>()?;
        let name = name.to_owned();
        let notes = without_effect::notes(&file, &instance.resilience(committee));
        let left_out = 0;
        Ok(Self { name, file, hash, committee, protocol, instance, conditions, left_out, notes })
    }

    /// The scenario under each of its conditions, in the order of its file.
    pub fn conditions(&self) -> &[Self] {
        &self.conditions
    }

    /// The scenario under the conditions that were drawn.
    pub fn under(&self, drawn: &Drawn) -> &Self {
        drawn.condition.checked_sub(1).map_or(self, |place| &self.conditions[place])
    }

    /// Plays the run of `seed`.
    pub fn play(&self, seed: u64, options: &PlayOptions) -> Report {
        self.play_recorded(seed, options, None)
    }

    /// Plays the run of `seed`, and shows every event to `recorder`.
    pub fn play_recorded(
        &self,
        seed: u64,
        options: &PlayOptions,
        recorder: Option<&mut dyn Recorder>,
    ) -> Report {
        self.play_drawn(seed, self.draw(seed), options, recorder)
    }

    /// Plays a run with other draws than those of `seed`, from which only the single messages and
    /// the operations are drawn then.
    pub fn play_drawn(
        &self,
        seed: u64,
        drawn: Drawn,
        options: &PlayOptions,
        recorder: Option<&mut dyn Recorder>,
    ) -> Report {
        let watch = Watch { recorder, with_logs: false };
        self.play_watched(seed, drawn, (options, u64::MAX), watch)
    }

    /// Plays a run that ends after `events_max` events, whatever its file allows.
    pub(crate) fn play_watched(
        &self,
        seed: u64,
        drawn: Drawn,
        (options, events_max): (&PlayOptions, u64),
        watch: Watch<'_>,
    ) -> Report {
        let here = self.under(&drawn);
        let mut setup = here.setup(seed, &drawn, options);
        setup.events_max = setup.events_max.min(events_max);
        let result = panics::catch(|| {
            let mut played = here.instance.play(setup.clone(), &drawn.plan, watch);
            if mechanism::is_to_be_told(&played.outcome)
                && let Some(loss) = here.instance.diagnose(setup, &drawn.plan)
            {
                mechanism::tell(&mut played.outcome, &loss);
            }
            played
        });
        let verdicts = result.iter().flat_map(|played| &played.outcome.verdicts);
        let verdicts = verdicts.map(|(name, verdict)| (*name, verdict));
        let gst = drawn.network.gst;
        let judgement = expect::judge(&self.file.expect, gst, verdicts, result.is_err());
        let tolerated = here.resilience();
        let beyond_f = here.file.beyond_f || resilience::is_beyond(&drawn.plan, gst, &tolerated);
        Report { seed, drawn, result, judgement, beyond_f }
    }

    /// Plays a run again, as drawn, and says what its messages prove.
    pub(crate) fn play_for_evidence(
        &self,
        seed: u64,
        drawn: &Drawn,
        options: &PlayOptions,
    ) -> Investigation {
        self.instance.investigate(self.setup(seed, drawn, options), &drawn.plan)
    }

    /// Whether the paper claims safety for the cluster and the parameters.
    pub(crate) fn is_within_model(&self) -> bool {
        self.instance.within_model(self.committee)
    }

    /// Draws what the scenario leaves open.
    pub fn draw(&self, seed: u64) -> Drawn {
        self.draw_by(Strategy::Random, seed)
    }

    /// Draws what the scenario leaves open, with the plan that `strategy` has for `seed`. The
    /// guided search draws what the random one does, before it learned anything.
    pub fn draw_by(&self, strategy: Strategy, seed: u64) -> Drawn {
        // Schedules of twins are numbered for one committee: conditions would leave some out.
        let count = if strategy == Strategy::Twins { 0 } else { self.conditions.len() };
        let condition = draw::condition(count, seed);
        let here = condition.checked_sub(1).map_or(self, |place| &self.conditions[place]);
        let protocol = (&*here.instance, here.protocol.vocabulary);
        Drawn::new(&here.file, protocol, here.committee, (condition, strategy, seed))
    }

    /// What the protocol promises in this cluster, with these parameters.
    pub fn resilience(&self) -> Resilience {
        self.instance.resilience(self.committee)
    }

    /// How many replicas more it takes to tolerate one more faulty one.
    pub(crate) fn replicas_per_fault(&self) -> u16 {
        let least = |faults| {
            let committee = Committee { faults, ..self.committee };
            self.instance.resilience(committee).replicas_min
        };
        u16::try_from(least(2) - least(1)).expect("a few")
    }

    /// How many replicas a strategy may corrupt.
    pub(crate) fn corrupt_max(&self) -> u16 {
        resilience::corrupt_max(&self.file, &self.resilience())
    }

    /// How many schedules of twins there are, which the seeds enumerate.
    pub(crate) fn twins_schedules(&self) -> u64 {
        twins_schedules(Committee { faults: self.corrupt_max(), ..self.committee })
    }

    /// A variation of the first draws' plan, aimed at what its run was `seen` to go through,
    /// perhaps with faults of the other plan. The faults of the file itself stay as they are.
    pub(crate) fn vary(&self, parent: &Drawn, seen: &Seen, other: &Plan, seed: u64) -> Plan {
        let here = self.under(parent);
        let tolerated = here.resilience();
        let weather = resilience::weather(&here.file, &tolerated).unwrap_or_default();
        let timing = draw::timing(&parent.network, &*here.instance);
        let own = here.file.faults.faults.len();
        let drawn = |plan: &Plan| Plan { faults: plan.faults.get(own..).unwrap_or(&[]).to_vec() };
        let plans = (&drawn(&parent.plan), &drawn(other), seen);
        let varied = here.instance.vary(plans, &weather, here.committee, &timing, seed);
        let vocabulary = here.protocol.vocabulary;
        let gst = parent.network.gst;
        let varied = match here.file.beyond_f {
            true => varied,
            false => resilience::spare(varied, gst, here.committee, &tolerated),
        };
        let varied = (varied, gst);
        let within = (here.committee, &tolerated);
        let plan = draw::beside_own(&here.file, within, vocabulary, varied);
        let is_sound = plan.validate(here.committee, vocabulary).is_ok();
        if is_sound { plan } else { parent.plan.clone() }
    }

    /// The file of the run of one seed: nothing is left open in it.
    pub fn fixed(&self, drawn: &Drawn) -> ScenarioFile {
        ScenarioFile {
            network: drawn.network.clone(),
            faults: drawn.plan.clone(),
            random: None,
            ..self.under(drawn).file.clone()
        }
    }

    fn setup(&self, seed: u64, drawn: &Drawn, options: &PlayOptions) -> Setup {
        let run = &self.file.run;
        let operations = self.operations(seed);
        Setup {
            seed,
            committee: self.committee,
            crypto: options.crypto,
            network: drawn.network.clone(),
            workload: workload::Workload {
                arrivals: self.arrivals(seed, &operations),
                operations,
                think: self.file.workload.think,
                audit: self.file.workload.audit,
            },
            at_least: run.at_least,
            at_most: run.at_most,
            drain: run.drain,
            events_max: run.events_max,
            search_budget: run.search_budget,
            with_marks: options.with_marks,
        }
    }

    /// When the operations of each client arrive in the run of `seed`, if they do on their own.
    fn arrivals(&self, seed: u64, operations: &[Vec<Operation>]) -> Vec<Vec<Time>> {
        let counts: Vec<usize> = operations.iter().map(Vec::len).collect();
        let gaps = self.file.workload.arrival.map(Arrival::gaps);
        gaps.map(|gaps| workload::arrivals(seed, &counts, gaps)).unwrap_or_default()
    }

    /// What each client asks in the run of `seed`.
    pub(crate) fn operations(&self, seed: u64) -> Vec<Vec<Operation>> {
        let spec = &self.file.workload;
        match &spec.script {
            Some(script) => {
                let of = |client: NodeId| script.get(&client).cloned().unwrap_or_default();
                self.committee.client_ids().map(of).collect()
            }
            None => {
                let count = spec.operations.unwrap_or(5);
                workload::draw(seed, self.committee.clients, count, spec.keys.unwrap_or(2))
            }
        }
    }
}
