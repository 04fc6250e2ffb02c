//! The columns that tell a row's country: found by their headers, read in each row.
//!
//! A list that tells the country is believed: its cell wins over `--region`, and a cell that is not understood
//! makes a national number invalid, because `--region` would make it a stranger's.

use std::fmt;

use serde::Serialize;

use super::column::Column;
use super::words::words;
use crate::domain::phone::Region;
use crate::domain::text::trimmed;

/// A column of countries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountryColumn {
    /// The column.
    #[serde(flatten)]
    pub column: Column,
    /// How near it is to the phone number.
    #[serde(skip)]
    pub(super) nearness: Nearness,
}

/// How near a column of countries is to the phone number, the nearest first: the calling code beside a number says
/// more than the country of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// The user named it, or it holds calling codes.
    OfTheNumber,
    /// It has the qualifier of the phone column: `Billing Country` beside `Billing Phone`.
    Beside,
    /// It is that of the person or of the only address.
    OfThePerson,
    /// It is that of one of several addresses.
    OfAnAddress,
}

impl CountryColumn {
    /// The column that the user named.
    pub(super) fn chosen(column: Column) -> Self {
        Self {
            column,
            nearness: Nearness::OfTheNumber,
        }
    }
}

impl fmt::Display for CountryColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.column.name)
    }
}

/// Headers that mean a country and nothing else.
const CERTAIN: &[&str] = &[
    "country",
    "countries",
    "country code",
    "countrycode",
    "country codes",
    "country name",
    "country region",
    "country region name",
    "country region code",
    "country or region",
    "country territory",
    "country iso",
    "country iso code",
    "country iso2",
    "country iso3",
    "country 2",
    "iso country",
    "iso country code",
    "iso code",
    "iso2",
    "iso3",
    "country abbreviation",
    "country of residence",
    "residence country",
    "nation",
    "country calling code",
    "country dial code",
    "country dialing code",
    "country dialling code",
    "country prefix",
    "calling code",
    "dial code",
    "dialcode",
    "dialing code",
    "dialling code",
    "dialing prefix",
    "dial prefix",
    "international code",
    "international prefix",
    "international dialing code",
    "isd code",
    "isd",
    "idd",
    "zeme",
    "kod zeme",
    "nazev zeme",
    "predvolba zeme",
    "mezinarodni predvolba",
    "stat zeme",
    "krajina",
    "kod krajiny",
    "predvolba krajiny",
    "medzinarodna predvolba",
    "landercode",
    "laendercode",
    "landesvorwahl",
    "landervorwahl",
    "laendervorwahl",
    "internationale vorwahl",
    "landeskennzahl",
    "landerkennzahl",
    "landerkennzeichen",
    "rechnungsland",
    "lieferland",
    "land region",
    "pais",
    "codigo de pais",
    "codigo del pais",
    "codigo pais",
    "prefijo pais",
    "prefijo internacional",
    "pais region",
    "pays",
    "code pays",
    "code du pays",
    "pays region",
    "indicatif pays",
    "indicatif du pays",
    "indicatif international",
    "indicatif telephonique",
    "panstwo",
    "kod kraju",
    "kod panstwa",
    "kraj region",
    "numer kierunkowy kraju",
    "codigo do pais",
    "ddi",
    "indicativo do pais",
    "indicativo internacional",
    "paese",
    "nazione",
    "codice paese",
    "prefisso internazionale",
    "landcode",
    "landnummer",
    "landekode",
    "landskod",
    "landsnummer",
    "orszag",
    "orszagkod",
    "tara",
    "drzava",
    "ulke",
    "ulke kodu",
    "maa",
    "maakoodi",
    "страна",
    "код страны",
    "країна",
    "код країни",
    "държава",
    "χωρα",
    "国",
    "国家",
    "國家",
    "국가",
    "الدولة",
    "البلد",
];

/// Headers that may mean a country: `Kraj` is a country in Polish and a region in Czech. The cells decide.
const DOUBTFUL: &[&str] = &[
    "land",
    "stat",
    "kraj",
    "stato",
    "zemlja",
    "region",
    "region code",
    "location",
    "nationality",
];

