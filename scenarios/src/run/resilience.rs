//! What a protocol tolerates, by its own word: what lies beyond needs `beyond-f`.

use byzsim_adversaries::{Action, Plan, Weather};
use byzsim_core::{Committee, NodeId, Resilience, Time, Trusted};

use crate::file::error::Problem;
use crate::file::format::ScenarioFile;
use crate::run::check::fault_path;
use crate::run::without_effect::earliest_gst;

const HELP: &str = "set `beyond-f = true`; every output will say so";

/// Whether the scenario stays within what the protocol tolerates.
pub(crate) fn demand(
    file: &ScenarioFile,
    committee: Committee,
    tolerated: &Resilience,
) -> Result<(), Problem> {
    replicas(committee, tolerated)?;
    plan(file, tolerated)?;
    drawn(file, tolerated)
}

fn replicas(committee: Committee, tolerated: &Resilience) -> Result<(), Problem> {
    let (n, f) = (committee.replicas, committee.faults);
    if tolerated.replicas_min <= u32::from(n) {
        return Ok(());
    }
    let replicas = if n == 1 { "1 replica" } else { &format!("{n} replicas") };
    let ending = if f == 1 { "" } else { "s" };
    let help = format!(
        "{}: for f = {f} use at least {} replicas, or set `beyond-f = true` to study what breaks",
        tolerated.formula, tolerated.replicas_min
    );
    let what = format!("{replicas} cannot tolerate {f} {}{ending}", tolerated.counted);
    Err(Problem::at("cluster.replicas", what, help).labelled(replicas))
}

/// The faults that the file lists.
fn plan(file: &ScenarioFile, tolerated: &Resilience) -> Result<(), Problem> {
    let plan = &file.faults;
    let untrusted = plan.untrusted();
    let clients = untrusted.iter().filter(|node| node.is_client()).count();
    let too_many = |nodes: &[NodeId], what: String| {
        let place = last_fault_of(plan, nodes.last().copied());
        Err(Problem::at(&fault_path(plan, place), what, HELP).labelled("one fault too many"))
    };
    if 0 < clients && !tolerated.any_client {
        let nodes: Vec<NodeId> = untrusted.into_iter().filter(|node| node.is_client()).collect();
        let what = format!(
            "{} breaks the rules, and the protocol trusts its clients ({})",
            listed(&nodes),
            tolerated.formula
        );
        return too_many(&nodes, what);
    }
    let nodes: Vec<NodeId> = untrusted.into_iter().filter(|node| !node.is_client()).collect();
    if usize::from(tolerated.byzantine) < nodes.len() && tolerated.byzantine < tolerated.faulty {
        let what = format!(
            "the replicas that break the rules are {}, but the cluster tolerates {} such, and only \
             {} that crash",
            listed(&nodes),
            tolerated.byzantine,
            tolerated.faulty
        );
        return too_many(&nodes, what);
    }
    // A crash that is over by the earliest GST makes nobody faulty.
    let faulty = plan.faulty_replicas(earliest_gst(file));
    if usize::from(tolerated.faulty) < faulty.len() {
        let what = format!(
            "the faulty replicas are {}, but the cluster tolerates only {}",
            listed(&faulty),
            tolerated.faulty
        );
        return too_many(&faulty, what);
    }
    if let Some(node) = irreplaceable(plan, earliest_gst(file), tolerated) {
        let what = format!("{node} is faulty, and the protocol has no other in its place");
        let place = last_fault_of(plan, Some(node));
        return Err(Problem::at(&fault_path(plan, place), what, HELP).labelled("this fault"));
    }
    Ok(())
}

/// The replica that the protocol cannot do without, if it is faulty, and something is promised that
/// rests on it.
fn irreplaceable(plan: &Plan, gst: Time, tolerated: &Resilience) -> Option<NodeId> {
    let Trusted { node, for_safety } = tolerated.trusted?;
    let is_missed = for_safety || gst != Time::NEVER;
    (is_missed && plan.faulty_replicas(gst).contains(&node)).then_some(node)
}

/// The drawn plan with another faulty replica in place of the one that the protocol cannot do
/// without: the two change places in all faults.
pub(crate) fn spare(mut plan: Plan, gst: Time, committee: Committee, it: &Resilience) -> Plan {
    let faulty = plan.faulty_replicas(gst);
    let mut others = committee.replica_ids().filter(|node| !faulty.contains(node));
    if let Some(node) = irreplaceable(&plan, gst, it)
        && let Some(other) = others.next()
    {
        let exchanged = |of: NodeId| match of {
            of if of == node => Some(other),
            of if of == other => Some(node),
            of => Some(of),
        };
        for fault in &mut plan.faults {
            fault.renumber(&exchanged);
        }
    }
    plan
}

/// What seeds may draw.
fn drawn(file: &ScenarioFile, tolerated: &Resilience) -> Result<(), Problem> {
    let Some(weather) = file.random.as_ref().and_then(|random| random.faults.as_ref()) else {
        return Ok(());
    };
    let drawn = weather.corrupt_max.unwrap_or(0);
    if tolerated.byzantine < drawn {
        let what = match tolerated.byzantine == tolerated.faulty {
            true => format!(
                "up to {drawn} corrupted replicas are more than f = {}",
                tolerated.byzantine
            ),
            false => format!(
                "up to {drawn} corrupted replicas are more than the {} that are tolerated",
                tolerated.byzantine
            ),
        };
        return Err(Problem::at("random.faults.corrupt-max", what, HELP));
    }
    Ok(())
}

/// What seeds may draw, none of it left open: where nothing is said, as many corrupted replicas as
/// the protocol tolerates; and no client, if it tolerates none and nobody asks for more.
pub(crate) fn weather(file: &ScenarioFile, tolerated: &Resilience) -> Option<Weather> {
    let mut weather = file.random.as_ref()?.faults.clone()?;
    weather.corrupt_max = Some(weather.corrupt_max.unwrap_or(tolerated.byzantine));
    weather.down_max = weather.down_max.min(tolerated.faulty);
    if !tolerated.any_client && !file.beyond_f {
        weather.corrupt_clients_max = 0;
    }
    Some(weather)
}

/// How many replicas a strategy may corrupt: no more than the protocol tolerates, and no more than
/// the weather allows.
pub(crate) fn corrupt_max(file: &ScenarioFile, tolerated: &Resilience) -> u16 {
    let allowed = weather(file, tolerated).and_then(|weather| weather.corrupt_max);
    allowed.unwrap_or(tolerated.byzantine).min(tolerated.byzantine)
}

/// Whether more is faulty than is tolerated.
pub(crate) fn is_beyond(plan: &Plan, gst: Time, tolerated: &Resilience) -> bool {
    let untrusted = plan.untrusted();
    let clients = untrusted.iter().filter(|node| node.is_client()).count();
    let replicas = untrusted.len() - clients;
    usize::from(tolerated.byzantine) < replicas
        || 0 < clients && !tolerated.any_client
        || usize::from(tolerated.faulty) < plan.faulty_replicas(gst).len()
        || irreplaceable(plan, gst, tolerated).is_some()
}

fn last_fault_of(plan: &Plan, node: Option<NodeId>) -> usize {
    let is_it = |action: &Action| action.crashes().or(action.corrupts()) == node;
    plan.faults.iter().rposition(|fault| is_it(&fault.action)).unwrap_or(0)
}

fn listed(nodes: &[NodeId]) -> String {
    nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(", ")
}
