//! What a cell says of the row's person.

use jiff::Timestamp;

use super::answers::{
    CellConsent, Question, REFUSING_SIGNS, answer, answers_for_messages, denies, has_negation,
    is_error, may_deny,
};
use super::dates::{self, DateMeaning};
use super::denials::taken_back;
use super::ways::{Ways, named};
use crate::domain::event::{OptOutWords, OptRequest};
use crate::domain::fold;
use crate::domain::message_date;
use crate::domain::spreadsheet::NOT_CALCULATED;
use crate::domain::text::trimmed;
use crate::intake::words::{
    BEGINS, BESIDE_REFUSAL, BUT, CONSENTING, CONSENTS, CONTACTING, DOUBTFUL_ELSEWHERE,
    DOUBTFUL_REMARKS, DOUBTFUL_STATUS, IN_A_REFUSAL, IN_ANY_CELL, List, MAY, MESSAGES, MUST_NOT,
    NEGATIONS, NO, NO_BASIS, NO_CONTACT, OF_A_CONSENT, OPTED_OUT, OTHER_WAY, OUR_WAY, POLITE,
    REFUSALS, REFUSES, REFUSING_REMARKS, REFUSING_STATUS, TIME, TIME_WORDS, WEAK_REFUSALS,
    WITHDRAWN, WRITING, readable,
};

/// What a column is about, and so how its cells are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum ColumnKind {
    /// A "yes" is a consent: `Accepts SMS Marketing`.
    Consent,
    /// The same, or the date on which it was given: `Consent date`.
    ConsentDate,
    /// A consent from the date in the cell on: `Consent valid from`.
    ConsentFrom,
    /// A consent until the date in the cell: `Consent expires`.
    ConsentUntil,
    /// A "yes" is a refusal: `Do not contact`.
    Refusal,
    /// The refusal of two columns, of which one is to be ticked (`Souhlas NE`). Its own word, written there, may mean either.
    RefusalIfTicked(&'static str),
    /// A refusal until the date in the cell: `No SMS until`.
    RefusalUntil,
    /// A "no" may be a refusal: `Active`.
    UnclearConsent,
    /// A "yes" may be a refusal: `Bus stop`.
    UnclearRefusal,
    /// A word of its header is not known (`Žádné SMS`, in another language): a "yes" may be either. No answer is relied on.
    Ambiguous,
    /// About consent, and most of its cells are no answers: only a "no" counts.
    OnlyNo,
    /// The legal basis of messages (`Lawful basis`): that there is none counts, and the words of a refusal.
    LegalBasis,
    /// What stands beside a consent (`Consent source`): only the words of a refusal count.
    ConsentDetail,
    /// A status or tags: only the words of an opt-out count.
    Status,
    /// A way to be reached by (`Contact preference`): the words of an opt-out count, and `none`.
    Preference,
    /// The ways to reach a person by (`Preferred channel`): the same, and ways of which none is ours.
    PreferredChannel,
    /// Remarks: one counts that asks for no messages and says nothing else.
    Remark,
    /// Names: nobody is called `nevolat`.
    Name,
    /// A thing or a place: a cell counts that says in plain words that the person must not be messaged, and nothing else.
    Thing,
    /// Anything else: the same, and a whole cell that is an opt-out in a status (`STOP`).
    Other,
}

impl ColumnKind {
    /// Whether a "yes" is, or may be, a consent that stands.
    pub(super) fn is_given(self) -> bool {
        matches!(
            self,
            Self::Consent | Self::ConsentDate | Self::Ambiguous | Self::OnlyNo
        )
    }

    /// Whether the column has the first days of consents, or the last ones.
    pub(super) fn is_of_dates(self) -> bool {
        matches!(self, Self::ConsentFrom | Self::ConsentUntil)
    }
}

