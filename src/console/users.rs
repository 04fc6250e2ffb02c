//! Who may sign in, and what each of them may do: a file beside the checkpoint, one line a user.
//!
//! A line has the name, the role, and the password's hash (argon2id, as a PHC string). The file is read at each
//! request, so that who is removed is out at once.

use std::fmt;
use std::path::{Path, PathBuf};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use jiff::Timestamp;

use super::base::digest;
use crate::config::read_text;
use crate::domain::role::{Role, UserName};
use crate::report::write_whole_file;
use crate::store::{DecisionRecord, Hold, Store, StoreError};

/// The shortest password, in characters: NIST SP 800-63B asks for 8.
const SHORTEST: usize = 8;

/// A user who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) role: Role,
    hash: String,
}

impl User {
    fn read(line: &str) -> Option<Self> {
        let mut parts = line.split_whitespace();
        let name: UserName = parts.next()?.parse().ok()?;
        let role = parts.next()?.parse().ok()?;
        let hash = parts.next()?.to_owned();
        PasswordHash::new(&hash).ok()?;
        parts.next().is_none().then_some(Self {
            name: name.get().to_owned(),
            role,
            hash,
        })
    }

    /// Whether this is the password.
    pub(super) fn is_password(&self, password: &str) -> bool {
        let hash = PasswordHash::new(&self.hash);
        hash.is_ok_and(|hash| {
            let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
            verified.is_ok()
        })
    }

    /// Which password it is: a session ends with the password that began it.
    pub(super) fn stamp(&self) -> String {
        let digest = digest(&self.hash);
        digest.get(..16).unwrap_or(&digest).to_owned()
    }
}

/// False, after as long as the check of a password takes: no name is found out by its time.
pub(super) fn check_nothing(password: &str) -> bool {
    let _ = Argon2::default().hash_password(password.as_bytes());
    false
}

/// Why the users cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    /// The file cannot be read or written.
    #[error("the users in {} cannot be read or written: {detail}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What happened.
        detail: String,
    },
    /// A line is no user.
    #[error(
        "line {line} of {} is no user: a line has a name, a role and the hash of a password", path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// The name is taken.
    #[error("there is a user {0} already; to change role or password, remove and add that user")]
    Known(String),
    /// There is no such user.
    #[error("there is no user {0}; `outreach console user list` shows all")]
    NoUser(String),
    /// The checkpoint cannot be changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password is too short.
    #[error(
        "the password is too short: it needs at least {SHORTEST} characters; nothing was changed"
    )]
    Short,
}

/// Adds a user of the checkpoint's console; the audit has who did it.
///
/// # Errors
/// [`UserError`] if the name is taken, the password is too short, or checkpoint or file cannot be changed.
pub(crate) fn add_user(
    checkpoint: &Path,
    (name, role): (&UserName, Role),
    password: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), UserError> {
    // What cannot be kept is not done.
    let store = Store::open(checkpoint)?;
    UserFile::beside(checkpoint).add(name, role, password, &now.to_string())?;
    let detail = format!("{} as {role}", name.get());
    Ok(store.record_decision(DecisionRecord::new(by, "user-add", detail, now))?)
}

/// Removes a user, whose sessions end with that; the audit has who did it.
///
/// # Errors
/// [`UserError`] if there is none of this name, or checkpoint or file cannot be changed.
pub(crate) fn remove_user(
    checkpoint: &Path,
    name: &UserName,
    by: &str,
    now: Timestamp,
) -> Result<(), UserError> {
    let store = Store::open(checkpoint)?;
    UserFile::beside(checkpoint).remove(name, &now.to_string())?;
    let detail = name.get().to_owned();
    Ok(store.record_decision(DecisionRecord::new(by, "user-remove", detail, now))?)
}

/// The file of the users.
#[derive(Debug, Clone)]
pub(crate) struct UserFile(PathBuf);

impl UserFile {
    /// That of a checkpoint.
    pub(crate) fn beside(checkpoint: &Path) -> Self {
        let mut name = checkpoint.file_name().unwrap_or_default().to_owned();
        name.push("-users");
        Self(checkpoint.with_file_name(name))
    }

