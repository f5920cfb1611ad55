//! Colours, each for white and for dark paper.

/// The source of the colour of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Color {
    /// One of the seven colours of Okabe and Ito, which readers with any
    /// common colour vision can distinguish; the index wraps around.
    Category(usize),
    /// A position between 0 and 1 on a ramp from violet to yellow-green, for
    /// ordered series, such as widths. See [`position`].
    Ordered(f64),
    /// The colour of the text, for a fit or a reference.
    Ink,
}

/// The position on the ramp, from 0 to 1, of series `index` of `count`.
pub fn position(index: usize, count: usize) -> f64 {
    if count < 2 { 0.5 } else { (index as f64 / (count - 1) as f64).min(1.0) }
}

/// A colour as red, green and blue.
type Rgb = [u8; 3];

/// A colour for white paper and its counterpart for dark paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    pub(crate) light: Rgb,
    pub(crate) dark: Rgb,
}

pub(crate) const SURFACE: Paint = paint(0xffffff, 0x16191d);
pub(crate) const INK: Paint = paint(0x1d2125, 0xe4e6e8);
pub(crate) const MUTED: Paint = paint(0x5c646c, 0x9ba3ab);
pub(crate) const GRID: Paint = paint(0xe6e8ea, 0x2b3036);

/// Okabe and Ito's colours without yellow, which is invisible on white. The
/// colours for dark paper have the same hues but are lighter.
const CATEGORIES: [Paint; 7] = [
    paint(0x0072b2, 0x4b9fe1),
    paint(0xd55e00, 0xf0763a),
    paint(0x009e73, 0x1dbd93),
    paint(0xcc79a7, 0xdc97be),
    paint(0xe69f00, 0xf2b233),
    paint(0x56b4e9, 0x8ccdf2),
    INK,
];

/// The hues of viridis. Lightness rises along both ramps, so that the order is
/// visible without colour, and every colour has a contrast of at least 3 with its
/// paper. Viridis itself ends in a yellow that is invisible on white paper and begins
/// in a violet that is invisible on dark paper.
const RAMP: [Paint; 5] = [
    paint(0x440f5e, 0x8d6cc9),
    paint(0x3d4f93, 0x6f94d8),
    paint(0x217a8e, 0x3fb8bf),
    paint(0x23906b, 0x67d58a),
    paint(0x859100, 0xf2e24a),
];

const fn paint(light: u32, dark: u32) -> Paint {
    Paint { light: rgb(light), dark: rgb(dark) }
}

const fn rgb(hex: u32) -> Rgb {
    let [_, red, green, blue] = hex.to_be_bytes();
    [red, green, blue]
}

/// A colour as `#rrggbb`.
pub(crate) fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

impl Color {
    pub(crate) fn paint(self) -> Paint {
        match self {
            Self::Category(index) => CATEGORIES[index % CATEGORIES.len()],
            Self::Ordered(position) => ramp(position),
            Self::Ink => INK,
        }
    }
}

fn ramp(position: f64) -> Paint {
    let position = if position.is_nan() { 0.5 } else { position.clamp(0.0, 1.0) };
    let place = position * (RAMP.len() - 1) as f64;
    let below = (place as usize).min(RAMP.len() - 2);
    let (from, to, share) = (RAMP[below], RAMP[below + 1], place - below as f64);
    Paint { light: mix(from.light, to.light, share), dark: mix(from.dark, to.dark, share) }
}

fn mix(from: Rgb, to: Rgb, share: f64) -> Rgb {
    std::array::from_fn(|channel| {
        let (from, to) = (f64::from(from[channel]), f64::from(to[channel]));
        (from + share * (to - from)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.
    fn luminance(colour: Rgb) -> f64 {
        let linear = colour.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    fn contrast(one: Rgb, other: Rgb) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn the_ramp_is_readable_and_ordered_on_both_papers() {
        let places: Vec<Paint> = (0..=100).map(|step| ramp(f64::from(step) / 100.0)).collect();
        for paint in &places {
            assert!(contrast(paint.light, SURFACE.light) >= 3.0, "{}", hex(paint.light));
            assert!(contrast(paint.dark, SURFACE.dark) >= 3.0, "{}", hex(paint.dark));
        }
        assert!(places.is_sorted_by(|a, b| luminance(a.light) <= luminance(b.light) + 2e-3));
        assert!(places.is_sorted_by(|a, b| luminance(a.dark) <= luminance(b.dark) + 2e-3));
    }

    #[test]
    fn text_is_readable_on_both_papers() {
        for paint in [INK, MUTED] {
            assert!(contrast(paint.light, SURFACE.light) >= 4.5);
            assert!(contrast(paint.dark, SURFACE.dark) >= 4.5);
        }
    }

    #[test]
    fn any_position_has_a_colour() {
        assert_eq!(ramp(-1.0), RAMP[0]);
        assert_eq!(ramp(f64::INFINITY), RAMP[4]);
        assert_eq!(ramp(f64::NAN), RAMP[2]);
        assert_eq!((position(0, 1), position(0, 4), position(3, 4)), (0.5, 0.0, 1.0));
    }
}
