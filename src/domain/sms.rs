//! How many SMS a text is. A provider charges each segment as a message.
//!
//! Alphabet and sizes are those of 3GPP TS 23.038 (formerly GSM 03.38, section 6.2.1: the default alphabet and its
//! extension table) and of TS 23.040, section 9.2.3.24.1 (the header that joins segments takes 6 of their 140
//! octets, and no character is cut in two). A text whose characters are all in the alphabet has 160 of them in a
//! single segment, or 153 in each of several; a character of the extension table takes two. Any other character makes
//! the whole text UCS-2: 70, or 67 in each of several; one beyond U+FFFF takes two.
//!
//! Which alphabet a provider uses in the end is its own choice: Amio documents none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::fold;

/// The type of a channel that sends SMS, in the API's word.
pub(crate) const CHANNEL_TYPE: &str = "mobile";

/// The default alphabet, in the order of its codes; the escape to the extension table is left out.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table: each takes two septets.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// How many characters are named as the cause of what one message costs.
const NAMED: usize = 5;

/// What is asked for about SMS, and kept with a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsSettings {
    /// The channel sends SMS, though the checkpoint may not know its type yet.
    pub counted: bool,
    /// A message that needs more segments is refused.
    pub max_segments: Option<NonZeroU32>,
}

impl SmsSettings {
    /// Whether messages through a channel of this type are counted: `None` for one that is not known.
    pub(crate) fn counts(self, channel_type: Option<&str>) -> bool {
        self.counted
            || channel_type.map_or(self.max_segments.is_some(), |kind| kind == CHANNEL_TYPE)
    }

    /// These settings, where they say anything, else the others.
    #[must_use]
    pub(crate) fn or(self, kept: Self) -> Self {
        Self {
            counted: self.counted || kept.counted,
            max_segments: self.max_segments.or(kept.max_segments),
        }
    }
}

/// How the characters of a text are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// The default alphabet: seven bits each.
    Gsm,
    /// UCS-2: sixteen bits each.
    Ucs2,
}

impl Alphabet {
    /// Units in a single segment, and in each of several.
    const fn sizes(self) -> (u32, u32) {
        match self {
            Self::Gsm => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    /// Units that a character takes.
    fn units(self, letter: char) -> u32 {
        let double = match self {
            Self::Gsm => EXTENSION.contains(letter),
            Self::Ucs2 => letter.len_utf16() > 1,
        };
        1 + u32::from(double)
    }
}

/// What a text takes as SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) alphabet: Alphabet,
    /// Septets of the default alphabet, or code units of UCS-2.
    pub(crate) units: u32,
    pub(crate) segments: u32,
}

fn in_alphabet(letter: char) -> bool {
    BASIC.contains(letter) || EXTENSION.contains(letter)
}

/// What the text takes as SMS.
pub(crate) fn size(text: &str) -> Size {
    let alphabet = if text.chars().all(in_alphabet) {
        Alphabet::Gsm
    } else {
        Alphabet::Ucs2
    };
    let (single, part) = alphabet.sizes();
    let (mut units, mut parts, mut used) = (0_u32, 1_u32, 0);
    for letter in text.chars() {
        let taken = alphabet.units(letter);
        units = units.saturating_add(taken);
        // No character is cut in two: the last unit of a segment may stay empty.
        if used + taken > part {
            parts = parts.saturating_add(1);
            used = 0;
        }
        used += taken;
    }
    Size {
        alphabet,
        units,
        segments: if units <= single { 1 } else { parts },
    }
}

/// What could stand for a character that makes a text longer, without another meaning; an empty text where it can be
/// left out. `None` for one that nothing can stand for.
pub(crate) fn instead(letter: char) -> Option<String> {
    let sign = match letter {
        '‘' | '’' | '‚' | '‛' | '`' | '´' | 'ʼ' | '′' => "'",
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '•' | '·' | '~' => "-",
        '…' => "...",
        '×' => "x",
        '№' => "No.",
        '©' => "(c)",
        '®' => "(R)",
        '™' => "(TM)",
        '[' | '{' => "(",
        ']' | '}' => ")",
        '\\' | '|' => "/",
        letter if letter.is_whitespace() => " ",
        // They are amounts and formulas: nothing shorter says the same.
        '€' | '^' => return None,
        letter if is_ornament(letter) => "",
        letter => {
            let plain = fold::without_accents(letter);
            return plain.chars().all(|it| BASIC.contains(it)).then_some(plain);
        }
    };
    Some(sign.to_owned())
}

/// Loose accents, signs without width, symbols and emoji: the words say the same without them.
fn is_ornament(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{300}'
            ..='\u{36f}' | '\u{fe0e}' | '\u{fe0f}'
    ) || is_symbol(letter)
}

