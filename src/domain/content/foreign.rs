//! Placeholders as other programs write them: `{first_name}`, `[First Name]`, `*|FNAME|*`. To the template they are
//! text, and would reach everybody as they stand.

use super::names::Columns;
use super::problem::ContentError;
use crate::domain::fold;
use crate::domain::word_list::lists_of;

/// A longer text between brackets is a sentence.
const LONGEST: usize = 60;

/// Signs that people put around such a placeholder.
const SIGILS: [char; 12] = ['$', '#', '%', '@', '!', '{', '}', '[', ']', '<', '>', '*'];

/// What must stand between two signs, so that it is a placeholder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inner {
    /// Any name: people do not write so.
    Name,
    /// A column, or what programs call their fields: `[link]` is a text, `[First Name]` is none.
    Field,
    /// The same, without spaces beside the signs, which stand in prose too: `20% off, 30%`.
    CloseField,
    /// One such name and nothing else, apart from the words around it: `#leto #zima`, `12:30:00`.
    Alone,
    /// The same, where the signs make letters bold or cross them out: `*name*` is a text, `*first_name*` is none.
    Emphasis,
}

/// The signs before and behind, and what they enclose.
const PAIRS: [(&str, &str, Inner); 25] = [
    ("*|", "|*", Inner::Name),
    ("%(", ")s", Inner::Name),
    ("%%", "%%", Inner::Name),
    ("<%", "%>", Inner::Name),
    ("<?", "?>", Inner::Name),
    ("{", "}", Inner::Name),
    ("｛", "｝", Inner::Name),
    ("[", "]", Inner::Field),
    ("［", "］", Inner::Field),
    ("<", ">", Inner::Field),
    ("«", "»", Inner::Field),
    ("((", "))", Inner::Field),
    ("%", "%", Inner::CloseField),
    ("$", "$", Inner::CloseField),
    ("##", "##", Inner::CloseField),
    ("@@", "@@", Inner::CloseField),
    ("||", "||", Inner::CloseField),
    ("#", "#", Inner::Alone),
    ("@", "@", Inner::Alone),
    (":", ":", Inner::Alone),
    ("|", "|", Inner::Alone),
    ("^", "^", Inner::Alone),
    ("!", "!", Inner::Alone),
    ("~", "~", Inner::Emphasis),
    ("*", "*", Inner::Emphasis),
];

/// Before a column's name they show a placeholder; in a text they stand before other words.
const LEADING: &str = "$@#%:~^";

/// The same, before a name that nobody writes in a text.
const LEADING_NAME: &str = "$@#%:~^&!=*\\?";

lists_of!(struct List in "fields.txt");

const NAMES: List = List("names");
const WORDS: List = List("words");

/// A placeholder that the template does not know.
#[derive(Debug, PartialEq, Eq)]
struct Foreign {
    /// As it is written.
    text: String,
    /// The column that is meant, if the file has it.
    column: Option<usize>,
}

/// Refuses the text found at `place` for the first placeholder of another program in it.
pub(super) fn refuse(source: &str, place: &str, columns: &Columns) -> Result<(), ContentError> {
    let Some(Foreign { text, column }) = find(source, columns) else {
        return Ok(());
    };
    let quote = if text.contains('"') { '\'' } else { '"' };
    let instead = match column {
        Some(index) => format!(
            "`{{{{ {} }}}}` for the column {:?}",
            columns.placeholder(index),
            columns.header(index)
        ),
        None => "`{{ name }}` for a column, by its name".to_owned(),
    };
    Err(ContentError::ForeignPlaceholder {
        place: place.to_owned(),
        instead: format!("{instead}, or `{{{{ {quote}{text}{quote} }}}}` for these very signs"),
        text,
    })
}

/// Stands for what the template fills in.
const FILLED: char = '\u{fffc}';

/// What a placeholder means: the column, if there is one.
struct Meant(Option<usize>);

/// The first one in a template that can be read.
fn find(source: &str, columns: &Columns) -> Option<Foreign> {
    let text = without_tags(source);
    in_pairs(&text, columns)
        .or_else(|| as_word(&text, columns))
        .or_else(|| stray(&text))
}

