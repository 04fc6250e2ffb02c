//! Every statement of the store: none reads all of a table that grows with the past, and none does what a
//! copy of the checkpoint could not follow (a rowid that changes, a row that is replaced).
//!
//! The statements are the string literals of `src/store` that begin like one. What is filled in at run time is
//! filled in here. Plans are asked of SQLite, on a checkpoint that the migrations made.

use std::collections::{BTreeMap, BTreeSet};

use outreach::internals::store::Store;
use rusqlite::Connection;

use crate::source::{code, rust_files};

/// Tables whose size is that of all that was ever sent, listed or told.
const GROWING: &[&str] = &[
    "attempt",
    "contact",
    "contact_read",
    "event",
    "person",
    "person_by_number",
    "recipient",
    "recipient_input",
];

/// What is filled in at run time. Where there are several, each is tried, the same one at all places.
const FILLED_IN: &[(&str, &[&str])] = &[
    ("{table}", &["recipient", "recipient_input"]),
    ("{and}", &["", "AND r.state = 'sent'"]),
    ("{only}", &["AND p.id = ?1", ""]),
    ("{states}", &["'queued', 'sending', 'unknown'"]),
    ("{replica}", &["recipient"]),
    ("{sets}", &["state = ?2"]),
    ("{names}", &["state"]),
    ("{values}", &["?2"]),
    ("SET {} WHERE", &["SET sent = sent + ?2 WHERE"]),
];

/// Indexes that hold what is open or special, and nothing of what is done: to read all of one is meant.
const OPEN: &[&str] = &[
    // Requests under way.
    "attempt_under_way",
    // Events that wait for what they speak of.
    "event_waiting",
    // Events that a person should look at.
    "event_unreadable",
    // The suppression list, where all of it is asked for.
    "person_suppressed",
    // Whether anybody was ever erased: the first entry tells.
    "person_by_hash",
    "contact_by_hash",
];

/// Statements that read all of a growing table, with the reason. The test fails when one of them is gone.
const WHOLE_TABLE: &[(&str, &str)] = &[
    (
        "SELECT number FROM person WHERE number IS NOT NULL",
        "whom a copy of a checkpoint names of those who were erased is found by hashing every number, once",
    ),
    (
        "SELECT c.api_id, p.number, max(iif(k.former",
        "`contacts list` shows everybody",
    ),
    (
        "WHERE k.opted_out_at IS NOT NULL AND k.person IS NULL",
        "a suppression list for another checkpoint has every contact that opted out",
    ),
    (
        "SELECT rowid, * FROM \"",
        "`cluster verify` compares every row",
    ),
    (
        "WHERE r.state = 'sending' AND NOT EXISTS",
        "`doctor` looks at everything",
    ),
    (
        "FROM person p LEFT JOIN person_by_number n",
        "`doctor` looks at everything",
    ),
    (
        "FROM person_by_number n LEFT JOIN person p",
        "`doctor` looks at everything",
    ),
    (
        "WHERE state = 'queued' AND person IS NULL",
        "`doctor` looks at everything",
    ),
    (
        "FROM attempt WHERE kind NOT IN ('note', 'import') ORDER BY id DESC",
        "read from its end, until the hour is over",
    ),
    (
        "FROM attempt a LEFT JOIN recipient r ON r.id = a.recipient WHERE a.kind = 'request'",
        "read from its end, until the last acceptance of the batch",
    ),
    (
        "SELECT id, number, last_inbound_at FROM person",
        "`outreach audience` asks about everybody",
    ),
    (
        "FROM attempt WHERE channel = ?1 AND kind = 'request' AND outcome IN",
        "`doctor`: read from its end, until the channel's last answer",
    ),
    (
        "FROM (SELECT * FROM attempt ORDER BY id DESC LIMIT ?2)",
        "the latest requests, from the end",
    ),
    (
        "SELECT EXISTS (SELECT 1 FROM attempt) OR EXISTS",
        "the first row ends it",
    ),
    (
        "SELECT 1 FROM batch UNION ALL SELECT 1 FROM person LIMIT 1",
        "the first row ends it",
    ),
];

