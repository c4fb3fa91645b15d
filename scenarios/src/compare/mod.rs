//! Comparisons of protocols with each other, and of measured figures with closed formulas.
//!
//! A *cell* is one protocol under one fault setting with one number of replicas. [`settings`] turns
//! names into scenarios, [`measure`] names the numbers of their runs, [`stats`] estimates means
//! from them, and [`formulas`] gives the expected values.

mod cell;
pub mod chance;
pub mod formulas;
mod linear_pbft;
pub mod measure;
mod raft;
pub mod settings;
pub mod stats;
mod values;

use byzsim_core::{Time, Trusted};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::file::error::{LoadError, Problem};
use crate::file::format::{ScenarioFile, SeedRange, VERSION};
use crate::file::set;
use crate::run::expect::Judgement;
use crate::run::registry;
use crate::run::scenario::Scenario;

use formulas::{Book, Tag};
use measure::Measure;
use settings::{LATENCY, Setting};
use stats::{Agreement, Estimate, Relation, ratio};

/// What is compared.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The protocols, by name, perhaps with parameters: `linear-pbft:certificates=aggregate`.
    /// Ratios are those of the first to each other one.
    pub protocols: Vec<String>,
    /// The numbers of replicas, each 3f + 1.
    pub replicas: Vec<u16>,
    /// The fault settings.
    pub settings: Vec<Setting>,
    /// The seeds of random settings; the others play the first of them.
    pub seeds: SeedRange,
    /// How many threads play.
    pub jobs: usize,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Comparison {
    /// The version of this output: 1.
    pub format: u32,
    /// The version of byzsim.
    pub byzsim: &'static str,
    /// The seeds of random settings.
    pub seeds: SeedRange,
    /// What holds in every cell.
    pub conditions: Vec<String>,
    /// The protocols and their parameters, none left out.
    pub protocols: Vec<Contestant>,
    /// The cells: by number of replicas, then setting, then protocol.
    pub cells: Vec<Cell>,
    /// The ratios of the first protocol to each other one.
    pub ratios: Vec<Ratio>,
    /// How many figures agree with their formulas.
    pub tally: Tally,
}

/// A protocol that is compared.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Contestant {
    /// Its name, with the parameters that it was given.
    pub name: String,
    /// Its parameters.
    pub params: Map<String, Value>,
}

/// One protocol under one setting with one number of replicas.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cell {
    /// The protocol, with the parameters that it was given.
    pub protocol: String,
    /// n.
    pub replicas: u16,
    /// f.
    pub faults: u16,
    /// The setting's name.
    pub setting: String,
    /// What goes wrong in it.
    pub about: String,
    /// Whether its runs differ.
    pub random: bool,
    /// How many runs there were.
    pub runs: usize,
    /// How many requests each had.
    pub requests: u32,
    /// Runs in which a property was violated or the protocol panicked, by seed.
    pub violations: Vec<u64>,
    /// Runs in which some request never completed.
    pub unfinished: usize,
    /// The figures.
    pub figures: Vec<Figure>,
    /// The values behind them: by figure, then by run.
    #[serde(skip)]
    pub samples: Vec<Vec<Option<f64>>>,
}

/// One measured figure, and what it should be.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(skip)]
    pub measure: Measure,
    /// What was measured.
    pub measured: Estimate,
    /// What it should be, if a formula says so.
    pub formula: Option<Expected>,
}

/// What a formula says.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Expected {
    /// As people write it.
    pub text: &'static str,
    /// Its value.
    pub value: f64,
    /// How the figure relates to it.
    pub relation: Relation,
    /// Where it comes from: `D`, derived from the message flow; `M`, from memory of a paper.
    pub tag: Tag,
    /// The same in words.
    pub source: &'static str,
    /// How many standard errors the figure is off, if it varies.
    pub sigmas: Option<f64>,
    /// Whether they agree.
    pub agreement: Agreement,
}

