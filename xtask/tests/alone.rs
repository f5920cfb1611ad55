//! Every crate has a small package outside the workspace that is the example of its front page.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace").into()
}

/// The names of all crates.
fn crates() -> Vec<String> {
    let folder = fs::read_dir(root().join("crates")).expect("the folder of crates");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<String> =
        folder.map(|entry| name(entry.expect("a readable entry"))).collect();
    names.sort();
    names
}

/// The first example of a front page with its hidden lines.
fn example(page: &str) -> Vec<&str> {
    let text = page.lines().filter_map(|line| line.strip_prefix("//!"));
    let text = text.map(|line| line.strip_prefix(' ').unwrap_or(line));
    let code = text.skip_while(|line| *line != "```").skip(1).take_while(|line| *line != "```");
    code.map(|line| if line == "#" { "" } else { line.strip_prefix("# ").unwrap_or(line) })
        .collect()
}

/// The program of an example: its imports, and a `main` around its other lines. The error type is
/// that of the last line, `Ok::<(), …>(())`.
fn program(name: &str, page: &str) -> String {
    let lines = example(page);
    assert!(!lines.is_empty(), "the front page of {name} has no example");
    let mut text = format!(
        "//! The example of the front page of `{name}`, as a program of its own. It is written by\n\
         //! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.\n\n"
    );
    if lines.iter().any(|line| line.starts_with("fn main()")) {
        return text + &lines.join("\n") + "\n";
    }
    let mut inside_import = false;
    let n_imports = lines.iter().position(|line| {
        let import = inside_import || line.starts_with("use ");
        inside_import = import && !line.ends_with(';');
        !import && !line.is_empty()
    });
    let (imports, body) = lines.split_at(n_imports.expect("statements"));
    text += &imports.join("\n");
    let error = body.last().and_then(|line| line.strip_prefix("Ok::<(), ")?.strip_suffix(">(())"));
    let (result, body) = match error {
        Some(error) => (format!(" -> Result<(), {error}>"), &body[..body.len() - 1]),
        None => (String::new(), body),
    };
    let _ = writeln!(text, "\nfn main(){result} {{");
    text += &body.join("\n");
    text += if error.is_some() { "\nOk(())\n}\n" } else { "\n}\n" };
    text
}

/// Code without what the formatter changes: white space, and commas at the end of lists.
fn tokens(code: &str) -> String {
    let bare: String = code.split_whitespace().collect();
    bare.replace(",)", ")").replace(",}", "}").replace(",]", "]")
}

#[test]
fn each_package_is_the_example_of_a_front_page() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    for name in crates() {
        let page = fs::read_to_string(root().join("crates").join(&name).join("src/lib.rs"));
        let right = program(&name, &page.expect("a front page"));
        assert!(right.contains("println!"), "the example of {name} prints nothing");
        let path = root().join("docs/examples/alone").join(&name).join("src/main.rs");
        let written = fs::read_to_string(&path).unwrap_or_default();
        if tokens(&written) == tokens(&right) {
            continue;
        }
        assert!(
            update,
            "{} is not the example of the front page: run UPDATE_DOCS=1 cargo test -p xtask --test \
             alone, then cargo fmt --manifest-path docs/examples/Cargo.toml",
            path.display()
        );
        fs::create_dir_all(path.parent().expect("a folder")).expect("docs is writable");
        fs::write(&path, right).expect("docs is writable");
    }
}

#[test]
fn each_package_depends_on_its_crate_by_path() {
    let folder = root().join("docs/examples/alone");
    for name in crates() {
        let manifest = fs::read_to_string(folder.join(&name).join("Cargo.toml"))
            .unwrap_or_else(|_| panic!("docs/examples/alone/{name} has no manifest"));
        let dependency = format!("{name} = {{ path = \"../../../../crates/{name}\"");
        assert!(manifest.contains(&dependency), "{name}: no `{dependency}`");
    }
    let packages = fs::read_dir(&folder).expect("the folder of packages").count();
    assert_eq!(packages, crates().len(), "a package of a crate that does not exist");
}

#[test]
fn an_example_becomes_a_program() {
    let page = "//! A crate.\n//!\n//! ```\n//! use std::{\n//!     fmt,\n//! };\n//!\n\
                //! # #[derive(Debug)]\n//! struct A;\n//! let a = 1;\n//! # Ok::<(), E>(())\n//! ```\n\
                //! ```\n//! other();\n//! ```\n";
    let right = "use std::{\n    fmt,\n};\n\nfn main() -> Result<(), E> {\n\
                 #[derive(Debug)]\nstruct A;\nlet a = 1;\nOk(())\n}\n";
    assert!(program("a", page).ends_with(right), "{}", program("a", page));
    let page = "//! ```\n//! use a::B;\n//! # fn main() {\n//! B;\n//! # }\n//! ```\n";
    assert!(program("a", page).ends_with("use a::B;\nfn main() {\nB;\n}\n"));
    assert_eq!(tokens("f(\n    a,\n    b,\n)"), tokens("f(a, b)"));
    assert_ne!(tokens("f(a, b)"), tokens("f(b, a)"));
}
