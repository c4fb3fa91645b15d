//! What corrupted nodes can do to a message: every kind of message can be changed, every change
//! shows in its bytes, and no signature outlives a change of what it covers.

use std::collections::BTreeSet;
use std::rc::Rc;

use byzsim::run::registry::{self, Visitor};
use byzsim_core::editable::Pen;
use byzsim_core::field::{Entries, FieldMut, Inventive as _};
use byzsim_core::{
    Committee, CryptoBackend, Digest, Encode as _, Field, Message, NodeId, Purpose, Signer, SimRng,
    Sort, crypto::Keyring,
};
use byzsim_protocols::Catalogued;

use crate::messages_of_runs::{Sample, sample};

#[test]
fn every_protocol_signs_what_it_says() {
    struct All;
    impl Visitor for All {
        fn visit<P: Catalogued>(&mut self) {
            every_field_is_in_the_bytes::<P>();
        }
    }
    registry::visit(&mut All);
}

/// A signer that no run knows, so that nothing is its own and it signs nothing again.
fn stranger() -> Rc<Signer> {
    let committee = Committee { replicas: 1, faults: 0, clients: 100 };
    Keyring::new(CryptoBackend::Ideal, committee, 99).signer(NodeId::Client(99))
}

/// The changes of a field, by name, each as often as its list has entries.
fn changes(sort: Sort, entries: usize) -> Vec<(&'static str, usize)> {
    let each = |name| (0..entries).map(move |place| (name, place));
    match sort {
        Sort::Entries => {
            ["remove", "repeat", "graft", "forge"].into_iter().flat_map(each).collect()
        }
        Sort::Body => vec![("invent", 0), ("lose", 0)],
        // Whose name is on a statement, `crypto` tests.
        Sort::Signer => Vec::new(),
        Sort::Number | Sort::Digest | Sort::Answer | Sort::Operation | Sort::Node => {
            vec![("invent", 0)]
        }
    }
}

fn make(field: FieldMut<'_>, (change, place): (&str, usize), me: &Signer) -> bool {
    let rng = &mut SimRng::new(7, Purpose::Adversary, 0);
    match field {
        FieldMut::Number(it) if *it == u64::MAX => *it = 0,
        FieldMut::Number(it) => *it = it.invented(rng),
        FieldMut::Digest(it) => *it = it.invented(rng),
        FieldMut::Answer(it) => *it = it.invented(rng),
        FieldMut::Operation(it) => *it = it.invented(rng),
        FieldMut::Node(it) => *it = NodeId::Client(it.number() + 1),
        FieldMut::Signer(_) => return false,
        FieldMut::Body(it) if change == "lose" => return it.lose(),
        FieldMut::Body(it) => return it.invent(me, rng),
        FieldMut::Entries(it) => match change {
            "remove" => it.remove(place),
            "repeat" => it.repeat(place),
            "graft" => it.graft(place, rng),
            _ => it.forge(place),
        },
    }
    true
}

fn count<M: Message>(msg: &M, field: &Field, me: &Signer) -> usize {
    let mut count = 0;
    let _ = msg.edited(field.name, Pen::Keeps(me), &mut |field| {
        if let FieldMut::Entries(it) = field {
            count = Entries::count(it);
        }
        false
    });
    count
}