/// Statements that go through the rows of one batch, with the reason. None of them may be asked for each row.
const WHOLE_BATCH: &[(&str, &str)] = &[
    (
        "AND state = 'queued' AND (held IS NULL OR held = ?3) ORDER BY id",
        "the page that starts a follow-up is about all of its people",
    ),
    (
        "r.held = ?3 AND EXISTS",
        "a follow-up, when it begins or goes on",
    ),
    (
        "AND state = 'queued' AND held = ?3",
        "the counts of a follow-up, and once when it closes",
    ),
    ("SELECT p.number, i.fields", "the list of a follow-up, once"),
    (
        "SELECT id, fields FROM recipient_input",
        "`forget`, in steps: the rows that hold a number in a field",
    ),
    (
        "SELECT a.content_key, c.api_id",
        "the list of a restored batch, once, until 1,000 messages were found",
    ),
    (
        "SELECT a.outcome, count(*)",
        "a batch with several channels, once for each when a run begins",
    ),
    (
        "SELECT r.step, c.api_id AS api, count(*)",
        "the summary of a batch with several channels",
    ),
    (
        "AND state = 'queued' LIMIT 1",
        "`history import`, once for each batch of a file",
    ),
    (
        "SELECT count(*) FROM recipient WHERE id > ?1 AND id < ?2 AND state IN",
        "`prune`, once for each batch",
    ),
    (
        "SELECT 1 FROM recipient r CROSS JOIN attempt a INDEXED BY attempt_by_person",
        "`prune`, once for each batch",
    ),
    (
        "i.content IS NOT NULL AND (?3 IS NULL OR i.row = ?3)",
        "`test --row`: rows of a file have no index",
    ),
    (
        "WHERE i.id > ?1 AND i.id < ?2 AND i.row = ?3",
        "`status --row`: rows of a file have no index",
    ),
    (
        "SELECT id, person FROM recipient WHERE id >= ?1 AND id < ?2 LIMIT ?3",
        "a list is removed, in steps",
    ),
    (
        "WHERE id >= ?1 AND id <= ?2",
        "rows that are removed and stand side by side, in steps",
    ),
    (
        "SELECT p.number, i.file, i.row FROM recipient r",
        "the numbers that `--add` joins, once",
    ),
    (
        "SELECT id FROM recipient WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1 OFFSET ?3",
        "`--update`: where a step ends",
    ),
    (
        "WHERE o.id > ?1 AND o.id <= ?2 ORDER BY o.id, n.id",
        "`--update`, in steps",
    ),
    (
        "FROM recipient_input WHERE id > ?1 AND id <= ?2",
        "one step of a prune: a few thousand rows",
    ),
    (
        "FROM recipient WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
        "a second list joins, in steps",
    ),
    (
        "SELECT state FROM recipient WHERE id > ?1 AND id < ?2",
        "`doctor` counts, and each run before it sends",
    ),
    (
        "LEFT JOIN recipient m ON m.id = r.mended_by",
        "the rows that a rejects file mends, once",
    ),
    (
        "AND state = 'invalid' AND mended_by IS NOT NULL",
        "the summary of a batch with invalid rows",
    ),
    (
        "WHERE id > ?1 AND id < ?2 AND reason_code = ?3",
        "the summary: who got a message by another number",
    ),
    (
        "SELECT min(coalesce(a.finished_at, a.started_at))",
        "the page of a batch: over which time its curves go",
    ),
    (
        "SELECT coalesce(a.finished_at, a.started_at), coalesce(a.delivered_at, a.read_at)",
        "the page of a batch: its curves",
    ),
    (
        "SELECT count(coalesce(a.delivered_at, a.read_at))",
        "`status BATCH`: what became of its messages",
    ),
    (
        "SELECT r.id, r.reason FROM recipient r",
        "`resume` after a guard stopped the batch",
    ),
    ("SELECT r.id, r.state, iif(", "the results file"),
    (
        "SELECT EXISTS (SELECT 1 FROM recipient r CROSS JOIN attempt a",
        "asked once a run; the first that is found tells",
    ),
    (
        "SELECT coalesce(reason, reason_code, '') FROM recipient",
        "`status BATCH`: its refusals",
    ),
    (
        "SELECT reason FROM recipient WHERE id > ?1 AND id < ?2 AND state = ?3",
        "the guards of a run, once",
    ),
    (
        "FROM recipient r CROSS JOIN refusal f ON f.id = r.held",
        "who is held: the begin and the end of a run that leaves rows queued, and `status BATCH`",
    ),
    (
        "AND state = 'queued' AND held = ?3",
        "who is held is let go, once",
    ),
    (
        "SELECT r.id, i.file, i.row, r.state, coalesce(r.reason, r.reason_code, '')",
        "`retry`: what was refused",
    ),
    (
        "SELECT state, reason_code, state = 'no_messenger' AND",
        "`status BATCH`: whose matter it is",
    ),
];

