use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches as _};
use secrecy::ExposeSecret as _;

use super::origin::Origin;
use super::*;
use crate::exit::ExitCode;
use crate::run::CheckpointPlace;

/// The layer of these flags.
fn flags(typed: &[&str]) -> Layer {
    let groups = [
        Flags::<Connection>::augment_args,
        Flags::<Pace>::augment_args,
        Flags::<ContactsFile>::augment_args,
        Flags::<Content>::augment_args,
        Flags::<CheckpointFile>::augment_args,
    ];
    let command = Command::new("flags").no_binary_name(true);
    let command = groups
        .into_iter()
        .fold(command, |command, group| group(command));
    Layer::from_arg_matches(&command.try_get_matches_from(typed).unwrap()).unwrap()
}

fn env(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn settings(flags: Layer, variables: &[(&str, &str)], toml: &str) -> Result<Settings, ConfigError> {
    let file = (PathBuf::from("outreach.toml"), toml.to_owned());
    Settings::merge(flags, env(variables), Some(file))
}

fn shown(settings: &Settings, key: &str) -> (String, Origin) {
    let line = settings
        .shown()
        .into_iter()
        .find(|line| line.key == key)
        .unwrap();
    (line.value, line.origin)
}

#[test]
fn flag_wins_over_environment_over_file_over_default() {
    let cases: [(&str, &str, &str, &str, [&str; 4]); 4] = [
        (
            "timeout",
            "--timeout=4s",
            "3s",
            "timeout = '2s'",
            ["30s", "2s", "3s", "4s"],
        ),
        (
            "concurrency",
            "--concurrency=6",
            "5",
            "concurrency = 4",
            ["3", "4", "5", "6"],
        ),
        (
            "no-header",
            "--no-header",
            "false",
            "no-header = true",
            ["false", "true", "false", "true"],
        ),
        (
            "column",
            "--column=phone=C",
            "phone=B;region=Z",
            "column = ['phone=A']",
            ["", "phone=A", "phone=B; region=Z", "phone=C"],
        ),
    ];
    for (key, flag, variable, toml, [default, from_file, from_env, from_flag]) in cases {
        let name = format!("OUTREACH_{}", key.replace('-', "_").to_uppercase());
        let variables = [(name.as_str(), variable)];
        let flags = flags(&[flag]);
        let none = Layer::default();
        let is = |settings: Result<Settings, _>, value: &str, origin| {
            assert_eq!(shown(&settings.unwrap(), key), (value.to_owned(), origin));
        };
        is(
            Settings::merge(none.clone(), env(&[]), None),
            default,
            Origin::Default,
        );
        is(settings(none.clone(), &[], toml), from_file, Origin::File);
        is(
            settings(none.clone(), &variables, toml),
            from_env,
            Origin::Environment,
        );
        is(
            settings(flags.clone(), &variables, toml),
            from_flag,
            Origin::Flag,
        );
        is(settings(flags, &[], ""), from_flag, Origin::Flag);
        // An empty variable says nothing.
        is(
            settings(none, &[(name.as_str(), "")], toml),
            from_file,
            Origin::File,
        );
    }
}

#[test]
fn every_shown_default_is_the_one_in_force() {
    let settings = Settings::merge(Layer::default(), env(&[]), None).unwrap();
    let lines = settings.shown();
    let lines = lines
        .into_iter()
        .filter(|line| setting::setting(line.key).is_some());
    let written = lines.map(|line| (origin::variable_name(line.key), line.value));
    let said = Settings::merge(Layer::default(), written.collect(), None).unwrap();
    assert_eq!(
        format!("{:?}", settings.connection().unwrap()),
        format!("{:?}", said.connection().unwrap())
    );
    assert_eq!(
        settings.pace(jiff::Timestamp::UNIX_EPOCH).unwrap(),
        said.pace(jiff::Timestamp::UNIX_EPOCH).unwrap()
    );
    assert_eq!(settings.intake().unwrap(), said.intake().unwrap());
    assert_eq!(settings.guards().unwrap(), said.guards().unwrap());
    assert_eq!(
        settings.checkpoint().unwrap().place(),
        said.checkpoint().unwrap().place()
    );
}

#[test]
fn a_wrong_value_names_its_layer_its_key_and_what_is_allowed() {
    let flag = flags(&["--rate=fast"]);
    let error = settings(flag, &[], "")
        .unwrap()
        .pace(jiff::Timestamp::UNIX_EPOCH)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "--rate has the value \"fast\"; allowed is a number of requests and a time, such as 2000/h, 30/min or 5/s"
    );
    assert_eq!(error.exit_code(), ExitCode::Usage);
    let none = Layer::default();
    let error = settings(none.clone(), &[("OUTREACH_UNDECIDED", "maybe")], "")
        .unwrap()
        .guards()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "OUTREACH_UNDECIDED has the value \"maybe\"; allowed is hold or retry"
    );
    assert_eq!(error.exit_code(), ExitCode::Configuration);
    let error = settings(none.clone(), &[], "concurrency = 0")
        .unwrap()
        .connection()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "concurrency in the settings file has the value \"0\"; allowed is 1 to 10000"
    );
    let error = settings(none, &[("OUTREACH_BURST", "many")], "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "OUTREACH_BURST has the value \"many\"; allowed is a whole number"
    );
}

