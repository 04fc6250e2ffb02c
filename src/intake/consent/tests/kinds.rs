//! Refusals in signs, in legends, in headers written together, in names and in remarks.

use super::exports::{Out, Sent, Told, expect, expect_each};
use super::*;

#[test]
fn a_plus_is_a_yes_and_a_dash_is_none() {
    for header in [
        "Souhlas",
        "Zgoda",
        "SMS OK",
        "Згода на розсилку",
        "Marketing (+/-)",
    ] {
        for others in [["+", "+", "+"], ["+", "-", "-"], ["+", "–", "—"]] {
            expect(
                &[header],
                &others,
                &[("+", Sent), ("-", Out), ("–", Out), ("—", Out)],
            );
        }
    }
    expect(
        &["Consent", "SMS consent"],
        &["👍", "👎", "👍"],
        &[
            ("👍", Sent),
            ("👍🏽", Sent),
            ("👎", Out),
            ("👎🏿", Out),
            ("➕", Sent),
            ("➖", Out),
        ],
    );
    expect(
        &["Souhlas", "Consent", "Consent date"],
        &["ano", "yes", "ano"],
        &[
            ("-", Out),
            ("--", Out),
            ("−", Out),
            ("?", Out),
            ("", Sent),
            ("√", Sent),
        ],
    );
    // A dash below a refusal is none.
    expect(
        &["Odhlášen", "Do not contact", "Nevolat (+/-)"],
        &["+", "-", ""],
        &[("+", Out), ("x", Out), ("-", Sent), ("–", Sent), ("", Sent)],
    );
}

#[test]
fn words_of_a_header_that_are_written_together_are_known() {
    for header in [
        "SMSOptOut",
        "smsoptout",
        "sms_optout",
        "hasoptedout",
        "HasOptedOut",
        "marketingoptout",
        "nosms",
        "noSMS",
        "isunsubscribed",
        "SMSUnsubscribed",
        "CustomerSMSOptOut",
        "isblacklisted",
    ] {
        expect(
            &[header],
            &["false", "true"],
            &[("true", Out), ("false", Sent), ("1", Out)],
        );
    }
    for header in [
        "SMSOptIn",
        "smsoptin",
        "SMSConsent",
        "smsconsent",
        "GDPRConsent",
        "gdprconsent",
        "issubscribed",
        "IsSubscribed",
        "marketingconsent",
        "MarketingSMSConsent",
    ] {
        expect(
            &[header],
            &["false", "true"],
            &[("true", Sent), ("false", Out), ("0", Out)],
        );
    }
    for header in [
        "EmailOptOut",
        "emailoptout",
        "Subtext",
        "Context",
        "Kontext",
        "IDs",
        "URLs",
    ] {
        expect(
            &[header],
            &["false", "true"],
            &[("true", Sent), ("false", Sent)],
        );
    }
}

#[test]
fn capitals_are_no_words_of_their_own_where_nobody_knows_them() {
    for (header, folded) in [
        ("SMSOptOut", "sms opt out"),
        ("GDPRConsent", "gdpr consent"),
        ("CustomerSMSOptIn", "customer sms opt in"),
        ("HasOptedOutOfSMS", "has opted out of sms"),
        ("FAXnummer", "faxnummer"),
        ("FAXNummer", "faxnummer"),
        ("MOBILnummer", "mobilnummer"),
        ("TELefon", "telefon"),
        ("CustomerIDs", "customer ids"),
        ("BillingCountry", "billing country"),
    ] {
        assert_eq!(words(header), folded, "{header}");
    }
}

