#include "ingest/request.hpp"

#include <gtest/gtest.h>

#include <set>

#include "ingest/idempotency.hpp"
#include "ingest/reading_options.hpp"

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
  std::string expected;  ///< company/table, or "" if the name is rejected
};

TEST(Request, TakesTheTableFromFieldsOrFileName) {
  const std::vector<NameCase> cases = {
      {"so-financials.csv", {}, {}, "so-financials/financials"},
      {"so financials.csv.gz", {}, "q1", "so_financials/q1"},
      {"so financials.XLSX", {}, {}, "so_financials/financials"},
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
    if (c.company_id) request.fields["company_id"] = *c.company_id;
    if (c.table_name) request.fields["table_name"] = *c.table_name;
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
    std::string field;
    std::string value;
    std::string type;
  };
  const std::vector<Case> cases = {
      {"key", "\"a", "bad-column-list"},
      {"delimiter", "ab", "bad-delimiter"},
      {"encoding", "ebcdic", "bad-encoding"},
      {"effective_at", "soon", "bad-effective-at"},
      {"types", "a", "bad-types"},
      {"types", "a:text", "bad-types"},
      {"types", "a:decimal(3)", "bad-types"},
      {"types", "a:date,a:date", "bad-types"},
  };
  for (const auto& c : cases) {
    auto request = request_of("x.csv");
    request.fields[c.field] = c.value;
    const auto parsed = parse_request(request);
    ASSERT_FALSE(parsed.has_value()) << c.value;
    EXPECT_EQ(parsed.error().type, c.type) << parsed.error().text();
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_input) << c.value;
  }
}

TEST(Request, RefusesFieldsItDoesNotKnow) {
  auto request = request_of("x.csv");
  request.fields["tabel_name"] = "x";
  const auto parsed = parse_request(request);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().type, "bad-parameter");
  EXPECT_NE(parsed.error().fix.find("table_name"), std::string::npos) << parsed.error().fix;
}

TEST(Request, FieldsThatSayNothingAreLeftOut) {
  UploadFields fields;
  for (const auto* name : {"company_id", "key", "delimiter", "effective_at", "force"}) {
    EXPECT_TRUE(add_field(fields, name, "").has_value()) << name;
  }
  EXPECT_TRUE(add_field(fields, "rekey", "False").has_value());
  EXPECT_TRUE(fields.empty());
  EXPECT_TRUE(add_field(fields, "ignore", "").has_value());
  EXPECT_TRUE(add_field(fields, "types", "").has_value());
  EXPECT_TRUE(add_field(fields, "dry_run", "1").has_value());
  EXPECT_EQ(fields, (UploadFields{{"dry_run", "true"}, {"ignore", ""}, {"types", ""}}));
}

