//! What a header says of its cells: `Consent (1 = no, 0 = yes)`, `Subscribed/Unsubscribed`, `Communication opt`.

use super::answers::{CellConsent, Question, answer, answers_no, answers_yes, denies};
use super::denials::without_prefix;
use super::headers::{meaning, names_refusal, says_that_it_was, words};
use super::pairs::agrees;
use super::says::ColumnKind;
use super::ways::{Ways, named};
use crate::domain::fold;
use crate::intake::words::{CALLING, MAY_IN_ANY_COLUMN, MUST_NOT, NEVER, NO, SENDS, YES};

/// What some cells of a column mean, by its header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Legend {
    codes: Vec<Code>,
    /// The header says of people that they did something: "never" there is a "no".
    was: bool,
    /// Its cells name ways to reach a person by.
    ways: bool,
}

/// A cell, and what it means; `None` where that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) cell: String,
    pub(super) means: Option<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// A "yes" to what the header asks.
    Yes,
    /// A "no" to what the header asks.
    No,
    /// The person may be messaged, whatever the header asks.
    May,
    /// The person must not be messaged, whatever the header asks: `Opt-out (1 = opted out)`.
    MustNot,
}

/// A cell that no column understands.
const NOT_UNDERSTOOD: &str = "#?";

/// A longer cell is no code.
pub(super) const LONGEST_CODE: usize = 3;

impl Legend {
    /// The legend of a header, and what it says beside it.
    pub(super) fn of(header: &str) -> (Self, String) {
        let was = says_that_it_was(header);
        let (codes, rest) = written_codes(header);
        let legend = |codes, was| Self {
            codes,
            was,
            ways: false,
        };
        if !codes.is_empty() {
            return (legend(codes, was), rest);
        }
        if let Some((codes, consent)) = of_pair(header) {
            return (legend(codes, false), consent);
        }
        let codes = of_opt(header).or_else(|| of_settings(header));
        (legend(codes.unwrap_or_default(), was), header.to_owned())
    }

    /// The legend with more codes.
    pub(super) fn with(mut self, codes: Vec<Code>) -> Self {
        self.codes.extend(codes);
        self
    }

    /// The legend of a column in which nobody knows what these signs mean: of crosses and noughts, either may be the "yes".
    pub(super) fn without(mut self, signs: &[&str]) -> Self {
        let code = |cell: &&str| Code {
            cell: (*cell).to_owned(),
            means: None,
        };
        self.codes.extend(signs.iter().map(code));
        self
    }

    /// The legend of a column whose cells name ways to reach a person by.
    pub(super) fn with_ways(mut self) -> Self {
        self.ways = true;
        self
    }

    /// Whether an answer is the contrary of one that allows messages by these words: `ne` of `Nevolat (ano = volat)`.
    fn contradicts(&self, folded: &str) -> bool {
        let is_contrary = |cell: &str| {
            answers_yes(cell) && answers_no(folded) || answers_no(cell) && answers_yes(folded)
        };
        let mut allowing = self.codes.iter();
        allowing.any(|code| code.means == Some(Answer::May) && is_contrary(&code.cell))
    }
    /// A cell as the column would say it without a legend.
    pub(super) fn read<'c>(&self, cell: &'c str) -> &'c str {
        if self.codes.is_empty() && !self.was && !self.ways {
            return cell;
        }
        let folded = fold::header(cell);
        let is_cell = |code: &&Code| code.cell == folded || code.cell == cell;
        if let Some(code) = self.codes.iter().find(is_cell) {
            return match code.means {
                Some(Answer::Yes) => "yes",
                Some(Answer::No) => "no",
                Some(Answer::May) => "opted in",
                Some(Answer::MustNot) => "opted out",
                None => NOT_UNDERSTOOD,
            };
        }
        if self.ways
            && let Some(ways) = named(cell)
        {
            return match ways {
                Ways::Ours => "opted in",
                Ways::Others | Ways::NotOurs => "opted out",
            };
        }
        let means = |answers: [Answer; 2]| {
            let mut codes = self.codes.iter().filter_map(|code| code.means);
            codes.any(|it| answers.contains(&it))
        };
        let is_whole = means([Answer::Yes, Answer::May]) && means([Answer::No, Answer::MustNot]);
        // A word needs no legend.
        let is_answer = folded.chars().count() > 1 && (answers_yes(&folded) || answers_no(&folded));
        if self.contradicts(&folded) {
            return NOT_UNDERSTOOD;
        }
        if self.was && NEVER.has(&folded) {
            "no"
        } else if is_whole && is_code(&folded) && folded.chars().count() < 3 && !is_answer {
            NOT_UNDERSTOOD
        } else {
            cell
        }
    }
}

