//! Settings that others leave without effect: an experiment that cannot do what its file says.
//!
//! What surely is a mistake is refused. What may be meant is said in a note with every output.

use byzsim_adversaries::{Class, Fault, Moment, Weather};
use byzsim_core::{Latency, NetworkModel, Resilience, Span, Time};

use crate::file::error::Problem;
use crate::file::format::{Expect, ScenarioFile};
use crate::run::resilience;

/// What the runs of a file have of a network, after its `[random.network]`.
struct Possible {
    latency_max: Span,
    /// The earliest and the latest GST.
    gst: [Time; 2],
    loss_ppm_max: u32,
}

impl Possible {
    fn new(file: &ScenarioFile) -> Self {
        let NetworkModel { latency, gst, loss_ppm, .. } = &file.network;
        let weather = file.random.as_ref().and_then(|random| random.network.clone());
        let weather = weather.unwrap_or_default();
        Self {
            latency_max: weather.latency.map_or_else(|| latency.max(), |[_, max]| max),
            gst: weather.gst.unwrap_or([*gst; 2]),
            loss_ppm_max: weather.loss_ppm.map_or(*loss_ppm, |[_, max]| max),
        }
    }

    /// Whether no run ever becomes synchronous.
    fn is_asynchronous(&self) -> bool {
        self.gst[0] == Time::NEVER
    }

    /// Whether every run is synchronous from its start.
    fn is_synchronous(&self) -> bool {
        self.gst[1] == Time::ZERO
    }
}

/// The earliest GST of a run of the file.
pub(crate) fn earliest_gst(file: &ScenarioFile) -> Time {
    Possible::new(file).gst[0]
}

/// Refuses settings that exclude each other.
pub(crate) fn refuse(file: &ScenarioFile) -> Result<(), Problem> {
    let possible = Possible::new(file);
    latency(file, &possible)?;
    losses(file, &possible)?;
    if let Latency::LogNormal { median, max, .. } = file.network.latency
        && max < median
    {
        let what = format!("the median, {median}, is above the greatest latency, {max}");
        let help = "raise `max`, or lower `median`";
        return Err(Problem::at("network.latency.log-normal", what, help));
    }
    if let Expect::Violated(properties) = &file.expect
        && possible.is_asynchronous()
        && let Some(place) = properties.iter().position(|name| name == "liveness")
    {
        let what = "liveness is not judged: the network never becomes synchronous";
        let help = "set `network.gst` to a time, or remove the expectation";
        return Err(Problem::at(&format!("expect.violated[{place}]"), what, help));
    }
    for (path, most) in
        [("run.events-max", file.run.events_max), ("run.search-budget", file.run.search_budget)]
    {
        if most == 0 {
            return Err(Problem::at(path, "with 0 nothing can be judged", "use at least 1"));
        }
    }
    if let Some(weather) = weather(file)
        && weather.behaviours_max == 0
    {
        let what = "a corrupted node has at least one fault";
        let help = "use at least 1; to corrupt nobody, set `corrupt-max = 0`";
        return Err(Problem::at("random.faults.behaviours-max", what, help));
    }
    file.faults
        .faults
        .iter()
        .enumerate()
        .try_for_each(|(place, fault)| begins_in_time(file.run.at_most, place, fault))
}

/// From GST on no message takes longer than Δ. A greater latency would be cut without a word.
fn latency(file: &ScenarioFile, possible: &Possible) -> Result<(), Problem> {
    let (longest, delta) = (possible.latency_max, file.network.delta);
    if longest <= delta || possible.is_asynchronous() || file.network.clamp {
        return Ok(());
    }
    let is_drawn = file
        .random
        .as_ref()
        .and_then(|random| random.network.as_ref())
        .is_some_and(|weather| weather.latency.is_some());
    let path = match (&file.network.latency, is_drawn) {
        (_, true) => "random.network.latency",
        (Latency::Constant(_), false) => "network.latency.constant",
        (Latency::Uniform { .. }, false) => "network.latency.uniform.max",
        (Latency::LogNormal { .. }, false) => "network.latency.log-normal.max",
        (Latency::Wan { .. }, false) => "network.latency.wan",
    };
    let what = format!("a latency of up to {longest} exceeds Δ (`network.delta`), {delta}");
    let help = format!(
        "set `network.delta` to {longest} or more, or `network.clamp = true` to cut latencies to Δ \
         from GST on"
    );
    Err(Problem::at(path, what, help).labelled("longer than Δ"))
}

