//! Paths into documents, such as `fault[2].do`, and the one way to follow them.

use serde_json::Value;
use serde_path_to_error::Segment;

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an element of an array.
    Index(usize),
}

impl Step {
    /// To the value of this key.
    pub(crate) fn key(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

/// Reads a path such as `fault[2].do`.
pub(crate) fn parse(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in text.split('.').filter(|part| !part.is_empty()) {
        let (key, indices) = part.split_once('[').unwrap_or((part, ""));
        if !key.is_empty() {
            steps.push(Step::key(key));
        }
        let indices =
            indices.split('[').filter_map(|index| index.trim_end_matches(']').parse().ok());
        steps.extend(indices.map(Step::Index));
    }
    steps
}

/// The path as it is written.
pub(crate) fn text(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// The path of a deserialisation error.
pub(crate) fn of_error(path: &serde_path_to_error::Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::key(key)),
            Segment::Enum { variant } => Some(Step::key(variant)),
            Segment::Unknown => None,
        })
        .collect()
}

/// What a path can be followed in: a document, in one of the forms in which it is held.
pub(crate) trait Tree: Sized {
    /// The value one step below, if there is one.
    fn below(self, step: &Step) -> Option<Self>;

    /// The value at `path`.
    fn at(self, path: &[Step]) -> Option<Self> {
        path.iter().try_fold(self, |here, step| here.below(step))
    }

    /// The value at `path`, or its nearest ancestor if it is absent.
    fn nearest(self, path: &[Step]) -> Self
    where
        Self: Clone,
    {
        let mut here = self;
        for step in path {
            let Some(next) = here.clone().below(step) else { break };
            here = next;
        }
        here
    }
}

impl Tree for &Value {
    fn below(self, step: &Step) -> Option<Self> {
        match step {
            Step::Key(key) => self.get(key),
            Step::Index(index) => self.get(*index),
        }
    }
}

impl Tree for &mut Value {
    fn below(self, step: &Step) -> Option<Self> {
        match step {
            Step::Key(key) => self.get_mut(key),
            Step::Index(index) => self.get_mut(*index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_back_what_they_print() {
        for path in ["cluster.replicas", "fault[2].do.lie", "reaches[0]", "matrix[1][3]"] {
            assert_eq!(text(&parse(path)), path);
        }
    }

    #[test]
    fn paths_lead_as_far_as_there_are_values() {
        let value = serde_json::json!({ "fault": [{ "do": 3 }] });
        assert_eq!((&value).at(&parse("fault[0].do")), Some(&value["fault"][0]["do"]));
        assert_eq!((&value).at(&parse("fault[1].do")), None);
        assert_eq!((&value).nearest(&parse("fault[0].end.at")), &value["fault"][0]);
    }
}
