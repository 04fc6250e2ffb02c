//! The words of headers, cells and notes, in the languages of our users: `words.txt`.

mod damaged;

pub(super) use damaged::readable;
use damaged::readable_header;

use crate::domain::fold;
use crate::domain::word_list::lists_of;

// Its comments say what the words mean.
lists_of!(pub(super) struct List in "words.txt");

pub(super) const MOBILE: List = List("mobile");
pub(super) const PHONE: List = List("phone");
pub(super) const NOT_PHONE: List = List("not phone");
pub(super) const JOINS: List = List("joins");
pub(super) const FIRST_NAME: List = List("first name");
pub(super) const LAST_NAME: List = List("last name");
pub(super) const NAME_WORDS: List = List("words of names");
pub(super) const TITLES: List = List("titles");
pub(super) const OTHER_PERSON: List = List("another person");
pub(super) const OWN_PHONE: List = List("own phone");
pub(super) const ADDRESSEE: List = List("addressee");
pub(super) const LABELS: List = List("labels");
pub(super) const OWNER: List = List("owner");
pub(super) const OWNER_OF_NUMBER: List = List("owner of a number");
pub(super) const NUMBER: List = List("number");
pub(super) const BESIDE_OWNER: List = List("beside an owner");
pub(super) const VALUES: List = List("values");
pub(super) const KINDS_OF_LINE: List = List("kinds of line");
pub(super) const NO_LINE: List = List("no line");
pub(super) const MOBILE_LABEL: List = List("label of a mobile");
pub(super) const MACHINE_LABEL: List = List("label of a machine");
pub(super) const JSON_NUMBER: List = List("json number");
pub(super) const JSON_KIND: List = List("json kind");
pub(super) const JSON_BESIDE: List = List("json beside");
pub(super) const JSON_NAME: List = List("json name");
pub(super) const JSON_VALUE: List = List("json value");
pub(super) const JSON_WAY: List = List("json way");
pub(super) const JSON_STATE: List = List("json state");
pub(super) const JSON_BESIDE_PAIR: List = List("json beside pair");
pub(super) const COUNTRY: List = List("country");
pub(super) const DOUBTFUL_COUNTRY: List = List("doubtful country");
pub(super) const REGION_WITHIN: List = List("region within a country");
pub(super) const DIALLED: List = List("dialled");
pub(super) const AREA_CODE: List = List("area code");
pub(super) const WHOSE_COUNTRY: List = List("whose country");
pub(super) const COUNTRY_WORD: List = List("word for a country");
pub(super) const COUNTRY_AS_NAME: List = List("country as a name");
pub(super) const COUNTRY_ELSEWHERE: List = List("country elsewhere");
pub(super) const NO_COUNTRY: List = List("no country");
pub(super) const LANGUAGE: List = List("language");
pub(super) const OF_THE_PERSON: List = List("of the person");
pub(super) const ONE_ADDRESS: List = List("one address");
pub(super) const GOODS: List = List("goods");
pub(super) const COUNTRY_OF_NUMBER: List = List("country of the number");
pub(super) const PLACE: List = List("place");
pub(super) const MESSAGES: List = List("messages");
pub(super) const WRITING: List = List("writing");
pub(super) const BESIDE_MESSAGES: List = List("beside messages");
pub(super) const BESIDE_CONSENT: List = List("beside consent");
pub(super) const SAYS_REFUSED: List = List("says refused");
pub(super) const ANOTHER_MATTER: List = List("another matter");
pub(super) const MATTER_OF_OTHERS: List = List("matter of others");
pub(super) const OUR_MATTER: List = List("our matter");
pub(super) const PERSONS: List = List("persons");
pub(super) const TIME: List = List("time");
pub(super) const TIME_WORDS: List = List("time words");
pub(super) const STATUS: List = List("status");
pub(super) const PREFERENCE: List = List("preference");
pub(super) const REFUSING_REMARKS: List = List("refusing remarks");
pub(super) const REMARK: List = List("remark");
pub(super) const FACT: List = List("fact");
pub(super) const OTHER_WAY: List = List("other way");
pub(super) const OUR_WAY: List = List("our way");
pub(super) const NOTHING_KNOWN: List = List("nothing known");
pub(super) const MAY_IN_ANY_COLUMN: List = List("may in any column");
pub(super) const POLITE: List = List("polite");
pub(super) const REFUSALS: List = List("refusals");
/// Phrases of other sections that are heard in any cell.
pub(super) const IN_ANY_CELL: List = List("!");
pub(super) const NAMES: List = List("names");
pub(super) const HEADING: List = List("heading");
pub(super) const REFUSING_HEADINGS: List = List("refusing headings");
pub(super) const REFUSING_NAMES: List = List("refusing names");
pub(super) const REFUSING_SECTIONS: List = List("refusing sections");
pub(super) const REFUSING_CAPITALS: List = List("refusing capitals");
pub(super) const GONE: List = List("gone");
pub(super) const COMPOUND_HEADS: List = List("heads of compounds");
pub(super) const COMPOUND_PARTS: List = List("parts of compounds");
pub(super) const LEFT: List = List("left");
pub(super) const NEVER: List = List("never");
pub(super) const REFUSING_STATUS: List = List("refusing status");
pub(super) const DOUBTFUL_STATUS: List = List("doubtful status");
pub(super) const NO_CONTACT: List = List("no contact");
pub(super) const GIVEN: List = List("given");
pub(super) const NO_BASIS: List = List("no basis");
pub(super) const BASIS: List = List("basis");
pub(super) const REFUSES: List = List("refuses");
pub(super) const CONTACTING: List = List("contacting");
pub(super) const IN_A_REFUSAL: List = List("in a refusal");
pub(super) const CONSENTING: List = List("consenting");
pub(super) const OF_A_CONSENT: List = List("of a consent");
pub(super) const DOUBTFUL_REMARKS: List = List("doubtful remarks");
pub(super) const BESIDE_REFUSAL: List = List("beside a refusal");
pub(super) const MAY_DENY: List = List("may deny");
pub(super) const DENIES_NOTHING: List = List("denies nothing");
pub(super) const VALID_NUMBER: List = List("valid number");
pub(super) const INVALID_NUMBER: List = List("invalid number");
pub(super) const WRONG_NUMBER: List = List("wrong number");
pub(super) const OTHER_REFUSALS: List = List("other refusals");
pub(super) const WEAK_REFUSALS: List = List("weak refusals");
pub(super) const OPTED_OUT: List = List("opted out");
pub(super) const DOUBTFUL_ELSEWHERE: List = List("doubtful elsewhere");
pub(super) const OF_A_THING: List = List("of a thing");
pub(super) const DOUBTFUL_REFUSALS: List = List("doubtful refusals");
pub(super) const CONSENTS: List = List("consents");
pub(super) const CONSENT_TO: List = List("consent to");
pub(super) const ENDS: List = List("ends");
pub(super) const SENDS: List = List("sends");
pub(super) const AGREES: List = List("agrees");
pub(super) const TEXT_WAYS: List = List("text ways");
pub(super) const MAIL_WAYS: List = List("mail ways");
pub(super) const CALL_WAYS: List = List("call ways");
pub(super) const ALL_WAYS: List = List("all ways");
pub(super) const ONLY: List = List("only");
pub(super) const EXCEPT: List = List("except");
pub(super) const BESIDE_WAYS: List = List("beside ways");
pub(super) const WAYS_IN_HEADERS: List = List("ways in headers");
pub(super) const WAYS_OF_SOMETHING_ELSE: List = List("ways of something else");
pub(super) const CALLING: List = List("calling");
pub(super) const ACTIVE: List = List("active");
pub(super) const UNTIL: List = List("until");
pub(super) const BEGINS: List = List("begins");
pub(super) const LEGEND: List = List("legend");
pub(super) const ROW: List = List("row");
pub(super) const HONORIFIC: List = List("honorific");
pub(super) const DITTO: List = List("ditto");
pub(super) const LAST_DAY: List = List("last day");
pub(super) const BLOCKED_UNTIL: List = List("blocked until");
pub(super) const WITHDRAWN: List = List("withdrawn");
pub(super) const MAY_BE_WITHDRAWN: List = List("may be withdrawn");
pub(super) const DENIES_SOMETHING_ELSE: List = List("denies something else");
pub(super) const ABOUT: List = List("about");
pub(super) const REFUSED_CONTACT: List = List("refused contact");
pub(super) const YES: List = List("yes");
pub(super) const NO: List = List("no");
pub(super) const BUT: List = List("but");
pub(super) const NEGATIONS: List = List("negations");
pub(super) const MUST_NOT: List = List("must not");
pub(super) const MAY: List = List("may");
pub(super) const TECHNICAL: List = List("technical");
pub(super) const CHANNELS: List = List("channels");
pub(super) const CHANNEL: List = List("channel");
pub(super) const PERMITS: List = List("permits");
pub(super) const FORBIDS: List = List("forbids");
pub(super) const MARKS: List = List("marks");
pub(super) const COLOURS: List = List("colours");
pub(super) const CALLED_COLOURS: List = List("colours that people are called by");
pub(super) const MARKED: List = List("marked");
pub(super) const RESTRICTIONS: List = List("restrictions");
pub(super) const BETWEEN_DENIALS: List = List("between denials");
pub(super) const REFUSAL_ENDED: List = List("refusal ended");
pub(super) const OUTCOMES: List = List("outcomes");
pub(super) const REFUSING_SHEETS: List = List("refusing sheets");
pub(super) const TOTAL: List = List("total");
pub(super) const ORIGIN: List = List("origin");
pub(super) const PAGE: List = List("page");