/// No message is lost from GST on.
fn losses(file: &ScenarioFile, possible: &Possible) -> Result<(), Problem> {
    if possible.loss_ppm_max == 0 || !possible.is_synchronous() {
        return Ok(());
    }
    let random = file.random.as_ref().and_then(|random| random.network.as_ref());
    let is_drawn = random.is_some_and(|weather| weather.loss_ppm.is_some());
    let path = if is_drawn { "random.network.loss-ppm" } else { "network.loss-ppm" };
    let gst = match random.and_then(|weather| weather.gst) {
        Some(_) => "random.network.gst",
        None => "network.gst",
    };
    let what = format!("no message is lost: the network is synchronous from the start (`{gst}`)");
    let help = format!("set `{gst}` to a later time, or the loss to 0");
    Err(Problem::at(path, what, help).labelled("without effect"))
}

/// A fault that starts when no run goes on any more never takes effect.
fn begins_in_time(at_most: Time, place: usize, fault: &Fault) -> Result<(), Problem> {
    match fault.start {
        Some(Moment::At(start)) if at_most <= start => {
            let what = format!("the fault starts at {start}, but the runs end by {at_most}");
            let help = "set `start` to an earlier time, or `run.at-most` to a later one";
            Err(Problem::at(&format!("fault[{place}].start.at"), what, help))
        }
        Some(Moment::At(_) | Moment::When(_)) | None => Ok(()),
    }
}

fn weather(file: &ScenarioFile) -> Option<&Weather> {
    file.random.as_ref()?.faults.as_ref()
}

/// What has no effect in any run of the file, but may be meant: one sentence for each.
pub(crate) fn notes(file: &ScenarioFile, tolerated: &Resilience) -> Vec<String> {
    let possible = Possible::new(file);
    let mut notes = Vec::new();
    let mut note = |is_so: bool, what: &str| {
        if is_so {
            notes.push(what.to_owned());
        }
    };
    let network = &file.network;
    note(
        network.clamp && (possible.is_asynchronous() || possible.latency_max <= network.delta),
        "`network.clamp` has no effect: no latency exceeds Δ",
    );
    note(
        network.loss_allowed && possible.is_synchronous() && !network.losses_last,
        "`network.loss-allowed` has no effect: from GST on, which is the start, no fault may lose \
         a message between correct nodes",
    );
    note(
        network.loss_allowed && possible.is_synchronous() && network.losses_last,
        "`network.loss-allowed` has no effect: GST is the start, and from GST on \
         `network.losses-last` decides",
    );
    note(
        network.losses_last && possible.is_asynchronous(),
        "`network.losses-last` has no effect: the network never becomes synchronous",
    );
    note(
        possible.is_asynchronous() && network.delta != NetworkModel::default().delta,
        "`network.delta` bounds no message: the network never becomes synchronous",
    );
    note(
        file.run.at_most <= possible.gst[0] && !possible.is_asynchronous(),
        "every run ends before GST (`run.at-most`): no operation can be overdue, and convergence and \
         quiescence are inconclusive",
    );
    let spares_liveness = match &file.expect {
        Expect::Inconclusive(names) => names.iter().any(|name| name == "liveness"),
        Expect::Holds | Expect::Violated(_) => false,
    };
    let operations = operations(file);
    note(operations == 0, "no client asks for anything: hardly a property is judged");
    note(
        operations <= 1 && file.workload.think != Span::default(),
        "`workload.think` has no effect: no client asks for a second operation",
    );
    note(
        spares_liveness && possible.is_asynchronous(),
        "`expect.inconclusive` names liveness, which is not judged in any case: the network never \
         becomes synchronous",
    );
    // Whom a protocol does not tolerate corrupted, no seed corrupts.
    if let Some(weather) = resilience::weather(file, tolerated) {
        drawn(&weather, &possible, &mut note);
    }
    notes
}

/// How many operations a client asks for at most.
fn operations(file: &ScenarioFile) -> usize {
    match &file.workload.script {
        Some(script) => script.values().map(Vec::len).max().unwrap_or(0),
        None => file.workload.operations.map_or(usize::MAX, |count| count as usize),
    }
}