/// The ratio of two protocols' figures.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ratio {
    /// The protocol above the line.
    pub over: String,
    /// The protocol below the line.
    pub under: String,
    /// n.
    pub replicas: u16,
    /// The setting's name.
    pub setting: String,
    /// Of which figure.
    pub name: String,
    /// The same.
    #[serde(skip)]
    pub measure: Measure,
    /// The ratio of the means.
    pub ratio: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// How many figures there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tally {
    /// Equal to their formula, or not below the bound that it is.
    pub agree: usize,
    /// Random, and within 3 standard errors of their formula.
    pub within_three_sigma: usize,
    /// With a formula that gives only the growth.
    pub shape_only: usize,
    /// Not what their formula says.
    pub differ: usize,
    /// Without a formula.
    pub without_formula: usize,
}

/// Plays the whole grid. `each` is called with every cell before it is played.
///
/// # Errors
/// If a protocol is unknown, or cannot do without a replica that is faulty in a setting, or a
/// number of replicas is not 3f + 1.
pub fn compare(grid: &Grid, mut each: impl FnMut(&str)) -> Result<Comparison, LoadError> {
    check(grid)?;
    let mut comparison = Comparison {
        format: 1,
        byzsim: VERSION,
        seeds: grid.seeds,
        conditions: conditions(),
        protocols: Vec::new(),
        cells: Vec::new(),
        ratios: Vec::new(),
        tally: Tally::default(),
    };
    for n in &grid.replicas {
        for setting in &grid.settings {
            let first = comparison.cells.len();
            for name in &grid.protocols {
                let scenario = scenario(name, *n, setting)?;
                each(&scenario.name);
                if !comparison.protocols.iter().any(|known| known.name == *name) {
                    let params = scenario.file.params.clone();
                    comparison.protocols.push(Contestant { name: name.clone(), params });
                }
                comparison.cells.push(Cell::play(name, &scenario, setting, grid));
            }
            let ratios = ratios(&comparison.cells[first..]);
            comparison.ratios.extend(ratios);
        }
    }
    comparison.tally = Tally::of(&comparison.cells);
    Ok(comparison)
}

/// The scenario of one cell.
///
/// # Errors
/// If there is no such protocol, or it has no such parameters.
pub fn scenario(contestant: &str, n: u16, setting: &Setting) -> Result<Scenario, LoadError> {
    let (protocol, given) = parts(contestant)?;
    let book = Book::of(protocol, &given);
    let params = book.map_or("{}", |book| book.params);
    let mut params: Map<String, Value> =
        serde_json::from_str(params).expect("the books have parameters as JSON");
    params.extend(given);
    let mut file = setting.scenario(protocol, n, params);
    file.beyond_f = is_beyond(&file, &setting.name)?;
    let end = book.and_then(|book| book.end);
    if let Some(end) = end.filter(|_| setting.is_served_soon()) {
        file.run.at_most = Time::ZERO + end;
    }
    let name = file.title.clone();
    Scenario::new(&name, file, &[]).map_err(plain)
}

/// Whether the protocol promises nothing of replicas that break its rules, as silent and slow ones
/// do in these settings. It serves beside one all the same, as if that one had crashed; but not
/// without a replica that has no other in its place.
fn is_beyond(file: &ScenarioFile, setting: &str) -> Result<bool, LoadError> {
    let committee = file.cluster.committee();
    let entry = registry::protocol(&file.protocol).map_err(plain)?;
    let protocol = (entry.prepare)(&file.params, &[], committee).map_err(plain)?;
    let (resilience, corrupted) = (protocol.resilience(committee), file.faults.corrupted());
    if let Some(Trusted { node, .. }) = resilience.trusted
        && corrupted.contains(&node)
    {
        let what = format!("`{setting}` makes {node} faulty, which {} cannot replace", entry.name);
        let help = "name the other settings: `--faults none,silent-backup,loss-1%`";
        return Err(LoadError::new(what, help));
    }
    Ok(resilience.byzantine == 0 && !corrupted.is_empty())
}

