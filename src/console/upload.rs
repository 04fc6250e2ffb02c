//! Files come in: streamed to a file that only its owner may read, of bounded size.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Multipart;
use axum::extract::multipart::Field;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::timeout;

use super::app::App;
use super::draft::{Draft, LIST, new_id};
use super::gate::Visit;
use super::page::Failure;
use super::suppression;
use crate::store::make_private_folder;

/// The largest file, in bytes.
const LARGEST: u64 = 1 << 30;

/// The next piece of a file must come within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest name of a file that is kept, in bytes.
const NAME: usize = 120;

/// A list is uploaded.
pub(super) async fn list(visit: Visit, mut form: Multipart) -> Result<Response, Failure> {
    let id = new_id()?;
    let folder = visit.app.uploads.join(&id);
    let (name, file) = receive(&visit.app, &mut form, &folder).await?;
    let path = format!("/lists/{id}");
    let begin = move |app: &Arc<App>| {
        let (draft, said) = Draft::begin(app, id, name, file).joining(app)?;
        draft.save(app).map(|()| said)
    };
    let said = visit.app.blocking(begin).await?;
    Ok(visit.go_to(&path, said))
}

/// A file of numbers that must not be messaged is uploaded.
pub(super) async fn suppressions(visit: Visit, mut form: Multipart) -> Result<Response, Failure> {
    let folder = visit.app.uploads.join(new_id()?);
    let (name, file) = receive(&visit.app, &mut form, &folder).await?;
    let done = visit
        .act(move |app| {
            let done = suppression::import(app, name, &file);
            let _ = std::fs::remove_dir_all(folder);
            done
        })
        .await?;
    Ok(visit.go_to("/suppression", done))
}

/// Takes the file of a form into a folder of its own; what is cut off leaves nothing behind.
async fn receive(
    app: &Arc<App>,
    form: &mut Multipart,
    folder: &Path,
) -> Result<(String, PathBuf), Failure> {
    let received = only_file(app, form, folder).await;
    if received.is_err() {
        let _ = tokio::task::spawn_blocking({
            let folder = folder.to_owned();
            move || std::fs::remove_dir_all(folder)
        })
        .await;
    }
    received
}

async fn only_file(
    app: &Arc<App>,
    form: &mut Multipart,
    folder: &Path,
) -> Result<(String, PathBuf), Failure> {
    let mut received: Option<(String, PathBuf)> = None;
    while let Some(field) = form.next_field().await.map_err(|it| cut_off(&it))? {
        let name = field.file_name().map(safe_name).unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        if let Some((first, _)) = received {
            pass_over(field).await;
            let text = format!(
                "{first} and {name} came together. One file at a time is read, and neither is kept: choose one of them, \
                 then the other."
            );
            return Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "More than one file",
                text,
            ));
        }
        let folder = folder.join(LIST);
        let path = folder.join(&name);
        let file = {
            let path = path.clone();
            app.blocking(move |_| {
                make_private_folder(&folder)?;
                Ok(create_private(&path)?)
            })
            .await?
        };
        write(app, field, file).await?;
        received = Some((name, path));
    }
    received.ok_or_else(|| {
        let text = "No file was chosen. Go back, and choose one.";
        Failure::new(StatusCode::BAD_REQUEST, "No file", text)
    })
}

/// A browser shows the answer once it has sent its file.
async fn pass_over(mut field: Field<'_>) {
    let mut length = 0;
    while let Ok(Ok(Some(piece))) = timeout(PATIENCE, field.chunk()).await {
        length += piece.len() as u64;
        if length > LARGEST {
            return;
        }
    }
}

async fn write(app: &Arc<App>, mut field: Field<'_>, file: std::fs::File) -> Result<(), Failure> {
    let file = Arc::new(file);
    let mut length = 0;
    loop {
        let piece = timeout(PATIENCE, field.chunk()).await;
        let piece = piece.map_err(|_| cut_off(&"it came too slowly"))?;
        let Some(piece) = piece.map_err(|it| cut_off(&it))? else {
            return Ok(());
        };
        length += piece.len() as u64;
        if length > LARGEST {
            let text = format!(
                "The file is larger than {} MB. Split it, or save it with fewer columns; the command line takes it as it is.",
                LARGEST >> 20
            );
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Failure::new(status, "The file is too large", text));
        }
        let file = Arc::clone(&file);
        app.blocking(move |_| Ok(std::io::Write::write_all(&mut &*file, &piece)?))
            .await?;
    }
}

fn cut_off(why: &dyn std::fmt::Display) -> Failure {
    let text = format!("The upload was cut off, and nothing of it is kept: {why}. Try again.");
    Failure::new(StatusCode::BAD_REQUEST, "The file did not arrive", text)
}

fn create_private(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The last part of a name, of signs that a file may have here; empty if nothing is left.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|c| !c.is_control());
    let kept: String = kept.collect();
    let kept = kept.trim().trim_start_matches('.');
    // The format follows from the end of its name.
    let mut from = kept.len().saturating_sub(NAME);
    while !kept.is_char_boundary(from) {
        from += 1;
    }
    kept.get(from..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for (sent, kept) in [
            ("list.csv", "list.csv"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\Eva\Zákazníci.xlsx", "Zákazníci.xlsx"),
            ("a\nb\0.csv", "ab.csv"),
            ("..", ""),
            (".hidden", "hidden"),
            ("<script>.csv", "<script>.csv"),
        ] {
            assert_eq!(safe_name(sent), kept);
        }
        assert!(safe_name(&format!("{}.csv", "é".repeat(200))).ends_with("é.csv"));
    }
}
