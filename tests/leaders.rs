//! `leader@3` in a scenario file: the replica that leads view 3, by the protocol's own word.

use crate::support::from_file;
use crate::workdir::Workdir;

/// A scenario file of four replicas with these faults.
fn file(protocol: &str, rest: &str) -> String {
    format!(
        "format = 1\ntitle = \"t\"\nprotocol = \"{protocol}\"\nbeyond-f = true\n\
         [cluster]\nreplicas = 4\nfaults = 1\nclients = 2\n{rest}"
    )
}

#[test]
fn a_leader_is_a_name_for_a_node() {
    let workdir = Workdir::new("leaders");
    for (named, meant) in [
        ("do.mute = \"leader@0\"", "do.mute = \"r0\""),
        ("do.mute = \"leader@7\"", "do.mute = \"r3\""),
        ("do.hold = { to = [\"leader@1\", \"c0\"] }", "do.hold = { to = [\"r1\", \"c0\"] }"),
        (
            "do.hold = { from = [\"replicas\", \"!leader@2\"] }",
            "do.hold = { from = [\"r0\", \"r1\", \"r3\"] }",
        ),
        (
            "start.when = { node = \"leader@5\", event = \"executed\" }\ndo.crash = \"leader@1\"",
            "start.when = { node = \"r1\", event = \"executed\" }\ndo.crash = \"r1\"",
        ),
    ] {
        for protocol in ["pbft", "zyzzyva"] {
            let hash = |fault: &str| {
                workdir.write("s.toml", &file(protocol, &format!("[[fault]]\n{fault}\n")));
                from_file(&workdir.folder.join("s.toml")).hash
            };
            assert_eq!(hash(named), hash(meant), "{protocol}: {named}");
        }
    }
}

#[test]
fn what_is_no_leader_is_refused() {
    let workdir = Workdir::new("no-leaders");
    let refuses = |protocol: &str, rest: &str, words: &str| {
        workdir.write("s.toml", &file(protocol, rest));
        workdir.byzsim("check s.toml").refuses(rest, &[words]);
    };
    let fault = "[[fault]]\ndo.mute = \"leader@1\"\n";
    refuses("raft", fault, "no view has its leader by number");
    refuses("pbft", "[[fault]]\ndo.mute = \"leader@next\"\n", "names no view");
    // With five replicas view 5 has another leader.
    let other = "[[fault]]\ndo.mute = \"leader@5\"\n[random.faults]\n[[random.conditions]]\n\
                 cluster.replicas = 5\n";
    refuses("pbft", other, "this names other nodes");
}
