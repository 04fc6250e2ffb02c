use proptest::prelude::*;

use super::*;

fn cz() -> Option<Region> {
    "CZ".parse().ok()
}

/// The answer in one line: number and repairs, or reason and suggestion.
fn read(text: &str, region: Option<&str>) -> String {
    match PhoneNumber::parse(text, region.map(|code| code.parse().unwrap())) {
        Ok(parsed) if parsed.mended.is_none() => parsed.phone.e164(),
        Ok(parsed) => format!("{} ({})", parsed.phone.e164(), parsed.mended),
        Err(Rejected {
            problem,
            suggestion: None,
        }) => format!("no: {}", problem.code()),
        Err(Rejected {
            problem,
            suggestion: Some(suggestion),
        }) => format!("no: {}, {suggestion}?", problem.code()),
    }
}

#[test]
fn clean_numbers_are_read_without_mending() {
    for (text, region, expected) in [
        ("+420 777 123 456", None, "+420777123456"),
        ("777 123 456", Some("CZ"), "+420777123456"),
        ("420777123456", Some("CZ"), "+420777123456"),
        ("(030) 12345678", Some("DE"), "+493012345678"),
        ("0171/1234567", Some("DE"), "+491711234567"),
        ("07911 123456", Some("GB"), "+447911123456"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("+1 (201) 555-0123", Some("CZ"), "+12015550123"),
        ("+1.201.555.0123", None, "+12015550123"),
    ] {
        assert_eq!(read(text, region), expected, "{text:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn damage_with_a_known_cause_is_mended_and_told() {
    for (text, region, expected) in [
        (
            "420777123456.0",
            Some("CZ"),
            "+420777123456 (decimals removed)",
        ),
        (
            "602 123 456,00",
            Some("CZ"),
            "+420602123456 (decimals removed)",
        ),
        (
            "'+420777123456",
            None,
            "+420777123456 (apostrophe or quotes removed)",
        ),
        (
            "=\"+420777123456\"",
            None,
            "+420777123456 (apostrophe or quotes removed)",
        ),
        (
            "+420\u{a0}777\u{a0}123\u{a0}456",
            None,
            "+420777123456 (invisible characters removed)",
        ),
        (
            "\u{202a}+420777123456\u{202c}",
            None,
            "+420777123456 (invisible characters removed)",
        ),
        (
            "+420\u{200b}777123456",
            None,
            "+420777123456 (invisible characters removed)",
        ),
        (
            "+４２０７７７１２３４５６",
            None,
            "+420777123456 (digits of another script converted)",
        ),
        (
            "+٤٢٠٧٧٧١٢٣٤٥٦",
            None,
            "+420777123456 (digits of another script converted)",
        ),
        ("00420 777 123 456", None, "+420777123456 (00 read as +)"),
        (
            "00420 777 123 456",
            Some("US"),
            "+420777123456 (00 read as +)",
        ),
        ("+420 (0) 777 123 456", None, "+420777123456 ((0) removed)"),
        ("+44 (0)20 7031 3000", None, "+442070313000 ((0) removed)"),
        ("tel:+420777123456", None, "+420777123456 (label removed)"),
        (
            "Signal: +420777123456",
            None,
            "+420777123456 (label removed)",
        ),
        (
            "Mob. 777 123 456",
            Some("CZ"),
            "+420777123456 (label removed)",
        ),
        (
            "777123456 / 777654321",
            Some("CZ"),
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "777123456, 777654321",
            Some("CZ"),
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "+420777123456;+420777654321",
            None,
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "+420777123456\n+420777654321",
            None,
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "+420777123456 +420777654321",
            None,
            "+420777123456 (one of several numbers in the cell taken)",
        ),
        (
            "n/a; +420777654321",
            None,
            "+420777654321 (one of several numbers in the cell taken)",
        ),
        (
            "420,777,123,456",
            Some("CZ"),
            "+420777123456 (thousands separators removed)",
        ),
        (
            "4.20777123456E+11",
            Some("CZ"),
            "+420777123456 (power of ten written out)",
        ),
        (
            "712345678",
            Some("CI"),
            "+2250712345678 (lost leading zero put back)",
        ),
        (
            "++420777123456",
            None,
            "+420777123456 (superfluous plus removed)",
        ),
    ] {
        assert_eq!(read(text, region), expected, "{text:?}");
    }
}

#[test]
fn what_is_not_certain_is_refused_with_a_reason_and_a_suggestion() {
    for (text, region, expected) in [
        ("", Some("CZ"), "no: empty"),
        (" \u{a0} ", Some("CZ"), "no: empty"),
        ("-", Some("CZ"), "no: empty"),
        ("n/a", Some("CZ"), "no: not_a_number"),
        ("777123456", None, "no: needs_region"),
        ("420777123456", None, "no: needs_region, +420777123456?"),
        ("4.20777E+11", Some("CZ"), "no: scientific_notation"),
        ("4,20777E+11", Some("CZ"), "no: scientific_notation"),
        ("+420777123456 ext. 12", None, "no: extension"),
        ("+1 201 555 0123 x12", None, "no: extension"),
        ("+420777123456#12", None, "no: extension"),
        ("+420777123456 x", None, "no: letters"),
        ("tel:+420777123456;ext=12", None, "no: extension"),
        ("+1 800 FLOWERS", None, "no: letters"),
        ("777123456 Jana", Some("CZ"), "no: letters"),
        ("no 777123456", Some("CZ"), "no: letters"),
        ("+999123456789", None, "no: unknown_country_code"),
        ("+42077712345", None, "no: too_short"),
        ("+4207771234567", None, "no: not_in_use"),
        ("+420000000000", None, "no: not_in_use"),
        ("+420 0777123456", None, "no: not_in_use, +420777123456?"),
        ("421905123456", Some("CZ"), "no: not_in_use, +421905123456?"),
        ("112", Some("CZ"), "no: too_short"),
        (
            "777-123-456;phone-context=+420",
            Some("CZ"),
            "no: not_a_number",
        ),
        ("jan@example.com", Some("CZ"), "no: not_a_number"),
        ("2024-05-17", Some("CZ"), "no: too_short"),
    ] {
        assert_eq!(read(text, region), expected, "{text:?} {region:?}");
    }
}

#[test]
fn decimals_groups_and_powers_of_ten_are_mended_only_where_no_digit_is_lost() {
    for text in [
        "777123456.55",
        "777123456.000",
        "777 12 3456,00",
        "602 123 456,01",
        "777,12345,6",
        "4207,77,123456",
        "1,234,567,89",
        "4.2x777E+11",
        ".42077712E+12",
        "NO777123456",
    ] {
        assert!(PhoneNumber::parse(text, cz()).is_err(), "{text:?}");
    }
}

#[test]
fn numbers_are_taken_out_of_links_and_handles() {
    for (text, region) in [
        ("420777123456@c.us", None),
        ("420777123456@s.whatsapp.net", Some("PL")),
        ("420777123456:12@s.whatsapp.net", None),
        ("whatsapp:420777123456@c.us", None),
        ("jid:420777123456@s.whatsapp.net", None),
        ("https://wa.me/420777123456", None),
        ("http://wa.me/+420777123456?text=Hi%20there", Some("DE")),
        ("wa.me/420777123456/", None),
        ("<https://wa.me/420777123456>", None),
        (
            "https://api.whatsapp.com/send?text=a&phone=420777123456",
            None,
        ),
        (
            "https://api.whatsapp.com/send/?phone=%2B420777123456&type=phone_number",
            None,
        ),
        ("whatsapp://send?phone=420777123456", None),
        ("whatsapp:+420777123456", None),
        ("whatsapp:420777123456", None),
        ("whatsapp:777123456", Some("CZ")),
        ("WhatsApp: https://wa.me/420777123456", None),
        ("viber://chat?number=%2B420777123456", None),
        ("viber://add?number=420777123456", None),
        ("tg://resolve?phone=420777123456", None),
        ("https://t.me/+420777123456", None),
        ("https://signal.me/#p/+420777123456", None),
        ("sms:+420777123456?body=Hi", None),
        ("sms:+420777123456&body=Hi", None),
        ("smsto:777123456", Some("CZ")),
        ("tel://+420-777-123-456", None),
        ("tel:%2B420777123456", None),
        ("callto://+420777123456", None),
        ("skype:+420777123456?call", None),
        ("facetime-audio://+420777123456", None),
        ("SKYPE:+420777123456", None),
    ] {
        let answer = read(text, region);
        assert!(
            answer.starts_with("+420777123456 (")
                && answer.contains("taken out of a link or handle"),
            "{text:?}: {answer}"
        );
    }
    let two = "https://wa.me/420777123456, 420777654321@c.us";
    let two: Vec<_> = PhoneNumber::parse_all(two, None)
        .map(|numbers| numbers.iter().map(|number| number.phone.get()).collect())
        .unwrap();
    assert_eq!(two, [420_777_123_456, 420_777_654_321]);
    let long = format!("https://wa.me/420777123456?text={}", "a".repeat(500));
    assert!(PhoneNumber::parse(&long, None).is_ok());
}

#[test]
fn a_handle_that_names_no_number_is_refused() {
    for text in [
        "120363041234567890@g.us",
        "123456789012345@lid",
        "420777123456@example.com",
        "https://wa.me/message/ABCDEF123456",
        "https://chat.whatsapp.com/Abc123",
        "https://t.me/+AbCdEf123456",
        "skype:jan.novak?chat",
        "viber://pa?chatURI=shop",
        "tel:+420777123456;ext=12",
        "https://example.com/420777123456",
        "facebook.com/420777123456",
        "m.me/420777123456?ref=a",
        "www.example.com",
        "jan@c.us",
    ] {
        let answer = read(text, Some("CZ"));
        assert!(answer.starts_with("no: "), "{text:?}: {answer}");
    }
}

#[test]
fn digits_that_are_no_number_are_not_suggested_as_one() {
    for text in [
        "420777123456@lid",
        "420777123456@g.us",
        "facebook.com/420777123456",
    ] {
        assert_eq!(read(text, Some("CZ")), "no: not_a_number", "{text}");
    }
}

#[test]
fn a_number_of_an_earlier_plan_is_brought_to_todays() {
    let told = " (old number brought to today's numbering plan)";
    for (texts, region, expected) in [
        (
            &[
                "+52 1 55 1234 5671",
                "044 55 1234 5671",
                "045 55 1234 5671",
                "01 55 1234 5671",
                "1 55 1234 5671",
                "5215512345671",
                "+52 044 55 1234 5671",
                "+52 01 55 1234 5671",
            ][..],
            "MX",
            "+525512345671",
        ),
        (
            &["+229 97 12 34 56", "97 12 34 56", "22997123456"],
            "BJ",
            "+2290197123456",
        ),
        (&["+225 07 12 34 56", "07 12 34 56"], "CI", "+2250707123456"),
        (&["+225 45 12 34 56", "45123456"], "CI", "+2250545123456"),
        (&["+225 40 12 34 56"], "CI", "+2250140123456"),
        (&["+225 20 21 22 23"], "CI", "+2252720212223"),
        (
            &["+55 11 8765-4321", "(11) 8765-4321", "011 8765-4321"],
            "BR",
            "+5511987654321",
        ),
        (
            &["+241 07 28 01 50", "07 28 01 50", "+241 7 28 01 50"],
            "GA",
            "+24177280150",
        ),
        (&["+377 44 123 456"], "XK", "+38344123456"),
        (&["+381 38 123 456"], "XK", "+38338123456"),
        (&["+386 49 123 456"], "XK", "+38349123456"),
        (&["+84 120 1234567", "0120 1234567"], "VN", "+84701234567"),
        (&["+237 77 12 34 56", "77123456"], "CM", "+237677123456"),
        (&["+593 9 123 4567", "09 123 4567"], "EC", "+593991234567"),
        (&["+57 1 3234567"], "CO", "+576013234567"),
        (&["+56 65 350009"], "CL", "+56652350009"),
        (&["+974 512 3456", "5123456"], "QA", "+97455123456"),
        (&["+230 712 3456", "7123456"], "MU", "+23057123456"),
        (&["+268 602 1234"], "SZ", "+26876021234"),
        (&["+966 1 123 4567", "01 123 4567"], "SA", "+966111234567"),
        (&["+670 723 4567"], "TL", "+67077234567"),
        (&["+20 10 123 4567", "010 123 4567"], "EG", "+201001234567"),
        (&["+240 212345"], "GQ", "+240222212345"),
        (&["+995 77 123456", "077 123456"], "GE", "+995577123456"),
        (&["+245 512 3456"], "GW", "+245955123456"),
        (&["+212 6 1234567", "06 1234567"], "MA", "+212661234567"),
        (&["+599 542 1234"], "SX", "+17215421234"),
        (
            &["+54 11 2345-6789", "011 2345-6789", "11 2345 6789"],
            "AR",
            "+5491123456789",
        ),
        (
            &["+54 351 234 5678", "0351 234-5678"],
            "AR",
            "+5493512345678",
        ),
        (&["+54 2982 42-1234"], "AR", "+5492982421234"),
    ] {
        let expected_told = format!("{expected}{told}");
        for text in texts {
            assert_eq!(read(text, Some(region)), expected_told, "{text:?}");
        }
        assert_eq!(read(expected, None), expected, "{texts:?}");
    }
}

#[test]
fn the_old_and_the_new_form_are_one_number_wherever_it_comes_from() {
    for (old, new) in [
        (5_215_512_345_671, 525_512_345_671),
        (22_997_123_456, 2_290_197_123_456),
        (37_744_123_456, 38_344_123_456),
        (24_107_280_150, 24_177_280_150),
        (541_123_456_789, 5_491_123_456_789),
    ] {
        let (old_form, new_form) = (PhoneNumber::from_e164(old), PhoneNumber::from_e164(new));
        assert_eq!(old_form, new_form);
        assert_eq!(new_form.unwrap().get(), new);
        assert!(new_form.unwrap().former().any(|form| form == old));
    }
    // Trunked radio kept its eight digits.
    let radio = PhoneNumber::from_e164(551_177_654_321).unwrap();
    assert_eq!(radio.get(), 551_177_654_321);
    // Argentine numbers that belong to no place have no 9.
    let free = PhoneNumber::from_e164(548_001_234_567).unwrap();
    assert_eq!(free.get(), 548_001_234_567);
    // What is no number in its new form stays what it is.
    let none = PhoneNumber::from_e164(22_900_000_000).unwrap();
    assert_eq!(none.get(), 22_900_000_000);
}

/// Forms of today that are written in several ways.
#[test]
fn what_is_dialled_and_what_is_called_from_abroad_are_one_number() {
    for (texts, region, expected) in [
        (
            &[
                "+54 9 11 2345-6789",
                "011 15-2345-6789",
                "11 15 2345 6789",
                "+54 11 2345-6789",
                "+54 11 15-2345-6789",
            ][..],
            "AR",
            "+5491123456789",
        ),
        (
            &[
                "+55 11 98765-4321",
                "011 98765-4321",
                "0 11 98765-4321",
                "(11) 98765-4321",
            ],
            "BR",
            "+5511987654321",
        ),
        (&["+39 06 1234 5678", "06 1234 5678"], "IT", "+390612345678"),
        (&["+39 333 1234567", "333 1234567"], "IT", "+393331234567"),
        (
            &["+225 07 07 12 34 56", "07 07 12 34 56", "0707123456"],
            "CI",
            "+2250707123456",
        ),
        (
            &["+229 01 97 12 34 56", "01 97 12 34 56"],
            "BJ",
            "+2290197123456",
        ),
        (&["+52 55 1234 5671", "55 1234 5671"], "MX", "+525512345671"),
        (
            &["+7 912 345-67-89", "8 912 345-67-89"],
            "RU",
            "+79123456789",
        ),
        (&["+36 20 123 4567", "06 20 123 4567"], "HU", "+36201234567"),
        (
            &["+370 612 34567", "8 612 34567", "0 612 34567"],
            "LT",
            "+37061234567",
        ),
    ] {
        for text in texts {
            let read = PhoneNumber::parse(text, region.parse::<Region>().ok());
            let number = read
                .map(|it| it.phone.e164())
                .map_err(|it| it.problem.code());
            assert_eq!(number.as_deref(), Ok(expected), "{text:?} {region}");
        }
    }
    // A fixed line whose zero was left out is a mobile or nothing: it is not guessed.
    let without_zero = PhoneNumber::parse("+39 6 1234 5678", None);
    assert!(without_zero.is_err(), "{without_zero:?}");
}

/// Labels of lines as people write them, each with a number of its country.
const LABELLED: &[(&str, &[&str])] = &[
    (
        "AT 0664 1234567",
        &[
            "# (mobil)",
            "# mobil",
            "Mobil: #",
            "Handy: #",
            "# (privat)",
            "# dienstlich",
            "Tel. mobil: #",
        ],
    ),
    (
        "CH 079 123 45 67",
        &["Natel #", "# (Natel)", "# Gesch.", "port. #"],
    ),
    (
        "CZ 777 123 456",
        &[
            "# mobil",
            "# (domů)",
            "Práce: #",
            "soukromý #",
            "# - služební",
            "📱 #",
            "# 📞",
        ],
    ),
    (
        "SK 0905 123 456",
        &["# (mobil)", "súkromný: #", "# práca", "# (domov)"],
    ),
    (
        "PL 602 333 444",
        &[
            "kom. #",
            "Kom: #",
            "# (komórka)",
            "tel. kom. #",
            "# - służbowy",
            "(dom) #",
            "# pryw.",
        ],
    ),
    (
        "HU 06 20 123 4567",
        &["mobil: #", "# (otthon)", "munkahelyi #", "# (magán)"],
    ),
    (
        "ES 612 345 678",
        &[
            "Móvil: #",
            "móvil #",
            "# (casa)",
            "Tfno. #",
            "Tlf: #",
            "# trabajo",
            "WhatsApp #",
            "# (particular)",
        ],
    ),
    (
        "PT 912 345 678",
        &[
            "Telemóvel: #",
            "Tlm. #",
            "telm: #",
            "# (pessoal)",
            "# escritório",
        ],
    ),
    (
        "IT 333 123 4567",
        &[
            "Cell. #",
            "# (cellulare)",
            "cel: #",
            "# casa",
            "Uff. #",
            "# (lavoro)",
            "# abitazione",
        ],
    ),
    (
        "FR 06 12 34 56 78",
        &[
            "Portable : #",
            "Port. #",
            "# (perso)",
            "# domicile",
            "# (pro)",
            "Tél. portable: #",
        ],
    ),
    (
        "BE 0470 12 34 56",
        &["GSM #", "GSM: #", "# (gsm)", "privé #"],
    ),
    (
        "NL 06 12345678",
        &[
            "# (mobiel)",
            "Mobiel: #",
            "# werk",
            "# (thuis)",
            "# zakelijk",
        ],
    ),
    (
        "FI 040 123 4567",
        &[
            "(koti) #",
            "# (työ)",
            "Puh. #",
            "matkapuh. #",
            "gsm #",
            "Matkapuhelin: #",
        ],
    ),
    (
        "SE 070-123 45 67",
        &["Mob: #", "# (hem)", "# arbete", "Mobiltelefon: #"],
    ),
    (
        "DK 20 12 34 56",
        &["Mobil: #", "Tlf. #", "# (privat)", "# arbejde"],
    ),
    (
        "NO 412 34 567",
        &["Mob. #", "Tlf: #", "# (hjemme)", "# jobb"],
    ),
    ("EE 512 3456", &["mob #", "# (kodu)", "Mobiil: #"]),
    (
        "LV 21 234 567",
        &["Mob. #", "Tālr. #", "# (mājas)", "mobilais #"],
    ),
    ("LT 612 34567", &["Mob. #", "# (namų)", "mobilusis: #"]),
    (
        "HR 091 234 5678",
        &["Mobitel: #", "mob. #", "# (kuća)", "posao #"],
    ),
    (
        "SI 031 234 567",
        &["GSM: #", "# (doma)", "služba #", "mobitel #"],
    ),
    ("RO 0712 034 567", &["Mobil: #", "# (acasă)", "# serviciu"]),
    (
        "BG 087 812 3456",
        &["моб. #", "GSM #", "# (служебен)", "Мобилен: #"],
    ),
    (
        "GR 691 234 5678",
        &["Κιν. #", "κινητό: #", "# (σπίτι)", "Τηλ. #"],
    ),
    (
        "TR 0501 234 56 78",
        &["Cep: #", "cep tel. #", "# (ev)", "# iş", "GSM #"],
    ),
    (
        "RU 8 912 345-67-89",
        &["моб. #", "сот. #", "# (дом.)", "раб. #", "личный: #"],
    ),
    ("UA 050 123 4567", &["моб. #", "# (робочий)", "тел. #"]),
    (
        "GB 07400 123456",
        &[
            "Mob. #",
            "M: #",
            "# (work)",
            "Home: #",
            "# (WhatsApp)",
            "Tel/mobile #",
            "# - private",
        ],
    ),
];

#[test]
fn a_label_that_says_which_line_of_the_person_it_is_keeps_no_number_back() {
    let mut wrong = Vec::new();
    for (number, labels) in LABELLED {
        let (region, number) = number.split_once(' ').unwrap();
        let region: Option<Region> = region.parse().ok();
        let alone = PhoneNumber::parse(number, region).unwrap().phone;
        for label in *labels {
            let text = label.replace('#', number);
            match PhoneNumber::parse(&text, region) {
                Ok(read) if read.phone == alone && read.mended.has(Mending::LABEL) => {}
                other => wrong.push(format!("{text}: {other:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn several_numbers_may_have_a_label_each() {
    for text in [
        "777 123 456 (mobil), 222 333 444 (domů)",
        "Mobil: 777 123 456; Práce: 222 333 444",
        "777123456 mobil\n222333444 práce",
        "mobil 777123456 / domů 222333444",
    ] {
        let numbers = PhoneNumber::parse_all(text, cz()).unwrap();
        let numbers: Vec<_> = numbers.iter().map(|it| it.phone.e164()).collect();
        assert_eq!(numbers, ["+420777123456", "+420222333444"], "{text}");
    }
}

#[test]
fn words_that_are_no_label_keep_the_number_back_whatever_parts_them() {
    for word in [
        "old",
        "staré číslo",
        "Jana",
        "wife",
        "fax",
        "neplatné",
        "mobil old",
        "alt",
    ] {
        for text in [
            format!("777123456 {word}"),
            format!("777123456 ({word})"),
            format!("777123456, {word}"),
            format!("777123456; {word}"),
            format!("777123456 / {word}"),
            format!("777123456\n{word}"),
            format!("777123456 | {word}"),
            format!("{word}: 777123456"),
            format!("{word}, 777123456"),
            format!("{word} / 777123456"),
        ] {
            let answer = read(&text, Some("CZ"));
            assert!(
                answer.starts_with("no: letters") && !answer.contains('+'),
                "{text}: {answer}"
            );
        }
    }
    for text in [
        "777123456, mobil",
        "777123456 / práce",
        "777123456; jana@example.com",
        "777123456, https://example.com/jana",
    ] {
        assert!(
            read(text, Some("CZ")).starts_with("+420777123456"),
            "{text}"
        );
    }
}

#[test]
fn a_suggestion_keeps_the_country_that_the_row_tells() {
    for (text, region, names_region, expected) in [
        // British with a plus, but the zeros are dialled within Mexico.
        ("044 55 1234 567", "MX", false, None),
        ("0044 20 7031 300", "CZ", false, None),
        ("+40 471234567", "CZ", false, None),
        ("421905123456", "CZ", false, Some("+421905123456")),
        ("421905123456", "CZ", true, None),
        ("+420 0777123456", "PL", true, Some("+420777123456")),
    ] {
        let reading = Reading {
            row_names_region: names_region,
            ..Reading::from(region.parse().ok())
        };
        let rejected = PhoneNumber::parse(text, reading).unwrap_err();
        assert_eq!(
            rejected.suggestion.as_deref(),
            expected,
            "{text:?} {region}"
        );
    }
}

#[test]
fn international_numbers_need_no_plus_where_that_is_said() {
    let answer = |text: &str, region: Option<&str>| {
        let reading = Reading {
            region: region.map(|code| code.parse().unwrap()),
            row_names_region: false,
            international: true,
        };
        match PhoneNumber::parse(text, reading) {
            Ok(parsed) => parsed.phone.e164(),
            Err(rejected) => format!(
                "no: {}, {}",
                rejected.problem.code(),
                rejected.suggestion.unwrap_or_default()
            ),
        }
    };
    for (text, region, expected) in [
        ("420777123456", None, "+420777123456"),
        ("48 602 333 444", Some("CZ"), "+48602333444"),
        ("4915112345678", Some("CZ"), "+4915112345678"),
        ("420777123456", Some("CZ"), "+420777123456"),
        ("+420777123456", None, "+420777123456"),
        ("00420777123456", None, "+420777123456"),
        ("420 (0) 777 123 456", None, "+420777123456"),
        ("5215512345671", None, "+525512345671"),
        // National numbers stay readable where their country is known.
        ("777123456", Some("CZ"), "+420777123456"),
        ("0151 12345678", Some("DE"), "+4915112345678"),
        ("777123456", None, "no: too_short, "),
        ("0777123456", None, "no: needs_region, "),
        // Prague, or Hanover.
        (
            "33123456789",
            Some("DE"),
            "no: two_readings, +33123456789 or +4933123456789",
        ),
    ] {
        assert_eq!(answer(text, region), expected, "{text:?} {region:?}");
    }
}

#[test]
fn a_mobile_whose_plus_is_lost_is_no_fixed_line_of_its_country() {
    for (text, region, expected) in [
        // A mobile, or a telephone in Leer (0491).
        ("491711234567", "DE", "no: two_readings, +491711234567?"),
        ("4917112345678", "DE", "no: two_readings, +4917112345678?"),
        ("491602345678", "DE", "no: two_readings, +491602345678?"),
        ("4915112345678", "DE", "no: two_readings, +4915112345678?"),
        ("49 171 1234567", "DE", "no: two_readings, +491711234567?"),
        ("(49) 171 1234567", "DE", "no: two_readings, +491711234567?"),
        ("49-171-1234567", "DE", "no: two_readings, +491711234567?"),
        ("38343201234", "XK", "no: two_readings, +38343201234?"),
        // Two fixed lines: neither is likelier.
        (
            "49221123456",
            "DE",
            "no: two_readings, +49221123456 or +4949221123456?",
        ),
        // A zero before it does not say which.
        ("0491711234567", "DE", "no: two_readings, +491711234567?"),
        ("049171 1234567", "DE", "no: two_readings, +491711234567?"),
        ("049 171 1234567", "DE", "no: two_readings, +491711234567?"),
        ("0 49 171 1234567", "DE", "no: two_readings, +491711234567?"),
        (
            "(049) 171-1234567",
            "DE",
            "no: two_readings, +491711234567?",
        ),
        ("04915112345678", "DE", "no: two_readings, +4915112345678?"),
        ("043 664 1234567", "DE", "no: two_readings, +436641234567?"),
        ("0421 905 123 456", "DE", "no: two_readings, +421905123456?"),
        ("038343201234", "XK", "no: two_readings, +38343201234?"),
        // With a plus, or cut behind an area code, it is certain.
        ("+491711234567", "DE", "+491711234567"),
        ("00491711234567", "DE", "+491711234567 (00 read as +)"),
        ("03012345678", "DE", "+493012345678"),
        ("04921 123456", "DE", "+494921123456"),
        ("049 21 123456", "DE", "+494921123456"),
        ("040 42838 1234", "DE", "+4940428381234"),
        ("0421 218 60123", "DE", "+4942121860123"),
        ("04366 123456", "DE", "+494366123456"),
        ("493012345678", "DE", "+493012345678"),
        ("0491 711234567", "DE", "+49491711234567"),
        ("1711234567", "DE", "+491711234567"),
        // Elsewhere there is one reading.
        ("420777123456", "CZ", "+420777123456"),
        ("48602333444", "PL", "+48602333444"),
        ("393331234567", "IT", "+393331234567"),
        ("3931234567", "IT", "+393931234567"),
        ("447911123456", "GB", "+447911123456"),
        ("12015550123", "US", "+12015550123"),
        ("5511912345678", "BR", "+5511912345678"),
    ] {
        assert_eq!(read(text, Some(region)), expected, "{text:?} {region}");
    }
    // What stands behind such a number is not glued to it.
    for text in ["491711234567 89", "491711234567 (2)", "491711234567-12"] {
        let answer = read(text, Some("DE"));
        assert!(answer.starts_with("no: "), "{text:?}: {answer}");
    }
    let international = Reading {
        international: true,
        ..Reading::from("DE".parse().ok())
    };
    let parsed = PhoneNumber::parse("491711234567", international).unwrap();
    assert_eq!(parsed.phone.e164(), "+491711234567");
}

#[test]
fn a_mobile_behind_a_zero_and_its_country_code_reaches_no_fixed_line_anywhere() {
    let mut refused = Vec::new();
    let mut random: u64 = 1;
    for (code, _) in names::NAMES.iter() {
        let region: Region = code.parse().unwrap();
        let calling_code = region.calling_code().unwrap_or(0);
        for length in (7..=11).cycle().take(300) {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let digits = (random >> 20) % 10_u64.pow(length);
            let mobile = format!("{calling_code}{digits:0width$}", width = length as usize);
            let number = mobile.parse().unwrap();
            if engine::line_type(number) != Some(LineType::Mobile) {
                continue;
            }
            match PhoneNumber::parse(&format!("0{mobile}"), Some(region)) {
                Ok(parsed) => assert!(
                    Some(parsed.phone) == PhoneNumber::from_e164(number)
                        || parsed.line_type.may_be_mobile(),
                    "{code} 0{mobile}: {}",
                    parsed.phone.e164()
                ),
                Err(it) if matches!(it.problem, PhoneProblem::TwoReadings { .. }) => {
                    refused.push(*code);
                }
                Err(_) => {}
            }
        }
    }
    assert!(refused.contains(&"DE"), "{refused:?}");
}

#[test]
fn hours_behind_a_slash_and_a_minus_before_a_number_are_refused() {
    for (text, expected) in [
        ("777123456/0800", "no: ambiguous"),
        ("777 123 456 / 8-16", "no: ambiguous"),
        ("777123456 / 2026", "no: ambiguous"),
        ("-777123456", "no: ambiguous, +420777123456?"),
        ("\u{2212}777123456", "no: ambiguous, +420777123456?"),
        // Two numbers, a list's dash, and a slash that ends a cell.
        ("777123456/", "+420777123456"),
        ("- 777123456", "+420777123456"),
        (
            "777123456/777123457",
            "+420777123456 (one of several numbers in the cell taken)",
        ),
    ] {
        assert_eq!(read(text, Some("CZ")), expected, "{text:?}");
    }
}

#[test]
fn two_readings_of_a_slash_are_not_guessed() {
    // A main number with a direct line, as Austrians write it: both are valid.
    let answer = read("+43 1 58858/0", None);
    assert!(
        answer.starts_with("no: ambiguous, +43158858 or +431588580"),
        "{answer}"
    );
}

#[test]
fn a_number_torn_by_a_comma_is_not_taken_for_a_shorter_one() {
    assert_eq!(read("+49 30 1234567, 89", None), "no: ambiguous");
}

#[test]
fn all_numbers_of_a_cell_are_found_in_order() {
    let numbers = PhoneNumber::parse_all("777123456; 212345678 / 777654321", cz()).unwrap();
    let found: Vec<_> = numbers
        .iter()
        .map(|parsed| (parsed.phone.e164(), parsed.line_type))
        .collect();
    assert_eq!(
        found,
        [
            ("+420777123456".to_owned(), LineType::Mobile),
            ("+420212345678".to_owned(), LineType::FixedLine),
            ("+420777654321".to_owned(), LineType::Mobile)
        ]
    );
}

#[test]
fn the_country_and_the_line_type_come_back_from_the_integer() {
    for (e164, code, line) in [
        (420_777_123_456, "CZ", LineType::Mobile),
        (390_612_345_678, "IT", LineType::FixedLine),
        (12_015_550_123, "US", LineType::FixedLineOrMobile),
        (15_062_345_678, "CA", LineType::FixedLineOrMobile),
        (77_710_009_998, "KZ", LineType::Mobile),
        (447_400_123_456, "GB", LineType::Mobile),
        (447_911_123_456, "GG", LineType::Mobile),
    ] {
        let phone = PhoneNumber::from_e164(e164).unwrap();
        assert_eq!(
            phone.region().map(Region::code).as_deref(),
            Some(code),
            "{e164}"
        );
        assert_eq!(phone.line_type(), Some(line), "{e164}");
    }
    assert_eq!(PhoneNumber::from_e164(7).unwrap().region(), None);
}

#[test]
fn a_masked_number_shows_country_and_last_digits_only() {
    assert_eq!(
        PhoneNumber::from_e164(420_777_123_456).unwrap().masked(),
        "+420******456"
    );
}

fn regions() -> impl Strategy<Value = Option<Region>> {
    prop::sample::select(vec![
        None,
        Some("CZ"),
        Some("US"),
        Some("IT"),
        Some("DE"),
        Some("CI"),
        Some("AR"),
    ])
    .prop_map(|code| code.map(|code| code.parse().unwrap()))
}

/// Texts near the border between number and junk, the library's own control words among them.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9]{1,6}",
        "[+]",
        "[ ()./;,#x-]",
        Just(";phone-context=".to_owned()),
        Just(";ext=".to_owned()),
        Just(";isub=".to_owned()),
        Just("tel:".to_owned()),
        Just("E+11".to_owned()),
        "\\PC{1,3}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_what_is_accepted_is_a_number(text in hostile(), region in regions()) {
        if let Ok(numbers) = PhoneNumber::parse_all(&text, region) {
            for parsed in numbers.iter() {
                prop_assert_eq!(PhoneNumber::from_e164(parsed.phone.get()), Some(parsed.phone));
                prop_assert!(parsed.phone.region().is_some());
                prop_assert_eq!(parsed.phone.line_type(), Some(parsed.line_type));
            }
        }
    }

    #[test]
    fn normalising_twice_is_normalising_once(text in hostile(), region in regions()) {
        if let Ok(parsed) = PhoneNumber::parse(&text, region) {
            let again = PhoneNumber::parse(&parsed.phone.e164(), region).unwrap();
            prop_assert_eq!((again.phone, again.line_type), (parsed.phone, parsed.line_type));
            prop_assert!(again.mended.is_none());
        }
    }

    #[test]
    fn punctuation_changes_nothing(digits in "[1-9][0-9]{8}", gaps in prop::collection::vec("[ -]?", 9)) {
        let spaced: String =
            digits.chars().zip(&gaps).flat_map(|(digit, gap)| std::iter::once(digit).chain(gap.chars())).collect();
        let plain = PhoneNumber::parse(&digits, cz());
        prop_assert_eq!(PhoneNumber::parse(&spaced, cz()), plain);
    }
}

#[test]
fn plain_numbers_are_read_as_people_write_them() {
    for (text, region, expected) in [
        (
            "8 067 123 45 67",
            "UA",
            "+380671234567 (old number brought to today's numbering plan)",
        ),
        (
            "80671234567",
            "UA",
            "+380671234567 (old number brought to today's numbering plan)",
        ),
        (
            "8(067)123-45-67",
            "UA",
            "+380671234567 (old number brought to today's numbering plan)",
        ),
        ("8 067 123 45 6", "UA", "no: not_in_use"),
        ("89161234567", "UA", "no: too_long"),
        (
            "602333444!",
            "CZ",
            "+420602333444 (sign behind the number removed)",
        ),
        (
            "602 333 444 *",
            "CZ",
            "+420602333444 (sign behind the number removed)",
        ),
        ("602333444?", "CZ", "no: not_a_number"),
    ] {
        assert_eq!(read(text, Some(region)), expected, "{text:?} {region}");
    }
}

#[test]
fn two_numbers_with_a_dash_or_a_word_between_are_two() {
    let all = |text: &str, region: &str| -> Vec<String> {
        let numbers = PhoneNumber::parse_all(text, region.parse::<Region>().ok());
        let numbers = numbers.map(|it| it.iter().map(|it| it.phone.e164()).collect());
        numbers.unwrap_or_default()
    };
    for (text, region, first, second) in [
        (
            "612345678 - 623456789",
            "ES",
            "+34612345678",
            "+34623456789",
        ),
        (
            "347 1234567 - 348 7654321",
            "IT",
            "+393471234567",
            "+393487654321",
        ),
        (
            "06 12 34 56 78 ou 06 98 76 54 32",
            "FR",
            "+33612345678",
            "+33698765432",
        ),
        (
            "0171/1234567 o. 0172/7654321",
            "DE",
            "+491711234567",
            "+491727654321",
        ),
        (
            "0171 1234567 oder 0172 7654321",
            "DE",
            "+491711234567",
            "+491727654321",
        ),
        (
            "602333444 nebo 603111222",
            "CZ",
            "+420602333444",
            "+420603111222",
        ),
        (
            "602333444 a +420 603 111 222",
            "CZ",
            "+420602333444",
            "+420603111222",
        ),
    ] {
        assert_eq!(all(text, region), [first, second], "{text:?}");
    }
    for (text, region) in [
        ("602333444 nebo 3445", "CZ"),
        ("602333444 - 8", "CZ"),
        ("602333444 - 16", "CZ"),
        ("0664 1234567 - 12345678", "AT"),
        ("0664 1234567 - 0", "AT"),
        ("602333444 Jana 603111222", "CZ"),
        ("602333444 old 603111222", "CZ"),
        ("602333444 nebo Jana 603111222", "CZ"),
        ("602 - 333 - 445 - 1", "CZ"),
    ] {
        assert_eq!(all(text, region), Vec::<String>::new(), "{text:?}");
    }
}
