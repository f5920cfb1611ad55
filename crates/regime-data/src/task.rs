//! From classes to labels `y = ±1`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// Which classes get `y = +1`, which get −1, and which are left out.
///
/// Serialised with the tag `kind`, for example `{"kind": "parity"}` or
/// `{"kind": "one-vs-rest", "class": 3}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Task {
    /// Even classes +1, odd classes −1 (the default, as in the paper).
    #[default]
    Parity,
    /// One class +1, all others −1. Balancing is by class, not by label, so
    /// with ten classes one point in ten is +1.
    OneVsRest {
        /// The class of label +1; it must occur in the data.
        class: u8,
    },
    /// Some classes against others; points of no listed class are left out.
    Classes {
        /// The classes of label +1: at least one, all in the data.
        positive: Vec<u8>,
        /// The classes of label −1: at least one, all in the data, none of
        /// them positive.
        negative: Vec<u8>,
    },
    /// The label that a synthetic source gives with each point: class 1 is +1, class 0 is
    /// −1. Only for synthetic sources.
    Own,
}

impl Task {
    /// The label of a point of `class`; `None` if the class is left out.
    pub fn label(&self, class: u8) -> Option<f64> {
        let sign = |positive| if positive { 1.0 } else { -1.0 };
        match self {
            Self::Parity => Some(sign(class.is_multiple_of(2))),
            Self::OneVsRest { class: one } => Some(sign(class == *one)),
            Self::Classes { positive, .. } if positive.contains(&class) => Some(1.0),
            Self::Classes { negative, .. } if negative.contains(&class) => Some(-1.0),
            Self::Classes { .. } => None,
            Self::Own => Some(sign(class != 0)),
        }
    }

    /// The tag in serialised specs.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Parity => "parity",
            Self::OneVsRest { .. } => "one-vs-rest",
            Self::Classes { .. } => "classes",
            Self::Own => "own",
        }
    }

    /// Checks what does not depend on the data.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let Self::Classes { positive, negative } = self else {
            return Ok(());
        };
        for (field, classes) in [("task.positive", positive), ("task.negative", negative)] {
            if classes.is_empty() {
                return Err(DataError::field(field, "[]", "at least one class"));
            }
        }
        match negative.iter().find(|class| positive.contains(class)) {
            Some(class) => {
                let want = "no class that `task.positive` lists too";
                Err(DataError::field("task.negative", class, want))
            }
            None => Ok(()),
        }
    }

    /// Checks the task on data with the classes `present`.
    pub(crate) fn check_classes(&self, present: &BTreeSet<u8>) -> Result<(), DataError> {
        let named: Vec<(&'static str, u8)> = match self {
            Self::OneVsRest { class } => vec![("task.class", *class)],
            Self::Classes { positive, negative } => {
                let positive = positive.iter().map(|&class| ("task.positive", class));
                let negative = negative.iter().map(|&class| ("task.negative", class));
                positive.chain(negative).collect()
            }
            Self::Parity | Self::Own => Vec::new(),
        };
        for (field, class) in named {
            if !present.contains(&class) {
                let present = present.iter().copied().collect();
                return Err(DataError::UnknownClass { field, class, present });
            }
        }
        for label in [1.0, -1.0] {
            if !present.iter().any(|&class| self.label(class) == Some(label)) {
                let present = present.iter().copied().collect();
                return Err(DataError::OneLabel { missing: label, present });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        assert_eq!(Task::Parity.label(0), Some(1.0));
        assert_eq!(Task::Parity.label(7), Some(-1.0));
        assert_eq!(Task::OneVsRest { class: 7 }.label(7), Some(1.0));
        assert_eq!(Task::OneVsRest { class: 7 }.label(0), Some(-1.0));
        let some = Task::Classes { positive: vec![3, 4], negative: vec![8] };
        assert_eq!([3, 8, 9].map(|class| some.label(class)), [Some(1.0), Some(-1.0), None]);
        assert_eq!([0, 1].map(|class| Task::Own.label(class)), [Some(-1.0), Some(1.0)]);
    }

    #[test]
    fn impossible_class_lists() {
        let check = |positive: &[u8], negative: &[u8]| {
            let (positive, negative) = (positive.to_vec(), negative.to_vec());
            Task::Classes { positive, negative }.check().unwrap_err().to_string()
        };
        assert_eq!(check(&[], &[1]), "`task.positive` = []: should be at least one class");
        assert_eq!(check(&[1], &[]), "`task.negative` = []: should be at least one class");
        assert_eq!(
            check(&[1, 2], &[3, 2]),
            "`task.negative` = 2: should be no class that `task.positive` lists too"
        );
    }

    #[test]
    fn classes_that_the_data_lack() {
        let even = BTreeSet::from([0, 2]);
        assert!(matches!(
            Task::OneVsRest { class: 5 }.check_classes(&even),
            Err(DataError::UnknownClass { field: "task.class", class: 5, .. })
        ));
        assert!(matches!(
            Task::Parity.check_classes(&even),
            Err(DataError::OneLabel { missing: -1.0, .. })
        ));
        assert!(Task::OneVsRest { class: 2 }.check_classes(&even).is_ok());
    }
}
