//! The table of protocols: the only place where a name becomes a type.
//!
//! Inside, a run is monomorphic in its protocol; outside, everything deals with a [`AnyProtocol`].

use std::collections::BTreeSet;
use std::fmt;
use std::sync::OnceLock;

use byzsim_adversaries::{
    FaultLog, Plan, PlanAdversary, Seen, Timing, Vocabulary, Weather, delays, generate, priorities,
    twins_schedule, vary,
};
use byzsim_core::forensics::{Case, Transcripts};
use byzsim_core::{
    Committee, Law, NodeId, Outcome, Protocol, Recorder, Resilience, Setup, Simulation, Span,
};
use byzsim_protocols::{Catalogued, FlawEntry, Loss, linear_pbft, onephase, pbft, raft, zyzzyva};
use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::file::error::{self, LoadError, Problem};
use crate::file::names;
use crate::file::path::{self, Step};
use crate::run::strategy::Strategy;

/// Makes the table of the entries: of each protocol the type, the scenario of the library in which
/// its flaws are hunted, and the paper.
macro_rules! protocols {
    ($($protocol:ty, hunted in $hunted_in:literal: $about:literal;)*) => {
        /// All protocols. To add one is to add its entry.
        pub const PROTOCOLS: &[ProtocolEntry] =
            &[$( ProtocolEntry::of::<$protocol>($about, Some($hunted_in)), )*];

        /// Shows the types of all protocols to the visitor, in the order of the table.
        pub fn visit(visitor: &mut impl Visitor) {
            $( visitor.visit::<$protocol>(); )*
        }
    };
}

protocols! {
    pbft::Pbft, hunted in "pbft/chaos":
        "Castro and Liskov, Practical Byzantine Fault Tolerance (OSDI 1999)";
    linear_pbft::LinearPbft, hunted in "linear-pbft/chaos":
        "PBFT with a collector: the primary collects votes and shows certificates";
    zyzzyva::Zyzzyva, hunted in "zyzzyva/chaos":
        "Kotla et al., Zyzzyva: Speculative Byzantine Fault Tolerance (SOSP 2007)";
    raft::Raft, hunted in "raft/chaos":
        "Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm (ATC 2014)";
    onephase::Onephase, hunted in "onephase/chaos":
        "A fixed sequencer orders, the others follow: the smallest protocol, to start from";
}

/// What is to be done with each protocol, where its type is needed: tests of all of them.
pub trait Visitor {
    /// Is shown a protocol.
    fn visit<P: Catalogued>(&mut self);
}

/// The protocols of a program that is built around this library.
static OTHERS: OnceLock<Vec<ProtocolEntry>> = OnceLock::new();

/// Adds the protocols of a program that is built around this library. It does so once, before it
/// asks for any. One with the name of a protocol of the library takes its place.
///
/// # Panics
/// If it does so twice.
pub fn add(others: Vec<ProtocolEntry>) {
    assert!(OTHERS.set(others).is_ok(), "protocols are added once");
}

/// All protocols, those of the program last.
pub fn protocols() -> impl Iterator<Item = &'static ProtocolEntry> {
    let others = OTHERS.get().map_or(&[][..], Vec::as_slice);
    let is_own = |name| others.iter().all(|other| other.name != name);
    PROTOCOLS.iter().filter(move |entry| is_own(entry.name)).chain(others)
}

/// An entry of the table.
#[derive(Clone, Copy)]
pub struct ProtocolEntry {
    /// The name in scenario files.
    pub name: &'static str,
    /// The paper.
    pub about: &'static str,
    /// The names that plans can use: kinds of messages, lies, fields.
    pub vocabulary: Vocabulary,
    /// The flaws that can be planted.
    pub flaws: fn() -> Vec<FlawEntry>,
    /// The scenario of the library in which the flaws are hunted, if there is one.
    pub hunted_in: Option<&'static str>,
    /// Its parameters for short runs ([`Catalogued::small`]).
    pub small: fn() -> Map<String, Value>,
    /// The schema of its parameters.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Reads its parameters, plants flaws beyond those they name, and checks the result.
    pub prepare:
        fn(&Map<String, Value>, &[String], Committee) -> Result<Box<dyn AnyProtocol>, Problem>,
}