/// What of a template is sent as it stands. What is between `{% raw %}` and its end was meant so.
fn without_tags(source: &str) -> String {
    let mut text = String::new();
    let mut rest = source;
    loop {
        let tags = ["{{", "{%", "{#"].iter();
        let Some(at) = tags.filter_map(|tag| rest.find(tag)).min() else {
            return text + rest;
        };
        let (literal, tag) = rest.split_at(at);
        text.push_str(literal);
        text.push(FILLED);
        let (inside, behind) = tag.split_at(tag_end(tag));
        let is_raw = inside.starts_with("{%")
            && inside.trim_matches(['{', '%', '}', '-', '+', ' ']) == "raw";
        rest = behind;
        if is_raw {
            let end = behind.find("endraw").unwrap_or(behind.len());
            let behind = behind.get(end..).unwrap_or("");
            rest = behind.split_once("%}").map_or("", |(_, rest)| rest);
        }
    }
}

/// The length of the tag that the text begins with. What is between quotes does not end it.
fn tag_end(tag: &str) -> usize {
    let close = match tag.get(..2) {
        Some("{#") => return tag.find("#}").map_or(tag.len(), |at| at + 2),
        Some("{%") => "%}",
        Some(_) | None => "}}",
    };
    let mut quote = None;
    let mut is_escaped = false;
    for (at, sign) in tag.char_indices().skip(2) {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if sign == '\\' => is_escaped = true,
            Some(open) if sign == open => quote = None,
            None if sign == '"' || sign == '\'' => quote = Some(sign),
            None if tag.get(at..).is_some_and(|rest| rest.starts_with(close)) => return at + 2,
            Some(_) | None => {}
        }
    }
    tag.len()
}

/// A name between signs.
fn in_pairs(literal: &str, columns: &Columns) -> Option<Foreign> {
    PAIRS.iter().find_map(|(open, close, kind)| {
        literal.match_indices(open).find_map(|(at, _)| {
            let from = at + open.len();
            let length = literal.get(from..)?.find(close)?;
            let inner = literal.get(from..from + length)?;
            let end = from + length + close.len();
            let Meant(column) = match kind {
                Inner::Name | Inner::Field | Inner::CloseField => enclosed(inner, *kind, columns)?,
                Inner::Alone | Inner::Emphasis => {
                    let is_apart = !literal.get(..at)?.ends_with(char::is_alphanumeric)
                        && !literal.get(end..)?.starts_with(char::is_alphanumeric)
                        && !is_in_address(literal.get(..at)?);
                    alone(inner, *kind, columns).filter(|_| is_apart)?
                }
            };
            let text = with_sigils(literal, at, end);
            Some(Foreign { text, column })
        })
    })
}

/// What one name between two signs means; `None` if it is none, or a word of a text.
fn alone(inner: &str, kind: Inner, columns: &Columns) -> Option<Meant> {
    let sign = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
    let is_one = inner.trim() == inner && inner.chars().all(sign);
    if !is_one || inner.chars().count() > LONGEST || !inner.contains(char::is_alphabetic) {
        return None;
    }
    let last = inner.rsplit('.').next().unwrap_or(inner);
    let column = columns.meant(inner).or_else(|| columns.meant(last));
    if kind == Inner::Emphasis {
        let is_name = column.map_or_else(
            || is_field_name(inner),
            |index| is_written_as_name(last, index, columns),
        );
        return is_name.then_some(Meant(column));
    }
    let is_field = || is_identifier(inner) || is_field(inner);
    (column.is_some() || is_field()).then_some(Meant(column))
}

