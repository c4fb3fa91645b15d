//! The tables of what nodes write, in `docs/persistence.md`, name the fields of replicas and
//! clients: each of them, and no others.

use std::collections::BTreeSet;

use byzsim::run::registry::{PROTOCOLS, ProtocolEntry};

use crate::support::root;
use crate::tidy::{code, folder, read, sources};

/// What every node has from its start, and the field that holds what a crash wipes out.
const GIVEN: [&str; 5] = ["id", "signer", "params", "rules", "volatile"];

/// The fields of a struct.
fn fields<'a>(text: &'a str, name: &str) -> BTreeSet<&'a str> {
    let head = format!("struct {name} {{");
    let lines = code(text).map(|(_, line)| line).skip_while(|line| !line.ends_with(&head));
    let body: Vec<&str> = lines.skip(1).take_while(|line| *line != "}").collect();
    assert!(!body.is_empty(), "no struct {name} with fields");
    let field = |line: &&'a str| {
        let (name, _) = line.trim_start().split_once(": ")?;
        name.rsplit(' ').next()
    };
    body.iter().filter_map(field).filter(|field| !GIVEN.contains(field)).collect()
}

/// What a text sets in code.
fn coded(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn names(what: &str, written: &BTreeSet<&str>, fields: &BTreeSet<&str>) {
    let missing: Vec<_> = fields.difference(written).collect();
    assert!(missing.is_empty(), "docs/persistence.md, {what}: it lacks {missing:?}");
}

#[test]
fn the_tables_name_each_field_of_replicas_and_clients() {
    let doc = read(&root().join("docs/persistence.md"));
    for ProtocolEntry { name, .. } in PROTOCOLS {
        let folder = folder(name);
        // Replicas that forget nothing but their timers write all that they know.
        if !sources(&folder).iter().any(|path| read(path).contains("struct Volatile")) {
            continue;
        }
        let chapter =
            |text: &&str| text.lines().next().map(str::to_lowercase).as_deref() == Some(name);
        let chapter = doc.split("\n## ").find(chapter).unwrap_or_else(|| panic!("no {name}"));
        let (table, lost) = chapter.split_once("Not written:").expect("what is not written");
        let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
        let held = rows.map(|row| row.split('|').nth(2).expect("a column of fields"));
        let held: String = held.collect::<Vec<_>>().join(" ");

        let (replica, client) = (read(&folder.join("replica.rs")), read(&folder.join("client.rs")));
        names(&format!("{name}, the table"), &coded(&held), &fields(&replica, "Replica"));
        let mut clients = fields(&client, "Client");
        if client.contains("struct Pending {") {
            clients.extend(fields(&client, "Pending"));
        }
        names(&format!("{name}, the client's rows"), &coded(&held), &clients);
        names(&format!("{name}, what is lost"), &coded(lost), &fields(&replica, "Volatile"));

        // Nothing that was renamed or removed is left.
        let all: String = sources(&folder).iter().map(|path| read(path)).collect();
        let is_field = |word: &&&str| {
            code(&all).any(|(_, line)| {
                line.trim_start()
                    .trim_start_matches("pub(super) ")
                    .starts_with(&format!("{word}: "))
            })
        };
        let written: BTreeSet<_> = coded(&held).union(&coded(lost)).copied().collect();
        let stale: Vec<_> = written.iter().filter(|word| !is_field(word)).collect();
        assert!(stale.is_empty(), "docs/persistence.md, {name}: no fields {stale:?}");
        // A replica that holds one of another protocol has few fields of its own.
        assert!(3 < written.len(), "{name}: {written:?}");
    }
}