impl fmt::Debug for ProtocolEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Finds a protocol by its name.
///
/// # Errors
/// If there is none of this name: the nearest ones.
pub fn protocol(name: &str) -> Result<&'static ProtocolEntry, Problem> {
    protocols().find(|entry| entry.name == name).ok_or_else(|| {
        let known: Vec<&str> = protocols().map(|entry| entry.name).collect();
        let help = names::advice(name, known.iter().copied());
        Problem::at("protocol", format!("unknown protocol `{name}`"), help)
            .labelled(format!("expected {}", names::alternatives(known)))
    })
}

impl ProtocolEntry {
    /// The entry of a protocol: its paper, and the scenario in which its flaws are hunted.
    pub const fn of<P: Catalogued>(about: &'static str, hunted_in: Option<&'static str>) -> Self {
        Self {
            hunted_in,
            name: P::NAME,
            about,
            vocabulary: Vocabulary::of::<P::Msg>(),
            flaws: P::flaws,
            small: || table(&P::small()),
            schema: |generator| generator.subschema_for::<P::Params>(),
            prepare: prepare::<P>,
        }
    }

    /// The scenario in which the flaws are hunted.
    ///
    /// # Errors
    /// If the entry names none.
    pub fn hunting_scenario(&self) -> Result<&'static str, LoadError> {
        self.hunted_in.ok_or_else(|| {
            let what = format!("{} has no scenario in which its flaws are hunted", self.name);
            LoadError::new(what, "name one in its entry of the registry, as `hunted_in`")
        })
    }
}

/// A protocol with its parameters, ready to play.
pub trait AnyProtocol: Send + Sync + fmt::Debug {
    /// Plays one run.
    fn play(&self, setup: Setup, plan: &Plan, watch: Watch<'_>) -> Played;

    /// Plays a run again that lost a completed operation, and tells how it did; none if the
    /// protocol tells no ways apart.
    fn diagnose(&self, setup: Setup, plan: &Plan) -> Option<Loss>;

    /// Plays one run for the messages that its nodes send and receive, and says what they prove.
    fn investigate(&self, setup: Setup, plan: &Plan) -> Investigation;

    /// Draws a plan.
    fn draw(&self, weather: &Weather, committee: Committee, timing: &Timing, seed: u64) -> Plan;

    /// The plan that a strategy other than the random one has for `seed`; none if plans are not
    /// chosen seed by seed.
    fn schedule(
        &self,
        strategy: Strategy,
        committee: Committee,
        timing: &Timing,
        seed: u64,
    ) -> Option<Plan>;

    /// A variation of the first plan, perhaps with faults of the second, aimed at what was seen.
    fn vary(
        &self,
        plans: (&Plan, &Plan, &Seen),
        weather: &Weather,
        committee: Committee,
        timing: &Timing,
        seed: u64,
    ) -> Plan;

    /// The parameters, none left out.
    fn params(&self) -> Map<String, Value>;

    /// Whether the paper claims safety for this committee and these parameters.
    fn within_model(&self, committee: Committee) -> bool;

    /// What the protocol promises in this committee.
    fn resilience(&self, committee: Committee) -> Resilience;

    /// Who leads a view, where that is a function of the view.
    fn leader(&self, committee: Committee, view: u64) -> Option<NodeId>;

    /// The timeout on which the protocol's other times depend.
    fn base_timeout(&self) -> Span;
}

/// What is recorded of a run besides its outcome. It makes no difference to the run.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "a recorder is anything")]
pub struct Watch<'a> {
    /// Who is shown every event.
    pub recorder: Option<&'a mut dyn Recorder>,
    /// Whether each fault keeps a log.
    pub with_logs: bool,
}