TEST(Request, EveryFieldTellsARetryFromAnotherRequest) {
  const TableRef table{"acme", "financials"};
  const Sha256 file;
  std::set<std::string> identities = {identity_of({}, table, file).to_hex()};
  std::vector<std::string> names = {"effective_at", "dry_run", "force", "rekey"};
  for (const auto& option : reading_options()) names.emplace_back(option.name);
  for (const auto& name : names) {
    EXPECT_TRUE(identities.insert(identity_of({{name, "1"}}, table, file).to_hex()).second) << name;
    EXPECT_TRUE(identities.insert(identity_of({{name, ""}}, table, file).to_hex()).second) << name;
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
  last.reading.options.key = {"id"};
  last.reading.options.ignore = {"note"};
  last.reading.options.empty = csv::EmptyPolicy::text;
  last.reading.options.delimiter = ';';
  last.reading.options.encoding = csv::Encoding::latin1;
  last.reading.types_json = R"({"id":"string"})";
  return last;
}

TEST(Request, TablesRememberWhatWasSaidOnce) {
  const auto parsed = parse_request(request_of("x.csv")).value();
  UploadRecord last = remembered();
  auto wanted = wanted_options(parsed, &last);
  EXPECT_EQ(wanted.options.key, last.reading.options.key);
  EXPECT_EQ(wanted.options.ignore, last.reading.options.ignore);
  EXPECT_EQ(wanted.options.empty, csv::EmptyPolicy::text);
  EXPECT_EQ(wanted.types_json, last.reading.types_json);
  EXPECT_FALSE(wanted.options.delimiter) << "a delimiter that was found is found again";
  EXPECT_FALSE(wanted.options.encoding);
  last.reading.delimiter_given = true;
  last.reading.encoding_given = csv::Encoding::latin1;
  wanted = wanted_options(parsed, &last);
  EXPECT_EQ(wanted.options.delimiter, ';');
  EXPECT_EQ(wanted.encoding_given, csv::Encoding::latin1);
  EXPECT_EQ(wanted.remembered.encoding, csv::Encoding::latin1) << "the file may be UTF-8 now";
  EXPECT_FALSE(wanted.options.encoding);
  last.reading.encoding_given = csv::Encoding::utf16le;
  wanted = wanted_options(parsed, &last);
  EXPECT_EQ(wanted.options.encoding, csv::Encoding::utf16le);
  EXPECT_FALSE(wanted.remembered.encoding);
}

TEST(Request, ADelimiterThatWasFoundDecidesWhereSeveralFit) {
  const auto parsed = parse_request(request_of("x.csv")).value();
  UploadRecord last = remembered();
  EXPECT_FALSE(wanted_options(parsed, &last).remembered.delimiter) << "a file of one column";
  last.reading.columns = {"id", "note"};
  EXPECT_EQ(wanted_options(parsed, &last).remembered.delimiter, ';');
  EXPECT_FALSE(wanted_options(parsed, nullptr).remembered.delimiter);
  auto request = request_of("x.csv");
  request.fields["delimiter"] = "auto";
  EXPECT_FALSE(wanted_options(parse_request(request).value(), &last).remembered.delimiter);
}

TEST(Request, LinesAboveTheHeaderAreFoundAgainInEachFile) {
  const auto parsed = parse_request(request_of("x.csv")).value();
  UploadRecord last = remembered();
  last.reading.options.skip_lines = {false, 3};
  EXPECT_EQ(wanted_options(parsed, &last).options.skip_lines, csv::SkipLines());
  last.reading.skip_lines_given = {true, 0};
  const auto wanted = wanted_options(parsed, &last);
  EXPECT_TRUE(wanted.options.skip_lines.automatic);
  EXPECT_TRUE(wanted.skip_lines_given.automatic);
}

TEST(Request, AHeaderClearsTheNamesOfFilesWithoutOne) {
  UploadRecord last = remembered();
  last.reading.options.has_header = false;
  last.reading.options.columns = {"id", "note"};
  EXPECT_EQ(wanted_options(parse_request(request_of("x.csv")).value(), &last).options.columns,
            last.reading.options.columns);
  auto request = request_of("x.csv");
  request.fields["header"] = "first";
  const auto wanted = wanted_options(parse_request(request).value(), &last);
  EXPECT_TRUE(wanted.options.has_header);
  EXPECT_TRUE(wanted.options.columns.empty());
}

TEST(Request, FieldsBeatWhatIsRemembered) {
  auto request = request_of("x.csv");
  request.fields["key"] = "a,b";
  request.fields["ignore"] = "";
  request.fields["empty"] = "null";
  request.fields["delimiter"] = "tab";
  request.fields["types"] = "";
  const UploadRecord last = remembered();
  const auto wanted = wanted_options(parse_request(request).value(), &last);
  EXPECT_EQ(wanted.options.key, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(wanted.options.ignore.empty());
  EXPECT_EQ(wanted.options.empty, csv::EmptyPolicy::null);
  EXPECT_EQ(wanted.options.delimiter, '\t');
  EXPECT_FALSE(wanted.types_json);
}

TEST(Request, AutoTakesBackWhatIsRemembered) {
  UploadRecord last = remembered();
  last.reading.delimiter_given = true;
  last.reading.encoding_given = csv::Encoding::latin1;
  auto request = request_of("x.csv");
  request.fields["delimiter"] = "auto";
  request.fields["encoding"] = "AUTO";
  const auto wanted = wanted_options(parse_request(request).value(), &last);
  EXPECT_FALSE(wanted.options.delimiter);
  EXPECT_FALSE(wanted.options.encoding);
}

TEST(Request, IgnoreIsASet) {
  auto request = request_of("x.csv");
  request.fields["ignore"] = "b,a";
  EXPECT_EQ(parse_request(request).value().reading.options.ignore, (std::vector<std::string>{"a", "b"}));
}

TEST(Request, EffectiveAtLiesBetweenTheLastVersionAndNow) {
  UploadRecord last;
  last.version = Version(1);
  last.times.effective_at = Timestamp{1000};
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
  newest.file.sha256 = Sha256::parse(std::string(64, 'a')).value();
  const FileSet any{true, {}};
  const FileSet same{false, {newest.file.sha256}};
  const FileSet other{false, {Sha256::parse(std::string(64, 'b')).value()}};
  struct Case {
    Precondition precondition;
    bool over_newest, over_nothing;  ///< true if the precondition holds
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
