//! Marks rows and columns of each kind of workbook.

use std::io::Write as _;

use rust_xlsxwriter::Workbook;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::domain::spreadsheet::NOT_CALCULATED;
use crate::intake::formats::marks::Merged;
use crate::intake::formats::{self, Content, DecodeOptions, Kind, ReadNumbers, Table};
use crate::intake::rows::Block;

/// The rows that are read, how many of them are hidden, and the hidden columns.
type Seen = (Vec<u32>, u64, Vec<usize>);

fn read(kind: Kind, bytes: &[u8], skip_hidden: bool) -> Table {
    let how = DecodeOptions {
        encoding: None,
        country: None,
        numbers: ReadNumbers::default(),
        sheet: None,
        skip_hidden,
    };
    match formats::read(kind, bytes, how).unwrap() {
        Content::Table(table, _) => *table,
        Content::Packed(_, name) => panic!("{name} is packed"),
    }
}

fn seen(kind: Kind, bytes: &[u8], skip_hidden: bool) -> Seen {
    let table = read(kind, bytes, skip_hidden);
    let rows = table.blocks.iter().flat_map(Block::iter);
    let rows = rows.map(|(row, _)| row).collect();
    (rows, table.hidden_rows, table.hidden_columns)
}

/// Checks a file whose third and fourth row is hidden, and its second column.
fn hides_third_and_fourth(kind: Kind, bytes: &[u8]) {
    let columns = vec![1];
    assert_eq!(
        seen(kind, bytes, false),
        (vec![1, 2, 3, 4, 5], 2, columns.clone()),
        "{kind}"
    );
    assert_eq!(
        seen(kind, bytes, true),
        (vec![1, 2, 5], 2, columns),
        "{kind}"
    );
}

fn xlsx(change: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for row in 0..5 {
        for column in 0..2 {
            sheet.write_string(row, column, "+420777123456").unwrap();
        }
    }
    change(sheet);
    book.save_to_buffer().unwrap()
}

