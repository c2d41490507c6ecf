#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "api/paging.hpp"
#include "api/parameters.hpp"
#include "api/values_reader.hpp"
#include "core/json_writer.hpp"
#include "cost.hpp"
#include "http/accept.hpp"
#include "http/head_scanner.hpp"
#include "http/multipart.hpp"
#include "http/target.hpp"

namespace deltadrop::cost {
namespace {

Family over_text(std::string name, const std::function<std::string(std::size_t)>& text,
                 const std::function<void(const std::string&)>& use) {
  return {std::move(name), [text, use](std::size_t size) -> std::function<void()> {
            auto bytes = std::make_shared<const std::string>(text(size));
            return [bytes, use] { use(*bytes); };
          }};
}

class Nobody final : public http::MultipartVisitor {
  Result<void> field(const std::string& /*name*/, const std::string& /*value*/) override { return success(); }
  Result<void> file_begins(const std::string& /*file_name*/) override { return success(); }
  Result<void> file_bytes(std::span<const std::byte> /*bytes*/) override { return success(); }
};

/// Feeds the text in pieces, as they arrive from a connection.
void parse_form(const std::string& body, std::size_t piece_bytes) {
  Nobody nobody;
  http::MultipartParser parser(std::string(70, '-'), nobody, std::size_t{1} << 30);
  for (std::size_t at = 0; at < body.size(); at += piece_bytes) {
    const auto piece = std::span(body).subspan(at, std::min(piece_bytes, body.size() - at));
    if (parser.feed(std::as_bytes(piece)).has_error()) return;
  }
  static_cast<void>(parser.finish().has_value());
}

std::string form_file(const std::string& content) {
  const std::string boundary(70, '-');
  return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n" +
         content + "\r\n--" + boundary + "--\r\n";
}

Family form(std::string name, const std::function<std::string(std::size_t)>& body, std::size_t piece_bytes) {
  return over_text(std::move(name), body,
                   [piece_bytes](const std::string& text) { parse_form(text, piece_bytes); });
}

http::Request request_with(const std::string& query) {
  http::Request request;
  auto target = http::parse_target("/?" + query);
  if (target.has_value()) request.query = std::move(target.value().query);
  return request;
}

}  // namespace

std::vector<Family> http_families() {
  constexpr std::size_t kPiece = std::size_t{128} << 10;
  std::vector<Family> all = {
      form(
          "HttpFormNearBoundaries",
          [](std::size_t n) { return form_file(repeated(n, "\r\n" + std::string(71, '-'))); }, kPiece),
      form(
          "HttpFormOnlyReturns", [](std::size_t n) { return form_file(repeated(n, "\r")); }, kPiece),
      form(
          "HttpFormByteByByte", [](std::size_t n) { return form_file(repeated(n, "x")); }, 1),
      form(
          "HttpFormPreamble", [](std::size_t n) { return repeated(n, "\r\n--------") + form_file("id\n"); },
          kPiece),
      form(
          "HttpFormManyFields",
          [](std::size_t n) {
            std::string body;
            for (std::size_t i = 0; i < n; ++i) {
              body += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"f{}\"\r\n\r\n{}\r\n",
                                  std::string(70, '-'), i, i);
            }
            return body;
          },
          kPiece),
      over_text(
          "HttpHeadInPieces", [](std::size_t n) { return "GET / HTTP/1.1\r\n" + repeated(n, "a: b\r\n"); },
          [](const std::string& head) {
            http::HeadScanner scanner({std::size_t{1} << 30, std::size_t{1} << 30});
            for (std::size_t end = 1; end <= head.size(); end += 7) {
              if (scanner.feed(std::string_view(head).substr(0, end)).has_error()) return;
            }
          }),
      over_text(
          "HttpQueryFields", [](std::size_t n) { return repeated(n, "company=a&"); },
          [](const std::string& query) {
            const auto request = request_with(query);
            for (const auto* name : {"limit", "cursor", "as_of"}) {
              EXPECT_FALSE(request.query_value(name).has_value());
            }
          }),
      over_text(
          "HttpQueryDifferentFields",
          [](std::size_t n) {
            std::string query;
            for (std::size_t i = 0; i < n; ++i) query += fmt::format("f{}=1&", i);
            return query;
          },
          [](const std::string& query) {
            const auto request = request_with(query);
            EXPECT_TRUE(api::check_query(request, {"limit"}).has_error());
          }),
      over_text(
          "HttpPathOfManySegments", [](std::size_t n) { return repeated(n, "/a"); },
          [](const std::string& path) { EXPECT_TRUE(http::parse_target(path).has_value()); }),
      over_text(
          "HttpCursorOfManyFields",
          [](std::size_t n) { return api::make_cursor("records", {"1", repeated(n, "a\x1f")}); },
          [](const std::string& cursor) {
            EXPECT_TRUE(api::parse_cursor(cursor, "records", 2).has_value());
          }),
      over_text(
          "HttpAcceptOfManyTypes", [](std::size_t n) { return repeated(n, "a/b;q=0.1,"); },
          [](const std::string& accept) {
            http::Request request;
            request.headers = {{"accept", accept}};
            constexpr std::string_view kOffers[] = {"text/csv", "application/json"};
            EXPECT_TRUE(http::choose_media_type(request, kOffers).has_error());
          }),
      over_text(
          "HttpJsonOfInvalidText", [](std::size_t n) { return repeated(n, "\xFFg"); },
          [](const std::string& text) { EXPECT_FALSE(JsonObject().text("a", text).take().empty()); }),
  };
  all.push_back({"HttpRecordOfManyColumns", [](std::size_t size) -> std::function<void()> {
                   std::vector<std::string> columns;
                   std::string record = "{\"c0\":\"1\"";
                   for (std::size_t i = 0; i < size; ++i) columns.push_back(fmt::format("c{}", i));
                   for (std::size_t i = 1; i < size; ++i) record += fmt::format(",\"c{}\":\"1\"", i);
                   record += '}';
                   auto values = std::make_shared<api::ValuesReader>(std::move(columns));
                   return [values, record] { EXPECT_TRUE(values->project(record).has_value()); };
                 }});
  return all;
}

}  // namespace deltadrop::cost
