//! The account of a night over a folder of lists: its first line is fit for the subject of a mail.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::words::{grouped, plural, without_numbers};
use crate::domain::batch_state::PausedBy;
use crate::domain::delivery::State;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::store::Counts;

/// The most files that are no lists that are named.
const NAMED: usize = 5;

/// A night.
#[derive(Debug, Clone, Default)]
pub(crate) struct NightReport {
    /// The lists, as they came.
    pub(crate) lists: Vec<ListReport>,
    /// Lists that were not begun.
    pub(crate) not_begun: u64,
    /// A rehearsal: nobody was messaged.
    pub(crate) sandbox: bool,
    /// The window left little or nothing of the time for this night.
    pub(crate) little_time: Option<String>,
    /// The names of files in the inbox that are no lists, by their names alone.
    pub(crate) left_alone: Vec<String>,
}

/// What a list is, for this night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// A list that was to be sent.
    ToSend,
    /// It cannot be a list (a folder, a link that leads nowhere), and lies where it was.
    NoList,
    /// It is still being written, and lies where it was.
    BeingWritten,
    /// It was sent in an earlier night, and was written to since.
    ChangedSince,
    /// It is not in the inbox any more, and people of its batch wait.
    Gone,
}

/// What became of one list.
#[derive(Debug, Clone)]
pub(crate) struct ListReport {
    /// Its file's name.
    pub(crate) name: String,
    pub(crate) kind: ListKind,
    pub(crate) exit: ExitCode,
    pub(crate) batch: Option<String>,
    /// How its recipients stand; `None` if its batch did not run.
    pub(crate) counts: Option<Counts>,
    /// Where it was filed away; `None` if it is in the inbox.
    pub(crate) filed: Option<PathBuf>,
    pub(crate) results: Option<PathBuf>,
    /// The rows to mend.
    pub(crate) rejects: Option<PathBuf>,
    /// What else a person should know: why it failed.
    pub(crate) notes: Vec<String>,
    /// The commands that may come next.
    pub(crate) next: Vec<String>,
    /// Who keeps its batch from being sent: no night goes on with it by itself.
    pub(crate) paused_by: Option<PausedBy>,
}

impl NightReport {
    /// The exit code of the night.
    pub(crate) fn exit(&self) -> ExitCode {
        // What was not begun waits for the next night.
        let rest = (self.not_begun > 0).then_some(ExitCode::Paused);
        ExitCode::worst(self.lists.iter().map(|list| list.exit).chain(rest))
    }

    /// The result, the share reached, and what to do.
    pub(crate) fn subject(&self) -> String {
        let all = self.in_inbox().count() as u64 + self.not_begun;
        let rehearsal = if self.sandbox { "rehearsal, " } else { "" };
        if all == 0 {
            return format!("outreach: {rehearsal}no list in inbox; {}", self.to_do());
        }
        let is_settled =
            |list: &&ListReport| list.counts.is_some_and(|it| it.queued + it.sending == 0);
        let settled = self.lists.iter().filter(is_settled).count();
        let (sent, could) = self.reached();
        let share = match could {
            0 => "nobody to send to".to_owned(),
            _ => format!(
                "{} of {} reached ({}%)",
                grouped(sent),
                grouped(could),
                u128::from(sent) * 100 / u128::from(could)
            ),
        };
        let todo = self.to_do();
        let time = self.little_time.as_deref();
        let time = time.map_or_else(String::new, |time| format!("; {time}"));
        format!("outreach: {rehearsal}{settled} of {all} lists complete, {share}; {todo}{time}")
    }

    /// The lists that were in the inbox.
    fn in_inbox(&self) -> impl Iterator<Item = &ListReport> {
        self.lists.iter().filter(|list| match list.kind {
            ListKind::ToSend | ListKind::NoList | ListKind::BeingWritten => true,
            ListKind::ChangedSince | ListKind::Gone => false,
        })
    }

    /// Those who were sent to, and those who could be sent to.
    fn reached(&self) -> (u64, u64) {
        let counts = self.in_inbox().filter_map(|list| list.counts.as_ref());
        counts.fold((0, 0), |(sent, could), it| {
            let tried = it.sent + it.no_messenger + it.error + it.unknown;
            (sent + it.sent, could + tried + it.queued + it.sending)
        })
    }

