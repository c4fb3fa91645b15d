//! Names for lists of nodes in a scenario file.
//!
//! A name stands for its members and is gone once the file is read: plans, repros and hashes know
//! nodes only, so nothing that was found depends on what a group is called.

use std::collections::{BTreeMap, BTreeSet};

use byzsim_core::{Committee, NodeId};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeValue};

use crate::file::error::Problem;
use crate::file::limits::{CLIENTS_MAX, CONDITIONS_MAX, MEMBERS_MAX};
use crate::file::names;
use crate::file::node_keys::{self, Holds};
use crate::file::path::{Step, Tree};

/// The groups that every scenario has. There is no `primary`: views change who that is.
const BUILT_IN: [&str; 2] = ["replicas", "clients"];

/// What [`name_of_group`] allows, for schemas.
pub(crate) const NAME: &str = "^(?!([rc][0-9]+|replicas|clients)$)[A-Za-z][A-Za-z0-9_-]*$";

/// Who leads a view, of a document's protocol with this cluster: whoever knows the protocols says.
pub(crate) type Leader<'a> = &'a dyn Fn(&Value, Committee, u64) -> Option<NodeId>;

/// What stands before the number of a view in the name of its leader: `leader@3`.
const LEADER: &str = "leader@";

/// A list of nodes with the members in place of the names, or one node in place of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expanded {
    path: Vec<Step>,
    nodes: Vec<NodeId>,
    is_list: bool,
}

/// The lists of a document's faults that name groups, expanded.
///
/// # Errors
/// If a group is defined badly, or there is none of a name, or a condition changes the cluster so
/// that a list would stand for other nodes.
pub(crate) fn expand(document: &Value, leader: Leader<'_>) -> Result<Vec<Expanded>, Problem> {
    let whole = committee(document, None);
    let expanded = expand_for(whole, document, leader)?;
    if expanded.is_empty() {
        return Ok(expanded);
    }
    let conditions = document.pointer("/random/conditions").and_then(Value::as_array);
    // More of them are refused later.
    let conditions = conditions.into_iter().flatten().take(CONDITIONS_MAX);
    for (place, condition) in conditions.enumerate() {
        let committee = committee(document, Some(condition));
        if committee == whole {
            continue;
        }
        // The faults of the file are those of each condition: a condition changes none of them.
        let path = match expand_for(committee, document, leader) {
            Ok(under) => {
                let differs = expanded.iter().zip(under).find(|(list, under)| *list != under);
                differs.map(|(list, _)| list.path.clone())
            }
            Err(problem) => Some(problem.path),
        };
        if let Some(path) = path {
            let what =
                format!("with the cluster of random.conditions[{place}], this names other nodes");
            return Err(at(&path, what, "name the nodes, or do not change the cluster there"));
        }
    }
    Ok(expanded)
}

fn expand_for(
    committee: Committee,
    document: &Value,
    leader: Leader<'_>,
) -> Result<Vec<Expanded>, Problem> {
    let leader = |view| leader(document, committee, view);
    let groups = Groups::read(committee, document, &leader)?;
    let mut expanded = Vec::new();
    let faults = document.get("fault").and_then(Value::as_array).into_iter().flatten();
    for (place, fault) in faults.enumerate() {
        let path = vec![Step::key("fault"), Step::Index(place)];
        groups.walk(fault, path, &mut expanded)?;
    }
    Ok(expanded)
}

struct Groups<'a> {
    committee: Committee,
    members: BTreeMap<String, Vec<NodeId>>,
    leader: &'a dyn Fn(u64) -> Option<NodeId>,
}

impl<'a> Groups<'a> {
    fn read(
        committee: Committee,
        document: &Value,
        leader: &'a dyn Fn(u64) -> Option<NodeId>,
    ) -> Result<Self, Problem> {
        let mut groups = Self { committee, members: BTreeMap::new(), leader };
        groups.members = [
            ("replicas".to_owned(), groups.committee.replica_ids().collect()),
            ("clients".to_owned(), groups.committee.client_ids().collect()),
        ]
        .into();
        let defined = document.get("groups").and_then(Value::as_object).into_iter().flatten();
        // A group names nodes and the built-in groups, and none of the file: so there is no circle.
        let mut members = groups.members.clone();
        for (name, list) in defined {
            let path = [Step::key("groups"), Step::key(name)];
            name_of_group(name, &path)?;
            let Some(items) = strings(list) else {
                let help = format!("write it like `{name} = [\"r0\", \"c0\"]`");
                return Err(at(&path, "a group must be a list of nodes", help));
            };
            let list = groups.nodes(&items, &path).map_err(|mut problem| {
                let is_group = |it: &&&str| defined_in(document, it.trim_start_matches('!'));
                if items.iter().any(|it| is_group(&it)) {
                    problem.help = Some("name its nodes: a group cannot contain groups".into());
                }
                problem
            })?;
            members.insert(name.clone(), list);
        }
        groups.members = members;
        Ok(groups)
    }

