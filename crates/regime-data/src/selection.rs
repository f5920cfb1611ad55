//! Selection and random order of the points.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::seq::SliceRandom;

use crate::error::DataError;
use crate::task::Task;

/// The selected points, as positions in the source, in their final order.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) order: Vec<usize>,
    /// With `balance`: the number of classes, the smallest class, and its size.
    pub(crate) smallest: Option<(usize, u8, usize)>,
}

/// Selects and orders points of the given classes.
///
/// With `balance`, each class (in ascending order) is permuted at random. Then the
/// classes are interleaved, one point of each in turn, until the smallest class is used
/// up. Without, all points are permuted at once.
pub(crate) fn select(
    classes: &[u8],
    task: &Task,
    balance: bool,
    rng: &mut impl Rng,
) -> Result<Selection, DataError> {
    let present: BTreeSet<u8> = classes.iter().copied().collect();
    task.check_classes(&present)?;

    if !balance {
        let is_selected = |&index: &usize| task.label(classes[index]).is_some();
        let mut order: Vec<usize> = (0..classes.len()).filter(is_selected).collect();
        order.shuffle(rng);
        return Ok(Selection { order, smallest: None });
    }

    let mut members: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
    for (index, &class) in classes.iter().enumerate() {
        if task.label(class).is_some() {
            members.entry(class).or_default().push(index);
        }
    }
    for of_class in members.values_mut() {
        of_class.shuffle(rng);
    }
    let sizes = members.iter().map(|(&class, of_class)| (of_class.len(), class));
    let (size, class) = sizes.min().unwrap_or_default();
    let order =
        (0..size).flat_map(|turn| members.values().map(move |of_class| of_class[turn])).collect();
    Ok(Selection { order, smallest: Some((members.len(), class, size)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::data_rng;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn points_are_distinct_and_every_stretch_is_balanced(
            classes in proptest::collection::vec(0_u8..5, 30..200),
            seed in any::<u64>(),
            stretch in (0_usize..100, 0_usize..100),
        ) {
            let Ok(selection) = select(&classes, &Task::Parity, true, &mut data_rng(seed)) else {
                return Ok(());
            };
            let distinct: BTreeSet<_> = selection.order.iter().collect();
            prop_assert_eq!(distinct.len(), selection.order.len());

            let present: BTreeSet<u8> = classes.iter().copied().collect();
            let smallest = present.iter()
                .map(|class| classes.iter().filter(|other| *other == class).count())
                .min().unwrap();
            prop_assert_eq!(selection.order.len(), present.len() * smallest);

            let end = selection.order.len();
            let (from, to) = (stretch.0.min(end), (stretch.0 + stretch.1).min(end));
            let counts = present.iter().map(|class| {
                selection.order[from..to].iter().filter(|&&i| classes[i] == *class).count()
            });
            let (low, high) = counts.fold((usize::MAX, 0), |(l, h), n| (l.min(n), h.max(n)));
            prop_assert!(high - low <= 1, "{} to {}", low, high);
        }

        #[test]
        fn unbalanced_is_a_permutation_of_the_selected_points(
            classes in proptest::collection::vec(0_u8..4, 20..100),
            seed in any::<u64>(),
        ) {
            let task = Task::Classes { positive: vec![0], negative: vec![1, 3] };
            let Ok(selection) = select(&classes, &task, false, &mut data_rng(seed)) else {
                return Ok(());
            };
            let mut sorted = selection.order;
            sorted.sort_unstable();
            let expected: Vec<usize> = (0..classes.len()).filter(|&i| classes[i] != 2).collect();
            prop_assert_eq!(sorted, expected);
        }
    }

    /// Results are compared across machines and years, so generator and shuffling must
    /// not change.
    #[test]
    fn the_order_never_changes() {
        let classes: Vec<u8> = (0..12).map(|i| i % 3).collect();
        let order =
            |balance| select(&classes, &Task::Parity, balance, &mut data_rng(0)).unwrap().order;
        assert_eq!(order(true), [0, 10, 8, 6, 4, 11, 3, 7, 5, 9, 1, 2]);
        assert_eq!(order(false), [0, 6, 4, 3, 10, 9, 7, 2, 5, 11, 8, 1]);
    }
}
