//! The search for a free place for a label among the data.

/// A rectangle with centre (x, y), rotated by `angle` (in radians; clockwise, because
/// the y-axis of an SVG points down).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) angle: f64,
}

impl Spot {
    /// The distance from the rectangle to a point; 0 inside.
    fn distance(&self, (x, y): (f64, f64)) -> f64 {
        let (sin, cos) = self.angle.sin_cos();
        let (dx, dy) = (x - self.x, y - self.y);
        let along = (dx * cos + dy * sin).abs() - self.width / 2.0;
        let across = (dy * cos - dx * sin).abs() - self.height / 2.0;
        along.max(0.0).hypot(across.max(0.0))
    }

    /// The four corners.
    pub(super) fn corners(&self) -> [(f64, f64); 4] {
        let (sin, cos) = self.angle.sin_cos();
        [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(along, across)| {
            let (along, across) = (along * self.width, across * self.height);
            (self.x + along * cos - across * sin, self.y + along * sin + across * cos)
        })
    }
}

/// The first candidate with enough clearance from all obstacles, or else the candidate
/// with the largest clearance. A candidate for which `allowed` is false is selected only
/// if there is no other.
pub(super) fn clearest(
    candidates: &[Spot],
    obstacles: &[(f64, f64)],
    allowed: impl Fn(&Spot) -> bool,
) -> Option<Spot> {
    /// The distance that is enough; larger distances are not preferred.
    const ENOUGH: f64 = 8.0;
    let clearance = |spot: &Spot| {
        let nearest = obstacles.iter().map(|&point| spot.distance(point)).fold(ENOUGH, f64::min);
        if allowed(spot) { nearest } else { nearest - 2.0 * ENOUGH }
    };
    let mut best: Option<(f64, Spot)> = None;
    for candidate in candidates {
        let found = clearance(candidate);
        if best.is_none_or(|(clearest, _)| found > clearest) {
            best = Some((found, *candidate));
        }
    }
    best.map(|(_, spot)| spot)
}

/// Points along a segment, too close for a label between them.
pub(super) fn sample(
    (x0, y0): (f64, f64),
    (x1, y1): (f64, f64),
) -> impl Iterator<Item = (f64, f64)> {
    const SPACING: f64 = 4.0;
    const MAX_STEPS: f64 = 1000.0;
    let steps = ((x1 - x0).hypot(y1 - y0) / SPACING).ceil().clamp(1.0, MAX_STEPS);
    (0..=steps as usize).map(move |step| {
        let share = step as f64 / steps;
        (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOT: Spot = Spot { x: 0.0, y: 0.0, width: 20.0, height: 10.0, angle: 0.0 };

    #[test]
    fn distance_to_a_rotated_rectangle() {
        assert_eq!(SPOT.distance((3.0, 4.0)), 0.0);
        assert_eq!(SPOT.distance((13.0, 9.0)), 5.0);
        let upright = Spot { angle: std::f64::consts::FRAC_PI_2, ..SPOT };
        assert!((upright.distance((0.0, 12.0)) - 2.0).abs() < 1e-12);
        assert!((upright.distance((12.0, 0.0)) - 7.0).abs() < 1e-12);
    }

    #[test]
    fn the_first_free_place_is_taken() {
        let candidates = [0.0, 50.0, 100.0].map(|x| Spot { x, ..SPOT });
        let place = |obstacles: &[(f64, f64)]| {
            clearest(&candidates, obstacles, |spot| spot.x < 90.0).map(|spot| spot.x)
        };
        assert_eq!(place(&[]), Some(0.0));
        assert_eq!(place(&[(5.0, 5.0)]), Some(50.0));
        assert_eq!(place(&[(5.0, 5.0), (50.0, 7.0)]), Some(50.0));
        assert_eq!(clearest(&[], &[], |_| true), None);
    }
}