fn is_symbol(letter: char) -> bool {
    matches!(letter, '\u{a2}'..='\u{bf}' | '\u{2020}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{2100}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}')
        && !letter.is_alphanumeric()
        && letter != '\u{ad}'
}

/// What a text takes as SMS, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) size: Size,
    /// Segments with all that [`instead`] knows for the characters below.
    pub(crate) plain_segments: u32,
    /// The characters that force UCS-2; in a text of the default alphabet those of the extension table, where without
    /// them it would have fewer segments.
    pub(crate) characters: BTreeSet<char>,
}

/// What the text takes as SMS, and why.
pub(crate) fn cost(text: &str) -> Cost {
    let size = size(text);
    let costs = |letter: &char| match size.alphabet {
        Alphabet::Gsm => size.segments > 1 && EXTENSION.contains(*letter),
        Alphabet::Ucs2 => !in_alphabet(*letter),
    };
    let mut characters: BTreeSet<char> = text.chars().filter(costs).collect();
    if characters.is_empty() {
        return Cost {
            size,
            plain_segments: size.segments,
            characters,
        };
    }
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match instead(letter).filter(|_| characters.contains(&letter)) {
            Some(sign) => plain.push_str(&sign),
            None => plain.push(letter),
        }
    }
    let plain_segments = self::size(&plain).segments.min(size.segments);
    if size.alphabet == Alphabet::Gsm && plain_segments == size.segments {
        characters.clear();
    }
    Cost {
        size,
        plain_segments,
        characters,
    }
}

impl Cost {
    /// Why the text takes so many segments, and what would make it shorter.
    pub(crate) fn why(&self) -> String {
        let Size {
            alphabet,
            units,
            segments,
        } = self.size;
        let (single, part) = alphabet.sizes();
        let mut why = format!("{units} characters");
        if self.characters.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(
                why,
                ", a single segment has {single}, each of several {part}"
            );
            return why;
        }
        let named = self.characters.iter().take(NAMED);
        let named: Vec<String> = named.map(|letter| advice(*letter)).collect();
        let more = self.characters.len().saturating_sub(NAMED);
        let _ = write!(why, ", {}", named.join(", "));
        if more > 0 {
            let _ = write!(why, " and {more} more");
        }
        why.push_str(match alphabet {
            Alphabet::Gsm => " count twice",
            Alphabet::Ucs2 => " leave 70 to a segment in place of 160",
        });
        if self.plain_segments < segments {
            let _ = write!(why, "; without them {}", segments_text(self.plain_segments));
        }
        why
    }
}

/// `1 segment`, `2 segments`.
pub(crate) fn segments_text(count: u32) -> String {
    format!("{count} segment{}", if count == 1 { "" } else { "s" })
}

/// A character, and what could stand for it.
pub(crate) fn advice(letter: char) -> String {
    let shown = shown(letter);
    match instead(letter) {
        Some(sign) if sign.is_empty() => format!("{shown} (leave it out)"),
        Some(sign) if sign == " " => format!("{shown} (write a space)"),
        Some(sign) => format!("{shown} (write {sign})"),
        None => shown,
    }
}

/// A character as it looks; what cannot be seen by its code.
fn shown(letter: char) -> String {
    let seen = letter.is_alphanumeric() || in_alphabet(letter) && !letter.is_control();
    let is_sign = is_symbol(letter)
        || matches!(letter, '\u{2010}'..='\u{2027}' | '\u{20a0}'..='\u{20cf}' | '`');
    if seen || is_sign {
        letter.to_string()
    } else {
        format!("U+{:04X}", u32::from(letter))
    }
}

/// The text of a message; `None` if it is no text. `content` is the JSON that is sent.
pub(crate) fn text_of(content: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(content).ok()?;
    if value.get("type").and_then(serde_json::Value::as_str) != Some("text") {
        return None;
    }
    let payload = value.get("payload").and_then(serde_json::Value::as_str);
    payload.map(str::to_owned)
}

/// What the messages of a list take as SMS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SmsTally {
    /// Messages that are texts.
    pub messages: u64,
    /// Messages that are no texts, and are not counted.
    pub no_texts: u64,
    /// Segments of the shortest one.
    pub least: u32,
    /// Segments of the longest one.
    pub most: u32,
    /// Segments of all.
    pub segments: u64,
    /// Messages in UCS-2.
    pub ucs2: u64,
    /// Segments of all, if the characters below were replaced or left out where they can be.
    pub plain_segments: u64,
    /// Characters that force UCS-2 or cost a further segment, by how many messages have them.
    #[serde(serialize_with = "characters")]
    pub characters: BTreeMap<char, u64>,
}

