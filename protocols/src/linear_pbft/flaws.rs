//! The catalogue of linear PBFT's flaws: those of what is new in it. The rules that they break are
//! in [`super::rules`].

use crate::catalogue::flaws;

flaws! {
    /// The flaws that can be planted in linear PBFT.
    pub enum LinearFlaw;

    VotesCounted: "L01-votes-counted" breaks "agreement",
        "the votes in a certificate are counted instead of their signers";
    CertificateUnverified: "L02-certificate-unverified" breaks "agreement",
        "the signatures in a certificate are not verified";
    CollectorStays: "L03-collector-stays" breaks "liveness",
        "votes go to the primary of view 0 in every view";
    ViewsMixed: "L04-views-mixed" breaks "agreement",
        "a COMMIT counts in whatever view its receiver is in, and so a certificate holds COMMITs of \
         different views";
}
