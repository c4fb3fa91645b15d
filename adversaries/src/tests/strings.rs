//! Puppets and patterns, without a run.

use byzsim_core::crypto::Keyring;
use byzsim_core::{Committee, CryptoBackend, Effect, Input, NodeId, Observation, Span, Time, Wake};

use super::toy::{Msg, Toy};
use crate::log::Demand;
use crate::pattern::Matcher;
use crate::{Pattern, Puppet, Range};

const COMMITTEE: Committee = Committee { replicas: 4, faults: 1, clients: 1 };

fn replica(number: u16) -> Puppet<Toy> {
    let keyring = Keyring::new(CryptoBackend::Ideal, COMMITTEE, 1);
    Puppet::new(&keyring.signer(NodeId::Replica(number)), COMMITTEE, 1, &())
}

fn handle(
    puppet: &mut Puppet<Toy>,
    after_ms: u64,
    input: Input<'_, Msg, Wake>,
) -> Vec<Effect<Msg, Wake>> {
    let mut requests = Vec::new();
    let now = Time::ZERO + Span::from_millis(after_ms);
    puppet.handle(now, input, |request| requests.push(request.kept(now)));
    requests
}

fn wakes(requests: &[Effect<Msg, Wake>]) -> Vec<(Wake, Span)> {
    let wake = |request: &Effect<Msg, Wake>| {
        if let Effect::SetTimer(wake, span) = request { Some((*wake, *span)) } else { None }
    };
    requests.iter().filter_map(wake).collect()
}

#[test]
fn the_latest_arming_of_a_timer_counts() {
    let mut puppet = replica(0);
    let armed = wakes(&handle(&mut puppet, 0, Input::Start));
    let [(moved, _), (tick, after), (disarmed, _)] = armed[..] else { panic!("{armed:?}") };
    assert_eq!(after, Span::from_millis(50));
    assert!(handle(&mut puppet, 20, Input::Timer(moved)).is_empty(), "it was armed again");
    assert!(handle(&mut puppet, 30, Input::Timer(disarmed)).is_empty(), "it was disarmed");
    let wanted = handle(&mut puppet, 50, Input::Timer(tick));
    assert!(matches!(wanted[0], Effect::Observe(Observation::Reached("tick"))), "{wanted:?}");
    assert!(handle(&mut puppet, 50, Input::Timer(tick)).is_empty(), "it expired once");
}

#[test]
fn a_puppet_hears_its_own_broadcast_at_once() {
    let mut puppet = replica(0);
    let client = NodeId::Client(0);
    let echo = std::rc::Rc::new(Msg::Echo(client, 1, 7));
    for other in [1, 2] {
        let input = Input::Message(NodeId::Replica(other), &echo);
        assert!(handle(&mut puppet, 0, input).is_empty());
    }
    let ping = std::rc::Rc::new(Msg::Ping(client, 1, 7));
    // Its own echo is the third: it commits within the same event.
    let wanted = handle(&mut puppet, 0, Input::Message(client, &ping));
    let [Effect::Broadcast(_), Effect::Observe(_), Effect::Send(to, _)] = &wanted[..] else {
        panic!("{wanted:?}")
    };
    assert_eq!(*to, client);
}

#[test]
fn patterns_match_what_they_name() {
    let (r0, r1, c0) = (NodeId::Replica(0), NodeId::Replica(1), NodeId::Client(0));
    let echo = Msg::Echo(c0, 3, 7);
    let ping = Msg::Ping(c0, 3, 7);
    let any = Pattern::default;
    let kinds = |names: &[&str]| {
        let kinds = names.iter().map(|name| (*name).to_owned()).collect();
        Pattern { kinds, ..any() }
    };
    let (three, other) = (Some(Range::only(3)), Some(Range { min: 4, max: 9 }));
    for (pattern, from, msg, failed) in [
        (any(), r0, &echo, None),
        (any(), c0, &ping, None),
        (kinds(&["echo"]), r0, &echo, None),
        (kinds(&["ping", "pong"]), r0, &echo, Some(Demand::Kind)),
        (Pattern { from: vec![r0], ..any() }, r0, &echo, None),
        (Pattern { from: vec![c0], ..any() }, r0, &echo, Some(Demand::Sender)),
        (Pattern { to: vec![r1, c0], ..any() }, r0, &echo, None),
        (Pattern { to: vec![r0], ..any() }, r0, &echo, Some(Demand::Receiver)),
        (Pattern { seq: three, ..any() }, r0, &echo, None),
        (Pattern { seq: other, ..any() }, r0, &echo, Some(Demand::Slot)),
        (Pattern { view: Some(Range::only(0)), ..any() }, r0, &echo, None),
        (Pattern { view: Some(Range::only(1)), ..any() }, r0, &echo, Some(Demand::View)),
        // A ping is of no view and about no slot.
        (Pattern { seq: three, ..any() }, c0, &ping, Some(Demand::Slot)),
        (Pattern { view: Some(Range::only(0)), ..any() }, c0, &ping, Some(Demand::View)),
    ] {
        let matcher = Matcher::new::<Msg>(pattern.clone(), COMMITTEE);
        assert_eq!(matcher.failed(from, r1, msg), failed, "{pattern:?} on {msg:?}");
    }
}

#[test]
fn nth_counts_what_matches_all_else() {
    let (r0, r1, c0) = (NodeId::Replica(0), NodeId::Replica(1), NodeId::Client(0));
    let echo = Msg::Echo(c0, 3, 7);
    let ping = Msg::Ping(c0, 3, 7);
    let nth = Some(Range { min: 2, max: 3 });
    let pattern = Pattern { kinds: vec!["echo".into()], nth, ..Pattern::default() };
    let mut matcher = Matcher::new::<Msg>(pattern, COMMITTEE);
    let messages = [&echo, &ping, &echo, &ping, &echo, &echo];
    let hits = messages.map(|msg| matcher.failed(r0, r1, msg).is_none() && matcher.count());
    assert_eq!(hits, [false, false, true, false, true, false]);
}
