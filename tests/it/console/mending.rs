//! Numbers are mended before the list is a batch, and rows that were mended in a file find their batch.

use crate::support::{ConsoleProcess, Scratch};

/// Two with a suggestion each, one that is too short, one without a number, one that repeats.
const LIST: &str = "phone,first_name\n777000002 Jana,Jana\n777000003 Ota,Ota\n+42077,Iva\n,Petr\n+420777000001,Eva\n";

/// The cells of those who were messaged, as the list has them, and their numbers.
fn messaged(results: &str) -> Vec<(String, String)> {
    let results = results.trim_start_matches('\u{feff}');
    let mut reader = csv::Reader::from_reader(results.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let at = |name: &str| headers.iter().position(|it| it == name).unwrap();
    let (cell, number) = (at("phone"), at("outreach_phone"));
    let status = at("outreach_status");
    let rows = reader.records().map(Result::unwrap);
    let rows = rows.filter(|row| ["sent", "no_messenger"].contains(&&row[status]));
    let text = |cell: &str| cell.trim_start_matches('\'').to_owned();
    rows.map(|row| (text(&row[cell]), text(&row[number])))
        .collect()
}

#[test]
fn numbers_are_mended_before_the_list_is_a_batch_and_it_is_read_with_them() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let list = visitor.drop_list("list.csv", LIST.as_bytes());
    visitor.send(&list, &[("region", "CZ")]).location();
    let page = visitor.page(&list);
    for text in [
        "1 person of 5 rows would be messaged",
        "Nothing of this list is sent as it is",
        "Accept all 2 suggestions",
        "value=\"+420777000002\"",
        "<code>+42077</code>",
        "(empty)",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let mend = format!("{list}/mend");
    assert_eq!(visitor.send(&mend, &[("number.0.4", " ")]).status, 409);
    visitor.send(&mend, &[("all", "letters")]).location();
    let page = visitor.page(&list);
    assert!(
        page.contains("3 people of 5 rows would be messaged"),
        "{page}"
    );
    let typed = [
        ("number.0.4", "777 000 001"),
        ("number.0.5", "12"),
        ("number.0.99", "+420777000005"),
    ];
    visitor.send(&mend, &typed).location();
    let page = visitor.page(&list);
    for text in [
        "2 numbers given. Not understood: &#34;12&#34;",
        "3 people of 5 rows would be messaged",
        "<strong>1</strong> repeat an earlier number",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    visitor.send(&mend, &[("undo", "yes")]).location();
    let page = visitor.page(&list);
    assert!(page.contains("1 person of 5 rows"), "{page}");
    assert!(!page.contains("Take back"), "{page}");
    visitor.send(&mend, &[("all", "letters")]).location();
    visitor
        .send(&mend, &[("number.0.4", "777000004")])
        .location();
    let batch = visitor.prepare(&list, "Hello {{ first_name }}", &[("name", "spring")]);
    let page = visitor.page(&batch);
    assert!(
        page.contains("<strong>4</strong> people have not"),
        "{page}"
    );
    assert!(
        page.contains("mend: numbers typed: 1; suggestions accepted: letters"),
        "{page}"
    );
    visitor
        .send(&format!("{batch}/start"), &[("people", "4")])
        .location();
    visitor.wait_for(&batch, "complete");
    let results = visitor.page(&format!("{batch}/download?what=results"));
    let messaged = messaged(&results);
    for (cell, number) in [
        ("+420777000001", "+420777000001"),
        ("777000002 Jana", "+420777000002"),
        ("777000003 Ota", "+420777000003"),
        ("+42077", "+420777000004"),
    ] {
        let (cell, number) = (cell.to_owned(), number.to_owned());
        let rows = messaged.iter().filter(|row| row.1 == number);
        let rows: Vec<_> = rows.collect();
        assert_eq!(
            rows,
            [&(cell, number)],
            "the list's own cell stays: {results}"
        );
    }
}

#[test]
fn who_refused_beside_the_number_is_not_offered_and_the_cell_stays_in_the_results() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let rows = "phone,first_name\n777000002 STOP,Jana\n777000003 (nevolat),Ota\n777000004 Eva,Eva\n\
                777000005 stary,Ivo\n+43 664 1234567 (2),Ida\n+48 602 333 444 (2),Ola\n+420777000001,Ema\n\
                +420777000006,Ada\n+420777000007,Ela\n+420777000008,Ivo\n+420777000009,Ian\n";
    let list = visitor.drop_list("list.csv", rows.as_bytes());
    visitor.send(&list, &[("region", "CZ")]).location();
    visitor.send(&list, &[("leave_out", "yes")]).location();
    let batch = visitor.prepare(&list, "Hello {{ first_name }}", &[("name", "spring")]);
    let page = visitor.page(&batch);
    assert!(
        page.contains("the cell says that the number must not be"),
        "{page}"
    );
    for number in [
        "+420777000002",
        "+420777000003",
        "+420777000005",
        "+4366412345",
        "+4860",
        "+4862",
    ] {
        assert!(
            !page.contains(&format!("value=\"{number}")),
            "{number}: {page}"
        );
    }
    let mend = format!("{batch}/mend");
    visitor.send(&mend, &[("all", "letters")]).location();
    assert_eq!(visitor.send(&mend, &[("all", "says_no")]).status, 409);
    // A person who knows better types it.
    visitor
        .send(&mend, &[("number.0.2", "777000002")])
        .location();
    let page = visitor.page(&batch);
    assert!(
        page.contains("<strong>7</strong> people have not"),
        "{page}"
    );
    visitor
        .send(&format!("{batch}/start"), &[("people", "7")])
        .location();
    visitor.wait_for(&batch, "complete");
    let results = visitor.page(&format!("{batch}/download?what=results"));
    let messaged = messaged(&results);
    for (cell, number) in [
        ("777000002 STOP", "+420777000002"),
        ("777000004 Eva", "+420777000004"),
    ] {
        let row = (cell.to_owned(), number.to_owned());
        assert!(messaged.contains(&row), "{cell}: {results}");
    }
}

#[test]
fn a_row_that_says_no_stays_out_whatever_number_it_is_given() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let rows = "phone,first_name,consent\n777000002 Jana,Jana,no\n+42077,Iva,no\n+420777000001,Eva,yes\n+420777000004,Ivo,yes\n";
    let list = visitor.drop_list("list.csv", rows.as_bytes());
    visitor.send(&list, &[("region", "CZ")]).location();
    let mend = format!("{list}/mend");
    visitor.send(&mend, &[("all", "letters")]).location();
    // The number of somebody who said yes, in the row of somebody who said no.
    visitor
        .send(&mend, &[("number.0.3", "+420777000004")])
        .location();
    let page = visitor.page(&list);
    assert!(
        page.contains("1 person of 4 rows would be messaged"),
        "{page}"
    );
}