/// What came out of a run, and what each fault of its plan did.
#[derive(Clone, Debug)]
pub struct Played {
    /// What came out.
    pub outcome: Outcome,
    /// By fault of the plan: how often it fired.
    pub fired: Vec<u64>,
    /// By fault of the plan: what it went through. None without [`Watch::with_logs`].
    pub logs: Vec<FaultLog>,
}

/// What the signed messages of a run prove.
#[derive(Debug)]
pub struct Investigation {
    /// What all correct nodes hold together.
    pub all: Case,
    /// Whom each correct node proves guilty alone.
    pub by_witness: Vec<(NodeId, BTreeSet<NodeId>)>,
    /// Whom everything proves guilty that was ever sent.
    pub omniscient: BTreeSet<NodeId>,
}

fn table(params: &impl Serialize) -> Map<String, Value> {
    let params = serde_json::to_value(params).expect("parameters are plain data");
    params.as_object().expect("parameters are a table").clone()
}

struct Prepared<P: Protocol> {
    params: P::Params,
}

impl<P: Protocol> fmt::Debug for Prepared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", P::NAME, self.params)
    }
}

fn prepare<P: Catalogued>(
    params: &Map<String, Value>,
    flaws: &[String],
    committee: Committee,
) -> Result<Box<dyn AnyProtocol>, Problem> {
    let names_of_flaws: Vec<&str> = P::flaws().iter().map(|flaw| flaw.name).collect();
    check_flaw_names(params, &names_of_flaws)?;
    if let Some((name, _)) = params.iter().find(|(_, value)| value.is_null()) {
        // TOML's `nan` and `inf` become this, too; an optional parameter would take it for none.
        let (what, help) = (format!("`{name}` has no value"), "give it one, or leave it out");
        let mut problem = Problem::at("params", what, help).labelled("a parameter of the protocol");
        problem.path.push(Step::Key(name.clone()));
        return Err(problem);
    }
    let value = Value::Object(params.clone());
    let mut params: P::Params = serde_path_to_error::deserialize(value).map_err(|error| {
        let path = path::of_error(error.path());
        let what = error.inner().to_string();
        let help = error::advice(&what).unwrap_or_default();
        let mut problem = Problem::at("params", what, help).labelled("a parameter of the protocol");
        problem.path.extend(path);
        problem
    })?;
    for flaw in flaws {
        let name = by_prefix(flaw, &names_of_flaws).ok_or_else(|| {
            // It comes from the command line: no place in the file is to blame.
            Problem { path: Vec::new(), ..unknown_flaw(flaw, &names_of_flaws) }
        })?;
        P::plant(&mut params, name).map_err(|why| Problem::at("params.flaws", why, ""))?;
    }
    P::check(&params, committee)
        .map_err(|why| Problem::at("params", why, "see `byzsim schema` for the parameters"))?;
    P::complete(&mut params);
    Ok(Box::new(Prepared::<P> { params }))
}

/// The parameters' own error would name all flaws; ours names the near ones and the place.
fn check_flaw_names(params: &Map<String, Value>, known: &[&str]) -> Result<(), Problem> {
    let flaws = params.get("flaws").and_then(Value::as_array).into_iter().flatten();
    for (index, flaw) in flaws.enumerate() {
        let Some(name) = flaw.as_str() else { continue };
        if by_prefix(name, known).is_none() {
            let mut problem = unknown_flaw(name, known);
            problem.path.push(Step::Index(index));
            return Err(problem);
        }
    }
    Ok(())
}

/// The flaw of this name or number: `P06` stands for `P06-…`.
fn by_prefix<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let number = |flaw: &&&str| flaw.split('-').next() == Some(name);
    known.iter().find(|flaw| **flaw == name).or_else(|| known.iter().find(number)).copied()
}

fn unknown_flaw(name: &str, known: &[&str]) -> Problem {
    let help = names::advice(name, known.iter().copied());
    Problem::at("params.flaws", format!("unknown flaw `{name}`"), help)
        .labelled("see `byzsim list flaws`")
}