    fn fail(&self, error: &dyn fmt::Display) -> UserError {
        UserError::File {
            path: self.0.clone(),
            detail: error.to_string(),
        }
    }

    /// All users, in the order in which they were added; none if there is no file.
    ///
    /// # Errors
    /// [`UserError`] if the file cannot be read, or a line is no user.
    pub(crate) fn read(&self) -> Result<Vec<User>, UserError> {
        let text = match read_text(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.fail(&error)),
        };
        let lines = text.lines().enumerate();
        let filled = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let user = |(at, line)| {
            User::read(line).ok_or_else(|| UserError::Line {
                path: self.0.clone(),
                line: at + 1,
            })
        };
        filled.map(user).collect()
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`UserError`] if the name is taken, the password is too short, or the file cannot be changed.
    fn add(&self, name: &UserName, role: Role, password: &str, now: &str) -> Result<(), UserError> {
        if password.chars().count() < SHORTEST {
            return Err(UserError::Short);
        }
        let hash = Argon2::default().hash_password(password.as_bytes());
        let hash = hash.map_err(|error| self.fail(&error))?.to_string();
        self.change(now, |users| {
            if users.iter().any(|user| user.name == name.get()) {
                return Err(UserError::Known(name.get().to_owned()));
            }
            users.push(User {
                name: name.get().to_owned(),
                role,
                hash,
            });
            Ok(())
        })
    }

    /// Removes a user, whose sessions end with that.
    ///
    /// # Errors
    /// [`UserError`] if there is none of this name, or the file cannot be changed.
    fn remove(&self, name: &UserName, now: &str) -> Result<(), UserError> {
        self.change(now, |users| {
            let before = users.len();
            users.retain(|user| user.name != name.get());
            if users.len() == before {
                return Err(UserError::NoUser(name.get().to_owned()));
            }
            Ok(())
        })
    }

    /// Two that change it at once do so one after the other.
    fn change(
        &self,
        now: &str,
        change: impl FnOnce(&mut Vec<User>) -> Result<(), UserError>,
    ) -> Result<(), UserError> {
        let mut lock = self.0.as_os_str().to_owned();
        lock.push(".lock");
        let held = Hold::take_file(lock.into(), "the list of users", now);
        let _held = held.map_err(|error| self.fail(&error))?;
        let mut users = self.read()?;
        change(&mut users)?;
        let lines = users
            .iter()
            .map(|it| format!("{} {} {}\n", it.name, it.role, it.hash));
        let text: String = lines.collect();
        write_whole_file(&self.0, text.as_bytes()).map_err(|error| self.fail(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_again_by_the_password_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = UserFile::beside(&folder.path().join("outreach.db"));
        assert_eq!(file.read().unwrap(), []);
        let eva: UserName = "eva@example.com".parse().unwrap();
        let add = |password| file.add(&eva, Role::Operator, password, "now");
        assert!(matches!(add("seven77"), Err(UserError::Short)));
        add("correct horse").unwrap();
        assert!(matches!(add("another one"), Err(UserError::Known(_))));
        let users = file.read().unwrap();
        assert_eq!(
            (users[0].name.as_str(), users[0].role),
            ("eva@example.com", Role::Operator)
        );
        assert!(users[0].hash.starts_with("$argon2id$"), "{}", users[0].hash);
        assert!(users[0].is_password("correct horse"));
        assert!(!users[0].is_password("correct horse ") && !users[0].is_password(""));
        #[cfg(unix)]
        {
            let mode = std::fs::metadata(&file.0).unwrap().permissions();
            assert_eq!(
                std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
                0o600
            );
        }
        file.remove(&eva, "now").unwrap();
        assert!(matches!(
            file.remove(&eva, "now"),
            Err(UserError::NoUser(_))
        ));
        assert_eq!(file.read().unwrap(), []);
    }

    #[test]
    fn a_file_that_is_not_understood_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = UserFile::beside(&folder.path().join("outreach.db"));
        for line in [
            "eva",
            "eva admin",
            "eva chief $argon2id$x",
            "eva admin secret",
        ] {
            std::fs::write(&file.0, format!("# users\n\n{line}\n")).unwrap();
            let error = file.read().unwrap_err();
            assert!(matches!(error, UserError::Line { line: 3, .. }), "{error}");
        }
    }
}
