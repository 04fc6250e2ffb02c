//! The words of headers, in the languages of our users.

use crate::domain::fold;

/// Words of a column of mobile numbers.
pub(super) const MOBILE: &[&str] = &[
    "mobile",
    "mobil",
    "mobilni",
    "handy",
    "handynummer",
    "mobilnummer",
    "mobiltelefon",
    "movil",
    "celular",
    "cell",
    "cellphone",
    "portable",
    "komorka",
    "komorkowy",
    "telemovel",
    "telemovil",
    "gsm",
    "whatsapp",
    "мобильный",
    "мобільний",
    "мобилен",
    "сотовый",
    "κινητο",
    "جوال",
    "الجوال",
    "נייד",
    "手机",
    "手機",
    "携帯",
    "携帯電話",
    "휴대폰",
];
/// Words of a column of phone numbers.
pub(super) const PHONE: &[&str] = &[
    "phone",
    "telephone",
    "telefon",
    "tel",
    "telefonnummer",
    "rufnummer",
    "telefono",
    "telefone",
    "telephonenumber",
    "phonenumber",
    "msisdn",
    "e164",
    "telefonni",
    "telefonu",
    "numer telefonu",
    "numero de telephone",
    "phones",
    "telefony",
    "телефон",
    "телефона",
    "τηλεφωνο",
    "هاتف",
    "الهاتف",
    "טלפון",
    "电话",
    "電話",
    "電話番号",
    "전화",
    "전화번호",
];
/// Words in the header of a column that is about phones and holds no phone numbers.
pub(super) const NOT_PHONE: &[&str] = &[
    "fax",
    "type",
    "typ",
    "id",
    "extension",
    "ext",
    "verified",
    "country",
    "opt",
    "consent",
    "souhlas",
    "label",
    "date",
    "status",
    "code",
    "prefix",
    "note",
    "poznamka",
    "pager",
    "telefax",
    "predvolba",
    "vorwahl",
    "landesvorwahl",
    "prefijo",
    "prefisso",
    "indicatif",
    "indicativo",
];
/// Headers of given names.
pub(super) const FIRST_NAME: &[&str] = &[
    "first name",
    "firstname",
    "given name",
    "givenname",
    "forename",
    "jmeno",
    "krestni jmeno",
    "vorname",
    "nombre",
    "prenom",
    "imie",
    "nome",
    "primeiro nome",
];
/// Headers of family names.
pub(super) const LAST_NAME: &[&str] = &[
    "last name",
    "lastname",
    "surname",
    "family name",
    "familyname",
    "prijmeni",
    "nachname",
    "familienname",
    "apellido",
    "apellidos",
    "nom",
    "nom de famille",
    "nazwisko",
    "sobrenome",
    "apelido",
];
/// The folded words of a header. `BillingCountry` is two words, as `Billing Country` is.
pub(super) fn words(header: &str) -> String {
    // Names of programs and things are one word.
    let folded = fold::header(&spaced(header));
    folded
        .replace("whats app", "whatsapp")
        .replace("i phone", "iphone")
}

/// A header with its words apart, in its own letters.
pub(super) fn spaced(header: &str) -> String {
    let mut spaced = String::with_capacity(header.len() + 4);
    let mut lower = false;
    for c in header.chars() {
        if lower && c.is_uppercase() {
            spaced.push(' ');
        }
        lower = c.is_lowercase();
        spaced.push(c);
    }
    spaced
}

/// How certain it is that a header names a phone column: 0 for not at all.
pub(super) fn phone_score(header: &str) -> u8 {
    let folded = words(header);
    let parts: Vec<&str> = folded.split(' ').collect();
    // "Work phone" holds the word; "numer telefonu" is a name of two words.
    let has = |list: &[&str]| {
        parts.iter().any(|word| list.contains(word)) || list.contains(&folded.as_str())
    };
    if has(NOT_PHONE) {
        return 0;
    }
    let joined = fold::header(header);
    let exact = |list: &[&str]| list.contains(&folded.as_str()) || list.contains(&joined.as_str());
    match (exact(PHONE), has(MOBILE), has(PHONE)) {
        (true, ..) | (_, true, _) => 3,
        (.., true) => 2,
        _ => 0,
    }
}
