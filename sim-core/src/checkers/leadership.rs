//! Leadership, where primaries are elected: a view has at most one, whose log holds all that was
//! decided before and only grows; and a slot and a view name one entry in all logs.
//!
//! These are four of the five claims of Raft (Ongaro and Ousterhout, USENIX ATC 2014, Figure 3).
//! The shape of a violation names the claim:
//!
//! * *Election Safety* (`two leaders`): at most one correct replica leads a view.
//! * *Leader Append-Only* (`a leader cuts`): a leader cuts nothing out of its own log.
//! * *Log Matching* (`two entries`): two logs that hold an entry of one view in one slot hold the
//!   same entry there, and the same view in the slot before: hence the same entries up to it.
//! * *Leader Completeness* (`a leader lacks`): what was decided in an earlier view is in the log of
//!   a leader when it begins to lead. A replica that reports a decision names the view of the
//!   entry, and may be in a later view by then: so the view that it is in bounds when it was
//!   decided. A leader of a view may begin when a later one has decided more already.
//!
//! The fifth, State Machine Safety, is what `agreement` judges. So that these rest on reports that
//! hang together, a replica's log is held to be one: entries are appended to its end, in the order
//! of their views; none is cut that was executed; what is decided is what the log holds; and the
//! first that enters a view is the one that leads it.

use std::collections::BTreeMap;

use super::{Checker, Findings, RunInfo, Stamp, Verdict};
use crate::crypto::Digest;
use crate::id::NodeId;
use crate::observation::Observation;

/// An entry of a log: the view in which it was proposed, and what it is.
type Entry = (u64, Digest);

/// The log of a replica: what it accepted and did not cut.
#[derive(Clone, Debug, Default)]
struct Log {
    entries: BTreeMap<u64, Entry>,
    /// Up to here a state stands for the entries.
    restored: u64,
}

impl Log {
    /// Whether it holds the entry that was decided in a slot. One of another view that asks for the
    /// same is another entry: it may be cut again.
    fn holds(&self, seq: u64, entry: Entry) -> bool {
        seq <= self.restored || self.entries.get(&seq) == Some(&entry)
    }

    /// The last slot.
    fn end(&self) -> u64 {
        self.entries.last_key_value().map_or(self.restored, |(last, _)| self.restored.max(*last))
    }
}

#[derive(Debug, Default)]
struct Replica {
    log: Log,
    /// The highest view that it asked for or entered.
    view: u64,
    /// The view that it entered last.
    entered: u64,
    /// The view that it leads.
    leads: Option<u64>,
    executed: u64,
}

/// A replica that began to lead, and its log then.
#[derive(Debug)]
struct Leader {
    node: NodeId,
    log: Log,
}

/// The first of the correct replicas that accepted an entry of some view in some slot.
#[derive(Clone, Copy, Debug)]
struct Named {
    by: NodeId,
    batch: Digest,
    /// The view of the entry before, if that is known.
    before: Option<u64>,
}

/// A decision: by whom, and in which view at the latest.
#[derive(Clone, Copy, Debug)]
struct Decision {
    by: NodeId,
    by_view: u64,
    entry: Entry,
}

#[derive(Debug)]
pub(super) struct Leadership {
    findings: Findings,
    replicas: Vec<Replica>,
    /// By view: who began to lead it first.
    leaders: BTreeMap<u64, Leader>,
    /// By slot and view.
    names: BTreeMap<(u64, u64), Named>,
    /// By slot: the decision that was made in the lowest view, as far as that is known.
    decided: BTreeMap<u64, Decision>,
    /// The highest view that a correct replica entered.
    entered: u64,
    /// Whether all replicas are correct: else one that says nothing may lead.
    all_speak: bool,
}

impl Leadership {
    pub(super) fn new(info: &RunInfo) -> Self {
        Self {
            findings: Findings::default(),
            replicas: info.committee.replica_ids().map(|_| Replica::default()).collect(),
            leaders: BTreeMap::new(),
            names: BTreeMap::new(),
            decided: BTreeMap::new(),
            entered: 0,
            all_speak: info.corrupted.iter().all(|node| node.is_client()),
        }
    }

