//! Files do not import each other in circles, and imports between folders run downwards only.
//!
//! The test reads the `use` items and the paths of the code. A name that a module re-exports leads to
//! the file that defines it, so that a `mod.rs` which only re-exports its children imports nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::source::{code, rust_files};

/// The layer of a folder: it may import from lower layers, and from itself.
fn layer(folder: &str) -> u8 {
    match folder {
        "crash" | "clock" | "exit" | "locked" | "manual" | "domain" => 0,
        "amio" | "cluster" => 1,
        "store" => 2,
        "intake" | "dispatch" | "report" | "serve" | "sandbox" => 3,
        "run" => 4,
        "config" => 5,
        "cli" => 6,
        "console" => 7,
        "commands" => 8,
        "internals" => 9,
        other => panic!("which layer is the folder `{other}` in?"),
    }
}

/// Imports against the direction that are meant, with their reasons.
const MEANT: [(&str, &str); 2] = [
    // The flags of the sandbox stand beside what they set.
    ("cli", "commands"),
    // The report on a list is about what intake found.
    ("report", "intake"),
];

/// Circles that still stand. The test fails when one of them is gone, so that the list only shrinks.
const CIRCLES: &[&str] = &[];

/// Where a module's items are imported from: the module, then the name in it.
type Item = (Vec<String>, String);

/// The files of `src` with their imports.
#[derive(Default)]
struct Sources {
    /// Module path and file.
    files: BTreeMap<Vec<String>, String>,
    /// What a module re-exports, and the path that it is re-exported from.
    exports: BTreeMap<Item, Vec<String>>,
    /// What a module imports, as paths from the crate's root.
    imports: BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
}

impl Sources {
    fn read() -> Self {
        let mut texts = BTreeMap::new();
        for (path, text) in rust_files("src") {
            let inside = path.to_str().unwrap();
            let module: Vec<String> = inside
                .trim_end_matches(".rs")
                .trim_end_matches("/mod")
                .split('/')
                .map(str::to_owned)
                .collect();
            let name = module.last().unwrap();
            if !name.ends_with("tests") && name != "lib" && name != "main" {
                texts.insert(module, (inside.to_owned(), text));
            }
        }
        assert!(texts.len() > 50, "the sources were not found");
        Self::of(&texts)
    }

    fn of(texts: &BTreeMap<Vec<String>, (String, String)>) -> Self {
        let mut sources = Self::default();
        for (module, (file, _)) in texts {
            sources.files.insert(module.clone(), file.clone());
        }
        for (module, (_, text)) in texts {
            sources.imports.insert(module.clone(), BTreeSet::new());
            sources.scan(module, text);
        }
        sources
    }

    /// Reads one file, an inline module as a part of its file.
    fn scan(&mut self, module: &[String], text: &str) {
        let code = code(text);
        let mut inline = false;
        let mut item: Option<String> = None;
        for line in code.lines() {
            let trimmed = line.trim_start();
            match line {
                "}" => inline = false,
                _ => inline |= is_inline_module(line),
            }
            if let Some(item) = &mut item {
                item.push_str(trimmed);
            } else if without_visibility(trimmed).starts_with("use ") {
                item = Some(trimmed.to_owned());
            } else {
                for path in paths_in(trimmed) {
                    self.import(module, inline, &path);
                }
                continue;
            }
            if let Some(whole) = item.take_if(|item| item.ends_with(';')) {
                self.use_item(module, inline, &whole);
            }
        }
    }

    fn use_item(&mut self, module: &[String], inline: bool, item: &str) {
        let is_export = item.starts_with("pub");
        let tree = without_visibility(item)
            .trim_start_matches("use ")
            .trim_end_matches(';');
        for path in expand(tree) {
            if !is_export {
                self.import(module, inline, &path);
                continue;
            }
            let whole = path.clone();
            let (path, alias) = match path.split_once(" as ") {
                Some((path, alias)) => (path, Some(alias)),
                None => (path.as_str(), None),
            };
            if let Some(target) = self.absolute(module, inline, path) {
                let name = alias.or_else(|| target.last().map(String::as_str));
                let name = name.unwrap_or_default().to_owned();
                // A module shows what its children define; from elsewhere it is an import all the same.
                if !target.starts_with(module) {
                    self.import(module, inline, &whole);
                }
                self.exports.insert((module.to_vec(), name), target);
            }
        }
    }

    fn import(&mut self, module: &[String], inline: bool, path: &str) {
        let path = path.split(" as ").next().unwrap_or_default();
        if let Some(target) = self.absolute(module, inline, path) {
            self.imports
                .entry(module.to_vec())
                .or_default()
                .insert(target);
        }
    }

