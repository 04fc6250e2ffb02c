use proptest::prelude::*;
use serde_json::{Value, json};

use super::no_text::NoText;
use super::part::push_quoted;
use super::text::{Engine, Text};
use super::*;
use crate::domain::recipient::{Record, RowProblem};
use crate::domain::text::is_blank;

fn headers(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn row(cells: &[&str]) -> Record {
    cells.iter().collect()
}

fn compile(message: &str, columns: &[&str]) -> Result<Template, ContentError> {
    Template::compile(&ContentSource::message(message), &headers(columns))
}

/// The text that `message` gives for one row.
fn said(message: &str, columns: &[&str], cells: &[&str]) -> Result<String, RenderProblem> {
    let rendered = compile(message, columns).unwrap().render(&row(cells))?;
    let content: Value = serde_json::from_str(&rendered.content).unwrap();
    assert_eq!(content["type"], "text");
    Ok(content["payload"].as_str().unwrap().to_owned())
}

fn missing(column: &str) -> Result<String, RenderProblem> {
    Err(RenderProblem::MissingValue {
        column: column.to_owned(),
    })
}

#[test]
fn a_template_is_send_and_sync() {
    fn shared<T: Send + Sync>() {}
    shared::<Template>();
}

#[test]
fn headers_become_variable_names_by_the_documented_rule() {
    for (header, name) in [
        ("First Name", "first_name"),
        ("  e-mail / work ", "e_mail_work"),
        ("2nd phone", "_2nd_phone"),
        ("Jméno", "jméno"),
        ("firstName", "firstname"),
        ("###", ""),
        ("İd", "id"),
    ] {
        assert_eq!(names::variable_name(header), name, "{header}");
    }
}

#[test]
fn a_column_is_reached_by_its_name_and_by_its_header() {
    let columns = ["Phone", "First Name"];
    for message in [
        "Hello {{ first_name }}!",
        "Hello {{first_name}}!",
        "Hello {{ row[\"First Name\"] }}!",
        "Hello {{ row['First Name'] }}!",
        "Hello {{ row.first_name }}!",
        "Hello {% if first_name %}{{ first_name }}{% endif %}!",
    ] {
        assert_eq!(
            said(message, &columns, &["1", "Eva"]).unwrap(),
            "Hello Eva!",
            "{message}"
        );
    }
}

#[test]
fn a_column_that_does_not_exist_is_refused_with_the_near_match() {
    for message in [
        "Hello {{ frist_name }}",
        "Hello {{ frist_name | default('you') }}",
        "Hello {% if frist_name %}x{% endif %}",
        "Hello {{ row['frist_name'] }}",
        "Hello {{ row.frist_name }}",
        "Hello {{ row[ \"Frist name\" ] | upper }}",
    ] {
        let error = compile(message, &["phone", "First Name"]).unwrap_err();
        assert!(
            matches!(error, ContentError::UnknownColumn { .. }),
            "{message}: {error}"
        );
        assert!(
            error.to_string().ends_with("did you mean `first_name`?"),
            "{message}: {error}"
        );
    }
}

#[test]
fn a_name_far_from_all_columns_lists_them() {
    let error = compile("{{ zzz }}", &["phone", "City"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the template in message names the column `zzz`, which the file does not have; there are: city, phone"
    );
}

#[test]
fn a_column_called_like_a_word_of_the_language_needs_row() {
    let error = compile("{{ range }}{{ loop }}", &["Loop"]).unwrap_err();
    assert!(error.to_string().contains("write row[\"Loop\"]"), "{error}");
    assert_eq!(
        said("{{ row['True'] }}", &["True"], &["yes"]).unwrap(),
        "yes"
    );
}

#[test]
fn two_headers_of_one_name_are_refused_only_where_the_name_is_used() {
    let columns = ["First Name", "first-name", "city"];
    let error = compile("{{ first_name }}", &columns).unwrap_err();
    assert!(
        matches!(error, ContentError::AmbiguousColumn { .. }),
        "{error}"
    );
    assert_eq!(said("{{ city }}", &columns, &["a", "b", "c"]).unwrap(), "c");
    assert_eq!(
        said("{{ row['first-name'] }}", &columns, &["a", "b", "c"]).unwrap(),
        "b"
    );
}

#[test]
fn a_column_is_reached_by_its_header_in_any_case_and_without_accents() {
    let columns = ["Telefonní číslo", "Křestní jméno", "Příjmení"];
    let cells = ["1", "Eva", "Malá"];
    for (message, text) in [
        ("{{ Příjmení }}", "Malá"),
        ("{{ prijmeni }}", "Malá"),
        ("{{ PRIJMENI }}", "Malá"),
        ("{{ pr\u{30c}i\u{301}jmeni\u{301} }}", "Malá"),
        ("{{ krestni_jmeno }}", "Eva"),
        ("{{ Křestní_jméno | upper }}", "EVA"),
        ("{{ row['krestni jmeno'] }}", "Eva"),
        (
            "{% if telefonni_cislo %}{{ row.prijmeni }}{% endif %}",
            "Malá",
        ),
    ] {
        assert_eq!(
            said(message, &columns, &cells).as_deref(),
            Ok(text),
            "{message}"
        );
    }
}

#[test]
fn a_header_as_it_is_written_goes_before_one_that_is_alike() {
    let columns = ["Jmeno", "Jméno"];
    for (name, cell) in [
        ("jmeno", "a"),
        ("jméno", "b"),
        ("Jmeno", "a"),
        ("Jméno", "b"),
    ] {
        let message = format!("{{{{ {name} }}}}");
        assert_eq!(
            said(&message, &columns, &["a", "b"]).as_deref(),
            Ok(cell),
            "{name}"
        );
    }
    let error = compile("{{ JMENO }}", &columns).unwrap_err();
    assert!(
        matches!(error, ContentError::AmbiguousColumn { .. }),
        "{error}"
    );
}

#[test]
fn what_a_column_was_taken_for_is_a_name_where_no_header_is() {
    let compile = |message: &str, columns: &[&str]| {
        let source = ContentSource::message(message);
        Template::compile_with_roles(&source, &headers(columns), &[("last_name", 1)])
    };
    for name in ["last_name", "Last_Name", "row['last name']"] {
        let message = format!("{{{{ {name} }}}}");
        let template = compile(&message, &["tel", "Příjmení"]).unwrap();
        let rendered = template.render(&row(&["1", "Malá"])).unwrap();
        assert!(rendered.content.contains("Malá"), "{name}");
    }
    let template = compile("{{ last_name }}", &["Last Name", "Příjmení"]).unwrap();
    assert!(template.uses(0) && !template.uses(1));
    assert!(compile("{{ first_name }}", &["tel", "Příjmení"]).is_err());
}

#[test]
fn an_empty_cell_that_the_text_needs_is_a_problem_that_names_the_column() {
    let columns = ["phone", "First Name"];
    for message in [
        "Hello {{ first_name }}",
        "Hello {{ row['First Name'] }}",
        "{{ \"Hello \" ~ first_name }}",
        "Hello {{ first_name | upper }}",
        "Hello {{ first_name | trim }}",
        "Hello {{ [first_name, phone] | join(' ') }}",
        "{% set name = first_name %}Hello {{ name }}",
        "Hello {{ phone | default(first_name) }}{{ first_name }}",
        "Hello {{ first_name[0] }}",
        "{{ 'Hello %s' | format(first_name) }}",
        "Hello {{ first_name.strip }}",
    ] {
        for cell in ["", "   ", "\u{a0}\t", "\u{200b}\u{feff}"] {
            assert_eq!(
                said(message, &columns, &["1", cell]),
                missing("First Name"),
                "{message}"
            );
        }
    }
    assert_eq!(
        said("{{ first_name }}", &columns, &["1"]),
        missing("First Name"),
        "a short row"
    );
}

#[test]
fn a_template_may_say_what_an_empty_cell_gives() {
    let columns = ["phone", "first_name"];
    for message in [
        "Hello {{ first_name | default(\"there\") }}",
        "Hello {{ first_name | d(\"there\") }}",
        "Hello {{ first_name | trim | default(\"there\") }}",
        "Hello {{ first_name or \"there\" }}",
        "Hello {% if first_name %}{{ first_name }}{% else %}there{% endif %}",
        "Hello {% if first_name is defined %}{{ first_name }}{% else %}there{% endif %}",
        "Hello {{ first_name if first_name else \"there\" }}",
        "Hello {{ row.first_name | default(\"there\") }}",
    ] {
        for cell in ["", " "] {
            assert_eq!(
                said(message, &columns, &["1", cell]).unwrap(),
                "Hello there",
                "{message}"
            );
        }
        assert_eq!(
            said(message, &columns, &["1", "Eva"]).unwrap(),
            "Hello Eva",
            "{message}"
        );
    }
}

#[test]
fn a_cell_that_holds_no_text_for_people_is_not_written_into_a_message() {
    let columns = ["phone", "First Name"];
    for (cell, what) in [
        ("#N/A", NoText::Spreadsheet),
        ("NULL", NoText::NoValue),
        ("JiÅ™Ã\u{ad}", NoText::Garbled),
        ("Ji?í", NoText::Garbled),
        ("nezadáno", NoText::NoValue),
        ("[Jméno]", NoText::Placeholder),
        ("jan@novak.cz", NoText::NotAName),
        ("1,2E+05", NoText::NotAName),
    ] {
        for message in [
            "Hello {{ first_name }}",
            "Hello {{ first_name | upper }}",
            "Hello {{ row['First Name'] }}",
        ] {
            let problem = said(message, &columns, &["1", cell]).unwrap_err();
            let column = "First Name".to_owned();
            assert_eq!(problem, RenderProblem::NoText { column, what }, "{message}");
        }
        for message in [
            "Hello {{ first_name | default(\"there\") }}",
            "Hello {% if first_name %}{{ first_name }}{% else %}there{% endif %}",
        ] {
            assert_eq!(
                said(message, &columns, &["1", cell]).unwrap(),
                "Hello there",
                "{message}"
            );
        }
        assert_eq!(
            said("Hello {{ phone }}", &columns, &["1", cell]).unwrap(),
            "Hello 1"
        );
    }
}

#[test]
fn a_blank_message_is_a_problem() {
    assert_eq!(
        compile("  \u{200b}", &["phone"]).unwrap_err(),
        ContentError::Empty
    );
    let problem = said("{% if first_name %}Hi{% endif %} ", &["first_name"], &[""]).unwrap_err();
    assert_eq!(
        problem,
        RenderProblem::Blank {
            place: "message".to_owned()
        }
    );
    assert_eq!(RowProblem::from(problem).code(), "content");
    let link = "{% if name %}https://x.example{% endif %}";
    let image = content(json!({"type": "image", "payload": {"url": link}})).unwrap();
    assert_eq!(
        image.render(&row(&["1", ""])).unwrap_err(),
        RenderProblem::Blank {
            place: "content.payload.url".to_owned()
        }
    );
}

#[test]
fn an_unknown_filter_is_found_also_where_only_a_filled_cell_leads_to_it() {
    for message in [
        "Hello {% if first_name %}{{ first_name | uper }}{% endif %}",
        "Hello {% if not first_name %}{{ phone | uper }}{% endif %}",
    ] {
        let refused = compile(message, &["phone", "first_name"]).unwrap_err();
        assert!(refused.to_string().contains("uper"), "{message}: {refused}");
    }
}

#[test]
fn the_columns_that_a_message_is_made_with_are_known() {
    let columns = ["phone", "first_name", "Last Name"];
    for (message, used) in [
        ("Hello", vec![]),
        ("Hello {{ first_name }}", vec![1]),
        ("Hello {{ first_name | upper }}", vec![1]),
        ("Hello {{ row.first_name | upper }}", vec![1]),
        (
            "{% if last_name %}{{ last_name }}{% endif %}{{ phone }}",
            vec![0, 2],
        ),
        // The key may be any.
        ("Hello {{ row[\"Last Name\"] | upper }}", vec![0, 1, 2]),
    ] {
        let template = compile(message, &columns).unwrap();
        let found: Vec<usize> = (0..3).filter(|column| template.uses(*column)).collect();
        assert_eq!(found, used, "{message}");
    }
}

#[test]
fn what_is_wrong_with_a_template_is_told_before_any_row() {
    for (message, part) in [
        ("Hello {{ phone", "unexpected end"),
        ("Hello {% if phone %}", "unexpected end"),
        ("Hello {{ phone | upcase }}", "upcase"),
        ("{% include 'other.txt' %}", "other.txt"),
        ("{{ phone is purple }}", "purple"),
    ] {
        let error = compile(message, &["phone"]).unwrap_err();
        assert!(
            matches!(error, ContentError::Syntax { .. }),
            "{message}: {error:?}"
        );
        assert!(error.to_string().contains(part), "{message}: {error}");
    }
}

#[test]
fn nothing_is_escaped_for_html_and_newlines_stay() {
    let text = said(
        "{{ a }} & {{ a | upper }}\n",
        &["a"],
        &["<b>\"O'Neil\"</b>"],
    )
    .unwrap();
    assert_eq!(text, "<b>\"O'Neil\"</b> & <B>\"O'NEIL\"</B>\n");
}

fn content(value: Value) -> Result<Template, ContentError> {
    Template::compile(&ContentSource::json(value), &headers(&["phone", "name"]))
}

#[test]
fn every_documented_content_type_is_rendered_string_by_string() {
    for (source, expected) in [
        (
            json!({"type": "image", "payload": {"url": "https://x.example/{{ name }}.png"}}),
            json!({"type": "image", "payload": {"url": "https://x.example/Eva.png"}}),
        ),
        (
            json!({"type": "structure", "payload": [{"title": "Hi {{ name }}", "buttons": [
                {"type": "phone", "title": "Call", "payload": "+{{ phone }}"}]}]}),
            json!({"type": "structure", "payload": [{"title": "Hi Eva", "buttons": [
                {"type": "phone", "title": "Call", "payload": "+1"}]}]}),
        ),
        (
            json!({"type": "text", "payload": "Pick, {{ name }}", "quick_replies": [
                {"type": "text", "title": "Yes", "payload": "{{ name | upper }}"}, {"type": "location"}]}),
            json!({"type": "text", "payload": "Pick, Eva", "quick_replies": [
                {"type": "text", "title": "Yes", "payload": "EVA"}, {"type": "location"}]}),
        ),
        (
            json!({"type": "receipt", "payload": {"order_id": "{{ phone }}", "{{ name }}": null,
                "items": [{"quantity": 2, "price": 1.5, "gift": true}]}}),
            json!({"type": "receipt", "payload": {"order_id": "1", "{{ name }}": null,
                "items": [{"quantity": 2, "price": 1.5, "gift": true}]}}),
        ),
    ] {
        let rendered = content(source)
            .unwrap()
            .render(&row(&["1", "Eva"]))
            .unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&rendered.content).unwrap(),
            expected
        );
        assert_eq!(rendered.metadata, "{}");
    }
}