/// What a cell of a column of this kind says. The begin and the end of a consent are compared with `now`.
pub(super) fn says(kind: ColumnKind, cell: &str, now: Option<Timestamp>) -> CellConsent {
    let cell = &*readable(trimmed(cell));
    match kind {
        ColumnKind::Name => name(cell),
        ColumnKind::Thing => thing(cell),
        ColumnKind::Other => other(cell),
        ColumnKind::UnclearConsent => only_no(
            answer(Question::MayBeMessaged, cell),
            CellConsent::MayMeanNo,
        ),
        ColumnKind::UnclearRefusal => only_no(
            answer(Question::MustNotBeMessaged, cell),
            CellConsent::MayMeanNo,
        ),
        // It is not known what the column would say.
        _ if cell == NOT_CALCULATED => CellConsent::NotUnderstood,
        ColumnKind::ConsentDate
        | ColumnKind::Refusal
        | ColumnKind::RefusalIfTicked(_)
        | ColumnKind::RefusalUntil
            if dates::is_no_date(cell) =>
        {
            CellConsent::Nothing
        }
        ColumnKind::Preference | ColumnKind::PreferredChannel
            if named(cell) == Some(Ways::NotOurs) =>
        {
            CellConsent::MustNot
        }
        // They prefer it, and may allow ours too.
        ColumnKind::Preference if named(cell) == Some(Ways::Others) => CellConsent::MayMeanNo,
        ColumnKind::Preference if is_none(&fold::header(cell)) => CellConsent::MustNot,
        ColumnKind::Preference if is_only_of_other_way(&fold::header(cell)) => CellConsent::MustNot,
        ColumnKind::PreferredChannel if is_of_no_way_of_ours(&fold::header(cell)) => {
            CellConsent::MustNot
        }
        ColumnKind::LegalBasis if NO_BASIS.has(&fold::header(cell)) => CellConsent::MustNot,
        ColumnKind::Status | ColumnKind::Preference | ColumnKind::PreferredChannel => status(cell),
        ColumnKind::Remark => remark(cell),
        ColumnKind::ConsentDetail | ColumnKind::LegalBasis => consent_detail(cell),
        ColumnKind::Consent => dates::consent(DateMeaning::Any, cell, now),
        ColumnKind::ConsentDate => dates::consent(DateMeaning::Given, cell, now),
        ColumnKind::ConsentFrom => dates::consent(DateMeaning::Begin, cell, now),
        ColumnKind::ConsentUntil => dates::consent(DateMeaning::End, cell, now),
        ColumnKind::RefusalIfTicked(word) if fold::header(cell) == word => {
            CellConsent::NotUnderstood
        }
        // `No longer interested` begins with a "no", and is none.
        ColumnKind::Refusal if is_one_of(&[REFUSING_REMARKS], cell) => CellConsent::MustNot,
        ColumnKind::Refusal | ColumnKind::RefusalIfTicked(_) => {
            answer(Question::MustNotBeMessaged, cell)
        }
        ColumnKind::RefusalUntil => dates::refusal(cell, now),
        ColumnKind::Ambiguous => ambiguous(cell),
        ColumnKind::OnlyNo => match dates::consent(DateMeaning::Any, cell, now) {
            // Its "yes" is in words that are not known, and so may its "no" be.
            CellConsent::NotUnderstood if denies(&fold::header(cell)) => CellConsent::MustNot,
            said @ CellConsent::NotUnderstood
                if is_error(cell)
                    || may_deny(&fold::header(cell))
                    || names_other_way_alone(&fold::header(cell)) =>
            {
                said
            }
            said => only_no(said, CellConsent::MustNot),
        },
    }
}

/// Whether a cell is an answer to the question of a consent, and no number.
pub(super) fn is_answer(cell: &str) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    digits < 5 && says(ColumnKind::Consent, cell, None) != CellConsent::NotUnderstood
}

/// Whether a cell names no way at all. `None` is not in the list of answers: a column of phones may hold it, and no number.
fn is_none(folded: &str) -> bool {
    folded == "none" || NO.has(folded) || NEGATIONS.has(folded)
}

/// Whether a cell names ways to reach a person by, and none of ours.
fn is_of_no_way_of_ours(folded: &str) -> bool {
    is_none(folded)
        || is_only_of_other_way(folded)
        || names_other_way_alone(folded)
        || named(folded) == Some(Ways::Others)
}

/// Whether a cell names a way that is not ours, and no other: `Email only`.
fn is_only_of_other_way(folded: &str) -> bool {
    BUT.is_in(folded) && OTHER_WAY.is_in(folded) && !OUR_WAY.is_in(folded)
}

/// What a cell says, where it is not known what the header asks: what is no answer to one question alone.
fn ambiguous(cell: &str) -> CellConsent {
    let as_consent = answer(Question::MayBeMessaged, cell);
    if as_consent == answer(Question::MustNotBeMessaged, cell) {
        as_consent
    } else {
        CellConsent::NotUnderstood
    }
}

/// Whether a cell is the name of a way that is not ours: `['email']`.
fn names_other_way_alone(folded: &str) -> bool {
    let mut words = folded.split(' ').filter(|word| word.chars().count() > 1);
    OTHER_WAY.is_in(folded) && words.all(|word| OTHER_WAY.has(word))
}

/// Nothing but a "no" counts, as this.
fn only_no(said: CellConsent, no: CellConsent) -> CellConsent {
    match said {
        CellConsent::MustNot => no,
        CellConsent::Nothing
        | CellConsent::May
        | CellConsent::NotUnderstood
        | CellConsent::MayMeanNo => CellConsent::Nothing,
    }
}

