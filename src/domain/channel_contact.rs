//! A contact on its channel, as a suppression list has it that is taken from one checkpoint to another: of people who asked
//! not to be messaged, and whose number is not known.

use std::fmt;
use std::str::FromStr;

/// The column of a suppression list with the contacts whose number is not known.
pub(crate) const CHANNEL_CONTACT: &str = "channel_contact";

/// What stands before the contact's id. With these words a spreadsheet takes neither id for a number, and rounds none.
const CONTACT: &str = "contact ";

/// What stands before the channel's id.
const CHANNEL: &str = " on channel ";

/// A contact by the ids of the API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ChannelContact {
    /// The channel's id; empty where an event named none.
    pub(crate) channel: String,
    /// The contact's id on it.
    pub(crate) contact_id: String,
}

impl fmt::Display for ChannelContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{CONTACT}{}", self.contact_id)?;
        match self.channel.as_str() {
            "" => Ok(()),
            channel => write!(f, "{CHANNEL}{channel}"),
        }
    }
}

/// A text names no contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoChannelContact;

impl FromStr for ChannelContact {
    type Err = NoChannelContact;

    fn from_str(text: &str) -> Result<Self, NoChannelContact> {
        let ids = text.strip_prefix(CONTACT).ok_or(NoChannelContact)?;
        let (contact_id, channel) = ids.rsplit_once(CHANNEL).unwrap_or((ids, ""));
        if contact_id.trim().is_empty() {
            return Err(NoChannelContact);
        }
        Ok(Self {
            channel: channel.to_owned(),
            contact_id: contact_id.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_read_as_it_was_written_and_nothing_else_is_one() {
        for (channel, contact_id) in [("7001", "4600000000000000001"), ("", "12"), ("a-b", "x y")] {
            let contact = ChannelContact {
                channel: channel.to_owned(),
                contact_id: contact_id.to_owned(),
            };
            assert_eq!(contact.to_string().parse(), Ok(contact));
        }
        for none in [
            "",
            "contact ",
            "contact  on channel 7",
            "+420777123456",
            "7001",
        ] {
            let read = none.parse::<ChannelContact>();
            assert_eq!(read, Err(NoChannelContact), "{none}");
        }
    }
}