#[test]
fn a_typo_names_the_near_match() {
    let none = Layer::default();
    let error = settings(none.clone(), &[], "concurency = 3").unwrap_err();
    assert_eq!(
        error.to_string(),
        "outreach.toml: the key `concurency` is not a setting; did you mean `concurrency`?"
    );
    let error = settings(none.clone(), &[], "repeat_guard = '1h'").unwrap_err();
    assert!(
        error.to_string().ends_with("did you mean `repeat-guard`?"),
        "{error}"
    );
    let error = settings(none.clone(), &[("OUTREACH_RATES", "1/h")], "").unwrap_err();
    assert!(
        error.to_string().ends_with("did you mean OUTREACH_RATE?"),
        "{error}"
    );
    let error = settings(none.clone(), &[], "rate = 3\n").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("outreach.toml, line 1: invalid type"),
        "{error}"
    );
    let error = settings(none, &[], "\n\nrate = ").unwrap_err();
    assert!(
        error.to_string().starts_with("outreach.toml, line 3"),
        "{error}"
    );
}

#[test]
fn message_and_content_exclude_each_other_in_one_layer_and_replace_each_other_between_layers() {
    let none = Layer::default();
    let both = settings(none, &[], "message = 'a'\ncontent = 'b.json'").unwrap_err();
    assert!(
        matches!(
            both,
            ConfigError::Conflict {
                origin: Origin::File,
                ..
            }
        ),
        "{both}"
    );
    let flag = flags(&["--content=c.json"]);
    let content = settings(flag, &[], "message = 'a'")
        .unwrap()
        .content()
        .unwrap();
    assert_eq!(
        content.message,
        Some(MessageSource::File(PathBuf::from("c.json")))
    );
}

const TOKEN: &str = "tok-31415926";

fn token(settings: &Settings) -> String {
    settings
        .connection()
        .unwrap()
        .token()
        .unwrap()
        .expose_secret()
        .to_owned()
}

#[test]
fn the_token_comes_from_the_environment_or_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "from-file\n").unwrap();
    let path = path.to_str().unwrap();
    let flag = flags(&["--token-file", path]);
    let toml = format!("token-file = {path:?}");
    let none = Layer::default();
    assert_eq!(
        token(&settings(none.clone(), &[("AMIO_TOKEN", TOKEN)], &toml).unwrap()),
        TOKEN
    );
    assert_eq!(
        token(&settings(none.clone(), &[], &toml).unwrap()),
        "from-file"
    );
    assert_eq!(
        token(&settings(none.clone(), &[("AMIO_TOKEN_FILE", path)], "").unwrap()),
        "from-file"
    );
    assert_eq!(
        token(&settings(flag, &[("AMIO_TOKEN", TOKEN)], "").unwrap()),
        "from-file"
    );
    let without = settings(none, &[], "").unwrap().connection().unwrap();
    assert!(matches!(without.token(), Err(ConfigError::NoToken)));
}

#[test]
fn a_secret_is_never_shown() {
    let variables = [
        ("AMIO_TOKEN", TOKEN),
        ("OUTREACH_WEBHOOK_SECRET_7001", TOKEN),
    ];
    let settings = settings(Layer::default(), &variables, "").unwrap();
    let connection = settings.connection().unwrap();
    let serve = settings.serve().unwrap();
    assert_eq!(serve.secrets.of("7001").unwrap().expose_secret(), TOKEN);
    assert!(serve.secrets.of("7002").is_none());
    for text in [
        format!("{settings:?}"),
        format!("{connection:?}"),
        format!("{serve:?}"),
        format!("{:?}", settings.shown()),
    ] {
        assert!(!text.contains(TOKEN), "{text}");
    }
    assert_eq!(shown(&settings, "token").0, "set (from AMIO_TOKEN)");
    assert_eq!(
        shown(&settings, "webhook-secret").0,
        "set (from OUTREACH_WEBHOOK_SECRET_7001)"
    );
}

#[test]
fn errors_about_secrets_do_not_tell_them() {
    let none = Layer::default();
    let spaced = format!("{TOKEN} x");
    let cases = [
        settings(none.clone(), &[("AMIO_TOKEN", &spaced)], "")
            .unwrap()
            .connection()
            .unwrap_err(),
        settings(none.clone(), &[], &format!("token = '{TOKEN}'")).unwrap_err(),
        settings(none.clone(), &[], &format!("token = '{TOKEN}")).unwrap_err(),
        settings(none.clone(), &[("OUTREACH_TOKEN", TOKEN)], "").unwrap_err(),
        settings(
            none,
            &[],
            &format!("base-url = 'https://u:{TOKEN}@x.example'"),
        )
        .unwrap()
        .connection()
        .unwrap_err(),
    ];
    for error in cases {
        assert!(!format!("{error} {error:?}").contains(TOKEN), "{error:?}");
    }
}

