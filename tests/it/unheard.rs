//! What a list says in forms of its own: boxes to tick, properties of cards, and columns that nobody knows.

use std::io::Write as _;

use crate::heard::NO;
use crate::lists::hold;
use crate::support::Scratch;

#[test]
fn a_box_to_tick_is_an_answer() {
    let row = |phone: &str, cell: &str| format!("<tr><td>{phone}</td><td>{cell}</td></tr>");
    let page = |header: &str, kind: &str| {
        let ticked = format!("<input type={kind} checked>");
        let empty = format!("<input type=\"{kind}\"/>");
        let rows = [
            row("Phone", header),
            row("+420602333441", &ticked),
            row("+420602333442", &empty),
        ];
        format!("<html><body><table>{}</table></body></html>", rows.concat())
    };
    for kind in ["checkbox", "CHECKBOX", "radio"] {
        hold(&[
            (
                "list.html",
                &page("Consent", kind),
                None,
                &["+420602333441", NO],
            ),
            (
                "list.xls",
                &page("Opt-out", kind),
                None,
                &[NO, "+420602333442"],
            ),
        ]);
    }
    // A box that chooses a row says nothing, and the number beside one is read.
    let list = "<table><tr><td><input type=checkbox></td><td>Phone</td></tr><tr><td><input type=checkbox></td>\
                <td><input type=checkbox> +420602333441</td></tr></table>";
    hold(&[("list.html", list, None, &["+420602333441"])]);
}

#[test]
fn what_a_field_of_a_form_or_a_picture_shows_is_the_text_of_its_cell() {
    let page = |header: &str, yes: &str, no: &str| {
        let rows = [
            ("Phone", header),
            ("+420602333441", yes),
            ("+420602333442", no),
        ];
        let rows = rows.map(|(phone, cell)| format!("<tr><td>{phone}</td><td>{cell}</td></tr>"));
        format!("<html><body><table>{}</table></body></html>", rows.concat())
    };
    for (yes, no) in [
        (
            "<select><option selected>ano</option><option>ne</option></select>",
            "<select><option>ano</option><option selected>ne</option></select>",
        ),
        (
            "<select><option>ano<option>ne</select>",
            "<select><option>ano<option selected=\"selected\">ne</select>",
        ),
        (
            "<select><option>ano</option><option>ne</option></select>",
            "<select><option>ne</option><option>ano</option></select>",
        ),
        ("<input value=ano>", "<input type=\"text\" value=\"ne\">"),
        (
            "<input type=hidden value=ne><input value=ano><input type=submit value=ne>",
            "<input type=hidden value=ano><input value=ne>",
        ),
        ("<img src=a.png alt=ano>", "<img src=b.png alt=\"ne\"/>"),
        ("<img alt=x> ano", "<img alt=x> ne"),
        ("<textarea>ano</textarea>", "<textarea>ne</textarea>"),
    ] {
        let list = page("Souhlas", yes, no);
        hold(&[("list.xls", &list, None, &["+420602333441", NO])]);
    }
    // The numbers and the header may stand in such fields, too.
    let list = "<table><tr><td><select><option>Phone<option>x</select></td></tr><tr><td><input value=\"+420602333441\"></td>\
                </tr><tr><td><select><option>+420602333442</td></tr></table>";
    hold(&[("list.html", list, None, &["+420602333441", "+420602333442"])]);
}

