//! Small files that claim to be huge, or unpack to gigabytes, are refused before they fill the memory.

use std::io::Write as _;
use std::path::Path;

use outreach::internals::intake::{Input, IntakeError, Settings, Source};
use zip::write::SimpleFileOptions;

/// Writes a ZIP archive of these files.
fn pack(path: &Path, files: &[(&str, &[&[u8]])]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, pieces) in files {
        archive.start_file(*name, options).unwrap();
        for piece in *pieces {
            archive.write_all(piece).unwrap();
        }
    }
    archive.finish().unwrap();
}

/// What is said of a file that consists of these.
fn refusal(name: &str, files: &[(&str, &[&[u8]])]) -> IntakeError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    pack(&path, files);
    match Input::open(&[Source::Path(path)], &Settings::default()) {
        Ok(_) => panic!("{name} was read"),
        Err(error) => error,
    }
}

const WORKBOOK: &[u8] = br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const ROOT: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const RELATIONS: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const SHEET: &[u8] = br#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>+420777123456</t></is></c></row>"#;
const SHEET_END: &[u8] = b"</sheetData></worksheet>";

fn xlsx(rows: &[&[u8]], strings: &[u8]) -> IntakeError {
    let mut sheet = vec![SHEET];
    sheet.extend(rows);
    sheet.push(SHEET_END);
    refusal(
        "list.xlsx",
        &[
            ("_rels/.rels", &[ROOT]),
            ("xl/workbook.xml", &[WORKBOOK]),
            ("xl/_rels/workbook.xml.rels", &[RELATIONS]),
            ("xl/sharedStrings.xml", &[strings]),
            ("xl/worksheets/sheet1.xml", &sheet),
        ],
    )
}

#[test]
fn an_error_that_the_reader_does_not_know_is_about_its_cell_alone() {
    let row = |row: u32, phone: &str, note: &str| {
        let phone = format!("<c r=\"A{row}\" t=\"inlineStr\"><is><t>{phone}</t></is></c>");
        format!("<row r=\"{row}\">{phone}{note}</row>")
    };
    let error = |cell: &str, text: &str| format!("<c r=\"{cell}\" t=\"e\"><v>{text}</v></c>");
    let consent = "<c r=\"B1\" t=\"inlineStr\"><is><t>Consent</t></is></c>";
    let rows = [
        row(1, "phone", consent),
        row(2, "+420602333441", &error("B2", "#SPILL!")),
        row(3, "+420602333442", &error("B3", "#N/A")),
        row(4, "+420602333443", ""),
        format!("<row r=\"5\">{}</row>", error("A5", "#CALC!")),
    ];
    let sheet = String::from_utf8_lossy(SHEET);
    let begin = sheet.split("<row").next().unwrap();
    let rows = rows.concat();
    let scratch = crate::support::Scratch::new();
    let path = scratch.path("list.xlsx");
    let files = [
        ("_rels/.rels", &[ROOT][..]),
        ("xl/workbook.xml", &[WORKBOOK]),
        ("xl/_rels/workbook.xml.rels", &[RELATIONS]),
        ("xl/sharedStrings.xml", &[NO_STRINGS]),
        (
            "xl/worksheets/sheet1.xml",
            &[begin.as_bytes(), rows.as_bytes(), SHEET_END],
        ),
    ];
    pack(&path, &files);
    let settings = Settings {
        min_valid: "0%".parse().unwrap(),
        ..Settings::default()
    };
    let (_, rows, _) = crate::exports::judge_file(&path, &settings).unwrap();
    let got: Vec<String> = rows.iter().map(crate::exports::verdict).collect();
    let held = "which is not understood as consent";
    let expected = [held, held, "+420602333443", "invalid"];
    assert!(
        got.len() == 4
            && got
                .iter()
                .zip(expected)
                .all(|(got, part)| got.contains(part)),
        "{got:#?}"
    );
}

const NO_STRINGS: &[u8] =
    br#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="0" uniqueCount="0"></sst>"#;

