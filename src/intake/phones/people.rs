//! Whether the phone columns of a list are those of several people: `Patient;Phone;Doctor;Phone`, or two tables beside each
//! other. A number of another person's column must never stand in for a missing one.

use crate::domain::fold;
use crate::domain::phone::is_not_theirs;
use crate::domain::text::trimmed;
use crate::intake::column::{column, share_of_cells};
use crate::intake::consent;
use crate::intake::error::IntakeError;
use crate::intake::words::{
    ADDRESSEE, FIRST_NAME, LABELS, LAST_NAME, NAME_WORDS, OTHER_PERSON, PLACE, phone_score, spaced,
    words,
};

/// What a column says of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    GivenName,
    FamilyName,
    /// A whole name, or one of the people of the list: `Customer`.
    Whole,
    /// Somebody beside the people of the list: `Doctor`.
    Other,
}

/// A list, as far as its columns say whose numbers it holds.
struct List<'a> {
    headers: &'a [String],
    rows: &'a [Vec<String>],
}

/// Refuses a list whose phone columns are of several people, or of several tables. `phones` are their places.
pub(super) fn refuse_several(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    phones: &[usize],
) -> Result<(), IntakeError> {
    let list = List { headers, rows };
    let mut phones = phones.to_vec();
    phones.sort_unstable();
    let Some((first, later)) = phones.split_first() else {
        return Ok(());
    };
    for second in later {
        if list.are_alike(*first, *second) && list.has_gap(*first, *second) {
            return Err(side_by_side(file, headers));
        }
        if let Some(between) = list.other_person(*first, *second) {
            return Err(IntakeError::PhonesOfSeveralPeople {
                file: file.to_owned(),
                first: column(headers, *first).name,
                second: column(headers, *second).name,
                between: column(headers, between).name,
            });
        }
    }
    Ok(())
}

/// Refuses a list whose header repeats itself: tables stand beside each other.
pub(super) fn refuse_side_by_side(file: &str, headers: &[String]) -> Result<(), IntakeError> {
    let folded = headers.iter().map(|header| fold::header(header));
    let named: Vec<String> = folded.filter(|header| !header.is_empty()).collect();
    let repeats = |width: &usize| {
        let (table, others) = named.split_at(*width);
        let mut tables = others.chunks(*width);
        named.len().is_multiple_of(*width) && tables.all(|other| other == table)
    };
    let mut widths = 2..=named.len() / 2;
    let table = widths.find(repeats).and_then(|width| named.get(..width));
    let is_phone = |header: &String| phone_score(header) > 0;
    // `Phone;Type;Phone;Type` are the numbers of one person.
    let is_table = |table: &[String]| {
        table.iter().any(is_phone) && table.iter().any(|it| !is_phone(it) && !LABELS.is_in(it))
    };
    if table.is_some_and(is_table) {
        Err(side_by_side(file, headers))
    } else {
        Ok(())
    }
}

fn side_by_side(file: &str, headers: &[String]) -> IntakeError {
    let named = headers.iter().filter(|it| !trimmed(it).is_empty());
    IntakeError::SideBySide {
        file: file.to_owned(),
        present: named.cloned().collect(),
    }
}

