//! Text that others wrote never becomes markup.

use crate::support::{ConsoleProcess, Scratch};

/// Would be seen as an element, or would end the attribute that it stands in.
const MARKUP: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";

#[track_caller]
fn expect_text(page: &str) {
    let page = page.replace("<script src=\"/static/console.js\" defer></script>", "");
    for markup in ["<script", "<img", "onerror=alert(2)>"] {
        assert!(!page.contains(markup), "{page}");
    }
}

#[test]
fn markup_in_cells_names_messages_and_reasons_is_text_on_every_page() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let cell = MARKUP.replace('"', "\"\"");
    let rows = format!(
        "phone,\"name {cell}\",\"note {cell}\"\n+420777000001,\"{cell}\",x\n\"+42 {cell}\",Jan,y\n+420777000001,\"{cell}\",z\n"
    );
    let list = visitor.drop_list(&format!("list {MARKUP}.csv"), rows.as_bytes());
    let mut seen = vec![visitor.page(&list), visitor.page("/")];
    let message = format!("Hello {MARKUP}");
    let preview = format!("{list}/preview");
    seen.push(visitor.send(&preview, &[("message", &message)]).text());
    let unknown = format!("Hello {{{{ row['{MARKUP}'] }}}}");
    visitor.send(&format!("{list}/message"), &[("message", &unknown)]);
    seen.push(visitor.page(&format!("{list}/message")));
    let bad = visitor.send(&format!("{list}/prepare"), &[("name", MARKUP)]);
    assert_eq!(bad.status, 409);
    seen.push(bad.text());
    let batch = visitor.prepare(&list, &message, &[("purpose", MARKUP)]);
    seen.push(visitor.page(&batch));
    seen.push(
        visitor
            .send(&format!("{batch}/start"), &[("people", MARKUP)])
            .text(),
    );
    visitor
        .send(&format!("{batch}/start"), &[("people", "1")])
        .location();
    seen.push(visitor.wait_for(&batch, "complete"));
    seen.push(visitor.page(&format!("{batch}/report")));
    let mended = visitor.send(&format!("{batch}/mend"), &[("number.0.3", MARKUP)]);
    assert_eq!(mended.status, 303);
    seen.push(visitor.page(&batch));
    let number = ("number", "+420777000001");
    visitor
        .send("/people/suppress", &[number, ("reason", MARKUP)])
        .location();
    seen.push(visitor.page("/people?number=%2B420777000001"));
    seen.push(visitor.page("/suppression"));
    let query = "%22%27%3E%3Cscript%3Ealert(1)%3C/script%3E%3Cimg%20src=x%20onerror=alert(2)%3E";
    seen.push(visitor.page(&format!("/people?number={query}")));
    seen.push(visitor.page(&format!("/suppression?q={query}")));
    seen.push(visitor.get(&format!("/rehearsals/{query}")).text());
    seen.push(visitor.page("/health"));
    for page in seen {
        expect_text(&page);
    }
    let results = visitor.get(&format!("{batch}/download"));
    let name = results.header("content-disposition").unwrap();
    assert!(
        !name.contains('<') && name.starts_with("attachment; "),
        "{name}"
    );
    let other = visitor.drop_list(&format!("other {MARKUP}.csv"), b"a,b\nx,y\n");
    expect_text(&visitor.page(&other));
}

#[test]
fn two_files_in_one_upload_are_told_and_neither_is_kept() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let both = "phone\n+420777000001\n\r\n--edge\r\nContent-Disposition: form-data; name=\"file\"; \
                filename=\"b.csv\"\r\n\r\nphone\n+420777000002\n";
    for path in ["/lists", "/suppression/import"] {
        let refused = visitor.upload(path, &visitor.token(), "a.csv", both.as_bytes());
        assert_eq!(refused.status, 400, "{path}: {}", refused.text());
        let text = refused.text();
        assert!(text.contains("a.csv and b.csv came together"), "{text}");
    }
    assert!(
        visitor
            .page("/suppression")
            .contains("Nobody is on the list")
    );
    let uploads = std::fs::read_dir(scratch.path("sandbox.db-uploads")).unwrap();
    assert_eq!(uploads.count(), 0, "nothing is kept");
}

#[test]
fn another_number_than_that_of_the_people_starts_nothing() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let list = visitor.drop_list("list.csv", b"phone\n+420777000001\n+420777000002\n");
    let batch = visitor.prepare(&list, "Hello", &[("name", "spring")]);
    let start = format!("{batch}/start");
    for typed in ["-2", "+2", "2.0", "2?", "0x2", "two", "2-", "", "02", "-"] {
        let refused = visitor.send(&start, &[("people", typed)]);
        assert_eq!(refused.status, 409, "{typed}");
        assert!(refused.text().contains("Nothing was sent"), "{typed}");
    }
    visitor.send(&start, &[("people", " 2 ")]).location();
}