/// What `[random.faults]` allows, and no seed draws.
fn drawn(weather: &Weather, possible: &Possible, note: &mut impl FnMut(bool, &str)) {
    // Whoever names no classes asks for none in particular.
    let is_usual = weather.classes == Weather::default().classes;
    let no_replica = weather.corrupt_max == Some(0);
    let nobody = no_replica && weather.corrupt_clients_max == 0;
    let corrupting = weather.classes.iter().any(|class| class.corrupts());
    let striking = weather.classes.iter().any(|class| !class.corrupts());
    let strikes = striking && 0 < weather.strikes_max;
    note(
        (nobody || !corrupting) && !strikes,
        "`random.faults` draws no fault: nobody may be corrupted, and nothing strikes",
    );
    // Who loses what it wrote breaks a rule as well.
    let never = |class: &Class| nobody && class.corrupts() || no_replica && *class == Class::Forget;
    let never: Vec<&str> =
        weather.classes.iter().filter(|class| never(class)).map(|class| class.name()).collect();
    if strikes && !is_usual && !never.is_empty() {
        note(true, &format!("never drawn, since nobody may break a rule: {}", never.join(", ")));
    }
    let drifts = weather.classes.contains(&Class::Drift);
    note(
        drifts && weather.drift_ppm_max == 0 && !is_usual,
        "`drift` is never drawn: `random.faults.drift-ppm-max` is 0",
    );
    let needs_crash = [Class::CrashMidway, Class::Forget];
    note(
        weather.classes.iter().any(|class| needs_crash.contains(class))
            && !weather.classes.contains(&Class::Crash),
        "`crash-midway` and `forget` are drawn in place of crashes, and `random.faults.classes` has \
         no `crash`",
    );
    note(
        0 < weather.down_max && !weather.classes.contains(&Class::Crash),
        "`random.faults.down-max` is about replicas that crash, and `random.faults.classes` has no \
         `crash`",
    );
    let healed: Vec<&str> = weather
        .classes
        .iter()
        .filter(|class| class.descriptor().needs_asynchrony)
        .map(|class| class.name())
        .collect();
    if possible.is_synchronous() && !is_usual && !healed.is_empty() {
        let what = format!(
            "never drawn, since the network is synchronous from the start: {}",
            healed.join(", ")
        );
        note(true, &what);
    }
}

#[cfg(test)]
mod tests {
    use crate::file::document::{Document, Language};
    use crate::file::format::ScenarioFile;
    use crate::run::scenario::Scenario;

    fn load(more: &str) -> Result<Scenario, String> {
        let head = "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n";
        let cluster = "[cluster]\nreplicas = 4\nfaults = 1\n";
        // Keys of the file itself come before its tables.
        let text = match more.starts_with('[') {
            true => format!("{head}{cluster}{more}"),
            false => format!("{head}{more}{cluster}"),
        };
        let (name, file) = ("t".to_owned(), "t.toml".to_owned());
        let document = Document { name, file, text: text.into(), language: Language::Toml };
        Scenario::from_document(&document, &[]).map_err(|error| {
            let place = error.place.expect("it has a place");
            let found = &place.text[place.span];
            format!("{found}: {} {}", error.what, error.help.unwrap_or_default())
        })
    }

    #[test]
    fn settings_that_exclude_each_other_are_refused_at_their_place() {
        let drawn = "[random.network]\n";
        for (more, words) in [
            ("[network]\nlatency.constant = \"200ms\"\n", ["\"200ms\"", "network.clamp"]),
            (
                "[network]\nlatency.uniform = { min = \"1ms\", max = \"51ms\" }\n",
                ["\"51ms\"", "exceeds Δ"],
            ),
            (
                "[network]\nlatency.log-normal = { median = \"9ms\", sigma-percent = 5, \
                 max = \"60ms\" }\n",
                ["\"60ms\"", "exceeds Δ"],
            ),
            ("[network]\ndelta = \"5ms\"\n", ["[network]", "up to 10ms exceeds Δ"]),
            (&format!("{drawn}latency = [\"1ms\", \"60ms\"]\n"), ["\"60ms\"", "exceeds Δ"]),
            ("[[random.conditions]]\nnetwork.delta = \"2ms\"\n", ["exceeds Δ", "network.clamp"]),
            ("[network]\nloss-ppm = 900_000\n", ["900_000", "synchronous from the start"]),
            (
                &format!("{drawn}loss-ppm = [0, 7]\ngst = [\"0s\", \"0s\"]\n"),
                ["[0, 7]", "`random.network.gst`"],
            ),
            (
                "[network]\ngst = \"1s\"\n[random.network]\ngst = [\"1s\", \"2s\"]\n",
                ["\"1s\"", "each seed draws this anew"],
            ),
            (
                "[network]\nlatency.log-normal = { median = \"9ms\", sigma-percent = 5, \
                 max = \"8ms\" }\n",
                ["median", "above the greatest latency"],
            ),
            (
                "[run]\nat-most = \"1s\"\n[[fault]]\nstart.at = \"1s\"\ndo.mute = \"r0\"\n",
                ["\"1s\"", "the runs end by 1s"],
            ),
            ("[network]\nlosses-last = true\n", ["true", "`beyond-f = true`"]),
            ("[run]\nevents-max = 0\n", ["0", "use at least 1"]),
            ("[random.faults]\nbehaviours-max = 0\n", ["0", "corrupt-max = 0"]),
            (
                "network.gst = \"never\"\nexpect.violated = [\"liveness\"]\n",
                ["\"liveness\"", "never becomes synchronous"],
            ),
        ] {
            let error = load(more).expect_err(more);
            for word in words {
                assert!(error.contains(word), "no {word} for\n{more}in: {error}");
            }
        }
    }