    fn walk(
        &self,
        value: &Value,
        path: Vec<Step>,
        expanded: &mut Vec<Expanded>,
    ) -> Result<(), Problem> {
        let below = |step: Step| path.iter().cloned().chain([step]).collect::<Vec<_>>();
        match value {
            Value::Object(table) => {
                for (key, value) in table {
                    let path = below(Step::key(key));
                    match (node_keys::holds(key), value.as_array()) {
                        (Some(Holds::List), Some(_)) => self.list(value, path, expanded)?,
                        (Some(Holds::Lists), Some(lists)) => {
                            for (place, list) in lists.iter().enumerate() {
                                let mut path = path.clone();
                                path.push(Step::Index(place));
                                self.list(list, path, expanded)?;
                            }
                        }
                        (Some(Holds::Node), _) => self.one(value, path, expanded)?,
                        _ => self.walk(value, path, expanded)?,
                    }
                }
                Ok(())
            }
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                items.try_for_each(|(place, item)| {
                    self.walk(item, below(Step::Index(place)), expanded)
                })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    /// Puts the leader of a view in its place, and refuses a group where one node belongs; what
    /// else is wrong there is found later.
    fn one(
        &self,
        value: &Value,
        path: Vec<Step>,
        expanded: &mut Vec<Expanded>,
    ) -> Result<(), Problem> {
        if let Some(node) = value.as_str().and_then(|name| self.leader(name, &path)) {
            expanded.push(Expanded { path, nodes: vec![node?], is_list: false });
            return Ok(());
        }
        match value.as_str().filter(|name| self.members.contains_key(*name)) {
            None => Ok(()),
            Some(name) => {
                let what = format!("`{name}` is a group, but one node is needed here");
                Err(at(&path, what, "name a node such as `r0`; write one fault for each node"))
            }
        }
    }

    /// Expands a list that names a group. What is not a list of strings is left to whoever reads
    /// the scenario, as are lists of plain nodes.
    fn list(
        &self,
        list: &Value,
        path: Vec<Step>,
        expanded: &mut Vec<Expanded>,
    ) -> Result<(), Problem> {
        let Some(items) = strings(list) else { return Ok(()) };
        if items.iter().all(|item| node(item).is_some()) {
            return Ok(());
        }
        let nodes = self.nodes(&items, &path)?;
        let before: usize = expanded.iter().map(|list| list.nodes.len()).sum();
        if MEMBERS_MAX < before + nodes.len() {
            let what = format!("up to here, the groups stand for more than {MEMBERS_MAX} nodes");
            return Err(at(&path, what, "use fewer faults or smaller groups"));
        }
        expanded.push(Expanded { path, nodes, is_list: true });
        Ok(())
    }

    /// The nodes that a list stands for: those that it names, without those behind a `!`; all
    /// nodes without these if it names none.
    fn nodes(&self, items: &[&str], path: &[Step]) -> Result<Vec<NodeId>, Problem> {
        let mut named = Vec::new();
        let mut left_out = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let (name, nodes) = match item.strip_prefix('!') {
                Some(name) => (name, &mut left_out),
                None => (*item, &mut named),
            };
            let here = || [path, &[Step::Index(place)]].concat();
            if let Some(node) = self.leader(name, &here()) {
                nodes.push(node?);
                continue;
            }
            match (node(name), self.members.get(name)) {
                // Where it is named, an absent node is found with the fault's other mistakes; left
                // out, it would be gone by then.
                (Some(node), _) if item.starts_with('!') && !self.committee.contains(node) => {
                    let what = format!("there is no {node} to exclude");
                    let Committee { replicas, clients, .. } = self.committee;
                    let help = format!("there are {replicas} replicas and {clients} clients");
                    return Err(at(&here(), what, help));
                }
                (Some(node), _) => nodes.push(node),
                (None, Some(members)) => nodes.extend(members),
                (None, None) => return Err(self.unknown(name, &here())),
            }
        }
        if named.is_empty() && !left_out.is_empty() {
            named = self.committee.nodes().collect();
        }
        let mut seen = BTreeSet::from_iter(left_out);
        named.retain(|node| seen.insert(*node));
        if named.is_empty() {
            // An empty list would mean all nodes where it stands for senders or receivers.
            let what = "the list contains no node";
            return Err(at(path, what, "name a node that is not excluded"));
        }
        Ok(named)
    }

    /// The leader that a name means, if it means one.
    fn leader(&self, name: &str, path: &[Step]) -> Option<Result<NodeId, Problem>> {
        let view = name.strip_prefix(LEADER)?;
        let Ok(view) = view.parse() else {
            let what = format!("`{name}` names no view");
            return Some(Err(at(path, what, "write the number of a view: `leader@3`")));
        };
        Some((self.leader)(view).ok_or_else(|| {
            let what = "in this protocol no view has its leader by number";
            at(path, what, "name a node such as `r0`")
        }))
    }

    fn unknown(&self, name: &str, path: &[Step]) -> Problem {
        let what = format!("`{name}` is neither a node nor a group");
        let mut help = names::advice(name, self.members.keys().map(String::as_str));
        if !help.ends_with('?') {
            help.push_str(", or a node such as `r0`");
        }
        at(path, what, help)
    }
}

fn at(path: &[Step], what: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem { path: path.to_vec(), ..Problem::at("", what, help) }
}

/// A group's name reads like a word, so that nobody takes it for a node.
fn name_of_group(name: &str, path: &[Step]) -> Result<(), Problem> {
    let is_word = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|it| it.is_ascii_alphanumeric() || "-_".contains(it))
    };
    let number = name.strip_prefix(['r', 'c']);
    let is_like_a_node = number
        .is_some_and(|number| !number.is_empty() && number.chars().all(|it| it.is_ascii_digit()));
    if is_like_a_node {
        return Err(at(
            path,
            format!("`{name}` is the name of a node"),
            "give the group another name",
        ));
    }
    if BUILT_IN.contains(&name) {
        let help = "remove it, or give it another name";
        return Err(at(path, format!("the group `{name}` is predefined"), help));
    }
    if is_word(name) {
        return Ok(());
    }
    let what = format!("`{name}` cannot be the name of a group");
    Err(at(path, what, "use a letter, then letters, digits, `-` and `_`"))
}

