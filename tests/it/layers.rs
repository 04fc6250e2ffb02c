//! The domain is pure, the clock is read in one place, and each outside library has one owner.

use std::path::{Path, PathBuf};

use crate::source::{code, rust_files};

/// An outside library and the modules that may name it.
const OWNERS: [(&str, &[&str]); 36] = [
    ("plotters", &["console"]),
    ("argon2", &["console"]),
    ("rpassword", &["commands"]),
    ("rusqlite", &["store"]),
    // The sandbox's is the other side of the wire: it posts the webhook events.
    ("reqwest", &["amio", "sandbox"]),
    ("axum", &["serve", "sandbox", "console"]),
    // The client's is the body of a message, which is handed out late or not at all.
    // The console makes answers while they are sent.
    ("hyper", &["amio", "serve", "sandbox", "console"]),
    // The client's is the connection to the engine of a cluster.
    ("tokio_rustls", &["amio", "cluster", "serve"]),
    ("tokio_postgres", &["cluster"]),
    ("tokio_postgres_rustls", &["cluster"]),
    ("rustls_platform_verifier", &["cluster"]),
    ("postcard", &["store"]),
    ("zstd", &["intake", "store"]),
    ("governor", &["dispatch"]),
    ("minijinja", &["domain"]),
    ("rlibphonenumber", &["domain"]),
    ("icu_locale", &["domain"]),
    ("celes", &["domain"]),
    ("calamine", &["intake"]),
    ("rust_xlsxwriter", &["report"]),
    ("textwrap", &["report"]),
    ("pulldown_cmark", &["report"]),
    ("cfb", &["intake"]),
    ("html5gum", &["intake"]),
    ("oem_cp", &["intake"]),
    ("encoding_rs", &["intake"]),
    ("quick_xml", &["intake"]),
    ("quoted_printable", &["intake"]),
    ("zip", &["intake"]),
    // The commands print tables for other programs to read.
    ("csv", &["intake", "report", "commands"]),
    ("indicatif", &["report"]),
    ("askama", &["report", "console"]),
    ("rustix", &["clock", "store"]),
    ("tempfile", &["report", "intake", "store"]),
    ("toml", &["config"]),
    ("anyhow", &["commands"]),
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let mut found = Vec::new();
    for (path, text) in rust_files("src") {
        let first = path.components().next().unwrap().as_os_str();
        let module = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
        if module != "main" && module != "lib" && !path.ends_with("tests.rs") {
            found.push((module, path, code(&text)));
        }
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

/// The modules of this crate that the code names.
fn imports(code: &str) -> Vec<String> {
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| {
            let group = rest
                .strip_prefix('{')
                .and_then(|rest| rest.split('}').next());
            let names: Vec<&str> =
                group.map_or_else(|| vec![rest], |group| group.split(',').collect());
            names
                .into_iter()
                .map(|name| {
                    name.trim()
                        .chars()
                        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                        .collect::<String>()
                })
                .filter(|name| !name.is_empty())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Whether the code names the library, as in `use name::` or `name::thing`.
fn names(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code.get(at + library.len()..).unwrap_or("");
        let whole = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
        whole && after.starts_with("::")
    })
}

#[test]
fn the_domain_is_pure() {
    const IMPURE: [&str; 12] = [
        "tokio",
        "reqwest",
        "rusqlite",
        "axum",
        "hyper",
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "SystemTime::now",
        "Instant::now",
    ];
    for (module, path, code) in sources() {
        if module != "domain" {
            continue;
        }
        for impure in IMPURE {
            assert!(!code.contains(impure), "{}: {impure}", path.display());
        }
        assert!(!code.contains("Timestamp::now"), "{}", path.display());
        for import in imports(&code) {
            assert_eq!(import, "domain", "{}", path.display());
        }
    }
}

#[test]
fn each_outside_library_has_one_owner() {
    let mut wrong = Vec::new();
    for (module, path, code) in sources() {
        for (library, owners) in OWNERS {
            if names(&code, library) && !owners.contains(&module.as_str()) {
                wrong.push(format!("{}: {library}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_clock_is_read_in_one_place() {
    let mut wrong = Vec::new();
    for (module, path, code) in sources() {
        let free = ["clock", "sandbox", "serve"].contains(&module.as_str());
        if !free && (code.contains("Timestamp::now") || code.contains("SystemTime::now")) {
            wrong.push(path);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn these_checks_see_what_they_look_for() {
    assert_eq!(
        imports("use crate::store::Store;\nuse crate::{amio, domain};"),
        ["store", "amio", "domain"]
    );
    assert!(names("fn f(x: rusqlite::Connection)", "rusqlite"));
    assert!(!names("fn f(x: my_csv::Row)", "csv"));
    assert!(!code("// reqwest::get\nfn f() {}").contains("reqwest"));
}

#[test]
fn what_is_printed_goes_through_one_place() {
    let printers = [
        "print!(",
        "println!(",
        "io::stdout()",
        "io::stderr()",
        "dbg!(",
    ];
    for (_, path, code) in sources() {
        // Whether there is a terminal may be asked anywhere.
        let code = code
            .replace("stdout().is_terminal()", "")
            .replace("stderr().is_terminal()", "");
        let prints = printers.iter().any(|printer| code.contains(printer));
        assert_eq!(
            prints,
            path.ends_with("commands/console.rs"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn each_invariant_of_the_front_page_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let (_, table) = page.split_once("# Invariants").unwrap();
    let (table, _) = table.split_once("# Words").unwrap();
    let rows = table
        .lines()
        .filter(|line| line.starts_with("//! | "))
        .skip(2);
    let names: Vec<&str> = rows
        .flat_map(|row| {
            row.rsplit('|')
                .nth(1)
                .unwrap()
                .split('`')
                .skip(1)
                .step_by(2)
        })
        .collect();
    assert!(names.len() > 10, "{names:?}");
    let code: String = ["src", "tests"]
        .into_iter()
        .flat_map(rust_files)
        .map(|(_, text)| text)
        .collect();
    for name in names {
        assert!(code.contains(&format!("fn {name}(")), "no test `{name}`");
    }
}