    /// What to do about the worst that happened.
    fn to_do(&self) -> String {
        let exit = self.exit();
        let kept_back = self.kept_back().filter(|_| exit == ExitCode::Paused);
        if let Some(waits) = kept_back {
            return waits;
        }
        let mut with = self.lists.iter().filter(|list| list.exit == exit);
        let are = |kind| with.clone().all(|list| list.kind == kind);
        let (no_lists, changed) = (are(ListKind::NoList), are(ListKind::ChangedSince));
        let written = with.clone().any(|list| list.kind == ListKind::BeingWritten);
        let of = named(&mut with);
        let mut gone = self.lists.iter().filter(|it| it.kind == ListKind::Gone);
        let gone = named(&mut gone);
        match exit {
            ExitCode::Complete => "nothing to do".to_owned(),
            ExitCode::Paused if written => {
                format!("still being written, the next night goes on: {of}")
            }
            ExitCode::Paused if !gone.is_empty() => {
                format!("people wait whose list is not in inbox any more: {gone}")
            }
            ExitCode::Paused => "the next night goes on".to_owned(),
            ExitCode::CompleteWithProblems => format!("look at errors and unknown: {of}"),
            ExitCode::BelowShare => format!("too few were reached: {of}"),
            ExitCode::Held => format!("sent by another process, left alone: {of}"),
            ExitCode::Input if changed => format!("written to after it was sent: {of}"),
            ExitCode::Input if no_lists => format!("no list, take it out of inbox/: {of}"),
            ExitCode::Input => format!("mend in refused/: {of}"),
            ExitCode::Guard => format!("stopped by a guard, mend the cause: {of}"),
            ExitCode::Usage => format!("needs an answer from you: {of}"),
            ExitCode::Configuration => {
                "mend the settings, `outreach doctor` checks them".to_owned()
            }
            ExitCode::Storage => {
                "disk or checkpoint failed, `outreach doctor` shows more".to_owned()
            }
            ExitCode::Internal => "internal failure, please report it".to_owned(),
        }
    }

    /// Which people wait for whom: only that person goes on.
    fn kept_back(&self) -> Option<String> {
        let by = |is: fn(&PausedBy) -> bool| {
            let by = move |list: &&ListReport| {
                list.still_queued() > 0 && list.paused_by.as_ref().is_some_and(is)
            };
            self.lists.iter().filter(by)
        };
        let approval = || by(|by| matches!(by, PausedBy::Approval));
        let person = || by(|by| matches!(by, PausedBy::Person(_)));
        if approval().next().is_some() {
            let people: u64 = approval().map(ListReport::still_queued).sum();
            let (one, more) = ("person waits", "people wait");
            let waits = plural(people, one, more);
            let of = named(&mut approval());
            Some(format!(
                "{waits} for a second person's approval on the console: {of}"
            ))
        } else if person().next().is_some() {
            let of = named(&mut person());
            Some(format!("paused by a person, who goes on with it: {of}"))
        } else {
            None
        }
    }

    /// The whole account; the subject is its first line.
    pub(crate) fn text(&self) -> String {
        let mut out = self.subject();
        out.push('\n');
        for list in &self.lists {
            // Writing to a String cannot fail.
            let _ = list.write_text(&mut out);
        }
        if !self.left_alone.is_empty() {
            let names = self.left_alone.iter().map(|name| on_one_line(name));
            let names: Vec<_> = names.take(NAMED).collect();
            let more = self.left_alone.len().saturating_sub(NAMED);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let _ = writeln!(
                out,
                "\nIn inbox, no lists by their names: {}{more}.",
                names.join(", ")
            );
        }
        if self.not_begun > 0 {
            let (one, more) = (
                "list was not begun; it stays",
                "lists were not begun; they stay",
            );
            let _ = writeln!(out, "\n{} in inbox.", plural(self.not_begun, one, more));
        }
        out
    }
}

/// The first list, and how many more.
fn named(lists: &mut dyn Iterator<Item = &ListReport>) -> String {
    let Some(first) = lists.next() else {
        return String::new();
    };
    let name = on_one_line(&first.name);
    match lists.count() {
        0 => name.into_owned(),
        more => format!("{name} and {more} more"),
    }
}

