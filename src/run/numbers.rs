//! Phone numbers that a person typed, as opposed to those of a file: not understood is refused, not noted.

use crate::domain::phone::{PhoneNumber, PhoneProblem, Reading};

/// A text that was typed is not what it should be. It says what to type instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It is no number that could be messaged.
    #[error("{text:?}: {problem}{}{}", remedy(*problem), meant(suggestion.as_deref()))]
    Refused {
        /// What was typed.
        text: String,
        /// Why not.
        problem: PhoneProblem,
        /// What may have been meant.
        suggestion: Option<String>,
    },
    /// A part of it is no number.
    #[error("{0:?}: not all of it is a number; give each number on its own")]
    NotWhole(String),
    /// It holds several, where one is meant.
    #[error("{0:?}: this is more than one phone number; give one")]
    Several(String),
}

fn remedy(problem: PhoneProblem) -> &'static str {
    if problem == PhoneProblem::NeedsRegion {
        "; write it with the plus, or give --region"
    } else {
        ""
    }
}

fn meant(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |text| format!("; did you mean {text}?"))
}

/// All numbers of the texts, of which each may hold several. `reading` says what numbers without a plus are.
///
/// # Errors
/// [`NumberError`] for the first text that is not understood to its end.
pub fn typed_numbers(
    texts: &[String],
    reading: impl Into<Reading>,
) -> Result<Vec<PhoneNumber>, NumberError> {
    let (reading, mut phones) = (reading.into(), Vec::new());
    for text in texts {
        match PhoneNumber::parse_all(text, reading) {
            Ok(numbers) if numbers.is_whole() => {
                phones.extend(numbers.iter().map(|number| number.phone));
            }
            Ok(_) => return Err(NumberError::NotWhole(text.clone())),
            Err(rejected) => {
                return Err(NumberError::Refused {
                    text: text.clone(),
                    problem: rejected.problem,
                    suggestion: rejected.suggestion,
                });
            }
        }
    }
    Ok(phones)
}

/// The one number of a text.
///
/// # Errors
/// As [`typed_numbers`], and if there are several.
pub fn typed_number(text: &str, reading: impl Into<Reading>) -> Result<PhoneNumber, NumberError> {
    let text = text.to_owned();
    match typed_numbers(std::slice::from_ref(&text), reading)?[..] {
        [phone] => Ok(phone),
        _ => Err(NumberError::Several(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phone::Region;

    #[test]
    fn a_typed_number_that_is_refused_says_what_to_type() {
        let region: Option<Region> = "CZ".parse().ok();
        let phone = typed_number("777 123 456", region).unwrap();
        assert_eq!(phone.e164(), "+420777123456");
        let told = |text| {
            typed_number(text, Reading::default())
                .unwrap_err()
                .to_string()
        };
        assert!(told("777123456").ends_with("write it with the plus, or give --region"));
        assert!(
            told("+420777123456, +420777123457").ends_with("more than one phone number; give one")
        );
    }
}
