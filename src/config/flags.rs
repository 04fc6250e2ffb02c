//! From the flags of a command to a layer.

use super::layer::Layer;
use crate::cli::{
    CheckArgs, CheckpointArgs, Command, ConnectionArgs, ContactsAction, ContentArgs, DoctorArgs,
    ExportArgs, GuardArgs, HistoryArgs, IntakeArgs, OutputArgs, PaceArgs, ResolveArgs, ResumeArgs,
    SendArgs, ServeArgs, ServeFlags, StatusArgs, SuppressAction,
};

/// A flag without a value says something only when it is there.
fn switch(on: bool) -> Option<bool> {
    on.then_some(true)
}

/// A repeatable flag likewise.
fn list(items: &[String]) -> Option<Vec<String>> {
    (!items.is_empty()).then(|| items.to_vec())
}

impl ConnectionArgs {
    fn say(&self, layer: &mut Layer) {
        layer.channel.clone_from(&self.channel);
        layer.base_url.clone_from(&self.base_url);
        layer.token_file.clone_from(&self.token_file);
        layer.timeout.clone_from(&self.timeout);
        layer.concurrency = self.concurrency;
    }
}

impl PaceArgs {
    fn say(&self, layer: &mut Layer) {
        layer.rate.clone_from(&self.rate);
        layer.reserve.clone_from(&self.reserve);
        layer.burst = self.burst;
        layer.pace.clone_from(&self.pace);
        layer.until.clone_from(&self.until);
        layer.for_.clone_from(&self.for_);
        layer.window.clone_from(&self.window);
        layer.timezone.clone_from(&self.timezone);
        layer.window_by.clone_from(&self.window_by);
        layer.grace.clone_from(&self.grace);
    }
}

impl IntakeArgs {
    fn say(&self, layer: &mut Layer) {
        layer.region.clone_from(&self.region);
        layer.column = list(&self.column);
        layer.delimiter.clone_from(&self.delimiter);
        layer.encoding.clone_from(&self.encoding);
        layer.sheet.clone_from(&self.sheet);
        layer.no_header = switch(self.no_header);
        layer.prefer.clone_from(&self.prefer);
        layer.numbers = match (self.one_per_row, self.all_numbers) {
            (true, _) => Some("one-per-row".to_owned()),
            (false, true) => Some("all-numbers".to_owned()),
            (false, false) => None,
        };
        layer.min_valid.clone_from(&self.min_valid);
    }
}

impl ContentArgs {
    fn say(&self, layer: &mut Layer) {
        layer.message.clone_from(&self.message);
        layer.content.clone_from(&self.content);
        layer.tag.clone_from(&self.tag);
        layer.metadata = list(&self.metadata);
    }
}

impl HistoryArgs {
    fn say(&self, layer: &mut Layer) {
        layer.repeat_guard.clone_from(&self.repeat_guard);
        layer.not_within.clone_from(&self.not_within);
    }
}

impl GuardArgs {
    fn say(&self, layer: &mut Layer) {
        layer.identical_refusals = self.identical_refusals;
        layer.undecided_in_a_row = self.undecided_in_a_row;
        layer.undecided.clone_from(&self.undecided);
        layer.invalid_pattern.clone_from(&self.invalid_pattern);
        layer.no_canary = switch(self.no_canary);
    }
}

impl CheckpointArgs {
    fn say(&self, layer: &mut Layer) {
        layer.db.clone_from(&self.db);
    }
}

impl OutputArgs {
    fn say(&self, layer: &mut Layer) {
        layer.out.clone_from(&self.out);
        layer.summary.clone_from(&self.summary);
    }
}

impl ServeFlags {
    fn say(&self, layer: &mut Layer) {
        layer.listen.clone_from(&self.listen);
        layer.tls_cert.clone_from(&self.tls_cert);
        layer.tls_key.clone_from(&self.tls_key);
        layer
            .webhook_secret_file
            .clone_from(&self.webhook_secret_file);
        layer.opt_out_word = list(&self.opt_out_word);
        layer.insecure_no_signature = switch(self.insecure_no_signature);
    }
}

impl Layer {
    /// What the flags of a command say.
    pub fn from_flags(command: &Command) -> Self {
        let mut layer = Self::default();
        let say = &mut layer;
        match command {
            Command::Check(args) => args.say(say),
            Command::Send(args) => args.say(say),
            Command::Resume(args) => args.say(say),
            Command::Status(StatusArgs { checkpoint, .. }) => checkpoint.say(say),
            Command::Export(ExportArgs {
                checkpoint, out, ..
            }) => {
                checkpoint.say(say);
                say.out.clone_from(out);
            }
            Command::Resolve(ResolveArgs {
                connection,
                checkpoint,
                ..
            })
            | Command::Doctor(DoctorArgs {
                connection,
                checkpoint,
                ..
            }) => {
                connection.say(say);
                checkpoint.say(say);
            }
            Command::Suppress(args) => args.action.say(say),
            Command::Contacts(args) => match &args.action {
                ContactsAction::List { checkpoint, .. }
                | ContactsAction::Show { checkpoint, .. }
                | ContactsAction::Export { checkpoint, .. } => checkpoint.say(say),
            },
            Command::Forget(args) => args.checkpoint.say(say),
            Command::Serve(ServeArgs { serve, checkpoint }) => {
                serve.say(say);
                checkpoint.say(say);
            }
            Command::Sandbox(_) | Command::Config(_) | Command::Completions(_) | Command::Man => {}
        }
        layer
    }
}

impl SuppressAction {
    fn say(&self, layer: &mut Layer) {
        match self {
            Self::Add {
                region, checkpoint, ..
            }
            | Self::Remove {
                region, checkpoint, ..
            } => {
                layer.region.clone_from(region);
                checkpoint.say(layer);
            }
            Self::Import {
                intake, checkpoint, ..
            } => {
                intake.say(layer);
                checkpoint.say(layer);
            }
            Self::List { checkpoint, .. } => checkpoint.say(layer),
        }
    }
}

impl CheckArgs {
    fn say(&self, layer: &mut Layer) {
        self.intake.say(layer);
        self.content.say(layer);
        self.pace.say(layer);
        self.history.say(layer);
        self.checkpoint.say(layer);
        self.connection.say(layer);
    }
}

impl SendArgs {
    fn say(&self, layer: &mut Layer) {
        self.content.say(layer);
        self.intake.say(layer);
        self.connection.say(layer);
        self.pace.say(layer);
        self.history.say(layer);
        self.guards.say(layer);
        self.checkpoint.say(layer);
        self.output.say(layer);
    }
}

impl ResumeArgs {
    fn say(&self, layer: &mut Layer) {
        self.connection.say(layer);
        self.pace.say(layer);
        self.history.say(layer);
        self.guards.say(layer);
        self.checkpoint.say(layer);
        self.output.say(layer);
    }
}
