//! Lines beside the table that say what a mark, a colour or a font means.

use super::*;

/// Whether such a line keeps a list with this column back.
fn keeps_back(line: &str, header: &str, cell: &str) -> bool {
    let rows = [vec![cell.to_owned()]];
    explains_codes(line, &find(&[header.to_owned()], &rows, &[]))
}

#[test]
fn a_line_that_explains_a_mark_by_a_refusal_is_not_passed_over() {
    for line in [
        "* nechce SMS",
        "*nechce SMS",
        "*) nekontaktovat",
        "** opted out",
        "* = nechce SMS",
        "*: nechce SMS",
        "¹ nechce být kontaktován",
        "X nesouhlas",
        "Kdo má X, nechce SMS",
        "X - no SMS",
        "9 nekontaktovat",
        "1) opted out",
        "Zákazníci s * nechtějí SMS",
        "* did not give consent",
        "* bez souhlasu",
        "Osoby s hvězdičkou si nepřejí být kontaktovány",
        "Customers with an asterisk do not want texts",
        "Mit Sternchen: keine SMS",
        "Červeně označení nechtějí SMS",
        "Červeně: nevolat",
        "Červené řádky = nevolat",
        "Červená políčka znamenají, že zákazník nechce SMS",
        "Legenda: červeně = nevolat",
        "červená = nekontaktovat, zelená = OK",
        "zelená = OK, červená = nekontaktovat",
        "Legenda: černá = odhlášen",
        "Přeškrtnutí zákazníci se odhlásili",
        "Přeškrtnuté nevolat",
        "Kdo je tučně, nechce být kontaktován",
        "Kurzívou: nesouhlasí s SMS",
        "rot markiert = keine SMS",
        "rot = keine SMS",
        "Rote Zeilen: nicht kontaktieren",
        "Durchgestrichene haben sich abgemeldet",
        "Rows in red: opted out",
        "Red = do not contact",
        "Red: do not text",
        "Highlighted customers have unsubscribed",
        "Strikethrough - no SMS",
        "Crossed out = STOP",
        "Black = blacklist",
        "Šedě = odhlášení",
        "Šedou barvou jsou odhlášení klienti",
        "V žlutých řádcích jsou žlutě ti, kdo odvolali souhlas",
        "En rouge : ne pas contacter",
        "Lignes en rouge = désabonnés",
        "En rojo: no contactar",
        "In rosso: non contattare",
        "Na czerwono: nie dzwonić",
        "Sternchen: wollen keine SMS",
        "Zaznaczone osoby nie chcą SMS",
    ] {
        assert!(keeps_back(line, "Obec", "Brno"), "{line}");
        assert!(keeps_back(line, "Souhlas", "ano"), "{line}");
    }
    for line in ["N nesouhlas", "(n) = nevolat", "n) nevolat"] {
        assert!(keeps_back(line, "Obec", "Brno"), "{line}");
    }
    // A column is read so.
    for (line, header, cell) in [
        ("X nesouhlas", "Nesouhlas", "X"),
        ("N nesouhlas", "Souhlas", "ano"),
        ("9 nekontaktovat", "Consent (1 = yes, 9 = no)", "9"),
    ] {
        assert!(!keeps_back(line, header, cell), "{line} {header}");
    }
}

#[test]
fn a_line_that_says_something_else_of_a_mark_keeps_no_list_back() {
    for line in [
        "Žlutě = zaplaceno",
        "Červeně = nezaplaceno",
        "Červeně: nedovolali jsme se",
        "Červeně = SMS nedoručena",
        "Žlutě = bez odpovědi na SMS",
        "Modře = odeslaná SMS",
        "Zeleně = souhlas udělen",
        "Zelená = souhlasí",
        "Žlutě = volat až po 16 h",
        "Tučně = nový zákazník",
        "Přeškrtnuté termíny jsou obsazené",
        "* = člen výboru",
        "* povinné pole",
        "* Ceny jsou bez DPH",
        "* Odhlášení jsou vyřazeni",
        "* without those who left",
        "* Opted-out customers were removed",
        "Pole s hvězdičkou jsou povinná",
        "Confidential - do not distribute",
        "Důvěrné, nešířit!",
        "*** DŮVĚRNÉ - NEŠÍŘIT ***",
        "Text in red is not final",
        "Red = VIP, blue = staff",
        "Red = SMS not delivered",
        "Yellow: not answered yet, call back",
        "rot = Stammkunde",
        "Fett = neu seit letzter Woche",
        "Rot = nicht erreicht",
        "Zákazníci Black Friday 2026",
        "Red Cross donors",
        "Seznam bez odhlášených",
        "Zdroj: CRM, export 28. 11. 2026",
        "1. ročník",
        "2 x týdně",
        "A – jaro, B – podzim",
        "Eva Křížková - nevolat",
        "Jan Tučný: nechce SMS",
        "Paní Zelená, nechce volat",
        "Černý: nevolat",
        "Mr. Brown - do not call",
        "Stern: nicht anrufen",
        "V seznamu nejsou odhlášení",
        "Prosíme neposílat dál",
    ] {
        assert!(!keeps_back(line, "Obec", "Brno"), "{line}");
        assert!(!keeps_back(line, "Souhlas", "ano"), "{line}");
    }
    // An asterisk in a header is about its form.
    let known = find(&[], &[], &[]);
    assert!(!explains_codes_in_header("Nevolat večer *", &known));
    assert!(explains_codes_in_header(
        "Jméno (červeně = nevolat)",
        &known
    ));
}
