//! Layers that mix points or are random, found by the names of their types.
//!
//! burn shows a visitor only those fields of a module that can hold parameters, and a
//! dropout has none. What every module has is its debug representation, in which derived
//! implementations write `field: Type { … }`; parameters are written there as an
//! identifier, so it is short.

use std::fmt::{self, Debug, Write};

/// Types that mix the points of a batch when they train.
pub(super) const MIXING: &[&str] = &["BatchNorm"];

/// Types that may be random when they train.
pub(super) const RANDOM: &[&str] = &["Dropout", "Noise"];

/// burn's own layers that are random when they train, whatever a few evaluations show.
const SURELY_RANDOM: &[&str] = &["Dropout", "GaussianNoise"];

/// The first layer whose type's name contains one of `types`, as `path: Type`, leaving
/// out layers that are switched off: whose one field is 0.
pub(super) fn suspect(module: &impl Debug, types: &[&str]) -> Option<String> {
    found(module, Scan { types, ..Scan::default() })
}

/// The first layer of burn that is random, in the same way.
pub(super) fn surely_random(module: &impl Debug) -> Option<String> {
    found(module, Scan { types: SURELY_RANDOM, whole_names: true, ..Scan::default() })
}

fn found(module: &impl Debug, mut scan: Scan<'_>) -> Option<String> {
    // The scan itself never fails; what a foreign implementation has to say is its own.
    let _ = write!(scan, "{module:?}");
    scan.found
}

#[derive(Default)]
struct Scan<'a> {
    types: &'a [&'a str],
    /// Whether a name has to be one of them, and not only contain it.
    whole_names: bool,
    /// The structs, tuples and lists that are open.
    open: Vec<Frame>,
    /// The last word.
    word: String,
    /// Whether the next letter begins a new one.
    word_ended: bool,
    /// The field whose value comes next.
    field: Option<String>,
    found: Option<String>,
}

struct Frame {
    /// Its place in what is around it: a field or a number; nothing for the module.
    name: Option<String>,
    /// The name of its type.
    of: String,
    /// Values separated by commas so far.
    items: usize,
    /// What has been written in it, for a layer that is looked for.
    content: Option<String>,
}

impl Write for Scan<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().for_each(|c| self.take(c));
        Ok(())
    }
}

impl Scan<'_> {
    fn take(&mut self, c: char) {
        if let Some(content) = self.open.last_mut().and_then(|frame| frame.content.as_mut()) {
            content.push(c);
        }
        if c.is_alphanumeric() || c == '_' {
            if std::mem::take(&mut self.word_ended) {
                self.word.clear();
            }
            self.word.push(c);
            return;
        }
        self.word_ended = true;
        match c {
            ':' => self.field = Some(std::mem::take(&mut self.word)),
            ',' => {
                self.field = None;
                self.word.clear();
                if let Some(frame) = self.open.last_mut() {
                    frame.items += 1;
                }
            }
            '{' | '(' | '[' => self.enter(c),
            '}' | ')' | ']' => self.leave(),
            _ => {}
        }
    }

    fn enter(&mut self, bracket: char) {
        let of = std::mem::take(&mut self.word);
        let index = self.open.last().filter(|frame| frame.of.is_empty()).map(|f| f.items);
        let name = self.field.take().or(index.map(|i| i.to_string()));
        let is = |name: &&str| if self.whole_names { of == **name } else { of.contains(*name) };
        let wanted = bracket != '[' && self.types.iter().any(is);
        let content = wanted.then(String::new);
        self.open.push(Frame { name, of, items: 0, content });
    }

    fn leave(&mut self) {
        self.word.clear();
        self.field = None;
        let Some(frame) = self.open.pop() else { return };
        if self.found.is_some() || frame.content.as_deref().is_none_or(is_off) {
            return;
        }
        let names = self.open.iter().chain([&frame]).filter_map(|frame| frame.name.clone());
        let path = names.collect::<Vec<_>>().join(".");
        self.found = Some(if path.is_empty() { frame.of } else { format!("{path}: {}", frame.of) });
    }
}

/// Whether a layer's fields say `prob: 0.0`, or the like of another name.
fn is_off(content: &str) -> bool {
    let value = content.trim_end_matches(['}', ' ']).split_once(':').map(|(_, value)| value.trim());
    value.and_then(|value| value.parse::<f64>().ok()) == Some(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[allow(dead_code, reason = "read by its debug representation")]
    struct Dropout {
        prob: f64,
    }

    #[derive(Debug)]
    #[allow(dead_code, reason = "read by its debug representation")]
    struct MyBatchNorm2d(Vec<f64>, &'static str);

    #[derive(Debug)]
    #[allow(dead_code, reason = "read by its debug representation")]
    struct Block {
        width: usize,
        drop: Option<Dropout>,
        norm: MyBatchNorm2d,
    }

    #[derive(Debug)]
    struct Net {
        blocks: Vec<Block>,
    }

    fn net(probs: &[f64]) -> Net {
        let block = |&prob| Block {
            width: 3,
            drop: Some(Dropout { prob }),
            norm: MyBatchNorm2d(vec![1.0, 2.0], "a, b"),
        };
        Net { blocks: probs.iter().map(block).collect() }
    }

    #[test]
    fn layers_are_named_by_path_and_type() {
        let net = net(&[0.0, 0.25]);
        assert_eq!(suspect(&net, RANDOM).as_deref(), Some("blocks.1.drop: Dropout"));
        assert_eq!(suspect(&net, MIXING).as_deref(), Some("blocks.0.norm: MyBatchNorm2d"));
        assert_eq!(suspect(&Dropout { prob: 0.5 }, RANDOM).as_deref(), Some("Dropout"));
    }

    #[test]
    fn what_is_switched_off_is_no_suspect() {
        assert_eq!(suspect(&net(&[0.0, 0.0]), RANDOM), None);
        assert_eq!(suspect(&net(&[0.1]).blocks[0].width, RANDOM), None);
    }

    #[test]
    fn a_name_alone_condemns_only_layers_of_burn() {
        assert_eq!(surely_random(&net(&[0.1])).as_deref(), Some("blocks.0.drop: Dropout"));
        assert_eq!(surely_random(&net(&[0.0])), None);
        #[derive(Debug)]
        #[allow(dead_code, reason = "read by its debug representation")]
        struct NoisePredictor {
            width: usize,
        }
        assert_eq!(surely_random(&NoisePredictor { width: 3 }), None);
        assert!(suspect(&NoisePredictor { width: 3 }, RANDOM).is_some());
    }
}