#[test]
fn contents_of_undocumented_shape_are_refused() {
    for (source, part) in [
        (json!("text"), "must be a JSON object"),
        (json!({"payload": "x"}), "has no `type`"),
        (
            json!({"type": 1, "payload": "x"}),
            "`type` must be a string",
        ),
        (json!({"type": "text"}), "has no `payload`"),
        (
            json!({"type": "text", "payload": {"text": "x"}}),
            "needs a string",
        ),
        (
            json!({"type": "text", "payload": " "}),
            "has an empty `content.payload`",
        ),
        (
            json!({"type": "image", "payload": "https://x.example"}),
            "needs {\"url\"",
        ),
        (
            json!({"type": "imgae", "payload": {"url": "x"}}),
            "did you mean `image`?",
        ),
        (
            json!({"type": "location", "payload": {}}),
            "received but not sent",
        ),
        (
            json!({"type": "structure", "payload": []}),
            "one card or an array",
        ),
        (json!({"type": "structure", "payload": ["x"]}), "each card"),
        (json!({"type": "receipt", "payload": []}), "needs an object"),
        (
            json!({"type": "image", "payload": {"url": 5}}),
            "needs {\"url\"",
        ),
        (
            json!({"type": "text", "payload": "x", "quick_replies": {}}),
            "must be an array",
        ),
    ] {
        let error = content(source.clone()).unwrap_err().to_string();
        assert!(error.contains(part), "{source}: {error}");
    }
}

