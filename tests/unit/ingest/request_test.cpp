#include "ingest/request.hpp"

#include <gtest/gtest.h>

namespace deltadrop::ingest {
namespace {

UploadRequest request_of(std::string file_name) {
  UploadRequest request;
  request.file_name = std::move(file_name);
  return request;
}

struct NameCase {
  std::string file_name;
  std::optional<std::string> company_id;
  std::optional<std::string> table_name;
  std::string expected;  ///< company/table, or "" where it is refused
};

TEST(Request, TakesTheTableFromFieldsOrFileName) {
  const std::vector<NameCase> cases = {
      {"so-financials.csv", {}, {}, "so-financials/financials"},
      {"so financials.csv.gz", {}, "q1", "so_financials/q1"},
      {"C:\\in\\so financials.csv.gz", {}, "q1", ""},
      {"C:\\in\\so financials.csv.gz", "so", "q1", "so/q1"},
      {"x.csv", "acme", "", "acme/financials"},
      {"../../etc/passwd", {}, {}, ""},
      {"..", {}, {}, ""},
      {"", {}, {}, ""},
      {"x.csv", "../x", {}, ""},
      {"x.csv", std::string("a\0b", 3), {}, ""},
      {"x.csv", {}, "a/b", ""},
  };
  for (const auto& c : cases) {
    auto request = request_of(c.file_name);
    request.company_id = c.company_id;
    request.table_name = c.table_name;
    const auto parsed = parse_request(request);
    ASSERT_EQ(parsed.has_value(), !c.expected.empty()) << c.file_name;
    if (parsed.has_value()) {
      EXPECT_EQ(parsed.value().table.to_string(), c.expected);
    } else {
      EXPECT_EQ(parsed.error().type, "bad-name") << c.file_name;
      EXPECT_FALSE(parsed.error().fix.empty()) << c.file_name;
    }
  }
}

TEST(Request, SanitisesTheFileName) {
  EXPECT_EQ(sanitised_file_name("/a/b\\c.csv"), "c.csv");
  EXPECT_EQ(sanitised_file_name(std::string("a\0b\n\x7F\xFF\xC3\xA9.csv", 12)), "a?b???é.csv");
  EXPECT_EQ(sanitised_file_name(std::string(300, 'x')).size(), 255U);
}

TEST(Request, RefusesFieldsItCannotRead) {
  struct Case {
    std::optional<std::string> UploadRequest::* field;
    std::string value;
    std::string type;
  };
  const std::vector<Case> cases = {
      {&UploadRequest::key, "\"a", "bad-column-list"},
      {&UploadRequest::delimiter, "ab", "bad-delimiter"},
      {&UploadRequest::encoding, "ebcdic", "bad-encoding"},
      {&UploadRequest::effective_at, "soon", "bad-effective-at"},
      {&UploadRequest::types, "a", "bad-types"},
      {&UploadRequest::types, "a:text", "bad-types"},
      {&UploadRequest::types, "a:decimal(3)", "bad-types"},
      {&UploadRequest::types, "a:date,a:date", "bad-types"},
  };
  for (const auto& c : cases) {
    auto request = request_of("x.csv");
    request.*(c.field) = c.value;
    const auto parsed = parse_request(request);
    ASSERT_FALSE(parsed.has_value()) << c.value;
    EXPECT_EQ(parsed.error().type, c.type) << parsed.error().text();
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_input) << c.value;
  }
}

TEST(Request, TypesAreSortedByColumn) {
  EXPECT_EQ(parse_types("revenue:DECIMAL(2),\"a,b:c:date\",id:string").value(),
            R"-({"a,b:c":"date","id":"string","revenue":"decimal(2)"})-");
  EXPECT_EQ(parse_types("").value(), "");
  EXPECT_EQ(parse_types("a:Decimal(2,','),d:date('DD.MM.YYYY')").value(),
            R"-({"a":"decimal(2, ',')","d":"date(DD.MM.YYYY)"})-");
}

UploadRecord remembered() {
  UploadRecord last;
  last.options.key = {"id"};
  last.options.ignore = {"note"};
  last.options.empty = csv::EmptyPolicy::text;
  last.options.delimiter = ';';
  last.options.encoding = csv::Encoding::latin1;
  last.types_json = R"({"id":"string"})";
  return last;
}

TEST(Request, TablesRememberWhatWasSaidOnce) {
  const auto parsed = parse_request(request_of("x.csv")).value();
  UploadRecord last = remembered();
  auto wanted = wanted_options(parsed, &last);
  EXPECT_EQ(wanted.read.key, last.options.key);
  EXPECT_EQ(wanted.read.ignore, last.options.ignore);
  EXPECT_EQ(wanted.read.empty, csv::EmptyPolicy::text);
  EXPECT_EQ(wanted.types_json, last.types_json);
  EXPECT_FALSE(wanted.read.delimiter) << "a delimiter that was found is found again";
  EXPECT_FALSE(wanted.read.encoding);
  last.delimiter_given = true;
  last.encoding_given = csv::Encoding::latin1;
  wanted = wanted_options(parsed, &last);
  EXPECT_EQ(wanted.read.delimiter, ';');
  EXPECT_EQ(wanted.read.encoding, csv::Encoding::latin1);
}

TEST(Request, FieldsBeatWhatIsRemembered) {
  auto request = request_of("x.csv");
  request.key = "a,b";
  request.ignore = "";
  request.empty = "null";
  request.delimiter = "tab";
  request.types = "";
  const UploadRecord last = remembered();
  const auto wanted = wanted_options(parse_request(request).value(), &last);
  EXPECT_EQ(wanted.read.key, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(wanted.read.ignore.empty());
  EXPECT_EQ(wanted.read.empty, csv::EmptyPolicy::null);
  EXPECT_EQ(wanted.read.delimiter, '\t');
  EXPECT_FALSE(wanted.types_json);
}

TEST(Request, AutoTakesBackWhatIsRemembered) {
  UploadRecord last = remembered();
  last.delimiter_given = true;
  last.encoding_given = csv::Encoding::latin1;
  auto request = request_of("x.csv");
  request.delimiter = "auto";
  request.encoding = "AUTO";
  const auto wanted = wanted_options(parse_request(request).value(), &last);
  EXPECT_FALSE(wanted.read.delimiter);
  EXPECT_FALSE(wanted.read.encoding);
}

TEST(Request, IgnoreIsASet) {
  auto request = request_of("x.csv");
  request.ignore = "b,a";
  EXPECT_EQ(parse_request(request).value().ignore, (std::vector<std::string>{"a", "b"}));
}

TEST(Request, EffectiveAtLiesBetweenTheLastVersionAndNow) {
  UploadRecord last;
  last.version = Version(1);
  last.effective_at = Timestamp{1000};
  EXPECT_TRUE(check_effective_at(Timestamp{1001}, Timestamp{2000}, &last).has_value());
  EXPECT_TRUE(check_effective_at(Timestamp{2000}, Timestamp{2000}, &last).has_value());
  EXPECT_TRUE(check_effective_at(Timestamp{1}, Timestamp{2000}, nullptr).has_value());
  EXPECT_FALSE(check_effective_at(Timestamp{2001}, Timestamp{2000}, nullptr).has_value())
      << "a first version";
  for (const std::int64_t ms : {1000, 999, 2001}) {
    const auto checked = check_effective_at(Timestamp{ms}, Timestamp{2000}, &last);
    ASSERT_FALSE(checked.has_value()) << ms;
    EXPECT_EQ(checked.error().type, "bad-effective-at") << ms;
  }
}

TEST(Request, APreconditionIsAboutTheNewestVersionsFile) {
  const TableRef table{"acme", "financials"};
  UploadRecord newest;
  newest.version = Version(2);
  newest.sha256 = Sha256::parse(std::string(64, 'a')).value();
  const FileSet any{true, {}};
  const FileSet same{false, {newest.sha256}};
  const FileSet other{false, {Sha256::parse(std::string(64, 'b')).value()}};
  struct Case {
    Precondition precondition;
    bool over_newest, over_nothing;  ///< whether it is met
  };
  const std::vector<Case> cases = {
      {{}, true, true},
      {{any, {}}, true, false},
      {{same, {}}, true, false},
      {{other, {}}, false, false},
      {{{}, any}, false, true},
      {{{}, same}, false, true},
      {{{}, other}, true, true},
      {{same, other}, true, false},
      {{same, same}, false, false},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto over_newest = check_precondition(cases[i].precondition, table, &newest);
    EXPECT_EQ(over_newest.has_value(), cases[i].over_newest) << i;
    const auto over_nothing = check_precondition(cases[i].precondition, table, nullptr);
    EXPECT_EQ(over_nothing.has_value(), cases[i].over_nothing) << i;
    if (over_newest.has_error()) {
      EXPECT_EQ(over_newest.error().type, "precondition-failed") << i;
    }
  }
}

TEST(Request, WarnsOfTypesForColumnsThatAreNotThere) {
  const auto warnings = unknown_type_columns(R"({"a":"date","b":"date"})", {"a"});
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings.front().find("\"b\""), std::string::npos) << warnings.front();
}

TEST(Request, WarnsOfIgnoredColumnsThatAreNotThere) {
  EXPECT_TRUE(unknown_columns("ignore", {"ts"}, {"id", "ts"}).empty());
  const auto warnings = unknown_columns("ignore", {"TS", "x"}, {"id", "ts"});
  EXPECT_EQ(warnings, (std::vector<std::string>{
                          R"(ignore names the column "TS", which the file does not have; it has "ts")",
                          R"(ignore names the column "x", which the file does not have)"}));
}

}  // namespace
}  // namespace deltadrop::ingest