impl ListReport {
    /// One of which nothing is known yet.
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            kind: ListKind::ToSend,
            exit: ExitCode::Complete,
            batch: None,
            counts: None,
            filed: None,
            results: None,
            rejects: None,
            notes: Vec::new(),
            next: Vec::new(),
            paused_by: None,
        }
    }

    /// One that is not in the inbox any more, while people of its batch wait; `next` are the commands that settle that.
    pub(crate) fn gone(name: String, batch: String, counts: Counts, next: Vec<String>) -> Self {
        let todo = "the night refused it as it is by now, or it was moved or renamed, and a newer one may refuse people: no night \
                    goes on by itself. Mended and back in inbox, it is read again; the commands below go on by the list as it \
                    was read, or give it up";
        Self {
            kind: ListKind::Gone,
            exit: ExitCode::Paused,
            batch: Some(batch),
            counts: Some(counts),
            notes: vec![todo.to_owned()],
            next,
            ..Self::new(name)
        }
    }

    /// What is said of one that is gone.
    pub(crate) fn gone_text(&self) -> String {
        let wait = plural(self.still_queued(), "person waits", "people wait");
        let name = on_one_line(&self.name);
        format!("{name}: it is not in inbox any more, and {wait} in its batch")
    }

    fn still_queued(&self) -> u64 {
        self.counts.map_or(0, |it| it.queued + it.sending)
    }

    fn write_text(&self, out: &mut String) -> std::fmt::Result {
        let name = on_one_line(&self.name);
        match (self.kind, self.exit) {
            (ListKind::BeingWritten, _) => writeln!(out, "\n{name}: it is still being written")?,
            (ListKind::ChangedSince, _) => {
                writeln!(out, "\n{name}: it was written to after it was sent")?;
            }
            (ListKind::Gone, _) => writeln!(out, "\n{}", self.gone_text())?,
            // Nobody typed a command for it.
            (_, ExitCode::Usage) => writeln!(out, "\n{name}: needs an answer from you")?,
            (_, ExitCode::CompleteWithProblems) if self.still_queued() > 0 => writeln!(
                out,
                "\n{name}: not complete: {} for an unknown outcome of another batch",
                plural(self.still_queued(), "recipient waits", "recipients wait")
            )?,
            (_, exit) => match self.paused_by.as_ref().filter(|_| exit == ExitCode::Paused) {
                Some(by) => {
                    let waits = plural(self.still_queued(), "person waits", "people wait");
                    writeln!(out, "\n{name}: {waits}: {by}")?;
                }
                None => writeln!(out, "\n{name}: {exit}")?,
            },
        }
        if let Some(batch) = &self.batch {
            write!(out, "  batch {}", on_one_line(batch))?;
            if let Some(counts) = &self.counts {
                let some = State::ALL.into_iter().filter(|it| counts.of(*it) > 0);
                for state in some {
                    write!(out, ", {} {}", grouped(counts.of(state)), state.word())?;
                }
            }
            writeln!(out)?;
        }
        for note in &self.notes {
            writeln!(out, "  {}", without_numbers(note))?;
        }
        match (&self.filed, self.kind) {
            (_, ListKind::Gone) => {}
            (None, _) => writeln!(out, "  list: it stays in inbox")?,
            (Some(path), _) => {
                let path = path.display().to_string();
                writeln!(out, "  list: now {}", on_one_line(&path))?;
            }
        }
        for (word, path) in [("results", &self.results), ("rows to mend", &self.rejects)] {
            if let Some(path) = path {
                writeln!(
                    out,
                    "  {word}: {}",
                    on_one_line(&path.display().to_string())
                )?;
            }
        }
        for command in &self.next {
            writeln!(out, "  next: `{}`", on_one_line(command))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str, exit: ExitCode, counts: Option<Counts>) -> ListReport {
        ListReport {
            exit,
            counts,
            ..ListReport::new(name.to_owned())
        }
    }

    fn counts(sent: u64, error: u64, queued: u64) -> Counts {
        Counts {
            sent,
            error,
            queued,
            ..Counts::default()
        }
    }

    #[test]
    fn the_first_line_says_result_share_and_what_to_do() {
        let night = |lists: &[ListReport], not_begun| NightReport {
            lists: lists.to_vec(),
            not_begun,
            sandbox: false,
            little_time: None,
            left_alone: Vec::new(),
        };
        let good = list("a.csv", ExitCode::Complete, Some(counts(1_500, 0, 0)));
        let some = list(
            "b.csv",
            ExitCode::CompleteWithProblems,
            Some(counts(100, 400, 0)),
        );
        let bad = list("c\n.csv", ExitCode::Input, None);
        let guard = list("d.csv", ExitCode::Guard, Some(counts(0, 0, 1_000)));
        for (lists, not_begun, exit, subject) in [
            (vec![], 0, 0, "outreach: no list in inbox; nothing to do"),
            (
                vec![good.clone()],
                0,
                0,
                "outreach: 1 of 1 lists complete, 1,500 of 1,500 reached (100%); nothing to do",
            ),
            (
                vec![good.clone(), some.clone(), some.clone()],
                0,
                3,
                "outreach: 3 of 3 lists complete, 1,700 of 2,500 reached (68%); look at errors and unknown: b.csv \
                 and 1 more",
            ),
            (
                vec![good.clone(), some, bad.clone()],
                0,
                7,
                "outreach: 2 of 3 lists complete, 1,600 of 2,000 reached (80%); mend in refused/: c\\u000a.csv",
            ),
            (
                vec![good.clone(), guard],
                2,
                5,
                "outreach: 1 of 4 lists complete, 1,500 of 2,500 reached (60%); stopped by a guard, mend the cause: \
                 d.csv",
            ),
            (
                vec![good],
                1,
                4,
                "outreach: 1 of 2 lists complete, 1,500 of 1,500 reached (100%); the next night goes on",
            ),
            (
                vec![bad],
                0,
                7,
                "outreach: 0 of 1 lists complete, nobody to send to; mend in refused/: c\\u000a.csv",
            ),
        ] {
            let night = night(&lists, not_begun);
            assert_eq!(night.subject(), subject);
            assert_eq!(night.exit().code(), exit, "{subject}");
            assert_eq!(night.text().lines().next(), Some(subject));
        }
    }

    #[test]
    fn a_list_is_told_without_phone_numbers() {
        let mut refused = list("a.csv", ExitCode::Input, None);
        refused
            .notes
            .push("row 2: +420777123456 is none".to_owned());
        let night = NightReport {
            lists: vec![refused],
            ..NightReport::default()
        };
        let text = night.text();
        assert!(text.contains("row 2: +# is none"), "{text}");
    }
}