fn with_metadata(tag: Option<&str>, metadata: &[(&str, &str)]) -> Result<Template, ContentError> {
    let source = ContentSource {
        tag: tag.map(str::to_owned),
        metadata: metadata
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        ..ContentSource::message("Hello")
    };
    Template::compile(&source, &headers(&["phone", "name"]))
}

#[test]
fn tags_are_taken_in_any_case_and_what_became_of_them_is_told() {
    let plain = with_metadata(Some("account_update"), &[]).unwrap();
    assert_eq!(
        plain.render(&row(&["1", "a"])).unwrap().metadata,
        r#"{"tag":"ACCOUNT_UPDATE"}"#
    );
    let told = |tag| {
        let template = with_metadata(Some(tag), &[]).unwrap();
        let notices = template.notices().iter().map(ToString::to_string);
        notices.collect::<Vec<_>>().join(" ")
    };
    assert!(told("account_update").starts_with("the tag ACCOUNT_UPDATE was retired by Facebook"));
    let old = "the tag SHIPPING_UPDATE (Amio sends it as POST_PURCHASE_UPDATE) was retired";
    assert!(told("Shipping_Update").starts_with(old));
    assert!(told("human_agent").contains("a person's own answer within 7 days"));
    let template = with_metadata(None, &[]).unwrap();
    assert!(template.notices().is_empty());
}

