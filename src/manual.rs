//! The manual: one text a topic, for `outreach man`, the manual page, and this page.
//!
//! The texts stand in `src/manual/`. Their tables are held against the program by `tests/it/readme.rs`.
//!
//! What a list costs, drawn by `benches/growth/plot.py`:
//!
#![doc = include_str!("manual/costs.svg")]

use clap::ValueEnum;

/// Declares each topic once: its text is its documentation.
macro_rules! topics {
    ($($topic:ident, $file:literal, $help:literal;)*) => {
        /// A topic of the manual.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub enum Topic {
            $(
                #[doc = include_str!($file)]
                #[value(help = $help)]
                $topic,
            )*
        }

        impl Topic {
            /// All topics, in the order of the manual.
            pub const ALL: &[Self] = &[$(Self::$topic),*];

            /// The text, as Markdown.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$topic => include_str!($file),)*
                }
            }
        }
    };
}

topics! {
    Start, "manual/start.md", "The first list, and the commands in the order of a night's work";
    Console, "manual/console.md", "The page in the browser: sign in, from a file to a batch, pause and go on";
    Lists, "manual/lists.md", "Files, encodings, countries, consent columns, rows to mend";
    Messages, "manual/messages.md", "Templates, cards and images, SMS segments, a test to yourself";
    Batches, "manual/batches.md", "What makes two commands the same batch; changed lists and texts";
    Night, "manual/night.md", "Which list goes where, and the night's exit code";
    Results, "manual/results.md", "The columns and statuses of a results file";
    Problems, "manual/problems.md", "What happened, what the program did, what you do";
    Checkpoint, "manual/checkpoint.md", "Where the checkpoint is, a backup, another version";
    Cluster, "manual/cluster.md", "A checkpoint that several machines share, and that survives its machine";
    Webhooks, "manual/webhooks.md", "Deliveries, reads, STOP; the suppression list; erasing a person";
    Costs, "manual/costs.md", "Seconds and memory as lists grow, beside other tools, and what runs side by side";
    Privacy, "manual/privacy.md", "Who can read what, and where the token goes";
    Settings, "manual/settings.md", "Every flag with its variable, its key and its default";
    Facebook, "manual/facebook.md", "What Facebook allows today";
    Api, "manual/api.md", "What the API does not say, and what the program does about it";
}
