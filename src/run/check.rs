//! What would become of a list: judged whole, and nothing sent.

use std::path::Path;

use jiff::Timestamp;

use super::error::RunError;
use super::known::Known;
use super::list::List;
use super::pass::Pass;
use super::sample::SampleRows;
use super::sms::{self, SmsRule};
use crate::domain::eligibility::HistorySpan;
use crate::report::check::CheckReport;
use crate::store::Reader;

impl List {
    /// Says what would become of each row, also where a `send` would refuse the list as a whole. Nothing is sent,
    /// and nothing written but the rejects.
    ///
    /// # Errors
    /// [`RunError`] if the list cannot be read to its end, the checkpoint cannot be read, or the rejects cannot
    /// be written.
    pub fn check(
        self,
        settings: &CheckSettings<'_>,
        now: Timestamp,
    ) -> Result<CheckReport, RunError> {
        let (report, _) = self.check_with_samples(settings, 0, None, now, &mut |_| ())?;
        Ok(report)
    }

    /// The same, with the first `most` rows, whose message can be tried. The rows read are reported to `progress` now
    /// and then.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_with_samples(
        mut self,
        settings: &CheckSettings<'_>,
        most: usize,
        wanted: Option<u32>,
        now: Timestamp,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(CheckReport, SampleRows), RunError> {
        let mut samples = SampleRows::of(&self);
        let sms = self.sms;
        let path = settings.checkpoint.filter(|path| path.exists());
        let reader = path.map(Reader::open).transpose()?;
        if let Some(others) = &mut self.others {
            others.limit(reader.as_ref(), sms)?;
        }
        let (mut known, mut channel_type) = (Known::default(), None);
        if let Some(reader) = reader {
            if let Some(channel) = settings.channel {
                channel_type = reader.channel_type(channel)?;
            }
            known = Known::new(reader, settings.history, None, Vec::new(), now)?.counting()?;
        }
        let pass = Pass {
            known,
            sms: SmsRule::of(self.sms, channel_type.as_deref()),
            channel: settings.channel,
            rejects: settings.rejects,
            keep_rejects: true,
            leave_rejects: settings.leave_rejects,
            examples: Some(settings.examples),
            now: Some(now),
            ..Pass::default()
        };
        let note = match self.others {
            Some(_) => None,
            None => sms::note(self.sms, channel_type.as_deref()),
        };
        let mut report = pass.judge_all(&mut self, progress, &mut |row| {
            if samples.len() < most || wanted == Some(row.position.row.get()) {
                samples.push(row);
            }
            Ok(())
        })?;
        report.notes.extend(note);
        Ok((report, samples))
    }
}

/// What a check works with.
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
    /// A file that we do not know stands there: it is left as it is, which is well if it says the same.
    pub leave_rejects: bool,
    /// How many rows of a kind are shown.
    pub examples: usize,
}
