//! The table of readings in `docs/zyzzyva-violation.md`: what the published view change loses, if
//! its words are read in each of the ways that they allow.

use std::fs;

use crate::agm::mechanism;
use crate::new_views::play_views;
use crate::readme::is_update;
use crate::support::{root, scenario};

const DOCUMENT: &str = "docs/zyzzyva-violation.md";
const BEGIN: &str = "<!-- readings: begin -->\n";
const END: &str = "<!-- readings: end -->\n";

/// A schedule: its title, what completes in it (whose first request), and the view change that may
/// lose that (its view, and whose reports open it).
struct Schedule {
    title: &'static str,
    name: &'static str,
    client: u16,
    view: u64,
    reporters: &'static str,
}

const SCHEDULES: &[Schedule] = &[
    Schedule { title: "A", name: "agm/a", client: 1, view: 2, reporters: "r0 r2 r3" },
    Schedule { title: "B", name: "agm/b", client: 1, view: 2, reporters: "r0 r2 r3" },
    Schedule { title: "B′", name: "agm/b-prime", client: 1, view: 2, reporters: "r0 r2 r3" },
    Schedule { title: "C", name: "agm/c", client: 1, view: 2, reporters: "r0 r2 r3" },
    Schedule { title: "D", name: "agm/d", client: 1, view: 2, reporters: "r0 r2 r3" },
    Schedule { title: "F", name: "agm/f", client: 0, view: 1, reporters: "r0 r1 r3" },
    Schedule { title: "G", name: "agm/g", client: 2, view: 2, reporters: "r0 r2 r3" },
    Schedule {
        title: "overtaken",
        name: "overtaken-certificate",
        client: 0,
        view: 2,
        reporters: "r0 r2 r3",
    },
];

/// What becomes of a schedule's completion under a reading.
fn outcome(schedule: &Schedule, set: &[String], mechanisms: &mut Vec<String>) -> String {
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    let scenario = scenario(&format!("zyzzyva/{}", schedule.name), &set);
    let (report, views) = play_views(&scenario, 0);
    let completes = views.completions.iter().any(|(it, opened)| {
        let client = byzsim_core::NodeId::Client(schedule.client);
        (it.client, it.timestamp) == (client, 1) && *opened < schedule.view
    });
    if !completes || views.reporters(schedule.view) != schedule.reporters {
        return "—".to_owned();
    }
    let Some(mechanism) = mechanism(&report) else { return "kept".to_owned() };
    let known = mechanisms.iter().position(|known| known == mechanism);
    let number = known.unwrap_or_else(|| {
        mechanisms.push(mechanism.to_owned());
        mechanisms.len() - 1
    });
    format!("lost ({})", number + 1)
}

fn table() -> String {
    let mut mechanisms = Vec::new();
    let titles: Vec<&str> = SCHEDULES.iter().map(|schedule| schedule.title).collect();
    let mut text = format!(
        "| certificate reported | VIEW-CONFIRMs certify | null fill | {} |\n|{}\n",
        titles.join(" | "),
        " --- |".repeat(3 + titles.len())
    );
    for reported in ["agreeing", "of-the-view", "any"] {
        for confirms in [false, true] {
            for null_fill in [false, true] {
                let set = [
                    "params.view-change=\"original\"".to_owned(),
                    format!("params.reported-certificate=\"{reported}\""),
                    format!("params.view-confirms-certify={confirms}"),
                    format!("params.null-fill={null_fill}"),
                    "expect=\"holds\"".to_owned(),
                ];
                let of = |schedule| outcome(schedule, &set, &mut mechanisms);
                let cells: Vec<String> = SCHEDULES.iter().map(of).collect();
                let said = |yes| if yes { "yes" } else { "no" };
                text.push_str(&format!(
                    "| `{reported}` | {} | {} | {} |\n",
                    said(confirms),
                    said(null_fill),
                    cells.join(" | ")
                ));
            }
        }
    }
    text.push('\n');
    for (number, mechanism) in mechanisms.iter().enumerate() {
        text.push_str(&format!("{}. {mechanism}\n", number + 1));
    }
    text
}

#[test]
fn the_table_of_readings_is_what_the_runs_show() {
    let path = root().join(DOCUMENT);
    let text = fs::read_to_string(&path).expect("the document is there");
    let (before, rest) = text.split_once(BEGIN).expect("the table has a beginning");
    let (shown, behind) = rest.split_once(END).expect("the table has an end");
    let table = table();
    if shown == table {
        return;
    }
    if is_update() {
        let now = format!("{before}{BEGIN}{table}{END}{behind}");
        return fs::write(&path, now).expect("the document can be written");
    }
    panic!("{DOCUMENT} shows\n{shown}\nbut it is\n{table}\nUPDATE=1 rewrites the document");
}
