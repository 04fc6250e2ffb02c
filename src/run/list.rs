//! A list of people and the message for them: read, examined, and judged row by row.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::RunError;
use super::fallback::{FallbackSource, Others};
use super::known::Known;
use super::sms::{self, SmsRule};
use crate::domain::content::{ContentSource, Notice, Template};
use crate::domain::dialect::{Dialect, FileFormat};
use crate::domain::eligibility::HistorySpan;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{JudgedRow, Position, Record, Verdict};
use crate::domain::sms::{SmsSettings, SmsTally};
use crate::intake::{
    self, Input, Judge, JudgeError, LetterDoubt, LooksInternational, Render, Source, Unsendable,
};
use crate::report::check::CheckReport;
use crate::report::rejects::RejectsFile;
use crate::store::Reader;

/// So many rendered messages are shown.
const SAMPLES: usize = 3;

/// The progress of a list is reported each time so many rows were read.
const REPORT_EVERY: u64 = 16_384;

/// One or several contacts files and the message for them, examined. No row is judged yet.
pub struct List {
    pub(super) input: Input,
    pub(super) message: Option<Template>,
    dialect: Option<Dialect>,
    pub(super) sms: SmsSettings,
    /// The messages for other channels.
    pub(super) others: Option<Others>,
    /// What the message was compiled from.
    source: Option<ContentSource>,
}

impl List {
    /// Reads the files once, and checks the message against their columns.
    ///
    /// # Errors
    /// [`RunError`] if a file cannot be used, or the message does not fit its columns.
    pub fn open(
        sources: &[Source],
        settings: &intake::Settings,
        message: Option<&ContentSource>,
    ) -> Result<Self, RunError> {
        let input = Input::open(sources, settings)?;
        let compile = |message| Template::compile(message, input.headers());
        let source = message.cloned();
        let message = message.map(compile).transpose()?;
        Ok(Self {
            input,
            message,
            dialect: None,
            sms: SmsSettings::default(),
            others: None,
            source,
        })
    }

    /// The same; the rejects are written in this dialect instead of the list's own.
    #[must_use]
    pub fn in_dialect(self, dialect: Option<Dialect>) -> Self {
        Self { dialect, ..self }
    }

    /// The same; its messages are counted as SMS, and limited, as these say.
    #[must_use]
    pub fn with_sms(self, sms: SmsSettings) -> Self {
        Self { sms, ..self }
    }

    /// The same; people whom the channel does not reach go on to others.
    ///
    /// # Errors
    /// [`RunError`] if a message for another channel does not fit the list's columns, or is needed and not there.
    pub fn with_fallback(self, fallback: &FallbackSource) -> Result<Self, RunError> {
        let headers = self.input.headers();
        let others = Others::compile(fallback, self.source.as_ref(), headers)?;
        Ok(Self { others, ..self })
    }

    /// Whether Facebook refuses the message whoever gets it, because its tag was retired.
    pub fn has_retired_tag(&self) -> bool {
        self.notices().iter().any(|notice| match notice {
            Notice::RetiredTag { .. } => true,
            Notice::HumanAgent => false,
        })
    }

    /// What is odd about the message, though it can be sent.
    pub fn notices(&self) -> &[Notice] {
        self.message.as_ref().map_or(&[], Template::notices)
    }

    /// Whether nearly all numbers seem to begin with their country code, though the settings do not say so: most
    /// rows are invalid then, and a person should be asked whether [`intake::Settings::international`] is meant.
    pub fn looks_international(&self) -> Option<&LooksInternational> {
        self.input.looks_international()
    }

    /// A file whose letters may be others, where the message is made with such a column: a person should look at
    /// it before it is sent.
    pub fn doubtful_message(&self) -> Option<&LetterDoubt> {
        let message = self.message.as_ref()?;
        let used: Vec<usize> = (0..self.input.headers().len())
            .filter(|column| message.uses(*column))
            .collect();
        let mut doubts = self.input.doubts().iter();
        doubts.find(|doubt| used.iter().any(|column| doubt.is_about(*column)))
    }

    /// What was detected about the files, in words.
    pub fn notes(&self) -> &[String] {
        self.input.notes()
    }

    /// The names of the files.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.input.file_names()
    }

    /// Where the rows that cannot be sent are written if nothing else is asked for: in the current folder.
    pub fn default_rejects_path(&self) -> PathBuf {
        let suffix = self.input.format().suffix(self.dialect, 0);
        PathBuf::from(format!("{}.rejects.{suffix}", self.input.stem()))
    }

    /// Says what would become of each row. Nothing is sent, and nothing written but `rejects`.
    ///
    /// # Errors
    /// [`RunError`] where a `send` would refuse the list, the checkpoint cannot be read, or `rejects` cannot
    /// be written.
    pub fn check(
        mut self,
        settings: &CheckSettings<'_>,
        now: Timestamp,
    ) -> Result<CheckReport, RunError> {
        let (mut known, mut channel_type) = (Known::default(), None);
        if let Some(path) = settings.checkpoint.filter(|path| path.exists()) {
            let reader = Reader::open(path)?;
            if let Some(channel) = settings.channel {
                channel_type = reader.channel_type(channel)?;
            }
            known = Known::new(reader, settings.history, None, Vec::new(), now);
        }
        let pass = Pass {
            known,
            sms: SmsRule::of(self.sms, channel_type.as_deref()),
            channel: settings.channel,
            batch: None,
            earlier_files: &[],
            seen: &[],
            rejects: settings.rejects,
            keep_rejects: true,
        };
        let note = sms::note(self.sms, channel_type.as_deref());
        let mut report = pass.judge(&mut self, &mut |_| (), &mut |_| Ok(()))?;
        report.notes.extend(note);
        Ok(report)
    }
}