/// The folded words of a header. `BillingCountry` is two words, as `Billing Country` is.
pub(super) fn words(header: &str) -> String {
    // Names of programs and things are one word.
    let folded = fold::header(&spaced(&readable_header(header)));
    folded
        .replace("whats app", "whatsapp")
        .replace("i phone", "iphone")
}

/// A header with its words apart, in its own letters: `optOut`, `SMSOptOut`.
pub(super) fn spaced(header: &str) -> String {
    let mut spaced = String::with_capacity(header.len() + 4);
    // The capitals before a letter.
    let mut acronym = String::new();
    let mut letters = header.chars().peekable();
    let mut after_small = false;
    while let Some(c) = letters.next() {
        let begins_word = letters.peek().is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (after_small || begins_word && is_part(&acronym)) {
            spaced.push(' ');
            acronym.clear();
        }
        if c.is_uppercase() {
            acronym.extend(c.to_lowercase());
        } else {
            acronym.clear();
        }
        after_small = c.is_lowercase();
        spaced.push(c);
    }
    spaced
}

/// Whether a word may be one of several that are written together.
fn is_part(word: &str) -> bool {
    COMPOUND_HEADS.has(word) || COMPOUND_PARTS.has(word)
}

/// The folded words of a header, also of one that writes them together: `smsoptout`.
pub(super) fn words_apart(header: &str) -> String {
    // Folding would make `expiré` the verb of `expire le`.
    let header = header
        .replace("xpiré", "xpired ")
        .replace("XPIRÉ", "XPIRED ");
    compounds_apart(&words(&header))
}

