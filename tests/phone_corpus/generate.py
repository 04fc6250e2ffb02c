#!/usr/bin/env python3
"""Writes corpus.tsv.gz: texts of phone cells with the answers of Google's libphonenumber.

    python3 -m venv venv && venv/bin/pip install phonenumbers==9.0.42
    venv/bin/python generate.py

The version is that of the metadata in the engine (rlibphonenumber 2.2.15 carries 9.0.42). The texts come
from a fixed seed, so that the same version writes the same file:

  1. for every region and every line type an example number, and neighbours with other last digits,
     in the formats E.164, international, national (with the region given), RFC 3966 and as bare digits;
  2. the same with the damage of real files: 00 for the plus, (0), spaces of all kinds, full-width and
     Arabic-Indic digits, dots, slashes, brackets, one digit lost, one too many, two swapped;
  3. texts that are no numbers, extensions, vanity numbers, several numbers in a cell.

Columns: text (with \\t, \\n and \\\\ escaped), region or -, E.164 or - if not valid, line type or -.
The first line holds the version.
"""
import gzip
import random

import phonenumbers as p

TYPES = {
    p.PhoneNumberType.FIXED_LINE: "fixed_line",
    p.PhoneNumberType.MOBILE: "mobile",
    p.PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    p.PhoneNumberType.TOLL_FREE: "toll_free",
    p.PhoneNumberType.PREMIUM_RATE: "premium_rate",
    p.PhoneNumberType.SHARED_COST: "shared_cost",
    p.PhoneNumberType.VOIP: "voip",
    p.PhoneNumberType.PERSONAL_NUMBER: "personal",
    p.PhoneNumberType.PAGER: "pager",
    p.PhoneNumberType.UAN: "uan",
    p.PhoneNumberType.VOICEMAIL: "voicemail",
}
F = p.PhoneNumberFormat
random.seed(20260517)


def answer(text, region):
    try:
        number = p.parse(text, region)
    except p.NumberParseException:
        return "-", "-"
    if not p.is_valid_number(number):
        return "-", "-"
    return p.format_number(number, F.E164), TYPES[p.number_type(number)]


def neighbours(number, count):
    digits = p.national_significant_number(number)
    for _ in range(count):
        keep = random.randint(1, max(1, len(digits) - 2))
        tail = "".join(random.choice("0123456789") for _ in digits[keep:])
        yield "+%d%s%s" % (number.country_code, digits[:keep], tail)


def damaged(text):
    yield text.replace("+", "00", 1)
    yield text.replace(" ", "\u00a0")
    yield text.translate(str.maketrans("0123456789+", "０１２３４５６７８９＋"))
    yield text.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    yield text.replace(" ", ".")
    yield text.replace(" ", "/")
    yield text.replace(" ", "-").replace("--", "-")
    yield text.replace(" ", " (0)", 1)
    at = random.randrange(len(text) - 2) + 2
    yield text[:at] + text[at + 1 :]
    yield text[:at] + random.choice("0123456789") + text[at:]
    yield text[: at - 1] + text[at : at + 1] + text[at - 1 : at] + text[at + 1 :]
    yield "\u200b" + text
    yield "  " + text + " "


def rows():
    for region in sorted(p.SUPPORTED_REGIONS):
        for kind in TYPES:
            example = p.example_number_for_type(region, kind)
            if example is None:
                continue
            e164 = p.format_number(example, F.E164)
            international = p.format_number(example, F.INTERNATIONAL)
            national = p.format_number(example, F.NATIONAL)
            yield e164, None
            yield e164, random.choice(["CZ", "US", "IT", region])
            yield international, None
            yield national, region
            yield national, None
            yield p.national_significant_number(example), region
            yield e164[1:], region
            yield e164[1:], None
            if kind in (p.PhoneNumberType.MOBILE, p.PhoneNumberType.FIXED_LINE):
                for text in neighbours(example, 24):
                    yield text, random.choice([None, None, "CZ", region])
                for text in neighbours(example, 8):
                    yield text[len(str(example.country_code)) + 1 :], region
                for text in damaged(international):
                    yield text, random.choice([None, region])
                yield random.choice(list(damaged(national))), region
            if kind == p.PhoneNumberType.MOBILE:
                yield p.format_number(example, F.RFC3966), None
                yield e164 + " ext. 12", None
                yield e164 + " x3", region
                yield e164 + ".0", region
                yield e164[1:] + ".0", region
                yield e164 + " / " + e164, region
                yield e164 + ";" + e164, region
                yield "'" + e164, region
                yield "tel: " + international, region
    for text in [
        "", " ", "-", "n/a", "none", "112", "911", "150", "0", "00", "+", "+0", "++420777123456", "4.20777E+11",
        "1-800-FLOWERS", "+1 800 GOFEDEX", "jan@example.com", "2026-05-17", "17.5.2026", "12:30", "CZ420777123456",
        "777123456;phone-context=+420", "tel:777123456;phone-context=+420", "tel:+420777123456;isub=1",
        "volat 777123456", "777123456 Jana", "+999123456789", "000000000", "+420000000000", "123456789012345678",
        "1" * 251, "+" + "4" * 40, "(((777)))123456", "777--123--456", "777~123~456", "[777]123456",
    ]:
        for region in [None, "CZ", "US", "DE"]:
            yield text, region


def main():
    seen = set()
    lines = ["# phonenumbers " + p.__version__]
    for text, region in rows():
        if (text, region) in seen:
            continue
        seen.add((text, region))
        escaped = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        lines.append("\t".join([escaped, region or "-", *answer(text, region)]))
    with open("corpus.tsv.gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(("\n".join(lines) + "\n").encode())
    print(len(lines) - 1, "texts")


if __name__ == "__main__":
    main()