#[test]
fn a_yes_or_a_date_refuses_below_more_words() {
    for header in [
        "Sperrvermerk",
        "TPS",
        "Zastrzeżony",
        "Revoca",
        "Mesaj istemiyor",
        "Ret",
        "Vymazat",
        "Zrušen",
        "NPAI",
        "Revocado",
        "Revoqué",
        "Odvolán",
        "Abmeldung",
    ] {
        expect(
            &[header],
            &["", "yes"],
            &[
                ("yes", Out),
                ("x", Out),
                ("ano", Out),
                ("ja", Out),
                ("", Sent),
                ("no", Sent),
            ],
        );
    }
    for header in [
        "RET tarihi",
        "İptal tarihi",
        "Abmeldedatum",
        "Data rezygnacji",
        "Fecha de revocación",
        "Data revoca",
        "Data di revoca",
        "Fecha de baja",
    ] {
        expect(
            &[header],
            &["", "01.02.2024"],
            &[("01.02.2024", Out), ("", Sent)],
        );
    }
}

#[test]
fn a_no_is_heard_below_more_words() {
    for header in [
        "Volat",
        "Psát",
        "Oslovovat",
        "Zasílat novinky",
        "Mailing",
        "Prospection",
        "Démarchage",
        "Accord",
        "Joignable",
        "Souhaite être contacté",
        "Offres partenaires",
        "Kontakt",
        "Dzwonić",
        "LOPD",
        "Comunicaciones comerciales",
        "Ricevere comunicazioni",
        "Trattamento dati",
        "Texting",
        "Contact?",
        "Happy to be contacted",
        "Mailing list",
        "Mesaj alsın mı",
        "Aranabilir",
        "Можна писати",
        "Можно звонить",
        "Получать СМС",
        "Рассылка",
        "Розсилка",
        "SMS рассылка",
        "Chce otrzymywać SMS",
        "Desea recibir información",
        "Contactable",
    ] {
        for [yes, no] in [
            ["ano", "ne"],
            ["да", "нет"],
            ["sí", "no"],
            ["+", "-"],
            ["1", "0"],
        ] {
            expect(&[header], &[yes, no, yes], &[(yes, Sent), (no, Out)]);
        }
    }
    expect(
        &["Communication opt", "SMS opt"],
        &["in", "out"],
        &[("in", Sent), ("out", Out), ("IN", Sent)],
    );
    // It may be about e-mail, or about anything.
    expect(
        &["Newsletter"],
        &["ano", "ne"],
        &[("ano", Sent), ("ne", Told)],
    );
    expect(
        &["Kontakt", "Contact"],
        &["Eva Nová", "Jan"],
        &[("Ota", Sent), ("No", Sent)],
    );
    expect(&["Accord", "Volat"], &["Honda", "po 17"], &[("no", Sent)]);
}

#[test]
fn the_legend_of_a_header_says_what_its_cells_mean() {
    for (header, yes, no) in [
        ("Souhlas (1=ne, 0=ano)", "0", "1"),
        ("Souhlas (0=ano, 1=ne)", "0", "1"),
        ("Souhlas (ano=0, ne=1)", "0", "1"),
        ("Souhlas: 1 ne / 2 ano", "2", "1"),
        ("Souhlas: 1 - ano, 2 - ne", "1", "2"),
        ("Souhlas (A=ne,B=ano)", "B", "A"),
        ("Souhlas (1=nechce 2=souhlasí)", "2", "1"),
        ("Consent [Y = no; N = yes]", "N", "Y"),
        ("SMS (1=ne, 2=ano)", "2", "1"),
        ("Opt-out (0=yes,1=no)", "1", "0"),
        ("Opt-out (1=yes, 0=no)", "0", "1"),
        ("Souhlas (1=ano)", "1", "0"),
    ] {
        for others in [[yes, no, yes], [no, yes, no]] {
            expect(&[header], &others, &[(yes, Sent), (no, Out)]);
        }
    }
    expect_each(&[
        ("Souhlas (1=ne, 0=ano)", &["0", "1"][..], "9", Out),
        ("Souhlas (1=ne, 0=ano)", &["0", "1"], "ano", Sent),
        ("Souhlas (1=ne, 0=ano)", &["0", "1"], "", Sent),
        ("Souhlas (1=xyzzy, 0=ano)", &["0", "1"], "1", Out),
        ("Alta/Baja", &["Alta", "Alta", "Baja"], "Alta", Sent),
        ("Alta/Baja", &["Alta", "Alta", "Baja"], "Baja", Out),
        ("Přihlášen/odhlášen", &["přihlášen"], "Přihlášen", Sent),
        ("Přihlášen/odhlášen", &["přihlášen"], "odhlášen", Out),
        // Two ways, and no two states.
        ("SMS/Email unsubscribed", &["SMS", "Email", ""], "SMS", Out),
    ]);
}

