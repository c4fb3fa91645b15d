//! What a [`Change`] makes of a field, whatever the protocol.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a change suits some sorts of fields, and leaves the others as they are"
)]

use std::any::Any;

use byzsim_core::editable::Pen;
use byzsim_core::field::{Entries, FieldMut, Inventive as _, Sort};
use byzsim_core::{Answer, Digest, Message, NodeId, Operation, Purpose, Signer, SimRng};

use crate::plan::Change;
use crate::twins;

impl Change {
    /// Whether it can be made of a field of this sort.
    pub const fn suits(&self, sort: Sort) -> bool {
        match self {
            Self::Add(_) | Self::Subtract(_) | Self::Set(_) => matches!(sort, Sort::Number),
            Self::Invent => {
                let is_made_up = matches!(sort, Sort::Digest | Sort::Answer | Sort::Operation);
                is_made_up || matches!(sort, Sort::Entries | Sort::Body)
            }
            Self::Recall => !matches!(sort, Sort::Signer),
            Self::Claim(_) => matches!(sort, Sort::Signer | Sort::Node),
            Self::Graft => !matches!(sort, Sort::Signer | Sort::Node | Sort::Body),
            Self::Empty => matches!(sort, Sort::Entries | Sort::Body),
            Self::DropFirst
            | Self::DropLast
            | Self::Repeat
            | Self::AllAlike
            | Self::Forge
            | Self::Join => {
                matches!(sort, Sort::Entries)
            }
        }
    }

    /// The name in scenario files.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Subtract(_) => "subtract",
            Self::Set(_) => "set",
            Self::Invent => "invent",
            Self::Recall => "recall",
            Self::Claim(_) => "claim",
            Self::Graft => "graft",
            Self::Empty => "empty",
            Self::DropFirst => "drop-first",
            Self::DropLast => "drop-last",
            Self::Repeat => "repeat",
            Self::AllAlike => "all-alike",
            Self::Forge => "forge",
            Self::Join => "join",
        }
    }
}

/// `msg` with `change` made of its `field`, by `signer`; `None` if that changes nothing. `first` is
/// the first message of the kind that the node sent.
pub(crate) fn mutated<M: Message>(
    msg: &M,
    first: Option<&M>,
    (field, change): (&str, &Change),
    signer: &Signer,
    rng: &mut SimRng,
) -> Option<M> {
    let recalled = match change {
        Change::Recall => Some(saved(first?, field, signer)?),
        _ => None,
    };
    let is_graft = *change == Change::Graft;
    let pen = if is_graft { Pen::Keeps(signer) } else { Pen::Signs(signer) };
    let made = msg.edited(field, pen, &mut |field| match (field, &recalled) {
        (field, Some(recalled)) => recall(field, recalled),
        (FieldMut::Number(number), None) if is_graft => {
            let other = number.invented(rng);
            replace(number, other)
        }
        (FieldMut::Number(number), None) => renumber(number, change),
        (FieldMut::Digest(digest), None) => replace(digest, Digest(rng.key())),
        (FieldMut::Answer(answer), None) => {
            let wrong = answer.invented(rng);
            replace(answer, wrong)
        }
        (FieldMut::Operation(operation), None) => {
            let other = twins::altered(operation, signer.node(), rng.between(0, 999));
            replace(operation, other)
        }
        (FieldMut::Entries(entries), None) => relist(entries, change, signer, rng),
        (FieldMut::Signer(name) | FieldMut::Node(name), None) => match change {
            Change::Claim(other) => replace(name, *other),
            _ => false,
        },
        (FieldMut::Body(body), None) => match change {
            Change::Empty => body.lose(),
            _ => body.invent(signer, rng),
        },
    })?;
    // A list may come out as it was: its entries were alike already. Digests leave signatures out,
    // so garbage in place of these does not show in them. Whether a graft shows is what it asks.
    let differs = *change == Change::Forge || is_graft || made.sha256() != msg.sha256();
    differs.then_some(made)
}

fn replace<T: PartialEq>(field: &mut T, value: T) -> bool {
    let changed = *field != value;
    *field = value;
    changed
}

fn renumber(number: &mut u64, change: &Change) -> bool {
    let value = match change {
        Change::Add(more) => number.saturating_add(*more),
        Change::Subtract(less) => number.saturating_sub(*less),
        Change::Set(value) => *value,
        _ => *number,
    };
    replace(number, value)
}

fn relist(entries: &mut dyn Entries, change: &Change, signer: &Signer, rng: &mut SimRng) -> bool {
    let count = entries.count();
    if count == 0 {
        return false;
    }
    match change {
        Change::Empty => (0..count).rev().for_each(|place| entries.remove(place)),
        Change::DropFirst => entries.remove(0),
        Change::DropLast => entries.remove(count - 1),
        Change::Repeat => entries.repeat(0),
        Change::AllAlike if count == 1 => return false,
        Change::AllAlike => (1..count).for_each(|place| entries.copy(0, place)),
        Change::Join => entries.adopt(count - 1, signer),
        Change::Forge => (0..count).for_each(|place| entries.forge(place)),
        // All alike, or they would not count together.
        Change::Invent => alike(count, rng, |place, rng| entries.invent(place, signer, rng)),
        Change::Graft => alike(count, rng, |place, rng| entries.graft(place, rng)),
        _ => return false,
    }
    true
}