/// Files that speak to tables of earlier versions, once.
const MIGRATIONS: &[&str] = &["schema.rs", "upgrade.rs"];

struct Statement {
    file: String,
    sql: String,
}

/// The string literals of Rust code, each with the code before it.
fn literals(code: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut before = String::new();
    let mut rest = code.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => while rest.next().is_some_and(|c| c != '\n') {},
            '\'' => {
                // A character literal may be a quotation mark; a lifetime is none.
                before.push(c);
                if let Some(c) = rest.next() {
                    before.push(c);
                    if c == '\\' {
                        before.extend(rest.next());
                    }
                }
            }
            '"' => {
                let mut text = String::new();
                while let Some(c) = rest.next() {
                    match c {
                        '"' => break,
                        '\\' => match rest.next() {
                            Some('\n') => {
                                while rest.peek().is_some_and(|c| c.is_whitespace()) {
                                    rest.next();
                                }
                            }
                            Some('n') => text.push('\n'),
                            Some(c) => text.push(c),
                            None => {}
                        },
                        c => text.push(c),
                    }
                }
                found.push((std::mem::take(&mut before), text));
            }
            c => before.push(c),
        }
    }
    found
}

fn sources() -> Vec<(String, String)> {
    rust_files("src/store")
        .into_iter()
        // The tests of a module that has its own file for them.
        .filter(|(path, _)| !path.ends_with("tests.rs"))
        .map(|(path, text)| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                code(&text),
            )
        })
        .filter(|(name, _)| !MIGRATIONS.contains(&name.as_str()))
        .collect()
}

/// All statements, with what they are made of filled in.
fn statements() -> Vec<Statement> {
    let mut texts = Vec::new();
    let mut constants = Vec::new();
    for (file, code) in sources() {
        for (before, text) in literals(&code) {
            if let Some(name) = constant(&before) {
                constants.push((format!("{{{name}}}"), text.clone()));
            }
            texts.push((file.clone(), text));
        }
    }
    let mut found = Vec::new();
    for (file, text) in texts {
        let text = constants
            .iter()
            .fold(text, |text, (name, value)| text.replace(name, value));
        let is_one = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "]
            .iter()
            .any(|verb| text.starts_with(verb));
        if !is_one {
            continue;
        }
        let variants: BTreeSet<String> = (0..2).map(|variant| filled_in(&text, variant)).collect();
        for sql in variants {
            let file = file.clone();
            let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
            found.push(Statement { file, sql });
        }
    }
    found
}

/// The name of the constant that a literal is the value of.
fn constant(before: &str) -> Option<&str> {
    let item = before.rsplit([';', '{', '}']).next()?.trim();
    let item = item.strip_suffix('=')?.trim_end().strip_suffix(": &str")?;
    item.rsplit(' ').next()
}

fn filled_in(text: &str, variant: usize) -> String {
    FILLED_IN
        .iter()
        .fold(text.to_owned(), |text, (place, values)| {
            text.replace(place, values[variant.min(values.len() - 1)])
        })
}

/// A checkpoint as the migrations make it.
fn checkpoint() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outreach.db");
    drop(Store::open(&path).unwrap());
    (folder, Connection::open(&path).unwrap())
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut explain = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
    let mut rows = explain.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        lines.push(row.get(3).unwrap());
    }
    lines
}

/// The growing tables that a name of a plan may stand for: itself, or what it is an alias of.
fn growing(sql: &str, name: &str) -> Vec<&'static str> {
    let spaced = sql.replace(['(', ')', ','], " ");
    let words: Vec<&str> = spaced
        .split_whitespace()
        .filter(|word| *word != "AS")
        .collect();
    let is_alias = |table: &str| {
        words
            .windows(2)
            .any(|two| two[0] == table && two[1] == name)
    };
    GROWING
        .iter()
        .copied()
        .filter(|table| *table == name || is_alias(table))
        .collect()
}