#[test]
fn tags_that_stand_between_colons_are_several() {
    expect_each(&[
        (
            "Labels",
            &["* myContacts"][..],
            "* myContacts ::: Do not contact",
            Out,
        ),
        (
            "Group Membership",
            &["* myContacts"],
            "* myContacts ::: Unsubscribed ::: VIP",
            Out,
        ),
        (
            "Group Membership",
            &["* myContacts"],
            "* myContacts ::: VIP",
            Sent,
        ),
        ("Tags", &["vip"], "vip (do not contact)", Out),
        ("Tags", &["vip"], "#vip #nevolat", Out),
        ("Tags", &["vip"], "Klienti > Nevolat", Out),
        ("Tags", &["vip"], "vip + nevolat", Out),
        ("Tags", &["vip"], "vip & do not contact", Out),
        ("Tags", &["vip"], "stop-smoking", Told),
        ("Tags", &["vip"], "opt-out-2023-migration", Told),
    ]);
}

/// Remarks that are a refusal and nothing else, in whatever words.
const REFUSING: &str = "
    will nicht kontaktiert werden|wünscht keine Werbung|möchte nicht mehr angerufen werden|keine Anrufe|kein Interesse
    ne plus contacter|refuse les SMS|ne veut plus être contacté|ne souhaite pas recevoir de SMS|pas intéressé
    non vuole essere contattato|non vuole SMS|no quiere mensajes|no enviar SMS|no desea ser contactado|no interesado
    aranmak istemiyor|mesaj atmayın|istemiyor|vefat etti|відмовився|не хоче|отказался|не писать
    nechce být obtěžována|nechce být kontaktován|nechtějí zprávy|odmítá SMS|odmítl|nezájem|nemá zájem
    nie chce być kontaktowany|nie życzy sobie kontaktu|odmówiła|wil niet gebeld worden|no interest
    does not want to be contacted|wants no messages|never text|N E V O L A T|x nevolat x|!!nevolat!!
    GDPR - nekontaktovat|Do not contact - legal|NEVOLAT - žádost 3.4.2024|DO NOT CALL!!! see email|nevolat, GDPR
    nevolat nikdy|nevolat na vlastní žádost|DNC per 3/4|stop 3.4.|STOP - 3.4.2026|odhlášena 12.5.|zemřela 2023
    abgemeldet 3.4.|abgemeldet am 3.4.2024|désinscrit le 3/4|disiscritto il 3/4|wypisany 3.4|відписався 3.4
    passed away|nie żyje|falleció|è morto|öldü|mrtvý|tot|†|† 2023|keine Einwilligung|pas de consentement|sin consentimiento
    senza consenso|немає згоди|нет согласия|souhlas: ne|GDPR: NE|не хоче отримувати|не желает|bez SMS|žádná reklama
    lehnt Werbung ab|Kontakt unerwünscht|no quiere que le llamen|aranmayacak|İYS RET|DO NOT MSG|požádal o výmaz
    Löschantrag|żąda usunięcia danych|droit à l'oubli|falsche Nummer|špatné číslo|mauvais numéro|zły numer|yanlış numara
    стоп|СТОП|відмова|не згоден|не дала згоди|відкликав згоду|не хоче смс|не бажає отримувати смс
    nem kér SMS-t|nem kér több üzenetet|nem akar|nem szeretne SMS-t|meghalt|törlés|visszavonta|visszavonta a hozzájárulását
    téves szám|tiltólistán|nem kér|nem járult hozzá|doesn't want texts|do not email or text|did not consent
    asked to be taken off list|asked not to be texted|asked not to be called|delete|wrong no.|withdrew her consent
    smazat|smazat z databáze|žádá o výmaz|souhlas nedán|nerušit|chybné číslo|nechce, aby se mu psalo
    bitte löschen|STOPP|nicht einverstanden|Nummer falsch|hat keine Einwilligung gegeben|nie wyraził zgody|nie zgadza się
    nie chce SMS-ów|usunąć|żadnych SMS|aucun SMS|a retiré son accord|retiré son accord|no autoriza|no autoriza SMS
    no quiere recibir|ha revocado|no da su consentimiento|non autorizza|nega consenso|basta SMS|nessun consenso";