impl List<'_> {
    fn header(&self, at: usize) -> &str {
        self.headers.get(at).map_or("", String::as_str)
    }

    /// Whether two columns have one name, but for a number: `Phone 1` and `Phone 2`.
    fn are_alike(&self, one: usize, other: usize) -> bool {
        without_marks(self.header(one)) == without_marks(self.header(other))
    }

    /// Whether a column without a name and without a cell stands between these.
    fn has_gap(&self, first: usize, second: usize) -> bool {
        (first + 1..second).any(|at| {
            trimmed(self.header(at)).is_empty() && share_of_cells(at, self.rows, |_| true) == 0.0
        })
    }

    /// The column of another person than the first number's that stands between two columns of numbers.
    fn other_person(&self, first: usize, second: usize) -> Option<usize> {
        let are_alike = self.are_alike(first, second);
        let are_same = fold::header(self.header(first)) == fold::header(self.header(second));
        // Names may also stand behind their numbers.
        let beside = |at: &usize| *at < first || are_alike && *at > second;
        let others = (0..self.headers.len()).filter(beside);
        let others: Vec<Person> = others.filter_map(|at| self.person(at)).collect();
        let mut met: Vec<Person> = Vec::new();
        (first + 1..second).find(|at| {
            let Some(person) = self.person(*at) else {
                return are_same && self.holds_names(*at);
            };
            let mut known = others.iter().chain(&met);
            let is_nobody_of_the_list = || are_alike || is_not_theirs(&spaced(self.header(*at)));
            let is_other = person == Person::Other && is_nobody_of_the_list()
                || known.any(|known| are_two(*known, person, are_alike))
                || are_alike && self.is_headed_by_text(first);
            met.push(person);
            is_other
        })
    }

    /// What a column says of a person; `None` if it is about something else.
    fn person(&self, at: usize) -> Option<Person> {
        let is_text = |cell: &str| cell.contains(char::is_alphabetic);
        let is_empty = share_of_cells(at, self.rows, |_| true) == 0.0;
        let holds_texts =
            share_of_cells(at, self.rows, is_text) >= 0.5 && !consent::are_answers(at, self.rows);
        person(self.header(at)).filter(|_| is_empty || holds_texts)
    }

    /// Whether the column before these numbers holds texts, and none of a person: `Branch;Phone;Customer;Phone`. Each of two
    /// columns of one name belongs to what stands before it.
    fn is_headed_by_text(&self, phone: usize) -> bool {
        let Some(at) = phone.checked_sub(1) else {
            return false;
        };
        let is_text = |cell: &str| cell.contains(char::is_alphabetic) && !cell.contains('@');
        let header = self.header(at);
        self.person(at).is_none()
            && phone_score(header) == 0
            && !LABELS.is_in(&words(header))
            && !consent::are_answers(at, self.rows)
            && share_of_cells(at, self.rows, is_text) >= 0.5
    }

    /// Whether the cells of a column may be names, whatever its header says.
    fn holds_names(&self, at: usize) -> bool {
        let folded = words(self.header(at));
        let is_name = |cell: &str| {
            cell.starts_with(char::is_uppercase)
                && !cell.contains(|c: char| c.is_numeric() || c == '@')
        };
        !PLACE.is_in(&folded)
            && !LABELS.is_in(&folded)
            && !consent::are_answers(at, self.rows)
            && share_of_cells(at, self.rows, is_name) >= 0.5
    }
}

/// A folded header without what numbers it: `Guest 2`, `Person B`.
fn without_marks(header: &str) -> String {
    let folded = words(header);
    let is_mark = |word: &&str| word.chars().all(char::is_numeric) || word.chars().nth(1).is_none();
    let words: Vec<&str> = folded.split(' ').filter(|word| !is_mark(word)).collect();
    words.join(" ")
}

/// What a header says of a person, if each of its words is about one.
fn person(header: &str) -> Option<Person> {
    let name = without_marks(header);
    let words: Vec<&str> = name.split(' ').collect();
    let mut rest: &[&str] = &words;
    let (mut is_other, mut own) = (false, Vec::new());
    while let Some(word) = rest.first() {
        let of_other = OTHER_PERSON.longest_at(rest);
        let known = [ADDRESSEE, NAME_WORDS].map(|list| list.longest_at(rest));
        let taken = known.into_iter().chain([of_other]).max().unwrap_or(0);
        is_other |= of_other > 0;
        if !ADDRESSEE.has(word) {
            own.push(*word);
        }
        rest = rest.get(taken..).filter(|_| taken > 0)?;
    }
    let own = own.join(" ");
    Some(if is_other {
        Person::Other
    } else if FIRST_NAME.has(&own) {
        Person::GivenName
    } else if LAST_NAME.has(&own) {
        Person::FamilyName
    } else {
        Person::Whole
    })
}

