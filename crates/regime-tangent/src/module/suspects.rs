//! Layers that mix points or are random, found by the names of their types.
//!
//! burn's visitors see only the fields of a module that can hold parameters, and a dropout
//! has none. But every module has a debug representation, in which derived implementations
//! write `field: Type { … }`. It contains only the identifiers of parameters, so it is
//! short.

use std::fmt::{self, Debug, Write};

/// Words in the names of types that mix the points of a batch in training.
pub(super) const MIXING: &[&str] = &["BatchNorm"];

/// Words in the names of types that may be random in training.
pub(super) const RANDOM: &[&str] = &["Dropout", "Noise"];

/// burn's own layers that are random in training. They are refused even if a few
/// evaluations agree.
const SURELY_RANDOM: &[&str] = &["Dropout", "GaussianNoise"];

/// Types of this crate that have such a word in their name and do not mix points.
const HARMLESS: &[&str] = &["FrozenBatchNorm"];

/// A layer of a module, found by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// Its path in the module; empty for the module itself.
    pub(super) path: String,
    /// The name of its type.
    of: String,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.of),
            path => write!(f, "{path}: {}", self.of),
        }
    }
}

/// The layers whose type's name contains one of `types`. Layers that are switched off (with a
/// single field, which is 0) are skipped. A module may hold a layer that its forward pass
/// never calls.
pub(super) fn suspects(module: &impl Debug, types: &[&str]) -> Vec<Layer> {
    found(module, Scan { types, ..Scan::default() })
}

/// As [`suspects`], the layers of burn's own types that are random.
pub(super) fn surely_random(module: &impl Debug) -> Vec<Layer> {
    found(module, Scan { types: SURELY_RANDOM, whole_names: true, ..Scan::default() })
}

fn found(module: &impl Debug, mut scan: Scan<'_>) -> Vec<Layer> {
    // The scan itself never fails. An error of a foreign `Debug` implementation is ignored.
    let _ = write!(scan, "{module:?}");
    scan.found
}

#[derive(Default)]
struct Scan<'a> {
    types: &'a [&'a str],
    /// Whether a type's name must equal one of `types`, not only contain it.
    whole_names: bool,
    /// The structs, tuples and lists that are open.
    open: Vec<Frame>,
    /// The last word.
    word: String,
    /// Whether the next letter begins a new word.
    word_ended: bool,
    /// The field whose value comes next.
    field: Option<String>,
    found: Vec<Layer>,
}

struct Frame {
    /// Its field or index in the enclosing frame; `None` for the module.
    name: Option<String>,
    /// The name of its type.
    of: String,
    /// Number of values so far, separated by commas.
    items: usize,
    /// Its text, for a layer of one of the types.
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
        let harmless = HARMLESS.contains(&of.as_str());
        let wanted = bracket != '[' && !harmless && self.types.iter().any(is);
        let content = wanted.then(String::new);
        self.open.push(Frame { name, of, items: 0, content });
    }

    fn leave(&mut self) {
        self.word.clear();
        self.field = None;
        let Some(frame) = self.open.pop() else { return };
        if frame.content.as_deref().is_none_or(is_off) {
            return;
        }
        let names = self.open.iter().chain([&frame]).filter_map(|frame| frame.name.clone());
        let path = names.collect::<Vec<_>>().join(".");
        self.found.push(Layer { path, of: frame.of });
    }
}

/// Whether a layer's text is `prob: 0.0`, or another name with the value 0.
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

    fn texts(layers: Vec<Layer>) -> Vec<String> {
        layers.iter().map(Layer::to_string).collect()
    }

    #[test]
    fn layers_are_named_by_path_and_type() {
        let net = net(&[0.0, 0.25]);
        assert_eq!(texts(suspects(&net, RANDOM)), ["blocks.1.drop: Dropout"]);
        let norms = ["blocks.0.norm: MyBatchNorm2d", "blocks.1.norm: MyBatchNorm2d"];
        assert_eq!(texts(suspects(&net, MIXING)), norms);
        assert_eq!(texts(suspects(&Dropout { prob: 0.5 }, RANDOM)), ["Dropout"]);
    }

    #[test]
    fn layers_that_are_switched_off_are_skipped() {
        assert_eq!(suspects(&net(&[0.0, 0.0]), RANDOM), []);
        assert_eq!(suspects(&net(&[0.1]).blocks[0].width, RANDOM), []);
        #[derive(Debug)]
        #[allow(dead_code, reason = "read by its debug representation")]
        struct FrozenBatchNorm {
            width: usize,
        }
        assert_eq!(suspects(&FrozenBatchNorm { width: 3 }, MIXING), []);
    }

    #[test]
    fn a_name_alone_suffices_only_for_layers_of_burn() {
        assert_eq!(texts(surely_random(&net(&[0.1]))), ["blocks.0.drop: Dropout"]);
        assert_eq!(surely_random(&net(&[0.0])), []);
        #[derive(Debug)]
        #[allow(dead_code, reason = "read by its debug representation")]
        struct NoisePredictor {
            width: usize,
        }
        assert_eq!(surely_random(&NoisePredictor { width: 3 }), []);
        assert_eq!(suspects(&NoisePredictor { width: 3 }, RANDOM).len(), 1);
    }
}
