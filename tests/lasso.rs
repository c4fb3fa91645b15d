//! What a run was doing in which an operation is overdue: livelock, deadlock, or slow.

use byzsim_core::{Verdict, Violation};

use crate::support::{play, scenario};

/// The violation of liveness in the run of seed 0.
fn violation(name: &str, changes: &[&str]) -> Violation {
    let report = play(&scenario(name, changes), 0);
    match report.verdict("liveness") {
        Some(Verdict::Violated(violation)) => violation.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn violations_of_liveness_name_their_class() {
    for (name, class, fact) in [
        // Timeouts never grow: each rotation of the primaries is as the one before.
        ("pbft/flaws/P35a-timeout-constant", "livelock", "a period of 4 views / 360ms"),
        // One corrupted replica changes the view at will.
        ("zyzzyva/flaws/Z14-hate-alone", "livelock", "a period of 1 view / "),
        // A client asks again, views pass, and between them no timer of a replica runs.
        ("zyzzyva/flaws/Z12-cache-survives", "livelock", "a period of 1 view / 5.4s"),
        // Everybody sends again what nobody needs.
        ("pbft/flaws/P35g-later-views-ignored", "livelock", "a period of 0 views"),
        ("pbft/flaws/P45-decisions-unproven", "livelock", "a period of 0 views"),
        // The client asks on, and no replica has anything to do.
        ("pbft/flaws/P18b-heard-is-executed", "deadlock", "timers: c1 Retransmit(1) until"),
        // Served are the others. Nothing but its client knows that an operation waits.
        ("pbft/flaws/P35c-rest-unawaited", "slow", "35 operations completed"),
        // A naive form would call this a livelock: for seconds nothing changes but messages that
        // are sent again. But timers run, which have grown long.
        ("pbft/flaws/P35e-timer-hasty", "slow", "may lead on"),
        // View follows view, and none is like another yet.
        ("pbft/flaws/P27-gaps-left", "stuck", "came again"),
    ] {
        let Violation { explanation, repeats, shape, .. } = violation(name, &[]);
        assert_eq!(shape, class, "{name}: {explanation}");
        assert!(explanation.contains(fact), "{name}: {explanation}");
        assert_eq!(repeats.is_some(), class == "livelock", "{name}: {explanation}");
        if let Some([from, to]) = repeats {
            assert!(from.time < to.time && from.event < to.event, "{name}: {explanation}");
        }
    }
}

/// A client that asks every 2.4 s gives few looks at a run in which nothing changes for 39 s.
#[test]
fn a_deadlock_is_told_where_little_happens() {
    const TWO_DOWN: &str = r#"fault=[{ do.crash = "r2" }, { do.crash = "r3" }]"#;
    // With 100 ms the client asks so often that replicas doubt, now and then, that they are up to
    // date, and ask each other: they have something to do.
    for (client_timeout, audit, class) in
        [("100ms", "false", "livelock"), ("300ms", "false", "deadlock"), ("3s", "true", "deadlock")]
    {
        let changes = [
            "cluster.clients=1",
            "workload.operations=1",
            &format!("params.client-timeout={client_timeout}"),
            &format!("workload.audit={audit}"),
            TWO_DOWN,
            "beyond-f=true",
        ];
        let Violation { explanation, shape, .. } = violation("zyzzyva/fault-free", &changes);
        assert_eq!(shape, class, "{client_timeout}: {explanation}");
    }
}

#[test]
fn a_run_that_ends_before_the_deadline_is_undecided() {
    let changes = ["run.at-most=5s"];
    let report = play(&scenario("pbft/flaws/P35a-timeout-constant", &changes), 0);
    let verdict = report.verdict("liveness");
    assert!(matches!(verdict, Some(Verdict::Inconclusive(_))), "{verdict:?}");
}
