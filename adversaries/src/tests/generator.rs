//! The generator stays within the fault model, and reaches all of it.

use std::collections::BTreeMap;

use byzsim_core::{Committee, NodeId, Span, Time};

use super::toy::Msg;
use crate::{
    Action, Class, Fault, Moment, Plan, Seen, Timing, Vocabulary, Weather, generate, vary,
};

const SEEDS: u64 = 2_000;

fn timing(gst: Time) -> Timing {
    Timing { gst, timeout: Span::from_millis(500), delta: Span::from_millis(50) }
}

fn gst() -> Time {
    Time::ZERO + Span::from_secs(3)
}

fn plans(weather: &Weather, committee: Committee, gst: Time) -> Vec<Plan> {
    (0..SEEDS).map(|seed| generate::<Msg>(weather, committee, &timing(gst), seed)).collect()
}

fn committees() -> [Committee; 2] {
    [(4, 1), (7, 2)].map(|(replicas, faults)| Committee { replicas, faults, clients: 3 })
}

/// Whether a corrupted node does not hear what a fault drops: that is its own fault and strikes no
/// correct node, so it need not end by GST, and no network heals it.
fn is_deafness(plan: &Plan, fault: &Fault) -> bool {
    let Action::Drop(messages) = &fault.action else { return false };
    let corrupted = plan.corrupted();
    !messages.to.is_empty() && messages.to.iter().all(|node| corrupted.contains(node))
}

#[test]
fn every_plan_is_within_the_fault_model() {
    let weather = Weather { classes: Class::ALL.to_vec(), ..Weather::default() };
    for committee in committees() {
        for (seed, plan) in plans(&weather, committee, gst()).iter().enumerate() {
            let name = format!("n = {}, seed {seed}: {plan:?}", committee.replicas);
            assert_eq!(plan.validate(committee, Vocabulary::of::<Msg>()), Ok(()), "{name}");
            assert!(plan.faulty_replicas(gst()).len() <= usize::from(committee.faults), "{name}");
            let clients = plan.corrupted().into_iter().filter(|node| node.is_client()).count();
            assert!(clients <= 1, "{name}");
            for fault in &plan.faults {
                let in_time = matches!(fault.end, Some(Moment::At(end)) if end <= gst());
                let heals = matches!(fault.end, Some(Moment::When(_)));
                let crash = fault.action.crashes().is_some();
                let lasting = matches!(fault.action, Action::Drift { .. })
                    || fault.action.corrupts().is_some()
                    || is_deafness(plan, fault);
                assert!(lasting || in_time || heals && !crash, "{name}");
            }
        }
    }
}

#[test]
fn every_class_occurs_on_many_seeds_and_none_on_all() {
    let weather = Weather { classes: Class::ALL.to_vec(), ..Weather::default() };
    for committee in committees() {
        let plans = plans(&weather, committee, gst());
        for class in Class::ALL {
            let has = |plan: &&Plan| plan.faults.iter().any(|f| f.action.name() == class.name());
            let count = plans.iter().filter(has).count();
            // Only one more replica than those that are corrupted may be faulty.
            let least = if *class == Class::Forget { 30 } else { 100 };
            assert!((least..1_200).contains(&count), "{class:?} on {count} of {SEEDS} seeds");
        }
    }
}

