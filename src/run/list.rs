//! A list of people and the message for them: read and examined.

use std::collections::HashSet;
use std::path::PathBuf;

use super::definition::Definition;
use super::error::RunError;
use super::fallback::{FallbackMessages, FallbackSource};
use crate::domain::content::{ContentSource, Notice, Template, placeholders};
use crate::domain::dialect::Dialect;
use crate::domain::row_cells::column_names;
use crate::domain::sms::SmsSettings;
use crate::domain::text::hex;
use crate::intake::{self, Input, LetterDoubt, LooksInternational, Sheets, Source};
use crate::report::default_stem;
use crate::store::Batch;

/// One or several contacts files and the message for them, examined. No row is judged yet.
pub struct List {
    pub(super) input: Input,
    pub(super) message: Option<Template>,
    pub(super) dialect: Option<Dialect>,
    pub(super) sms: SmsSettings,
    /// The messages for other channels.
    pub(super) others: Option<FallbackMessages>,
    /// What the message was compiled from.
    pub(super) source: Option<ContentSource>,
    /// How the files are read.
    pub(super) settings: intake::Settings,
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
        let roles = input.mapping().roles();
        let compile = |message| Template::compile_with_roles(message, input.headers(), &roles);
        let source = message.cloned();
        let message = message.map(compile).transpose()?;
        Ok(Self {
            input,
            message,
            dialect: None,
            sms: SmsSettings::default(),
            others: None,
            source,
            settings: settings.clone(),
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
        let roles = self.input.mapping().roles();
        let columns = (self.input.headers(), &roles[..]);
        let others = FallbackMessages::compile(fallback, self.source.as_ref(), columns)?;
        Ok(Self { others, ..self })
    }

    /// Whether Facebook refuses the message for every recipient, because its tag was retired.
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

    /// The sheets of the first workbook that has several, where none was named: a person should be asked which one
    /// is meant, where several have numbers. The first with numbers is read.
    pub fn sheets(&self) -> Option<&Sheets> {
        self.input.sheets()
    }

    /// Rows that are hidden in their sheets, as by a filter, where nobody said what becomes of them: they are read like
    /// the others, and a person should be asked whether they are meant.
    pub fn hidden_rows(&self) -> u64 {
        self.input.hidden_rows()
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

    /// To be asked where nobody watches which lists are sent.
    ///
    /// # Errors
    /// [`RunError`] if a file is a results file: the people in it have the message already.
    pub fn refuse_results(&self) -> Result<(), RunError> {
        Ok(self.input.refuse_results()?)
    }

    /// Leaves out the files that the batch has already of a list that is to join it, and what the list has twice. Returns
    /// what the rest is.
    pub(super) fn leave_out_known(&mut self, definition: Definition, batch: &Batch) -> Definition {
        let mut seen = HashSet::new();
        let any_known = self.input.leave_out(|file| {
            let file = hex(file.bytes());
            definition.has(&batch.definition, &file) || !seen.insert(file)
        });
        match &self.message {
            Some(message) if any_known => {
                Definition::new(&self.input, message, &definition.channel)
            }
            Some(_) | None => definition,
        }
    }

    /// What was detected about the files, in words.
    pub fn notes(&self) -> &[String] {
        self.input.notes()
    }

    /// The columns, in the order of the first file: as they are named where one is chosen, and in a message.
    pub fn columns(&self) -> Vec<(String, String)> {
        let headers = self.input.headers();
        let names = column_names(headers).into_iter();
        names.zip(placeholders(headers)).collect()
    }

    /// The names of the files.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.input.file_names()
    }

    /// Where the rows that cannot be sent are written if nothing else is asked for: in the current folder.
    pub fn default_rejects_path(&self) -> PathBuf {
        let suffix = self.input.format().suffix(self.dialect, 0);
        let stem = default_stem(self.input.stem(), false);
        PathBuf::from(format!("{stem}.rejects.{suffix}"))
    }
}

/// A message for people: a text as it reads, anything else as JSON.
pub(crate) fn readable(content: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(content).ok()?;
    let text = match value.get("payload").and_then(serde_json::Value::as_str) {
        Some(text) if value.get("quick_replies").is_none() => text,
        Some(_) | None => content,
    };
    Some(text.to_owned())
}
