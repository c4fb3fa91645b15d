//! The lies that a corrupted collector can tell with its certificates; those with other messages
//! are PBFT's.

use byzsim_core::field::Entries as _;
use byzsim_core::{Certificate, Digest, Lie, NodeId, Signer, SimRng};

use super::message::{Commit, Prepare, Shown};

pub(super) const LIES: &[Lie] = &[
    Lie {
        name: "withhold-prepare-cert",
        kind: "prepare-cert",
        about: "the PREPARE-CERT is not sent",
    },
    Lie { name: "withhold-commit-cert", kind: "commit-cert", about: "the COMMIT-CERT is not sent" },
    Lie {
        name: "short-prepare-cert",
        kind: "prepare-cert",
        about: "the PREPARE-CERT lacks one of its votes",
    },
    Lie {
        name: "short-commit-cert",
        kind: "commit-cert",
        about: "the COMMIT-CERT lacks one of its votes",
    },
    Lie {
        name: "repeat-prepare",
        kind: "prepare-cert",
        about: "the PREPARE-CERT holds its first vote as often as it should hold votes",
    },
    Lie {
        name: "repeat-commit",
        kind: "commit-cert",
        about: "the COMMIT-CERT holds its first vote as often as it should hold votes",
    },
    Lie {
        name: "commit-alone",
        kind: "prepare-cert",
        about: "with the PREPARE-CERT comes a COMMIT-CERT that holds the collector's own COMMIT only, \
                as often as needed",
    },
    Lie {
        name: "commit-for-all",
        kind: "prepare-cert",
        about: "with the PREPARE-CERT comes a COMMIT-CERT in the names of all voters, with garbage \
                for their signatures",
    },
    Lie {
        name: "other-prepare-cert",
        kind: "prepare-cert",
        about: "the PREPARE-CERT is for a batch that nobody proposed, with garbage for signatures",
    },
    Lie {
        name: "other-commit-cert",
        kind: "commit-cert",
        about: "the COMMIT-CERT is for a batch that nobody proposed, with garbage for signatures",
    },
];

/// COMMITs on what a PREPARE-CERT is about, in these names: the signer's own is good, and those of
/// others are garbage.
fn commits(votes: &Certificate<Prepare>, names: &[NodeId], signer: &Signer) -> Option<Shown> {
    let Prepare { view, seq, digest } = *votes.first()?;
    let commit = |name: &NodeId| signer.sign_as(Commit { view, seq, digest }, *name);
    let made: Vec<_> = names.iter().map(commit).collect();
    Some(Shown::CommitCert(made.into()))
}

pub(super) fn tell(
    msg: &Shown,
    lie: &str,
    signer: &Signer,
    rng: &mut SimRng,
) -> Option<Vec<Shown>> {
    let mut told = msg.clone();
    if let Shown::PrepareCert(votes) = msg {
        let mut names = votes.signers();
        names.push(signer.node());
        let alone = vec![signer.node(); names.len()];
        match lie {
            "commit-alone" => return Some(vec![told, commits(votes, &alone, signer)?]),
            "commit-for-all" => return Some(vec![told, commits(votes, &names, signer)?]),
            _ => {}
        }
    }
    match (lie, &mut told) {
        ("withhold-prepare-cert", Shown::PrepareCert(_))
        | ("withhold-commit-cert", Shown::CommitCert(_)) => return Some(Vec::new()),
        ("short-prepare-cert", Shown::PrepareCert(votes)) if !votes.is_empty() => votes.remove(0),
        ("short-commit-cert", Shown::CommitCert(votes)) if !votes.is_empty() => votes.remove(0),
        ("repeat-prepare", Shown::PrepareCert(votes)) => {
            (1..votes.len()).for_each(|place| votes.copy(0, place));
        }
        ("repeat-commit", Shown::CommitCert(votes)) => {
            (1..votes.len()).for_each(|place| votes.copy(0, place));
        }
        ("other-prepare-cert", Shown::PrepareCert(votes)) => {
            let digest = Digest(rng.key());
            *votes = votes.saying(|vote| Prepare { digest, ..*vote }, signer);
        }
        ("other-commit-cert", Shown::CommitCert(votes)) => {
            let digest = Digest(rng.key());
            *votes = votes.saying(|vote| Commit { digest, ..*vote }, signer);
        }
        _ => return None,
    }
    Some(vec![told])
}