    fn lead(&mut self, at: Stamp, node: NodeId, view: u64) {
        self.findings.judge();
        let replica = &mut self.replicas[usize::from(node.number())];
        let (asked, entered) = (replica.view, replica.entered);
        replica.leads = Some(view);
        let log = replica.log.clone();
        if asked != view || view <= entered {
            self.findings.violate(at, "leads out of turn", || {
                format!("{node} leads v{view}, but last asked for v{asked} and entered v{entered}")
            });
        }
        if let Some(first) = self.leaders.get(&view) {
            let first = first.node;
            self.findings.violate(at, "two leaders", || {
                format!("Election Safety: {first} leads v{view}, and {node} leads it as well")
            });
        }
        let lacks =
            self.decided.iter().find(|(seq, it)| it.by_view < view && !log.holds(**seq, it.entry));
        if let Some((seq, Decision { by, entry, .. })) = lacks {
            self.findings.violate(at, "a leader lacks", || lack(node, view, (*seq, *entry), *by));
        }
        self.leaders.entry(view).or_insert(Leader { node, log });
    }

    fn accept(&mut self, at: Stamp, node: NodeId, seq: u64, (view, batch): Entry) {
        self.findings.judge();
        let log = &mut self.replicas[usize::from(node.number())].log;
        let end = log.end();
        let before = match seq {
            0 | 1 => Some(0),
            _ => log.entries.get(&(seq - 1)).map(|(view, _)| *view),
        };
        log.entries.insert(seq, (view, batch));
        if end.saturating_add(1) != seq || before.is_some_and(|before| view < before) {
            self.findings.violate(at, "no end of a log", || {
                let before = before.map_or_else(String::new, |view| format!(" of v{view}"));
                format!(
                    "{node} appends an entry of v{view} as slot s{seq} to a log whose last entry is \
                     that of slot s{end}{before}"
                )
            });
        }
        let own = Named { by: node, batch, before };
        let first = self.names.entry((seq, view)).or_insert(own);
        let (by, other, other_before) = (first.by, first.batch, first.before);
        first.before = other_before.or(before);
        if other != batch {
            self.findings.violate(at, "two entries", || {
                format!(
                    "Log Matching: {by} holds {other} in slot s{seq} as an entry of v{view}, and \
                     {node} holds {batch} there"
                )
            });
        }
        if let (Some(one), Some(two)) = (other_before, before)
            && one != two
        {
            self.findings.violate(at, "two entries before", || {
                format!(
                    "Log Matching: {by} and {node} hold the same entry of v{view} in slot s{seq}, \
                     but before it an entry of v{one} and one of v{two}"
                )
            });
        }
    }

    fn cut(&mut self, at: Stamp, node: NodeId, from: u64) {
        self.findings.judge();
        let replica = &mut self.replicas[usize::from(node.number())];
        let (end, executed) = (replica.log.end(), replica.executed);
        replica.log.entries.split_off(&from);
        let leads = replica.leads;
        if from <= executed || end < from {
            self.findings.violate(at, "an executed entry is cut", || {
                format!(
                    "{node} cuts its log, which ends with s{end}, from s{from} on, and executed it \
                     up to s{executed}"
                )
            });
        }
        if let Some(view) = leads {
            self.findings.violate(at, "a leader cuts", || {
                format!(
                    "Leader Append-Only: {node} leads v{view}, and cuts its log from s{from} on"
                )
            });
        }
    }

    /// A state stands for the entries up to this one.
    fn restore(&mut self, at: Stamp, node: NodeId, seq: u64) {
        let replica = &mut self.replicas[usize::from(node.number())];
        let log = &mut replica.log;
        log.entries = log.entries.split_off(&seq.saturating_add(1));
        log.restored = log.restored.max(seq);
        replica.executed = seq;
        if let Some(view) = replica.leads {
            self.findings.violate(at, "a leader cuts", || {
                format!(
                    "Leader Append-Only: {node} leads v{view}, and puts a state in the place of its \
                     log up to s{seq}"
                )
            });
        }
    }

    fn commit(&mut self, at: Stamp, node: NodeId, seq: u64, (view, batch): Entry) {
        self.findings.judge();
        let replica = &self.replicas[usize::from(node.number())];
        let by_view = replica.view;
        let entry = (view, batch);
        if replica.log.entries.get(&seq) != Some(&entry) {
            self.findings.violate(at, "not in the log", || {
                format!("{node} decides {batch} of v{view} in slot s{seq}, and its log has it not")
            });
        }
        let own = Decision { by: node, by_view, entry };
        let known = self.decided.entry(seq).or_insert(own);
        // Of two decisions the one that is known to be the older binds more leaders.
        if by_view < known.by_view {
            *known = own;
        }
        let mut later = self.leaders.range(by_view.saturating_add(1)..);
        if let Some((view, leader)) = later.find(|(_, it)| !it.log.holds(seq, entry)) {
            let (view, leader) = (*view, leader.node);
            self.findings.violate(at, "a leader lacks", || lack(leader, view, (seq, entry), node));
        }
    }