/// What a check goes by.
#[derive(Debug, Clone, Copy)]
pub struct CheckSettings<'a> {
    /// The checkpoint, which knows suppressed numbers and earlier messages; it need not be there.
    pub checkpoint: Option<&'a Path>,
    /// How far back earlier messages to a person count.
    pub history: HistorySpan,
    /// The channel that would be used, if it is known.
    pub channel: Option<&'a str>,
    /// Where to write the rows that cannot be sent.
    pub rejects: Option<&'a Path>,
}

/// One pass over all rows of a list.
pub(super) struct Pass<'a> {
    /// What the checkpoint knows of the numbers.
    pub(super) known: Known,
    pub(super) channel: Option<&'a str>,
    /// The batch that the rows are for.
    pub(super) batch: Option<&'a str>,
    /// The files that the batch has already.
    pub(super) earlier_files: &'a [String],
    /// The numbers that the batch has already, with their rows.
    pub(super) seen: &'a [(PhoneNumber, Position)],
    pub(super) rejects: Option<&'a Path>,
    /// The rejects are written also where the list turns out unusable.
    pub(super) keep_rejects: bool,
    /// How messages are counted as SMS; `None` if they are not.
    pub(super) sms: Option<SmsRule>,
}

impl Pass<'_> {
    /// Judges and renders each row and hands it to `take`; reports the rows read to `progress` now and then.
    pub(super) fn judge(
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
        let create = |path| {
            let format = FileFormat::of(path, input.format(), *dialect);
            RejectsFile::create(path, input.headers(), format, self.batch)
        };
        let mut rejects = self.rejects.map(create).transpose()?;
        let (known, channel) = (self.known, self.channel);
        let suppressed = |phone| known.cause(phone);
        let of_another = |id: &str, phone| known.contact_of_another(channel, id, phone);
        let render = |record: &Record, _, phone| match message {
            Some(message) => {
                let rendered = known.message(message, channel, record, phone)?;
                match self.sms.and_then(|rule| rule.refusal(&rendered)) {
                    Some(refusal) => Err(Unsendable::Segments(refusal)),
                    None => Ok(match others {
                        Some(others) => others.render(rendered, record),
                        None => rendered,
                    }),
                }
            }
            None => Err(Unsendable::Problem("there is no message".to_owned())),
        };
        let judge = Judge {
            suppressed: &suppressed,
            of_another: &of_another,
            render: message.is_some().then_some(&render as &Render<'_>),
            seen: self.seen,
            first_file: u16::try_from(self.earlier_files.len()).unwrap_or(u16::MAX),
        };
        let (mut rows, mut samples) = (0_u64, Vec::new());
        let mut sms = self.sms.map(|_| SmsTally::default());
        let judged = input.judge(&judge, &mut |row| {
            rows += 1;
            if rows.is_multiple_of(REPORT_EVERY) {
                progress(rows);
            }
            if samples.len() < SAMPLES {
                samples.extend(sample(&row));
            }
            if let Some(sms) = &mut sms
                && let Some(content) = message_of(&row)
            {
                sms.count(content);
            }
            if let Some(rejects) = &mut rejects {
                rejects.push(&row)?;
            }
            take(row)
        });
        known.check()?;
        let is_unusable = matches!(judged, Err(JudgeError::Intake(_)));
        if is_unusable && !self.keep_rejects {
            rejects = None;
        }
        let rejected = rejects.map(RejectsFile::finish).transpose()?;
        let summary = judged?;
        let files = self.earlier_files.iter().map(String::as_str);
        let missing = others.and_then(Others::note);
        Ok(CheckReport {
            files: files.chain(input.file_names()).map(str::to_owned).collect(),
            notes: input.notes().iter().cloned().chain(missing).collect(),
            mapping: input.mapping().clone(),
            summary,
            samples,
            forecast: None,
            sms: sms.filter(|sms| sms.messages + sms.no_texts > 0),
            rejected: rejected.unwrap_or(0),
        })
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

/// A message for people: a text as it reads, anything else as JSON.
pub(super) fn readable(content: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(content).ok()?;
    let text = match value.get("payload").and_then(serde_json::Value::as_str) {
        Some(text) if value.get("quick_replies").is_none() => text,
        Some(_) | None => content,
    };
    Some(text.to_owned())
}
