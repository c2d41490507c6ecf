#include "lake/state_file.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/file.hpp"
#include "parquet_rows.hpp"
#include "sample.hpp"
#include "support/fake_history.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::lake {
namespace {

using testing::as_upload;
using testing::inserted;

const Timestamp kNow = Timestamp::parse("2025-03-11T00:00:00.000Z").value();
const TableRef kTable{"so-financials", "financials"};

/// A history with one upload of one record, which a consumer writes into the lake right after the first
/// query.
class OvertakenHistory final : public testing::FakeHistory {
 public:
  OvertakenHistory() {
    status_ = add(as_upload(testing::sample_upload(1, "2025-03-10T12:00:00.000Z"),
                            {inserted("a", {{"id", "a"}, {"n", "12"}})}));
  }

  Result<std::vector<history::UploadStatus>> applied_uploads(const TableRef& table, Version last) override {
    auto found = FakeHistory::applied_uploads(table, last);
    overtake();
    return found;
  }
  Result<std::vector<history::LakeColumn>> lake_columns(const TableRef& table) override {
    auto found = FakeHistory::lake_columns(table);
    overtake();
    return found;
  }
  Result<std::vector<history::StoredRecord>> records(const history::RecordQuery& query) override {
    if (query.after_key) return std::vector<history::StoredRecord>();
    history::StoredRecord record;
    record.key = "a";
    record.data_json = R"({"id":"a","n":"12"})";
    record.version = Version(1);
    record.upload_id = status_.facts.upload_id;
    record.valid_from = status_.facts.effective_at;
    return std::vector{record};
  }

  [[nodiscard]] const UploadFacts& facts() const { return status_.facts; }

 private:
  void overtake() {
    if (!in_lake().empty()) return;
    ASSERT_TRUE(
        mark_in_lake(status_.facts.upload_id, {{"id", ColumnType::string}, {"n", ColumnType::int64}}, kNow)
            .has_value());
  }

  history::UploadStatus status_;
};

TEST(StateFile, HasTheTypesOfAnUploadThatComesIntoTheLakeMeanwhile) {
  OvertakenHistory history;
  auto file = StateFile::begin(history, {{kTable, Version(1), history.facts().effective_at}, {"id", "n"}});
  ASSERT_TRUE(file.has_value()) << file.error().text();
  std::string bytes;
  for (bool ended = false; !ended;) {
    const auto piece = file.value().next();
    ASSERT_TRUE(piece.has_value()) << piece.error().text();
    bytes += piece.value();
    ended = piece.value().empty();
  }
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "state.parquet";
  auto written = io::File::create(path);
  ASSERT_TRUE(written.has_value() && written.value().write(bytes).has_value());
  const auto state = testing::read_parquet(path);
  EXPECT_EQ(state.types.at("n"), "int64");
  ASSERT_EQ(state.rows.size(), 1U);
  EXPECT_EQ(state.rows.front().at("n"), "12");
}

}  // namespace
}  // namespace deltadrop::lake