    /// It leaves the view that it is in for another.
    fn turn(&mut self, node: NodeId, view: u64) {
        let replica = &mut self.replicas[usize::from(node.number())];
        replica.view = replica.view.max(view);
        replica.leads = replica.leads.filter(|own| *own == view);
    }

    fn enter(&mut self, at: Stamp, node: NodeId, view: u64) {
        self.turn(node, view);
        self.replicas[usize::from(node.number())].entered = view;
        let is_first = self.entered < view;
        self.entered = self.entered.max(view);
        let leads = self.leaders.get(&view).is_some_and(|it| it.node == node);
        if is_first && self.all_speak && !leads {
            self.findings.violate(at, "nobody leads", || {
                format!("{node} enters v{view} as the first one, and does not lead it")
            });
        }
    }
}

fn lack(leader: NodeId, view: u64, (seq, (of, batch)): (u64, Entry), by: NodeId) -> String {
    format!(
        "Leader Completeness: {leader} began to lead v{view} without {batch} of v{of} in slot \
         s{seq}, which {by} knows to be decided in an earlier view"
    )
}

impl Checker for Leadership {
    fn observe(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        match *what {
            Observation::Leads { view } => self.lead(at, node, view),
            Observation::Accepted { view, seq, batch } => {
                self.accept(at, node, seq, (view, batch));
            }
            Observation::Cut { from } => self.cut(at, node, from),
            Observation::Committed { view, seq, decided } => {
                self.commit(at, node, seq, (view, decided.digest()));
            }
            Observation::Executed { seq, .. } => {
                self.replicas[usize::from(node.number())].executed = seq;
            }
            Observation::Restored { seq, .. } => self.restore(at, node, seq),
            Observation::ViewChangeStarted { view, .. } => self.turn(node, view),
            Observation::EnteredView { view } => self.enter(at, node, view),
            _ => {}
        }
    }