/// What stands beside a consent: where it came from, in which words, how. `No` there may be about that.
fn consent_detail(cell: &str) -> CellConsent {
    if cell.contains(REFUSING_SIGNS) {
        return CellConsent::MustNot;
    }
    if !cell.contains(char::is_alphabetic) || cell.contains("://") {
        return CellConsent::Nothing;
    }
    let folded = fold::header(cell);
    let is_denied = MAY.is_in(&folded) && has_negation(&folded);
    if is_denied || [MUST_NOT, REFUSALS].iter().any(|list| list.is_in(&folded)) {
        CellConsent::MustNot
    } else {
        only_no(
            answer(Question::MayBeMessaged, cell),
            CellConsent::MayMeanNo,
        )
    }
}

/// What a cell says that answers for each way to reach a person, where only a "no" counts.
fn of_messages(cell: &str) -> Option<CellConsent> {
    let is_yes = answers_for_messages(cell)?;
    Some(if is_yes {
        CellConsent::Nothing
    } else {
        CellConsent::MustNot
    })
}

/// A status, or some tags. One that says more than the opt-out and its date only a person understands.
fn status(cell: &str) -> CellConsent {
    let lists = [OPTED_OUT, IN_ANY_CELL, REFUSING_STATUS];
    let is_refusal = |part: &str| {
        let plain = without_dates(part);
        lists.iter().any(|list| list.has(&plain))
            || is_one_of(&[NO_CONTACT], part)
            || refuses_contact(&plain)
            || refuses_consent(&plain)
    };
    // A date may hold a sign that stands between tags.
    let may_refuse = || DOUBTFUL_STATUS.has(&fold::header(cell));
    if let Some(said) = of_messages(cell) {
        said
    } else if is_refusal(cell) || parts(cell).any(is_refusal) || is_sign_of_death(cell) {
        CellConsent::MustNot
    } else if cell.contains(REFUSING_SIGNS) || OPTED_OUT.is_in(&fold::header(cell)) || may_refuse()
    {
        CellConsent::MayMeanNo
    } else {
        CellConsent::Nothing
    }
}

/// Whether a cell is the sign of somebody who died, with a year or without, and no words: `† 2023`.
fn is_sign_of_death(cell: &str) -> bool {
    cell.contains('†') && !cell.contains(char::is_alphabetic)
}

/// A status, or each of some tags: those of Google stand between three colons. A hyphen within a word joins it.
fn parts(cell: &str) -> impl Iterator<Item = &str> {
    // `#vip #nevolat`, `Klienti > Nevolat`.
    let between = |c: char| ",;|/()[]•·–—#>&+\n".contains(c);
    let parts = cell.split(":::").flat_map(|it| it.split(" - "));
    parts.flat_map(move |it| it.split(between))
}

/// What a remark says. It was written for people: only one that is a refusal and nothing else, but for its date and where
/// it came from, is certain.
fn remark(cell: &str) -> CellConsent {
    let folded = fold::header(cell);
    let lists = [
        REFUSALS,
        OPTED_OUT,
        WEAK_REFUSALS,
        REFUSING_REMARKS,
        NO_CONTACT,
    ];
    let is_short = cell.split_whitespace().count() <= FEW_WORDS;
    // `Don't call, write`.
    let asks_to_write = || cell.split(is_set_off).any(is_refusal) && asks_for(&[WRITING], cell);
    if let Some(said) = of_messages(cell) {
        said
    } else if is_one_of(&lists, cell)
        || refuses_contact(&without_dates(cell)) && !asks_to_write()
        || refuses_consent(&without_dates(cell))
        || IN_ANY_CELL.is_in(&folded) && sets_off_refusal(cell)
        || is_sign_of_death(cell)
    {
        CellConsent::MustNot
    } else if lists[..2].iter().any(|list| list.is_in(&folded))
        || CONSENTS.is_in(&folded) && WITHDRAWN.is_in(&folded)
        || cell.contains(REFUSING_SIGNS)
        || is_short && (asks_to_stop(cell, &folded) || DOUBTFUL_REMARKS.is_in(&folded))
    {
        CellConsent::MayMeanNo
    } else {
        CellConsent::Nothing
    }
}

/// Whether a short remark asks for no messages as a reply would: `prosím už mi nepište`.
fn asks_to_stop(cell: &str, folded: &str) -> bool {
    let denies = |word: &str| REFUSES.has(word) || WITHDRAWN.has(word);
    (may_deny(folded) || folded.split(' ').any(denies))
        && OptOutWords::default().wish(cell) == OptRequest::OptOut
}

