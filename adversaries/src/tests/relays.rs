//! Corrupted nodes pass on what they hear and say, and agree on what they make up.

use byzsim_core::NodeId;

use super::runs::{C1, R0, R1, R2, R3, always, play};
use super::toy::TWIST;
use crate::{Action, Change, Fault, Pattern};

fn relay(node: NodeId, from: Vec<NodeId>, to: Vec<NodeId>, heard: bool) -> Fault {
    let messages = Pattern { kinds: vec!["echo".into()], from, ..Pattern::default() };
    always(Action::Relay { node, messages, to, heard })
}

#[test]
fn what_is_heard_is_passed_on_at_once_and_altered() {
    let (log, fired) = play(vec![relay(R0, vec![R1], vec![R3], true)]);
    assert_eq!(fired, [6]);
    let heard = log.arrivals(R1, R0, "echo");
    let later: Vec<u64> = heard.iter().map(|time| time + 10).collect();
    let passed_on = log.arrivals(R0, R3, "echo");
    assert_eq!(passed_on.len(), 6 + 6, "besides its own");
    assert!(later.iter().all(|time| passed_on.contains(time)), "{later:?} {passed_on:?}");

    let messages = Pattern { kinds: vec!["echo".into()], to: vec![R3], ..Pattern::default() };
    let (field, change) = ("word".into(), Change::Set(7));
    let lie = always(Action::Mutate { node: R0, messages, field, change });
    let (log, fired) = play(vec![relay(R0, vec![R1], vec![R3], true), lie]);
    assert_eq!(fired, [6, 6 + 6], "it lies about its own words, and about those of r1");
    assert!(log.texts(R0, R3, "echo").iter().all(|echo| echo.ends_with(", 7)")));
}

#[test]
fn what_is_said_is_passed_on_to_an_accomplice() {
    let (log, fired) = play(vec![relay(R0, Vec::new(), vec![C1], false)]);
    assert_eq!(fired, [6], "once, however many hear it");
    assert_eq!(log.texts(R0, C1, "echo"), log.texts(R0, R1, "echo"));
}

#[test]
fn two_that_pass_on_to_each_other_stop_in_time() {
    let both = [(R0, R1), (R1, R0)].map(|(me, other)| relay(me, Vec::new(), vec![other], true));
    let (_, fired) = play(both.to_vec());
    assert!(fired.iter().all(|fired| (6..=256).contains(fired)), "{fired:?}");
}

#[test]
fn liars_agree() {
    let lie = |node| always(Action::Lie { node, lie: TWIST.into(), messages: Pattern::default() });
    let (log, _) = play(vec![lie(R0), lie(R1)]);
    let [r0, r1, r3] = [R0, R1, R3].map(|from| log.texts(from, R2, "echo"));
    assert_eq!((r0.len(), &r0), (6, &r1), "two say the same");
    assert!(r0.iter().all(|lie| !r3.contains(lie)), "and it is not the truth");
}
