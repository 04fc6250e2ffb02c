//! From the user's values to the parts that are written for each row.

use serde_json::{Map, Value, json};

use super::part::{Part, Rule, push_quoted};
use super::problem::{ContentError, Notice, RenderProblem};
use super::source::{ContentSource, OWN_METADATA_KEYS};
use super::tags;
use super::text::{Engine, Text};

/// Turns values into parts.
pub(super) struct Compiler {
    pub(super) engine: Engine,
    pub(super) parts: Vec<Part>,
}

impl Compiler {
    pub(super) fn content(&mut self, body: &Value, root: &str) -> Result<(), ContentError> {
        let Value::Object(object) = body else {
            return Ok(());
        };
        self.object(object, |this, key, value| {
            let place = if root == "message" {
                root.to_owned()
            } else {
                format!("{root}.{key}")
            };
            match (key, value) {
                // `shape` has checked it against the list of types; it is no template.
                ("type", value) => {
                    this.json(&value.to_string());
                    Ok(())
                }
                ("payload", Value::String(text)) => this.text(text, place, Rule::NotBlank),
                ("payload", Value::Object(payload)) => this.object(payload, |this, key, value| {
                    let place = format!("{place}.{key}");
                    match (key, value) {
                        ("url", Value::String(url)) => this.text(url, place, Rule::NotBlank),
                        _ => this.value(value, place),
                    }
                }),
                _ => this.value(value, place),
            }
        })
    }

    pub(super) fn metadata(&mut self, metadata: &Map<String, Value>) -> Result<(), ContentError> {
        self.object(metadata, |this, key, value| {
            let place = format!("metadata.{key}");
            match (key, value) {
                ("tag" | "type", value) => {
                    this.json(&value.to_string());
                    Ok(())
                }
                ("platform_metadata", Value::String(text)) => this.text(text, place, Rule::Short),
                _ => this.value(value, place),
            }
        })
    }

    fn value(&mut self, value: &Value, place: String) -> Result<(), ContentError> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.json(&value.to_string());
                Ok(())
            }
            Value::String(text) => self.text(text, place, Rule::Any),
            Value::Array(items) => {
                self.json("[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.json(",");
                    }
                    self.value(item, format!("{place}[{index}]"))?;
                }
                self.json("]");
                Ok(())
            }
            Value::Object(object) => self.object(object, |this, key, value| {
                this.value(value, format!("{place}.{key}"))
            }),
        }
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        mut member: impl FnMut(&mut Self, &str, &Value) -> Result<(), ContentError>,
    ) -> Result<(), ContentError> {
        self.json("{");
        for (index, (key, value)) in object.iter().enumerate() {
            let mut name = String::from(if index > 0 { "," } else { "" });
            push_quoted(&mut name, key);
            name.push(':');
            self.json(&name);
            member(self, key, value)?;
        }
        self.json("}");
        Ok(())
    }

    fn text(&mut self, source: &str, place: String, rule: Rule) -> Result<(), ContentError> {
        let text = self.engine.compile(source, &place)?;
        self.engine.refuse_foreign(source, &place)?;
        if let Text::Literal(literal) = &text {
            match rule.check(literal, &place) {
                Ok(()) => {}
                Err(RenderProblem::Blank { .. }) if place == "message" => {
                    return Err(ContentError::Empty);
                }
                Err(RenderProblem::Blank { .. }) => {
                    return Err(ContentError::Shape(format!("has an empty `{place}`")));
                }
                Err(problem) => {
                    return Err(ContentError::Metadata {
                        key: place.trim_start_matches("metadata.").to_owned(),
                        reason: problem.to_string(),
                    });
                }
            }
            let mut quoted = String::new();
            push_quoted(&mut quoted, literal);
            self.json(&quoted);
            return Ok(());
        }
        self.parts.push(Part::Text { text, place, rule });
        Ok(())
    }

    /// Appends JSON text, to the last part where that is JSON too.
    fn json(&mut self, json: &str) {
        if let Some(Part::Json(last)) = self.parts.last_mut() {
            last.push_str(json);
        } else {
            self.parts.push(Part::Json(json.to_owned()));
        }
    }
}

/// The metadata object that the user asks for, checked, with the tag in it.
pub(super) fn metadata_of(
    source: &ContentSource,
) -> Result<(Map<String, Value>, Vec<Notice>), ContentError> {
    let mut metadata = Map::new();
    let mut notices = Vec::new();
    if let Some(tag) = &source.tag {
        let (tag, notice) = tags::check(tag)?;
        notices.push(notice);
        metadata.insert("tag".to_owned(), Value::String(tag));
    }
    for (key, template) in &source.metadata {
        let refuse = |reason: &str| ContentError::Metadata {
            key: key.clone(),
            reason: reason.to_owned(),
        };
        match key.as_str() {
            "" => return Err(refuse("the key is empty; write KEY=TEMPLATE")),
            "tag" => return Err(refuse("use --tag for the message tag")),
            key if OWN_METADATA_KEYS.contains(&key) => {
                return Err(refuse(
                    "this key is ours: it finds the row again; choose another",
                ));
            }
            "type" if source.tag.is_some() => return Err(ContentError::TypeAndTag),
            "type" if !matches!(template.as_str(), "response" | "update") => {
                return Err(refuse("must be `response` or `update`"));
            }
            _ => {}
        }
        if metadata
            .insert(key.clone(), Value::String(template.clone()))
            .is_some()
        {
            return Err(refuse("the key is given twice"));
        }
    }
    Ok((metadata, notices))
}

/// JSON with the keys of every object in order.
pub(super) fn canonical(body: &Value, metadata: &Map<String, Value>) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let mut members: Vec<_> = object.iter().collect();
                members.sort_by_key(|(key, _)| *key);
                members
                    .into_iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect()
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    sorted(&json!({ "content": body, "metadata": metadata })).to_string()
}