/// What a text between two signs means; `None` if it is no placeholder.
fn enclosed(inner: &str, kind: Inner, columns: &Columns) -> Option<Meant> {
    if inner.chars().count() > LONGEST || inner.contains(['\n', '"', '\'', FILLED]) {
        return None;
    }
    if kind == Inner::CloseField && inner != inner.trim() {
        return None;
    }
    let name = inner.trim_matches(|c: char| !c.is_alphanumeric());
    if name.is_empty() {
        return None;
    }
    // `first_name|there`, `Contact.FirstName`.
    let first = name
        .split(['|', ':', ','])
        .next()
        .unwrap_or(name)
        .trim_end();
    let last = first.rsplit('.').next().unwrap_or(first);
    let parts = [name, first, last];
    if let Some(column) = parts.iter().find_map(|name| columns.meant(name)) {
        return Some(Meant(Some(column)));
    }
    let is_name = || {
        let sign = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.');
        first.chars().all(sign) && first.split(' ').count() <= 4
    };
    let is_field = is_identifier(first) || parts.iter().any(|it| is_field(it));
    (is_field || kind == Inner::Name && is_name()).then_some(Meant(None))
}

/// `first_name`, `user.first_name`: nobody writes so in a text.
fn is_identifier(name: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    name.chars().all(sign) && name.contains('_')
}

/// A folded name without spaces: `FirstName` is `firstname`.
fn compact(name: &str) -> String {
    fold::header(name).replace(' ', "")
}

/// What programs call their fields: `first_name`, `LNAME`, `OrderDate`, `name`.
fn is_field(name: &str) -> bool {
    is_field_name(name)
        || WORDS.has(&compact(name))
        || humps(name).is_some_and(|last| is_any_field(&last))
}

fn is_any_field(folded: &str) -> bool {
    NAMES.has(folded) || WORDS.has(folded)
}

/// The same, where no word of a text is meant.
fn is_field_name(name: &str) -> bool {
    NAMES.has(&compact(name))
}

/// The last word, folded, of a name whose words begin with capitals and have nothing between them: `OrderDate`. The
/// names of things with one letter before are none: `iPhone`.
fn humps(name: &str) -> Option<String> {
    let is_hump = |at: usize, c: char| {
        let before = name.get(..at).and_then(|it| it.chars().next_back());
        c.is_uppercase() && before.is_some_and(char::is_lowercase)
    };
    let at = name.char_indices().rfind(|(at, c)| is_hump(*at, *c))?.0;
    let (before, last) = name.split_at(at);
    let is_one = name.chars().all(char::is_alphanumeric) && before.chars().count() > 1;
    is_one.then(|| fold::header(last))
}

/// Whether a column is named as programs do, `first_name` or `FirstName`: in a text its name has spaces, or is a word.
fn is_written_as_name(name: &str, column: usize, columns: &Columns) -> bool {
    let has_spaces = || fold::header(columns.header(column)).contains(' ');
    name.contains('_')
        || !name.contains(' ') && is_field_name(name)
        || humps(name).is_some_and(|last| has_spaces() || is_any_field(&last))
}

/// Whether the text ends within the address of a page, where a name is a parameter.
fn is_in_address(text: &str) -> bool {
    let last = text.rsplit(char::is_whitespace).next();
    last.is_some_and(|it| it.contains("://"))
}

/// The text between two places, with the signs before and behind it.
fn with_sigils(literal: &str, from: usize, to: usize) -> String {
    let (before, rest) = literal.split_at(from);
    let (text, behind) = rest.split_at(to - from);
    let start = before.trim_end_matches(SIGILS).len();
    let end = behind.len() - behind.trim_start_matches(SIGILS).len();
    let before = before.get(start..).unwrap_or("");
    let behind = behind.get(..end).unwrap_or("");
    format!("{before}{text}{behind}")
}

/// The name of a column with a sign at it: `$name`, `:first_name`, `@First Name`, `(first_name)`, `[first_name}`.
fn as_word(literal: &str, columns: &Columns) -> Option<Foreign> {
    let is_sign = |c: char| !(c.is_alphanumeric() || c == '_');
    let mut at = 0;
    for word in literal.split(is_sign) {
        let from = at;
        at += word.len();
        let (before, behind) = (literal.get(..from)?, literal.get(at..)?);
        at += behind.chars().next().map_or(0, char::len_utf8);
        let name = word.trim_matches('_');
        if !name.contains(char::is_alphabetic) || is_in_address(before) {
            continue;
        }
        let place = Place::of(before, word, behind);
        let one = columns.meant(name);
        if let Some(column) = one.filter(|it| place.is_marked(name, *it, columns)) {
            let column = Some(column);
            let text = place.text();
            return Some(Foreign { text, column });
        }
        if place.is_led(LEADING)
            && let Some((words, column)) = several_words(literal.get(from..)?, columns)
        {
            let sign = before
                .chars()
                .next_back()
                .map_or(String::new(), String::from);
            let (text, column) = (sign + words, Some(column));
            return Some(Foreign { text, column });
        }
    }
    None
}