/// Whether a text says in whatever words that a person does not want to be contacted, and nothing else: `will nicht mehr
/// kontaktiert werden`.
pub(super) fn refuses_contact(folded: &str) -> bool {
    CONTACTING.is_in(folded) && is_made_of_refusal(folded, &[CONTACTING])
}

/// Whether it says so of a consent: `did not give her consent`, `відкликав згоду`.
fn refuses_consent(folded: &str) -> bool {
    CONSENTING.is_in(folded) && is_made_of_refusal(folded, &[CONSENTING, CONTACTING, OF_A_CONSENT])
}

/// Whether a text has a word of a refusal, and no others but those that may stand beside it, and these.
fn is_made_of_refusal(folded: &str, others: &[List]) -> bool {
    let lists = [REFUSES, IN_A_REFUSAL, POLITE, BESIDE_REFUSAL];
    let mut words = folded.split(' ');
    folded.split(' ').any(|word| REFUSES.has(word))
        && words.all(|word| lists.iter().chain(others).any(|list| list.has(word)))
}

/// Whether a text is one of the phrases and nothing else, but for a date and words that change nothing.
fn is_one_of(lists: &[List], text: &str) -> bool {
    let plain = without_dates(text);
    let without = |beside: &[List]| {
        let is_beside = |word: &&str| beside.iter().any(|list| list.has(word));
        let words = plain.split(' ').filter(|word| !is_beside(word));
        words.collect::<Vec<_>>().join(" ")
    };
    let mut texts = vec![fold::header(text)];
    let others = [without(&[POLITE]), without(&[POLITE, BESIDE_REFUSAL])];
    let others = others.into_iter().chain(letters_together(&plain));
    for other in others.chain([plain.clone()]) {
        if !texts.contains(&other) {
            texts.push(other);
        }
    }
    let is_phrase = |text: &String| lists.iter().any(|list| list.has(text));
    texts.iter().any(is_phrase)
}

/// A word whose letters stand apart: `N E V O L A T`.
fn letters_together(folded: &str) -> Option<String> {
    let mut words = folded.split(' ');
    let is_apart = folded.len() > 4 && words.all(|word| word.chars().count() == 1);
    is_apart.then(|| folded.replace(' ', ""))
}

/// What the cell of a name says. Somebody may be called `Stop`, but what stands behind the name is none: `Jan - STOP`.
fn name(cell: &str) -> CellConsent {
    let is_refusal = |part: &str| OPTED_OUT.has(&without_dates(part));
    // Behind a comma stands a first name: `Smith, Mort`.
    let is_aside = |part: &str| !part.contains(',') && NO_CONTACT.has(&without_dates(part));
    let asides = cell.split(['(', ')', '[', ']', '/', '–', '—']);
    let asides = asides.flat_map(|it| it.split(" - ")).skip(1);
    if IN_ANY_CELL.is_in(&fold::header(cell))
        || cell.contains(REFUSING_SIGNS)
        || parts(cell).skip(1).any(is_refusal)
        || asides.clone().any(is_aside)
    {
        CellConsent::MustNot
    } else if asides.clone().any(is_doubtful) || ends_in_capitals(cell).is_some_and(is_doubtful) {
        CellConsent::MayMeanNo
    } else {
        CellConsent::Nothing
    }
}

/// Whether a word may be that of a refusal, and of something else.
fn is_doubtful(part: &str) -> bool {
    let lists = [OPTED_OUT, NO_CONTACT, DOUBTFUL_STATUS];
    lists.iter().any(|list| list.has(&fold::header(part)))
}

/// The last word, if it stands in capitals as the others do not: `Jan Novák ZRUŠENO`.
fn ends_in_capitals(cell: &str) -> Option<&str> {
    let (others, last) = cell.rsplit_once(' ')?;
    let are_capitals = |text: &str| !text.contains(char::is_lowercase);
    (are_capitals(last) && !are_capitals(others)).then_some(last)
}

/// Whether a cell says in one phrase that its person refused.
pub(super) fn is_opt_out(cell: &str) -> bool {
    is_one_of(&[OPTED_OUT], cell)
}

/// The most words of a cell that is about one matter.
const FEW_WORDS: usize = 5;

/// What a cell says whose column is about something else. A few words with those of a refusal set off are one (`Praha -
/// nevolat`, `VIP (do not contact)`); a longer text may be about something else, and only a person understands it.
fn thing(cell: &str) -> CellConsent {
    if is_refusal(cell) || sets_off_refusal(cell) {
        CellConsent::MustNot
    } else if IN_ANY_CELL.is_in(&fold::header(cell)) && taken_back(cell).is_none() {
        CellConsent::MayMeanNo
    } else {
        CellConsent::Nothing
    }
}

