//! Numbers in links and in messengers' handles: `420777123456@c.us`, `https://wa.me/420777123456`, `sms:...`.
//!
//! What a form means is known from its owner's documentation: WhatsApp's, Viber's, Signal's and Telegram's
//! hold the number with its country code, `tel:`, `sms:` and the like hold it as a person dials it. A handle
//! of another kind (a group, a page, an opaque id) is left as it is, and refused later.

use super::mending::Mending;

/// A text whose links and handles were replaced by their numbers.
pub(super) struct Unwrapped {
    pub(super) text: String,
    pub(super) mending: Mending,
    /// A handle names its messenger, which writes numbers with their country code and without a plus.
    pub(super) international: bool,
}

/// The number of one handle.
struct Handle {
    number: String,
    mending: Mending,
    international: bool,
}

/// Stands in the place of a link that holds no number: its digits are none.
pub(super) const LINK: &str = "link";

/// Replaces each link and handle by its number; `None` if there is none.
pub(super) fn unwrap(text: &str) -> Option<Unwrapped> {
    if !text.contains([':', '@', '/']) {
        return None;
    }
    let mut found = false;
    let mut unwrapped = Unwrapped {
        text: String::with_capacity(text.len()),
        mending: Mending::NONE,
        international: false,
    };
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '<' | '>' | '"' | '\'');
    for piece in text.split_inclusive(ends) {
        let token = piece.trim_end_matches(ends);
        let end = piece.get(token.len()..).unwrap_or("");
        match handle(token) {
            Some(handle) => {
                found = true;
                unwrapped.text.push_str(&handle.number);
                unwrapped.mending = unwrapped.mending.and(handle.mending);
                unwrapped.international |= handle.international;
            }
            None if is_link(token) => {
                found = true;
                unwrapped.text.push_str(LINK);
            }
            None => unwrapped.text.push_str(token),
        }
        unwrapped.text.push_str(&end.replace(['<', '>'], " "));
    }
    found.then_some(unwrapped)
}

/// The hosts of WhatsApp ids that are no people's numbers: groups, lists, channels, and ids that hide the number.
const NO_PEOPLE: [&str; 4] = ["@g.us", "@broadcast", "@newsletter", "@lid"];

/// True for an address on the web, with or without its `https://`, and for an id of WhatsApp that holds no number:
/// the digits are an account, which must not even be suggested.
fn is_link(token: &str) -> bool {
    if NO_PEOPLE.iter().any(|host| token.ends_with(host)) {
        return true;
    }
    let host = token.split('/').next().unwrap_or("");
    let named = host.rsplit_once('.').is_some_and(|(name, top)| {
        name.ends_with(char::is_alphanumeric)
            && top.len() >= 2
            && top.chars().all(char::is_alphabetic)
    });
    token.contains("://") || token.starts_with("www.") || named && token.contains('/')
}

fn handle(token: &str) -> Option<Handle> {
    let complete = |digits: String| Handle {
        number: digits,
        mending: Mending::HANDLE,
        international: false,
    };
    if let Some((user, host)) = token.rsplit_once('@') {
        return whatsapp_id(user, host).map(complete);
    }
    let lower = token.to_ascii_lowercase();
    let web = ["https://", "http://"];
    let web = web.iter().find_map(|scheme| lower.strip_prefix(scheme));
    if let Some(number) = link(web.unwrap_or(&lower)) {
        return Some(complete(number));
    }
    let (scheme, rest) = lower.split_once(':')?;
    match scheme {
        "whatsapp" | "viber" | "tg" | "sgnl" => {
            let address = rest.trim_start_matches('/');
            link(address)
                .or_else(|| parameter(address, &["phone", "number"]))
                .map(complete)
                .or_else(|| dialled(scheme, rest, scheme != "tg" && scheme != "sgnl"))
        }
        "tel" | "callto" | "sms" | "smsto" | "mms" | "mmsto" | "skype" | "facetime"
        | "facetime-audio" | "imessage" => dialled(scheme, rest, false),
        _ => None,
    }
}

/// A WhatsApp id: the number with its country code, and maybe the device, before the host of people. Groups
/// have other hosts, and so have ids that hide the number (`@lid`).
fn whatsapp_id(user: &str, host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    // `whatsapp:NUMBER@...`: the name of a program before it.
    let user = match user.split_once([':', '/']) {
        Some((name, user)) if name.chars().all(char::is_alphabetic) => user,
        Some(_) | None => user,
    };
    let number = user.split([':', '.', '_']).next()?;
    matches!(host.as_str(), "c.us" | "s.whatsapp.net")
        .then(|| complete_number(number))
        .flatten()
}

/// The number of a link that its messenger documents: `wa.me/NUMBER`, `api.whatsapp.com/send?phone=NUMBER`,
/// `signal.me/#p/NUMBER`, `t.me/+NUMBER`.
fn link(address: &str) -> Option<String> {
    let (host, path) = address.split_once('/')?;
    let path = path.trim_start_matches('/');
    let segment = |path: &str| path.split(['/', '?', '&', '#']).next().map(str::to_owned);
    match host.trim_start_matches("www.") {
        "wa.me" => complete_number(&segment(path)?),
        "api.whatsapp.com" | "web.whatsapp.com" | "whatsapp.com" => parameter(path, &["phone"]),
        "signal.me" => complete_number(&segment(path.strip_prefix("#p/")?)?),
        // Behind the plus may also be an invitation to a group, which has letters.
        "t.me" => complete_number(&segment(path.strip_prefix('+')?)?),
        _ => None,
    }
}

/// The number behind `?phone=` and the like.
fn parameter(address: &str, names: &[&str]) -> Option<String> {
    let (_, query) = address.split_once('?')?;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| names.contains(name))
        .and_then(|(_, value)| complete_number(value))
}

/// A number with its country code, whether or not a plus stands before it.
fn complete_number(text: &str) -> Option<String> {
    let text = decoded(text)?;
    let text = text.trim_start();
    let text = text
        .strip_prefix('+')
        .or_else(|| text.strip_prefix("00"))
        .unwrap_or(text);
    let digits: String = text.chars().filter(|c| !" -()".contains(*c)).collect();
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| format!("+{digits}"))
}

/// A number as a person dials it, behind the name of a way to call or write.
fn dialled(scheme: &str, rest: &str, international: bool) -> Option<Handle> {
    let number = rest.trim_start_matches('/');
    let number = number.split(['?', '&']).next()?;
    let number = decoded(number)?;
    if !number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '(')) {
        return None;
    }
    let label = matches!(scheme, "tel" | "sms" | "callto") && number == rest;
    Some(Handle {
        number,
        mending: if label {
            Mending::LABEL
        } else {
            Mending::HANDLE
        },
        international,
    })
}

/// Writes out the characters that links encode in numbers; `None` for any other.
fn decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut decoded = pieces.next()?.to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        decoded.push(match code {
            "2b" | "2B" => '+',
            "20" => ' ',
            "28" => '(',
            "29" => ')',
            "2d" | "2D" => '-',
            _ => return None,
        });
        decoded.push_str(rest);
    }
    Some(decoded)
}
