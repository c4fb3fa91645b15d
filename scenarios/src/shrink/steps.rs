//! What shrinking can remove: one generator of candidates for each kind of step.
//!
//! A generator lists all runs that are one step smaller than a run, the boldest steps first. It
//! does not know which of them make sense: the scenario's own checks reject the others. Every step
//! makes something smaller that no other step makes larger, so that the search always ends.

use std::ops::Range;

use byzsim_adversaries::{Action, Fault};
use byzsim_core::{Latency, NetworkModel, NodeId, Operation, Span, Time};

use super::candidate::{Candidate, Generator, Run};
use super::one_fault;
use super::shorter::{earlier, halved, rounded};
use crate::file::format::ScenarioFile;

/// All kinds of steps, in the order in which they are tried: those that make runs short come first.
pub(super) const KINDS: &[Generator] = &[
    faults,
    corrupted_nodes,
    clients,
    operations,
    replicas,
    network,
    one_fault::simpler,
    simpler_operations,
];

/// Parts of a list of `count` things: all of it, its halves, quarters, and so on to single things.
/// This is the order of delta debugging (Zeller and Hildebrandt, TSE 2002).
fn chunks(count: usize) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let mut size = count;
    while 0 < size {
        chunks.extend((0..count).step_by(size).map(|at| at..(at + size).min(count)));
        size /= 2;
    }
    chunks
}

/// Removes faults: first all that never fired, then chunks of them, then single ones.
fn faults(run: Run<'_>) -> Vec<Candidate> {
    let count = run.file.faults.faults.len();
    let silent = |place: usize| run.fired.get(place) == Some(&0);
    let silents = (0..count).filter(|place| silent(*place)).count();
    let mut candidates = Vec::new();
    if 1 < silents {
        candidates.push(run.after(format!("{silents} faults that never fired"), |file| {
            let mut places = 0..count;
            file.faults.faults.retain(|_| !places.next().is_some_and(silent));
        }));
    }
    candidates.extend(chunks(count).into_iter().map(|chunk| {
        let what = match chunk.len() {
            1 => format!("fault `{}`", run.file.faults.faults[chunk.start].action.label()),
            several => format!("{several} faults"),
        };
        run.after(what, |file| drop(file.faults.faults.drain(chunk)))
    }));
    candidates
}

/// Makes a corrupted node correct: removes all of its faults at once, and the faults that drop
/// messages to it alone.
fn corrupted_nodes(run: Run<'_>) -> Vec<Candidate> {
    let nodes = run.file.faults.corrupted().into_iter();
    let is_deaf = |node: NodeId, action: &Action| {
        let Action::Drop(messages) = action else { return false };
        messages.to[..] == [node]
    };
    let candidate = |node: NodeId| {
        run.after(format!("all faults of {node}"), |file| {
            file.faults.faults.retain(|Fault { action, .. }| {
                action.corrupts() != Some(node) && !is_deaf(node, action)
            });
        })
    };
    nodes.map(candidate).collect()
}

/// Removes clients, with their operations and the faults that are only about them.
fn clients(run: Run<'_>) -> Vec<Candidate> {
    let clients = run.committee().client_ids().rev();
    let candidate = |gone: NodeId| {
        run.after(format!("client {gone}"), |file| {
            file.cluster.clients -= 1;
            take_out(file, &[gone]);
        })
    };
    clients.map(candidate).collect()
}

/// Removes replicas: as many together with one of f as that takes, or one with f unchanged.
fn replicas(run: Run<'_>) -> Vec<Candidate> {
    let (committee, count) = (run.committee(), run.per_fault);
    let some = if 0 < committee.faults { together(committee.replicas, count) } else { Vec::new() };
    let in_words = match count {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        other => other.to_string(),
    };
    let smaller = some.into_iter().map(|gone| {
        run.after(format!("{in_words} replicas and one of f"), |file| {
            file.cluster.replicas -= count;
            file.cluster.faults -= 1;
            take_out(file, &gone);
        })
    });
    let sparser = committee.replica_ids().rev().map(|gone| {
        run.after(format!("replica {gone}"), |file| {
            file.cluster.replicas -= 1;
            take_out(file, &[gone]);
        })
    });
    smaller.chain(sparser).collect()
}

/// Some ways to choose so many replicas, if as many for another one of f and one more stay:
/// neighbours, every second, and so on. Plans part replicas into groups, and something of each
/// group must mostly stay.
fn together(replicas: u16, count: u16) -> Vec<Vec<NodeId>> {
    const TRIES: usize = 40;
    if replicas < 2 * count + 1 {
        return Vec::new();
    }
    let apart = 1..=(replicas - 1) / 2;
    let choice = |first: u16, apart: u16| -> Vec<NodeId> {
        (0..count).map(|step| NodeId::Replica((first + step * apart) % replicas)).collect()
    };
    let all = apart.flat_map(|apart| (0..replicas).rev().map(move |first| choice(first, apart)));
    let distinct = |nodes: &Vec<NodeId>| {
        nodes.iter().enumerate().all(|(place, node)| !nodes[..place].contains(node))
    };
    all.filter(distinct).take(TRIES).collect()
}

/// Removes nodes from the workload and the plan, and renumbers those above them.
fn take_out(file: &mut ScenarioFile, gone: &[NodeId]) {
    let number = |node: NodeId| {
        let below = |other: &&NodeId| other.is_client() == node.is_client() && **other < node;
        let down = u16::try_from(gone.iter().filter(below).count()).expect("few nodes go");
        let moved = match node {
            NodeId::Replica(number) => NodeId::Replica(number - down),
            NodeId::Client(number) => NodeId::Client(number - down),
        };
        (!gone.contains(&node)).then_some(moved)
    };
    if let Some(script) = &mut file.workload.script {
        let old = std::mem::take(script).into_iter();
        *script = old.filter_map(|(node, asked)| Some((number(node)?, asked))).collect();
    }
    file.faults.faults.retain_mut(|fault| fault.renumber(&number));
}