/// What a cell says whose column is not known: it may be one of a status.
fn other(cell: &str) -> CellConsent {
    match thing(cell) {
        CellConsent::Nothing if is_one_of(&[DOUBTFUL_ELSEWHERE], cell) => CellConsent::MayMeanNo,
        CellConsent::Nothing if is_one_of(&[OPTED_OUT], cell) => CellConsent::MustNot,
        CellConsent::Nothing if is_one_of(&[NO_CONTACT], cell) => CellConsent::MayMeanNo,
        CellConsent::Nothing => in_own_words(cell),
        said => said,
    }
}

/// What a cell says in words of its own of who does not want to be contacted: `keine Anrufe mehr`.
fn in_own_words(cell: &str) -> CellConsent {
    let is_one_clause = !trimmed(cell)
        .trim_end_matches(is_set_off)
        .contains(is_set_off);
    let folded = without_dates(cell);
    let words = folded.split(' ').count();
    if !is_one_clause || !(2..=FEW_WORDS + 1).contains(&words) || !refuses_contact(&folded) {
        return CellConsent::Nothing;
    }
    // `No call` may tell of one that was not made.
    let has_verb = folded
        .split(' ')
        .any(|word| REFUSES.has(word) && !NEGATIONS.has(word));
    if words > 2 || has_verb {
        CellConsent::MustNot
    } else {
        CellConsent::MayMeanNo
    }
}

/// Whether a few words hold a refusal that is set off from the others. `Do not call, SMS only` asks for messages.
fn sets_off_refusal(cell: &str) -> bool {
    cell.split_whitespace().count() <= FEW_WORDS
        && cell.split(is_set_off).any(is_refusal)
        && !asks_for(&[MESSAGES, WRITING], cell)
}

/// Whether a part of a text is in plain words that the person must not be messaged.
fn is_refusal(part: &str) -> bool {
    is_one_of(&[IN_ANY_CELL], part)
}

/// Whether a part that is set off asks for one of these, and refuses nothing.
fn asks_for(lists: &[List], cell: &str) -> bool {
    let asks = |part: &str| {
        let folded = fold::header(part);
        !is_refusal(part) && lists.iter().any(|list| list.is_in(&folded)) && !denies(&folded)
    };
    cell.split(is_set_off).any(asks)
}

/// Whether a sign sets words off from others.
fn is_set_off(sign: char) -> bool {
    !sign.is_alphanumeric() && !" '’".contains(sign)
}

/// The folded words of a text, without its dates and the words before them: `odhlášen dne 1.2.2024`.
fn without_dates(text: &str) -> String {
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return fold::header(text);
    }
    let is_date = |token: &&str| {
        let token = token.trim_matches(|c: char| !c.is_ascii_digit());
        token.contains(['.', '/', '-'])
            && (!message_date::readings(token).is_empty() || is_short_date(token) || is_day(token))
            || is_year(token)
    };
    let mut tokens: Vec<&str> = Vec::new();
    for token in text.split_whitespace() {
        if is_date(&token) {
            let of_date = |word: &str| [TIME, TIME_WORDS, BEGINS].iter().any(|it| it.has(word));
            tokens.pop_if(|before| of_date(&fold::header(before)));
        } else {
            tokens.push(token);
        }
    }
    fold::header(&tokens.join(" "))
}

/// Whether a word is a day without its year: `3.4`.
fn is_day(token: &str) -> bool {
    let Some((first, second)) = token.split_once(['.', '/']) else {
        return false;
    };
    let part = |text: &str| text.parse::<u8>().ok().filter(|it| (1..=31).contains(it));
    let (first, second) = (part(first), part(second));
    first
        .zip(second)
        .is_some_and(|(first, second)| first.min(second) <= 12)
}

/// Whether a word is a year of our time.
fn is_year(token: &str) -> bool {
    token.len() == 4
        && token
            .parse::<u16>()
            .is_ok_and(|year| (1990..2100).contains(&year))
}

/// Whether a word is a date whose year has two digits, which no message would be filled with: `1/2/24`.
fn is_short_date(token: &str) -> bool {
    let parts: Vec<&str> = token.split(['.', '/', '-']).collect();
    let is_short = |part: &&str| (1..=2).contains(&part.len());
    parts.len() == 3 && parts.iter().all(is_short) && {
        let mut digits = parts.iter().flat_map(|part| part.bytes());
        digits.all(|byte| byte.is_ascii_digit())
    }
}
