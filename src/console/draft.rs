//! An uploaded list, and what was said of it: a folder with the file and `draft.json`. It goes when its batch is made,
//! or after a day.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::app::App;
use super::base::{Kind, random};
use super::page::{Failure, digest_of_shown};
use crate::clock::between;
use crate::domain::percent::Percent;
use crate::domain::phone::Region;
use crate::intake::HiddenRows;
use crate::report::write_whole_file;
use crate::run::{
    BatchKnows, ContentSource, Corrections, IntakeSettings, KeptList, List, Rehearsal, RunError,
    SmsSettings, Source, batch_knows, batch_to_mend,
};

/// The folder of the file: it may have any name.
pub(super) const LIST: &str = "list";

/// An uploaded list is kept so long.
const KEPT: Duration = Duration::from_hours(24);

/// How often old ones are looked for.
const SWEEP: Duration = Duration::from_mins(10);

/// What was said of an uploaded list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Draft {
    #[serde(skip)]
    pub(super) id: String,
    /// The file.
    #[serde(skip)]
    pub(super) file: PathBuf,
    /// Its name.
    pub(super) name: String,
    pub(super) uploaded_at: Timestamp,
    #[serde(default)]
    pub(super) choices: Choices,
    pub(super) message: String,
    #[serde(default)]
    pub(super) sms: bool,
    #[serde(default)]
    pub(super) channel: String,
    /// The batch whose rows it mends, and which it joins.
    #[serde(default)]
    pub(super) joins: Option<Joined>,
}

/// A batch that a list joins: what it knows is taken from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Joined {
    pub(super) batch: String,
    list: KeptList,
}

impl Joined {
    /// The list with the messages for the other channels of the batch.
    pub(super) fn complete(&self, list: List) -> Result<List, RunError> {
        list.with_fallback(&self.list.fallback)
    }

    /// The batch whose rows the file mends; and what is to be said of one that it cannot join.
    pub(super) fn find(app: &App, source: &Source) -> Result<(Option<Self>, String), Failure> {
        let source = std::slice::from_ref(source);
        let named = match batch_to_mend(source, &app.settings.intake) {
            Ok(Some(batch)) => batch,
            // Of a file that cannot be read its page says so.
            Ok(None) | Err(RunError::Intake(_)) => return Ok((None, String::new())),
            Err(error) => return Ok((None, format!("{error}."))),
        };
        let alone = |why| {
            format!("These rows mend rows of batch {named}, {why}: they are a list of their own.")
        };
        Ok(match batch_knows(app.checkpoint(app.kind()), &named)? {
            None => (None, alone("which is not here")),
            Some(BatchKnows { list: None, .. }) => {
                (None, alone("which does not keep how its list was read"))
            }
            Some(BatchKnows {
                batch,
                list: Some(list),
                ..
            }) => (Some(Self { batch, list }), String::new()),
        })
    }
}

/// How the file is read, where the user says otherwise than what is found out. Empty texts say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Choices {
    pub(super) phone: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) country: String,
    pub(super) region: String,
    pub(super) encoding: String,
    pub(super) sheet: String,
    /// Whether numbers without a plus begin with their country code, once that was asked.
    pub(super) international: Option<bool>,
    pub(super) no_header: bool,
    pub(super) ignore_consent: Vec<String>,
    /// What becomes of rows that are hidden in a sheet, once that was asked: `skip` or `send`.
    pub(super) hidden_rows: String,
    pub(super) corrections: Corrections,
    /// Rows that cannot be sent are left out, however many they are.
    pub(super) leave_out: bool,
}

pub(super) fn new_id() -> Result<String, Failure> {
    let id = random().map_err(Failure::broken)?;
    Ok(id.get(..16).unwrap_or(&id).to_owned())
}

impl Draft {
    pub(super) fn begin(app: &App, id: String, name: String, file: PathBuf) -> Self {
        let region = app.settings.intake.region;
        Self {
            id,
            file,
            name,
            uploaded_at: app.clock.now(),
            choices: Choices {
                region: region.map_or_else(String::new, Region::code),
                international: app.settings.intake.international.then_some(true),
                ..Choices::default()
            },
            message: app.settings.message.clone(),
            sms: app.settings.sms.counted,
            channel: app.settings.channel.clone().unwrap_or_default(),
            joins: None,
        }
    }

    fn source(&self) -> Source {
        Source::Named {
            path: self.file.clone(),
            name: self.name.clone(),
        }
    }

    /// The same, on its way into the batch whose rows it mends, if it mends any; and what is to be said of that.
    pub(super) fn joining(mut self, app: &App) -> Result<(Self, String), Failure> {
        let (joins, said) = Joined::find(app, &self.source())?;
        self.joins = joins;
        Ok((self, said))
    }

    /// Where its files are.
    pub(super) fn folder(&self, app: &App) -> PathBuf {
        app.uploads.join(&self.id)
    }

    pub(super) fn save(&self, app: &App) -> Result<(), Failure> {
        let json = serde_json::to_vec_pretty(self).map_err(|error| Failure::internal(&error))?;
        write_whole_file(&self.folder(app).join("draft.json"), &json)
            .map_err(|error| Failure::broken(error.to_string()))
    }

    /// [`Self::load`], for a handler.
    pub(super) async fn find(app: &Arc<App>, id: &str) -> Result<Self, Failure> {
        let id = id.to_owned();
        app.blocking(move |app| Self::load(app, &id)).await
    }

