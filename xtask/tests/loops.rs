//! No two files of a crate import each other in a loop, and `docs/files.md` shows the order.

mod source_graph;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use source_graph::{SourceGraph, floors, loops};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace").into()
}

/// Every member of the workspace, by the folder of its sources.
fn members() -> Vec<(String, PathBuf)> {
    let crates = fs::read_dir(root().join("crates")).expect("the folder of crates");
    let mut names: Vec<String> = crates
        .map(|entry| entry.expect("a readable entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let libraries = names.into_iter().map(|name| (name.clone(), root().join("crates").join(name)));
    let others =
        ["xtask", "xtask/fuzz", "benches"].map(|name| (name.to_owned(), root().join(name)));
    libraries.chain(others).map(|(name, folder)| (name, folder.join("src"))).collect()
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_loop() {
    for (name, folder) in members() {
        let imports = SourceGraph::read(&folder).imports();
        let found = loops(&imports);
        assert!(found.is_empty(), "{name} has loops: {found:#?}");
    }
}

#[test]
fn the_page_of_files_shows_their_order() {
    let mut page = String::from(
        "# The files of each crate, from the bottom up\n\n\
         The files on line 1 import from no other file of their crate. The files on each further line \
         import\nonly from the lines above. `UPDATE_DOCS=1 cargo test -p xtask --test loops` \
         writes this page, and the\nsame test checks it. Method calls are not followed: the imports of a method \
         belong to the file that\nimplements it.\n",
    );
    for (name, folder) in members() {
        let imports = SourceGraph::read(&folder).imports();
        let _ = write!(page, "\n## {name}\n\n");
        for (floor, files) in floors(&imports).iter().enumerate() {
            let _ = writeln!(page, "{}. {}", floor + 1, files.join(", "));
        }
    }
    let path = root().join("docs/files.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("docs is writable");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/files.md is out of date: run UPDATE_DOCS=1 cargo test -p xtask --test loops"
    );
}

/// Loops through re-exports, paths and parent modules are found; tests, comments and strings do not
/// count.
#[test]
fn loops_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect(name);
    let found = || loops(&SourceGraph::read(folder.path()).imports());
    write("lib.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;\n");
    write("a.rs", "use crate::B;\npub struct A(B);\n");
    write("b.rs", "pub struct B;\n#[cfg(test)]\nmod tests {\n    use crate::A;\n}\n");
    assert!(found().is_empty());
    write("b.rs", "pub struct B;\nfn f() -> crate::A { todo!() }\n");
    assert_eq!(found(), [["a", "b"]]);
    // Paths in comments and strings do not count.
    write("b.rs", "pub struct B;\n// crate::A\nconst T: &str = \"crate::A\";\n");
    assert!(found().is_empty());
    // A parent that uses its child, which uses its parent.
    write("lib.rs", "mod a;\nmod b;\npub use b::B;\npub const ONE: u8 = a::ONE;\n");
    write("a.rs", "use super::ONE as OTHER;\npub const ONE: u8 = OTHER;\n");
    assert_eq!(found(), [["(root)", "a"]]);
}