impl<P: Catalogued> AnyProtocol for Prepared<P> {
    fn play(&self, setup: Setup, plan: &Plan, watch: Watch<'_>) -> Played {
        let simulation = Simulation::<P>::new(setup, self.params.clone());
        let signers = simulation.corrupted_signers(&plan.corrupted());
        let mut adversary = PlanAdversary::<P>::new(plan, &signers, &self.params);
        if watch.with_logs {
            adversary = adversary.with_logs();
        }
        let outcome = match watch.recorder {
            None => simulation.run(&mut adversary, None),
            Some(recorder) => simulation.run(&mut adversary, Some(recorder)),
        };
        Played { outcome, fired: adversary.fired(), logs: adversary.logs() }
    }

    fn diagnose(&self, setup: Setup, plan: &Plan) -> Option<Loss> {
        let faulty = plan.untrusted();
        let mut diagnosis = P::diagnosis(setup.committee, &faulty)?;
        let watch = Watch { recorder: Some(&mut *diagnosis), with_logs: false };
        let _: Played = self.play(setup, plan, watch);
        diagnosis.loss()
    }

    fn investigate(&self, setup: Setup, plan: &Plan) -> Investigation {
        let committee = setup.committee;
        let simulation = Simulation::<P>::new(setup, self.params.clone());
        let keys = &simulation.keys();
        let law = Law { keys, committee, params: &self.params };
        let signers = simulation.corrupted_signers(&plan.corrupted());
        let mut adversary = PlanAdversary::<P>::new(plan, &signers, &self.params);
        let mut transcripts = Transcripts::<P::Msg>::default();
        simulation.run(&mut adversary, Some(&mut transcripts));
        let faulty = plan.untrusted();
        let correct: Vec<NodeId> =
            committee.nodes().filter(|node| !faulty.contains(node)).collect();
        let everybody: Vec<NodeId> = committee.nodes().collect();
        let all = P::investigate(&transcripts.of_all(&correct), law);
        for offence in &all.offences {
            // Who reads the report, and knows nothing but public keys, finds the same.
            let convicted = P::convicts(&offence.evidence, law);
            assert_eq!(convicted, Ok(offence.culprit), "{offence:?}");
        }
        let alone = |node: NodeId| (node, P::investigate(transcripts.of(node), law).culprits());
        Investigation {
            by_witness: correct.into_iter().map(alone).collect(),
            omniscient: P::investigate(&transcripts.of_all(&everybody), law).culprits(),
            all,
        }
    }

    fn draw(&self, weather: &Weather, committee: Committee, timing: &Timing, seed: u64) -> Plan {
        generate::<P::Msg>(weather, committee, timing, seed)
    }

    fn schedule(
        &self,
        strategy: Strategy,
        committee: Committee,
        timing: &Timing,
        seed: u64,
    ) -> Option<Plan> {
        match strategy {
            Strategy::Twins => Some(twins_schedule(committee, seed)),
            Strategy::Delays => Some(delays::<P::Msg>(committee, timing, seed)),
            Strategy::Priorities => Some(priorities::<P::Msg>(committee, timing, seed)),
            Strategy::Random | Strategy::Guided => None,
        }
    }

    fn vary(
        &self,
        plans: (&Plan, &Plan, &Seen),
        weather: &Weather,
        committee: Committee,
        timing: &Timing,
        seed: u64,
    ) -> Plan {
        vary::<P::Msg>(plans, weather, committee, timing, seed)
    }

    fn params(&self) -> Map<String, Value> {
        table(&self.params)
    }

    fn within_model(&self, committee: Committee) -> bool {
        P::within_model(&self.params, committee)
    }

    fn resilience(&self, committee: Committee) -> Resilience {
        P::resilience(committee, &self.params)
    }

    fn leader(&self, committee: Committee, view: u64) -> Option<NodeId> {
        P::leader(committee, &self.params, view)
    }

    fn base_timeout(&self) -> Span {
        P::base_timeout(&self.params)
    }
}
