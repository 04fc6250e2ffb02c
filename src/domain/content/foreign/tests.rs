//! What is refused as a placeholder of another program, and what is a text for people.

use super::super::{ContentError, ContentSource, Template};
use crate::domain::word_list::tests::check;

fn compile(message: &str, columns: &[&str]) -> Result<Template, ContentError> {
    let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    Template::compile(&ContentSource::message(message), &columns)
}

const COLUMNS: [&str; 6] = [
    "Phone",
    "First Name",
    "Jméno",
    "order_id",
    "Email",
    "Price (CZK)",
];

#[test]
fn a_column_in_the_signs_of_another_program_is_refused_with_what_to_write() {
    for found in [
        "{first_name}",
        "{ first_name }",
        "{First Name}",
        "{FIRST_NAME}",
        "{FirstName}",
        "{first-name}",
        "{$first_name}",
        "{!Contact.FirstName}",
        "{contact.first_name}",
        "{first_name|there}",
        "{first_name: x}",
        "{ {first_name} }",
        "${first_name}",
        "#{first_name}",
        "%{first_name}",
        "@{first_name}",
        "｛first_name｝",
        "[First Name]",
        "[first_name]",
        "[[First Name]]",
        "[FIRSTNAME]",
        "[%first_name%]",
        "［First Name］",
        "<first_name>",
        "<First Name>",
        "<<first_name>>",
        "<<First Name>>",
        "<%= first_name %>",
        "<% first_name %>",
        "«First_Name»",
        "«First Name»",
        "%first_name%",
        "%FIRSTNAME%",
        "%First Name%",
        "%%first_name%%",
        "%%First Name%%",
        "%(first_name)s",
        "*|FIRST_NAME|*",
        "*|First Name|*",
        "$first_name",
        "$FirstName",
        "$first_name$",
        "##First Name##",
        "##first_name##",
        "#first_name#",
        "@@First Name@@",
        "@first_name",
        ":first_name",
        ":first_name:",
        "((First Name))",
        "(first_name)",
        "||First Name||",
        "|first_name|",
        "__first_name__",
        "-first_name-",
        "~first_name~",
        "{first_name",
        "first_name}",
        "[first_name}",
        "<first_name",
    ] {
        for message in [
            format!("Hello {found}, hi"),
            format!("{found} {{{{ order_id }}}}"),
            format!("Ahoj {found}"),
        ] {
            let error = compile(&message, &COLUMNS)
                .map(|_| ())
                .unwrap_err()
                .to_string();
            let told = "write `{{ first_name }}` for the column \"First Name\"";
            assert!(
                error.contains(told) && error.contains("as it stands"),
                "{message}: {error}"
            );
        }
    }
    let error = compile("Dobrý den [jmeno]", &COLUMNS).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the template in message has `[jmeno]`, which would be sent as it stands: write `{{ jméno }}` for the \
         column \"Jméno\", or `{{ \"[jmeno]\" }}` for these very signs"
    );
}

#[test]
fn what_looks_like_a_field_is_refused_where_no_column_is_called_so() {
    for found in [
        "{name}",
        "{0}",
        "{voucher code}",
        "{user.nick}",
        "[Last Name]",
        "[Name]",
        "[Příjmení]",
        "[last_name]",
        "<last_name>",
        "<Name>",
        "<<Name>>",
        "%last_name%",
        "%NAME%",
        "%%anything%%",
        "*|FNAME|*",
        "*|LIST:X|*",
        "${x}",
        "«Last_Name»",
        "«Name»",
        "$lastname$",
        "##Name##",
        "}}",
        "%}",
        "#}",
        "%s",
        "%(name)s",
        "{}",
    ] {
        let message = format!("Hello {found}.");
        let error = compile(&message, &COLUMNS)
            .map(|_| message.clone())
            .unwrap_err();
        assert!(
            matches!(error, ContentError::ForeignPlaceholder { .. }),
            "{message}: {error}"
        );
    }
}

#[test]
fn such_signs_can_be_sent_by_saying_so() {
    for message in [
        "Hello {{ \"{first_name}\" }}",
        "Hello {{ '[First Name]' }} {{ order_id }}",
        "Hello {% raw %}{first_name} }} %s{% endraw %}!",
        "Hello {# {first_name} #}",
        "Hello {{ \"}} {first_name} \\\" }}\" }}",
        "Hello {{ first_name | default(\"{first_name}\") }}",
    ] {
        assert!(compile(message, &COLUMNS).is_ok(), "{message}");
    }
}

#[test]
fn texts_for_people_are_no_placeholders() {
    for message in [
        "Hello {{ first_name }}, your order {{order_id}} costs ${{ row[\"Price (CZK)\"] }}.",
        "50% off, 20 % on Friday, 100%!",
        "Call us [reklama] (Brno) <3 :) {-: \\o/ 5 < 6 > 4",
        "see https://example.com/?order_id={{ order_id }}&email={{ email }}#order_id",
        "see https://example.com/a_b/%20c%20/first_name/x",
        "https://example.com/{{ order_id }}?x[]=1&y=%7B%7D",
        "Email: {{ email }}, phone: +420 777 100 001 | 8-16 h | Brno",
        "<b>Hello</b> *bold* _it_ ~no~ **x** «Dobrý den» \"name\"",
        "Sleva 20%, Email 30% nebo $5 a $10, [1] [x] [ ] {…} {-}",
        "Napište STOP na @outreach #leto :-) a_b",
        "{\"action\":\"buy\",\"id\":3}",
        "Price: 100 CZK (Email or Phone)",
    ] {
        let error = compile(message, &COLUMNS).map(|_| ());
        assert!(error.is_ok(), "{message}: {}", error.unwrap_err());
    }
}