#[test]
fn a_picture_that_does_not_say_what_it_stands_for_is_not_understood() {
    let unknown = "which is not understood as consent";
    for (header, picture, verdict) in [
        ("Souhlas", "<img src=no.png>", unknown),
        ("Nevolat", "<img src=tick.png>", unknown),
        ("Souhlas SMS", "<svg><path d=x></svg>", unknown),
        ("Souhlas SMS", "<i class=\"fa fa-times\"></i>", unknown),
        ("Souhlas SMS", "<img src=no.png title=ne>", NO),
        ("Souhlas SMS", "<i class=icon aria-label=ne></i>", NO),
        // Mere decoration, and a picture beside words.
        (
            "Souhlas SMS",
            "<img src=blank.gif alt=\"\">",
            "+420602333442",
        ),
        ("Souhlas SMS", "<img src=tick.png> ano", "+420602333442"),
        ("Xyzzy", "<img src=no.png>", "+420602333442"),
    ] {
        let row = |phone: &str, cell: &str| format!("<tr><td>{phone}</td><td>{cell}</td></tr>");
        let rows = [
            row("Phone<img src=a.png>", header),
            row("<img src=a.png> +420602333441", "<b></b><i></i>"),
            row("+420602333442", picture),
        ];
        let list = format!("<html><body><table>{}</table></body></html>", rows.concat());
        hold(&[("list.xls", &list, None, &["+420602333441", verdict])]);
    }
}

#[test]
fn one_no_does_not_hide_that_a_column_is_not_understood() {
    let list = "Name;Phone;Souhlas SMS\nA;602333441;xyzzy\nB;602333442;ne\nC;602333443;xyzzy\n";
    let not_understood =
        "a column that says who may be messaged is not understood: \"Souhlas SMS\" says \"xyzzy\"";
    hold(&[("list.csv", list, Some("CZ"), &[not_understood])]);
    let list = "Name;Phone;Souhlas SMS\nA;602333441;ne\nB;602333442;ne\nC;602333443;xyzzy\n";
    hold(&[("list.csv", list, Some("CZ"), &[NO, NO, "not understood"])]);
    let list = "Name;Phone;Send Schedule SMS\nA;602333441;Yes\nB;602333442;No\n";
    hold(&[("list.csv", list, Some("CZ"), &["+420602333441", NO])]);
}

#[test]
fn a_refusal_alone_below_a_person_is_not_passed_over() {
    for note in [";;nevolat!", "nechce SMS;;", ";;nekontaktovat"] {
        let list = format!("Jméno;Telefon;Poznámka\nA;602333441;\n{note}\nB;602333442;\n");
        hold(&[(
            "list.csv",
            &list,
            Some("CZ"),
            &["stands there without a number"],
        )]);
    }
}

#[test]
fn what_a_card_says_of_consent_is_heard() {
    let card = |phone: &str, more: &str| {
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nTEL:{phone}\r\n{more}END:VCARD\r\n")
    };
    for (yes, no) in [
        ("X-CONSENT:yes\r\n", "X-CONSENT:no\r\n"),
        ("X-SMS-OPT-IN:1\r\n", "X-SMS-OPT-IN:0\r\n"),
        ("X-PHONETIC-FIRST-NAME:no\r\n", "X-DO-NOT-CONTACT:yes\r\n"),
        ("", "item1.X-GDPR:ne\r\n"),
        ("NICKNAME:Stop\r\n", "DEATHDATE:20200101\r\n"),
        ("X-STATUS:active\r\n", "X-STATUS:Do not call\r\n"),
        ("X-INFO:stop by\r\n", "X-INFO:STOP\r\n"),
        (
            "item1.URL:a.cz\r\nitem1.X-ABLabel:Web\r\n",
            "item1.URL:a.cz\r\nitem1.X-ABLabel:Nevolat\r\n",
        ),
        (
            "item1.X-ABRELATEDNAMES:Petr\r\nitem1.X-ABLabel:_$!<Spouse>!$_\r\n",
            "item2.X-ABLabel:Do not contact\r\nitem2.X-ABDATE:2020-01-01\r\n",
        ),
    ] {
        let cards = [card("+420602333441", yes), card("+420602333442", no)];
        hold(&[("cards.vcf", &cards.concat(), None, &["+420602333441", NO])]);
    }
}