/// The codes that stand in a header, and the header without them.
pub(super) fn written_codes(header: &str) -> (Vec<Code>, String) {
    let (mut codes, mut rest) = (Vec::new(), Vec::new());
    for part in header.split([',', ';', '/', '|', '(', ')', '[', ']', '\n']) {
        let words = part.replace('=', " = ");
        let words: Vec<&str> = words.split_whitespace().collect();
        let (found, before) = of_part(&words);
        codes.extend(found);
        rest.push(before);
    }
    (codes, rest.join(" "))
}

/// The codes of a part of a header, and the words before them.
fn of_part(words: &[&str]) -> (Vec<Code>, String) {
    let joins: Vec<usize> = (0..words.len()).filter(|at| words[*at] == "=").collect();
    let Some(first) = joins.first() else {
        return match of_words(&fold::header(&words.join(" "))) {
            Some((code, before)) => (vec![code], before),
            None => (Vec::new(), words.join(" ")),
        };
    };
    let ends = joins.iter().skip(1).map(|at| at.saturating_sub(1));
    let ends = ends.chain([words.len()]);
    let codes = joins.iter().zip(ends).filter_map(|(at, end)| {
        let left = words.get(at.checked_sub(1)?)?;
        let right = words.get(at + 1..end)?.join(" ");
        match fold::header(left).as_str() {
            "" => of_equation(left, &right),
            folded => of_equation(folded, &right),
        }
    });
    let codes: Vec<Code> = codes.collect();
    let before = if codes.is_empty() {
        words
    } else {
        &words[..first.saturating_sub(1)]
    };
    (codes, before.join(" "))
}

/// `1 = no`, and `no = 1`.
fn of_equation(left: &str, right: &str) -> Option<Code> {
    let folded = fold::header(right);
    let code = |cell: &str, means| Code {
        cell: cell.to_owned(),
        means,
    };
    if is_code(left) && !(is_word_of_answer(left) && is_code(&folded)) {
        Some(code(left, meaning_of(right)))
    } else if is_code(&folded) {
        Some(code(&folded, meaning_of(left)))
    } else {
        None
    }
}

/// `Consent: 1 no`, and what stands before it.
fn of_words(folded: &str) -> Option<(Code, String)> {
    let (before, word) = folded.rsplit_once(' ')?;
    let (before, cell) = before.rsplit_once(' ').unwrap_or(("", before));
    let is_figure = cell.bytes().all(|byte| byte.is_ascii_digit()) && cell.len() < 3;
    let is_pair = is_figure && !cell.is_empty() && is_word_of_answer(word);
    is_pair.then(|| {
        let means = meaning_of(word);
        let cell = cell.to_owned();
        (Code { cell, means }, before.to_owned())
    })
}