/// The protocol and the parameters that `linear-pbft:certificates=aggregate` names.
fn parts(contestant: &str) -> Result<(&str, Map<String, Value>), LoadError> {
    let Some((protocol, given)) = contestant.split_once(':') else {
        return Ok((contestant, Map::new()));
    };
    let param = |text: &str| {
        let (name, text) = text.split_once('=').ok_or_else(|| {
            let what = format!("`{text}` gives no parameter of {protocol} a value");
            LoadError::new(what, "write it like `linear-pbft:certificates=aggregate`")
        })?;
        Ok((name.to_owned(), set::value(text)))
    };
    Ok((protocol, given.split(',').map(param).collect::<Result<_, LoadError>>()?))
}

/// A problem for someone who wrote a command and no file.
fn plain(problem: Problem) -> LoadError {
    LoadError { what: problem.what, help: problem.help, place: None }
}

fn check(grid: &Grid) -> Result<(), LoadError> {
    for name in &grid.protocols {
        registry::protocol(parts(name)?.0).map_err(plain)?;
    }
    for n in &grid.replicas {
        if *n < 4 || n % 3 != 1 {
            let what = format!("the number of replicas, {n}, is not 3f + 1 for any f above 0");
            let f = (n.saturating_sub(1) / 3).max(1);
            let (below, above) = (3 * f + 1, 3 * f + 4);
            let help = format!("the formulas need n = 3f + 1: use {below} or {above}");
            return Err(LoadError::new(what, help));
        }
        // Before anything is played.
        for (name, setting) in
            grid.protocols.iter().flat_map(|name| grid.settings.iter().map(move |it| (name, it)))
        {
            scenario(name, *n, setting)?;
        }
    }
    Ok(())
}

/// What holds in every cell.
fn conditions() -> Vec<String> {
    vec![
        format!("every message takes d = {LATENCY}; handlers take no time"),
        "one client, one request at a time, batches of one request".to_owned(),
        "10 requests per run (1 in lossy settings)".to_owned(),
        "no checkpoint occurs during a run".to_owned(),
    ]
}

/// The ratios of the first of these cells to each other one, over the runs that both have.
fn ratios(cells: &[Cell]) -> Vec<Ratio> {
    let Some((first, others)) = cells.split_first() else { return Vec::new() };
    let mut ratios = Vec::new();
    for other in others {
        for (figure, sample) in first.figures.iter().zip(&first.samples) {
            let measure = figure.measure;
            let place = other.figures.iter().position(|it| it.measure == measure);
            let Some(place) = place.filter(|_| measure.has_ratio()) else { continue };
            let pairs = sample.iter().zip(&other.samples[place]);
            let (xs, ys): (Vec<f64>, Vec<f64>) =
                pairs.filter_map(|(x, y)| Some(((*x)?, (*y)?))).unzip();
            let Some((ratio, low, high)) = ratio(&xs, &ys) else { continue };
            ratios.push(Ratio {
                over: first.protocol.clone(),
                under: other.protocol.clone(),
                replicas: first.replicas,
                setting: first.setting.clone(),
                name: measure.name(),
                measure,
                ratio,
                low,
                high,
            });
        }
    }
    ratios
}

impl Tally {
    fn of(cells: &[Cell]) -> Self {
        let mut tally = Self::default();
        for figure in cells.iter().flat_map(|cell| &cell.figures) {
            match figure.formula.map(|formula| formula.agreement) {
                None => tally.without_formula += 1,
                Some(Agreement::Agrees) => tally.agree += 1,
                Some(Agreement::WithinThreeSigma) => tally.within_three_sigma += 1,
                Some(Agreement::ShapeOnly) => tally.shape_only += 1,
                Some(Agreement::Differs) => tally.differ += 1,
            }
        }
        tally
    }
}

impl Comparison {
    /// What the comparison is worth: a violation and a figure that differs are findings.
    pub fn judgement(&self) -> Judgement {
        let violated = self.cells.iter().any(|cell| !cell.violations.is_empty());
        let unfinished = self.cells.iter().any(|cell| 0 < cell.unfinished);
        if violated || 0 < self.tally.differ {
            Judgement::Violation
        } else if unfinished {
            Judgement::Inconclusive
        } else {
            Judgement::Expected
        }
    }
}
