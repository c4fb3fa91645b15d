//! What a scenario must satisfy beyond its types: names that exist, numbers that make sense and are
//! within the limits of the format.

use byzsim_adversaries::{Class, Fault, Plan};
use byzsim_core::{Committee, Latency, NetworkModel, NodeId, PROPERTIES, SHARED_MILESTONES, Span};

use crate::file::error::Problem;
use crate::file::format::{Expect, FORMAT, NetworkWeather, ScenarioFile, WorkloadSpec};
use crate::file::limits::{
    CLIENTS_MAX, CONDITIONS_MAX, FAULTS_MAX, KEYS_MAX, OPERATIONS_MAX, STEPS_MAX,
};
use crate::file::names;
use crate::run::registry::{AnyProtocol, ProtocolEntry};
use crate::run::resilience;
use crate::run::without_effect;

/// Checks everything that does not depend on the protocol; the committee is safe to use then.
pub(crate) fn structure(file: &ScenarioFile) -> Result<Committee, Problem> {
    if file.format != FORMAT {
        let what = format!("format {} is unknown", file.format);
        return Err(Problem::at("format", what, format!("this byzsim reads format {FORMAT}")));
    }
    let committee = cluster(file)?;
    groups(file, committee)?;
    workload(file)?;
    network("network", &file.network)?;
    if let Some(random) = &file.random {
        limit("random.conditions", random.conditions.len() as u64, CONDITIONS_MAX as u64)?;
        random.network.as_ref().map_or(Ok(()), network_weather)?;
    }
    for (path, steps) in
        [("run.events-max", file.run.events_max), ("run.search-budget", file.run.search_budget)]
    {
        limit(path, steps, STEPS_MAX)?;
    }
    if file.run.at_most < file.run.at_least {
        let what = format!("`at-most` ({}) is before `at-least`", file.run.at_most);
        return Err(Problem::at("run.at-most", what, "set it to a later time"));
    }
    expectation(file)?;
    without_effect::refuse(file)?;
    Ok(committee)
}

fn cluster(file: &ScenarioFile) -> Result<Committee, Problem> {
    let cluster = file.cluster;
    let (n, f) = (u64::from(cluster.replicas), u64::from(cluster.faults));
    limit("cluster.replicas", n, u64::from(Committee::REPLICAS_MAX))?;
    limit("cluster.clients", u64::from(cluster.clients), u64::from(CLIENTS_MAX))?;
    if n == 0 {
        return Err(Problem::at("cluster.replicas", "there is no replica", "use at least 1"));
    }
    if n <= f {
        let what = format!("not all of {n} replicas can be faulty, but `faults` is {f}");
        return Err(Problem::at("cluster.faults", what, format!("use at most {}", n - 1)));
    }
    if cluster.clients == 0 {
        return Err(Problem::at("cluster.clients", "there is no client", "use at least 1"));
    }
    Ok(cluster.committee())
}

/// Faults are checked with the members in place; this is for groups that none of them names.
fn groups(file: &ScenarioFile, committee: Committee) -> Result<(), Problem> {
    for (name, members) in &file.groups {
        for (place, member) in members.iter().enumerate() {
            let node: Option<NodeId> = member.trim_start_matches('!').parse().ok();
            if let Some(node) = node.filter(|node| !committee.contains(*node)) {
                let path = format!("groups.{name}[{place}]");
                let help = format!("there are {}", committee.in_words());
                return Err(Problem::at(&path, format!("there is no {node}"), help));
            }
        }
    }
    Ok(())
}

fn workload(file: &ScenarioFile) -> Result<(), Problem> {
    let workload = &file.workload;
    arrival(workload)?;
    let Some(script) = &workload.script else {
        let clients = u64::from(file.cluster.clients);
        let each = u64::from(workload.operations.unwrap_or(0));
        limit("workload.operations", each, OPERATIONS_MAX / clients)?;
        let keys = workload.keys.unwrap_or(1);
        limit("workload.keys", u64::from(keys), u64::from(KEYS_MAX))?;
        if keys == 0 {
            return Err(Problem::at("workload.keys", "there is no key", "use at least 1"));
        }
        return Ok(());
    };
    for (path, given) in [
        ("workload.operations", workload.operations.is_some()),
        ("workload.keys", workload.keys.is_some()),
    ] {
        if given {
            let help = "remove it, or remove the script";
            return Err(Problem::at(path, "the script already gives the operations", help));
        }
    }
    let asked: u64 = script.values().map(|operations| operations.len() as u64).sum();
    limit("workload.script", asked, OPERATIONS_MAX)?;
    let is_client = |node: &NodeId| node.is_client() && node.number() < file.cluster.clients;
    match script.keys().find(|node| !is_client(node)) {
        None => Ok(()),
        Some(node) => {
            let help = format!("the clients are c0 to c{}", file.cluster.clients - 1);
            let path = format!("workload.script.{node}");
            Err(Problem::at(&path, format!("{node} is not a client of this cluster"), help))
        }
    }
}

