//! Cartesian products of specs.

/// Every combination of the values of named axes, set in a base spec. The order is
/// fixed: the first axis varies slowest, the last fastest.
///
/// ```
/// use regime_lab::Grid;
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Flow { width: usize, alpha: f64, seed: u64 }
///
/// let grid = Grid::from_base(Flow { width: 0, alpha: 0.0, seed: 7 })
///     .axis("width", [10, 100], |spec, width| spec.width = width)
///     .axis("alpha", [0.1, 1.0, 10.0], |spec, alpha| spec.alpha = alpha);
///
/// assert_eq!(grid.specs().len(), 6);
/// assert_eq!(grid.specs()[4], Flow { width: 100, alpha: 1.0, seed: 7 });
/// assert_eq!(grid.place(4), Some(vec![("width", 1), ("alpha", 1)]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Grid<S> {
    axes: Vec<(String, usize)>,
    specs: Vec<S>,
}

impl<S: Clone> Grid<S> {
    /// The grid without axes, whose only spec is `base`.
    pub fn from_base(base: S) -> Grid<S> {
        Grid { axes: Vec::new(), specs: vec![base] }
    }

    /// Repeats every spec once per value; `set` writes the value into the
    /// spec. An axis without values empties the grid.
    #[must_use]
    pub fn axis<V: Clone>(
        self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
        set: impl Fn(&mut S, V),
    ) -> Grid<S> {
        let values: Vec<V> = values.into_iter().collect();
        let mut axes = self.axes;
        axes.push((name.into(), values.len()));
        let mut specs = Vec::with_capacity(self.specs.len() * values.len());
        for base in &self.specs {
            for value in &values {
                let mut spec = base.clone();
                set(&mut spec, value.clone());
                specs.push(spec);
            }
        }
        Grid { axes, specs }
    }
}

impl<S> Grid<S> {
    /// Name and number of values of every axis, slowest first.
    pub fn axes(&self) -> &[(String, usize)] {
        &self.axes
    }

    /// The specs, as [`execute`](crate::execute()) takes them.
    pub fn specs(&self) -> &[S] {
        &self.specs
    }

    /// For every axis, its name and the index of the value in the spec at `index`; `None`
    /// if there is no such spec.
    pub fn place(&self, index: usize) -> Option<Vec<(&str, usize)>> {
        if index >= self.specs.len() {
            return None;
        }
        let mut rest = index;
        let mut place: Vec<(&str, usize)> = Vec::with_capacity(self.axes.len());
        for (name, len) in self.axes.iter().rev() {
            place.push((name, rest % len));
            rest /= len;
        }
        place.reverse();
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_axis_varies_slowest() {
        let grid = Grid::from_base((0, ' ', 9))
            .axis("number", 1..=2, |spec, number| spec.0 = number)
            .axis("letter", "abc".chars(), |spec, letter| spec.1 = letter);
        let expected =
            [(1, 'a', 9), (1, 'b', 9), (1, 'c', 9), (2, 'a', 9), (2, 'b', 9), (2, 'c', 9)];
        assert_eq!(grid.specs(), expected);
        assert_eq!(grid.axes(), [("number".to_owned(), 2), ("letter".to_owned(), 3)]);
        for (index, (number, letter, _)) in expected.into_iter().enumerate() {
            let place = [("number", number - 1), ("letter", letter as usize - 'a' as usize)];
            assert_eq!(grid.place(index), Some(place.to_vec()));
        }
        assert_eq!(grid.place(6), None);
    }

    #[test]
    fn no_axes_and_empty_axes() {
        let base = Grid::from_base(1);
        assert_eq!((base.specs(), base.place(0)), (&[1][..], Some(vec![])));
        let none = base.axis("none", [], |spec, value: i32| *spec = value);
        assert_eq!((none.specs(), none.place(0)), (&[][..], None));
    }
}
