//! An erased number stands nowhere in the checkpoint.

use super::{ANNA, HELLO, SHOP, Scene, number};

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[test]
fn a_row_that_is_invalid_for_its_content_loses_its_number_too() {
    let mut scene = Scene::new();
    // Anna's name is missing in the one list, and there in the other.
    scene.list("a.csv", &[(2, "Bob"), (3, "Eva"), (ANNA, "")]);
    scene.list("b.csv", &[(ANNA, "Anna")]);
    assert_eq!(scene.send("a", HELLO, "a.csv", &[]), Some(0));
    assert_eq!(scene.send("b", SHOP, "b.csv", &[]), Some(0));
    scene.run(&["forget", &Scene::phone(ANNA), "--yes"]);
    let digits = number(ANNA).to_string();
    for file in ["outreach.db", "outreach.db-wal"] {
        let path = scene.world.folder().join(file);
        let bytes = std::fs::read(path).unwrap_or_default();
        assert!(!holds(&bytes, &digits), "{file} holds the number");
    }
}