/// What a step of a plan goes through, if that grows with the past.
#[derive(Debug, PartialEq, Eq)]
enum Reads {
    /// All of a table, or of an index of it.
    All,
    /// A range of keys.
    Range,
}

fn reads(sql: &str, step: &str) -> Option<Reads> {
    let mut words = step.split_whitespace();
    let (verb, name) = (words.next()?, words.next()?);
    if growing(sql, name).is_empty() {
        return None;
    }
    match verb {
        "SCAN" if OPEN.iter().any(|index| step.ends_with(index)) => None,
        "SCAN" => Some(Reads::All),
        "SEARCH" if step.contains("(rowid>") => Some(Reads::Range),
        _ => None,
    }
}

/// The statements that read in this way and are not among those that are meant.
fn not_meant(how: &Reads, meant: &[(&str, &str)]) -> Vec<String> {
    let (_folder, connection) = checkpoint();
    let mut faults = Vec::new();
    let mut unused: BTreeMap<&str, &str> = meant.iter().copied().collect();
    for Statement { file, sql } in statements() {
        for step in plan(&connection, &sql) {
            if reads(&sql, &step).as_ref() != Some(how) {
                continue;
            }
            match meant.iter().find(|(part, _)| sql.contains(part)) {
                Some((part, _)) => drop(unused.remove(part)),
                None => faults.push(format!("{file}: {step}: {sql}")),
            }
        }
    }
    faults.extend(unused.keys().map(|part| format!("gone: {part}")));
    faults
}