/// Each field of each kind of message, changed in all ways under the signatures that were there:
/// the bytes are others, unless signatures are all that changed; and no signature that covers the
/// field verifies, if the protocol signs anything.
fn every_field_is_in_the_bytes<P: Catalogued>() {
    let Sample { messages, judge } = sample::<P>();
    let signs = P::Msg::FIELDS.iter().any(|field| field.sort == Sort::Signer);
    let me = stranger();
    let mut changed = BTreeSet::new();
    for msg in messages.iter().filter(|msg| msg.is_genuine(&judge)) {
        let kind = P::Msg::KINDS[usize::from(msg.kind().0)];
        for field in P::Msg::FIELDS.iter().filter(|field| field.kind == kind) {
            for change in changes(field.sort, count(&**msg, field, &me)) {
                let edit = &mut |it: FieldMut<'_>| make(it, change, &me);
                let Some(made) = msg.edited(field.name, Pen::Keeps(&me), edit) else { continue };
                let what = format!("{kind} {} {change:?}: {msg:?} {made:?}", field.name);
                let is_forged = change.0 == "forge";
                assert_eq!(made.sha256() == msg.sha256(), is_forged, "the bytes differ: {what}");
                let is_graft = field.is_covered || matches!(change.0, "graft" | "forge");
                let fits = !is_graft || !made.is_genuine(&judge);
                assert!(fits || !signs, "a signature still fits: {what}");
                changed.insert((kind, field.name));
            }
        }
    }
    for Field { kind, name, sort, .. } in P::Msg::FIELDS {
        let is_changed = *sort == Sort::Signer || changed.contains(&(*kind, *name));
        assert!(is_changed, "no change of `{name}` of a `{kind}` does anything, in any run");
    }
    for kind in P::Msg::KINDS {
        let has_field = P::Msg::FIELDS.iter().any(|field| field.kind == *kind);
        let has_lie = P::Msg::LIES.iter().any(|lie| lie.kind == *kind);
        assert!(has_field || has_lie, "nobody lies with a `{kind}`: give it a field or a lie");
    }
}

/// The test above has teeth: it is shown statements of which an encoder leaves something out.
mod teeth {
    use byzsim_core::{Encode, Encoder, Signed, Statement};

    use super::*;

    byzsim_core::messages! {
        #[derive(Clone, Debug)]
        pub(super) enum Msg {
            "whole" = Whole(it: Signed<Whole>),
            "holed" = Holed(it: Signed<Holed>),
            "empty" = Empty(it: Signed<Empty>),
        }
    }

    byzsim_core::statements! {
        #[derive(Clone, Debug)]
        pub(super) struct Whole = "teeth/whole" { number: u64, digest: Digest, }
    }

    /// Encoded without its digest; and without anything.
    macro_rules! written_by_hand {
        ($name:ident, $tag:literal, $encode:expr) => {
            #[derive(Clone, Debug)]
            pub(super) struct $name(Whole);

            impl Encode for $name {
                fn encode(&self, out: &mut Encoder) {
                    let encode: fn(&Self, &mut Encoder) = $encode;
                    encode(self, out);
                }
            }

            impl Statement for $name {
                const TAG: &'static str = $tag;
            }

            impl byzsim_core::editable::Editable for $name {
                const FIELDS: byzsim_core::editable::FieldList = Whole::FIELDS;

                fn edit(
                    &mut self,
                    name: &str,
                    edit: &mut byzsim_core::editable::FieldEdit<'_>,
                ) -> bool {
                    self.0.edit(name, edit)
                }
            }
        };
    }

    written_by_hand!(Holed, "teeth/holed", |it, out| it.0.number.encode(out));
    written_by_hand!(Empty, "teeth/empty", |_, _| {});

    #[test]
    fn what_an_encoder_leaves_out_keeps_its_signature() {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        let signer = Keyring::new(CryptoBackend::Ideal, committee, 7).signer(NodeId::Replica(0));
        let whole = Whole { number: 1, digest: Digest::default() };
        let msgs = [
            Msg::Whole(signer.sign(whole.clone())),
            Msg::Holed(signer.sign(Holed(whole.clone()))),
            Msg::Empty(signer.sign(Empty(whole))),
        ];
        let me = stranger();
        let survives = |msg: &Msg, field: &str| {
            let edit = &mut |it: FieldMut<'_>| make(it, ("invent", 0), &me);
            msg.edited(field, Pen::Keeps(&me), edit).expect("changed").is_genuine(&signer)
        };
        let survived = msgs.map(|msg| ["number", "digest"].map(|field| survives(&msg, field)));
        assert_eq!(survived, [[false, false], [false, true], [true, true]]);
    }
}
