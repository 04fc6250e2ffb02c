//! The results file: every row of the input, once, in order, whatever became of it.

use std::fs;

use outreach::internals::report::{COLUMNS, write_results, write_results_file};

use crate::fixture::{cells, every_state, text};
use crate::support::{SandboxProcess, Scratch};

#[test]
fn every_row_of_the_input_is_one_line_with_its_columns_and_ours() {
    let place = every_state();
    let mut out = Vec::new();
    let rows = write_results(&place.reader(), &place.batch(), &mut out).unwrap();
    assert_eq!(rows, 11);
    insta::assert_snapshot!("results", text(&out));
}

#[cfg(unix)]
#[test]
fn a_send_that_finds_nothing_to_do_leaves_the_results_file_as_it_is() {
    use std::os::unix::fs::MetadataExt;
    let scratch = Scratch::new();
    scratch.write(
        "contacts.csv",
        "phone,first_name\n+420777000001,Eva\n+420777000002,Jan\n",
    );
    let sandbox = SandboxProcess::start(&[]);
    scratch.send(&sandbox).run().expect(0);
    // A file that is written anew is another one under the same name.
    let file = || {
        fs::metadata(scratch.path("list.results.csv"))
            .unwrap()
            .ino()
    };
    let first = file();
    scratch.send(&sandbox).run().expect(0);
    assert_eq!(file(), first);
    scratch.resume(&sandbox).run().expect(0);
    assert_eq!(file(), first);
    // Who is on the suppression list is told in no results file of a complete batch, but may be.
    let stop = ["suppress", "add", "+420777000001"];
    scratch
        .outreach(&stop)
        .with(&["--db", "outreach.db"])
        .run()
        .expect(0);
    scratch.send(&sandbox).run().expect(0);
    assert_ne!(file(), first);
}

#[test]
fn each_line_has_as_many_cells_as_the_header_and_every_row_is_there() {
    let place = every_state();
    let path = place.path("r.csv");
    write_results_file(&place.reader(), &place.batch(), &path).unwrap();
    let cells = cells(&path);
    assert!(cells.iter().all(|line| line.len() == 3 + COLUMNS.len()));
    let numbers: Vec<&str> = cells.iter().skip(1).map(|line| line[3].as_str()).collect();
    let wanted: Vec<String> = (2..=12).map(|n| n.to_string()).collect();
    assert_eq!(numbers, wanted);
}

#[test]
fn a_request_under_way_is_unknown_in_the_results() {
    let place = every_state();
    let path = place.path("r.csv");
    write_results_file(&place.reader(), &place.batch(), &path).unwrap();
    let line = &cells(&path)[6];
    assert_eq!((line[3].as_str(), line[5].as_str()), ("7", "unknown"));
    assert!(line[6].contains("under way"), "{line:?}");
}