#[test]
fn the_shapes_that_matter_occur() {
    let [committee, larger] = committees();
    let plans = plans(&Weather::default(), committee, gst());
    let count = |fits: &dyn Fn(&Plan) -> bool| plans.iter().filter(|plan| fits(plan)).count();
    let crashes =
        |plan: &Plan| plan.faults.iter().filter(|fault| fault.action.crashes().is_some()).count();
    let has = |plan: &Plan, name| plan.faults.iter().any(|fault| fault.action.name() == name);
    let waits =
        |plan: &Plan| plan.faults.iter().any(|fault| matches!(fault.start, Some(Moment::When(_))));
    for (what, reached) in [
        ("nobody is corrupted", count(&|plan| plan.corrupted().is_empty())),
        ("a client is corrupted", count(&|plan| plan.corrupted().iter().any(|n| n.is_client()))),
        ("twins lie", count(&|plan| has(plan, "twins") && has(plan, "lie"))),
        ("several replicas crash", count(&|plan| 1 < crashes(plan))),
        ("a client crashes", {
            let is_client = |fault: &Fault| fault.action.crashes().is_some_and(NodeId::is_client);
            count(&|plan| plan.faults.iter().any(is_client))
        }),
        ("a fault waits for a trigger", count(&waits)),
    ] {
        assert!(30 < reached, "{what} on {reached} of {SEEDS} seeds");
    }
    assert_eq!(count(&|plan| plan.faults.is_empty()), 0, "a seed without any fault is wasted");
    let low = count(&|plan| plan.corrupted().contains(&NodeId::Replica(0)));
    let high = count(&|plan| plan.corrupted().contains(&NodeId::Replica(3)));
    assert!(2 * high < low, "r0 leads the first view: {low} against {high}");

    let mut sizes: BTreeMap<usize, u32> = BTreeMap::new();
    for plan in self::plans(&Weather::default(), larger, gst()) {
        *sizes.entry(plan.faulty_replicas(gst()).len()).or_default() += 1;
    }
    assert!(sizes.len() == 3 && sizes.values().all(|count| 200 < *count), "{sizes:?}");
}

#[test]
fn what_is_unusual_is_drawn_only_when_asked_for() {
    let usual = Weather::default().classes;
    let unusual = Class::ALL.iter().filter(|class| !usual.contains(class));
    assert_eq!(unusual.collect::<Vec<_>>(), [&Class::Reorder]);
}

#[test]
fn the_weather_forbids() {
    let [committee, _] = committees();
    let weather = Weather {
        classes: vec![Class::Mute, Class::Crash, Class::Drop],
        corrupt_max: Some(2),
        corrupt_clients_max: 0,
        ..Weather::default()
    };
    let plans = plans(&weather, committee, gst());
    let allowed = ["mute", "crash", "drop"];
    let faults = plans.iter().flat_map(|plan| &plan.faults);
    assert!(faults.into_iter().all(|fault| allowed.contains(&fault.action.name())));
    let most = plans.iter().map(|plan| plan.corrupted().len()).max();
    assert_eq!(most, Some(2), "more than f where the scenario says so");
    assert!(plans.iter().flat_map(Plan::corrupted).all(|node| !node.is_client()));
}

/// Replicas stay down where the weather says so, no more than f of them with all others that are
/// faulty; and nothing else changes.
#[test]
fn replicas_stay_down_where_the_weather_lets_them() {
    let stays = |fault: &Fault| {
        let is_client = fault.action.owner().is_some_and(NodeId::is_client);
        fault.action.crashes().is_some() && fault.end.is_none() && !is_client
    };
    for (committee, down_max) in committees().into_iter().zip([1, 2]) {
        let most = usize::from(committee.faults);
        let calm = Weather { classes: Class::ALL.to_vec(), ..Weather::default() };
        let weather = Weather { down_max, ..calm.clone() };
        let mut down = BTreeMap::new();
        let pairs =
            plans(&weather, committee, gst()).into_iter().zip(plans(&calm, committee, gst()));
        for (plan, other) in pairs {
            assert_eq!(plan.validate(committee, Vocabulary::of::<Msg>()), Ok(()), "{plan:?}");
            assert!(plan.faulty_replicas(gst()).len() <= most, "{plan:?}");
            *down.entry(plan.faults.iter().filter(|it| stays(it)).count()).or_insert(0) += 1;
            let restarts = plan.faults.iter().zip(&other.faults).map(|(fault, as_drawn)| {
                let end = if stays(fault) { as_drawn.end.clone() } else { fault.end.clone() };
                Fault { end, ..fault.clone() }
            });
            assert_eq!(restarts.collect::<Vec<_>>(), other.faults);
        }
        let reached: Vec<usize> = down.keys().copied().collect();
        assert_eq!(reached, (0..=most).collect::<Vec<_>>(), "{down:?}");
        assert!(down.values().all(|count| 10 < *count), "{down:?}");
        let fewer = Weather { down_max: 1, ..weather };
        let fewer = plans(&fewer, committee, gst());
        assert!(fewer.iter().all(|it| it.faults.iter().filter(|it| stays(it)).count() <= 1));
    }
}

