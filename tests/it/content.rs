//! The example contents are understood and rendered.

use outreach::internals::domain::content::{ContentSource, Template};
use outreach::internals::domain::recipient::Record;
use serde_json::Value;

#[test]
fn every_example_content_renders_as_json() {
    let columns = ["phone", "First name", "ticket", "date", "order", "shop"].map(str::to_owned);
    let row: Record = ["+420777123456", "Eva \"E\"", "T-1", "2 May", "1001", ""]
        .iter()
        .collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_str().unwrap().ends_with(".content.json") {
            continue;
        }
        let source: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let template = Template::compile(&ContentSource::json(source), &columns).unwrap();
        let rendered = template.render(&row).unwrap();
        let content: Value = serde_json::from_str(&rendered.content).unwrap();
        assert!(!content.to_string().contains("{{"), "{content}");
        seen += 1;
    }
    assert!(seen >= 3, "examples/*.content.json are gone");
}
