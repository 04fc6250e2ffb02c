//! Steps that send a file back which the program wrote: results, and mended rejects.

use super::check::must;
use super::known::known;
use super::list::{Entry, TEXTS, person};
use super::runs::{Plan, Stepped};
use super::world::{Report, World, results};
use crate::support::Random;

impl World {
    /// The results of a batch as the list of a new one, with the same message or another.
    pub(super) fn send_results(&mut self, random: &mut Random) -> Stepped {
        let (Some(source), Some(name)) = (self.pick_batch(random), self.new_name(random)) else {
            return Ok(Report::default());
        };
        self.model.next_file += 1;
        let file = format!("results{}.csv", self.model.next_file);
        let done = self.run(&["export", &source.name, "-o", &file]);
        must(done.code == Some(0), || format!("export: {}", done.said))?;
        let text = self.scratch.read(&file);
        let list = entries_of(&text);
        let refused = results(&text).into_iter().filter(|row| {
            let reasons = [
                "on the suppression list",
                "no consent",
                "erased",
                "no longer",
                "what the person",
            ];
            // Of a row that was restored, the file may name another channel than the request went through: then the file decides.
            row.is("unknown")
                || row.is("suppressed") && reasons.iter().any(|it| row.reason.starts_with(it))
        });
        let refused: Vec<usize> = refused.filter_map(|row| row.person).collect();
        // An erased row has neither key nor number.
        if list.is_empty() || list.iter().any(|entry| entry.key.is_empty()) {
            return Ok(Report::default());
        }
        let text = if random.next().is_multiple_of(3) {
            (source.text + 1) % TEXTS.len()
        } else {
            source.text
        };
        let plan = Plan {
            name,
            text,
            channel: source.channel,
            strict: false,
            fallback: false,
            file,
            list,
        };
        let sent = self.send_plan(&plan, random)?;
        if let Some(batch) = self.model.batches.get_mut(&plan.name) {
            batch.refused_by_list.extend(refused);
        }
        Ok(sent)
    }

    /// The rejects of a batch's file, with valid numbers and names, join the batch.
    pub(super) fn add_rejects(&mut self, random: &mut Random) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let path = batch.file.replace(".csv", ".rejects.csv");
        if !self.folder().join(&path).exists() {
            return Ok(Report::default());
        }
        let text = self.scratch.read(&path);
        let entry = self.drawer(random).entry();
        let cell = entry
            .person
            .map_or("+420777000129".to_owned(), |_| entry.cell);
        // A row without a name ends its cells with two commas.
        let text = text.replace(",12-34,", &format!(",{cell},"));
        let text = text
            .lines()
            .map(|line| mend_name(line) + "\n")
            .collect::<String>();
        let list = entries_of(&text);
        let guarded = list.iter().any(Entry::is_guarded);
        // What was added before is not added again.
        if batch.added.iter().any(|(_, added)| *added == list) {
            return Ok(Report::default());
        }
        if list.iter().any(|entry| entry.key.is_empty())
            || guarded && known("formula_guard") && batch.text != TEXTS.len() - 1
        {
            return Ok(Report::default());
        }
        self.model.next_file += 1;
        let file = format!("mended{}.csv", self.model.next_file);
        self.scratch.write(&file, &text);
        self.note(&format!("cat > {file} <<EOF\n{text}EOF"));
        let added = self.add_file(&batch, &file, &list, random)?;
        if let Some(batch) = self.model.batches.get_mut(&batch.name) {
            for entry in list {
                let valid = entry.valid_person(batch.text).is_some();
                *batch.mended.entry(entry.key).or_default() += usize::from(valid);
            }
        }
        Ok(added)
    }
}

/// A row of the rejects whose name is missing gets one.
fn mend_name(line: &str) -> String {
    let mut cells: Vec<&str> = line.split(',').collect();
    if cells.len() > 2 && cells[2].is_empty() {
        cells[2] = "Mended";
    }
    cells.join(",")
}

/// The rows of a file that the program wrote, its guards taken off.
fn entries_of(text: &str) -> Vec<Entry> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        let cell = |index| record.get(index).unwrap_or_default().to_owned();
        let (key, cell, name) = (cell(0), cell(1), cell(2));
        let unguarded = name
            .strip_prefix('\'')
            .filter(|rest| rest.starts_with(['=', '-', '@', '+']));
        Entry {
            key,
            person: person(&cell),
            cell,
            name: unguarded.map_or(name.clone(), str::to_owned),
        }
    });
    rows.collect()
}