#[test]
fn rows_to_mend_that_come_back_find_their_batch() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let rows = format!("{LIST}+420777000006,Ada\n+420777000007,Ela\n");
    let list = visitor.drop_list("list.csv", rows.as_bytes());
    let page = visitor.page(&list);
    assert!(
        page.contains("Only 3 of 7 rows can be sent") && !page.contains("Write the message"),
        "{page}"
    );
    visitor.send(&list, &[("leave_out", "yes")]).location();
    assert!(visitor.page(&list).contains("Write the message"));
    let batch = visitor.prepare(&list, "Hello {{ first_name }}", &[("name", "spring")]);
    let rejects = visitor.get(&format!("{batch}/download?what=invalid"));
    let head = rejects.header("content-disposition").unwrap();
    assert!(head.contains("spring.sandbox.rejects.csv"), "{head}");
    let rejects = rejects.text();
    assert!(rejects.contains("outreach_mends"), "{rejects}");
    assert_eq!(rejects.lines().count(), 5, "{rejects}");
    let workbook = visitor.get(&format!("{batch}/download?what=invalid&as=xlsx"));
    assert!(workbook.body.starts_with(b"PK"));
    // One of four is mended, one repeats a person of the batch, the others stay.
    let mended = rejects
        .replace("+42077,Iva", "+420777000004,Iva")
        .replace("\n,Petr", "\n+420777000001,Petr");
    let back = visitor.drop_list("list.csv", mended.as_bytes());
    let page = visitor.page(&back);
    assert!(page.contains("These rows mend rows of spring"), "{page}");
    assert!(!page.contains("Write the message"), "{page}");
    let to = visitor.send(&format!("{back}/join"), &[]).location();
    assert_eq!(to, batch);
    let page = visitor.page(&batch);
    for text in [
        "Mended: 1 person can be messaged now.",
        "1 left out",
        "<strong>4</strong> people have not",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert_eq!(visitor.get(&back).status, 404, "the upload is gone");
    // Who says so makes a list of its own of it.
    let workbook = visitor.drop_list("again.xlsx", &workbook.body);
    assert!(
        visitor
            .page(&workbook)
            .contains("These rows mend rows of spring")
    );
    visitor.send(&format!("{workbook}/alone"), &[]).location();
    assert!(!visitor.page(&workbook).contains("These rows mend"));
    // A batch that is not here is told.
    let foreign = mended.replace("spring", "autumn");
    let foreign = visitor.drop_list("list.csv", foreign.as_bytes());
    let page = visitor.page(&foreign);
    assert!(page.contains("batch autumn, which is not here"), "{page}");
    assert_eq!(visitor.send(&format!("{foreign}/join"), &[]).status, 409);
}