/// More doubtful headers, of codes that are dialled: an area's code may read as a country's, so each cell must have the
/// plus or the zeros.
const DIALLED: &[&str] = &[
    "cc",
    "prefix",
    "phone code",
    "code",
    "area code",
    "predvolba",
    "telefonni predvolba",
    "vorwahl",
    "prefijo",
    "prefisso",
    "indicatif",
    "indicativo",
    "kierunkowy",
    "numer kierunkowy",
    "prefiks",
    "lada",
];

/// Words that say whose country it is.
const QUALIFIERS: &[&str] = &[
    "default",
    "primary",
    "main",
    "address",
    "adresa",
    "adresse",
    "billing",
    "fakturacni",
    "shipping",
    "delivery",
    "dorucovaci",
    "mailing",
    "postal",
    "home",
    "work",
    "business",
    "office",
    "other",
    "personal",
    "private",
    "company",
    "contact",
    "customer",
    "client",
    "person",
    "user",
    "lead",
    "member",
    "guest",
    "recipient",
    "buyer",
    "phone",
    "mobile",
    "mobil",
    "cell",
    "tel",
    "telephone",
    "telefon",
    "sms",
    "whatsapp",
    "number",
    "formatted",
    "property",
    "permanent",
    "current",
    "location",
    "value",
];

/// Words for a country: a header with one of them and others beside it means one, if its cells are countries.
const COUNTRY: &[&str] = &[
    "country",
    "countries",
    "countrycode",
    "nation",
    "zeme",
    "krajina",
    "krajiny",
    "stat",
    "land",
    "lander",
    "laender",
    "landes",
    "pais",
    "pays",
    "panstwo",
    "panstwa",
    "kraj",
    "kraju",
    "paese",
    "nazione",
    "orszag",
    "tara",
    "drzava",
    "ulke",
    "ulkesi",
    "maa",
    "страна",
    "страны",
    "країна",
    "країни",
    "държава",
    "χωρα",
];

/// Words of a header that is about another country than that of the person's number, or about something else.
const ELSEWHERE: &[&str] = &[
    "id",
    "ids",
    "key",
    "flag",
    "count",
    "manager",
    "state",
    "province",
    "county",
    "bundesland",
    "destination",
    "birth",
    "born",
    "origin",
    "visited",
    "travel",
    "target",
    "favourite",
    "favorite",
    "issuing",
    "passport",
    "tax",
    "narozeni",
    "puvodu",
    "cilova",
    "cilove",
    "geburt",
    "geburts",
    "herkunfts",
    "herkunft",
    "ziel",
    "naissance",
    "origine",
    "nacimiento",
    "origen",
    "destino",
    "nascita",
    "destinazione",
    "urodzenia",
    "pochodzenia",
];

/// Those that tell one address of several, and one phone of several.
const ADDRESSES: &[&str] = &[
    "billing",
    "shipping",
    "delivery",
    "mailing",
    "home",
    "work",
    "business",
    "office",
    "other",
    "zamestnani",
    "zamestnanie",
    "domu",
    "domov",
    "prace",
    "geschaftlich",
    "privat",
    "weitere",
    "bureau",
    "domicile",
    "travail",
    "autre",
    "trabajo",
    "casa",
    "ufficio",
    "lavoro",
    "abitazione",
    "sluzbowy",
    "domowy",
    "werk",
    "thuis",
];

/// Those that say that it is the country of the number.
const OF_NUMBERS: &[&str] = &[
    "phone",
    "mobile",
    "mobil",
    "cell",
    "tel",
    "telephone",
    "telefon",
    "sms",
    "whatsapp",
    "number",
];