/// The name of a column of two to four words that the text begins with.
fn several_words<'a>(text: &'a str, columns: &Columns) -> Option<(&'a str, usize)> {
    let is_sign = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | ' '));
    let words = text.get(..text.find(is_sign).unwrap_or(text.len()))?;
    let words = words.trim_end();
    let ends = words.match_indices(' ').map(|(at, _)| at);
    let ends = ends.chain([words.len()]).skip(1).take(3);
    let mut names = ends.filter_map(|end| words.get(..end));
    names.find_map(|name| Some((name, columns.meant(name)?)))
}

/// A word, and the signs beside it.
struct Place<'a> {
    before: &'a str,
    word: &'a str,
    sign: Option<char>,
    next: Option<char>,
}

impl<'a> Place<'a> {
    fn of(before: &'a str, word: &'a str, behind: &str) -> Self {
        Self {
            before,
            word,
            sign: before.chars().next_back(),
            next: behind.chars().next(),
        }
    }

    /// Whether one of these signs stands before it, and no word before that.
    fn is_led(&self, signs: &str) -> bool {
        let Some(sign) = self.sign.filter(|it| is_one_of(Some(*it), signs)) else {
            return false;
        };
        let before = self.before.trim_end_matches(sign).chars().next_back();
        before.is_none_or(|c| c.is_whitespace() || is_one_of(Some(c), "([{\"'\u{201e}\u{201c}"))
    }

    /// Whether its signs show that the column's value is meant, and no word.
    fn is_marked(&self, name: &str, column: usize, columns: &Columns) -> bool {
        let (sign, next) = (self.sign, self.next);
        let has = |signs: &str| is_one_of(sign, signs) || is_one_of(next, signs);
        if sign == Some('$') {
            return true;
        }
        if is_written_as_name(name, column, columns) {
            let weak = "()|#@:*~^-%/!";
            return self.is_led(LEADING_NAME)
                || has("{}[]<>«»")
                || self.word.len() > name.len()
                || is_one_of(sign, weak) && is_one_of(next, weak);
        }
        // `:D`, `~Cena~`.
        let is_word = name.chars().count() > 1 && (sign, next) != (Some('~'), Some('~'));
        self.is_led(LEADING) && is_word || has("{}") || self.word.len() >= name.len() + 4
    }

    /// As it is written, with the signs beside it.
    fn text(&self) -> String {
        let sign = self.sign.filter(char::is_ascii_punctuation);
        let next = self
            .next
            .filter(|it| is_one_of(Some(*it), "{}[]<>()|%#@:*~^-"));
        let text = sign.map_or(String::new(), String::from) + self.word;
        text + &next.map_or(String::new(), String::from)
    }
}

fn is_one_of(sign: Option<char>, signs: &str) -> bool {
    sign.is_some_and(|it| signs.contains(it))
}

/// The end of a tag that was not begun, and what is filled in by position.
fn stray(literal: &str) -> Option<Foreign> {
    let found = ["}}", "%}", "#}"]
        .into_iter()
        .find(|it| literal.contains(it));
    let filled = || {
        let mut words = literal
            .split_whitespace()
            .map(|it| it.trim_end_matches(['.', ',', '!', '?', ';', ':']));
        words.find(|word| ["%s", "%@", "%1$s", "{}"].contains(word))
    };
    let text = found.or_else(filled)?.to_owned();
    Some(Foreign { text, column: None })
}

#[cfg(test)]
mod tests;