/// `Souhlas / nesouhlas`, `Alta/Baja`: a consent, or the name of a state, and its refusal. And the header of which they are the
/// answers.
fn of_pair(header: &str) -> Option<(Vec<Code>, String)> {
    let (first, second) = sides(header)?;
    let ((first, code_of_first), (second, code_of_second)) = (with_code(first), with_code(second));
    let (refusal, other) = match (is_refusing(first), is_refusing(second)) {
        (true, false) => (first, second),
        (false, true) => (second, first),
        (true, true) | (false, false) => return None,
    };
    let code = |name: &str, means| Code {
        cell: fold::header(name),
        means: Some(means),
    };
    let mut codes = vec![code(refusal, Answer::MustNot), code(other, Answer::May)];
    for (side, short) in [(first, code_of_first), (second, code_of_second)] {
        let means = if side == refusal {
            Answer::MustNot
        } else {
            Answer::May
        };
        codes.extend(short.map(|short| code(short, means)));
    }
    let is_sending = || is_made_by_prefix(refusal, other) && SENDS.has(&words(other));
    if agrees(&words(other)) == Some(true) || is_sending() {
        // `Agree` alone is no header of a consent.
        return Some((codes, "consent".to_owned()));
    }
    match meaning(other).map(|it| it.kind) {
        Some(ColumnKind::Consent) => Some((codes, other.to_owned())),
        // `SMS/Email unsubscribed` are two ways.
        _ if meaning_of(other) != Some(Answer::Yes) => None,
        _ => Some((codes, header.to_owned())),
    }
}

/// The side of a header, and the code that stands behind it: `Neposílat (N)`.
fn with_code(side: &str) -> (&str, Option<&str>) {
    let code = side.trim().strip_suffix(')').and_then(|it| {
        let (name, code) = it.rsplit_once('(')?;
        is_code(&fold::header(code)).then_some((name.trim(), code.trim()))
    });
    code.map_or((side, None), |(name, code)| (name, Some(code)))
}

/// Whether a refusal is another word with the prefix that denies it: `Neposílat` and `Posílat`.
fn is_made_by_prefix(refusal: &str, other: &str) -> bool {
    without_prefix(&words(refusal)).contains(&words(other).as_str())
}

/// The two sides of a header that names both.
fn sides(header: &str) -> Option<(&str, &str)> {
    const BETWEEN: [&str; 6] = ["/", " či ", " nebo ", " alebo ", " or ", " oder "];
    BETWEEN.iter().find_map(|sign| header.split_once(sign))
}

/// Whether one side of a header is that of the refusal.
fn is_refusing(side: &str) -> bool {
    let folded = words(side);
    names_refusal(side)
        || MUST_NOT.is_in(&folded)
        || agrees(&folded) == Some(false)
        || denies(&folded)
}

/// `Communication opt`: in or out.
fn of_opt(header: &str) -> Option<Vec<Code>> {
    let folded = fold::header(header);
    let is_opt = folded == "opt" || folded.ends_with(" opt");
    let code = |cell: &str, means| Code {
        cell: cell.to_owned(),
        means: Some(means),
    };
    is_opt.then(|| vec![code("in", Answer::Yes), code("out", Answer::No)])
}

/// `dndSettings.SMS.status` of `GoHighLevel`: whether the wish not to be disturbed is one now.
fn of_settings(header: &str) -> Option<Vec<Code>> {
    let folded = words(header);
    let is_status = folded.starts_with("dnd settings ") && folded.ends_with(" status");
    let code = |cell: &str, means| Code {
        cell: cell.to_owned(),
        means: Some(means),
    };
    is_status.then(|| vec![code("active", Answer::Yes), code("inactive", Answer::No)])
}

fn is_code(folded: &str) -> bool {
    (1..=LONGEST_CODE).contains(&folded.chars().count()) && !folded.contains(' ')
}

fn is_word_of_answer(folded: &str) -> bool {
    folded.chars().count() > 1 && (YES.has(folded) || NO.has(folded))
}

/// What the words behind a code say of who may be messaged.
fn meaning_of(text: &str) -> Option<Answer> {
    let folded = words(text);
    let refuses = names_refusal(text) || MUST_NOT.is_in(&folded);
    // `1 = volat`: they may be called.
    if SENDS.has(&folded) || CALLING.has(&folded) {
        return Some(Answer::May);
    }
    match answer(Question::MayBeMessaged, text) {
        CellConsent::May if refuses || MAY_IN_ANY_COLUMN.has(&folded) => Some(Answer::May),
        CellConsent::MustNot if refuses => Some(Answer::MustNot),
        CellConsent::May => Some(Answer::Yes),
        CellConsent::MustNot => Some(Answer::No),
        CellConsent::Nothing | CellConsent::NotUnderstood | CellConsent::MayMeanNo => None,
    }
}
