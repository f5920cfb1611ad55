//! The imports between the files of a crate, read from the sources. Re-exports are followed to
//! the file that defines an item.
//!
//! A file imports another if it names an item that the other defines, in a `use` or by a
//! path. `mod x;` and `pub use` alone are not imports, and code for tests does not count.

mod code;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use code::{Code, Use};

/// The path of a module below the root of its crate.
type Module = Vec<String>;

/// The files of one crate.
pub(crate) struct SourceGraph {
    /// The code of every module that is a file, by its path; the root is empty.
    modules: BTreeMap<Module, Code>,
}

impl SourceGraph {
    /// Reads the sources below `folder`, whose root is `lib.rs` or `main.rs`.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut modules = BTreeMap::new();
        let mut open: Vec<Module> = vec![Vec::new()];
        while let Some(module) = open.pop() {
            let text = text_of(folder, &module);
            let code = Code::parse(&text);
            for child in &code.children {
                open.push([module.as_slice(), std::slice::from_ref(child)].concat());
            }
            modules.insert(module, code);
        }
        Self { modules }
    }

    /// The modules that each module imports from.
    pub(crate) fn imports(&self) -> BTreeMap<String, BTreeSet<String>> {
        let of = |(module, code): (&Module, &Code)| {
            let private = code.uses.iter().filter(|item| !item.is_public).map(|item| &item.path);
            let found = private.chain(&code.paths).filter_map(|path| self.defines(module, path, 0));
            let others = found.filter(|other| other != module).map(|other| name(&other));
            (name(module), others.collect())
        };
        self.modules.iter().map(of).collect()
    }

    /// The module that defines what a path stands for, as seen from `module`; `None` outside
    /// of the crate.
    fn defines(&self, module: &Module, path: &[String], depth: usize) -> Option<Module> {
        // A chain of this length can only be a circular re-export.
        if depth > 8 {
            return None;
        }
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            child if self.modules[module].children.contains(child) => {
                [module.as_slice(), &[child.to_owned()]].concat()
            }
            _ => return None,
        };
        while let Some((segment, after)) = rest.split_first() {
            let code = &self.modules[&at];
            let is_last = after.is_empty();
            if segment == "super" {
                at.pop()?;
            } else if is_last && code.items.contains(segment) {
                // A function may have the name of a child module.
                return Some(at);
            } else if code.children.contains(segment) {
                at.push(segment.clone());
            } else if segment == "*" || code.items.contains(segment) {
                return Some(at);
            } else {
                // Imported or re-exported under this name, or by a glob.
                return code.uses.iter().find_map(|item| self.through(&at, item, segment, depth));
            }
            rest = after;
        }
        Some(at)
    }

    /// The module that defines `name`, if `item` brings it into `at`.
    fn through(&self, at: &Module, item: &Use, name: &str, depth: usize) -> Option<Module> {
        if item.name == name {
            return self.defines(at, &item.path, depth + 1);
        }
        let source = item.path.strip_suffix(&["*".to_owned()])?;
        let source = self.defines(at, source, depth + 1)?;
        self.modules[&source].items.contains(name).then_some(source)
    }
}

/// Groups of modules that import each other in a loop, from what each imports.
pub(crate) fn loops(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = imports[from].iter().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next.clone()) {
                open.extend(&imports[next]);
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        imports.keys().map(|module| (module, reached(module))).collect();
    let mut all = BTreeSet::new();
    for (module, seen) in &reached {
        let circle: Vec<String> =
            seen.iter().filter(|other| reached[other].contains(*module)).cloned().collect();
        if !circle.is_empty() {
            all.insert(circle);
        }
    }
    all.into_iter().collect()
}

/// Modules by floor, without loops: each imports from lower floors only.
pub(crate) fn floors(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let mut floors: Vec<Vec<String>> = Vec::new();
    let mut placed = BTreeSet::new();
    while placed.len() < imports.len() {
        let fits = |module: &&String| imports[*module].is_subset(&placed);
        let left = imports.keys().filter(|module| !placed.contains(*module));
        let floor: Vec<String> = left.filter(fits).cloned().collect();
        assert!(!floor.is_empty(), "there is a loop");
        placed.extend(floor.iter().cloned());
        floors.push(floor);
    }
    floors
}

fn name(module: &Module) -> String {
    if module.is_empty() { "(root)".into() } else { module.join("/") }
}

fn text_of(folder: &Path, module: &Module) -> String {
    let places = if module.is_empty() {
        vec![folder.join("lib.rs"), folder.join("main.rs")]
    } else {
        let below = module.iter().fold(folder.to_path_buf(), |path, part| path.join(part));
        vec![below.with_extension("rs"), below.join("mod.rs")]
    };
    let found = places.iter().find_map(|path| fs::read_to_string(path).ok());
    found.unwrap_or_else(|| panic!("there is no file at {places:?}"))
}
