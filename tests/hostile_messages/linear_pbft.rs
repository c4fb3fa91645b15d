//! Linear PBFT's messages, invented: PBFT's, and certificates of votes that were heard.

use byzsim_core::{Certificate, CertificateForm, Message as _, Signed, Statement};
use byzsim_protocols::linear_pbft::Msg;
use byzsim_protocols::linear_pbft::message::Shown;
use byzsim_protocols::pbft;

use super::pbft::Pieces as Plain;
use super::{Inventor, Pen, keep};

/// What it heard.
#[derive(Default)]
pub(super) struct Pieces {
    plain: Plain,
}

/// Some votes, one by one, or added up if they can be.
fn certificate<T: Statement + Clone>(pieces: &[Signed<T>], pen: &mut Pen<'_>) -> Certificate<T> {
    let votes = pen.some(pieces);
    let sum = pen.coin().then(|| pen.signer.certify(votes.clone(), CertificateForm::Aggregate));
    sum.flatten().unwrap_or_else(|| votes.into())
}

impl Inventor<Msg> for Pieces {
    fn learn(&mut self, msg: &Msg) {
        match msg {
            Msg::Pbft(it) => self.plain.learn(it),
            Msg::Shown(Shown::PrepareCert(it)) => {
                it.votes().iter().for_each(|it| keep(&mut self.plain.prepares, it.clone()));
            }
            Msg::Shown(Shown::CommitCert(it)) => {
                it.votes().iter().for_each(|it| keep(&mut self.plain.commits, it.clone()));
            }
        }
    }

    fn invent(&self, kind: u64, pen: &mut Pen<'_>) -> Option<Msg> {
        Some(match kind.checked_sub(pbft::Msg::KINDS.len() as u64) {
            None => self.plain.invent(kind, pen)?.into(),
            Some(0) => Msg::Shown(Shown::PrepareCert(certificate(&self.plain.prepares, pen))),
            Some(_) => Msg::Shown(Shown::CommitCert(certificate(&self.plain.commits, pen))),
        })
    }
}
