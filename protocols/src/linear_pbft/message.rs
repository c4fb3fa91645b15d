//! The messages of linear PBFT: those of PBFT, and the two certificates of the collector.

use std::rc::Rc;

use byzsim_core::editable::Pen;
use byzsim_core::field::Edit;
use byzsim_core::{
    Certificate, Digest, Encode, Encoder, Field, Kind, Lie, Message, Signer, SimRng, Statement,
};

use super::lies;
use crate::pbft;
use crate::pbft::evidence::Exhibit;
use crate::pbft::evidence::search::exhibits;
pub use crate::pbft::message::{Commit, Prepare, Seq, View};

byzsim_core::messages! {
    /// What a collector shows to all others.
    #[derive(Clone, Debug)]
    pub enum Shown {
        /// `PrepareCert`: 2f backups sent me these PREPAREs; with the PRE-PREPARE of the view's
        /// primary a quorum stands by the batch.
        "prepare-cert" = PrepareCert(votes: Certificate<Prepare>)
            view(votes.first()?.view) seq(votes.first()?.seq) digest(votes.first()?.digest),

        /// `CommitCert`: 2f + 1 replicas sent me these COMMITs: the slot is decided.
        "commit-cert" = CommitCert(votes: Certificate<Commit>)
            view(votes.first()?.view) seq(votes.first()?.seq) digest(votes.first()?.digest),
    } lies(lies::LIES, lies::tell)
}

/// A vote on a slot.
pub trait Vote: Statement {
    /// v, n and d.
    fn about(&self) -> (View, Seq, Digest);
}

impl Vote for Prepare {
    fn about(&self) -> (View, Seq, Digest) {
        (self.view, self.seq, self.digest)
    }
}

impl Vote for Commit {
    fn about(&self) -> (View, Seq, Digest) {
        (self.view, self.seq, self.digest)
    }
}

/// A message of linear PBFT.
#[derive(Clone, Debug)]
pub enum Msg {
    /// What PBFT says as well. PREPAREs and COMMITs go to the collector only.
    Pbft(Rc<pbft::Msg>),
    /// A certificate.
    Shown(Shown),
}

type Plain = pbft::Msg;

/// How many kinds PBFT has: those of the certificates come behind them.
const PLAIN_KINDS: usize = Plain::KINDS.len();

/// Two tables in a row.
const fn joined<T: Copy, const N: usize>(one: &[T], other: &[T]) -> [T; N] {
    assert!(one.len() + other.len() == N, "nothing is left out");
    let mut all = [one[0]; N];
    let mut place = 0;
    while place < N {
        all[place] = if place < one.len() { one[place] } else { other[place - one.len()] };
        place += 1;
    }
    all
}

impl Encode for Msg {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Pbft(it) => out.value(it),
            // Behind the mark comes which of the two it is.
            Self::Shown(it) => out.u8(u8::MAX).value(it),
        };
    }
}

impl Message for Msg {
    const KINDS: &'static [&'static str] =
        &joined::<_, { PLAIN_KINDS + Shown::KINDS.len() }>(Plain::KINDS, Shown::KINDS);

    const LIES: &'static [Lie] =
        &joined::<_, { Plain::LIES.len() + Shown::LIES.len() }>(Plain::LIES, Shown::LIES);

    const FIELDS: &'static [Field] =
        &joined::<_, { Plain::FIELDS.len() + Shown::FIELDS.len() }>(Plain::FIELDS, Shown::FIELDS);

    fn kind(&self) -> Kind {
        match self {
            Self::Pbft(it) => it.kind(),
            Self::Shown(it) => {
                let place = PLAIN_KINDS + usize::from(it.kind().0);
                Kind(u8::try_from(place).expect("few kinds"))
            }
        }
    }

    fn view(&self) -> Option<u64> {
        match self {
            Self::Pbft(it) => it.view(),
            Self::Shown(it) => it.view(),
        }
    }

    fn seq(&self) -> Option<u64> {
        match self {
            Self::Pbft(it) => it.seq(),
            Self::Shown(it) => it.seq(),
        }
    }

    fn digest(&self) -> Option<Digest> {
        match self {
            Self::Pbft(it) => it.digest(),
            Self::Shown(it) => it.digest(),
        }
    }

    fn tell(&self, lie: &str, signer: &Signer, rng: &mut SimRng) -> Option<Vec<Self>> {
        Some(match self {
            Self::Pbft(it) => it.tell(lie, signer, rng)?.into_iter().map(Self::from).collect(),
            Self::Shown(it) => it.tell(lie, signer, rng)?.into_iter().map(Self::Shown).collect(),
        })
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        match self {
            Self::Pbft(it) => it.is_genuine(judge),
            Self::Shown(it) => it.is_genuine(judge),
        }
    }

    fn edited(&self, field: &str, pen: Pen<'_>, edit: &mut Edit<'_>) -> Option<Self> {
        match self {
            Self::Pbft(it) => it.edited(field, pen, edit).map(Self::from),
            Self::Shown(it) => it.edited(field, pen, edit).map(Self::Shown),
        }
    }
}

impl Msg {
    /// All statements in it, as evidence.
    pub(super) fn exhibits(&self) -> Vec<Exhibit> {
        match self {
            Self::Pbft(it) => exhibits(it),
            Self::Shown(Shown::PrepareCert(it)) => {
                it.attested().into_iter().map(Exhibit::Prepare).collect()
            }
            Self::Shown(Shown::CommitCert(it)) => {
                it.attested().into_iter().map(Exhibit::Commit).collect()
            }
        }
    }
}

impl From<pbft::Msg> for Msg {
    fn from(msg: pbft::Msg) -> Self {
        Self::Pbft(Rc::new(msg))
    }
}

#[cfg(test)]
mod tests {
    use byzsim_core::{CertificateForm, Committee, CryptoBackend, NodeId, crypto::Keyring};

    use super::*;

    #[test]
    fn certificates_come_behind_the_messages_of_pbft() {
        assert_eq!(Msg::KINDS[..PLAIN_KINDS], *Plain::KINDS);
        assert_eq!(Msg::KINDS[PLAIN_KINDS..], ["prepare-cert", "commit-cert"]);
        let fields: Vec<_> = Msg::FIELDS.iter().map(|it| (it.kind, it.name)).collect();
        assert_eq!(
            fields[Plain::FIELDS.len()..],
            [("prepare-cert", "votes"), ("commit-cert", "votes")]
        );
        assert_eq!(Msg::LIES[Plain::LIES.len()..], *lies::LIES);

        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        let keyring = Keyring::new(CryptoBackend::Ideal, committee, 7);
        let signer = keyring.signer(NodeId::Replica(1));
        let vote = signer.sign(Commit { view: 2, seq: 3, digest: Digest::default() });
        let plain = Msg::from(pbft::Msg::Commit(Rc::new(vote.clone())));
        assert_eq!(Msg::KINDS[usize::from(plain.kind().0)], "commit");
        let list = signer.certify(vec![vote], CertificateForm::List).expect("a list");
        let shown = Msg::Shown(Shown::CommitCert(list));
        assert_eq!(Msg::KINDS[usize::from(shown.kind().0)], "commit-cert");
        assert_eq!((shown.view(), shown.seq()), (Some(2), Some(3)));
        assert_ne!(shown.sha256(), plain.sha256());
        let none = Msg::Shown(Shown::PrepareCert(Vec::new().into()));
        assert_eq!((none.view(), none.seq(), none.digest()), (None, None, None));
    }
}