#[cfg(unix)]
#[test]
fn the_file_is_the_owners_alone_and_nothing_temporary_stays() {
    use std::os::unix::fs::PermissionsExt;
    let place = every_state();
    let path = place.path("r.csv");
    fs::write(&path, "older").unwrap();
    write_results_file(&place.reader(), &place.batch(), &path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(temporary_files(&place.path(".")), 0);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to_and_not_replaced_and_a_link_is_followed() {
    use std::os::unix::fs::FileTypeExt;
    let place = every_state();
    let (reader, batch) = (place.reader(), place.batch());
    write_results_file(&reader, &batch, std::path::Path::new("/dev/null")).unwrap();
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
    fs::write(place.path("real.csv"), "older").unwrap();
    std::os::unix::fs::symlink(place.path("real.csv"), place.path("link.csv")).unwrap();
    write_results_file(&reader, &batch, &place.path("link.csv")).unwrap();
    assert!(
        fs::symlink_metadata(place.path("link.csv"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(cells(&place.path("real.csv")).len(), 12);
}

#[test]
fn a_file_that_cannot_be_written_leaves_no_temporary_one() {
    let place = every_state();
    // A folder stands where the file should go: the rename fails, after all was written.
    fs::create_dir(place.path("r.csv")).unwrap();
    let error = write_results_file(&place.reader(), &place.batch(), &place.path("r.csv"));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("r.csv") && error.contains("mend its folder"),
        "{error}"
    );
    assert_eq!(temporary_files(&place.path(".")), 0);
    let missing = place.path("nowhere/r.csv");
    assert!(write_results_file(&place.reader(), &place.batch(), &missing).is_err());
}

#[test]
fn a_crash_before_the_rename_leaves_the_old_file_whole() {
    let place = every_state();
    fs::write(place.path("r.csv"), "older").unwrap();
    let crashed = place
        .command(&["export", "spring", "-o", "r.csv", "--force"])
        .env("OUTREACH_TEST_CRASH_AT", "export-rename")
        .output()
        .unwrap();
    assert_eq!(crashed.status.code(), None, "killed by its own abort");
    assert_eq!(fs::read_to_string(place.path("r.csv")).unwrap(), "older");
    assert!(
        place
            .outreach(&["export", "spring", "-o", "r.csv", "--force"])
            .status
            .success()
    );
    assert_eq!(cells(&place.path("r.csv")).len(), 12);
}

#[test]
fn export_writes_the_same_to_a_file_and_to_standard_output() {
    let place = every_state();
    let file = place.outreach(&["export", "spring"]);
    assert!(file.status.success(), "{}", text(&file.stderr));
    assert!(file.stdout.is_empty());
    let shown = place.outreach(&["export", "spring", "-o", "-"]);
    let written = fs::read(place.path("spring.results.csv")).unwrap();
    assert_eq!(text(&shown.stdout), text(&written));
}

#[test]
fn an_unknown_batch_names_a_similar_one() {
    let place = every_state();
    let output = place.outreach(&["export", "sprong"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `spring`"));
}

fn temporary_files(folder: &std::path::Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().ends_with(".tmp")
        })
        .count()
}

#[cfg(unix)]
#[test]
fn a_file_is_written_anew_only_if_it_or_what_it_tells_changed() {
    use std::os::unix::fs::MetadataExt;

    use outreach::internals::store::Store;
    use outreach::run::{Files, HeldBatch};

    let place = every_state();
    let now = jiff::Timestamp::now();
    let name = place.batch().name;
    let held = HeldBatch::take(&place.db(), &name, now).unwrap();
    let path = place.path("r.csv");
    let files = Files::new(Some(&place.db()), true);
    // Each file that is written is another one.
    let write = || {
        let written = held.write_results(&files, &path, None, now).unwrap();
        assert_eq!(written, path);
        fs::metadata(&path).unwrap().ino()
    };
    let first = write();
    let content = fs::read(&path).unwrap();
    assert_eq!(write(), first, "nothing changed");

    fs::write(&path, "edited").unwrap();
    let second = write();
    assert_eq!(
        fs::read(&path).unwrap(),
        content,
        "the edited one is replaced"
    );
    assert_eq!(write(), second);

    // Another process changes something.
    let other = Store::open(&place.db()).unwrap();
    let phones = [crate::fixture::phone(1)];
    assert_eq!(other.suppress(&phones, "asked", "test", now).unwrap(), 1);
    let third = write();
    assert_ne!(third, second);
    assert_eq!(write(), third);
}

#[test]
fn rows_that_cannot_be_read_are_an_error_and_the_old_file_stays() {
    let place = every_state();
    let path = place.path("r.csv");
    write_results_file(&place.reader(), &place.batch(), &path).unwrap();
    let whole = fs::read(&path).unwrap();
    // As if a page of the table were lost.
    let damage = rusqlite::Connection::open(place.db()).unwrap();
    damage
        .execute("DELETE FROM recipient WHERE state = 'sent'", [])
        .unwrap();
    let error = write_results_file(&place.reader(), &place.batch(), &path).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), whole);
}

#[test]
fn a_rehearsal_replaces_neither_the_results_nor_the_summary_of_the_real_batch() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    let send = |flags: &[&str]| {
        let send = scratch.send(&sandbox).with(flags);
        send.env("OUTREACH_SUMMARY", "s.json").run().expect(0)
    };
    send(&[]);
    let (results, summary) = (scratch.read("list.results.csv"), scratch.read("s.json"));
    send(&["--sandbox"]);
    assert_eq!(scratch.read("list.results.csv"), results);
    assert_eq!(scratch.read("s.json"), summary);
    assert!(scratch.path("list.sandbox.results.csv").exists());
}
