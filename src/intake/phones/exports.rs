//! The headers of programs whose exports are known.

/// The export of a program whose headers are known.
pub(super) struct Export {
    pub(super) name: &'static str,
    /// Headers, folded, of which each must be there.
    pub(super) signs: &'static [&'static str],
    /// Headers, folded, of which one must be there.
    pub(super) one_of: &'static [&'static str],
    /// Its phone columns, the mobile first. Those of other people (assistant, company) are not among them.
    pub(super) phones: &'static [&'static str],
    /// Those of them that hold numbers with their country code and no plus.
    pub(super) international: &'static [&'static str],
}

/// The exports whose columns are known, as their programs write them.
pub(super) const EXPORTS: [Export; 9] = [
    Export {
        name: "RapidPro",
        signs: &[],
        one_of: &["urn tel", "urn whatsapp"],
        phones: &["urn tel", "urn whatsapp"],
        international: &["urn whatsapp"],
    },
    Export {
        name: "Brevo",
        signs: &["sms"],
        one_of: &[
            "email",
            "double opt in",
            "ext id",
            "whatsapp",
            "landline number",
        ],
        phones: &["sms", "whatsapp", "landline number"],
        international: &["sms", "whatsapp", "landline number"],
    },
    Export {
        name: "GoHighLevel",
        signs: &["contact id", "phone"],
        one_of: &["last activity", "additional phones", "additional emails"],
        phones: &["phone", "additional phones"],
        international: &[],
    },
    Export {
        name: "WooCommerce",
        signs: &["billing phone"],
        one_of: &[
            "billing country",
            "billing first name",
            "billing email",
            "billing city",
            "shipping phone",
        ],
        phones: &["billing phone"],
        international: &[],
    },
    Export {
        name: "Shopify",
        signs: &["default address phone"],
        one_of: &[
            "phone",
            "accepts sms marketing",
            "accepts email marketing",
            "default address city",
        ],
        phones: &["phone", "default address phone"],
        international: &[],
    },
    Export {
        name: "HubSpot",
        signs: &["record id"],
        one_of: &[
            "phone number",
            "mobile phone number",
            "whatsapp phone number",
        ],
        phones: &[
            "mobile phone number",
            "whatsapp phone number",
            "phone number",
        ],
        international: &[],
    },
    Export {
        name: "Salesforce",
        signs: &["mobile phone", "phone"],
        one_of: &[
            "home phone",
            "other phone",
            "assistant phone",
            "account name",
            "account id",
            "lead source",
            "owner id",
        ],
        phones: &["mobile phone", "phone", "home phone", "other phone"],
        international: &[],
    },
    Export {
        name: "Outlook",
        signs: &["mobile phone"],
        one_of: &[
            "business phone",
            "home phone",
            "company main phone",
            "business fax",
            "home fax",
        ],
        phones: &[
            "mobile phone",
            "primary phone",
            "home phone",
            "home phone 2",
            "business phone",
            "business phone 2",
            "other phone",
            "car phone",
        ],
        international: &[],
    },
    Export {
        name: "iCloud",
        signs: &[],
        one_of: &["phone iphone", "phone mobile", "iphone", "mobile iphone"],
        phones: &[
            "phone iphone",
            "iphone",
            "phone mobile",
            "mobile",
            "mobile phone",
            "phone main",
            "main phone",
            "phone home",
            "home phone",
            "phone work",
            "work phone",
            "phone other",
            "other phone",
            "phone",
        ],
        international: &[],
    },
];
