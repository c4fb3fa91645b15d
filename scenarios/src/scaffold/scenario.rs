//! A new scenario file: a commented start that is accepted and plays as it stands.

use std::fmt::Write as _;

use byzsim_adversaries::Vocabulary;
use byzsim_core::Sort;
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
            Start::Attack => faults(protocol.vocabulary, &mut text),
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
# `byzsim new attack NAME` begins with some.
# [[fault]]
# start.at = \"100ms\"
# end.at = \"400ms\"
# do.crash = \"r1\"
";

fn head(protocol: &ProtocolEntry, title: &str, beyond_f: &str) -> String {
    let name = protocol.name;
    let mut params = String::new();
    for (key, value) in (protocol.small)() {
        if let Value::String(_) | Value::Number(_) | Value::Bool(_) = value {
            writeln!(params, "{key} = {value}").expect("a string takes all");
        }
    }
    format!(
        "format = 1
title = {title:?}
about = \"\"\"
What happens, and why.
\"\"\"
protocol = \"{name}\"
# Every property holds on every seed. For a run that breaks one: expect.violated = [\"agreement\"]
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
# For each client so many drawn operations; or: script = {{ c0 = [\"put x 1\", \"get x\"] }}
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

/// Two faults that every protocol has messages for, and others to choose from.
fn faults(vocabulary: Vocabulary, text: &mut String) {
    let kinds: Vec<String> = vocabulary.kinds.iter().map(|kind| format!("`{kind}`")).collect();
    let lie = vocabulary
        .lies
        .first()
        .map(|lie| format!("# do.lie = {{ node = \"r3\", lie = \"{}\" }}\n", lie.name));
    let is_value = |sort| matches!(sort, Sort::Digest | Sort::Answer);
    let field = vocabulary.fields.iter().find(|field| is_value(field.sort));
    let mutate = field.map(|field| {
        format!(
            "# do.mutate = {{ node = \"r3\", messages = {{ kinds = [\"{}\"] }}, field = \"{}\", \
             change = \"invent\" }}\n",
            field.kind, field.name
        )
    });
    write!(
        text,
        "
# The network: messages to r1 wait for a while. Kinds of messages: {}.
[[fault]]
end.at = \"100ms\"
do.hold = {{ to = [\"r1\"] }}

# r3 is corrupted: it sends nothing.
[[fault]]
do.mute = \"r3\"

# What else a corrupted node can do; `byzsim list faults` shows all kinds, and docs/scenarios.md
# explains them. Remove the `#` of one, and with it that of its `[[fault]]`.
# [[fault]]
# do.omit = {{ node = \"r3\", messages = {{ to = [\"r1\", \"c0\"] }} }}
# [[fault]]
# do.twins = {{ node = \"r3\", left = [\"r0\", \"c0\"], right = [\"r1\", \"r2\", \"c1\"] }}
{}{}",
        kinds.join(", "),
        mutate.map(|it| format!("# [[fault]]\n{it}")).unwrap_or_default(),
        lie.map(|it| format!("# [[fault]]\n{it}")).unwrap_or_default(),
    )
    .expect("a string takes all");
}
