//! The message of a row is sent to one number, that of its author, outside any batch.

use axum::extract::Path;
use axum::response::Response;
use tokio::runtime::Handle;

use super::base::Kind;
use super::draft::Draft;
use super::gate::{Actor, Fields, Visit};
use super::page::Failure;
use crate::run::{PhoneNumber, RowChoice, Tested, typed_number};

/// Sends it.
pub(super) async fn send(
    visit: Visit,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let path = format!("/lists/{id}/message");
    let handle = Handle::current();
    let told = visit
        .act(move |app| {
            let draft = Draft::load(app, &id)?;
            let reading = app.settings.intake.reading();
            let to = typed_number(fields.get("to"), reading).map_err(Failure::refused)?;
            let row = fields.get("row").parse::<u32>().ok().filter(|row| *row > 0);
            handle.block_on(test(app, &draft, to, row))
        })
        .await?;
    Ok(visit.go_to(&path, told))
}

async fn test(
    app: &Actor<'_>,
    draft: &Draft,
    to: PhoneNumber,
    row: Option<u32>,
) -> Result<String, Failure> {
    let kind = app.kind();
    let (now, intake) = (
        app.clock.now(),
        draft.intake(app).map_err(Failure::refused)?,
    );
    let settings = (app.settings.run)(now).map_err(Failure::refused)?;
    let channel = draft
        .channel(kind)
        .ok_or_else(|| Failure::refused("Nobody said which channel sends."))?;
    let list = draft.open(&intake, draft.content(app).as_ref())?;
    let rows: Vec<u32> = row.into_iter().collect();
    let choice = RowChoice {
        rows: &rows,
        file: None,
    };
    let message = list
        .with_sms(draft.sms_settings(app))
        .test_message(channel, &choice, now)?;
    let rehearsal = match kind {
        Kind::Real => None,
        Kind::Rehearsal => Some(message.rehearsal().await?),
    };
    let access = rehearsal.as_ref().map(|it| it.access().clone());
    let access = access.or_else(|| app.settings.access.clone());
    let access =
        access.ok_or_else(|| Failure::refused("There is no token: nobody can be messaged."))?;
    let (actor, is_rehearsal) = (app.person, kind == Kind::Rehearsal);
    let run = (&settings, &app.clock);
    let tested = message
        .send(
            app.people(),
            (to, actor),
            &access,
            is_rehearsal,
            run,
            &mut |_| (),
        )
        .await?;
    let number = to.e164();
    Ok(match tested {
        Tested::Sent { .. } if is_rehearsal => {
            format!("The sandbox took the message for {number}. Nobody was messaged.")
        }
        Tested::Sent { .. } => format!("The API took the message for {number}."),
        Tested::Suppressed(cause) => format!("Not sent: {number} must not be messaged ({cause})."),
        Tested::NotSent { text, .. } => format!("Not sent to {number}: {text}"),
    })
}