/// Folded words with those apart that are written together: `smsoptout`.
pub(super) fn compounds_apart(folded: &str) -> String {
    let apart = |word: &str| parts(word).map_or_else(|| word.to_owned(), |it| it.join(" "));
    let words: Vec<String> = folded.split(' ').map(apart).collect();
    words.join(" ")
}

/// The words that a word is made of, if one of them is about messages.
fn parts(word: &str) -> Option<Vec<&'static str>> {
    let parts = parts_from(word)?;
    let is_about_messages = parts.iter().any(|part| COMPOUND_HEADS.has(part));
    (parts.len() > 1 && is_about_messages).then_some(parts)
}

fn parts_from(word: &str) -> Option<Vec<&'static str>> {
    if word.is_empty() {
        return Some(Vec::new());
    }
    let lists = [COMPOUND_HEADS, COMPOUND_PARTS];
    (2..=word.len()).rev().find_map(|end| {
        let (first, rest) = word.split_at_checked(end)?;
        let first = lists.iter().find_map(|list| list.entry(first))?;
        let mut parts = vec![first];
        parts.extend(parts_from(rest)?);
        Some(parts)
    })
}

/// How certain it is that a header names a phone column: 0 for not at all.
pub(super) fn phone_score(header: &str) -> u8 {
    let folded = words(header);
    if NOT_PHONE.is_in(&folded) {
        return u8::from(is_phone_or_fax(header, &folded));
    }
    let is_phone = || PHONE.has(&folded) || PHONE.has(&fold::header(header));
    if MOBILE.is_in(&folded) || is_phone() {
        3
    } else if PHONE.is_in(&folded) {
        2
    } else {
        0
    }
}

/// Whether a header names a phone and a fax, and nothing else: `Tel./Fax`, `Telefon nebo fax`. Its numbers may be either.
fn is_phone_or_fax(header: &str, folded: &str) -> bool {
    let is_in = |list: List| folded.split(' ').any(|word| list.has(word));
    let is_joined = header.contains(['/', '|', '+', '&', ',']) || is_in(JOINS);
    let lists = [PHONE, MOBILE, NO_LINE, OWN_PHONE, JOINS];
    let is_known = |word: &str| lists.iter().any(|list| list.has(word));
    is_joined && is_in(PHONE) && is_in(NO_LINE) && folded.split(' ').all(is_known)
}

#[cfg(test)]
mod tests {
    use super::phone_score;
    use crate::domain::fold;
    use crate::domain::word_list::tests::check;

    #[test]
    fn a_column_of_phones_and_faxes_is_one_of_phones_where_there_is_no_other() {
        for header in [
            "Telefon/fax",
            "Tel./Fax",
            "Phone / Fax number",
            "Fax, telefon",
            "Telefon nebo fax",
        ] {
            assert_eq!(phone_score(header), 1, "{header}");
        }
        for header in [
            "Fax",
            "Telefax",
            "Phone fax",
            "Telefon/fax typ",
            "Phone/type",
            "Phone and status",
            "E-mail/fax",
        ] {
            assert_eq!(phone_score(header), 0, "{header}");
        }
    }

    #[test]
    fn each_phrase_is_folded_and_belongs_to_a_section_that_is_used() {
        check(
            include_str!("words.txt"),
            include_str!("words.rs"),
            fold::header,
        );
    }
}