fn arrival(workload: &WorkloadSpec) -> Result<(), Problem> {
    let Some(arrival) = workload.arrival else { return Ok(()) };
    let [min, max] = arrival.gaps();
    if max < min {
        let what = format!("the least gap, {min}, is above the greatest, {max}");
        return Err(Problem::at("workload.arrival.uniform", what, "swap them"));
    }
    if workload.think != Span::ZERO {
        let what = "a client waits for its answer and thinks, or its operations arrive";
        return Err(Problem::at("workload.think", what, "remove `think`, or remove `arrival`"));
    }
    Ok(())
}

fn network(path: &str, network: &NetworkModel) -> Result<(), Problem> {
    limit(&format!("{path}.loss-ppm"), u64::from(network.loss_ppm), 1_000_000)?;
    limit(&format!("{path}.duplicate-ppm"), u64::from(network.duplicate_ppm), 1_000_000)?;
    let path = format!("{path}.latency");
    match &network.latency {
        Latency::Uniform { min, max } if max < min => {
            let what = format!("the least latency, {min}, is above the greatest, {max}");
            Err(Problem::at(&format!("{path}.uniform"), what, "swap them"))
        }
        Latency::Wan { matrix, .. } => {
            let rows = matrix.len();
            if rows == 0 || matrix.iter().any(|row| row.len() != rows) {
                let help = "use as many columns as rows: one row and one column per region";
                let what = "the matrix of latencies is not square";
                return Err(Problem::at(&format!("{path}.wan.matrix"), what, help));
            }
            Ok(())
        }
        Latency::Constant(_) | Latency::Uniform { .. } | Latency::LogNormal { .. } => Ok(()),
    }
}

fn network_weather(weather: &NetworkWeather) -> Result<(), Problem> {
    let ordered = |path: &str, right: bool| {
        let path = format!("random.network.{path}");
        let what = "the first bound is above the second";
        if right { Ok(()) } else { Err(Problem::at(&path, what, "swap them")) }
    };
    ordered("latency", weather.latency.is_none_or(|[min, max]| min <= max))?;
    ordered("gst", weather.gst.is_none_or(|[min, max]| min <= max))?;
    ordered("loss-ppm", weather.loss_ppm.is_none_or(|[min, max]| min <= max))?;
    ordered("duplicate-ppm", weather.duplicate_ppm.is_none_or(|[min, max]| min <= max))?;
    for (path, bounds) in [("loss-ppm", weather.loss_ppm), ("duplicate-ppm", weather.duplicate_ppm)]
    {
        let greatest = bounds.map_or(0, |[_, max]| u64::from(max));
        limit(&format!("random.network.{path}"), greatest, 1_000_000)?;
    }
    Ok(())
}

fn expectation(file: &ScenarioFile) -> Result<(), Problem> {
    let (path, properties) = match &file.expect {
        Expect::Holds => return Ok(()),
        Expect::Violated(properties) => ("expect.violated", properties),
        Expect::Inconclusive(properties) => ("expect.inconclusive", properties),
    };
    if properties.is_empty() {
        return Err(Problem::at(path, "no property is named", "name one, or expect \"holds\""));
    }
    for (index, name) in properties.iter().enumerate() {
        if !PROPERTIES.iter().any(|property| property.name == name) {
            let help = names::advice(name, PROPERTIES.iter().map(|property| property.name));
            let what = format!("unknown property `{name}`");
            return Err(Problem::at(&format!("{path}[{index}]"), what, help)
                .labelled("see `byzsim list properties`"));
        }
    }
    Ok(())
}

/// Links that keep the order of sending, surely or on some seeds, leave nothing to `reorder`.
fn order_of_links(file: &ScenarioFile) -> Result<(), Problem> {
    let random = file.random.as_ref();
    let drawn = random.and_then(|random| random.network.as_ref()).is_some_and(|it| it.fifo);
    let setting = match (file.network.fifo, drawn) {
        (true, _) => "network.fifo",
        (false, true) => "random.network.fifo",
        (false, false) => return Ok(()),
    };
    let reorders = |fault: &Fault| fault.action.class() == Class::Reorder;
    let listed = file.faults.faults.iter().position(reorders);
    let weather = random.and_then(|random| random.faults.as_ref());
    let is_drawn = weather.is_some_and(|weather| weather.classes.contains(&Class::Reorder));
    let path = match listed {
        Some(place) => fault_path(&file.faults, place),
        None if is_drawn => "random.faults.classes".to_owned(),
        None => return Ok(()),
    };
    let what = format!("links keep the order of sending (`{setting}`): nothing changes places");
    let help =
        format!("set `{setting} = false`, or use `hold`, which delays messages until it ends");
    Err(Problem::at(&path, what, help).labelled("`reorder`"))
}

