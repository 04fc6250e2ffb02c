//! Placeholders as other programs write them: `{first_name}`, `[First Name]`, `*|FNAME|*`. To the template they are
//! text, and would reach everybody as they stand.

use super::names::Columns;
use super::problem::ContentError;
use crate::domain::fold;

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
}

/// The signs before and behind, and what they enclose.
const PAIRS: [(&str, &str, Inner); 16] = [
    ("*|", "|*", Inner::Name),
    ("%(", ")s", Inner::Name),
    ("%%", "%%", Inner::Name),
    ("<%", "%>", Inner::Name),
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
];

/// What programs call their fields, in their own languages, without spaces.
const FIELDS: [&str; 44] = [
    "fname",
    "lname",
    "firstname",
    "lastname",
    "name",
    "fullname",
    "givenname",
    "surname",
    "familyname",
    "username",
    "nickname",
    "salutation",
    "email",
    "phone",
    "phonenumber",
    "mobile",
    "company",
    "companyname",
    "date",
    "time",
    "ordernumber",
    "orderid",
    "customername",
    "clientname",
    "contactname",
    "yourname",
    "jmeno",
    "krestnijmeno",
    "prijmeni",
    "osloveni",
    "firma",
    "datum",
    "meno",
    "priezvisko",
    "vorname",
    "nachname",
    "anrede",
    "nombre",
    "apellido",
    "prenom",
    "imie",
    "nazwisko",
    "cognome",
    "sobrenome",
];

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
            let Meant(column) = enclosed(inner, *kind, columns)?;
            let text = with_sigils(literal, at, from + length + close.len());
            Some(Foreign { text, column })
        })
    })
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
    let is_field = is_identifier(first) || parts.iter().any(|it| FIELDS.contains(&&*compact(it)));
    (is_field || kind == Inner::Name && is_name()).then_some(Meant(None))
}

/// `first_name`, `user.first_name`: nobody writes so in a text.
fn is_identifier(name: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    name.chars().all(sign) && name.contains('_')
}