#[test]
fn no_statement_reads_all_of_a_table_that_grows_with_the_past() {
    let faults = not_meant(&Reads::All, WHOLE_TABLE);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_what_is_asked_once_a_batch_goes_through_its_rows() {
    let faults = not_meant(&Reads::Range, WHOLE_BATCH);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The column of a table that is its rowid.
fn rowid_columns(connection: &Connection) -> BTreeMap<String, String> {
    let mut select = connection
        .prepare(
            "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
             WHERE t.schema = 'main' AND c.pk = 1 AND c.type = 'INTEGER'",
        )
        .unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

/// The columns that an UPDATE, or the end of an INSERT, sets.
fn columns_set(sql: &str) -> Vec<String> {
    let Some((_, set)) = sql.split_once(" SET ") else {
        return Vec::new();
    };
    // Several at once: `SET (a, b) = (SELECT ...)`.
    let list = set.strip_prefix('(').and_then(|list| list.split_once(')'));
    let listed = list.into_iter().flat_map(|(names, _)| names.split(','));
    // What else is in parentheses sets nothing.
    let (mut depth, mut outer) = (0, String::new());
    for c in set.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if depth == 0 => outer.push(c),
            _ => {}
        }
    }
    let ends = ["WHERE ", " FROM "].iter();
    let end = ends.filter_map(|word| outer.find(word)).min();
    let parts = outer[..end.unwrap_or(outer.len())].split(',');
    let single = parts.filter_map(|part| Some(part.split_once('=')?.0));
    let names = listed.chain(single).map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_statement_changes_a_rowid_or_replaces_a_row() {
    let (_folder, connection) = checkpoint();
    let rowids = rowid_columns(&connection);
    for Statement { file, sql } in statements() {
        assert!(
            !sql.contains("REPLACE INTO") && !sql.contains("OR REPLACE"),
            "{file}: {sql}"
        );
        let after = sql
            .strip_prefix("UPDATE ")
            .or_else(|| sql.strip_prefix("INSERT INTO "));
        let Some(table) = after.and_then(|after| after.split([' ', '(']).next()) else {
            continue;
        };
        let rowid = rowids.get(table).map_or("rowid", String::as_str);
        for column in columns_set(&sql) {
            assert!(
                column != rowid && column != "rowid",
                "{file}: the rowid changes: {sql}"
            );
        }
    }
}

/// Statements that make a table for a while, with the reason. None of them is asked for each row that is sent, nor for
/// each event.
const MAKES_TABLE: &[(&str, &str)] = &[
    (
        "SELECT DISTINCT recipient >> 32",
        "the batches with requests under way, for a summary",
    ),
    ("SELECT r.id, i.file, i.row, r.state, iif(", "all unknowns"),
    (
        "INSERT INTO contact (channel, api_id, person, former, opted_out_at) SELECT",
        "a contact that was another person's before",
    ),
    (
        "SELECT o.id >> 32, count(DISTINCT o.person)",
        "whether the list of a batch was read again, once for each run",
    ),
    ("SELECT p.number, i.fields", "the list of a follow-up, once"),
    (
        "'the answer names the number of a person who was erased'",
        "`forget`",
    ),
    (
        "SELECT r.id, r.state, EXISTS (SELECT 1 FROM attempt a",
        "`history import` of a batch that is there",
    ),
    (
        "reason = iif(reason_code = 'waits', NULL, reason)",
        "the begin of a run, in steps",
    ),
    (
        "AND id >> 32 = ?1 ORDER BY id LIMIT ?2",
        "the people of a pilot, once",
    ),
    ("UPDATE event SET news = NULL", "`prune`, in steps"),
    (
        "SELECT count(*) FROM recipient WHERE id > ?1 AND id < ?2 AND state IN",
        "`prune`, once for each batch",
    ),
    ("SELECT r.id, r.state, iif(", "the results file"),
    (
        "SELECT max(0, coalesce(max(rowid), 0)) + 1",
        "a process that asks the API outside of a run",
    ),
    ("SELECT i.file, i.row, p.number, i.first_name", "`test`"),
    (
        "SELECT path, size FROM written_file WHERE kind IN",
        "where results were written",
    ),
];

/// Whether SQLite makes a table each time that it runs the statement: for what `RETURNING` returns, for the rows of
/// `UPDATE ... FROM` and of `INSERT ... SELECT` from the same table, for a list of more than two words.
fn makes_table(connection: &Connection, sql: &str) -> bool {
    let mut explain = connection.prepare(&format!("EXPLAIN {sql}")).unwrap();
    let mut rows = explain.raw_query();
    let mut opcodes = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        opcodes.push(row.get::<_, String>(1).unwrap());
    }
    opcodes.iter().any(|opcode| opcode == "OpenEphemeral")
}

/// To make one takes as long as all else that a row needs.
#[test]
fn no_statement_that_is_asked_for_each_row_makes_a_table() {
    let (_folder, connection) = checkpoint();
    let mut faults = Vec::new();
    let mut unused: BTreeMap<&str, &str> = MAKES_TABLE.iter().copied().collect();
    for Statement { file, sql } in statements() {
        if !makes_table(&connection, &sql) {
            continue;
        }
        match MAKES_TABLE.iter().find(|(part, _)| sql.contains(part)) {
            Some((part, _)) => drop(unused.remove(part)),
            None => faults.push(format!("{file}: {sql}")),
        }
    }
    faults.extend(unused.keys().map(|part| format!("gone: {part}")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_table_has_a_rowid_of_its_own() {
    let (_folder, connection) = checkpoint();
    let mut select = connection
        .prepare("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
        .unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let without: Vec<String> = rows
        .unwrap()
        .map(Result::unwrap)
        .filter(|(_, without_rowid)| *without_rowid)
        .map(|(name, _): (String, bool)| name)
        .collect();
    assert_eq!(without, [""; 0], "WITHOUT ROWID");
    let counted: i64 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%AUTOINCREMENT%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(counted, 0, "AUTOINCREMENT");
}

#[test]
fn the_reading_of_statements_finds_what_it_looks_for() {
    let found = literals(r#"const A: &str = "x \" y"; f('"', "z"); // "no""#);
    let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["x \" y", "z"]);
    assert_eq!(constant(&found[0].0), Some("A"));
    assert!(statements().len() > 100);
    let sql = "SELECT 1 FROM attempt a JOIN batch b";
    assert_eq!(growing(sql, "a"), ["attempt"]);
    assert_eq!(growing(sql, "b"), [""; 0]);
    assert_eq!(reads(sql, "SCAN a"), Some(Reads::All));
    assert_eq!(reads(sql, "SCAN b"), None);
    let range = "SEARCH a USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
    assert_eq!(reads(sql, range), Some(Reads::Range));
    let set = "UPDATE t SET a = f(b, c = 1), d = 2 WHERE e = 3";
    assert_eq!(columns_set(set), ["a", "d"]);
    let several = "UPDATE t SET (a, b) = (SELECT c, d FROM t WHERE e = 1), f = 2 WHERE e = 3";
    assert_eq!(columns_set(several), ["a", "b", "f"]);
}
