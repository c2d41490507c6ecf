#include "app/table_owners.hpp"

#include <gtest/gtest.h>

#include <future>
#include <utility>

#include "support/fake_services.hpp"

namespace deltadrop::app {
namespace {

using std::chrono::milliseconds;

const TableRef kTable{"acme", "financials"};

ArchiveId archive(std::uint8_t number) {
  ArchiveId id;
  id.bytes[15] = number;
  return id;
}
UploadId upload(std::uint8_t number) {
  UploadId id;
  id.bytes[15] = number;
  return id;
}

/// Returns `answer`, or an error if `down`, after `gate` opens if there is one.
class OwnersHistory final : public history::TableChains {
 public:
  Result<history::Ownership> ownership(const TableRef&) override {
    ++asked;
    if (gate.valid()) gate.wait();
    if (down) return Error{ErrorCode::unavailable, "no-database", "it does not answer", "wait"};
    return answer;
  }
  Result<std::vector<history::KnownArchive>> archives() override { return unused(); }
  Result<std::vector<history::UploadStatus>> uploads_of(const TableRef&) override { return unused(); }
  Result<history::Resolution> resolve(const TableRef&, const std::optional<UploadId>&, Timestamp) override {
    return unused();
  }

  std::atomic<int> asked = 0;
  std::atomic<bool> down = false;
  std::shared_future<void> gate;
  history::Ownership answer;

 private:
  static Error unused() { return {ErrorCode::internal, "unused", "an owner is all that is read here", ""}; }
};

class TableOwnersTest : public ::testing::Test {
 protected:
  std::string check(TableOwners& owners) {
    const auto checked = owners.check(
        kTable, archive(1), [this](const UploadId& id) -> Result<bool> { return own_upload_ == id; });
    return checked.has_value() ? "" : checked.error().type + ": " + checked.error().text();
  }

  OwnersHistory history_;
  std::optional<UploadId> own_upload_;
};

TEST_F(TableOwnersTest, RefusesATableOfAnotherArchiveAndSaysWhereToGo) {
  TableOwners owners(history_);
  history_.answer = {archive(2), upload(7)};
  const auto refused = check(owners);
  for (const auto& part : {std::string("table-owned-by-another-archive"), archive(1).to_string(),
                           archive(2).to_string(), std::string("backup"), std::string("keep the database")}) {
    EXPECT_NE(refused.find(part), std::string::npos) << part << " in " << refused;
  }
}

TEST_F(TableOwnersTest, AsksOnceForATableThatIsOurs) {
  TableOwners owners(history_);
  history_.answer = {archive(1), upload(7)};
  EXPECT_EQ(check(owners), "");
  EXPECT_EQ(check(owners), "");
  EXPECT_EQ(history_.asked, 1);
}

TEST_F(TableOwnersTest, AsksAgainAfterAWhile) {
  TableOwners owners(history_, {.remember = milliseconds(0)});
  history_.answer = {archive(1), upload(7)};
  EXPECT_EQ(check(owners), "");
  history_.answer.owner = archive(2);
  EXPECT_NE(check(owners), "");
}

TEST_F(TableOwnersTest, TheFirstUploadTellsWhoseAnOlderTableIs) {
  TableOwners owners(history_);
  history_.answer = {std::nullopt, upload(7)};
  EXPECT_NE(check(owners), "");
  own_upload_ = upload(7);
  EXPECT_EQ(check(owners), "");
}

TEST_F(TableOwnersTest, ATableThatNobodyHasIsFree) {
  TableOwners owners(history_);
  EXPECT_EQ(check(owners), "");
}

TEST_F(TableOwnersTest, AHistoryThatFailsAtOnceIsAskedAgain) {
  TableOwners owners(history_, {.slow = std::chrono::hours(1)});
  history_.answer = {archive(2), upload(7)};
  history_.down = true;
  EXPECT_EQ(check(owners), "");
  history_.down = false;
  EXPECT_NE(check(owners), "");
}

TEST_F(TableOwnersTest, NothingIsRefusedWhileTheHistoryIsDown) {
  TableOwners owners(history_, {.slow = milliseconds(0)});
  history_.answer = {archive(2), upload(7)};
  history_.down = true;
  EXPECT_EQ(check(owners), "");
  EXPECT_EQ(check(owners), "");
  EXPECT_EQ(history_.asked, 1) << "it is left alone for a while";
}

TEST_F(TableOwnersTest, ASilentHistoryIsWaitedForOnce) {
  std::promise<void> gate;
  history_.gate = gate.get_future().share();
  {
    TableOwners owners(history_, {.patience = milliseconds(20)});
    EXPECT_EQ(check(owners), "");
    // The thread still waits for the history; no other caller waits.
    for (int i = 0; i < 100; ++i) EXPECT_EQ(check(owners), "");
    gate.set_value();
  }
  EXPECT_LE(history_.asked, 2);
}

TEST(EmptyArchiveText, NamesTheOthersAndTheirTables) {
  const auto text = empty_archive_text(
      archive(1),
      {{archive(2), 12, {{"acme", "financials"}, {"so", "ledger"}}}, {std::nullopt, 1, {{"old", "one"}}}});
  for (const auto& part : {archive(1).to_string(), archive(2).to_string(), std::string("acme/financials"),
                           std::string("so/ledger"), std::string("10 more"), std::string("old/one"),
                           std::string("backup"), std::string("keep the database")}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
  EXPECT_EQ(empty_archive_text(archive(1), {}), "");
}

}  // namespace
}  // namespace deltadrop::app