#[test]
fn the_column_whose_cell_refuses_is_named_whatever_it_is_called() {
    let scratch = Scratch::new();
    let list = "Name,Phone,Disposition,Street\nA,602333441,DNC,Brno\nB,602333442,won,Stop\nC,602333443,stop,Zlín\n";
    scratch.write("list.csv", list);
    let check = ["check", "list.csv", "--region", "CZ"];
    let said = scratch.outreach(&check).run().expect(0).out;
    for told in [
        "\"Disposition\" says \"DNC\"",
        "\"Disposition\" says \"stop\"",
    ] {
        assert!(said.contains(told), "{said}");
    }
    assert!(!said.contains("\"Street\" says"), "{said}");
}

#[test]
fn a_column_of_answers_that_nobody_knows_is_told() {
    let scratch = Scratch::new();
    let list = "Name,Phone,Xyzzy,Photo consent,Kids\nA,602333441,ano,no,0\nB,602333442,ne,yes,2\nC,602333443,-,no,1\n";
    scratch.write("list.csv", list);
    let list = ["list.csv", "--region", "CZ"];
    let told = "\"Xyzzy\" says \"no\" for 2 rows to be sent";
    let check = scratch.outreach(&["check"]).with(&list).run().expect(0).out;
    assert!(
        check.contains(told) && check.contains("\"Consent\""),
        "{check}"
    );
    assert_eq!(check.matches("keeps nobody out").count(), 1, "{check}");
    let flags = ["--sandbox", "--yes", "-m", "Hello"];
    let send = scratch.outreach(&["send"]).with(&list).with(&flags).run();
    let said = send.expect(0).said;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(told), "{said}");
    // Where the column is ignored, a person knows it.
    let known = scratch
        .outreach(&["check"])
        .with(&list)
        .with(&["--ignore-consent-column", "Xyzzy"]);
    let said = known.run().expect(0).out;
    assert!(!said.contains(told), "{said}");
}

#[test]
fn a_list_of_refusals_is_known_by_its_name_in_whatever_language_and_form() {
    let list = "Name,Phone\nA,+420602333441\n";
    let refused = "do not want to be messaged";
    for name in [
        "suppression.csv",
        "bajas 2026.csv",
        "Sperrliste Stand 1.1..csv",
        "RET listesi.csv",
        "відмови.csv",
        "SMSOptOuts.csv",
    ] {
        hold(&[(name, list, None, &[refused])]);
        let scratch = Scratch::new();
        scratch.write(name, list);
        let import = scratch.outreach(&["suppress", "import", name]).run();
        import.expect(0);
    }
    for title in [
        "Sperrliste Stand 1.1.",
        "People who opted out",
        "\"Lista osób, które zrezygnowały\"",
    ] {
        let list = format!("{title}\n\nName,Phone\nA,+420602333441\n");
        hold(&[("people.csv", &list, None, &[refused])]);
    }
    for heading in [
        "Abgemeldet:,",
        "Wypisani,",
        "Bajas,",
        "İptal edenler,",
        "Da non contattare,",
        "Nesouhlasí:,",
    ] {
        let list = format!("Name,Phone\nA,+420602333441\n{heading}\nB,+420602333442\n");
        hold(&[("people.csv", &list, None, &["row 3: "])]);
    }
    // Somebody without a number.
    for name in ["Robinson,", "Stop,", "Blok,"] {
        let list = format!("Name,Phone\nA,+420602333441\n{name}\nB,+420602333442\n");
        hold(&[(
            "people.csv",
            &list,
            None,
            &["+420602333441", "empty", "+420602333442"],
        )]);
    }
    let scratch = Scratch::new();
    let mut archive = zip::ZipWriter::new(std::fs::File::create(scratch.path("list.zip")).unwrap());
    archive
        .start_file(
            "lists/Abmeldungen.csv",
            zip::write::SimpleFileOptions::default(),
        )
        .unwrap();
    archive.write_all(list.as_bytes()).unwrap();
    archive.finish().unwrap();
    scratch
        .outreach(&["check", "list.zip"])
        .run()
        .expect(7)
        .says(refused);
}