    /// The path from the crate's root; `None` for a path into another crate.
    fn absolute(&self, module: &[String], inline: bool, path: &str) -> Option<Vec<String>> {
        let mut segments = path.split("::").map(str::trim).peekable();
        let mut base = match segments.peek().copied()? {
            "crate" => {
                segments.next();
                Vec::new()
            }
            "self" => {
                segments.next();
                module.to_vec()
            }
            "super" => {
                let mut base = module.to_vec();
                // The parent of an inline module is its own file.
                if inline {
                    segments.next();
                }
                while segments.next_if_eq(&"super").is_some() {
                    base.pop();
                }
                base
            }
            first => {
                let mut child = module.to_vec();
                child.push(first.to_owned());
                if !self.files.contains_key(&child) {
                    return None;
                }
                module.to_vec()
            }
        };
        base.extend(segments.map(str::to_owned));
        base.retain(|segment| segment != "self");
        Some(base)
    }

    /// The module in whose file the path is defined.
    fn definition(&self, path: &[String]) -> Option<Vec<String>> {
        let known = (1..=path.len())
            .rev()
            .find(|length| self.files.contains_key(&path[..*length]))?;
        let module = path[..known].to_vec();
        let Some(name) = path.get(known) else {
            return Some(module);
        };
        match self.exports.get(&(module.clone(), name.clone())) {
            Some(target) if target.as_slice() != path => {
                let mut target = target.clone();
                target.extend_from_slice(&path[known + 1..]);
                self.definition(&target)
            }
            Some(_) | None => Some(module),
        }
    }

    /// For each module the modules whose files it imports, itself left out.
    fn graph(&self) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
        self.imports
            .iter()
            .map(|(module, paths)| {
                let targets = paths
                    .iter()
                    .filter_map(|path| self.definition(path))
                    .filter(|target| target != module)
                    .collect();
                (module.clone(), targets)
            })
            .collect()
    }

    /// The groups of files that reach each other, each as its file names in order.
    fn circles(&self) -> BTreeSet<String> {
        let graph = self.graph();
        let reach: BTreeMap<_, _> = graph
            .keys()
            .map(|start| (start, reachable(&graph, start)))
            .collect();
        let mut circles = BTreeSet::new();
        for (start, reached) in &reach {
            if reached.contains(*start) {
                let members: Vec<&str> = reached
                    .iter()
                    .filter(|other| reach[other].contains(*start))
                    .map(|member| self.files[member].as_str())
                    .collect();
                circles.insert(members.join(" "));
            }
        }
        circles
    }
}

fn reachable(
    graph: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
    start: &[String],
) -> BTreeSet<Vec<String>> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&[String]> = vec![start];
    while let Some(module) = open.pop() {
        for next in graph.get(module).into_iter().flatten() {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    reached
}

fn is_inline_module(line: &str) -> bool {
    without_visibility(line).starts_with("mod ") && line.ends_with('{')
}

/// The item without `pub` or `pub(...)` before it.
fn without_visibility(item: &str) -> &str {
    let Some(rest) = item.strip_prefix("pub") else {
        return item;
    };
    let rest = match rest.strip_prefix('(') {
        Some(inside) => inside.split_once(')').map_or("", |(_, rest)| rest),
        None => rest,
    };
    rest.trim_start()
}

/// `a::{b, c::{d}}` as `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<String> {
    let Some((head, rest)) = tree.split_once('{') else {
        return vec![tree.trim().to_owned()];
    };
    let inside = rest.trim_end().strip_suffix('}').unwrap_or(rest);
    let mut depth = 0;
    let parts = inside.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| expand(part.trim()))
        .map(|path| format!("{}{path}", head.trim()))
        .collect()
}