    fn happen(&mut self, _: Stamp, happening: super::Happening) {
        // Who restarts leads nothing any more.
        if let super::Happening::Crashed(node) = happening
            && !node.is_client()
        {
            self.replicas[usize::from(node.number())].leads = None;
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        self.findings.verdict("no correct replica led a view, or accepted an entry")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Committee;
    use crate::observation::Decided;
    use crate::time::Time;

    fn digest(name: u8) -> Digest {
        Digest([name; 32])
    }

    fn accepts(view: u64, seq: u64, name: u8) -> Observation {
        Observation::Accepted { view, seq, batch: digest(name) }
    }

    fn commits(view: u64, seq: u64, name: u8) -> Observation {
        Observation::Committed { view, seq, decided: Decided::Batch(digest(name)) }
    }

    fn enters(view: u64) -> Observation {
        Observation::EnteredView { view }
    }

    /// An election: it asks for the view, leads it and enters it.
    fn leads(replica: u16, view: u64) -> [(u16, Observation); 3] {
        let asks = Observation::ViewChangeStarted { view, reason: "a timeout" };
        [(replica, asks), (replica, Observation::Leads { view }), (replica, enters(view))]
    }

    fn shape_of(parts: &[&[(u16, Observation)]]) -> Option<String> {
        shape(&parts.concat())
    }

    fn shape(said: &[(u16, Observation)]) -> Option<String> {
        let committee = Committee { replicas: 3, faults: 1, clients: 1 };
        let mut judge = Leadership::new(&RunInfo::of(committee));
        let at = Stamp { time: Time::ZERO, event: 0 };
        for (replica, observation) in said {
            judge.observe(at, NodeId::Replica(*replica), observation);
        }
        judge.finish(at).violation().map(|violation| violation.shape.clone())
    }

    #[test]
    fn a_view_has_one_leader_which_enters_it_first() {
        assert_eq!(shape_of(&[&leads(0, 1), &leads(1, 2), &leads(0, 3)]), None);
        let two = shape_of(&[&leads(0, 1), &leads(1, 1)]);
        assert_eq!(two.as_deref(), Some("two leaders"));
        assert_eq!(shape(&[(1, enters(1))]).as_deref(), Some("nobody leads"));
        assert_eq!(shape(&leads(0, 1)[1..]).as_deref(), Some("leads out of turn"));
    }

    #[test]
    fn a_slot_and_a_view_name_one_entry_and_those_before_it() {
        let (a, b) = (1, 2);
        let other = [(0, accepts(1, 1, a)), (1, accepts(2, 1, b))];
        assert_eq!(shape(&other), None, "of two views");
        let same = [(0, accepts(1, 1, a)), (1, accepts(1, 1, b))];
        assert_eq!(shape(&same).as_deref(), Some("two entries"));
        let next = [(0, accepts(3, 2, a)), (1, accepts(3, 2, a))];
        assert_eq!(shape_of(&[&other, &next]).as_deref(), Some("two entries before"));
        // What was cut and replaced is not before it.
        let cut = [(0, Observation::Cut { from: 1 }), (0, accepts(2, 1, b))];
        assert_eq!(shape_of(&[&other, &cut, &next]), None);
    }

    #[test]
    fn a_log_grows_at_its_end_and_is_cut_above_what_was_executed() {
        let (one, two) = ((0, accepts(2, 1, 1)), (0, accepts(2, 2, 2)));
        let cut = |from| (0, Observation::Cut { from });
        assert_eq!(shape(&[one.clone(), two.clone(), cut(2), two.clone()]), None);
        let no_end = Some("no end of a log");
        assert_eq!(shape(std::slice::from_ref(&two)).as_deref(), no_end);
        assert_eq!(shape(&[one.clone(), one.clone()]).as_deref(), no_end);
        assert_eq!(shape(&[one.clone(), (0, accepts(1, 2, 2))]).as_deref(), no_end, "an old view");
        let batch = digest(1);
        let executes = (0, Observation::Executed { view: 2, seq: 1, batch, null: false });
        let late = shape(&[one, executes, two, cut(1)]);
        assert_eq!(late.as_deref(), Some("an executed entry is cut"));
    }

    #[test]
    fn a_leader_cuts_nothing_while_it_leads() {
        let has = [(0, accepts(1, 1, 1))];
        let cut = [(0, Observation::Cut { from: 1 })];
        let cuts = shape_of(&[&has, &leads(0, 2), &cut]);
        assert_eq!(cuts.as_deref(), Some("a leader cuts"));
        let (state, content) = (digest(9), std::rc::Rc::default());
        let restores = [(0, Observation::Restored { seq: 1, state, history: None, content })];
        let restored = shape_of(&[&has, &leads(0, 2), &restores]);
        assert_eq!(restored.as_deref(), Some("a leader cuts"));
        assert_eq!(shape_of(&[&has, &restores, &leads(0, 2)]), None);
        assert_eq!(shape_of(&[&has, &leads(0, 2), &leads(1, 3), &[(0, enters(3))], &cut]), None);
    }

    #[test]
    fn a_leader_has_what_was_decided_before_its_view() {
        let has = [(1, accepts(1, 1, 1))];
        let decides = [(0, accepts(1, 1, 1)), (0, commits(1, 1, 1))];
        let lacks = Some("a leader lacks");
        assert_eq!(shape_of(&[&leads(0, 1), &decides, &leads(1, 2)]).as_deref(), lacks);
        assert_eq!(shape_of(&[&leads(0, 1), &decides, &has, &leads(1, 2)]), None);
        // What it has asks for the same, in another view: it may be cut again.
        let alike = [(1, accepts(2, 1, 1))];
        let parts: [&[_]; 4] = [&leads(0, 1), &decides, &alike, &leads(1, 3)];
        assert_eq!(shape_of(&parts).as_deref(), lacks);
        // It is told later.
        assert_eq!(shape_of(&[&leads(0, 1), &leads(1, 2), &decides]).as_deref(), lacks);
        // Whoever is in a later view may know what was decided there.
        let later = [(0, accepts(3, 1, 1)), (0, commits(3, 1, 1))];
        assert_eq!(shape_of(&[&leads(0, 3), &later, &leads(1, 2)]), None);
        // A state stands for it.
        let (state, content) = (digest(9), std::rc::Rc::default());
        let restored = [(1, Observation::Restored { seq: 1, state, history: None, content })];
        assert_eq!(shape_of(&[&leads(0, 1), &decides, &restored, &leads(1, 2)]), None);
        // What its own log does not hold no replica decides.
        let decided = shape_of(&[&leads(0, 1), &decides[1..]]);
        assert_eq!(decided.as_deref(), Some("not in the log"));
    }
}
