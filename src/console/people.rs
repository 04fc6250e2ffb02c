//! A person by number: what is known, as a time line over all batches; suppress, lift, forget.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::app::App;
use super::audit::note;
use super::gate::{Actor, Fields, Visit};
use super::named::path;
use super::page::{Failure, Frame, page};
use crate::domain::phone::Region;
use crate::domain::text::on_one_line;
use crate::report::{place, without_numbers};
use crate::run::{self, PhoneNumber, suppress as suppress_numbers, typed_number};
use crate::store::Store;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    number: String,
}

#[derive(Template)]
#[template(path = "console/people.html", config = "src/templates/askama.toml")]
struct PeoplePage {
    frame: Frame,
    typed: String,
    problem: String,
    person: Option<PersonView>,
}

/// What is known of a person.
struct PersonView {
    number: String,
    country: String,
    names: Vec<String>,
    suppressed: Option<String>,
    /// Time and what happened, the latest first.
    events: Vec<(String, String)>,
    /// Address, name, place, status and reason of each row.
    rows: Vec<(String, String, String, String, String)>,
}

/// The page.
pub(super) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    let typed = asked.number.trim().to_owned();
    let (problem, person) = if typed.is_empty() {
        (String::new(), None)
    } else {
        match number(&visit.app, &typed) {
            Ok(phone) => {
                let masked = visit.sees_masked();
                let read = move |app: &std::sync::Arc<App>| PersonView::read(app, phone, masked);
                (String::new(), Some(visit.app.blocking(read).await?))
            }
            Err(failure) => (failure.text(), None),
        }
    };
    page(&PeoplePage {
        frame: visit.frame("people"),
        typed,
        problem,
        person,
    })
}

fn number(app: &App, typed: &str) -> Result<PhoneNumber, Failure> {
    typed_number(typed, app.settings.intake.reading()).map_err(Failure::refused)
}

impl PersonView {
    fn read(app: &App, phone: PhoneNumber, masked: bool) -> Result<Self, Failure> {
        let (person, local) = (run::Person::read(app.people(), phone)?, app.local());
        let mut events: Vec<(Timestamp, String)> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (contact, messages) in person.contacts {
            let both = [&contact.first_name, &contact.last_name];
            let both: Vec<&str> = both.into_iter().flatten().map(String::as_str).collect();
            let name = on_one_line(&both.join(" ")).into_owned();
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
            let channel = &contact.channel;
            events.extend(
                contact
                    .opted_in_at
                    .map(|at| (at, format!("opted in on channel {channel}"))),
            );
            events.extend(
                contact
                    .opted_out_at
                    .map(|at| (at, format!("opted out on channel {channel}"))),
            );
            for message in messages {
                let (batch, row) = (on_one_line(&message.batch), message.row);
                let what = |done: &str| format!("{done}: batch {batch}, row {row}");
                events.push((
                    message.sent_at,
                    format!("{} ({})", what("message"), message.state),
                ));
                events.extend(message.delivered_at.map(|at| (at, what("delivered"))));
                events.extend(message.read_at.map(|at| (at, what("read"))));
            }
        }
        events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let rows = person.rows.into_iter().map(|row| {
            let at = place(&row.files, row.file, row.row);
            let why = row
                .reason
                .as_deref()
                .map_or_else(String::new, without_numbers);
            (
                path(app.kind(), &row.batch),
                on_one_line(&row.batch).into_owned(),
                at,
                row.status,
                why,
            )
        });
        Ok(Self {
            number: if masked { phone.masked() } else { phone.e164() },
            country: phone.region().map_or_else(String::new, Region::name),
            names,
            suppressed: person.suppressed.map(|cause| cause.to_string()),
            rows: rows.collect(),
            events: events
                .into_iter()
                .map(|(at, what)| (local.second(at), what))
                .collect(),
        })
    }
}

/// A change to a person, with its reason.
async fn change(
    visit: Visit,
    fields: Fields,
    work: impl FnOnce(&Actor<'_>, PhoneNumber, &str) -> Result<String, Failure> + Send + 'static,
) -> Result<Response, Failure> {
    let phone = number(&visit.app, fields.get("number"))?;
    let Some(reason) = fields.filled("reason") else {
        return Err(Failure::refused(
            "Say why: the reason is kept. Nothing was changed.",
        ));
    };
    let done = visit.act(move |actor| work(actor, phone, &reason)).await?;
    let back = format!("/people?number=%2B{}", phone.get());
    Ok(visit.go_to(&back, done))
}

/// Puts the person on the suppression list.
pub(super) async fn suppress(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    change(visit, fields, |app, phone, reason| {
        let source = format!("the console, by {}", app.person);
        let now = app.clock.now();
        let done = suppress_numbers(app.people(), &[phone], Some(reason), &source, now)?;
        note(
            app,
            &Store::open_existing(app.people())?,
            None,
            "suppress",
            reason,
        )?;
        Ok(match done.new {
            0 => "This person was on the suppression list before.".to_owned(),
            _ => "This person is on the suppression list now, and is not messaged any more."
                .to_owned(),
        })
    })
    .await
}

/// Takes the person off it.
pub(super) async fn lift(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    change(visit, fields, |app, phone, reason| {
        let removed = run::unsuppress(app.people(), vec![phone])?;
        let store = Store::open_existing(app.people())?;
        note(app, &store, None, "suppress-remove", reason)?;
        Ok(match removed {
            0 => "This person was not on the suppression list.".to_owned(),
            _ => "This person is off the suppression list, and may be messaged again.".to_owned(),
        })
    })
    .await
}

/// Erases the person.
pub(super) async fn forget(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    if fields.get("sure") != "yes" {
        return Err(Failure::refused(
            "Tick the box to say that this cannot be undone. Nothing was erased.",
        ));
    }
    change(visit, fields, |app, phone, reason| {
        let done = run::forget(app.people(), phone, app.clock.now(), &mut || ())?;
        let store = Store::open_existing(app.people())?;
        note(app, &store, None, "forget", reason)?;
        let erased = done.erased;
        let traces = if done.log_is_empty {
            ""
        } else {
            " Another process uses the checkpoint: its log may hold traces until that process ends."
        };
        Ok(format!(
            "Erased: {} rows, {} messages, {} contacts; the number is gone from {} rows of others, which stay. A keyed hash keeps this number from being messaged. Files that were \
             downloaded or written before are not changed: remove the person there yourself.{traces}",
            erased.rows, erased.messages, erased.contacts, erased.others
        ))
    })
    .await
}