/// The paths with `::` in a line of code.
fn paths_in(line: &str) -> Vec<String> {
    line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':')))
        .map(|word| word.trim_matches(':'))
        .filter(|word| word.contains("::"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = Sources::read().circles();
    let listed: BTreeSet<String> = CIRCLES.iter().map(|&circle| circle.to_owned()).collect();
    let new: Vec<_> = circles.difference(&listed).collect();
    assert!(new.is_empty(), "these files import each other: {new:#?}");
    let gone: Vec<_> = listed.difference(&circles).collect();
    assert!(
        gone.is_empty(),
        "take these off the list of circles: {gone:#?}"
    );
}

#[test]
fn imports_between_folders_run_downwards() {
    let mut wrong = BTreeSet::new();
    let mut used = BTreeSet::new();
    for (module, targets) in Sources::read().graph() {
        for target in targets {
            let (from, to) = (module[0].as_str(), target[0].as_str());
            let same_floor = layer(from) == 0 && layer(to) == 0;
            if from == to || layer(to) < layer(from) || same_floor {
                continue;
            }
            if let Some(meant) = MEANT.iter().find(|meant| **meant == (from, to)) {
                used.insert(*meant);
            } else {
                wrong.insert(format!(
                    "{} imports {}",
                    module.join("::"),
                    target.join("::")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "imports upwards or sideways: {wrong:#?}");
    for meant in MEANT {
        assert!(used.contains(&meant), "take {meant:?} off the list");
    }
}

/// What `commands` reaches through `run` alone, as every caller of the library does.
const BEHIND_RUN: [&str; 3] = ["intake", "dispatch", "store"];

#[test]
fn commands_are_callers_of_run() {
    let sources = Sources::read();
    let of_commands = sources
        .imports
        .iter()
        .filter(|(module, _)| module[0] == "commands");
    let (mut seen, mut wrong) = (0, Vec::new());
    for (module, paths) in of_commands {
        seen += paths.len();
        let inner = paths
            .iter()
            .filter(|path| BEHIND_RUN.contains(&path[0].as_str()));
        wrong
            .extend(inner.map(|path| format!("{} imports {}", module.join("::"), path.join("::"))));
    }
    assert!(seen > 100, "the imports were not found");
    assert!(
        wrong.is_empty(),
        "imports that `run` has for them: {wrong:#?}"
    );
}

#[test]
fn the_reading_of_imports_finds_what_it_looks_for() {
    let texts = [
        (
            "a",
            "a/mod.rs",
            "mod b;\nmod c;\npub use b::Thing;\nuse c::work;\n",
        ),
        (
            "a::b",
            "a/b.rs",
            "pub struct Thing;\nfn f() { super::c::work() }\n",
        ),
        (
            "a::c",
            "a/c.rs",
            "use super::{Thing,\n    Other};\nmod inside {\n    use super::work;\n}\n",
        ),
        (
            "d",
            "d.rs",
            "use crate::a::{self, Thing as It};\nuse std::fmt;\n// use crate::d\n",
        ),
    ];
    let texts = texts.map(|(module, file, text)| {
        let module = module.split("::").map(str::to_owned).collect();
        (module, (file.to_owned(), text.to_owned()))
    });
    let sources = Sources::of(&texts.into_iter().collect());
    let graph = sources.graph();
    let targets = |module: &str| -> Vec<String> {
        let module: Vec<String> = module.split("::").map(str::to_owned).collect();
        graph[&module]
            .iter()
            .map(|target| target.join("::"))
            .collect()
    };
    assert_eq!(targets("a"), ["a::c"]);
    assert_eq!(targets("a::b"), ["a::c"]);
    assert_eq!(targets("a::c"), ["a", "a::b"]);
    assert_eq!(targets("d"), ["a", "a::b"]);
    assert_eq!(
        sources.circles().into_iter().collect::<Vec<_>>(),
        ["a/mod.rs a/b.rs a/c.rs"]
    );
}

/// Folders with so many files that their front page says where to look.
const MAPPED: [&str; 2] = ["store", "run"];

#[test]
fn the_front_page_of_a_large_folder_names_its_files() {
    let files = rust_files("src");
    let is_there = |path: &Path| files.iter().any(|(file, _)| file == path);
    for folder in MAPPED.map(Path::new) {
        let page = files
            .iter()
            .find(|(path, _)| *path == folder.join("mod.rs"));
        let (_, page) = page.expect("the folder has a front page");
        let docs: String = page
            .lines()
            .filter(|line| line.starts_with("//!"))
            .collect();
        let (_, map) = docs.split_once("# Files").expect("the page has a map");
        let modules = page.lines().map(without_visibility);
        let modules = modules.filter_map(|item| item.strip_prefix("mod ")?.strip_suffix(';'));
        let missing: Vec<_> = modules
            .filter(|name| !map.contains(&format!("`{name}`")))
            .collect();
        assert!(
            missing.is_empty(),
            "not on the page of {folder:?}: {missing:?}"
        );
        let names = map.split('`').skip(1).step_by(2);
        let gone: Vec<_> = names
            .filter(|name| {
                let (file, inner) = (format!("{name}.rs"), format!("{name}/mod.rs"));
                !is_there(&folder.join(file)) && !is_there(&folder.join(inner))
            })
            .collect();
        assert!(
            gone.is_empty(),
            "on the page of {folder:?}, and no file: {gone:?}"
        );
    }
}