/// Checks the plan of the file, and what the protocol is configured to tolerate.
pub(crate) fn faults(
    file: &ScenarioFile,
    committee: Committee,
    entry: &ProtocolEntry,
    protocol: &dyn AnyProtocol,
) -> Result<(), Problem> {
    limit("fault", file.faults.faults.len() as u64, FAULTS_MAX as u64)?;
    file.faults.validate(committee, entry.vocabulary).map_err(|error| {
        Problem::at(&fault_path(&file.faults, error.fault), error.problem, error.help)
            .labelled("this fault")
    })?;
    order_of_links(file)?;
    if file.beyond_f {
        return Ok(());
    }
    if file.network.losses_last {
        let what = "no protocol promises anything where messages are lost for ever";
        let help = "set `beyond-f = true`; every output will say so";
        return Err(Problem::at("network.losses-last", what, help));
    }
    resilience::demand(file, committee, &protocol.resilience(committee))?;
    if !protocol.within_model(committee) {
        let what = "safety and progress are not claimed for this cluster and these parameters";
        let help = "set `beyond-f = true` to study what breaks; every output will say so";
        return Err(Problem::at("params", what, help));
    }
    Ok(())
}

pub(crate) fn fault_path(plan: &Plan, place: usize) -> String {
    let action = plan.faults.get(place).map_or("", |fault| fault.action.name());
    format!("fault[{place}].do.{action}")
}

/// Whether a name in `reaches` may be right: protocols add milestones of their own at run time, so
/// only a name near to a shared one is surely a slip.
pub(crate) fn milestones(file: &ScenarioFile) -> Result<(), Problem> {
    let shared: Vec<&str> = SHARED_MILESTONES.iter().map(|(name, _)| *name).collect();
    for (index, name) in file.reaches.iter().enumerate() {
        let slip = |known: &&str| names::distance(name, known) == 1;
        if !shared.contains(&name.as_str()) && shared.iter().any(slip) {
            let help = names::advice(name, shared.iter().copied());
            let what = format!("unknown milestone `{name}`");
            return Err(Problem::at(&format!("reaches[{index}]"), what, help)
                .labelled("see `byzsim list milestones`"));
        }
    }
    Ok(())
}

fn limit(path: &str, value: u64, max: u64) -> Result<(), Problem> {
    if value <= max {
        return Ok(());
    }
    let what = format!("{value} is more than byzsim allows");
    Err(Problem::at(path, what, format!("use at most {max}")))
}

#[cfg(test)]
mod tests {
    use crate::file::format::ScenarioFile;
    use crate::run::scenario::Scenario;

    #[test]
    fn messages_of_links_that_keep_their_order_cannot_change_places() {
        let head = "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\
                    [cluster]\nreplicas = 4\nfaults = 1\n";
        let listed = "[[fault]]\ndo.reorder = { messages = {}, within = 2, by = \"1ms\" }\n";
        let drawn = "[random.faults]\nclasses = [\"reorder\"]\n";
        for faults in [listed, drawn] {
            for table in ["network", "random.network"] {
                let checked = |fifo: bool| {
                    let text = format!("{head}[{table}]\nfifo = {fifo}\n{faults}");
                    let file: ScenarioFile = toml::from_str(&text).expect("a scenario file");
                    Scenario::new("t", file, &[])
                };
                assert!(checked(false).is_ok(), "{table}");
                let problem = checked(true).expect_err("the links keep the order of sending");
                assert!(problem.what.contains(&format!("`{table}.fifo`")), "{}", problem.what);
            }
        }
    }

    #[test]
    fn a_parameter_that_is_refused_is_the_one_that_is_wrong() {
        for (param, words) in [
            ("quorum = 9", "`quorum` is 9: use 1 to 4"),
            ("quorum = 0", "`quorum` is 0: use 1 to 4"),
            ("quorum = nan", "`quorum` has no value"),
            ("leader = inf", "`leader` has no value"),
            (
                "acks = \"index\"\nack-quorum = \"followers\"\nquorum = 4\nsnapshot-interval = 0",
                "`ack-quorum` asks for 4 followers: there are 3",
            ),
        ] {
            let text = format!(
                "format = 1\ntitle = \"t\"\nprotocol = \"raft\"\nbeyond-f = true\n\
                 [cluster]\nreplicas = 4\nfaults = 1\n[params]\n{param}\n"
            );
            let file: ScenarioFile = toml::from_str(&text).expect("a scenario file");
            let problem = Scenario::new("t", file, &[]).expect_err(param);
            assert_eq!(problem.what, words, "{param}");
        }
    }
}
