//! What corrupted nodes say in random plans: messages with changed fields, and the words of others,
//! altered or in their own name.

use byzsim_core::{Field, NodeId, Sort};

use crate::action::Action;
use crate::aim::{Aim, Window, place};
use crate::generate::Draw;
use crate::odds::{self, Number, Relayed};
use crate::plan::{Change, Fault, Pattern, corrupted};
use crate::range::Range;

impl Draw<'_> {
    /// Changed fields of some messages: one, or several that fit together.
    pub(crate) fn mutate(&mut self, node: NodeId, window: Window) {
        let aim = &mut self.aim;
        let first = aim.field(self.vocabulary.fields);
        let mut messages = Pattern { kinds: vec![first.kind.into()], ..aim.sayings(node) };
        let mut mutations: Vec<(Pattern, Field, Change)> = Vec::new();
        // A lie in one field is often betrayed by another. It comes first: what is in another's
        // name already cannot be signed again.
        if aim.rng.chance(odds::SECOND_FIELD_PPM) {
            let of_kind = |field: &Field| field.kind == first.kind && field.sort != Sort::Signer;
            let fields: Vec<Field> =
                self.vocabulary.fields.iter().copied().filter(of_kind).collect();
            if !fields.is_empty() {
                let second = *aim.rng.pick(&fields);
                mutations.push((messages.clone(), second, change(aim, second)));
            }
        }
        let peers = aim.peers(node);
        let made = change(aim, first);
        let is_of_peers =
            !node.is_client() && !peers.is_empty() && aim.rng.chance(odds::CLAIM_PEERS_PPM);
        // A replica that speaks in the name of a client says nothing that clients say.
        if is_of_peers && matches!(made, Change::Claim(_)) {
            // One name more is seldom enough for a quorum: what one receiver hears next is in the
            // name of yet another.
            let count = aim.rng.between(1, peers.len().min(odds::CLAIMS_MAX) as u64);
            let mut names = peers.clone();
            aim.rng.shuffle(&mut names);
            names.truncate(place(count));
            if 1 < names.len() {
                messages.to = vec![*aim.rng.pick(&peers)];
                mutations.iter_mut().for_each(|(second, ..)| second.to.clone_from(&messages.to));
            }
            for (nth, name) in (1..).zip(&names) {
                let nth = (1 < names.len()).then_some(Range::only(nth));
                mutations.push((Pattern { nth, ..messages.clone() }, first, Change::Claim(*name)));
            }
        } else {
            mutations.push((messages, first, made));
        }
        for (messages, field, change) in mutations {
            let field = field.name.to_owned();
            self.push(window.clone(), Action::Mutate { node, messages, field, change });
        }
    }

    /// What a corrupted node passes on: changed, or in its own name; of an accomplice, if there is
    /// one, what that one says, in its own name as well.
    pub(crate) fn relay(&mut self, node: NodeId, window: Window) {
        let mut others = corrupted(&self.faults);
        others.retain(|other| *other != node);
        let aim = &mut self.aim;
        let field = aim.field(self.vocabulary.fields);
        let of_kind = Pattern { kinds: vec![field.kind.to_owned()], ..Pattern::default() };
        let accomplice = (!others.is_empty() && aim.rng.chance(odds::ACCOMPLICE_PPM))
            .then(|| *aim.rng.pick(&others));
        let mut messages = of_kind.clone();
        if let Some(accomplice) = accomplice {
            messages.from = vec![accomplice];
            let (messages, to) = (of_kind.clone(), vec![node]);
            let says = Action::Relay { node: accomplice, messages, to, heard: false };
            self.faults.push(Fault { note: None, start: None, end: None, action: says });
        }
        let to = aim.audience(node);
        let relayed = odds::pick(&mut aim.rng, &odds::RELAYED);
        let made = match relayed {
            _ if accomplice.is_some() => Some(("signer", Change::Claim(node))),
            Relayed::InOwnName => Some(("signer", Change::Claim(node))),
            Relayed::Changed => {
                let may_graft = Change::Graft.suits(field.sort);
                let grafts = may_graft && aim.rng.chance(odds::RELAYED_GRAFT_PPM);
                let made = if grafts { Change::Graft } else { change(aim, field) };
                Some((field.name, made))
            }
            Relayed::AsItIs => None,
        };
        self.push(window.clone(), Action::Relay { node, messages, to, heard: true });
        let has_field = |name: &str| {
            let of_kind = |it: &&Field| it.kind == field.kind && it.name == name;
            self.vocabulary.fields.iter().any(|it| of_kind(&it))
        };
        if let Some((name, change)) = made.filter(|(name, _)| has_field(name)) {
            let field = name.to_owned();
            self.push(window, Action::Mutate { node, messages: of_kind, field, change });
        }
    }
}

/// Something to make of a field.
pub(crate) fn change(aim: &mut Aim, field: Field) -> Change {
    let rng = &mut aim.rng;
    if rng.chance(odds::RECALL_PPM) && field.sort != Sort::Signer {
        return Change::Recall;
    }
    if Change::Graft.suits(field.sort) && rng.chance(odds::GRAFT_PPM) {
        return Change::Graft;
    }
    match field.sort {
        Sort::Number => match odds::pick(rng, &odds::NUMBERS) {
            Number::Greater => Change::Add(rng.between(1, odds::STEP_MAX)),
            Number::Smaller => Change::Subtract(rng.between(1, odds::STEP_MAX)),
            Number::Small => Change::Set(rng.between(0, odds::SMALL_MAX)),
            Number::Far => Change::Set(*rng.pick(&odds::FAR)),
            Number::Ahead => {
                let [least, most] = odds::AHEAD;
                Change::Add(rng.between(least, most))
            }
        },
        Sort::Digest | Sort::Answer | Sort::Operation => Change::Invent,
        Sort::Signer | Sort::Node => Change::Claim(aim.anyone()),
        Sort::Body => rng.pick(&[Change::Invent, Change::Empty, Change::Recall]).clone(),
        // A list without an entry is often no more than no message; one made up is another one.
        Sort::Entries if rng.chance(odds::INVENT_ENTRIES_PPM) => Change::Invent,
        Sort::Entries => rng
            .pick(&[
                Change::Empty,
                Change::DropFirst,
                Change::DropLast,
                Change::Repeat,
                Change::AllAlike,
                Change::Forge,
                Change::Join,
                Change::Invent,
            ])
            .clone(),
    }
}
