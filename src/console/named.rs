//! Which batch an address names.

use super::app::App;
use super::base::{Kind, percent_encoded};
use super::page::Failure;
use crate::run::{HeldBatch, ResumeSettings};

/// The address of a batch's page.
pub(super) fn path(kind: Kind, name: &str) -> String {
    format!("/{}/{}", kind.path(), percent_encoded(name))
}

/// Which batch an address names.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) kind: Kind,
    pub(super) name: String,
}

impl Named {
    pub(super) fn of(app: &App, kind: &str, name: String) -> Result<Self, Failure> {
        let kind = match kind {
            "batches" if app.kind() == Kind::Real => Kind::Real,
            // Before the first rehearsal there is no checkpoint of them.
            "rehearsals" if !app.checkpoint(Kind::Rehearsal).exists() => {
                return Err(Failure::not_found("batch of this name"));
            }
            "rehearsals" => Kind::Rehearsal,
            _ => return Err(Failure::not_found("page")),
        };
        Ok(Self { kind, name })
    }

    pub(super) fn path(&self) -> String {
        path(self.kind, &self.name)
    }

    /// Takes hold of it, to be sent further or changed.
    pub(super) fn resume(
        &self,
        app: &App,
        undo_cancel: Option<&str>,
    ) -> Result<HeldBatch, Failure> {
        let how = ResumeSettings {
            batch: Some(&self.name),
            channel: None,
            sandbox: self.kind == Kind::Rehearsal,
            undo_cancel,
        };
        let now = app.clock.now();
        Ok(HeldBatch::resume(app.checkpoint(self.kind), &how, now)?)
    }
}
