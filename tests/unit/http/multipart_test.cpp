#include "http/multipart.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace deltadrop::http {
namespace {

/// Records the calls as text. Joins the pieces of the file.
class Recorder final : public MultipartVisitor {
 public:
  Result<void> field(const std::string& name, const std::string& value) override {
    told_ += fmt::format("field {}={};", name, value);
    return success();
  }
  Result<void> file_begins(const std::string& file_name) override {
    told_ += fmt::format("file {}:", file_name);
    return success();
  }
  Result<void> file_bytes(std::span<const std::byte> bytes) override {
    told_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return success();
  }
  [[nodiscard]] const std::string& told() const { return told_; }

 private:
  std::string told_;
};

/// Parses the body in pieces of `piece` bytes. Returns the recorded calls, or "type: message" of the error.
std::string parse(std::string_view body, std::size_t piece, std::string_view boundary = "B") {
  Recorder recorder;
  MultipartParser parser(boundary, recorder);
  for (std::size_t at = 0; at < body.size(); at += piece) {
    const auto fed = parser.feed(std::as_bytes(std::span(body.substr(at, piece))));
    if (fed.has_error()) return fed.error().type + ": " + fed.error().message;
  }
  const auto finished = parser.finish();
  if (finished.has_error()) return finished.error().type + ": " + finished.error().message;
  return recorder.told();
}

/// Like parse, with the body in two pieces.
std::string parse_cut(std::string_view body, std::size_t cut) {
  Recorder recorder;
  MultipartParser parser("B", recorder);
  for (const auto part : {body.substr(0, cut), body.substr(cut)}) {
    const auto fed = parser.feed(std::as_bytes(std::span(part)));
    if (fed.has_error()) return fed.error().type + ": " + fed.error().message;
  }
  const auto finished = parser.finish();
  if (finished.has_error()) return finished.error().type + ": " + finished.error().message;
  return recorder.told();
}

std::string file_part(std::string_view disposition_rest, std::string_view content) {
  return fmt::format("--B\r\nContent-Disposition: form-data; name=\"file\"{}\r\n\r\n{}\r\n", disposition_rest,
                     content);
}

struct Case {
  std::string name;
  std::string body;
  std::string expected;
};

class Multipart : public testing::TestWithParam<Case> {};

TEST_P(Multipart, GivesTheSameResultForAnyCut) {
  for (const std::size_t piece : {1, 2, 3, 7, 64, 100'000}) {
    EXPECT_EQ(parse(GetParam().body, piece), GetParam().expected) << "in pieces of " << piece;
  }
  if (GetParam().body.size() > 2000) return;  // for huge bodies, the pieces above are enough
  for (std::size_t cut = 1; cut < GetParam().body.size(); ++cut) {
    EXPECT_EQ(parse_cut(GetParam().body, cut), GetParam().expected) << "cut at " << cut;
  }
}

const std::string kFile = file_part("; filename=\"a.csv\"", "id\n1");

INSTANTIATE_TEST_SUITE_P(
    Bodies, Multipart,
    testing::Values(
        Case{"OneFile", kFile + "--B--\r\n", "file a.csv:id\n1"},
        Case{"NoLineEndAtTheEnd", kFile + "--B--", "file a.csv:id\n1"},
        Case{"FieldsBeforeAndAfter",
             "--B\r\nContent-Disposition: form-data; name=key\r\n\r\nid\r\n" + kFile +
                 "--B\r\ncontent-disposition:form-data;name=\"force\"\r\n\r\ntrue\r\n--B--\r\n",
             "field key=id;file a.csv:id\n1field force=true;"},
        Case{"PreambleAndEpilogue", "to be ignored\r\n" + kFile + "--B--\r\nalso this \r\n--B\r\n",
             "file a.csv:id\n1"},
        Case{"PaddingBehindTheBoundary",
             "--B \t\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--B--\r\n", "file :x"},
        Case{"EmptyFile", file_part("", "") + "--B--\r\n", "file :"},
        Case{"ContentFullOfNearBoundaries", file_part("", "\r\n\r\n-\r\n--\r\n--A\r\r\n--") + "--B--\r\n",
             "file :\r\n\r\n-\r\n--\r\n--A\r\r\n--"},
        Case{"EscapedQuoteInTheName", file_part(R"(; filename="a\"b.csv")", "x") + "--B--",
             "file a\"b.csv:x"},
        Case{"PercentQuoteInTheName", file_part(R"(; filename="a%22b.csv")", "x") + "--B--",
             "file a\"b.csv:x"},
        Case{"WindowsPathInTheName", file_part(R"(; filename="C:\in\a.csv")", "x") + "--B--",
             "file C:\\in\\a.csv:x"},
        Case{"SemicolonInTheName", file_part(R"(; filename="a;b=c.csv")", "x") + "--B--", "file a;b=c.csv:x"},
        Case{"ExtendedNameWins",
             file_part("; filename=\"x.csv\"; filename*=UTF-8''na%C3%AFve.csv", "x") + "--B--",
             "file naïve.csv:x"},
        Case{"BinaryTransferEncoding",
             "--B\r\nContent-Type: text/csv\r\nContent-Transfer-Encoding: binary\r\nContent-Disposition: "
             "form-data; "
             "name=\"file\"\r\n\r\nx\r\n--B--",
             "file :x"}),
    [](const auto& instance) { return instance.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Refused, Multipart,
    testing::Values(
        Case{"NoBoundaryInTheBody", "id,revenue\n1,2\n",
             "bad-multipart: the body does not contain its boundary"},
        Case{"Empty", "", "bad-multipart: the body does not contain its boundary"},
        Case{"Truncated", kFile, "truncated-body: the body ends before its closing boundary"},
        Case{"TruncatedInTheHeaders", "--B\r\nContent-Disp",
             "truncated-body: the body ends before its closing boundary"},
        Case{"NoFilePart", "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nid\r\n--B--",
             "bad-multipart: the body has no part named \"file\""},
        Case{"NoParts", "--B--\r\n", "bad-multipart: the body has no part named \"file\""},
        Case{"TwoFiles", kFile + kFile + "--B--", "bad-multipart: the body has a second part named \"file\""},
        Case{"NoDisposition", "--B\r\n\r\nx\r\n--B--",
             "bad-multipart: a part has no Content-Disposition header"},
        Case{"NoName", "--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--",
             "bad-multipart: Content-Disposition \"form-data\" is not form-data with a name"},
        Case{"NoColon", "--B\r\nnonsense\r\n\r\nx\r\n--B--",
             "bad-multipart: \"nonsense\" is not a header of a part"},
        Case{"Base64",
             "--B\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; "
             "name=\"file\"\r\n\r\nx\r\n--B--",
             "bad-multipart: Content-Transfer-Encoding \"base64\" is not supported"},
        Case{"BoundaryWithATail", "--Bx\r\n\r\n", "bad-multipart: a boundary is not followed by a line end"},
        Case{"ExtendedNameOfAnotherCharset", file_part("; filename*=latin-1''a", "x") + "--B--",
             "bad-multipart: filename* \"latin-1''a\" is not UTF-8''name"},
        Case{"HugeHeaders", "--B\r\nX: " + std::string(20'000, 'x') + "\r\n\r\nx\r\n--B--",
             "too-large: the headers of a part are over 16384 bytes"},
        Case{"HugeField",
             "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n" + std::string(70'000, 'x') +
                 "\r\n--B--",
             "too-large: field \"key\" is over 65536 bytes"}),
    [](const auto& instance) { return instance.param.name; });

TEST(MultipartParser, AcceptsAtMostAHundredParts) {
  std::string body;
  for (int i = 0; i < 99; ++i) body += "--B\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n\r\n";
  EXPECT_EQ(parse(body + kFile + "--B--", 1000).substr(0, 9), "field f=;");
  EXPECT_EQ(parse(body + kFile + kFile + "--B--", 1000), "too-large: the body has over 100 parts");
}

TEST(MultipartParser, PassesTheVisitorsErrorOn) {
  class Refuses final : public MultipartVisitor {
    Result<void> field(const std::string&, const std::string&) override { return success(); }
    Result<void> file_begins(const std::string&) override { return success(); }
    Result<void> file_bytes(std::span<const std::byte>) override {
      return Error{ErrorCode::unavailable, "disk-full", "no room", "make room"};
    }
  } refuses;
  MultipartParser parser("B", refuses);
  const auto fed = parser.feed(std::as_bytes(std::span(std::string_view(kFile + "--B--"))));
  ASSERT_TRUE(fed.has_error());
  EXPECT_EQ(fed.error().type, "disk-full");
}

TEST(MultipartBoundary, IsReadFromContentType) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data;charset=utf-8; Boundary=\"a b;c\"").value(), "a b;c");
}

TEST(MultipartBoundary, RefusesOtherContentTypes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "not-multipart"},
      {"text/csv", "not-multipart"},
      {"application/x-www-form-urlencoded", "not-multipart"},
      {"multipart/form-data", "bad-multipart"},
      {"multipart/form-data; boundary=", "bad-multipart"},
      {"multipart/form-data; boundary=\"", "bad-multipart"},
      {"multipart/form-data; boundary=" + std::string(71, 'x'), "bad-multipart"},
  };
  for (const auto& [content_type, type] : cases) {
    const auto boundary = multipart_boundary(content_type);
    ASSERT_TRUE(boundary.has_error()) << content_type;
    EXPECT_EQ(boundary.error().type, type) << content_type;
    EXPECT_NE(boundary.error().fix.find("curl -F file=@so-financials.csv"), std::string::npos)
        << content_type;
  }
}

}  // namespace
}  // namespace deltadrop::http
