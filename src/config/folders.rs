//! The folders of the user and of the machine, after the XDG Base Directory Specification
//! (<https://specifications.freedesktop.org/basedir-spec/latest/>). Pure: the environment is passed in.

use std::path::{Path, PathBuf};

use super::origin::{Environment, FILE_NAME};

/// The settings of the whole machine.
const MACHINE: &str = "/etc/outreach";

/// The settings files that are tried where none is named, in their order: that of the current folder, the
/// user's, the machine's. The first that is there is read, and no other.
pub(super) fn settings_files(environment: &Environment) -> Vec<PathBuf> {
    let users = folder(environment, "XDG_CONFIG_HOME", ".config", "APPDATA");
    let mut files = vec![PathBuf::from(FILE_NAME)];
    files.extend(users.map(|folder| folder.join("outreach").join(FILE_NAME)));
    files.push(Path::new(MACHINE).join(FILE_NAME));
    files
}

/// The folder for the user's data; `None` if the environment names no home.
pub(super) fn data_folder(environment: &Environment) -> Option<PathBuf> {
    folder(environment, "XDG_DATA_HOME", ".local/share", "LOCALAPPDATA")
}

/// The folder of an XDG variable, or its default below the home. A path that is not absolute counts as none, as
/// the specification asks for.
fn folder(
    environment: &Environment,
    xdg: &str,
    below_home: &str,
    windows: &str,
) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = environment.get(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let own = if cfg!(windows) {
        absolute(windows)
    } else {
        absolute("HOME").map(|home| home.join(below_home))
    };
    absolute(xdg).or(own)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        variables.iter().map(own).collect()
    }

    #[test]
    fn settings_are_searched_from_the_folder_to_the_user_to_the_machine() {
        let files = |variables: &[_]| settings_files(&environment(variables));
        let users = "/home/jana/.config/outreach/outreach.toml";
        let machine = "/etc/outreach/outreach.toml";
        assert_eq!(
            files(&[("HOME", "/home/jana")]),
            ["outreach.toml", users, machine].map(PathBuf::from)
        );
        let own = [("HOME", "/home/jana"), ("XDG_CONFIG_HOME", "/c")];
        let users = "/c/outreach/outreach.toml";
        assert_eq!(
            files(&own),
            ["outreach.toml", users, machine].map(PathBuf::from)
        );
        for none in [("XDG_CONFIG_HOME", "relative"), ("HOME", "")] {
            assert_eq!(
                files(&[none]),
                ["outreach.toml", machine].map(PathBuf::from)
            );
        }
    }

    #[test]
    fn the_data_folder_is_that_of_xdg_else_below_the_home() {
        let data = |variables: &[_]| data_folder(&environment(variables));
        let home = ("HOME", "/home/jana");
        assert_eq!(
            data(&[home]),
            Some(PathBuf::from("/home/jana/.local/share"))
        );
        assert_eq!(
            data(&[home, ("XDG_DATA_HOME", "/d")]),
            Some(PathBuf::from("/d"))
        );
        let relative = data(&[home, ("XDG_DATA_HOME", "d")]);
        assert_eq!(relative, Some(PathBuf::from("/home/jana/.local/share")));
        assert_eq!(data(&[]), None);
    }
}