#[test]
fn what_speaks_for_a_number_and_what_is_no_old_one_keeps_nobody_out() {
    let numbers = [
        "+420602333441",
        "+420602333442",
        "+420602333443",
        "+420602333444",
        "+420602333445",
    ];
    let beside =
        "Phone\n602333441 (m)\n602333442 nové\n602333443 OK\n602333444 ✓\n602333445 (SMS only)\n";
    let [one, two, ..] = numbers;
    hold(&[
        ("beside.csv", beside, Some("CZ"), &numbers),
        (
            "alt.csv",
            "Name,Alt phone\nA,602333441\n",
            Some("CZ"),
            &[one],
        ),
        (
            "town.csv",
            "Name,Old Town phone\nA,602333441\n",
            Some("CZ"),
            &[one],
        ),
        (
            "fax.csv",
            "Name,Telefon/fax,E-mail\nA,602333441,a@b.cz\nB,602333442,\n",
            Some("CZ"),
            &[one, two],
        ),
        (
            "both.csv",
            "Name,Telefon/fax,Mobil\nA,602333441,602333442\n",
            Some("CZ"),
            &[two],
        ),
        (
            "old.csv",
            "Name,Telefon alt\nA,602333441\n",
            Some("CZ"),
            &["Telefon alt"],
        ),
        (
            "calls.csv",
            "Phone\n602333441 calls only\n602333442\n",
            Some("CZ"),
            &["letters", two],
        ),
    ]);
}

#[test]
fn a_list_is_not_sent_past_a_line_that_says_what_its_codes_mean() {
    let refused = "says what a code, a mark or a colour means";
    let (one, two) = ("+420602333441", "+420602333442");
    let list = |above: &str, header: &str, below: &str| {
        format!("{above}Name,Phone,{header}\nA,602333441,1\nB,602333442,0\n{below}")
    };
    for line in [
        "Kód 0 = neposílat",
        "Legenda: 0 = nesouhlasí,,",
        "0,do not contact,",
        "0 = do not contact",
    ] {
        let below = format!("{line}\n");
        hold(&[
            (
                "below.csv",
                &list("", "Kód", &below),
                Some("CZ"),
                &[refused],
            ),
            (
                "apart.csv",
                &list("", "Kód", &format!(",,\n{below}")),
                Some("CZ"),
                &[refused],
            ),
        ]);
    }
    let reversed = "\"0 = souhlasí, 1 = nesouhlasí\"\n";
    let plain = "\"1 = souhlasí, 0 = nesouhlasí\"\n";
    hold(&[
        (
            "title.csv",
            &list("Kód 0 = neposílat,,\n", "Kód", ""),
            Some("CZ"),
            &[refused],
        ),
        (
            "above.csv",
            &list(reversed, "Souhlas", ""),
            Some("CZ"),
            &[refused],
        ),
        (
            "below.csv",
            &list("", "Souhlas", reversed),
            Some("CZ"),
            &[refused],
        ),
        (
            "header.csv",
            &list("", "Kód (0 = neposílat)", ""),
            Some("CZ"),
            &["+420602333441", "no consent"],
        ),
        (
            "as-read.csv",
            &list(plain, "Souhlas", ""),
            Some("CZ"),
            &[one, NO],
        ),
        (
            "people.csv",
            &list("", "Kód", "Eva,,nevolat\nEva,,\n"),
            Some("CZ"),
            &[one, two, "empty", "empty"],
        ),
    ]);
}

#[test]
fn two_numbers_and_short_labels_in_a_cell_are_read() {
    let list = "Name,Phone\nA,721857849 605710515\nB,602333442 (p)\nC,602333443 (w)\nD,602333444 (m)\nE,602333445 6023334\n";
    let numbers = [
        "+420721857849",
        "+420602333442",
        "+420602333443",
        "+420602333444",
        "too many",
    ];
    hold(&[("numbers.csv", list, Some("CZ"), &numbers)]);
}