#[test]
fn tags_without_a_documented_meaning_are_refused() {
    let near = with_metadata(Some("ACOUNT_UPDATE"), &[])
        .unwrap_err()
        .to_string();
    assert!(near.ends_with("did you mean ACCOUNT_UPDATE?"), "{near}");
    let unmapped = with_metadata(Some("non_promotional_subscription"), &[]).unwrap_err();
    assert_eq!(unmapped, ContentError::UnmappedTag);
}

#[test]
fn metadata_is_rendered_and_its_reserved_keys_are_guarded() {
    let template = with_metadata(
        None,
        &[
            ("campaign", "spring"),
            ("who", "{{ name }}"),
            ("type", "update"),
        ],
    );
    assert_eq!(
        template
            .unwrap()
            .render(&row(&["1", "E\"va"]))
            .unwrap()
            .metadata,
        r#"{"campaign":"spring","who":"E\"va","type":"update"}"#
    );
    for (tag, metadata, part) in [
        (None, &[("outreach_row", "1")][..], "this key is ours"),
        (None, &[("outreach_batch", "1")][..], "this key is ours"),
        (None, &[("tag", "ACCOUNT_UPDATE")][..], "use --tag"),
        (None, &[("type", "promo")][..], "`response` or `update`"),
        (
            Some("ACCOUNT_UPDATE"),
            &[("type", "update")][..],
            "exclude each other",
        ),
        (None, &[("a", "1"), ("a", "2")][..], "given twice"),
        (None, &[("", "1")][..], "the key is empty"),
    ] {
        let error = with_metadata(tag, metadata).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn platform_metadata_is_held_to_its_documented_limit_in_characters() {
    let longest = "ž".repeat(1_000);
    assert!(with_metadata(None, &[("platform_metadata", &longest)]).is_ok());
    assert!(with_metadata(None, &[("platform_metadata", &format!("{longest}x"))]).is_err());
    let template = with_metadata(None, &[("platform_metadata", "{{ name }}")]).unwrap();
    assert!(template.render(&row(&["1", &longest])).is_ok());
    assert_eq!(
        template
            .render(&row(&["1", &format!("{longest}x")]))
            .unwrap_err(),
        RenderProblem::TooLong { found: 1_001 }
    );
}

#[test]
fn the_canonical_text_is_the_same_for_whatever_means_the_same() {
    let message = compile("Hi", &["phone"]).unwrap();
    let other_columns = compile("Hi", &["a", "b"]).unwrap();
    let spelled = content(json!({"payload": "Hi", "type": "text"})).unwrap();
    assert_eq!(message.canonical(), other_columns.canonical());
    assert_eq!(message.canonical(), spelled.canonical());
    assert_ne!(
        message.canonical(),
        compile("Hi!", &["phone"]).unwrap().canonical()
    );
    assert_ne!(
        message.canonical(),
        with_metadata(Some("ACCOUNT_UPDATE"), &[])
            .unwrap()
            .canonical()
    );
}

/// A cell that is not blank and is text.
fn cell() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("blank, or not text", |text| {
        let is_marked = text.contains(|c| matches!(c, '\u{FDD0}'..='\u{FDEF}' | '\u{FFFD}'));
        let is_text = NoText::of(text).is_none() && NoText::of_name(text).is_none();
        !is_blank(text) && !is_marked && is_text
    })
}

/// Texts that are odd between braces.
fn odd_template() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{{",
        "}}",
        "{",
        "}",
        "{%",
        "%}",
        "{#",
        "#}",
        " ",
        "name",
        "First Name",
        "first-name",
        "first_name",
        "row",
        "[",
        "]",
        "\"",
        "'",
        ".",
        "|",
        "upper",
        "uper",
        "default",
        "(",
        ")",
        "if",
        "endif",
        "raw",
        "endraw",
        "x",
        "1",
        "\u{24d0}",
        "\u{b2}",
        "e\u{301}",
        "-",
        "~",
        "@",
        "$",
        "{{ name }}",
        "{{ first_name }}",
        "loop",
        "none",
    ]);
    prop::collection::vec(pieces, 1..9).prop_map(|pieces| pieces.concat())
}