/// Short remarks that may ask for no messages, or for something else.
const DOUBTFUL: &str = "
    delete the order|email only|not interested in shoes|jen e-mailem|číslo neexistuje|nur per Post|tylko email|solo email
    csak email|тільки email|smazat objednávku|disconnected|complained about texts";

/// Remarks that are about something else.
const EVERYDAY: &str = "
    volat po 17|volat jen dopoledne|nechce cukr|zákazník nechce fakturu|stavební firma|VIP|Call after 5pm
    no preference|non-smoker|Anrufen nach 18 Uhr|kein Zucker|rappeler lundi|dzwonić po 15
    llamar por la tarde|richiamare lunedì|17'den sonra arayın|дзвонити після 17|нове замовлення|dead end street
    neplatí DPH|nepřítomen v pondělí|Baja California|čeká na odpověď|Nevolatil
    not contacted yet|no answer|nebere telefon|bez telefonu|no text received|nezastižen|2023|bude platit v hotovosti
    consent form no. 5|didn't call|no agreement yet|call the office|accord signé|nem vette fel|laser hair removal|stížnost na zboží|nemá kontakt|не відповідає|retired";

fn remarks(of: &'static str) -> impl Iterator<Item = &'static str> {
    let remarks = of.split(['|', '\n']).map(str::trim);
    remarks.filter(|remark| !remark.is_empty())
}

#[test]
fn a_remark_that_refuses_in_whatever_words_keeps_its_row_out() {
    let done = |remark| exports::done("Poznámka", &["", ""], remark);
    let missed = remarks(REFUSING).filter(|it| done(it) != Out);
    assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
    let held = remarks(EVERYDAY).filter(|it| done(it) == Out);
    assert_eq!(held.collect::<Vec<_>>(), [""; 0]);
    let silent = remarks(DOUBTFUL).filter(|it| done(it) != Told);
    assert_eq!(silent.collect::<Vec<_>>(), [""; 0]);
    expect_each(&[("Примітки", &[""][..], "стоп", Out)]);
    expect(
        &["Note"],
        &[""],
        &[
            ("Nevolat, jen SMS", Told),
            ("do not call 9-12", Told),
            ("prosím už mi nepište", Told),
        ],
    );
}

/// What a status says of people who must not be messaged.
const STATUSES: &str = "
    widersprochen|revocato|opposé|aramayın|rezygnacja|iptal|RET|відмова|отказ|refused|odmítl|abgelehnt|declined
    non contattabile|nicht kontaktierbar|blokován|complained|cleaned|deleted|smazán|gelöscht|supprimé|usunięty|eliminado
    silindi|видалено|Non-marketing contact|does not want SMS|nechce kontakt|unsubscribe|vymazáno|withdrawn";

#[test]
fn a_status_that_refuses_in_whatever_words_keeps_its_row_out() {
    for header in ["Status", "Stav", "Marketing contact status", "Tags"] {
        let done = |status| exports::done(header, &["active", "new"], status);
        let missed = remarks(STATUSES).filter(|it| done(it) != Out);
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0], "{header}");
    }
    expect_each(&[
        ("Status", &["new", "open"][..], "closed", Sent),
        ("Status", &["new", "open"], "contacted", Sent),
        ("Status", &["new", "open"], "not contacted", Sent),
        ("Status", &["green", "red"], "red", Sent),
        (
            "Legal basis",
            &["Freely given consent from contact"],
            "Not applicable",
            Out,
        ),
        (
            "Legal basis for processing contact's data",
            &["Legitimate interest"],
            "Not applicable",
            Out,
        ),
        (
            "Legal basis",
            &["Freely given consent from contact"],
            "Legitimate interest",
            Sent,
        ),
        ("Lawful basis", &["Consent"], "Withdrawn", Out),
        ("Lawful basis", &["Consent"], "Objected", Out),
        ("Lawful basis", &["Consent"], "Consent", Sent),
        ("Contact preference", &["SMS", "Phone"], "Email only", Out),
        ("Contact preference", &["SMS", "Phone"], "Post only", Out),
        ("Contact preference", &["SMS", "Phone"], "SMS only", Sent),
        ("Contact preference", &["SMS", "Phone"], "Nur E-Mail", Out),
        ("Contact preference", &["SMS", "Phone"], "Email", Told),
    ]);
}

