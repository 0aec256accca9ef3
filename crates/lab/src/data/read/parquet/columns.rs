//! Which columns of a shard hold the image and the label, and what the classes are called.

use ::parquet::basic::Type;
use ::parquet::schema::types::SchemaDescriptor;

use crate::data::DataError;

/// Label columns by preference when there are several; CIFAR-100 has fine and coarse labels.
const LABELS: &[&str] = &["label", "labels", "fine_label", "class", "target"];

/// What is read of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Image and label.
    Labelled,
    /// The image alone, until there are `limit`.
    Images { limit: usize },
}

impl Wanted {
    /// Whether more rows are wanted where there are `have`.
    pub(super) fn more(self, have: usize) -> bool {
        match self {
            Self::Labelled => true,
            Self::Images { limit } => have < limit.max(1),
        }
    }
}

/// The leaf columns that hold the image file and the label, and the class names if given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) image: usize,
    /// `None` if labels are not wanted.
    pub(super) label: Option<usize>,
    pub(super) class_names: Vec<String>,
}

impl Columns {
    /// Refuses a shard whose classes are not those of the shards before it: the same number would be another class.
    pub(super) fn check_names(&self, place: &str, known: &[String]) -> Result<(), DataError> {
        if self.class_names.is_empty() || self.class_names == known {
            return Ok(());
        }
        let listed = |names: &[String]| {
            let first: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
            let more = if names.len() > first.len() {
                ", ..."
            } else {
                ""
            };
            format!("{} classes ({}{more})", names.len(), first.join(", "))
        };
        Err(DataError::content(
            place,
            format!("the classes of the shards before it, {}", listed(known)),
            listed(&self.class_names),
            "fetch all shards of one version",
        ))
    }

    pub(super) fn find(
        place: &str,
        schema: &SchemaDescriptor,
        description: Option<&serde_json::Value>,
        wanted: Wanted,
    ) -> Result<Self, DataError> {
        let mut images = Vec::new();
        let mut labels = Vec::new();
        for (leaf, column) in schema.columns().iter().enumerate() {
            let path = column.path().parts();
            if column.max_rep_level() > 0 {
                continue;
            }
            match (path, column.physical_type()) {
                ([_, bytes], Type::BYTE_ARRAY) if bytes == "bytes" => images.push(leaf),
                ([name], Type::INT32 | Type::INT64) => labels.push((leaf, name.as_str())),
                _ => {}
            }
        }
        let foreign =
            |expected: &str, cure: &str| DataError::content(place, expected, shown(schema), cure);
        let [image] = images[..] else {
            return Err(foreign(
                "exactly one image column (a struct with `bytes` and `path`)",
                "store the pictures as the hub's Image feature does",
            ));
        };
        if wanted != Wanted::Labelled {
            return Ok(Self {
                image,
                label: None,
                class_names: Vec::new(),
            });
        }
        let feature = |name: &str| description?.get("info")?.get("features")?.get(name);
        let is_class = |name: &str| {
            feature(name)
                .and_then(|f| f.get("_type"))
                .is_some_and(|kind| kind == "ClassLabel")
        };
        let preferred = LABELS
            .iter()
            .find_map(|want| labels.iter().find(|(_, name)| name == want));
        let mut described = labels.iter().filter(|(_, name)| is_class(name));
        let (label, name) = match (&labels[..], preferred, described.next(), described.next()) {
            ([only], ..) => *only,
            (_, Some(preferred), ..) => *preferred,
            (_, None, Some(only), None) => *only,
            _ => {
                return Err(foreign(
                    "an integer column named `label`",
                    "rename the label column to `label`",
                ));
            }
        };
        let class_names = feature(name).and_then(names_of).unwrap_or_default();
        Ok(Self {
            image,
            label: Some(label),
            class_names,
        })
    }
}

/// The columns of a shard, for messages.
pub(super) fn shown(schema: &SchemaDescriptor) -> String {
    let columns = schema.columns().iter();
    let all: Vec<String> = columns.map(|column| column.path().string()).collect();
    match all.len() > 12 {
        true => format!(
            "columns {}, and {} more",
            all[..12].join(", "),
            all.len() - 12
        ),
        false => format!("columns {}", all.join(", ")),
    }
}

/// The class names of a label feature: a list, or a map from number to name.
fn names_of(feature: &serde_json::Value) -> Option<Vec<String>> {
    let names = feature.get("names")?;
    match names {
        serde_json::Value::Array(list) => list
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect(),
        serde_json::Value::Object(map) => (0..map.len())
            .map(|class| map.get(&class.to_string())?.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_name_their_classes_alike_or_not_at_all() {
        let shard = |names: &[&str]| Columns {
            image: 0,
            label: Some(1),
            class_names: names.iter().map(|&name| name.to_owned()).collect(),
        };
        let known = shard(&["cat", "dog"]).class_names;
        for names in [&["cat", "dog"][..], &[]] {
            assert!(shard(names).check_names("second.parquet", &known).is_ok());
        }
        let other = shard(&["dog", "cat"]).check_names("second.parquet", &known);
        let text = other.expect_err("refused").to_string();
        assert!(text.contains("2 classes (dog, cat)"), "{text}");
        assert!(text.contains("second.parquet"), "{text}");
    }
}