/// A folded name without spaces: `FirstName` is `first_name`.
fn compact(name: &str) -> String {
    fold::header(name).replace(' ', "")
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

/// The name of a column with a sign at it: `$name`, `:first_name`, `(first_name)`, `[first_name}`.
fn as_word(literal: &str, columns: &Columns) -> Option<Foreign> {
    let is_sign = |c: char| !(c.is_alphanumeric() || c == '_');
    let mut at = 0;
    for word in literal.split(is_sign) {
        let from = at;
        at += word.len();
        let before = literal.get(..from).unwrap_or("");
        let behind = literal.get(at..).unwrap_or("");
        at += behind.chars().next().map_or(0, char::len_utf8);
        // In the address of a page a name is a parameter.
        let is_address = before
            .rsplit(char::is_whitespace)
            .next()
            .is_some_and(|it| it.contains("://"));
        let name = word.trim_matches('_');
        if name.is_empty() || is_address {
            continue;
        }
        let (sign, next) = (before.chars().next_back(), behind.chars().next());
        let begins = || {
            let mut before = before.chars().rev().skip(1);
            before
                .next()
                .is_none_or(|c| c.is_whitespace() || "([{".contains(c))
        };
        let is_one_of = |sign: Option<char>, signs: &str| sign.is_some_and(|it| signs.contains(it));
        let is_marked = match sign {
            Some('$') => true,
            _ if !name.contains('_') => name.len() + 4 <= word.len(),
            Some(sign) if "@:#&!~%=".contains(sign) && begins() => true,
            sign => {
                let strong = "{}[]<>«»";
                let weak = "()|#@:*~^-%/";
                is_one_of(sign, strong)
                    || is_one_of(next, strong)
                    || word.len() > name.len()
                    || is_one_of(sign, weak) && is_one_of(next, weak)
            }
        };
        if let Some(column) = columns.meant(name).filter(|_| is_marked) {
            let sign = sign.filter(char::is_ascii_punctuation).map(String::from);
            let next = next.filter(|it| is_one_of(Some(*it), "{}[]<>()|%#@:*~^-"));
            let text =
                sign.unwrap_or_default() + word + &next.map(String::from).unwrap_or_default();
            let column = Some(column);
            return Some(Foreign { text, column });
        }
    }
    None
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
mod tests {
    use super::super::{ContentError, ContentSource, Template};

    fn compile(message: &str, columns: &[&str]) -> Result<Template, ContentError> {
        let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
        Template::compile(&ContentSource::message(message), &columns)
    }

    const COLUMNS: [&str; 6] = [
        "Phone",
        "First Name",
        "Jméno",
        "order_id",
        "Email",
        "Price (CZK)",
    ];

    #[test]
    fn a_column_in_the_signs_of_another_program_is_refused_with_what_to_write() {
        for found in [
            "{first_name}",
            "{ first_name }",
            "{First Name}",
            "{FIRST_NAME}",
            "{FirstName}",
            "{first-name}",
            "{$first_name}",
            "{!Contact.FirstName}",
            "{contact.first_name}",
            "{first_name|there}",
            "{first_name: x}",
            "{ {first_name} }",
            "${first_name}",
            "#{first_name}",
            "%{first_name}",
            "@{first_name}",
            "｛first_name｝",
            "[First Name]",
            "[first_name]",
            "[[First Name]]",
            "[FIRSTNAME]",
            "[%first_name%]",
            "［First Name］",
            "<first_name>",
            "<First Name>",
            "<<first_name>>",
            "<<First Name>>",
            "<%= first_name %>",
            "<% first_name %>",
            "«First_Name»",
            "«First Name»",
            "%first_name%",
            "%FIRSTNAME%",
            "%First Name%",
            "%%first_name%%",
            "%%First Name%%",
            "%(first_name)s",
            "*|FIRST_NAME|*",
            "*|First Name|*",
            "$first_name",
            "$FirstName",
            "$first_name$",
            "##First Name##",
            "##first_name##",
            "#first_name#",
            "@@First Name@@",
            "@first_name",
            ":first_name",
            ":first_name:",
            "((First Name))",
            "(first_name)",
            "||First Name||",
            "|first_name|",
            "__first_name__",
            "-first_name-",
            "~first_name~",
            "{first_name",
            "first_name}",
            "[first_name}",
            "<first_name",
        ] {
            for message in [
                format!("Hello {found}, hi"),
                format!("{found} {{{{ order_id }}}}"),
                format!("Ahoj {found}"),
            ] {
                let error = compile(&message, &COLUMNS)
                    .map(|_| ())
                    .unwrap_err()
                    .to_string();
                let told = "write `{{ first_name }}` for the column \"First Name\"";
                assert!(
                    error.contains(told) && error.contains("as it stands"),
                    "{message}: {error}"
                );
            }
        }
        let error = compile("Dobrý den [jmeno]", &COLUMNS).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the template in message has `[jmeno]`, which would be sent as it stands: write `{{ jméno }}` for the \
             column \"Jméno\", or `{{ \"[jmeno]\" }}` for these very signs"
        );
    }

    #[test]
    fn what_looks_like_a_field_is_refused_where_no_column_is_called_so() {
        for found in [
            "{name}",
            "{0}",
            "{voucher code}",
            "{user.nick}",
            "[Last Name]",
            "[Name]",
            "[Příjmení]",
            "[last_name]",
            "<last_name>",
            "<Name>",
            "<<Name>>",
            "%last_name%",
            "%NAME%",
            "%%anything%%",
            "*|FNAME|*",
            "*|LIST:X|*",
            "${x}",
            "«Last_Name»",
            "«Name»",
            "$lastname$",
            "##Name##",
            "}}",
            "%}",
            "#}",
            "%s",
            "%(name)s",
            "{}",
        ] {
            let message = format!("Hello {found}.");
            let error = compile(&message, &COLUMNS)
                .map(|_| message.clone())
                .unwrap_err();
            assert!(
                matches!(error, ContentError::ForeignPlaceholder { .. }),
                "{message}: {error}"
            );
        }
    }

    #[test]
    fn such_signs_can_be_sent_by_saying_so() {
        for message in [
            "Hello {{ \"{first_name}\" }}",
            "Hello {{ '[First Name]' }} {{ order_id }}",
            "Hello {% raw %}{first_name} }} %s{% endraw %}!",
            "Hello {# {first_name} #}",
            "Hello {{ \"}} {first_name} \\\" }}\" }}",
            "Hello {{ first_name | default(\"{first_name}\") }}",
        ] {
            assert!(compile(message, &COLUMNS).is_ok(), "{message}");
        }
    }

    #[test]
    fn texts_for_people_are_no_placeholders() {
        for message in [
            "Hello {{ first_name }}, your order {{order_id}} costs ${{ row[\"Price (CZK)\"] }}.",
            "50% off, 20 % on Friday, 100%!",
            "Call us [reklama] (Brno) <3 :) {-: \\o/ 5 < 6 > 4",
            "see https://example.com/?order_id={{ order_id }}&email={{ email }}#order_id",
            "see https://example.com/a_b/%20c%20/first_name/x",
            "https://example.com/{{ order_id }}?x[]=1&y=%7B%7D",
            "Email: {{ email }}, phone: +420 777 100 001 | 8-16 h | Brno",
            "<b>Hello</b> *bold* _it_ ~no~ **x** «Dobrý den» \"name\"",
            "Sleva 20%, Email 30% nebo $5 a $10, [1] [x] [ ] {…} {-}",
            "Napište STOP na @outreach #leto :-) a_b",
            "{\"action\":\"buy\",\"id\":3}",
            "Price: 100 CZK (Email or Phone)",
        ] {
            let error = compile(message, &COLUMNS).map(|_| ());
            assert!(error.is_ok(), "{message}: {}", error.unwrap_err());
        }
    }

    #[test]
    fn every_text_of_a_content_is_looked_at() {
        let content = serde_json::json!({
            "type": "text", "payload": "Hi", "quick_replies": [{ "type": "text", "title": "[First Name]", "payload": "x" }],
        });
        let columns = ["First Name".to_owned()];
        let error = Template::compile(&ContentSource::json(content), &columns).unwrap_err();
        assert!(
            matches!(error, ContentError::ForeignPlaceholder { .. }),
            "{error}"
        );
        let mut source = ContentSource::message("Hi");
        source
            .metadata
            .push(("campaign".to_owned(), "{first_name}".to_owned()));
        let error = Template::compile(&source, &columns).unwrap_err();
        assert!(
            matches!(error, ContentError::ForeignPlaceholder { .. }),
            "{error}"
        );
    }
}