/// Invents something for each of `count` entries, from the same draws.
fn alike(count: usize, rng: &mut SimRng, mut invent: impl FnMut(usize, &mut SimRng)) {
    let seed = rng.next_u64();
    (0..count).for_each(|place| invent(place, &mut SimRng::new(seed, Purpose::Adversary, 0)));
}

/// What a field held.
enum Saved {
    Number(u64),
    Digest(Digest),
    Answer(Answer),
    Operation(Operation),
    Entries(Box<dyn Any>),
    Node(NodeId),
    Body(Box<dyn Any>),
}

/// What `field` of `msg` holds; `None` if it has no such field.
fn saved<M: Message>(msg: &M, field: &str, signer: &Signer) -> Option<Saved> {
    let mut saved = None;
    // An edit that changes nothing makes no message, and no signature.
    let _ = msg.edited(field, Pen::Signs(signer), &mut |field| {
        saved = Some(match field {
            FieldMut::Number(number) => Saved::Number(*number),
            FieldMut::Digest(digest) => Saved::Digest(*digest),
            FieldMut::Answer(answer) => Saved::Answer(answer.clone()),
            FieldMut::Operation(operation) => Saved::Operation(operation.clone()),
            FieldMut::Entries(entries) => Saved::Entries(entries.saved()),
            FieldMut::Signer(name) | FieldMut::Node(name) => Saved::Node(*name),
            FieldMut::Body(body) => Saved::Body(body.saved()),
        });
        false
    });
    saved
}

fn recall(field: FieldMut<'_>, saved: &Saved) -> bool {
    match (field, saved) {
        (FieldMut::Number(number), Saved::Number(old)) => replace(number, *old),
        (FieldMut::Digest(digest), Saved::Digest(old)) => replace(digest, *old),
        (FieldMut::Answer(answer), Saved::Answer(old)) => replace(answer, old.clone()),
        (FieldMut::Operation(operation), Saved::Operation(old)) => replace(operation, old.clone()),
        (FieldMut::Entries(entries), Saved::Entries(old)) => entries.restore(&**old),
        (FieldMut::Signer(name) | FieldMut::Node(name), Saved::Node(old)) => replace(name, *old),
        (FieldMut::Body(body), Saved::Body(old)) => body.restore(&**old),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use byzsim_core::crypto::Keyring;
    use byzsim_core::field::Entry;
    use byzsim_core::{Committee, CryptoBackend, Encode, Encoder, Signed};

    use super::*;

    #[derive(Clone, Debug)]
    pub(super) struct Item(u64);

    impl Entry for Item {
        fn forged(&self) -> Self {
            self.clone()
        }

        fn invented(&self, _: &Signer, rng: &mut SimRng) -> Self {
            Self(rng.next_u64())
        }

        fn grafted(&self, rng: &mut SimRng) -> Self {
            Self(rng.next_u64())
        }

        fn adopted(&self, _: &Signer) -> Self {
            self.clone()
        }

        fn is_genuine(&self, _: &Signer) -> bool {
            true
        }
    }

    impl Encode for Item {
        fn encode(&self, out: &mut Encoder) {
            out.u64(self.0);
        }
    }

    byzsim_core::statements! {
        #[derive(Clone, Debug)]
        pub(super) struct Items = "test/items" {
            items: Vec<Item>,
        }
    }

    byzsim_core::messages! {
        #[derive(Clone, Debug)]
        pub(super) enum Listing {
            "listing" = Listing(it: Signed<Items>),
        }
    }

    #[test]
    fn a_list_that_comes_out_as_it_was_is_not_changed() {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        let keyring = Keyring::new(CryptoBackend::Ideal, committee, 1);
        let signer = keyring.signer(NodeId::Replica(0));
        let listing = |items: &[u64]| {
            let items = items.iter().copied().map(Item).collect();
            Listing::Listing(signer.sign(Items { items }))
        };
        let first = listing(&[5, 5]);
        for (items, change, changes) in [
            (&[5, 6][..], Change::AllAlike, true),
            (&[5, 5], Change::AllAlike, false),
            (&[5], Change::AllAlike, false),
            (&[5, 6], Change::Recall, true),
            (&[5, 5], Change::Recall, false),
            (&[5, 5], Change::DropLast, true),
            (&[5, 5], Change::Forge, true),
            (&[], Change::Forge, false),
        ] {
            let mut rng = SimRng::new(1, Purpose::Adversary, 0);
            let made =
                mutated(&listing(items), Some(&first), ("items", &change), &signer, &mut rng);
            assert_eq!(made.is_some(), changes, "{} of {items:?}", change.name());
        }
    }
}
