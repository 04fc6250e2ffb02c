//! One pass over all rows of a list: judged, rendered, counted, and the rows to mend written.

use std::collections::HashMap;
use std::iter;
use std::path::Path;

use jiff::Timestamp;

use super::clash::{Clash, FileClash};
use super::error::RunError;
use super::fallback::FallbackMessages;
use super::known::{Known, KnownTally};
use super::list::{List, readable};
use super::sms::SmsRule;
use crate::domain::content::{Rendered, Template, for_step};
use crate::domain::dialect::{Dialect, FileFormat};
use crate::domain::fallback::Step;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{JudgedRow, Mends, Position, Record, Suppression, Verdict};
use crate::domain::results_row::content_digest;
use crate::domain::sms::SmsTally;
use crate::intake::{
    EXAMPLES, EarlierMessages, Input, Judge, JudgeError, MendedRow, Render, Summary, Unsendable,
};
use crate::report::check::CheckReport;
use crate::report::rejects::RejectsFile;
use crate::store::MendPlace;

/// How many rendered messages are shown.
const SAMPLES: usize = 3;

/// The progress of a list is reported each time so many rows were read.
const REPORT_EVERY: u64 = 16_384;

/// The rows that a batch has already, for a list that is about to join it.
#[derive(Debug, Default)]
pub(super) struct BatchRows {
    /// The name of the batch.
    pub(super) batch: String,
    /// Its numbers, each with the row that counts; none where the list takes the place of the batch's.
    pub(super) numbers: Vec<(PhoneNumber, Position)>,
    /// Those that could not be sent, if rows of the list say which they mend.
    pub(super) to_mend: HashMap<Position, MendPlace>,
}

impl BatchRows {
    /// What is known of the row that a row with this number mends.
    fn mended(&self, mends: &Mends, phone: PhoneNumber) -> MendedRow {
        let is_ours = self.batch == mends.batch;
        match self.to_mend.get(&mends.position).filter(|_| is_ours) {
            None => MendedRow::Other,
            Some(MendPlace::Free(_)) => MendedRow::Open,
            // The same person once more, who may not have been messaged.
            Some(MendPlace::Taken(by)) if *by == Some(phone) => MendedRow::Other,
            Some(MendPlace::Taken(by)) => {
                let row = mends.position.row;
                let by = by.map_or_else(String::new, |phone| format!(", by {}", phone.masked()));
                MendedRow::Taken(format!("row {row} of batch {}{by}", mends.batch))
            }
        }
    }
}

/// One pass over all rows of a list.
#[derive(Default)]
pub(super) struct Pass<'a> {
    /// What the checkpoint knows of the numbers.
    pub(super) known: Known,
    pub(super) channel: Option<&'a str>,
    /// The batch that the rows are for.
    pub(super) batch: Option<&'a str>,
    /// The files that the batch has already.
    pub(super) earlier_files: &'a [String],
    /// The rows that the batch has already; `None` if it is new.
    pub(super) has: Option<&'a BatchRows>,
    pub(super) rejects: Option<&'a Path>,
    /// The rejects are written also where the list turns out unusable.
    pub(super) keep_rejects: bool,
    /// The file of rejects that stands there is left as it is.
    pub(super) leave_rejects: bool,
    /// Which rows need no number: there is nothing to mend in them.
    pub(super) needs_no_number: Option<&'a (dyn Fn(&Record) -> bool + Sync)>,
    /// How many rows of a kind are shown.
    pub(super) examples: Option<usize>,
    /// When consents that end are asked; without it none of them counts.
    pub(super) now: Option<Timestamp>,
    /// How messages are counted as SMS; `None` if they are not.
    pub(super) sms: Option<SmsRule>,
}