#[test]
fn a_row_that_is_not_understood_is_told_from_one_that_refuses_whatever_its_words_are() {
    let refusal = "Name,Phone,\"Opt out, which is not understood as consent\"\nA,602333441,x\n";
    let says = "\"Do not contact\" says \"yes\"";
    hold(&[
        ("words.csv", refusal, Some("CZ"), &[NO]),
        (
            "maybe.csv",
            "Name,Phone,SMS consent\nA,602333441,maybe\nB,602333442,perhaps\n",
            Some("CZ"),
            &["is not understood: \"SMS consent\" says \"maybe\""],
        ),
        // A "no" is the reason, where another column is not understood.
        (
            "both.csv",
            "Name,Phone,SMS consent,Do not contact\nA,602333441,maybe,yes\nB,602333442,yes,no\n",
            Some("CZ"),
            &[says, "+420602333442"],
        ),
    ]);
}

/// Shops and CRMs write the fields that they do not know as a list of names and values.
#[test]
fn a_no_in_a_list_of_names_and_values_is_heard() {
    type Field = fn(&str) -> String;
    let list = |of: Field| {
        let person = |(at, answer): (usize, &str)| {
            format!(
                r#"{{"name":"A{at}","phone":"+42060233344{at}",{}}}"#,
                of(answer)
            )
        };
        let people = ["yes", "no", "yes"].into_iter().enumerate().map(person);
        format!("[{}]", people.collect::<Vec<_>>().join(","))
    };
    let lists: [(&str, Field); 8] = [
        ("meta_data.json", |answer| {
            format!(
                r#""meta_data":[{{"id":1,"key":"color","value":"red"}},{{"id":2,"key":"sms_optin","value":"{answer}"}}]"#
            )
        }),
        ("custom_fields.json", |answer| {
            format!(
                r#""custom_fields":[{{"name":"SMS consent","type":"bool","value":"{answer}"}}]"#
            )
        }),
        ("labels.json", |answer| {
            format!(r#""customFields":[{{"label":"Souhlas se SMS","value":"{answer}"}}]"#)
        }),
        ("described.json", |answer| {
            format!(r#""fields":[{{"field":{{"name":"SMS opt-in"}},"value":"{answer}"}}]"#)
        }),
        ("answers.json", |answer| {
            format!(r#""answers":[{{"question":"May we text you?","answer":"{answer}"}}]"#)
        }),
        ("twice.json", |answer| {
            format!(
                r#""fields":[{{"key":"sms_optin","value":"{answer}"}},{{"key":"sms_optin","value":"yes"}}]"#
            )
        }),
        ("subscriptions.json", |answer| {
            let state = if answer == "no" {
                "unsubscribed"
            } else {
                "subscribed"
            };
            format!(
                r#""subscriptions":[{{"channel":"email","status":"unsubscribed"}},{{"channel":"sms","status":"{state}"}}]"#
            )
        }),
        ("channels.json", |answer| {
            let ways = if answer == "no" {
                r#""email""#
            } else {
                r#""sms","email""#
            };
            format!(r#""allowed_channels":[{ways}]"#)
        }),
    ];
    let expected: &[&str] = &["+420602333440", "suppressed, no consent", "+420602333442"];
    let texts = lists.map(|(name, of)| (name, list(of)));
    for (name, text) in &texts {
        hold(&[(*name, text.as_str(), None, expected)]);
    }
    hold(&[
        (
            "none.json",
            r#"[{"phone":"+420602333440","allowed_channels":["sms"]},{"phone":"+420602333441","allowed_channels":[]}]"#,
            None,
            &["+420602333440", "suppressed, no consent"],
        ),
        (
            "phones.json",
            r#"[{"phones":[{"label":"home","value":"+420222333440"},{"label":"mobile","value":"+420602333440"}]}]"#,
            None,
            &["+420602333440"],
        ),
    ]);
}