/// A search may leave replicas down that the plans which it varies leave down, and no more.
#[test]
fn variations_leave_as_many_replicas_down_as_the_weather_lets_them() {
    let [_, committee] = committees();
    let weather = Weather {
        classes: vec![Class::Crash, Class::Drop],
        corrupt_max: Some(0),
        down_max: 1,
        ..Weather::default()
    };
    let parents = plans(&weather, committee, gst());
    let mut down = BTreeMap::new();
    for (seed, pair) in parents.windows(2).enumerate() {
        let plans = (&pair[0], &pair[1], &Seen::default());
        let child = vary::<Msg>(plans, &weather, committee, &timing(gst()), seed as u64);
        *down.entry(child.faulty_replicas(gst()).len()).or_insert(0) += 1;
        assert!(child.untrusted().iter().all(|node| node.is_client()), "{child:?}");
    }
    assert!(down.len() == 2 && down.values().all(|count| 50 < *count), "{down:?}");
}

#[test]
fn a_synchronous_network_is_struck_by_nothing_that_it_would_heal() {
    let [committee, _] = committees();
    let plans = plans(&Weather::default(), committee, Time::ZERO);
    let needs = |fault: &Fault| fault.action.class().descriptor().needs_asynchrony;
    for plan in &plans {
        let heals = |fault: &&Fault| needs(fault) && !is_deafness(plan, fault);
        assert_eq!(plan.faults.iter().find(heals), None, "{plan:?}");
    }
    let is_deaf = |plan: &&Plan| plan.faults.iter().any(|fault| is_deafness(plan, fault));
    assert!(20 < plans.iter().filter(is_deaf).count(), "corrupted nodes may be deaf all the same");
    assert!(plans.iter().all(|plan| !plan.faults.is_empty()));
}

#[test]
fn a_seed_gives_one_plan_and_seeds_give_many() {
    let [committee, _] = committees();
    let weather = Weather::default();
    let draw = |seed| generate::<Msg>(&weather, committee, &timing(gst()), seed);
    assert_eq!(draw(7), draw(7));
    let mut texts: Vec<String> =
        (0..SEEDS).map(|seed| serde_json::to_string(&draw(seed)).expect("a plan")).collect();
    texts.sort_unstable();
    texts.dedup();
    assert!(SEEDS * 95 / 100 < texts.len() as u64, "{} different plans", texts.len());
}

#[test]
fn variations_stay_within_the_fault_model_and_differ() {
    for committee in committees() {
        let weather = Weather { classes: Class::ALL.to_vec(), ..Weather::default() };
        let parents = plans(&weather, committee, gst());
        let mut same = 0;
        for (seed, pair) in parents.windows(2).enumerate() {
            let name = format!("n = {}, seed {seed}", committee.replicas);
            let of = || {
                let plans = (&pair[0], &pair[1], &Seen::default());
                vary::<Msg>(plans, &weather, committee, &timing(gst()), seed as u64)
            };
            let child = of();
            assert_eq!(child, of(), "{name}: one seed, one variation");
            assert_eq!(child.validate(committee, Vocabulary::of::<Msg>()), Ok(()), "{name}");
            assert!(child.faulty_replicas(gst()).len() <= usize::from(committee.faults), "{name}");
            same += usize::from(child == pair[0]);
        }
        assert!(same * 50 < parents.len(), "{same} of {} variations change nothing", parents.len());
    }
}