#[test]
fn webhooks_need_a_secret_or_a_loopback_address() {
    let none = Layer::default();
    assert!(settings(none.clone(), &[], "").unwrap().serve().is_err());
    let insecure = "insecure-no-signature = true\n";
    assert!(
        settings(none.clone(), &[], insecure)
            .unwrap()
            .serve()
            .is_ok()
    );
    let open = format!("{insecure}listen = '0.0.0.0:80'");
    assert!(settings(none.clone(), &[], &open).unwrap().serve().is_err());
    assert!(
        settings(
            none,
            &[("OUTREACH_WEBHOOK_SECRET", "s")],
            "listen = '0.0.0.0:80'"
        )
        .unwrap()
        .serve()
        .is_ok()
    );
}

#[test]
fn a_rehearsal_keeps_away_from_the_real_checkpoint() {
    let real = "db = 'real.db'\nout = 'real.csv'";
    let rehearsal = settings(Layer::default(), &[], real)
        .unwrap()
        .checkpoint()
        .unwrap()
        .for_sandbox();
    let named = |path| CheckpointPlace::Named(PathBuf::from(path));
    assert_eq!(rehearsal.place(), &named("sandbox.db"));
    assert_eq!(rehearsal.out, None);
    let flag = flags(&["--db=mine.db"]);
    let rehearsal = settings(flag, &[], real)
        .unwrap()
        .checkpoint()
        .unwrap()
        .for_sandbox();
    assert_eq!(rehearsal.place(), &named("mine.db"));
}

#[test]
fn outreach_config_prints_values_and_origins_as_table_and_as_json() {
    let flags = flags(&["--rate=5/s"]);
    let settings = settings(flags, &[("AMIO_TOKEN", TOKEN)], "region = 'CZ'").unwrap();
    let print = |json| {
        let mut out = Vec::new();
        crate::commands::config::print(&settings, json, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let (table, json) = (print(false), print(true));
    for (key, value, from) in [
        ("rate", "5/s", "--rate"),
        ("region", "CZ", "outreach.toml"),
        ("grace", "30s", "default"),
        ("token", "set (from AMIO_TOKEN)", "AMIO_TOKEN"),
    ] {
        let line = table
            .lines()
            .find(|line| line.split(' ').next() == Some(key))
            .unwrap();
        assert!(line.contains(value) && line.ends_with(from), "{line}");
        let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (parsed[key]["value"].as_str(), parsed[key]["from"].as_str()),
            (Some(value), Some(from))
        );
    }
    assert!(!table.contains(TOKEN) && !json.contains(TOKEN));
}

/// The layer of the flags is read by id: an argument that only shares the id must not become a setting.
#[test]
fn an_argument_with_the_id_of_a_setting_is_its_flag() {
    fn check(command: &Command) {
        for arg in command.get_arguments() {
            let id = Some(arg.get_id().as_str());
            let same = super::settings().iter().find(|it| it.flag_id() == id);
            if let Some(setting) = same {
                let name = command.get_name();
                assert_eq!(arg.get_long(), Some(setting.key()), "{name}");
            }
        }
        command.get_subcommands().for_each(check);
    }
    check(&<crate::cli::Cli as clap::CommandFactory>::command());
}

#[test]
fn the_checkpoint_is_the_users_own_unless_a_setting_names_it() {
    let place = |flags, variables: &[_], file: Option<(&str, &str)>| {
        let file = file.map(|(path, text)| (PathBuf::from(path), text.to_owned()));
        let settings = Settings::merge(flags, env(variables), file).unwrap();
        settings.checkpoint().unwrap().place().clone()
    };
    let named = |path| CheckpointPlace::Named(PathBuf::from(path));
    let either = |local, home: Option<&str>| CheckpointPlace::Either {
        local: PathBuf::from(local),
        home: home.map(PathBuf::from),
    };
    let (none, home) = (Layer::default, [("HOME", "/home/jana")]);
    let own = "/home/jana/.local/share/outreach/outreach.db";
    assert_eq!(place(none(), &home, None), either("outreach.db", Some(own)));
    assert_eq!(place(none(), &[], None), either("outreach.db", None));
    assert_eq!(place(flags(&["--db=a.db"]), &home, None), named("a.db"));
    let variable = [("OUTREACH_DB", "b.db")];
    assert_eq!(place(none(), &variable, None), named("b.db"));
    let here = Some(("outreach.toml", "db = 'c.db'"));
    assert_eq!(place(none(), &home, here), named("c.db"));
    // A settings file elsewhere names the same file from every folder.
    let absolute = Some(("/etc/outreach/outreach.toml", "db = '/var/c.db'"));
    assert_eq!(place(none(), &home, absolute), named("/var/c.db"));
    let relative = Some(("/etc/outreach/outreach.toml", "db = 'c.db'"));
    let found = place(none(), &home, relative);
    assert_eq!(found, either("c.db", Some("/etc/outreach/c.db")));
}
