//! Evidence against a node: signed statements that anybody can verify with public keys alone.
//!
//! A node that reports [`Proven`](crate::Observation::Proven) hands over what it rests on. What the
//! statements are, and what they prove, only the protocol knows
//! ([`Protocol::convicts`](crate::Protocol::convicts)); the run carries them unread, and a checker
//! asks the protocol about them. That function sees no node and no secret.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use crate::crypto::PublicKeys;
use crate::id::{Committee, NodeId};

/// Signed statements of a protocol, against a node.
#[derive(Clone)]
pub struct Evidence(Rc<dyn Statements>);

trait Statements: Any + fmt::Debug {}
impl<T: Any + fmt::Debug> Statements for T {}

impl Evidence {
    /// Evidence that consists of these statements, of a type of the protocol's own.
    pub fn new<T: fmt::Debug + 'static>(statements: T) -> Self {
        Self(Rc::new(statements))
    }

    /// The statements, if they are of this type.
    pub fn statements<T: 'static>(&self) -> Option<&T> {
        let statements: &dyn Any = &*self.0;
        statements.downcast_ref()
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Equal evidence says the same: it prints alike.
impl PartialEq for Evidence {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0) || format!("{self:?}") == format!("{other:?}")
    }
}

impl Eq for Evidence {}

/// What evidence is judged by: what everybody knows of a cluster.
#[derive(Debug)]
pub struct Law<'a, Params> {
    /// The public keys of all nodes.
    pub keys: &'a PublicKeys,
    /// The nodes.
    pub committee: Committee,
    /// The protocol's parameters.
    pub params: &'a Params,
}

impl<Params> Clone for Law<'_, Params> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Params> Copy for Law<'_, Params> {}

/// Whom evidence proves guilty, or what it lacks.
pub type Conviction = Result<NodeId, &'static str>;

/// A protocol's judgement on evidence, for those who do not know the protocol.
#[derive(Clone)]
pub struct Verifier(Rc<dyn Fn(&Evidence) -> Conviction>);

impl Verifier {
    /// Verifies by `convicts`.
    pub fn new(convicts: impl Fn(&Evidence) -> Conviction + 'static) -> Self {
        Self(Rc::new(convicts))
    }

    /// Whom the evidence proves guilty.
    ///
    /// # Errors
    /// What it lacks.
    pub fn convicts(&self, evidence: &Evidence) -> Conviction {
        (self.0)(evidence)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_come_out_as_they_went_in() {
        let evidence = Evidence::new(vec![1_u8, 2]);
        assert_eq!(evidence.statements::<Vec<u8>>(), Some(&vec![1, 2]));
        assert_eq!(evidence.statements::<u8>(), None, "of another type");
        assert_eq!(evidence, Evidence::new(vec![1_u8, 2]));
        assert_ne!(evidence, Evidence::new(vec![2_u8, 1]));
    }
}
