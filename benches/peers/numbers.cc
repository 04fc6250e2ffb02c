// Google's own library on the numbers that come in on stdin, one a line: prints how many are valid.
// usage: numbers REGION < NUMBERS. Build: c++ -O2 numbers.cc -o numbers -lphonenumber (Debian: libphonenumber-dev).
#include <phonenumbers/phonenumberutil.h>

#include <iostream>
#include <string>

int main(int, char** arguments) {
    using i18n::phonenumbers::PhoneNumber;
    using i18n::phonenumbers::PhoneNumberUtil;
    std::ios::sync_with_stdio(false);
    const auto& util = *PhoneNumberUtil::GetInstance();
    std::string line, e164;
    long valid = 0;
    PhoneNumber number;
    while (std::getline(std::cin, line)) {
        if (util.Parse(line, arguments[1], &number) != PhoneNumberUtil::NO_PARSING_ERROR) continue;
        if (!util.IsValidNumber(number)) continue;
        util.Format(number, PhoneNumberUtil::E164, &e164);
        ++valid;
    }
    std::cout << valid << "\n";
}