/// Finds the columns that tell a row's country. `rows` are the first rows.
pub(super) fn find(
    headers: &[String],
    rows: &[Vec<String>],
    phone: &[Column],
) -> Vec<CountryColumn> {
    let mut found: Vec<CountryColumn> = headers
        .iter()
        .enumerate()
        .filter(|(index, _)| phone.iter().all(|column| column.index != *index))
        .filter_map(|(index, header)| {
            let nearness = nearness(header, &filled(rows, index), phone)?;
            let name = header.clone();
            let column = Column { index, name };
            Some(CountryColumn { column, nearness })
        })
        .collect();
    // Beside a phone of one address, that address tells the country, and no other.
    if found.iter().any(|it| it.nearness == Nearness::Beside) {
        found.retain(|it| it.nearness != Nearness::OfAnAddress);
    }
    found.sort_by_key(|it| it.nearness);
    found
}

fn filled(rows: &[Vec<String>], index: usize) -> Vec<&str> {
    let cells = rows.iter().filter_map(|row| row.get(index));
    let cells = cells.map(|cell| trimmed(cell));
    cells.filter(|cell| !cell.is_empty()).collect()
}

/// `None` if the column tells no country.
fn nearness(header: &str, cells: &[&str], phone: &[Column]) -> Option<Nearness> {
    let folded = words(header);
    let is_known = |phrase: &str| {
        [CERTAIN, DOUBTFUL, DIALLED]
            .iter()
            .any(|list| list.contains(&phrase))
    };
    let is_more =
        |word: &&str| !QUALIFIERS.contains(word) && !word.bytes().all(|byte| byte.is_ascii_digit());
    let core = if is_known(&folded) {
        folded.clone()
    } else {
        let words: Vec<&str> = folded.split(' ').filter(is_more).collect();
        words.join(" ")
    };
    let has = |list: &[&str]| folded.split(' ').any(|word| list.contains(&word));
    if !is_known(&core) && (!has(COUNTRY) || has(ELSEWHERE)) {
        return None;
    }
    if !CERTAIN.contains(&core.as_str()) {
        let dialled = DIALLED.contains(&core.as_str());
        let holds = |cell: &&&str| {
            cell.parse::<Region>().is_ok()
                && (!dialled || cell.starts_with(['+', '(']) || cell.starts_with("00"))
        };
        // An empty one may tell the country further down.
        if !cells.is_empty() && share(cells, holds) < 0.5 {
            return None;
        }
    }
    let of_codes = !cells.is_empty()
        && share(cells, |cell| cell.contains(|c: char| c.is_ascii_digit())) >= 0.5;
    if of_codes || core != folded && has(OF_NUMBERS) {
        return Some(Nearness::OfTheNumber);
    }
    let Some(address) = folded.split(' ').find(|word| ADDRESSES.contains(word)) else {
        return Some(Nearness::OfThePerson);
    };
    let beside = phone
        .iter()
        .any(|column| words(&column.name).split(' ').any(|word| word == address));
    Some(if beside {
        Nearness::Beside
    } else {
        Nearness::OfAnAddress
    })
}

fn share(cells: &[&str], holds: impl Fn(&&&str) -> bool) -> f64 {
    cells.iter().filter(holds).count() as f64 / cells.len().max(1) as f64
}

/// What a row tells of its country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing: all its cells are empty.
    Nothing,
    /// This country.
    Country(Region),
    /// A cell is not understood, or two cells of equal rank say different countries.
    NotUnderstood,
}

/// What a row tells of its country: the nearest columns that say anything decide.
pub(super) fn of_row<'a>(
    columns: &[CountryColumn],
    cell: impl Fn(usize) -> Option<&'a str>,
) -> Told {
    let mut told = Told::Nothing;
    let mut nearest = None;
    for CountryColumn { column, nearness } in columns {
        let cell = cell(column.index).map_or("", trimmed);
        if cell.is_empty() {
            continue;
        }
        if nearest.is_some_and(|nearest| nearest != *nearness) {
            break;
        }
        nearest = Some(*nearness);
        told = match (told, cell.parse::<Region>()) {
            (Told::Nothing, Ok(region)) => Told::Country(region),
            (Told::Country(known), Ok(region)) if known.calling_code() == region.calling_code() => {
                told
            }
            (Told::Nothing | Told::Country(_) | Told::NotUnderstood, _) => {
                return Told::NotUnderstood;
            }
        };
    }
    told
}