#[test]
fn a_cell_at_the_far_corner_of_a_sheet_is_refused() {
    let far = br#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#;
    let error = xlsx(&[far], NO_STRINGS);
    assert!(matches!(error, IntakeError::TooLarge { .. }), "{error}");
    let told = error.to_string();
    assert!(
        told.contains("row 1048576 and across 16384 columns"),
        "{told}"
    );
}

#[test]
fn a_workbook_that_unpacks_to_much_more_than_its_size_is_refused() {
    let blank = vec![b' '; 1 << 20];
    let error = xlsx(&[&blank[..]; 70], NO_STRINGS);
    assert!(matches!(error, IntakeError::TooLarge { .. }), "{error}");
}

#[test]
fn a_workbook_that_claims_more_texts_than_it_has_is_refused() {
    for count in ["999999999999", "99999999999999999999999"] {
        let strings = format!(
            r#"<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" uniqueCount="{count}"></sst>"#
        );
        let error = xlsx(&[], strings.as_bytes());
        assert!(matches!(error, IntakeError::Broken { .. }), "{error}");
    }
}

#[test]
fn an_old_workbook_that_claims_to_reach_far_is_refused() {
    let mut book = std::fs::read("fixtures/workbook.xls").unwrap();
    let at = book
        .windows(4)
        .position(|record| record == [0x00, 0x02, 14, 0])
        .unwrap();
    // Dimensions: the last row, then the last column.
    book[at + 8..at + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    book[at + 14..at + 16].copy_from_slice(&u16::MAX.to_le_bytes());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&book).unwrap();
    let opened = Input::open(
        &[Source::Path(file.path().to_owned())],
        &Settings::default(),
    );
    let Err(error) = opened else {
        panic!("the workbook was read");
    };
    assert!(matches!(error, IntakeError::TooLarge { .. }), "{error}");
}

#[test]
fn an_open_document_of_repeated_cells_is_refused() {
    let row = r#"<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16000" office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>"#;
    let content = format!(
        r#"<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="A">{row}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    let error = refusal(
        "list.ods",
        &[
            (
                "mimetype",
                &[b"application/vnd.oasis.opendocument.spreadsheet"],
            ),
            ("content.xml", &[content.as_bytes()]),
        ],
    );
    assert!(matches!(error, IntakeError::TooLarge { .. }), "{error}");
}

#[test]
fn a_packed_list_that_unpacks_to_much_more_than_its_size_is_refused() {
    let blank = vec![b'\n'; 1 << 20];
    let mut list: Vec<&[u8]> = vec![b"phone\n+420777123456\n"];
    list.extend([&blank[..]; 70]);
    let error = refusal("list.zip", &[("list.csv", &list)]);
    assert!(matches!(error, IntakeError::TooLarge { .. }), "{error}");
}

#[test]
fn cells_far_away_in_xml_html_and_json_are_refused() {
    let xml = r#"<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="A"><Table><Row><Cell><Data ss:Type="String">phone</Data></Cell></Row><Row ss:Index="4000000000"><Cell ss:Index="4000000000"><Data ss:Type="Number">1</Data></Cell></Row></Table></Worksheet></Workbook>"#;
    let row = format!(
        "<tr>{}<td>+420777123456</td></tr>",
        "<td colspan=1000>x</td>".repeat(20)
    );
    let html = format!("<table><tr><th>phone</th></tr>{row}</table>");
    let names: Vec<String> = (0..20_000).map(|at| format!("\"n{at}\":1")).collect();
    let json = format!("[{{{}}}]", names.join(","));
    let long = format!("[{{\"phone\":\"{}\"}}]", "7".repeat(2 << 20));
    for text in [xml, &html, &json, &long] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let opened = Input::open(
            &[Source::Path(file.path().to_owned())],
            &Settings::default(),
        );
        let Err(error) = opened else {
            panic!("{} was read", &text[..40]);
        };
        assert!(matches!(error, IntakeError::TooLarge { .. }), "{error}");
    }
}
