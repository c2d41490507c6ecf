#include "http/head_scanner.hpp"

#include <gtest/gtest.h>

#include <string>

namespace deltadrop::http {
namespace {

constexpr HeadScanner::Limits kLimits{200, 4};

/// Feeds the head in two parts, cut at `cut`. Returns "whole N" (bytes), "more" or the type of the error.
std::string scan(std::string_view head, std::size_t cut) {
  HeadScanner scanner(kLimits);
  for (const auto size : {cut, head.size()}) {
    const auto fed = scanner.feed(head.substr(0, size));
    if (fed.has_error()) return fed.error().type;
    if (fed.value()) return "whole " + std::to_string(*fed.value());
  }
  return "more";
}

struct Case {
  std::string name;
  std::string head;
  std::string expected;
};

class Heads : public testing::TestWithParam<Case> {};

TEST_P(Heads, GiveTheSameResultForAnyCut) {
  for (std::size_t cut = 0; cut <= GetParam().head.size(); ++cut) {
    EXPECT_EQ(scan(GetParam().head, cut), GetParam().expected) << "cut at " << cut;
  }
}

const std::string kGet = "GET / HTTP/1.1\r\n";

INSTANTIATE_TEST_SUITE_P(
    Cases, Heads,
    testing::Values(
        Case{"Whole", kGet + "Host: x\r\n\r\n", "whole 27"}, Case{"NoFields", kGet + "\r\n", "whole 18"},
        Case{"EmptyLineBefore", "\r\n" + kGet + "\r\n", "whole 18"},
        Case{"BlankBefore", " " + kGet + "\r\n", "bad-request"},
        Case{"TwoEmptyLinesBefore", "\r\n\r\n" + kGet + "\r\n", "bad-request"},
        Case{"TabInAValue", kGet + "A: b\tc\r\n\r\n", "whole 26"},
        Case{"EmptyValue", kGet + "A:\r\n\r\n", "whole 22"}, Case{"NotYet", kGet + "Host: x\r\n", "more"},
        Case{"BareLf", kGet + "A: b\nC: d\r\n\r\n", "bad-request"},
        Case{"BareCr", kGet + "A: b\rC: d\r\n\r\n", "bad-request"},
        Case{"BareCrBeforeALine", kGet + "A: b\r?C: d\r\n\r\n", "bad-request"},
        Case{"CrCrLf", kGet + "A: b\r\r\n\r\n", "bad-request"},
        Case{"Nul", kGet + std::string("A: b\0\r\n\r\n", 9), "bad-request"},
        Case{"Delete", kGet + "A: b\x7f\r\n\r\n", "bad-request"},
        Case{"TabInTheRequestLine", "GET\t/ HTTP/1.1\r\n\r\n", "bad-request"},
        Case{"Folded", kGet + "A: b\r\n c\r\n\r\n", "bad-request"},
        Case{"FoldedByTab", kGet + "A: b\r\n\tc\r\n\r\n", "bad-request"},
        Case{"BlankBeforeColon", kGet + "A : b\r\n\r\n", "bad-request"},
        Case{"NoColon", kGet + "A\r\n\r\n", "bad-request"},
        Case{"NoName", kGet + ": b\r\n\r\n", "bad-request"},
        Case{"StrangeName", kGet + "A(: b\r\n\r\n", "bad-request"},
        Case{"StrangeFirstCharacter", kGet + "(A: b\r\n\r\n", "bad-request"},
        Case{"FourFields", kGet + "A: a\r\nB: b\r\nC: c\r\nD: d\r\n\r\n", "whole 42"},
        Case{"FiveFields", kGet + "A: a\r\nB: b\r\nC: c\r\nD: d\r\nE: e\r\n\r\n", "header-too-large"},
        Case{"TooLong", kGet + "A: " + std::string(200, 'a') + "\r\n\r\n", "header-too-large"}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace deltadrop::http