#[test]
fn every_text_of_a_content_is_looked_at() {
    let content = serde_json::json!({
        "type": "text", "payload": "Hi", "quick_replies": [{ "type": "text", "title": "[First Name]", "payload": "x" }],
    });
    let columns = ["First Name".to_owned()];
    let error = Template::compile(&ContentSource::json(content), &columns).unwrap_err();
    assert!(
        matches!(error, ContentError::ForeignPlaceholder { .. }),
        "{error}"
    );
    let mut source = ContentSource::message("Hi");
    source
        .metadata
        .push(("campaign".to_owned(), "{first_name}".to_owned()));
    let error = Template::compile(&source, &columns).unwrap_err();
    assert!(
        matches!(error, ContentError::ForeignPlaceholder { .. }),
        "{error}"
    );
}

#[test]
fn a_column_is_refused_in_the_signs_of_more_programs() {
    for found in [
        "#FirstName#",
        "#FirstName",
        "#firstname",
        "@FirstName",
        "@FIRSTNAME",
        "@First Name",
        "#First Name#",
        ":FirstName",
        ":First Name",
        ":FirstName:",
        "::FirstName::",
        "%FirstName",
        "%First Name",
        "%contact.FirstName%",
        "$FirstName",
        "<<FirstName>>",
        "*|FirstName|*",
        "~FirstName~",
        "~FirstName",
        "^FirstName^",
        "|FirstName|",
        "!FirstName!",
        "*FirstName*",
        "*first_name*",
        "-FirstName-",
        "_FirstName_",
        "(FirstName)",
        "&FirstName",
        "=FirstName",
        "\\FirstName",
        "??FirstName",
        "{FirstName}",
        "{FirstName",
        "<?= $FirstName ?>",
        "[*FirstName*]",
        "(@FirstName)",
    ] {
        for message in [
            format!("Hello {found}, hi"),
            format!("{found} {{{{ order_id }}}}"),
            format!("Ahoj {found}"),
        ] {
            let error = compile(&message, &COLUMNS).map(|_| message.clone());
            let error = error.unwrap_err().to_string();
            let told = "write `{{ first_name }}` for the column \"First Name\", or `{{ \"";
            assert!(error.contains(told), "{message}: {error}");
        }
    }
    for found in [
        "#jmeno",
        "@Jmeno",
        ":Jméno",
        "#Jméno#",
        ":jméno:",
        "|Jméno|",
        "%Jméno",
        "{Jméno",
        "__jmeno__",
    ] {
        let error = compile(&format!("Ahoj {found}!"), &COLUMNS).map(|_| found);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("for the column \"Jméno\""),
            "{found}: {error}"
        );
    }
}

#[test]
fn what_is_closed_like_a_merge_tag_is_refused_where_no_column_is_called_so() {
    for found in [
        "#LastName#",
        "#Name#",
        "@LastName@",
        ":LastName:",
        ":last_name:",
        "|LastName|",
        "^LastName^",
        "!LastName!",
        "~LastName~",
        "*LNAME*",
        "*last_name*",
        "*|LNAME|*",
        "#OrderDate#",
        "%OrderDate%",
        "[OrderDate]",
        "<<LastName>>",
        "<?name?>",
        "{LastName}",
    ] {
        let message = format!("Hello {found}.");
        let error = compile(&message, &["Phone", "City"]).map(|_| message.clone());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("for these very signs"), "{message}: {error}");
    }
}

#[test]
fn one_sign_before_a_word_that_is_no_column_is_a_text() {
    for message in [
        "Napište na info@email.cz nebo @LastName, #LastName, :LastName, ~LastName, %LastName",
        "#leto #zima#jaro @firma #1 #2 a#b#c 12:30:00 8:00-16:00",
        "Sleva $5, 5 $, 10%, $ 100, €20, 5% Email",
        "*Email:* {{ email }}, *Email* ~Email~ _Email_ (Email) \"Email\" 'Email' -Email: x",
        "Kontakt:Email: x, Email/Phone, Jméno&Email, Email: :-) :D :P ;) =)",
        "Napište na *iPhone* nebo (WhatsApp) a *FaceBook* :smile:",
        "Objednávka č. #{{ order_id }}, @{{ email }}, :{{ jméno }}:",
        "Hi ~{{ first_name }}~ *{{ first_name }}* #{{ first_name }}#",
    ] {
        let error = compile(message, &COLUMNS).map(|_| ());
        assert!(error.is_ok(), "{message}: {}", error.unwrap_err());
    }
    // A name that is one word of a text too, as the list has it.
    let columns = ["WhatsApp", "D", "1", "E-mail"];
    for message in [
        "Napište na *WhatsApp* (WhatsApp) ~WhatsApp~",
        "Ahoj :D #1 (email) *e-mail*",
    ] {
        assert!(compile(message, &columns).is_ok(), "{message}");
    }
}

#[test]
fn what_programs_call_their_fields_is_written_as_it_is_compared() {
    let fields = include_str!("../fields.txt");
    check(
        fields,
        include_str!("../foreign.rs"),
        crate::domain::fold::header,
    );
}