/// Whether two columns are of two people. Beside numbers of one name only the parts of one name are of one person.
fn are_two(one: Person, other: Person, are_alike: bool) -> bool {
    let is_one_name = matches!(
        (one, other),
        (Person::GivenName, Person::FamilyName) | (Person::FamilyName, Person::GivenName)
    );
    let is_beside_list = [one, other].contains(&Person::Other);
    one == other || is_beside_list || are_alike && !is_one_name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of the phone columns of a header, and whether they are refused.
    fn is_refused(header: &str, row: &str) -> bool {
        let cells = |line: &str| line.split(';').map(str::to_owned).collect::<Vec<_>>();
        let (headers, rows) = (cells(header), [cells(row)]);
        let places = headers.iter().enumerate();
        let phones = places.filter(|(_, header)| phone_score(header) > 0);
        let phones: Vec<usize> = phones.map(|(at, _)| at).collect();
        refuse_side_by_side("list.csv", &headers)
            .and_then(|()| refuse_several("list.csv", &headers, &rows, &phones))
            .is_err()
    }

    #[test]
    fn a_column_of_another_person_between_two_of_numbers_is_seen() {
        for header in [
            "Pacient;Telefon;Lékař;Telefon",
            "Customer;Phone;Salesperson;Phone",
            "Customer;Phone;Sales rep;Mobile",
            "Nájemník;Tel.;Majitel;Tel.",
            "Žadatel;Telefon;Spolužadatel;Telefon",
            "Klient;Telefon;Poradce;Telefon",
            "Žák;Mobil;Matka;Mobil",
            "Ženich;Telefon;Nevěsta;Telefon",
            "Kupující;Tel.;Prodávající;Tel.",
            "Jméno 1;Telefon 1;Jméno 2;Telefon 2",
            "Guest 1;Mobile 1;Guest 2;Mobile 2",
            "Contact 1 name;Phone 1;Contact 2 name;Phone 2",
            "Jméno dítěte;Telefon;Jméno rodiče;Telefon",
            "Patient's name;Phone;Doctor's name;Phone",
            "Name;Phone;Name 2;Phone 2",
            "Name;Phone;Name;Mobile",
            "Phone;Name;Phone;Name of contact",
            "Mieter;Telefon;Vermieter;Telefon",
            "Patient;Téléphone;Médecin;Téléphone",
            "Paciente;Teléfono;Médico;Teléfono",
            "Pacjent;Telefon;Lekarz;Telefon",
            "Name;Phone;Somebody else;Phone",
            "Pobočka;Telefon;Klient;Telefon",
            "Ambulance;Telefon;Pacient;Telefon",
            "Department;Phone;Patient;Phone",
            "Filiale;Telefon;Kunde;Telefon",
            "Company;Phone;Contact;Phone",
            "Objednávka;Telefon;Zákazník;Telefon",
            "Account;Phone 1;Name;Phone 2",
            "ID;Adresa;Telefon;Jméno;Telefon",
            "Jméno;Telefon;;Jméno;Telefon",
            "Jméno;Telefon;Jméno;Telefon",
            "Telefon;;Telefon;x",
            "Telefon;Poznámka;;Telefon",
        ] {
            let cells = header.split(';').map(|name| {
                if phone_score(name) > 0 {
                    "+420602333441"
                } else if name.is_empty() {
                    ""
                } else {
                    "Eva"
                }
            });
            let row = cells.collect::<Vec<_>>().join(";");
            assert!(is_refused(header, &row), "{header}");
        }
    }

    #[test]
    fn two_numbers_of_one_person_are_taken_for_that() {
        for (header, row) in [
            ("Jméno;Telefon;Mobil", "Eva;602333441;602333442"),
            ("Jméno;Telefon;Telefon", "Eva;602333441;602333442"),
            (
                "Jméno;Telefon 1;Telefon 2;Lékař",
                "Eva;602333441;602333442;Horák",
            ),
            (
                "First name;Phone;Last name;Mobile",
                "Eva;602333441;Malá;602333442",
            ),
            (
                "Jméno;Telefon;Příjmení;Telefon",
                "Eva;602333441;Malá;602333442",
            ),
            ("Name;Phone;City;Mobile", "Eva;602333441;Brno;602333442"),
            ("Name;Phone;City;Phone", "Eva;602333441;Brno;602333442"),
            ("Name;Phone;Company;Mobile", "Eva;602333441;Acme;602333442"),
            (
                "Name;Phone;E-mail;Phone 2",
                "Eva;602333441;a@b.cz;602333442",
            ),
            ("Name;Phone;Customer ID;Phone", "Eva;602333441;12;602333442"),
            ("Name;Phone;Customer;Mobile", "Eva;602333441;12;602333442"),
            ("Name;Phone;Customer;Mobile", "Eva;602333441;yes;602333442"),
            ("Phone;Name;Mobile;Owner", "602333441;Eva;602333442;Jan"),
            (
                "Name;Phone;Type;Phone;Type",
                "Eva;602333441;Home;602333442;Work",
            ),
            ("Phone;Type;Phone;Type", "602333441;Home;602333442;Work"),
            ("ID;Phone;Name;Phone", "12;602333441;Eva;602333442"),
            (
                "Datum;Telefon;Jméno;Telefon",
                "1.2.2026;602333441;Eva;602333442",
            ),
            (
                "E-mail;Telefon;Jméno;Telefon",
                "a@b.cz;602333441;Eva;602333442",
            ),
            ("VIP;Telefon;Jméno;Telefon", "ano;602333441;Eva;602333442"),
            ("Typ;Telefon;Jméno;Telefon", "Mobil;602333441;Eva;602333442"),
            ("Firma;Telefon;Jméno;Mobil", "Acme;602333441;Eva;602333442"),
            ("Telefon;Jméno;Telefon", "602333441;Eva;602333442"),
            ("Name;Phone;;Mobile", "Eva;602333441;;602333442"),
            ("Name;Phone", "Eva;602333441"),
            ("Name;City;Name;City", "Eva;Brno;Jan;Praha"),
        ] {
            assert!(!is_refused(header, row), "{header}");
        }
    }
}