    #[test]
    fn what_can_be_meant_is_accepted() {
        for more in [
            "[network]\nlatency.constant = \"200ms\"\nclamp = true\n",
            "[network]\nlatency.constant = \"200ms\"\ngst = \"never\"\n",
            "[network]\nlatency.constant = \"50ms\"\n",
            "[network]\nloss-ppm = 9\ngst = \"1s\"\n",
            "[random.network]\nloss-ppm = [0, 7]\ngst = [\"0s\", \"1s\"]\n",
        ] {
            let notes = load(more).expect(more).notes;
            assert!(notes.is_empty(), "{more}{notes:?}");
        }
    }

    #[test]
    fn settings_without_effect_are_said() {
        for (more, words) in [
            ("[network]\nclamp = true\n", "`network.clamp`"),
            ("[network]\nloss-allowed = true\n", "`network.loss-allowed`"),
            (
                "beyond-f = true\nnetwork = { losses-last = true, loss-allowed = true }\n",
                "from GST on `network.losses-last` decides",
            ),
            ("[network]\ngst = \"never\"\ndelta = \"60ms\"\n", "`network.delta`"),
            (
                "beyond-f = true\nnetwork = { losses-last = true, gst = \"never\" }\n",
                "`network.losses-last` has no effect",
            ),
            ("[network]\ngst = \"5s\"\n[run]\nat-most = \"5s\"\n", "ends before GST"),
            ("[workload]\noperations = 0\n", "no client asks"),
            ("[workload]\nscript = {}\n", "no client asks"),
            ("[workload]\noperations = 1\nthink = \"1s\"\n", "`workload.think`"),
            ("[random.faults]\nclasses = []\n", "draws no fault"),
            (
                "[network]\ngst = \"1s\"\n[random.faults]\nclasses = [\"mute\", \"forget\"]\n",
                "has no `crash`",
            ),
            (
                "[network]\ngst = \"1s\"\n[random.faults]\nclasses = [\"mute\"]\ndown-max = 1\n",
                "`random.faults.down-max`",
            ),
            ("[random.faults]\nclasses = [\"mute\", \"hold\", \"drop\"]\n", ": hold, drop"),
            (
                "[random.faults]\nclasses = [\"mute\", \"drift\"]\ndrift-ppm-max = 0\n",
                "`drift` is never drawn",
            ),
            (
                "[network]\ngst = \"1s\"\n[random.faults]\nclasses = [\"mute\", \"crash\", \
                 \"forget\"]\ncorrupt-max = 0\ncorrupt-clients-max = 0\n",
                "since nobody may break a rule: mute, forget",
            ),
            (
                "network.gst = \"never\"\nexpect.inconclusive = [\"liveness\"]\n",
                "`expect.inconclusive`",
            ),
        ] {
            let notes = load(more).expect(more).notes;
            assert!(matches!(&notes[..], [note] if note.contains(words)), "{more}{notes:?}");
        }
    }

    #[test]
    fn nobody_is_corrupted_whom_the_protocol_does_not_tolerate() {
        for (more, is_said) in [("", true), ("beyond-f = true\n", false)] {
            let text = format!(
                "format = 1\ntitle = \"t\"\nprotocol = \"raft\"\n{more}[cluster]\nreplicas = 3\n\
                 faults = 1\n[network]\ngst = \"1s\"\n[random.faults]\n\
                 classes = [\"crash\", \"twins\"]\n"
            );
            let file: ScenarioFile = toml::from_str(&text).expect("a scenario file");
            let notes = Scenario::new("t", file, &[]).expect("a scenario").notes;
            let is_it = |note: &String| note.ends_with("nobody may break a rule: twins");
            assert_eq!(notes.iter().any(is_it), is_said, "{more}{notes:?}");
        }
    }
}
