#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "cost.hpp"
#include "lake/layout.hpp"
#include "lake/parquet_records.hpp"
#include "lake/table_columns.hpp"

namespace deltadrop::cost {
namespace {

UploadFacts upload() {
  UploadFacts facts;
  facts.table = TableRef::make("acme", "ledger").value();
  facts.version = Version(2);
  return facts;
}

/// File names derived from keys, in the order of an upload's events.
Family file_names(std::string name, const std::function<std::string(std::size_t)>& key) {
  return {std::move(name), [key](std::size_t size) -> std::function<void()> {
            std::vector<std::string> keys;
            for (std::size_t i = 0; i < size; ++i) keys.push_back(key(i));
            return [keys = std::move(keys)] {
              lake::FileNames names(upload(), true);
              std::int64_t seq = 0;
              for (const auto& each : keys) names.take(ChangeType::insert, each, Seq(++seq));
            };
          }};
}

}  // namespace

std::vector<Family> lake_families() {
  std::vector<Family> all = {
      file_names("LakeKeysEqualIgnoringCase",
                 [](std::size_t i) {
                   std::string key(30, 'a');
                   for (std::size_t bit = 0; bit < 30; ++bit) {
                     if ((i >> bit & 1U) != 0) key[bit] = 'A';
                   }
                   return key;
                 }),
      file_names("LakeLongKeys", [](std::size_t i) { return std::string(1000, '/') + std::to_string(i); }),
  };
  all.push_back({"LakeColumnsBackwards", [](std::size_t size) -> std::function<void()> {
                   std::vector<std::string> names;
                   for (std::size_t i = size; i > 0; --i) names.push_back(fmt::format("c{:09}", i));
                   return [names] {
                     lake::TableColumns columns;
                     columns.add(names);
                     columns.add(names);
                     EXPECT_EQ(columns.all().size(), names.size());
                   };
                 }});
  all.push_back({"LakeColumnsNamedAsOurs", [](std::size_t size) -> std::function<void()> {
                   // Each name is one underscore longer than the previous one; together they have about
                   // `size` bytes.
                   std::vector<std::string> names;
                   std::string name = "key";
                   for (std::size_t bytes = 0; bytes < size; bytes += name.size()) {
                     names.push_back(name);
                     name.insert(0, 1, '_');
                   }
                   return [names] { EXPECT_EQ(lake::own_record_columns(names).size(), 5U); };
                 }});
  return all;
}

}  // namespace deltadrop::cost
