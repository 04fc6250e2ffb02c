//! What the integration tests and the benchmarks of this crate use of its insides. Not a part of the library:
//! it may change with any release.

pub mod amio {
    pub use crate::amio::{
        Addressee, Client, ClientSettings, OutgoingMessage, RawJson, Reply, http_client,
        token_fingerprint,
    };
    pub mod webhook {
        pub use crate::amio::webhook::{Notification, WebhookSecrets};
    }
}
pub mod commands {
    pub mod completions {
        pub use crate::commands::completions::run;
    }
    pub mod man {
        pub use crate::commands::man::run;
    }
}
pub mod clock {
    pub use crate::clock::{Clock, Moment};
}
pub mod config {
    pub use crate::config::{Environment, Layer, Setting, Settings, settings};
}
pub mod dispatch {
    pub use crate::dispatch::{
        DispatchSettings, Dispatcher, GuardSettings, Guards, Halt, Ledger, PastAnswers,
        RecentAnswer, RunEnd, RunFailure, Sender, TakenBack,
    };
    pub mod pacer {
        pub use crate::dispatch::pacer::{Flight, Handle, Permit};
        pub mod core {
            pub use crate::dispatch::pacer::core::{
                Decision, Pacer, Past, Refusal, Settings, Ticket, Why,
            };
        }
    }
}
pub mod domain {
    pub mod content {
        pub use crate::domain::content::{ContentSource, Rendered, Template};
    }
    pub mod dialect {
        pub use crate::domain::dialect::{Delimiter, Dialect, FileFormat, ListFormat};
    }
    pub mod delivery {
        pub use crate::domain::delivery::{Event, State, next};
    }
    pub mod eligibility {
        pub use crate::domain::eligibility::HistorySpan;
    }
    pub mod event {
        pub use crate::domain::event::OptOutWords;
    }
    pub mod fallback {
        pub use crate::domain::fallback::{Fallback, OtherChannel, Step};
    }
    pub mod follow_up {
        pub use crate::domain::follow_up::{FollowUp, Trigger};
    }
    pub mod outcome {
        pub use crate::domain::outcome::{
            Address, Answer, AttemptOutcome, Exchange, KnownBy, Outcome, Receipt, RejectionCause,
            Written, classify,
        };
    }
    pub mod phone {
        pub use crate::domain::phone::{LineType, Mending, PhoneNumber, PhoneProblem, Region};
    }
    pub mod refusal {
        pub use crate::domain::refusal::{Meaning, RefusalRule, RefusalRules};
    }
    pub mod quota {
        pub use crate::domain::quota::{Pace, Per, QuotaHeaders, QuotaState, Rate, Reserve, Reset};
    }
    pub mod recipient {
        pub use crate::domain::recipient::{
            Accepted, JudgedRow, Mends, Position, Record, RowNumber, RowProblem, Suppression,
            Verdict,
        };
    }
    pub mod schedule {
        pub use crate::domain::schedule::Schedule;
    }
    pub mod sending {
        pub use crate::domain::sending::Undecided;
    }
}
pub mod exit {
    pub use crate::exit::ExitCode;
}
pub mod intake {
    pub use crate::intake::{
        EarlierMessages, Input, IntakeError, Judge, JudgeError, NumbersPerRow, Settings, Source,
        Summary, Unsendable,
    };
}
pub mod report {
    pub use crate::report::{COLUMNS, write_results, write_results_file};
    pub mod check {
        pub use crate::report::check::CheckReport;
    }
    pub mod rejects {
        pub use crate::report::rejects::RejectsFile;
    }
}
pub mod sandbox {
    pub use crate::sandbox::{
        AcceptedMessage, Channel, CodeForm, ConnectionLimit, EarlierContacts, Excess, FaultRule,
        Headers, Quota, Sandbox, Settings, Share, Stats, WebhookSettings, WebhookStats, WindowKind,
    };
}
pub mod serve {
    pub use crate::serve::{Limits, Server, Settings};
}
pub mod store {
    pub use crate::store::{
        AttemptRecord, Batch, BatchId, BatchName, Claim, ClaimRules, Claimed, Contact, Counts,
        Decision, Incoming, Journal, LookBack, NewBatch, Opening, PersonVerdict, Reader,
        RecipientId, Settled, Settlement, Store, StoreError, Taken, Timeline, Window,
    };
}
