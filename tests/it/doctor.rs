//! `outreach doctor`: is everything ready? It tells what is wrong, and never a secret.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Output;

use outreach::internals::sandbox::{Sandbox, Settings};
use serde_json::Value;

use crate::fixture::{Place, every_state, text};

/// A sandbox on a runtime of its own.
struct Api {
    _runtime: tokio::runtime::Runtime,
    sandbox: Sandbox,
}

fn api() -> Api {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let sandbox = runtime
        .block_on(Sandbox::start(Settings::default(), address))
        .unwrap();
    Api {
        _runtime: runtime,
        sandbox,
    }
}

fn doctor(place: &Place, api: &Api, token: &str, channel: &str) -> Output {
    place
        .command(&["doctor", "--json", "--channel", channel])
        .env("OUTREACH_BASE_URL", api.sandbox.base_url())
        .env("AMIO_TOKEN", token)
        .env("OUTREACH_WEBHOOK_SECRET", "our-webhook-secret")
        .output()
        .unwrap()
}

fn verdict(output: &Output, what: &str) -> String {
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = findings
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["what"] == what);
    finding.map_or_else(String::new, |finding| {
        finding["verdict"].as_str().unwrap().to_owned()
    })
}

#[test]
fn a_sound_setup_is_good_and_the_quota_is_remembered() {
    let (place, api) = (every_state(), api());
    let token = Settings::DEFAULT_TOKEN;
    let output = doctor(&place, &api, token, Settings::MESSENGER_CHANNEL);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    for what in [
        "checkpoint",
        "permissions",
        "token",
        "channel",
        "quota",
        "clock",
    ] {
        assert_eq!(verdict(&output, what), "good", "{what}: {told}");
    }
    assert!(!told.contains(token) && !told.contains("our-webhook-secret"));
    let fingerprint = outreach::internals::amio::token_fingerprint(&token.to_owned().into());
    let quota = place.reader().quota(fingerprint).unwrap().unwrap();
    let quota: Value = serde_json::from_str(&quota).unwrap();
    assert!(quota["remaining"].as_u64().unwrap() < quota["limit"].as_u64().unwrap());
}

#[test]
fn what_an_answer_showed_is_good_and_the_rest_is_for_a_person_to_confirm() {
    let (place, api) = (every_state(), api());
    let token = Settings::DEFAULT_TOKEN;
    let messenger = doctor(&place, &api, token, Settings::MESSENGER_CHANNEL);
    assert_eq!(messenger.status.code(), Some(0));
    // A message was accepted through this channel.
    for what in ["access", "fee", "permission"] {
        assert_eq!(verdict(&messenger, what), "good", "{what}");
    }
    assert_eq!(verdict(&messenger, "consent"), "notice");
    let viber = doctor(&place, &api, token, Settings::VIBER_CHANNEL);
    assert_eq!(verdict(&viber, "approval"), "notice");
    let sms = doctor(&place, &api, token, Settings::MOBILE_CHANNEL);
    assert_eq!(verdict(&sms, "access"), "");
}

#[test]
fn a_wrong_token_and_a_wrong_channel_are_told_apart() {
    let (place, api) = (every_state(), api());
    let wrong = doctor(&place, &api, "not-the-token", Settings::MESSENGER_CHANNEL);
    assert_eq!(wrong.status.code(), Some(6));
    assert_eq!(verdict(&wrong, "token"), "good");
    assert!(text(&wrong.stdout).contains("does not accept the token"));
    assert!(!text(&wrong.stdout).contains("not-the-token"));
    let wrong = doctor(&place, &api, Settings::DEFAULT_TOKEN, "77");
    assert_eq!(wrong.status.code(), Some(6));
    assert_eq!(verdict(&wrong, "channel"), "bad");
}

#[test]
fn without_a_token_nothing_is_asked_and_the_checkpoint_is_still_looked_at() {
    let place = every_state();
    let output = place.outreach(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(verdict(&output, "checkpoint"), "good");
    assert_eq!(verdict(&output, "token"), "bad");
}

#[test]
fn a_damaged_checkpoint_is_told_as_a_matter_of_storage() {
    let place = every_state();
    let mut bytes = std::fs::read(place.db()).unwrap();
    let half = bytes.len() / 2;
    for byte in bytes.iter_mut().skip(4096).take(half) {
        *byte ^= 0x5a;
    }
    std::fs::write(place.db(), bytes).unwrap();
    let output = place.outreach(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(8), "{}", text(&output.stdout));
    assert_eq!(verdict(&output, "checkpoint"), "bad");
}

#[test]
fn an_empty_checkpoint_is_not_called_sound() {
    let scratch = crate::support::Scratch::new();
    scratch.write("outreach.db", "");
    let doctor = scratch.outreach(&["doctor"]).run();
    assert!(doctor.out.contains("is empty"), "{}", doctor.out);
    assert_eq!(
        scratch.read("outreach.db"),
        "",
        "looking at it does not fill it"
    );
}
