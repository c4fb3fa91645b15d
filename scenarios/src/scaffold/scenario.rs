//! A new scenario file: a commented start that is accepted and plays as it stands.

use std::fmt::Write as _;

use byzsim_adversaries::Vocabulary;
use byzsim_core::{Committee, NodeId, Sort};
use serde_json::Value;

use crate::file::format::ScenarioFile;
use crate::run::registry::ProtocolEntry;
use crate::run::scenario::Scenario;

/// What a scenario file starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A cluster, a workload and a network; nothing goes wrong.
    Scenario,
    /// The same, with faults to edit.
    Attack,
}

/// The text of a scenario file of this protocol.
pub fn text(protocol: &ProtocolEntry, title: &str, start: Start) -> String {
    let of = |beyond_f| {
        let mut text = head(protocol, title, beyond_f);
        match start {
            Start::Scenario => text.push_str(NOTHING),
            Start::Attack => faults(protocol, &mut text),
        }
        text
    };
    let within = of("");
    let file: ScenarioFile = toml::from_str(&within).expect("the text is a scenario file");
    match Scenario::new(title, file, &[]) {
        Ok(_) => within,
        // Protocols for crash faults tolerate no corrupted node.
        Err(_) => of("# More goes wrong than the protocol tolerates; every output says so.\n\
                      beyond-f = true\n"),
    }
}

const NOTHING: &str = "
# What goes wrong: any number of such tables. `byzsim list faults` shows the kinds, and
# `byzsim new attack NAME --protocol PROTOCOL` begins with some.
# [[fault]]
# start.at = \"100ms\"
# end.at = \"400ms\"
# do.crash = \"r1\"
";

fn head(protocol: &ProtocolEntry, title: &str, beyond_f: &str) -> String {
    let name = protocol.name;
    // As TOML writes it: whatever is in the name of a file may be in a title.
    let title = toml::Value::String(title.to_owned());
    let mut params = String::new();
    for (key, value) in (protocol.small)() {
        if let Value::String(_) | Value::Number(_) | Value::Bool(_) = value {
            writeln!(params, "{key} = {value}").expect("a string takes all");
        }
    }
    format!(
        "format = 1
title = {title}
about = \"\"\"
What happens, and why.
\"\"\"
protocol = \"{name}\"
# Every property holds on every seed. For a run that breaks one, write instead:
# expect.violated = [\"agreement\"]
expect = \"holds\"
# Milestones that some seed must reach: `byzsim list milestones`.
reaches = [\"completed\"]
# The seeds that `byzsim sweep` plays; `byzsim run` plays the first.
seeds = \"0..20\"
{beyond_f}
[cluster]
replicas = 4
faults = 1
clients = 2

[workload]
# So many drawn operations of each client; or: script = {{ c0 = [\"put x 1\", \"get x\"] }}
operations = 5
think = \"20ms\"

[network]
latency = {{ uniform = {{ min = \"5ms\", max = \"20ms\" }} }}
# From here on no message takes longer than delta, and none is lost.
gst = \"0s\"
delta = \"50ms\"

# The protocol's own parameters, and planted flaws (`byzsim list flaws`).
[params]
{params}# flaws = []
"
    )
}

/// The corrupted node, unless the protocol has better lies for another.
const CORRUPTED: NodeId = NodeId::Replica(3);

/// Two faults that every protocol has messages for, and others to put in the place of the second.
fn faults(protocol: &ProtocolEntry, text: &mut String) {
    let Vocabulary { kinds, fields, lies, .. } = protocol.vocabulary;
    let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
    let kinds = wrapped(&format!(
        "The network: messages to r1 wait for a while. Kinds of messages: {}.",
        kinds.join(", ")
    ));
    // Every replica answers; what else it sends depends on who leads.
    let field = |sort| fields.iter().find(|field| field.sort == sort);
    let mutate = field(Sort::Answer).or_else(|| field(Sort::Digest)).map(|field| {
        format!(
            "# do.mutate = {{ node = \"{CORRUPTED}\", messages = {{ kinds = [\"{}\"] }}, \
             field = \"{}\", change = \"invent\" }}\n",
            field.kind, field.name
        )
    });
    let lie = lies.first().map(|lie| {
        let liar = liar(protocol);
        format!("# do.lie = {{ node = \"{liar}\", lie = \"{}\" }}\n", lie.name)
    });
    write!(
        text,
        "
{kinds}[[fault]]
end.at = \"100ms\"
do.hold = {{ to = [\"r1\"] }}

# {CORRUPTED} is corrupted: it sends nothing.
[[fault]]
do.mute = \"{CORRUPTED}\"
# What else a corrupted node can do; `byzsim list faults` shows all kinds, and docs/scenarios.md
# explains them. Remove the `#` of one, and the line above that begins with `do.mute`: of what a
# mute node would have sent, nothing is left to falsify.
# do.omit = {{ node = \"{CORRUPTED}\", messages = {{ to = [\"r1\", \"c0\"] }} }}
# do.twins = {{ node = \"{CORRUPTED}\", left = [\"r0\", \"c0\"], right = [\"r1\", \"r2\", \"c1\"] }}
{}{}",
        mutate.unwrap_or_default(),
        lie.unwrap_or_default(),
    )
    .expect("a string takes all");
}

/// Who tells a lie: mostly they are a leader's, so the first leader, where the protocol can do
/// without it.
fn liar(protocol: &ProtocolEntry) -> NodeId {
    let committee = Committee { replicas: 4, faults: 1, clients: 2 };
    let prepared = (protocol.prepare)(&(protocol.small)(), &[], committee);
    let prepared = prepared.expect("a protocol accepts its own parameters");
    match prepared.resilience(committee).trusted {
        Some(_) => CORRUPTED,
        None => prepared.leader(committee, 0).unwrap_or(CORRUPTED),
    }
}

/// A comment in lines of at most a hundred characters.
fn wrapped(comment: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::from("#"));
    for word in comment.split(' ') {
        if 100 < line.len() + 1 + word.len() {
            writeln!(lines, "{line}").expect("a string takes all");
            line = String::from("#");
        }
        write!(line, " {word}").expect("a string takes all");
    }
    writeln!(lines, "{line}").expect("a string takes all");
    lines
}
