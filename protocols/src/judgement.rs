//! How signed statements are judged, whatever protocol they are of.
//!
//! The protocol says what no correct replica signs; here stands what every proof must keep besides:
//! all statements are of one replica, and their signatures verify with public keys alone.

use byzsim_core::crypto::PublicKeys;
use byzsim_core::{Attested, Conviction, Digest, Evidence, Law, NodeId, Signed, Statement};

/// A signed statement of any kind.
pub(crate) trait AnySigned {
    /// Who is said to have signed it.
    fn signer(&self) -> NodeId;
    /// The digest of what was signed.
    fn digest(&self) -> Digest;
    /// Whether the signature verifies.
    fn is_signed(&self, keys: &PublicKeys) -> bool;
}

impl<T: Statement> AnySigned for Signed<T> {
    fn signer(&self) -> NodeId {
        self.signer()
    }

    fn digest(&self) -> Digest {
        self.digest()
    }

    fn is_signed(&self, keys: &PublicKeys) -> bool {
        keys.verify(self)
    }
}

impl<T: Statement> AnySigned for Attested<T> {
    fn signer(&self) -> NodeId {
        self.signer()
    }

    fn digest(&self) -> Digest {
        self.digest()
    }

    fn is_signed(&self, keys: &PublicKeys) -> bool {
        self.is_signed(keys)
    }
}

/// The statements of a protocol that can prove their signer guilty, alone or beside another.
pub(crate) trait Exhibited: Clone + std::fmt::Debug + 'static {
    /// The protocol's parameters.
    type Params;

    /// The statement, whatever its kind.
    fn statement(&self) -> &dyn AnySigned;

    /// What makes these statements of one replica, whose signatures verify, an offence: none if a
    /// correct replica can say them all.
    fn rule(exhibits: &[Self], law: Law<'_, Self::Params>) -> Found;
}

/// The number of an offence, and what the replica did.
pub(crate) type Found = Option<(&'static str, &'static str)>;

/// What no correct replica does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offence {
    /// The number.
    pub(crate) id: &'static str,
    /// What the replica did.
    pub(crate) about: &'static str,
}

/// Whom evidence proves guilty, if it consists of statements of this type.
pub(crate) fn convicts<E: Exhibited>(evidence: &Evidence, law: Law<'_, E::Params>) -> Conviction {
    let exhibits = evidence.statements::<Vec<E>>().ok_or("it is of another protocol")?;
    offence(exhibits, law).map(|(guilty, _)| guilty)
}

/// Whom statements prove guilty, and of what.
///
/// # Errors
/// What they lack.
pub(crate) fn offence<E: Exhibited>(
    exhibits: &[E],
    law: Law<'_, E::Params>,
) -> Result<(NodeId, Offence), &'static str> {
    let guilty = exhibits.first().ok_or("there is no statement")?.statement().signer();
    if guilty.is_client() || !law.committee.contains(guilty) {
        return Err("it names no replica");
    }
    if exhibits.iter().any(|it| it.statement().signer() != guilty) {
        return Err("the statements are of different nodes");
    }
    if !exhibits.iter().all(|it| it.statement().is_signed(law.keys)) {
        return Err("a signature does not verify");
    }
    let (id, about) = E::rule(exhibits, law).ok_or("a correct replica can say all this")?;
    Ok((guilty, Offence { id, about }))
}

#[cfg(test)]
pub(crate) mod court {
    //! What tests of a protocol's rules judge by.

    use std::rc::Rc;

    use byzsim_core::crypto::Keyring;
    use byzsim_core::{Committee, CryptoBackend, Law, NodeId, Signer};

    use super::{Exhibited, offence};

    pub(crate) const COMMITTEE: Committee = Committee { replicas: 4, faults: 1, clients: 1 };

    /// Keys for the committee, and the parameters of the protocol that these statements are of.
    pub(crate) struct Court<E: Exhibited> {
        pub(crate) keyring: Rc<Keyring>,
        pub(crate) params: E::Params,
    }

    impl<E: Exhibited> Court<E> {
        pub(crate) fn new(params: E::Params) -> Self {
            Self { keyring: Keyring::new(CryptoBackend::Ideal, COMMITTEE, 7), params }
        }

        pub(crate) fn replica(&self, number: u16) -> Rc<Signer> {
            self.keyring.signer(NodeId::Replica(number))
        }

        /// The number of the offence, or what is missing.
        pub(crate) fn says(&self, exhibits: &[E]) -> Result<&'static str, &'static str> {
            let keys = &self.keyring.public();
            let law = Law { keys, committee: COMMITTEE, params: &self.params };
            offence(exhibits, law).map(|(_, offence)| offence.id)
        }
    }
}
