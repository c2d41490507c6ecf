#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "cost.hpp"
#include "ingest/manifest.hpp"
#include "ingest/request.hpp"

namespace deltadrop::cost {
namespace {

std::vector<std::string> names(std::size_t count, std::string_view prefix) {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < count; ++i) list.push_back(fmt::format("{}{}", prefix, i));
  return list;
}

/// A form's field, read as a field of an upload.
Family field(std::string name, std::optional<std::string> ingest::UploadRequest::* field,
             const std::function<std::string(std::size_t)>& text) {
  return {std::move(name), [field, text](std::size_t size) -> std::function<void()> {
            auto request = std::make_shared<ingest::UploadRequest>();
            request->file_name = "acme.csv";
            (*request).*field = text(size);
            return [request] { static_cast<void>(ingest::parse_request(*request).has_value()); };
          }};
}

}  // namespace

std::vector<Family> ingest_families() {
  using Request = ingest::UploadRequest;
  std::vector<Family> all = {
      field("IngestIgnoreOfManyNames", &Request::ignore,
            [](std::size_t n) { return fmt::format("{}", fmt::join(names(n, "c"), ",")); }),
      field("IngestKeyOfManyNames", &Request::key,
            [](std::size_t n) { return fmt::format("{}", fmt::join(names(n, "c"), ",")); }),
      field("IngestTypesOfManyColumns", &Request::types,
            [](std::size_t n) { return fmt::format("{}:date", fmt::join(names(n, "c"), ":date,")); }),
  };
  all.push_back({"IngestUnknownColumns", [](std::size_t size) -> std::function<void()> {
                   return [asked = names(size, "X"), columns = names(size, "c")] {
                     EXPECT_EQ(ingest::unknown_columns("ignore", asked, columns).size(), asked.size());
                   };
                 }});
  all.push_back({"IngestFileName", [](std::size_t size) -> std::function<void()> {
                   return [name = std::string(size, '\xFF')] {
                     EXPECT_FALSE(ingest::sanitised_file_name(name).empty());
                   };
                 }});
  all.push_back({"IngestManifestOfManyColumns", [](std::size_t size) -> std::function<void()> {
                   ingest::UploadRecord record;
                   record.table = TableRef::make("acme", "ledger").value();
                   record.columns = record.tracked = names(size, "column");
                   record.options.key = {record.columns.front()};
                   record.options.ignore = names(size, "ignored");
                   auto text = std::make_shared<const std::string>(ingest::record_to_json(record));
                   return [text] { EXPECT_TRUE(ingest::record_from_json(*text).has_value()); };
                 }});
  return all;
}

}  // namespace deltadrop::cost