impl SmsTally {
    /// Counts a message. `content` is the JSON that is sent.
    pub(crate) fn count(&mut self, content: &str) {
        let Some(text) = text_of(content) else {
            self.no_texts += 1;
            return;
        };
        let cost = cost(&text);
        let segments = cost.size.segments;
        self.least = match self.messages {
            0 => segments,
            _ => self.least.min(segments),
        };
        self.most = self.most.max(segments);
        self.messages += 1;
        self.segments += u64::from(segments);
        self.plain_segments += u64::from(cost.plain_segments);
        self.ucs2 += u64::from(cost.size.alphabet == Alphabet::Ucs2);
        for letter in cost.characters {
            *self.characters.entry(letter).or_default() += 1;
        }
    }

    /// The characters, those of most messages first.
    pub(crate) fn costly(&self) -> Vec<(char, u64)> {
        let mut all: Vec<(char, u64)> = self.characters.iter().map(|(it, n)| (*it, *n)).collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all
    }
}

/// As a list, the most frequent first, each with what could stand for it.
fn characters<S: serde::Serializer>(
    characters: &BTreeMap<char, u64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Costly {
        character: char,
        messages: u64,
        instead: Option<String>,
    }
    let mut all: Vec<Costly> = characters
        .iter()
        .map(|(letter, count)| Costly {
            character: *letter,
            messages: *count,
            instead: instead(*letter),
        })
        .collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.messages));
    serializer.collect_seq(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_have_known_segments() {
        use Alphabet::{Gsm, Ucs2};
        let many = |text: &str, count: usize| text.repeat(count);
        for (text, alphabet, units, segments) in [
            (String::new(), Gsm, 0, 1),
            ("Hello, your order is ready.".to_owned(), Gsm, 27, 1),
            (many("a", 160), Gsm, 160, 1),
            (many("a", 161), Gsm, 161, 2),
            (many("a", 306), Gsm, 306, 2),
            (many("a", 307), Gsm, 307, 3),
            (many("a", 459), Gsm, 459, 3),
            (many("a", 460), Gsm, 460, 4),
            // Letters of the default alphabet, the last of both tables among them.
            (
                "@£$¥èéùìòÇØøÅåΔΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\r\n".to_owned(),
                Gsm,
                35,
                1,
            ),
            ("\u{c}^{}\\[~]|€".to_owned(), Gsm, 20, 1),
            (many("€", 80), Gsm, 160, 1),
            (many("a", 159) + "€", Gsm, 161, 2),
            // The pair of an escape is not cut in two: 152 and a half pair do not fit 153.
            (many("a", 152) + "€" + &many("a", 152), Gsm, 306, 3),
            (many("a", 151) + "€" + &many("a", 153), Gsm, 306, 2),
            (many("€", 153), Gsm, 306, 3),
            // Not in the alphabet: small c with cedilla, the backtick, the tab.
            ("ç".to_owned(), Ucs2, 1, 1),
            ("`".to_owned(), Ucs2, 1, 1),
            ("\t".to_owned(), Ucs2, 1, 1),
            (
                "Dobrý den, Vaše objednávka je připravena.".to_owned(),
                Ucs2,
                41,
                1,
            ),
            (many("č", 70), Ucs2, 70, 1),
            (many("č", 71), Ucs2, 71, 2),
            (many("č", 134), Ucs2, 134, 2),
            (many("č", 135), Ucs2, 135, 3),
            (many("č", 201), Ucs2, 201, 3),
            (many("č", 202), Ucs2, 202, 4),
            // One typographic quote in 160 letters.
            (many("a", 159) + "’", Ucs2, 160, 3),
            // In UCS-2 the extension table costs nothing more.
            (many("€", 69) + "č", Ucs2, 70, 1),
            ("😀".to_owned(), Ucs2, 2, 1),
            (many("😀", 35), Ucs2, 70, 1),
            (many("a", 69) + "😀", Ucs2, 71, 2),
            // The two halves of a character beyond U+FFFF stay together.
            (many("a", 66) + "😀" + &many("a", 66), Ucs2, 134, 3),
            (many("Ж", 70), Ucs2, 70, 1),
            (many("中", 71), Ucs2, 71, 2),
        ] {
            let wanted = Size {
                alphabet,
                units,
                segments,
            };
            assert_eq!(size(&text), wanted, "{text}");
        }
    }

    #[test]
    fn the_alphabet_has_all_its_characters_once() {
        let all: BTreeSet<char> = BASIC.chars().chain(EXTENSION.chars()).collect();
        assert_eq!(
            BASIC.chars().count(),
            127,
            "128 codes, of which one is the escape"
        );
        assert_eq!(EXTENSION.chars().count(), 10);
        assert_eq!(all.len(), 137);
    }

    #[test]
    fn what_makes_a_text_longer_is_named_with_what_could_stand_for_it() {
        for (letter, wanted) in [
            ('č', Some("c")),
            ('Ř', Some("R")),
            ('ł', Some("l")),
            ('Đ', Some("D")),
            ('œ', Some("oe")),
            ('ç', Some("c")),
            ('’', Some("'")),
            ('„', Some("\"")),
            ('–', Some("-")),
            ('…', Some("...")),
            ('\u{a0}', Some(" ")),
            ('\t', Some(" ")),
            ('\u{301}', Some("")),
            ('\u{200b}', Some("")),
            ('😀', Some("")),
            ('✓', Some("")),
            ('\u{94d}', None),
            ('₴', None),
            ('[', Some("(")),
            ('€', None),
            ('Ж', None),
            ('й', None),
            ('中', None),
        ] {
            assert_eq!(instead(letter).as_deref(), wanted, "{letter}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_called_by_its_code() {
        for (letter, wanted) in [
            ('č', "č (write c)"),
            ('’', "’ (write ')"),
            ('😀', "😀 (leave it out)"),
            ('\u{a0}', "U+00A0 (write a space)"),
            ('\u{301}', "U+0301 (leave it out)"),
            ('\n', "U+000A (write a space)"),
            ('中', "中"),
        ] {
            assert_eq!(advice(letter), wanted);
        }
    }

    #[test]
    fn a_suggestion_is_never_longer_than_it_saves_and_stands_in_the_alphabet() {
        for letter in ('\0'..=char::MAX).filter(|letter| !BASIC.contains(*letter)) {
            for sign in instead(letter).iter().flat_map(|sign| sign.chars()) {
                assert!(BASIC.contains(sign), "{letter:?}: {sign}");
            }
        }
    }

    #[test]
    fn the_cost_of_a_text_says_why() {
        let text = "Dobrý den, Vaše objednávka čeká na vyzvednutí do pátku 12. června, děkujeme.";
        let found = cost(text);
        assert_eq!((found.size.segments, found.plain_segments), (2, 1));
        assert_eq!(
            found.why(),
            "76 characters, á (write a), í (write i), ý (write y), č (write c), ě (write e) and 1 more leave 70 to a \
             segment in place of 160; without them 1 segment"
        );
        let brackets = "a".repeat(158) + "[]";
        assert_eq!(
            cost(&brackets).why(),
            "162 characters, [ (write (), ] (write )) count twice; without them 1 segment"
        );
        let long = cost(&("a".repeat(200) + "[]"));
        assert_eq!(
            long.characters.len(),
            0,
            "two segments with or without them"
        );
        assert_eq!(
            long.why(),
            "204 characters, a single segment has 160, each of several 153"
        );
        assert_eq!(cost("Ahoj [x]").characters.len(), 0, "one segment anyway");
        assert_eq!(
            cost(&"Ж".repeat(71)).why(),
            "71 characters, Ж leave 70 to a segment in place of 160"
        );
    }

    #[test]
    fn a_list_is_counted_as_a_whole() {
        let mut tally = SmsTally::default();
        for text in [
            "a".repeat(10),
            "č".repeat(71),
            "a".repeat(161),
            "Ж".to_owned(),
            "b".to_owned(),
        ] {
            tally.count(&serde_json::json!({"type": "text", "payload": text}).to_string());
        }
        tally.count(r#"{"type":"image","payload":{"url":"https://example.org/a.png"}}"#);
        let counted = (tally.messages, tally.no_texts, tally.least, tally.most);
        assert_eq!(counted, (5, 1, 1, 2));
        assert_eq!(
            (tally.segments, tally.plain_segments, tally.ucs2),
            (7, 6, 2)
        );
        assert_eq!(tally.costly(), [('č', 1), ('Ж', 1)]);
    }

    #[test]
    fn messages_are_counted_where_they_are_sms() {
        let settings = |counted, max| SmsSettings {
            counted,
            max_segments: NonZeroU32::new(max),
        };
        for (settings, kind, wanted) in [
            (settings(false, 0), None, false),
            (settings(false, 0), Some("mobile"), true),
            (settings(false, 0), Some("facebook_messenger"), false),
            (settings(true, 0), None, true),
            (settings(true, 0), Some("facebook_messenger"), true),
            (settings(false, 2), None, true),
            (settings(false, 2), Some("facebook_messenger"), false),
        ] {
            assert_eq!(settings.counts(kind), wanted, "{settings:?} {kind:?}");
        }
        // What is asked for goes before what a batch keeps, and what is counted stays counted.
        for (asked, kept, wanted) in [
            (settings(false, 0), settings(true, 2), settings(true, 2)),
            (settings(true, 0), settings(false, 0), settings(true, 0)),
            (settings(false, 3), settings(false, 2), settings(false, 3)),
        ] {
            assert_eq!(asked.or(kept), wanted);
        }
    }
}