#[test]
fn a_consent_in_whatever_words_keeps_nobody_out() {
    expect_each(&[
        ("Einwilligung", &["ja", "nein"][..], "liegt vor", Sent),
        ("Einwilligung", &["i.O.", "n.i.O."], "i.O.", Sent),
        ("Einwilligung", &["i.O.", "n.i.O."], "n.i.O.", Out),
        ("Einwilligung", &["ja", "nein"], "liegt nicht vor", Out),
        ("Einwilligung", &["ja", "nein"], "vorhanden", Sent),
        ("Einwilligung", &["ja", "nein"], "nicht vorhanden", Out),
        ("Einwilligung", &["ja", "nein"], "gegeben", Sent),
        ("Einwilligung", &["ja", "nein"], "gegeben am 3.4.2024", Sent),
        ("Einwilligung", &["ja", "nein"], "nicht gegeben", Out),
        ("Consenso", &["sì", "no"], "dato", Sent),
        ("Consenso", &["sì", "no"], "non dato", Out),
        ("Consenso", &["sì", "no"], "rilasciato", Sent),
        ("Consenso", &["sì", "no"], "data missing", Out),
        ("Consentimiento", &["sí", "no"], "dado", Sent),
        ("Consentimiento", &["sí", "no"], "dado de baja", Out),
        ("Згода", &["так", "ні"], "є", Sent),
        ("Згода", &["так", "ні"], "т", Sent),
        ("Згода", &["так", "ні"], "н", Out),
        ("Согласие", &["да", "нет"], "д", Sent),
        ("Souhlas", &["1", "0"], "1,0", Sent),
        ("Souhlas", &["1", "0"], "0,0", Out),
        ("Souhlas", &["✔", "✅"], "√", Sent),
        ("Unsubscribed", &["yes", "no"], "never", Sent),
        ("Odhlášen", &["ano", "ne"], "nikdy", Sent),
        ("Do not contact", &["yes", "no"], "ok to contact", Sent),
        ("Nevolat", &["ano", "ne"], "může se", Sent),
        ("Do not contact", &["yes", "no"], "never", Out),
        ("Nevolat", &["ano", "ne"], "nikdy", Out),
        ("Platnost souhlasu", &["1.1.2030"], "neomezeně", Sent),
        ("Consent valid until", &["2030-01-01"], "unlimited", Sent),
        ("No SMS until", &["2030-01-01"], "unlimited", Out),
    ]);
}

