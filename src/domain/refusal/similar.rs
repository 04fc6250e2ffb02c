//! Other wordings of what the platform documents: those of `alike.txt`.

use std::sync::LazyLock;

use super::explanation::{
    BLOCKED, CHANNEL_GONE, CONNECTION, CONTACT_GONE, Explanation, FEE, LATER, LIMIT,
    LIMIT_BY_NUMBER, MESSAGE, NO_MESSENGER, NO_NUMBER, NO_PERMISSION, NOT_LIVE, NOT_OPENED,
    OTHER_APP, PAYMENT, RESTRICTED, UNDECIDED, WHATSAPP_TEST, WHATSAPP_UNREGISTERED, WINDOW,
};

/// Wordings that say the same.
#[derive(Debug)]
pub(super) struct SimilarTexts {
    pub(super) says: Explanation,
    pub(super) texts: Vec<&'static str>,
    /// Where the text holds one of these, it says something else.
    pub(super) unless: Vec<&'static str>,
}

/// The first section that matches counts.
pub(super) static SIMILAR_TEXTS: LazyLock<Vec<SimilarTexts>> = LazyLock::new(|| {
    let mut alike: Vec<SimilarTexts> = Vec::new();
    let lines = include_str!("alike.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let phrases = |line: &'static str| line.split(", ").map(|it| it.trim_matches('"'));
        if let Some(name) = line.strip_prefix('[') {
            alike.push(SimilarTexts {
                says: named(name.trim_end_matches(']')).unwrap_or(UNDECIDED),
                texts: Vec::new(),
                unless: Vec::new(),
            });
        } else if let Some(section) = alike.last_mut() {
            match line.strip_prefix("unless: ") {
                Some(unless) => section.unless.extend(phrases(unless)),
                None => section.texts.extend(phrases(line)),
            }
        }
    }
    alike
});

/// What the texts of a section say; a test knows all sections.
pub(super) fn named(section: &str) -> Option<Explanation> {
    Some(match section {
        "not live" => NOT_LIVE,
        "whatsapp test" => WHATSAPP_TEST,
        "whatsapp unregistered" => WHATSAPP_UNREGISTERED,
        "not opened" => NOT_OPENED,
        "fee" => FEE,
        "payment" => PAYMENT,
        "connection" => CONNECTION,
        "restricted" => RESTRICTED,
        "channel gone" => CHANNEL_GONE,
        "window" => WINDOW,
        "no messenger" => NO_MESSENGER,
        "other app" => OTHER_APP,
        "no number" => NO_NUMBER,
        "limit by number" => LIMIT_BY_NUMBER,
        "blocked" => BLOCKED,
        "message" => MESSAGE,
        "limit" => LIMIT,
        "no permission" => NO_PERMISSION,
        "undecided" => UNDECIDED,
        "later" => LATER,
        "contact gone" => CONTACT_GONE,
        _ => return None,
    })
}
