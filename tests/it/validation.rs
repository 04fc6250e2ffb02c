//! What a night would refuse of its settings is told before: one validation for `send`, `doctor` and `config`.

use crate::support::{CHANNEL, SandboxProcess, Scratch};

/// Settings that `send` refuses, and a word of the reason.
const WRONG: [(&str, &str); 27] = [
    ("window = \"08:00-25:00\"", "08:00-21:00"),
    ("rate = \"fast\"", "2000/h"),
    ("region = \"XX\"", "ISO code"),
    ("timezone = \"Europe/Prag\"", "time zone"),
    ("until = \"25:00\"", "06:00"),
    ("until = \"2020-01-01T06:00\"", "still to come"),
    ("for = \"0\"", "for"),
    ("reserve = \"100%\"", "below 100%"),
    ("burst = 0", "from 1"),
    ("pace = \"slow\"", "even"),
    ("window-by = \"moon\"", "recipient"),
    ("concurrency = 0", "concurrency"),
    ("timeout = \"soon\"", "timeout"),
    ("grace = \"soon\"", "grace"),
    ("encoding = \"utf-99\"", "encoding"),
    ("delimiter = \"xx\"", "delimiter"),
    ("column = [\"shoe=Size\"]", "column"),
    ("min-valid = \"150%\"", "min-valid"),
    ("allow-line-type = [\"satellite\"]", "allow-line-type"),
    ("repeat-guard = \"often\"", "repeat-guard"),
    ("not-within = \"often\"", "not-within"),
    ("fail-below = \"many\"", "fail-below"),
    ("dialect = \"slang\"", "dialect"),
    ("[refusals]\nnobody = [\"x\"]", "refusal"),
    ("content = \"missing.json\"", "missing.json"),
    ("content = \"broken.json\"", "broken.json"),
    ("tag = \"BIRTHDAY\"", "BIRTHDAY"),
];

/// Messages that no list could be sent with.
const BROKEN: [(&str, &str); 4] = [
    ("Hello {{ first_name", "message"),
    ("{{ anything }} {% if %}", "message"),
    ("{{ first_name | shout }}", "shout"),
    ("   ", "empty"),
];

fn scene() -> (Scratch, SandboxProcess) {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.write("broken.json", "{\"type\": ");
    (scratch, sandbox)
}

/// Whoever looks before the night is told, and the night refuses it with the same words.
fn expect_refused(scratch: &Scratch, sandbox: &SandboxProcess, reason: &str) {
    let settings = ["--config", "night.toml"];
    let send = scratch
        .outreach(&["send", "contacts.csv", "--yes"])
        .with(&settings)
        .run();
    assert!(matches!(send.code, Some(2 | 6)), "{reason}: {send:?}");
    assert!(send.said.contains(reason), "{reason}: {send:?}");
    let first = send.said.lines().find(|line| line.starts_with("error: "));
    let first = first.unwrap().trim_start_matches("error: ").to_owned();
    let doctor = scratch.outreach(&["doctor"]).with(&settings).run();
    assert_ne!(doctor.code, Some(0), "{reason}: {doctor:?}");
    assert!(doctor.out.contains(&first), "{first}: {doctor:?}");
    let config = scratch.outreach(&["config"]).with(&settings).run();
    assert_eq!(config.code, send.code, "{reason}: {config:?}");
    assert!(config.said.contains(&first), "{first}: {config:?}");
    assert_eq!(sandbox.stats().accepted, 0);
}

#[test]
fn what_send_refuses_at_night_doctor_and_config_refuse_before() {
    let (scratch, sandbox) = scene();
    let base = format!(
        "channel = \"{CHANNEL}\"\nbase-url = \"{}\"\n",
        sandbox.base_url()
    );
    for (line, reason) in WRONG {
        let message = if line.starts_with("content") {
            ""
        } else {
            "message = \"Hello\"\n"
        };
        scratch.write("night.toml", &format!("{base}{message}{line}\n"));
        expect_refused(&scratch, &sandbox, reason);
    }
    for (message, reason) in BROKEN {
        scratch.write("night.toml", &format!("{base}message = \"{message}\"\n"));
        expect_refused(&scratch, &sandbox, reason);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_good_settings_pass() {
    let (scratch, sandbox) = scene();
    let good = format!(
        "channel = \"{CHANNEL}\"\nbase-url = \"{}\"\nmessage = \"Hello {{{{ anything }}}} {{{{ row['Other'] }}}}\"\n",
        sandbox.base_url()
    );
    scratch.write("night.toml", &good);
    for command in ["doctor", "config"] {
        scratch
            .outreach(&[command, "--config", "night.toml"])
            .run()
            .expect(0);
    }
    let wrong = "rate = \"fast\"\nregion = \"XX\"\nlisten = \"here\"\nuntil = \"25:00\"\n";
    scratch.write("night.toml", &format!("{good}{wrong}"));
    let doctor = scratch
        .outreach(&["doctor", "--config", "night.toml"])
        .run()
        .expect(6);
    let config = scratch
        .outreach(&["config", "--config", "night.toml"])
        .run()
        .expect(6);
    for key in ["rate", "region", "listen", "until"] {
        let told = format!("{key} ");
        assert!(
            doctor.out.contains(&told) && config.said.contains(&told),
            "{key}: {doctor:?} {config:?}"
        );
    }
}

#[test]
fn a_tag_that_facebook_has_retired_is_told_before_the_night() {
    let (scratch, sandbox) = scene();
    let settings = format!(
        "channel = \"{CHANNEL}\"\nbase-url = \"{}\"\nmessage = \"Hello\"\ntag = \"ACCOUNT_UPDATE\"\n",
        sandbox.base_url()
    );
    scratch.write("night.toml", &settings);
    let doctor = ["doctor", "--config", "night.toml"];
    let doctor = scratch.outreach(&doctor).run().expect(0);
    assert!(doctor.out.contains("ACCOUNT_UPDATE"), "{doctor:?}");
    let config = ["config", "--config", "night.toml"];
    scratch
        .outreach(&config)
        .run()
        .expect(0)
        .says("ACCOUNT_UPDATE");
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let scratch = Scratch::new();
    for json in [&["config"][..], &["config", "--json"]] {
        let shown = scratch
            .outreach(json)
            .env("OUTREACH_BASE_URL", "https://user:hunter2@host/v1")
            .run()
            .expect(6);
        assert!(!format!("{shown:?}").contains("hunter2"), "{shown:?}");
        assert!(shown.out.contains("https://***@host/v1"), "{shown:?}");
    }
}