#[test]
fn what_becomes_of_hidden_rows_is_asked_before_a_list_is_read() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "phone").unwrap();
    for row in 1..=4_u32 {
        let phone = format!("+{}", crate::support::number(row));
        sheet.write_string(row, 0, phone).unwrap();
    }
    for row in [2, 3] {
        sheet.set_row_hidden(row).unwrap();
    }
    let list = visitor.drop_list("list.xlsx", &book.save_to_buffer().unwrap());
    let page = visitor.wait_for(&list, "hidden in the sheet");
    for text in [
        "2 rows are hidden in the sheet, as by a filter",
        "No, leave them out",
        "Yes, read them like the others",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("would be messaged"), "{page}");
    // Nothing goes past the question.
    let fields = [("message", "Hello")];
    visitor.send(&format!("{list}/message"), &fields).location();
    let begun = visitor.send(&format!("{list}/prepare"), &[("name", "spring")]);
    assert_eq!(begun.status, 409, "{}", begun.text());
    visitor.send(&list, &[("hidden_rows", "skip")]).location();
    let page = visitor.wait_for(&list, "2 people of 2 rows would be messaged");
    assert!(page.contains("Rows that are hidden in the sheet"), "{page}");
    visitor.send(&list, &[("hidden_rows", "send")]).location();
    visitor.wait_for(&list, "4 people of 4 rows would be messaged");
    let batch = visitor.prepare(&list, "Hello", &[("name", "spring")]);
    let page = visitor.page(&batch);
    assert!(page.contains("<strong>4</strong> people"), "{page}");
}

#[test]
fn a_number_for_a_row_that_is_another_one_by_now_says_that_the_page_is_old() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let rows = "phone,first_name\n+420777000001,Eva\n+420777000002,Jan\n+420777000003,Ola\n12,Ivo\n34,Ada\n";
    let list = visitor.drop_list("list.csv", rows.as_bytes());
    visitor.send(&list, &[("leave_out", "yes")]).location();
    let batch = visitor.prepare(&list, "Hello {{ first_name }}", &[("name", "spring")]);
    let mend = format!("{batch}/mend");
    // Mistyped: the number is in the list already. The row is still there, and is mended again.
    visitor
        .send(&mend, &[("number.0.5", "+420777000001")])
        .location();
    let page = visitor.page(&batch);
    assert!(page.contains("name=\"number.0.5\""), "{page}");
    visitor
        .send(&mend, &[("number.0.5", "+420777000005")])
        .location();
    let page = visitor.page(&batch);
    assert!(
        page.contains("Mended: 1 person can be messaged now."),
        "{page}"
    );
    assert!(!page.contains("name=\"number.0.5\""), "{page}");
    // The same field of a page that was loaded before that.
    visitor
        .send(&mend, &[("number.0.5", "+420777000006")])
        .location();
    let page = visitor.page(&batch);
    assert!(
        page.contains("1 number not taken: the page was older than the list"),
        "{page}"
    );
    assert!(!page.contains("None of these rows"), "{page}");
}