/// The places of all operations of a script.
fn operation_places(file: &ScenarioFile) -> Vec<(NodeId, usize)> {
    let script = file.workload.script.iter().flatten();
    script.flat_map(|(node, asked)| (0..asked.len()).map(|place| (*node, place))).collect()
}

/// Removes operations from the script: chunks of them, then single ones.
fn operations(run: Run<'_>) -> Vec<Candidate> {
    let places = operation_places(run.file);
    let candidate = |chunk: Range<usize>| {
        let gone = &places[chunk];
        let what = match gone {
            [(node, place)] => format!("operation #{} of {node}", place + 1),
            several => format!("{} operations", several.len()),
        };
        run.after(what, |file| {
            let script = file.workload.script.as_mut().expect("it has operations");
            // From behind, so that the places before stay right.
            for (node, place) in gone.iter().rev() {
                script.get_mut(node).expect("a client that asks").remove(*place);
            }
            script.retain(|_, asked| !asked.is_empty());
        })
    };
    chunks(places.len()).into_iter().map(candidate).collect()
}

/// Turns operations into plain reads, and removes the pauses of clients and the audit.
fn simpler_operations(run: Run<'_>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    if run.file.workload.think != Span::default() {
        candidates.push(run.after("the pauses of the clients", |file| {
            file.workload.think = Span::default();
        }));
    }
    if run.file.workload.arrival.is_some() {
        candidates.push(run.after("the arrivals of operations", |file| {
            file.workload.arrival = None;
        }));
    }
    if run.file.workload.audit {
        candidates.push(run.after("the audit", |file| file.workload.audit = false));
    }
    for (node, place) in operation_places(run.file) {
        let script = run.file.workload.script.as_ref().expect("it has operations");
        let asked = &script[&node][place];
        if matches!(asked, Operation::Get { .. }) {
            continue;
        }
        let get = Operation::Get { key: asked.key().clone() };
        candidates.push(run.after(format!("`{asked}` of {node} (now `{get}`)"), |file| {
            let script = file.workload.script.as_mut().expect("it has operations");
            script.get_mut(&node).expect("a client that asks")[place] = get;
        }));
    }
    candidates
}

/// Makes the network simpler: first all settings at once, then each of them.
fn network(run: Run<'_>) -> Vec<Candidate> {
    let network = &run.file.network;
    let plain = NetworkModel { delta: network.delta, ..NetworkModel::default() };
    let mut candidates = Vec::new();
    if *network == plain {
        return candidates;
    }
    let mut change = |what: &str, step: &dyn Fn(&mut NetworkModel)| {
        candidates.push(run.after(what, |file| step(&mut file.network)));
    };
    change("all settings of the network", &|network| *network = plain.clone());
    if network.latency != plain.latency {
        change("the latency (now 10ms)", &|network| network.latency = plain.latency.clone());
    }
    if let Some(typical) = typical(&network.latency) {
        let what = format!("the spread of the latency (now {typical})");
        change(&what, &|network| network.latency = Latency::Constant(typical));
    }
    if 0 < network.loss_ppm {
        change("the loss of messages", &|network| network.loss_ppm = 0);
    }
    if 0 < network.duplicate_ppm {
        change("the duplication of messages", &|network| network.duplicate_ppm = 0);
    }
    if network.fifo {
        change("the order of links", &|network| network.fifo = false);
    }
    if network.loss_allowed {
        change("the right of faults to lose messages", &|network| network.loss_allowed = false);
    }
    if network.losses_last {
        let what = "the right of faults to lose messages from GST on";
        change(what, &|network| network.losses_last = false);
    }
    for gst in earlier(Time::ZERO, network.gst) {
        change(&format!("part of the time before GST (now {gst})"), &|network| network.gst = gst);
    }
    candidates
}

/// A constant in place of a latency that varies.
fn typical(latency: &Latency) -> Option<Span> {
    match latency {
        Latency::Constant(_) => None,
        Latency::Uniform { min, max } => Some(rounded(*min + halved(*max - *min))),
        Latency::LogNormal { median, .. } => Some(*median),
        Latency::Wan { .. } => Some(latency.max()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_go_from_all_to_single_things() {
        assert!(chunks(0).is_empty());
        assert_eq!(chunks(3), [0..3, 0..1, 1..2, 2..3]);
        assert_eq!(chunks(5), [0..5, 0..2, 2..4, 4..5, 0..1, 1..2, 2..3, 3..4, 4..5]);
    }

    #[test]
    fn who_becomes_correct_hears_again() {
        let text = "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\
                    cluster = { replicas = 4, faults = 1 }\n\
                    fault = [{ do.mute = \"r0\" }, { do.drop = { to = [\"r0\"] } },\n\
                    { do.drop = { to = [\"r0\", \"r1\"] } }]\n";
        let file: ScenarioFile = toml::from_str(text).expect("a scenario");
        let run = Run { file: &file, fired: &[], per_fault: 3 };
        let candidates = corrupted_nodes(run);
        let [candidate] = &candidates[..] else { panic!("one node is corrupted: {candidates:?}") };
        assert_eq!(candidate.file.faults.faults, file.faults.faults[2..]);
    }
}