impl Pass<'_> {
    /// As [`Self::judge_all`].
    ///
    /// # Errors
    /// As [`Self::judge_all`], and where the list as a whole must not be used.
    pub(super) fn judge(
        self,
        list: &mut List,
        progress: &mut dyn FnMut(u64),
        take: &mut dyn FnMut(JudgedRow) -> Result<(), RunError>,
    ) -> Result<CheckReport, RunError> {
        Ok(self.judge_all(list, progress, take)?.accepted()?)
    }

    /// Judges and renders each row and hands it to `take`; reports the rows read to `progress` now and then. What
    /// `take` got must be thrown away where the report holds a refusal.
    pub(super) fn judge_all(
        self,
        list: &mut List,
        progress: &mut dyn FnMut(u64),
        take: &mut dyn FnMut(JudgedRow) -> Result<(), RunError>,
    ) -> Result<CheckReport, RunError> {
        let List {
            input,
            message,
            dialect,
            others,
            ..
        } = list;
        let (message, others) = (message.as_ref(), others.as_ref());
        let mut rejects = self.create_rejects(input, *dialect)?;
        let (known, channel) = (&self.known, self.channel);
        // Where there is a message, the person is judged with it.
        let suppressed = |phone| match message {
            Some(_) => None,
            None => known.cause(phone, channel),
        };
        let of_another = |id: &str, phone| known.contact_of_another(channel, id, phone);
        let render = |record: &Record, phone, sent: &EarlierMessages| match message {
            Some(message) => self.render((message, others), record, phone, sent),
            None => Err(Unsendable::Problem("there is no message".to_owned())),
        };
        let by_other_number = |phone, rendered: Option<&Rendered>, sent: &EarlierMessages| {
            let content = rendered.map(|it| it.content.as_str());
            let cause = known.cause_by_other_number(phone, (channel, content));
            cause.or_else(|| self.sent_by_list(rendered?, others, phone, sent))
        };
        let has = self.has;
        let mended =
            |mends: &Mends, phone| has.map_or(MendedRow::Other, |it| it.mended(mends, phone));
        let judge = Judge {
            mended: &mended,
            suppressed: &suppressed,
            by_other_number: &by_other_number,
            of_another: &of_another,
            render: message.is_some().then_some(&render as &Render<'_>),
            seen: has.map_or(&[], |it| &it.numbers),
            now: self.now,
            first_file: u16::try_from(self.earlier_files.len()).unwrap_or(u16::MAX),
            examples: self.examples.unwrap_or(EXAMPLES),
        };
        let mut totals = PassTotals::new(self.sms.is_some());
        let judged = input.judge_all(&judge, &mut |row| {
            totals.count(&row, progress);
            self.count_known(&row, &mut totals.people);
            let is_whole = || self.needs_no_number.is_some_and(|it| it(&row.record));
            if let Some(rejects) = &mut rejects
                && !is_whole()
            {
                rejects.push(&row)?;
            }
            take(row)
        });
        self.known.check()?;
        self.concluded(input, others, judged, totals, rejects)
    }

    /// Counts what is known of the row's person.
    fn count_known(&self, row: &JudgedRow, people: &mut KnownTally) {
        let Some((phone, is_counted)) = number_of(row) else {
            return;
        };
        if is_counted && self.known.counts_people() {
            let is_queued = matches!(row.verdict, Verdict::Queued(_));
            self.known.count(people, phone, is_queued, self.channel);
        }
        self.known.done_with(phone);
    }

    /// The file that the rows to mend go to, if they are asked for.
    fn create_rejects(
        &self,
        input: &Input,
        dialect: Option<Dialect>,
    ) -> Result<Option<RejectsFile>, RunError> {
        let create = |path| {
            let format = FileFormat::of(path, input.format(), dialect);
            RejectsFile::create(path, input.headers(), format, self.batch)
        };
        Ok(self.rejects.map(create).transpose()?)
    }

    /// What all rows together say of the list, and whether it can be used.
    fn concluded(
        &self,
        input: &Input,
        others: Option<&FallbackMessages>,
        judged: Result<Summary, JudgeError<RunError>>,
        totals: PassTotals,
        rejects: Option<RejectsFile>,
    ) -> Result<CheckReport, RunError> {
        let refusal = match &judged {
            Ok(summary) => input.refusal(summary),
            Err(_) => None,
        };
        let is_unusable = refusal.is_some() || matches!(judged, Err(JudgeError::Intake(_)));
        let rejects = rejects.filter(|_| self.keep_rejects || !is_unusable);
        let rejected = self.finish(rejects)?;
        let notes = others
            .into_iter()
            .flat_map(FallbackMessages::notes)
            .collect();
        Ok(CheckReport {
            rejected,
            rejects: self.rejects.filter(|_| rejected > 0).map(Path::to_owned),
            refusal,
            ..self.report(input, totals, judged?, notes)?
        })
    }

    /// What the rows showed.
    fn report(
        &self,
        input: &Input,
        totals: PassTotals,
        summary: Summary,
        more_notes: Vec<String>,
    ) -> Result<CheckReport, RunError> {
        let files = self.earlier_files.iter().map(String::as_str);
        let people = self
            .known
            .counts_people()
            .then(|| self.known.counted_people(&totals.people, self.channel));
        self.known.check()?;
        Ok(CheckReport {
            files: files.chain(input.file_names()).map(str::to_owned).collect(),
            notes: input.notes().iter().cloned().chain(more_notes).collect(),
            mapping: input.mapping().clone(),
            summary,
            samples: totals.samples,
            forecast: None,
            sms: totals.sms.filter(|sms| sms.messages + sms.no_texts > 0),
            known: people.flatten(),
            rejected: 0,
            rejects: None,
            refusal: None,
        })
    }

    /// The message of one row for a number, or why there is none.
    fn render(
        &self,
        (message, others): (&Template, Option<&FallbackMessages>),
        record: &Record,
        phone: PhoneNumber,
        sent: &EarlierMessages,
    ) -> Result<Rendered, Unsendable> {
        let rendered = self.known.message(message, self.channel, record, phone)?;
        if let Some(refusal) = self.sms.and_then(|rule| rule.refusal(&rendered)) {
            return Err(Unsendable::Segments(refusal));
        }
        let rendered = match others {
            Some(others) => others.render(rendered, record),
            None => rendered,
        };
        match self.sent_by_list(&rendered, others, phone, sent) {
            Some(cause) => Err(Unsendable::Suppressed(cause)),
            None => Ok(rendered),
        }
    }

    /// Whether the list itself says that the message went to the number, over its own channel or over another one that the
    /// person would go on to, and no checkpoint knows of it: what is known there counts, and was asked before.
    fn sent_by_list(
        &self,
        rendered: &Rendered,
        others: Option<&FallbackMessages>,
        phone: PhoneNumber,
        sent: &EarlierMessages,
    ) -> Option<Suppression> {
        let own = self.channel?;
        if sent.is_empty() || !self.known.guards_repeats() {
            return None;
        }
        let others = others.into_iter().flat_map(FallbackMessages::channels);
        let mut steps = (0..).map(Step::new).zip(iter::once(own).chain(others));
        steps.find_map(|(step, channel)| {
            let message = for_step(&rendered.content, &rendered.metadata, step).ok()?;
            let sure = sent.sent(phone, channel, &content_digest(&message.content))?;
            let is_known = self.known.knows_message(phone, channel, &message.content);
            (!is_known).then_some(Suppression::SentByList { sure })
        })
    }

    /// Puts the rejects where they belong and returns how many there are.
    fn finish(&self, rejects: Option<RejectsFile>) -> Result<u64, RunError> {
        let Some(rejects) = rejects else {
            return Ok(0);
        };
        if !self.leave_rejects {
            return Ok(rejects.finish()?);
        }
        let path = rejects.path().to_owned();
        let rows = rejects.compare()?;
        rows.ok_or_else(|| FileClash::new("--rejects", &path, Clash::Stands).into())
    }
}