/// The archive with another text in one of its files.
fn rewritten(bytes: &[u8], name: &str, from: &str, to: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let its_name = file.name().unwrap().to_string();
        let mut text = Vec::new();
        file.read_to_end(&mut text).unwrap();
        if its_name == name {
            let was = String::from_utf8(text).unwrap();
            assert!(was.contains(from), "{was}");
            text = was.replace(from, to).into_bytes();
        }
        writer
            .start_file(its_name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(&text).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn rows_and_columns_of_xlsx_are_hidden_as_such_or_by_their_size() {
    let book = xlsx(|sheet| {
        sheet.set_row_hidden(2).unwrap();
        sheet.set_row_height(3, 7.5).unwrap();
        sheet.set_column_width(1, 7.5).unwrap();
    });
    let sheet = "xl/worksheets/sheet1.xml";
    let book = rewritten(&book, sheet, "ht=\"7.5\"", "ht=\"0\"");
    let columns = rewritten(&book, sheet, "<col min", "<col hidden=\"1\" min");
    hides_third_and_fourth(Kind::Zip, &columns);
    // The name of the relation's space is free.
    let other = rewritten(&columns, "xl/workbook.xml", "xmlns:r=", "xmlns:d3p1=");
    let other = rewritten(&other, "xl/workbook.xml", "r:id=", "d3p1:id=");
    hides_third_and_fourth(Kind::Zip, &other);
}

#[test]
fn a_hidden_row_that_names_the_columns_is_read_where_hidden_rows_are_left_out() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let rows = ["Our list", "phone", "+420777123456", "+420777123457"];
    for (row, text) in (0..).zip(rows) {
        sheet.write_string(row, 0, text).unwrap();
    }
    for row in 0..3 {
        sheet.set_row_hidden(row).unwrap();
    }
    let written = book.save_to_buffer().unwrap();
    assert_eq!(seen(Kind::Zip, &written, true).0, [2, 4]);
    assert_eq!(seen(Kind::Zip, &written, false).0, [1, 2, 3, 4]);

    // Hidden people above all others stay out, and so does a sheet of which nothing is shown.
    let hidden = |rows: &[u32]| {
        xlsx(|sheet| {
            for row in rows {
                sheet.set_row_hidden(*row).unwrap();
            }
        })
    };
    assert_eq!(seen(Kind::Zip, &hidden(&[0, 1]), true).0, [3, 4, 5]);
    assert!(
        seen(Kind::Zip, &hidden(&[0, 1, 2, 3, 4]), true)
            .0
            .is_empty()
    );
}

#[test]
fn rows_with_cells_are_shown_where_all_others_are_hidden() {
    let book = xlsx(|sheet| {
        sheet.hide_unused_rows(true);
    });
    let written = rewritten(
        &book,
        "xl/worksheets/sheet1.xml",
        "zeroHeight",
        "zeroHeight",
    );
    assert_eq!(seen(Kind::Zip, &written, true).1, 0);
}

/// A workbook with the sheets A and B.
fn ods(first: &str, second: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\"><office:body><office:spreadsheet>\
         <table:table table:name=\"A\">{first}</table:table><table:table table:name=\"B\">{second}</table:table>\
         </office:spreadsheet></office:body></office:document-content>"
    );
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let files = [
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", &content),
        ("META-INF/manifest.xml", "<manifest/>"),
    ];
    for (name, text) in files {
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn rows_and_columns_of_ods_are_hidden_by_a_filter_or_by_hand() {
    let cell = "<table:table-cell office:value-type=\"string\"><text:p>+420777123456</text:p></table:table-cell>";
    let row =
        |attribute: &str| format!("<table:table-row {attribute}>{cell}{cell}</table:table-row>");
    for how in ["collapse", "filter"] {
        let hidden = format!("table:visibility=\"{how}\"");
        let repeated = format!("{hidden} table:number-rows-repeated=\"2\"");
        for rows in [[row(&hidden), row(&hidden)].concat(), row(&repeated)] {
            let rows = [row(""), row(""), rows, row("")].concat();
            let columns = format!("<table:table-column/><table:table-column {hidden}/>");
            let book = ods(&format!("{columns}{rows}"), &row(&hidden));
            hides_third_and_fourth(Kind::Zip, &book);
        }
    }
}

#[test]
fn a_number_of_ods_that_shows_its_calling_code_is_read_as_it_is_shown() {
    let cell = |value: &str, shown: &str, more: &str| {
        format!(
            "<table:table-cell office:value-type=\"float\" office:value=\"{value}\" {more}>\
             <office:annotation><text:p>+49</text:p></office:annotation><text:p>{shown}</text:p></table:table-cell>"
        )
    };
    let row =
        |cells: &str, more: &str| format!("<table:table-row {more}>{cells}</table:table-row>");
    let name =
        "<table:table-cell office:value-type=\"string\"><text:p>phone</text:p></table:table-cell>";
    let twice = "table:number-columns-repeated=\"2\"";
    let rows = [
        row(&name.repeat(2), ""),
        row(
            &cell("602333444", "+48 602<text:s/>333 444", twice),
            "table:number-rows-repeated=\"2\"",
        ),
        row(
            &(cell("602333445", "602 333 445", "") + &cell("602333446", "0048602333446", "")),
            "",
        ),
    ];
    let table = read(Kind::Zip, &ods(&rows.concat(), ""), false);
    let rows = table.blocks.iter().flat_map(Block::iter);
    let cells = rows.map(|(_, fields)| {
        let cells = fields.iter().map(String::from_utf8_lossy);
        cells.collect::<Vec<_>>().join("|")
    });
    assert_eq!(
        cells.collect::<Vec<_>>(),
        [
            "phone|phone",
            "+48 602 333 444|+48 602 333 444",
            "+48 602 333 444|+48 602 333 444",
            "602333445|0048602333446"
        ]
    );
}

fn with_stream(mut file: cfb::CompoundFile<Cursor<Vec<u8>>>, stream: &[u8]) -> Vec<u8> {
    let mut whole = file.create_stream("Workbook").unwrap();
    whole.write_all(stream).unwrap();
    drop(whole);
    file.into_inner().into_inner()
}

#[test]
fn rows_and_columns_of_xls_are_hidden_by_their_records() {
    let book = include_bytes!("../../../../fixtures/workbook.xls");
    let mut file = cfb::CompoundFile::open(Cursor::new(book.to_vec())).unwrap();
    let mut stream = Vec::new();
    file.open_stream("Workbook")
        .unwrap()
        .read_to_end(&mut stream)
        .unwrap();
    let shown = seen(Kind::Compound, book, true);
    assert_eq!(shown, (vec![1, 2, 3, 4, 5], 0, Vec::new()));
    // The row of the second person: a Row record of 16 bytes, whose first two are its number from 0.
    let mark = [0x08, 0x02, 16, 0, 2, 0];
    let at = stream.windows(6).position(|it| it == mark).unwrap();
    stream[at + 4 + 12] |= 0x20;
    let book = with_stream(file, &stream);
    let columns = Vec::new();
    assert_eq!(
        seen(Kind::Compound, &book, false),
        (vec![1, 2, 3, 4, 5], 1, columns.clone())
    );
    assert_eq!(
        seen(Kind::Compound, &book, true),
        (vec![1, 2, 4, 5], 1, columns)
    );
}

/// A record of XLSB.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let low = |number: u16| (number & 0x7f) as u8;
    let mut bytes = match kind {
        0..0x80 => vec![low(kind)],
        _ => vec![low(kind) | 0x80, low(kind >> 7)],
    };
    bytes.push(u8::try_from(data.len()).unwrap());
    bytes.extend_from_slice(data);
    bytes
}

fn wide_text(text: &str) -> Vec<u8> {
    let letters: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = u32::try_from(text.len()).unwrap();
    [&length.to_le_bytes()[..], &letters].concat()
}

/// A workbook whose third and fourth row is hidden, and its second column, with these records behind its cells.
fn xlsb(behind: &[u8]) -> Vec<u8> {
    xlsb_with(&|_| Vec::new(), behind)
}

/// The same, with further records in its rows.
fn xlsb_with(of_row: &dyn Fn(u32) -> Vec<u8>, behind: &[u8]) -> Vec<u8> {
    let sheet_name = [
        &[0; 4][..],
        &1_u32.to_le_bytes(),
        &wide_text("rId1"),
        &wide_text("A"),
    ]
    .concat();
    let book = [
        record(131, &[]),
        record(143, &[]),
        record(156, &sheet_name),
        record(144, &[]),
        record(132, &[]),
    ]
    .concat();
    let size = [0_u32, 4, 0, 1].map(u32::to_le_bytes).concat();
    let column = [1_u32, 1, 2560, 0].map(u32::to_le_bytes).concat();
    let mut sheet = [
        record(129, &[]),
        record(148, &size),
        record(390, &[]),
        record(60, &[&column[..], &[1, 0]].concat()),
        record(391, &[]),
        record(145, &[]),
    ]
    .concat();
    for at in 0..5_u32 {
        let flags = if matches!(at, 2 | 3) { 0x10 } else { 0 };
        let row = at.to_le_bytes();
        let head = [&row[..], &[0; 4], &[0x2c, 1], &[0, flags], &[0; 5]].concat();
        sheet.extend(record(0, &head));
        for column in 0..2_u32 {
            let text = wide_text("+420777123456");
            let cell = [&column.to_le_bytes()[..], &[0; 4], &text].concat();
            sheet.extend(record(6, &cell));
        }
        sheet.extend(of_row(at));
    }
    sheet.extend([&record(146, &[]), behind, &record(130, &[])].concat());
    let relations = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship \
                     Id=\"rId1\" Type=\"worksheet\" Target=\"worksheets/sheet1.bin\"/></Relationships>";
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("xl/workbook.bin", &book[..]),
        ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.bin", &sheet),
    ] {
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn rows_and_columns_of_xlsb_are_hidden_by_their_records() {
    hides_third_and_fourth(Kind::Zip, &xlsb(&[]));
}

#[test]
fn errors_of_formulas_and_errors_that_are_not_known_stand_in_their_cells_of_xlsb() {
    const CELL_ERROR: u16 = 3;
    const FORMULA_ERROR: u16 = 11;
    let error = |kind, column: u32, code: u8| {
        let cell = [&column.to_le_bytes()[..], &[0; 4], &[code]].concat();
        record(kind, &cell)
    };
    let book = xlsb_with(
        &|row| match row {
            1 => error(CELL_ERROR, 2, 0x2a),
            2 => error(CELL_ERROR, 2, 0x2c),
            3 => error(FORMULA_ERROR, 3, 0x2a),
            4 => [error(FORMULA_ERROR, 2, 0x17), error(CELL_ERROR, 3, 0x99)].concat(),
            _ => Vec::new(),
        },
        &[],
    );
    let rows = cells(read(Kind::Zip, &book, false));
    let errors = rows.iter().map(|row| row[2..].join("|"));
    let expected = ["#N/A", "#ERROR!", "|#ERROR!", "#ERROR!|#ERROR!"];
    assert_eq!(errors.collect::<Vec<_>>(), expected);
}

#[test]
fn columns_and_sheets_of_workbooks_in_xml_are_hidden() {
    let row = "<Row><Cell><Data ss:Type=\"String\">+420777123456</Data></Cell></Row>".repeat(2);
    let sheet = |name: &str, columns: &str, visible: &str| {
        format!(
            "<Worksheet ss:Name=\"{name}\"><Table>{columns}{row}</Table><WorksheetOptions \
             xmlns=\"urn:schemas-microsoft-com:office:excel\"><Selected/>{visible}</WorksheetOptions></Worksheet>"
        )
    };
    let book = |sheets: &str| {
        let book = format!(
            "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" \
             xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\">{sheets}</Workbook>"
        );
        let wide = "<Cell ss:Index=\"7\"><Data ss:Type=\"String\">x</Data></Cell></Row>";
        read(
            Kind::SpreadsheetMl,
            book.replace("</Row>", wide).as_bytes(),
            false,
        )
    };
    for (columns, hidden) in [
        ("<Column ss:Hidden=\"1\"/>", &[0][..]),
        ("<Column ss:Width=\"50\"/><Column ss:Width=\"0\"/>", &[1]),
        (
            "<Column ss:Index=\"3\" ss:Hidden=\"1\" ss:Span=\"1\"/><Column/><Column ss:Hidden=\"1\"/>",
            &[2, 3, 5],
        ),
        ("<Column ss:AutoFitWidth=\"0\" ss:Width=\"90\"/>", &[]),
    ] {
        let table = book(&sheet("A", columns, ""));
        assert_eq!(table.hidden_columns, hidden, "{columns}");
    }
    for hidden in ["SheetHidden", "SheetVeryHidden"] {
        let visible = format!("<Visible>{hidden}</Visible>");
        let table = book(&(sheet("Old", "", &visible) + &sheet("New", "", "")));
        assert!(table.note.contains("New"), "{}", table.note);
        assert_eq!(table.sheets, ["New"], "{hidden}");
    }
}

#[test]
fn rows_of_workbooks_in_xml_and_html_are_hidden_as_excel_writes_it() {
    let rows = |hidden: &str, row: &str, cell: &str| -> String {
        let data = format!("<{row} HIDDEN>{cell}{cell}</{row}>");
        let row = |hides: bool| data.replace("HIDDEN", if hides { hidden } else { "" });
        [false, false, true, true, false].map(row).concat()
    };
    let xml = rows(
        "ss:Hidden=\"1\"",
        "Row",
        "<Cell><Data ss:Type=\"String\">+420777123456</Data></Cell>",
    );
    let xml = format!(
        "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" \
         xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\"><Worksheet ss:Name=\"A\"><Table>{xml}</Table></Worksheet>\
         </Workbook>"
    );
    let html = rows(
        "height=0 style='mso-height-source:userset; Display: none'",
        "tr",
        "<td>+420777123456</td>",
    );
    let html = format!("<html><body><table>{html}</table></body></html>");
    for (kind, text) in [(Kind::SpreadsheetMl, xml), (Kind::Html, html)] {
        let bytes = text.as_bytes();
        let all = (vec![1, 2, 3, 4, 5], 2, Vec::new());
        assert_eq!(seen(kind, bytes, false), all, "{kind}");
        let shown = (vec![1, 2, 5], 2, Vec::new());
        assert_eq!(seen(kind, bytes, true), shown, "{kind}");
    }
}

/// Checks a file whose first column has the cells 2 to 4 merged, which hold this.
fn merges_second_to_fourth(kind: Kind, bytes: &[u8], text: &str) {
    let merged = Merged {
        rows: (2, 4),
        column: 0,
        text: text.to_owned(),
    };
    assert_eq!(read(kind, bytes, false).merged, [merged], "{kind}");
}

#[test]
fn merged_cells_of_each_kind_of_workbook_are_known() {
    let number = "+420777123456";
    let book = xlsx(|sheet| {
        let plain = rust_xlsxwriter::Format::new();
        sheet.merge_range(1, 0, 3, 1, number, &plain).unwrap();
    });
    merges_second_to_fourth(Kind::Zip, &book, number);
    let cell = |attribute: &str, text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\" {attribute}><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let row = |cells: &str| format!("<table:table-row>{cells}</table:table-row>");
    let spans = "table:number-columns-spanned=\"1\" table:number-rows-spanned=\"3\"";
    let covered = row(&format!("<table:covered-table-cell/>{}", cell("", "x")));
    let rows = [
        row(&cell("table:number-columns-repeated=\"2\"", "phone")),
        row(&(cell(spans, number) + &cell("", "x"))),
        covered.clone(),
        covered,
    ];
    merges_second_to_fourth(Kind::Zip, &ods(&rows.concat(), ""), number);
    let range = [1_u32, 3, 0, 0].map(u32::to_le_bytes).concat();
    let book = xlsb(&record(176, &range));
    merges_second_to_fourth(Kind::Zip, &book, number);
    let book = include_bytes!("../../../../fixtures/workbook.xls");
    let table = read(Kind::Compound, book, false);
    let first = table.blocks[0].iter().nth(1).unwrap().1;
    let first = String::from_utf8(first.get(0).to_vec()).unwrap();
    let mut file = cfb::CompoundFile::open(Cursor::new(book.to_vec())).unwrap();
    let mut stream = Vec::new();
    let whole = file.open_stream("Workbook").unwrap();
    { whole }.read_to_end(&mut stream).unwrap();
    // Before the end of the sheet, which is the last one.
    let end = stream
        .windows(4)
        .rposition(|it| it == [0x0a, 0, 0, 0])
        .unwrap();
    let range = [0xe5_u16, 10, 1, 1, 3, 0, 0].map(u16::to_le_bytes).concat();
    stream.splice(end..end, range);
    merges_second_to_fourth(Kind::Compound, &with_stream(file, &stream), &first);
    let html = format!(
        "<table><tr><td>phone<td>x</tr><tr><td rowspan=3>{number}<td>1</tr><tr><td>2</tr><tr><td>3</tr></table>"
    );
    merges_second_to_fourth(Kind::Html, html.as_bytes(), number);
    let data = |text: &str| format!("<Data ss:Type=\"String\">{text}</Data>");
    let xml = format!(
        "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" \
         xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\"><Worksheet ss:Name=\"A\"><Table><Row><Cell>{}</Cell></Row>\
         <Row><Cell ss:MergeDown=\"2\">{}</Cell></Row></Table></Worksheet></Workbook>",
        data("phone"),
        data(number)
    );
    merges_second_to_fourth(Kind::SpreadsheetMl, xml.as_bytes(), number);
}

/// The cells of a table below its header, with those that are merged.
fn cells(table: Table) -> Vec<Vec<String>> {
    let blocks = formats::fill(table.blocks, &table.merged, 1).unwrap();
    let rows = blocks.iter().flat_map(Block::iter).skip(1);
    let text = |cell: &[u8]| String::from_utf8(cell.to_vec()).unwrap();
    rows.map(|(_, fields)| fields.iter().map(text).collect())
        .collect()
}

#[test]
fn merged_cells_fill_their_rows_below_the_header_whatever_is_hidden() {
    let plain = rust_xlsxwriter::Format::new();
    let book = xlsx(|sheet| {
        sheet.merge_range(0, 1, 1, 1, "both", &plain).unwrap();
        sheet.merge_range(2, 1, 3, 1, "no", &plain).unwrap();
        sheet.set_row_hidden(2).unwrap();
    });
    let number = "+420777123456";
    let rows = |second: &[&str]| -> Vec<Vec<String>> {
        let row = |text: &&str| vec![number.to_owned(), (*text).to_owned()];
        second.iter().map(row).collect()
    };
    let all = cells(read(Kind::Zip, &book, false));
    assert_eq!(all[1..], rows(&["no", "no", number]));
    assert_eq!(all[0], [number]);
    let shown = cells(read(Kind::Zip, &book, true));
    assert_eq!(shown[1..], rows(&["no", number]));
}

#[test]
fn formulas_that_were_not_calculated_are_errors_and_no_empty_cells() {
    let formula = rust_xlsxwriter::Formula::new("=1+1").set_result("2");
    let book = xlsx(|sheet| {
        for row in 1..4 {
            sheet.write_formula(row, 1, formula.clone()).unwrap();
        }
    });
    let path = "xl/worksheets/sheet1.xml";
    let second = |book: &[u8]| -> Vec<String> {
        let cells = cells(read(Kind::Zip, book, false));
        let second = |row: &Vec<String>| row.get(1).cloned().unwrap_or_default();
        cells.iter().take(3).map(second).collect()
    };
    assert_eq!(second(&book), ["2"; 3]);
    for value in ["", "<v></v>", "<v/>", "<v> </v>"] {
        let book = rewritten(&book, path, "<v>2</v>", value);
        assert_eq!(second(&book), [NOT_CALCULATED; 3], "{value}");
    }
    // A text that is empty was calculated.
    let empty = xlsx(|sheet| {
        for row in 1..4 {
            let formula = formula.clone().set_result("x");
            sheet.write_formula(row, 1, formula).unwrap();
        }
    });
    let empty = rewritten(&empty, path, "<v>x</v>", "<v></v>");
    assert_eq!(second(&empty), [""; 3]);
    let formula = |value: &str| format!("<table:table-cell table:formula=\"of:=1+1\" {value}/>");
    let cell =
        "<table:table-cell office:value-type=\"string\"><text:p>x</text:p></table:table-cell>";
    let row = |second: &str| format!("<table:table-row>{cell}{second}</table:table-row>");
    let values = [
        "",
        "office:value-type=\"float\" office:value=\"2\"",
        "office:value-type=\"string\" office:string-value=\"\"",
    ];
    let rows: Vec<String> = values.map(|value| row(&formula(value))).into();
    let book = ods(&format!("{}{}", row(cell), rows.concat()), "");
    assert_eq!(second(&book), [NOT_CALCULATED, "2", ""]);
    let xml = "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" \
               xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\"><Worksheet ss:Name=\"A\"><Table><Row><Cell>\
               <Data ss:Type=\"String\">x</Data></Cell></Row><Row><Cell ss:Formula=\"=1\"/><Cell ss:Formula=\"=1\">\
               <Data ss:Type=\"String\"></Data></Cell><Cell ss:Formula=\"=1\"><Data ss:Type=\"Number\">2</Data></Cell></Row>\
               </Table></Worksheet></Workbook>";
    let rows = cells(read(Kind::SpreadsheetMl, xml.as_bytes(), false));
    assert_eq!(rows, [[NOT_CALCULATED, "", "2"]]);
}
