//! What a check found, and how it is judged.

use serde::Serialize;

use crate::exit::ExitCode;

/// How a finding is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingVerdict {
    /// As it should be.
    Good,
    /// Worth knowing.
    Notice,
    /// To be mended before anything is sent.
    Bad,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub what: &'static str,
    /// How it is judged.
    pub verdict: FindingVerdict,
    /// What was found, and what to do.
    pub text: String,
    #[serde(skip)]
    exit: ExitCode,
}

/// What the check of everything found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Findings(pub(super) Vec<Finding>);

impl Findings {
    /// In the order in which things were checked.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// The exit code: what cannot be stored goes before what is not configured.
    pub fn exit(&self) -> ExitCode {
        let exits = || self.0.iter().map(|finding| finding.exit);
        exits()
            .find(|exit| *exit == ExitCode::Storage)
            .or_else(|| exits().find(|exit| *exit != ExitCode::Complete))
            .unwrap_or(ExitCode::Complete)
    }

    pub(super) fn good(&mut self, what: &'static str, text: impl Into<String>) {
        self.add(what, FindingVerdict::Good, text.into(), ExitCode::Complete);
    }

    pub(super) fn notice(&mut self, what: &'static str, text: impl Into<String>) {
        self.add(
            what,
            FindingVerdict::Notice,
            text.into(),
            ExitCode::Complete,
        );
    }

    pub(super) fn bad(&mut self, what: &'static str, text: impl Into<String>, exit: ExitCode) {
        self.add(what, FindingVerdict::Bad, text.into(), exit);
    }

    pub(super) fn add(
        &mut self,
        what: &'static str,
        verdict: FindingVerdict,
        text: String,
        exit: ExitCode,
    ) {
        self.0.push(Finding {
            what,
            verdict,
            text,
            exit,
        });
    }
}
