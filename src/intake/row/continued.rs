//! Rows that go on with the person of the row above: another number, without the name or with the same.

use super::{Above, RowJudge};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Record;
use crate::domain::text::trimmed;
use crate::intake::consent::{ColumnKind, Refusal};
use crate::intake::grouped::ListRow;
use crate::intake::rows::Fields;
use crate::intake::settings::ReadFor;

/// Fewer digits are no phone number.
const NUMBER: usize = 7;

/// More rows than that are no numbers of one person.
const MOST: usize = 3;

/// The person of a row that must not be messaged, until the next person comes.
#[derive(Default)]
pub(in crate::intake) struct Refuser(Option<Refusing>);

struct Refusing {
    /// Rows that went on with it.
    rows: usize,
    /// The cells that say who it is: the first one, and the names.
    who: Vec<String>,
    refusal: Refusal,
    row: u32,
}

impl RowJudge<'_> {
    /// The numbers of a row whose person must not be messaged, and what says so: the row itself, or the one above, with whose
    /// person it goes on.
    pub(in crate::intake) fn refused_with(
        &self,
        fields: &Fields<'_>,
        row: u32,
        (before, above): (&mut Refuser, &mut Above),
    ) -> Option<(Vec<PhoneNumber>, Refusal)> {
        if let Some((numbers, refusal)) = self.refused(fields, row, above) {
            before.0 = self.refusing(fields, &refusal, row);
            return Some((numbers, refusal));
        }
        if let Some(refusal) = self.moved(fields) {
            let numbers = self.numbers_to_refuse(&self.record(fields), true);
            return Some((numbers, refusal));
        }
        let mut above = before.0.take().filter(|it| it.rows < MOST)?;
        above.rows += 1;
        let numbers = self.goes_on_with(&above, fields)?;
        let Refusal { answer, says } = above.refusal.clone();
        let says = format!("{says} in row {}, whose person this is, too", above.row);
        before.0 = Some(above);
        Some((numbers, Refusal { answer, says }))
    }

    fn refusing(&self, fields: &Fields<'_>, refusal: &Refusal, row: u32) -> Option<Refusing> {
        if self.mapping.read_for != ReadFor::Messages {
            return None;
        }
        let who = self.who(&self.record(fields))?;
        let refusal = refusal.clone();
        let is_known = who.iter().any(|cell| !cell.is_empty());
        is_known.then_some(Refusing {
            rows: 0,
            who,
            refusal,
            row,
        })
    }

    /// The numbers of a row that says nothing of who may be messaged, and names the person of the row above or nobody; `None`
    /// if it is about somebody else.
    fn goes_on_with(&self, above: &Refusing, fields: &Fields<'_>) -> Option<Vec<PhoneNumber>> {
        let record = self.record(fields);
        let who = self.who(&record)?;
        let cell = |index: usize| trimmed(record.get(index).unwrap_or(""));
        let mut consent = self.mapping.consent.iter();
        let is_silent = consent.all(|it| it.is_of_remarks() || cell(it.column.index).is_empty());
        let mut pairs = who.iter().zip(&above.who);
        let is_same = pairs.all(|(own, above)| own.is_empty() || own == above);
        (is_silent && is_same).then(|| self.numbers_to_refuse(&record, true))
    }

    /// The cells by which a person is known; `None` where no column has names.
    fn who(&self, record: &Record) -> Option<Vec<String>> {
        let mut places: Vec<usize> = self.names().collect();
        if places.is_empty() {
            return None;
        }
        let is_phone = self.mapping.phone.iter().any(|it| it.column.index == 0);
        places.extend((!is_phone).then_some(0));
        let cell = |index: usize| trimmed(record.get(index).unwrap_or("")).to_owned();
        Some(places.into_iter().map(cell).collect())
    }

    /// The columns of names.
    fn names(&self) -> impl Iterator<Item = usize> {
        let named = [&self.mapping.first_name, &self.mapping.last_name];
        let named = named.into_iter().flatten().map(|it| it.index);
        let elsewhere = self.mapping.elsewhere.iter();
        let elsewhere = elsewhere.filter(|it| it.kind == ColumnKind::Name);
        named.chain(elsewhere.map(|it| it.column.index))
    }

    /// Whether a row holds what may be a number where the numbers stand.
    fn has_number(&self, fields: &Fields<'_>) -> bool {
        let digits = |at: &usize| {
            let cell = fields.get(*at).iter();
            cell.filter(|byte| byte.is_ascii_digit()).count()
        };
        self.file.phones.iter().any(|at| digits(at) >= NUMBER)
    }

    /// Hands a row over as it is of interest for its groups.
    pub(in crate::intake) fn with_row(
        &self,
        fields: &Fields<'_>,
        row: u32,
        take: &mut dyn FnMut(&ListRow<'_>),
    ) {
        let cell = |index: usize| {
            let at = self.file.columns.get(index);
            at.map_or("", |at| self.cell(fields.get(*at)))
        };
        let columns = 0..self.file.columns.len();
        let mut filled = columns.filter(|index| !trimmed(cell(*index)).is_empty());
        // Without a name, where there are names, it goes on with the person above it.
        let mut names = self.names().peekable();
        let is_nameless =
            names.peek().is_some() && names.all(|index| trimmed(cell(index)).is_empty());
        let has_number = self.has_number(fields);
        let is_person = has_number && !is_nameless;
        let first = if has_number { None } else { filled.next() };
        let only = first.filter(|_| filled.next().is_none());
        take(&ListRow {
            number: row,
            is_person,
            only,
            cell: &cell,
        });
    }
}