/// What is counted and kept while the rows are judged.
struct PassTotals {
    rows: u64,
    samples: Vec<String>,
    sms: Option<SmsTally>,
    /// What the checkpoint knows of the people.
    people: KnownTally,
}

impl PassTotals {
    fn new(count_sms: bool) -> Self {
        Self {
            rows: 0,
            samples: Vec::new(),
            sms: count_sms.then(SmsTally::default),
            people: KnownTally::default(),
        }
    }

    fn count(&mut self, row: &JudgedRow, progress: &mut dyn FnMut(u64)) {
        self.rows += 1;
        if self.rows.is_multiple_of(REPORT_EVERY) {
            progress(self.rows);
        }
        if self.samples.len() < SAMPLES {
            self.samples.extend(sample(row));
        }
        if let Some(sms) = &mut self.sms
            && let Some(content) = message_of(row)
        {
            sms.count(content);
        }
    }
}

/// The number of a row, and whether it is the first one that has it.
fn number_of(row: &JudgedRow) -> Option<(PhoneNumber, bool)> {
    match &row.verdict {
        Verdict::Queued(accepted) => Some((accepted.phone, true)),
        Verdict::Suppressed { phone, .. } => Some((*phone, true)),
        Verdict::Duplicate { phone, .. } => Some((*phone, false)),
        Verdict::Invalid { phone, .. } => phone.map(|phone| (phone, false)),
    }
}

/// The message of a row as it would be sent: a text as it reads, anything else as JSON.
fn sample(row: &JudgedRow) -> Option<String> {
    let text = readable(message_of(row)?)?;
    Some(format!("row {}: {text}", row.position.row))
}

/// The JSON of the message of a row that is to be sent.
fn message_of(row: &JudgedRow) -> Option<&str> {
    match &row.verdict {
        Verdict::Queued(accepted) => Some(&accepted.content.as_ref()?.content),
        Verdict::Invalid { .. } | Verdict::Duplicate { .. } | Verdict::Suppressed { .. } => None,
    }
}