/// Names of lists of people who must not be messaged.
const REFUSING_LISTS: &str = "
    suppression|suppressions|suppression list|suppressed|Sperrliste|Werbesperre|Abgemeldete|abgemeldet 2026|Abmeldungen
    Robinsonliste|Robinson|optouty|optouts|opt_outs_2026|odhlaseni|odhlášky|Odhlášené kontakty|odhlaseni odberatele
    nechtějí SMS|zákaz kontaktu|blokovaní|zablokovaní|stop liste|stoplist|stopliste 2026|STOP SMS|stopky|unsubs
    unsubscribes|unsub list|wypisani|rezygnacje|Wypisani z SMS|nie dzwonić|bajas|bajas 2026|Lista negra|no llamar
    lista robinson|exclusiones|excluidos|désabonnés|désinscriptions|liste noire|opposition|oppositions|liste rouge
    lista nera|disiscrizioni|cancellati|opposizioni|iptal|iptal listesi|RET listesi|ret|aramayın|kara liste|çıkanlar
    istemeyenler|abonelikten çıkanlar|отписались|отписки|відписки|відмови|чорний список|стоп-лист|стоп|DND|TPS
    do-not-call|DoNotContact|dnc_2026|dnc2026|DNC list Q1 2026|exclude|exclusion list|excluded|removed|blocked|blocklist
    complaints|widerrufe|Widersprüche|gekündigt|gesperrt|zemřelí|deceased|verstorben|Sperrliste Stand 1.1.|OptOutsSMS
    People who opted out|Lista osób, które zrezygnowały|Seznam odhlášených k 1.1.2026|abgemeldete Kunden
    wypisane klientki|Liste des personnes désabonnées|Opted-out customers as of January 2026|smsoptouts
    Bajas de clientes|Abonelikten çıkan müşteriler|Kontakty bez souhlasu|Robinsonliste (aktuell)|unsubscribed_contacts_v2";

/// Headings above such people within a list.
const REFUSING_SECTIONS: &str = "
    Nesouhlasí:|Abgemeldet:|Wypisani|Bajas|İptal edenler|Da non contattare|Opted out|Відписалися|Désabonnés
    --- NEVOLAT ---|Odhlášení klienti:|Abgemeldete Kunden|Rezygnacje|Excluded|Sperrliste
    STOP|STOP:|СТОП|No consent|Declined|Refused|Removed|Odvolali souhlas|Odmítnuto|Zrušené|Neaktivní - nepsat
    Těm neposílat!|Ohne Einwilligung|Abgelehnt|Nie wyrazili zgody|Sans consentement|Sin consentimiento|No quieren
    Senza consenso|Rifiutati|Nem kérnek SMS-t|Elutasították|Без згоди|Lidé, kteří nechtějí SMS|Wollen keine SMS";

/// Everyday names of lists, and cells that stand alone.
const EVERYDAY_NAMES: &str = "
    kontakty|zákazníci 2026|zakaznici|Kunden|customers|March campaign|stop smoking course|Baja California|winback unsubscribed offer
    subscribed|odběratelé|abonenti|newsletter|clienti|Liste|list|export 2026-01-01|Contacts from CRM|bus stops Brno|members
    Retail|red list|Block 5|do 15|Stand 1.1.|všichni klienti|new contacts|Abonnenten|opted in|souhlasí|sheet1|List1|data";

#[test]
fn the_name_of_a_list_of_refusals_is_known_in_whatever_form() {
    let missed = remarks(REFUSING_LISTS).filter(|it| !names_refusals(it));
    assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
    let missed = remarks(REFUSING_SECTIONS).filter(|it| !names_refusals_in_any_cell(it));
    assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
    let refused = remarks(EVERYDAY_NAMES).filter(|it| names_refusals(it));
    assert_eq!(refused.collect::<Vec<_>>(), [""; 0]);
    for cell in [
        "Robinson",
        "Stop",
        "Jan Stop",
        "Souhlasí:",
        "VIP",
        "Tps",
        "Blocked",
        "Jan",
        "ROBINSON",
        "Inactive",
        "Late",
    ] {
        assert!(!names_refusals_in_any_cell(cell), "{cell}");
    }
}