    /// Reads the draft. Waits for the disk.
    pub(super) fn load(app: &App, id: &str) -> Result<Self, Failure> {
        let gone = || Failure::not_found("uploaded list");
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(gone());
        }
        let folder = app.uploads.join(id);
        let json = fs::read(folder.join("draft.json")).map_err(|_| gone())?;
        let draft: Self =
            serde_json::from_slice(&json).map_err(|error| Failure::internal(&error))?;
        Ok(Self {
            id: id.to_owned(),
            file: folder.join(LIST).join(&draft.name),
            ..draft
        })
    }

    /// All of them, the newest first.
    pub(super) fn all(app: &App) -> Vec<Self> {
        let folders = fs::read_dir(&app.uploads).into_iter().flatten().flatten();
        let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
        let mut drafts: Vec<Self> = names.filter_map(|id| Self::load(app, &id).ok()).collect();
        drafts.sort_by_key(|draft| std::cmp::Reverse(draft.uploaded_at));
        drafts
    }

    pub(super) fn remove(&self, app: &App) {
        remove(&self.folder(app));
    }

    /// How its file is read.
    pub(super) fn intake(&self, app: &App) -> Result<IntakeSettings, String> {
        let (mut settings, choices) = (app.settings.intake.clone(), &self.choices);
        let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        if let Some(phone) = said(&choices.phone) {
            settings.columns.phone = vec![phone];
        }
        let columns = &mut settings.columns;
        columns.first_name = said(&choices.first_name).or(columns.first_name.take());
        columns.last_name = said(&choices.last_name).or(columns.last_name.take());
        columns.region = said(&choices.country).or(columns.region.take());
        settings.region = match choices.region.as_str() {
            "" => None,
            code => Some(code.parse().map_err(|error| format!("{error}"))?),
        };
        if let Some(name) = said(&choices.encoding) {
            settings.encoding = Some(name.parse().map_err(|error| format!("{error}"))?);
        }
        settings.sheet = said(&choices.sheet).or(settings.sheet);
        settings.hidden_rows = match choices.hidden_rows.as_str() {
            "skip" => Some(HiddenRows::Skip),
            "send" => Some(HiddenRows::Send),
            _ => settings.hidden_rows,
        };
        settings.international = choices.international.unwrap_or(false);
        settings.no_header |= choices.no_header;
        settings
            .ignore_consent
            .extend(choices.ignore_consent.iter().cloned());
        if let Some(joined) = &self.joins {
            settings = joined.list.settings(&settings, &|_| false);
            // Of the rows that cannot be sent a person may have mended some only.
            settings.min_valid = Percent::NONE;
        }
        if choices.leave_out {
            settings.min_valid = Percent::NONE;
        }
        settings.corrections = choices.corrections.clone();
        Ok(settings)
    }

    /// The message; `None` as long as there is none.
    pub(super) fn content(&self, app: &App) -> Option<ContentSource> {
        match &self.joins {
            Some(joined) => Some(joined.list.message.clone()),
            None => (!self.message.trim().is_empty()).then(|| content(app, &self.message)),
        }
    }

    /// Reads the file once.
    pub(super) fn open(
        &self,
        settings: &IntakeSettings,
        message: Option<&ContentSource>,
    ) -> Result<List, RunError> {
        List::open(&[self.source()], settings, message)
    }

    /// The channel that it is sent through.
    pub(super) fn channel(&self, kind: Kind) -> Option<&str> {
        match (self.channel.as_str(), kind) {
            ("", Kind::Rehearsal) if self.sms => Some(Rehearsal::SMS_CHANNEL),
            ("", Kind::Rehearsal) => Some(Rehearsal::CHANNEL),
            ("", Kind::Real) => None,
            (channel, _) => Some(channel),
        }
    }

    /// How its messages are counted as SMS.
    pub(super) fn sms_settings(&self, app: &App) -> SmsSettings {
        SmsSettings {
            counted: self.sms,
            ..app.settings.sms
        }
    }

    /// What the page has shown that makes a batch of it: how it is read, and its message. As a digest.
    pub(super) fn shown(&self) -> String {
        digest_of_shown([&*self.key(true)])
    }

    /// What a reading of it depends on.
    pub(super) fn key(&self, message: bool) -> String {
        let choices = serde_json::to_string(&self.choices).unwrap_or_default();
        let message = if message { self.message.as_str() } else { "" };
        format!(
            "{}\n{choices}\n{}{}{}\n{message}",
            self.id,
            self.sms,
            self.channel,
            self.joins.is_some()
        )
    }
}

/// A text as the message of a list.
pub(super) fn content(app: &App, text: &str) -> ContentSource {
    ContentSource {
        tag: app.settings.tag.clone(),
        metadata: app.settings.metadata.clone(),
        // A browser ends lines in its own way.
        ..ContentSource::message(text.replace("\r\n", "\n"))
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!("{} cannot be removed: {error}", folder.display());
    }
}

/// Removes lists that were uploaded a day ago, now and then.
pub(super) async fn sweep(app: Arc<App>) {
    loop {
        let ours = Arc::clone(&app);
        let _ = tokio::task::spawn_blocking(move || remove_old(&ours)).await;
        app.clock.sleep(SWEEP).await;
    }
}

fn remove_old(app: &App) {
    let now = app.clock.now();
    for entry in fs::read_dir(&app.uploads).into_iter().flatten().flatten() {
        let changed = entry.metadata().and_then(|file| file.modified());
        let changed = changed.ok().and_then(|at| Timestamp::try_from(at).ok());
        if changed.is_none_or(|at| between(at, now) > KEPT) {
            remove(&entry.path());
        }
    }
}