/// Who takes part, under a condition if there is one, as far as it can be read: what is wrong with
/// it is found later.
fn committee(document: &Value, condition: Option<&Value>) -> Committee {
    let said = |here: &Value, key: &str| here.get("cluster")?.get(key)?.as_u64();
    let count = |key: &str, max: u16| {
        let count = condition.and_then(|it| said(it, key)).or_else(|| said(document, key));
        let count = count.unwrap_or(1).clamp(1, u64::from(max));
        u16::try_from(count).expect("at most a number of 16 bits")
    };
    let replicas = count("replicas", Committee::REPLICAS_MAX);
    Committee { replicas, faults: 0, clients: count("clients", CLIENTS_MAX) }
}

fn defined_in(document: &Value, name: &str) -> bool {
    document.get("groups").is_some_and(|groups| groups.get(name).is_some())
}

fn strings(list: &Value) -> Option<Vec<&str>> {
    list.as_array()?.iter().map(Value::as_str).collect()
}

fn node(name: &str) -> Option<NodeId> {
    name.parse().ok()
}

/// Puts expanded lists into a JSON document.
pub(crate) fn put_in_json(document: &mut Value, expanded: &[Expanded]) {
    for Expanded { path, nodes, is_list } in expanded {
        if let Some(place) = document.at(path) {
            *place = match is_list {
                true => nodes.iter().map(NodeId::to_string).collect(),
                false => nodes[0].to_string().into(),
            };
        }
    }
}

/// Puts expanded lists into a TOML document, whose other values keep their places in the text.
pub(crate) fn put_in_toml(document: &mut Spanned<DeValue<'_>>, expanded: &[Expanded]) {
    for Expanded { path, nodes, is_list } in expanded {
        if let Some(list) = document.at(path) {
            let span = list.span();
            let text = |node: &NodeId| DeValue::String(DeString::Owned(node.to_string()));
            if !is_list {
                *list.get_mut() = text(&nodes[0]);
                continue;
            }
            let mut items = DeArray::new();
            for node in nodes {
                items.push(Spanned::new(span.clone(), text(node)));
            }
            *list.get_mut() = DeValue::Array(items);
        }
    }
}
