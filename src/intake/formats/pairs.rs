//! Lists of a name and its value, as shops and CRMs write the fields of a contact that they do not know:
//! `[{"key": "sms_optin", "value": "no"}]` is the column `sms_optin`.

use serde_json::{Map, Value};

use crate::intake::consent::names_ways;
use crate::intake::words::{
    JSON_BESIDE_PAIR, JSON_NAME, JSON_STATE, JSON_VALUE, JSON_WAY, List, words,
};

/// A longer name is a text.
const LONGEST_NAME: usize = 200;

/// The members of such a list by their names, or `None` if it is something else. Where one name has two values, both count.
pub(super) fn members(items: &[Value]) -> Option<Vec<(String, Value)>> {
    let mut members: Vec<(String, Value)> = Vec::new();
    for item in items {
        let item = item.as_object()?;
        let of_way = || pair(item, JSON_WAY, JSON_STATE).filter(|(way, _, _)| names_ways(way));
        let (name, at, value) = pair(item, JSON_NAME, JSON_VALUE).or_else(of_way)?;
        let others = item.iter().filter(|(key, _)| {
            let folded = words(key);
            !at.contains(&key.as_str()) && !JSON_BESIDE_PAIR.has(&folded)
        });
        let others: Vec<(String, Value)> = others
            .map(|(key, value)| (format!("{name}.{key}"), value.clone()))
            .collect();
        add(&mut members, name, value.clone());
        members.extend(others);
    }
    (!members.is_empty()).then_some(members)
}

/// The name, the keys of both, and the value.
fn pair(
    item: &Map<String, Value>,
    names: List,
    values: List,
) -> Option<(String, [&str; 2], &Value)> {
    let found = |list: List| {
        let known = item.iter();
        let known = known.filter_map(|(key, value)| Some((list.place(&words(key))?, key, value)));
        known.min_by_key(|(place, _, _)| *place)
    };
    let (_, name_key, name) = found(names)?;
    let is_value = |(key, _): &(&String, &Value)| *key != name_key;
    let known = item.iter().filter(is_value);
    let known = known.filter_map(|(key, value)| Some((values.place(&words(key))?, key, value)));
    let (_, value_key, value) = known.min_by_key(|(place, _, _)| *place)?;
    let name = name_of(name)?;
    Some((name, [name_key.as_str(), value_key.as_str()], value))
}

/// The name of a field, or of the object that describes it.
fn name_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Object(field) => {
            let mut names = field.iter().filter(|(key, _)| JSON_NAME.has(&words(key)));
            names.find_map(|(_, value)| value.as_str())?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    let text = text.trim();
    (!text.is_empty() && text.len() <= LONGEST_NAME).then(|| text.to_owned())
}

fn add(members: &mut Vec<(String, Value)>, name: String, value: Value) {
    match members.iter_mut().find(|(known, _)| *known == name) {
        Some((_, Value::Array(values))) => values.push(value),
        Some((_, known)) => *known = Value::Array(vec![known.take(), value]),
        None => members.push((name, value)),
    }
}
