//! What a VIEW-CHANGE must prove before anything of it is believed.

use byzsim_core::Signed;

use super::message::{Certificate, Certified, Claim, Link, ViewChange, chain};
use super::replica::Replica;
use super::view_change::history_of;

impl Replica {
    /// VC2: signed; f + 1 distinct accusations; a proven checkpoint; a history without gaps, within
    /// the window, all of it ordered by the primary of its view; a certificate that proves what it
    /// claims, with the requests that lead to it, and that agrees with the history if the published
    /// words are read so.
    pub(super) fn is_valid_view_change(&self, it: &Signed<ViewChange>) -> bool {
        let Some(before) = it.view.checked_sub(1) else { return false };
        let accused = self.rules.are_accusations(&it.hates, before, &self.signer);
        !it.signer().is_client()
            && accused
            && self.signer.verify(it)
            && self.proves(it.stable, &it.proof)
            && self.is_valid_history(it)
            && it
                .certificate
                .as_ref()
                .is_none_or(|certified| self.is_valid_certified(it, certified))
    }

    fn is_valid_history(&self, it: &ViewChange) -> bool {
        let primary = self.rules.primary(it.origin);
        let mut last = (it.stable, history_of(&it.proof));
        it.origin < it.view
            && self.is_within_window(it.history.len())
            && it.history.iter().all(|ordered| {
                let order = ordered.order.body();
                let next = (last.0.saturating_add(1), chain(last.1, order.digest));
                last = (order.seq, order.history);
                last == next
                    && order.view == it.origin
                    && ordered.order.signer() == primary
                    && self.signer.verify(&ordered.order)
                    && self.is_valid_link(&ordered.link())
            })
    }

    /// Flow control: no correct replica has more slots above its stable checkpoint. Without that, a
    /// faulty primary's report of its own orders could stretch a new view that fills up with null
    /// requests, at will.
    fn is_within_window(&self, slots: usize) -> bool {
        slots as u64 <= 2 * self.params.checkpoint_interval
    }

    fn is_valid_link(&self, link: &Link) -> bool {
        let signed = link
            .request
            .as_ref()
            .is_none_or(|request| request.signer().is_client() && self.signer.verify(request));
        signed && link.is_whole()
    }

    fn is_valid_certified(&self, it: &ViewChange, certified: &Certified) -> bool {
        let Some(claim) = certified.certificate.claim() else { return false };
        let certifies = match &certified.certificate {
            Certificate::Commit(votes) => self.rules.certifies(votes, &self.signer),
            Certificate::Confirm(votes) => {
                self.rules.view_change().counts_view_confirms()
                    && self.rules.certifies(votes, &self.signer)
            }
        };
        let path = &certified.path;
        let reaches = it.stable.saturating_add(path.len() as u64) == claim.seq
            && path.iter().fold(history_of(&it.proof), |h, link| chain(h, link.digest))
                == claim.history;
        let past = claim.seq <= it.stable && path.is_empty();
        claim.view < it.view
            && self.is_within_window(path.len())
            && certifies
            && (reaches || past)
            && path.iter().all(|link| self.is_valid_link(link))
            && (agrees(it, claim) || !self.rules.view_change().compares_certificates())
    }
}

/// VC2: whether a certificate's h is that of the reported history at its slot. What is stable is
/// not compared: the history begins behind it.
fn agrees(it: &ViewChange, claim: Claim) -> bool {
    let Some(above) = claim.seq.checked_sub(it.stable).filter(|above| 0 < *above) else {
        return true;
    };
    let place = usize::try_from(above - 1).unwrap_or(usize::MAX);
    it.history.get(place).is_some_and(|it| it.order.history == claim.history)
}

#[cfg(test)]
mod tests {
    use byzsim_core::{Digest, NodeId};

    use super::super::message::{OrderReq, Ordered};
    use super::*;

    /// The report of a history of two slots above a stable checkpoint.
    fn report(stable: u64) -> ViewChange {
        let order = |place: u8| {
            let (seq, history) = (stable + u64::from(place), Digest([place; 32]));
            let order = OrderReq { view: 0, seq, history, digest: Digest([9; 32]) };
            Ordered { order: Signed::forged(order, NodeId::Replica(0)), request: None }
        };
        ViewChange {
            view: 1,
            stable,
            proof: Vec::new(),
            certificate: None,
            origin: 0,
            history: vec![order(1), order(2)],
            hates: Vec::new(),
        }
    }

    #[test]
    fn a_certificate_agrees_with_the_reported_history_at_its_slot() {
        let claim = |seq, history| Claim { view: 0, seq, history: Digest([history; 32]) };
        for stable in [0, 8] {
            let it = report(stable);
            assert!(agrees(&it, claim(stable + 1, 1)) && agrees(&it, claim(stable + 2, 2)));
            assert!(!agrees(&it, claim(stable + 1, 2)), "another history");
            assert!(!agrees(&it, claim(stable + 3, 3)), "a history that it does not reach");
            assert!(agrees(&it, claim(stable, 7)), "what is stable is not compared");
            assert!(!agrees(&it, claim(u64::MAX, 1)));
        }
    }
}