#[test]
fn what_stands_for_a_name_and_is_none_is_refused_with_a_list_and_before_there_is_one() {
    let columns = headers(&["name", "First Name", "first-name", "\u{24d0}"]);
    for (message, told) in [
        (
            "Hi {{{name}}}",
            "write `{{ name }}` in place of `{{{name}}}`",
        ),
        (
            "Hi {{ {name} }}",
            "write `{{ name }}` in place of `{{ {name} }}`",
        ),
        (
            "Hi {{{{name}}}}",
            "write `{{ name }}` in place of `{{{{name}}}}`",
        ),
        (
            "Hi {{ First Name }}",
            "write `{{ first_name }}` in place of `{{ First Name }}`",
        ),
        (
            "Hi {{ $name }}",
            "write `{{ name }}` in place of `{{ $name }}`",
        ),
        (
            "Hi {{ @name }}",
            "write `{{ name }}` in place of `{{ @name }}`",
        ),
        (
            "Hi {{ #name }}",
            "write `{{ name }}` in place of `{{ #name }}`",
        ),
        ("Hi {{ \u{24d0} }}", "cannot be read"),
    ] {
        let source = ContentSource::message(message);
        let before = Template::check(&source).unwrap_err().to_string();
        let with_list = Template::compile(&source, &columns)
            .unwrap_err()
            .to_string();
        assert!(before.contains(told), "{message}: {before}");
        assert_eq!(before, with_list, "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_refused_before_there_is_a_list_is_refused_with_each_list(
        message in odd_template(),
        columns in prop::sample::subsequence(vec!["name", "First Name", "first-name", "x", "\u{24d0}", "loop"], 0..6),
    ) {
        let source = ContentSource::message(&*message);
        if let Err(before) = Template::check(&source) {
            let with_list = Template::compile(&source, &headers(&columns));
            prop_assert!(with_list.is_err(), "{}: {}", message, before);
        }
    }
}

proptest! {
    #[test]
    fn any_cell_gives_valid_json_whose_text_is_the_cell(cell in cell()) {
        prop_assert_eq!(&said("{{ name }}", &["name"], &[&cell]).unwrap(), &cell);
        prop_assert_eq!(&said("{{ row['name'] }}", &["name"], &[&cell]).unwrap(), &cell);
        let template = with_metadata(None, &[("note", "{{ name }}")]).unwrap();
        let rendered = template.render(&row(&["1", &cell])).unwrap();
        let metadata: Value = serde_json::from_str(&rendered.metadata).unwrap();
        prop_assert_eq!(metadata["note"].as_str().unwrap(), &cell);
    }

    #[test]
    fn any_text_at_all_is_quoted_as_json(text in any::<String>()) {
        let mut out = String::new();
        push_quoted(&mut out, &text);
        prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }

    #[test]
    fn simple_templates_say_what_the_engine_says(
        pieces in prop::collection::vec(
            prop_oneof!["[a-z !}\n]{0,6}", Just("{{ a }}".to_owned()), Just("{{b}}".to_owned()), Just("{{\tc d }}".to_owned())],
            0..6,
        ),
        cells in prop::collection::vec(prop_oneof![cell(), Just(String::new())], 2),
    ) {
        let source = pieces.concat();
        let mut engine = Engine::new(&headers(&["a", "b"]), &[]).unwrap();
        let fast = engine.compile(&source, "fast");
        let full = engine.compile_full(&source, "full");
        let (Ok(fast), Ok(full)) = (&fast, &full) else {
            prop_assert_eq!(fast.is_err(), full.is_err(), "{}", source);
            return Ok(());
        };
        prop_assert!(matches!(fast, Text::Literal(_) | Text::Simple(_)));
        let record: Record = cells.iter().collect();
        prop_assert_eq!(engine.render(fast, "p", &record).ok(), engine.render(full, "p", &record).ok());
    }

    #[test]
    fn no_template_text_panics(source in any::<String>(), inner in "[ -~]{0,20}") {
        let columns = ["a", "b"];
        let _ = compile(&source, &columns);
        if let Ok(template) = compile(&format!("x{{{{ {inner} }}}}"), &columns) {
            let _ = template.render(&row(&["1", ""]));
        }
    }
}

/// What becomes of a message for a row with the name `Jana`: its text, or why there is none.
fn outcome(template: &str) -> Result<String, String> {
    let columns = ["first_name".to_owned()];
    let template = Template::compile(&ContentSource::message(template), &columns)
        .map_err(|error| error.to_string())?;
    let row: Record = ["Jana"].into_iter().collect();
    let rendered = template.render(&row);
    rendered
        .map(|rendered| rendered.content)
        .map_err(|error| error.to_string())
}

#[test]
fn a_template_that_works_without_end_is_given_up_soon() {
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{{ first_name }}{% endfor %}{% endfor %}{% endfor %}";
    let doubling = "{% set ns = namespace(s=first_name) %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s | length }}";
    let macros = "{% macro a(n) %}{% if n > 0 %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}x{% endmacro %}{{ a(40) }}{{ first_name }}";
    for template in [
        nested,
        doubling,
        macros,
        "{{ first_name * 999999999 }}",
        "{{ first_name | replace('', first_name * 9999) | replace('', first_name * 9999) }}",
        "{{ first_name | indent(999999999, true) }}",
        "{{ '%999999999s' | format(first_name) }}",
        "{{ range(999999999) | join(first_name) }}",
        "{% for a in range(99999) %}{{ first_name }}{% endfor %}{{ first_name }}",
    ] {
        let refused = outcome(template).unwrap_err();
        assert!(
            refused.contains("far more work") || refused.contains("cannot be filled in"),
            "{template}: {refused}"
        );
    }
    // What depends on the row's values is told by row.
    let by_row = "{% if first_name == 'Jana' %}{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}{% endif %}";
    let refused = outcome(by_row).unwrap_err();
    assert!(refused.contains("with this row's values"), "{refused}");
    let big = format!("{{{{ first_name }}}} {}", "x".repeat(300_000));
    assert!(outcome(&big).unwrap_err().contains("bytes for this row"));
}

#[test]
fn what_the_engine_has_for_itself_is_not_sent() {
    for template in [
        "{{ debug() }}",
        "{{ debug(first_name) }}",
        "{{ row | pprint }}",
        "{{ row }}",
        "{{ range }}",
        "{{ namespace() }}",
        "{{ dict(a=1) }}",
        "{% for x in [1] %}{{ loop }}{{ first_name }}{% endfor %}",
        "{% macro a() %}{% endmacro %}{{ a }}",
    ] {
        let sent = outcome(template);
        assert!(sent.is_err(), "{template}: {sent:?}");
    }
    assert!(outcome("{% for x in [1, 2] %}{{ loop.index }} {{ first_name }}{% endfor %}").is_ok());
}

#[test]
fn a_message_with_the_sign_for_a_lost_letter_is_not_made() {
    let columns = ["phone", "first_name", "note"];
    let lost = Err(RenderProblem::LostLetters {
        column: "first_name".to_owned(),
    });
    let cells = ["1", "Jos\u{fffd}", "b"];
    for message in [
        "Hello {{ first_name }}",
        "Hello {{ first_name | upper }}",
        "{% if first_name %}Hello {{ row.first_name }}{% endif %}",
    ] {
        assert_eq!(said(message, &columns, &cells), lost, "{message}");
    }
    // What is not sent does no harm, and whoever writes the sign means it.
    let unused = ["1", "Jos\u{e9}", "\u{fffd}"];
    let hello = Ok("Hello Jos\u{e9}".to_owned());
    assert_eq!(said("Hello {{ first_name }}", &columns, &unused), hello);
    let sign = Ok("\u{fffd} Jos\u{e9}".to_owned());
    let plain = ["1", "Jos\u{e9}", ""];
    assert_eq!(said("\u{fffd} {{ first_name }}", &columns, &plain), sign);
}
