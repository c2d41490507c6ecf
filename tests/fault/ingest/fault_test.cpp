/// Kills the driver, or makes one of its calls fail, at the first, second, third and so on fault point, until
/// a run ends before the fault. After each run, recovers the DATA_DIR and checks the guarantees.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "ingest/archive.hpp"
#include "ingest/catalog.hpp"
#include "ingest/manifest.hpp"
#include "ingest/recover.hpp"
#include "io/file.hpp"
#include "script.hpp"
#include "support/recording_log.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::ingest {
namespace {

using deltadrop::testing::Action;
using deltadrop::testing::DriverPaths;
using deltadrop::testing::Files;
using deltadrop::testing::kFaultNotReached;
using deltadrop::testing::RecordingLog;
using deltadrop::testing::script;
using deltadrop::testing::TemporaryFolder;

const TableRef kTable{deltadrop::testing::kCompany, std::string(kDefaultTableName)};

std::string name_of(Files files) {
  if (files == Files::mixed) return "mixed";
  if (files == Files::workbooks) return "workbooks";
  return files == Files::large ? "large" : "small";
}

/// Runs the driver. Returns its exit status from waitpid. For `task`, see driver.cpp.
int run_driver(const DriverPaths& paths, const std::string& fault, std::string task = "script") {
  std::string variable = "DELTADROP_FAULT=" + fault;
  std::string watched = "DELTADROP_FAULT_ROOT=" + paths.data_dir().string();
  std::string program = DELTADROP_INGEST_DRIVER;
  std::string root = paths.root.string();
  std::string size = name_of(paths.files);
  std::vector<char*> arguments = {program.data(), root.data(), size.data(), task.data(), nullptr};
  std::vector<char*> environment = {variable.data(), watched.data(), nullptr};
  pid_t pid = 0;
  if (posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments.data(), environment.data()) != 0)
    return -1;
  int status = -1;
  waitpid(pid, &status, 0);
  return status;
}

std::map<std::size_t, UploadId> read_answers(const DriverPaths& paths) {
  std::map<std::size_t, UploadId> answers;
  std::ifstream file(paths.answers());
  std::size_t step = 0;
  std::string id;
  while (file >> step >> id) answers.emplace(step, UploadId::parse(id).value());
  return answers;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// Checks that the catalog, the archive, the manifests and `current` agree, and that there are no other
/// files.
void check_folders(const Layout& layout, const std::vector<UploadRecord>& versions,
                   const std::set<UploadId>& held, Files files) {
  std::vector<std::string> expected;
  const bool are_workbooks = files == Files::workbooks;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const UploadRecord& upload = versions[i];
    EXPECT_EQ(upload.version, Version(static_cast<std::int64_t>(i) + 1));
    const auto stored = check_stored_bytes(layout, upload);
    EXPECT_TRUE(stored.has_value()) << stored.error().text();
    const auto path = layout.manifest_file(upload);
    const auto text = io::read_whole_file(path);
    ASSERT_TRUE(text.has_value()) << text.error().text();
    const auto manifest = read_manifest(text.value(), path);
    ASSERT_TRUE(manifest.has_value()) << manifest.error().text();
    EXPECT_EQ(record_to_json(manifest.value()), record_to_json(upload));
    expected.push_back(upload.file.archive_name);
    expected.push_back(path.filename().string());
    EXPECT_EQ(upload.file.source.has_value(), are_workbooks);
    if (are_workbooks) expected.push_back(layout.archived_original(upload).filename().string());
  }
  std::sort(expected.begin(), expected.end());
  const auto folder = layout.archive_folder(kTable);
  EXPECT_EQ(fs::exists(folder) ? names_in(folder) : std::vector<std::string>{}, expected);
  EXPECT_EQ(names_in(layout.spool()), std::vector<std::string>{});
  std::vector<std::string> held_names;
  for (const auto& id : held) {
    held_names.push_back(id.to_string() + ".csv");
    if (are_workbooks) held_names.push_back(id.to_string() + ".xlsx");
  }
  EXPECT_EQ(names_in(layout.held()), held_names);
  if (versions.empty()) return;
  EXPECT_EQ(names_in(layout.current_file(kTable).parent_path()), std::vector<std::string>{"financials.csv"});
  EXPECT_EQ(io::read_whole_file(layout.current_file(kTable)).value(),
            io::read_whole_file(layout.archived_file(versions.back())).value());
}

/// Checks that the log contains exactly the events of all versions, each always with the same text, and that
/// uploads start in version order.
void check_log(const DriverPaths& paths, Ingest& engine, const std::vector<UploadRecord>& versions) {
  std::map<UploadId, std::map<std::int64_t, std::string>> events;
  std::vector<UploadId> order;
  std::ifstream file(paths.log());
  for (std::string line; std::getline(file, line);) {
    const auto event = parse_event_json(line);
    ASSERT_TRUE(event.has_value()) << event.error().text() << ": " << line;
    const UploadId& id = event.value().upload.upload_id;
    if (!events.contains(id)) order.push_back(id);
    const auto [known, is_new] = events[id].emplace(event.value().seq.value, line);
    EXPECT_EQ(known->second, line) << "an event has two texts";
  }
  std::vector<UploadId> expected_order;
  for (const auto& upload : versions) {
    EXPECT_EQ(upload.state, UploadState::published);
    expected_order.push_back(upload.upload_id);
    std::map<std::int64_t, std::string> expected;
    const auto read = engine.reader().changes(upload.upload_id, Seq(1), [&](Seq seq, std::string_view json) {
      expected.emplace(seq.value, json);
      return true;
    });
    ASSERT_TRUE(read.has_value()) << read.error().text();
    EXPECT_EQ(std::ssize(expected), upload.outcome.counts.changes());
    EXPECT_EQ(events[upload.upload_id], expected) << "version " << upload.version->value;
  }
  EXPECT_EQ(order, expected_order);
}

/// Checks that each answered upload exists, in the state of the last answered step, or of a step that began
/// after it.
void check_answers(Ingest& engine, const std::map<std::size_t, UploadId>& answers) {
  for (const auto& [step, id] : answers) {
    const auto found = engine.reader().upload(id).value();
    ASSERT_TRUE(found) << "the upload of step " << step << " was answered and is gone";
    const bool next_answered = answers.contains(step + 1);
    switch (script()[step].action) {
      case Action::submit:
      case Action::release:
        EXPECT_EQ(found->state, UploadState::published) << "step " << step;
        break;
      case Action::hold:
        if (!next_answered && found->state == UploadState::held) break;
        EXPECT_EQ(found->state, script()[step + 1].action == Action::release ? UploadState::published
                                                                             : UploadState::discarded)
            << "step " << step;
        break;
      case Action::discard:
        EXPECT_EQ(found->state, UploadState::discarded) << "step " << step;
        break;
    }
  }
}

/// Recovers the DATA_DIR, then checks everything.
void check_after(const DriverPaths& paths) {
  RecordingLog log(paths.log().string());
  io::SystemClock clock;
  Options options;
  options.data_dir = paths.data_dir();
  auto opened = open(options, log, clock);
  ASSERT_TRUE(opened.has_value()) << opened.error().text();
  Ingest& engine = *opened.value();
  const auto answers = read_answers(paths);
  std::size_t versions_answered = 0;
  for (const auto& [step, id] : answers) {
    const Action action = script()[step].action;
    versions_answered += action == Action::submit || action == Action::release ? 1 : 0;
  }
  auto versions = engine.reader().versions(kTable, Version(1), 100);
  if (!versions.has_value()) {
    ASSERT_EQ(versions.error().type, "no-such-table");
    versions = std::vector<UploadRecord>{};
  }
  EXPECT_GE(versions.value().size(), versions_answered);
  EXPECT_LE(versions.value().size(), versions_answered + 1) << "more versions than the running step can add";
  for (auto& upload : versions.value()) {
    ASSERT_TRUE(engine.publications().wait_published(
        upload.upload_id, std::chrono::steady_clock::now() + std::chrono::seconds(10)));
    upload = *engine.reader().upload(upload.upload_id).value();
  }
  std::set<UploadId> held;
  UploadFilter filter;
  filter.state = UploadState::held;
  const auto held_uploads = engine.reader().uploads(filter).value();
  for (const auto& upload : held_uploads) {
    held.insert(upload.upload_id);
    const auto stored = check_stored_bytes({options.data_dir}, upload);
    EXPECT_TRUE(stored.has_value()) << stored.error().text();
  }
  EXPECT_LE(held.size(), 1U);
  check_answers(engine, answers);
  check_folders({options.data_dir}, versions.value(), held, paths.files);
  check_log(paths, engine, versions.value());
  log.interrupt();
  engine.stop();
}

constexpr int kPointsMax = 2000;

bool was_killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

/// Runs with the fault at the first, second, third and so on point until a run ends before the fault. Checks
/// after each run. Returns the number of points.
int strike_every_point(const std::string& kind, const std::string& error, Files files) {
  for (int n = 1; n <= kPointsMax; ++n) {
    const TemporaryFolder folder;
    const DriverPaths paths{folder.path(), files};
    const std::string fault = kind + ":*:" + std::to_string(n) + error;
    SCOPED_TRACE("DELTADROP_FAULT=" + fault);
    const int status = run_driver(paths, fault);
    const bool killed = was_killed(status);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    EXPECT_TRUE(kind == "fail" ? code == 0 || code == kFaultNotReached : killed || code == kFaultNotReached)
        << "the driver ended with status " << status;
    if (!killed) {
      EXPECT_EQ(read_answers(paths).size(), script().size());
    }
    check_after(paths);
    if (::testing::Test::HasFailure() || code == kFaultNotReached) return n;
  }
  ADD_FAILURE() << "more than " << kPointsMax << " fault points";
  return kPointsMax;
}

// Far fewer points would mean that fault points are missing, and that this test proves little.
constexpr int kPointsExpected = 150;
constexpr int kCallsExpected = 100;

class IngestFaults : public ::testing::TestWithParam<Files> {};

TEST_P(IngestFaults, KilledAtEveryPoint) {
  EXPECT_GT(strike_every_point("kill", "", GetParam()), kPointsExpected);
}

TEST_P(IngestFaults, EveryCallFailsWithAnInputOutputError) {
  EXPECT_GT(strike_every_point("fail", ":EIO", GetParam()), kPointsExpected);
}

TEST_P(IngestFaults, EveryCallFailsWithAFullDisk) {
  EXPECT_GT(strike_every_point("fail", ":ENOSPC", GetParam()), kPointsExpected);
}

/// Fails the power at each call that changes a file. Everything that was not synced is undone, or everything
/// except the names of files.
class PowerFailure : public ::testing::TestWithParam<std::tuple<Files, bool>> {
 protected:
  [[nodiscard]] static Files files() { return std::get<0>(GetParam()); }
  [[nodiscard]] static std::string what_survives() { return std::get<1>(GetParam()) ? ":names" : ""; }

  /// Runs `task` on copies of the DATA_DIR in `before`, fails the power at each of its calls in turn, and
  /// then runs `check`.
  template <class Check>
  static void strike(const std::string& task, const DriverPaths& before, Check check) {
    for (int n = 1; n <= kPointsMax; ++n) {
      const TemporaryFolder folder;
      const DriverPaths paths{folder.path(), files()};
      fs::copy(before.root, paths.root, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
      const std::string fault = "power:" + std::to_string(n) + what_survives();
      SCOPED_TRACE(task + " with DELTADROP_FAULT=" + fault);
      const int status = run_driver(paths, fault, task);
      const bool ended = WIFEXITED(status) && WEXITSTATUS(status) == kFaultNotReached;
      EXPECT_TRUE(was_killed(status) || ended) << "the driver ended with status " << status;
      check(paths);
      if (::testing::Test::HasFailure() || ended) return;
    }
    ADD_FAILURE() << "more than " << kPointsMax << " calls";
  }
};

TEST_P(PowerFailure, AtEveryCall) {
  EXPECT_GT(strike_every_point("power", what_survives(), files()), kCallsExpected);
}

TEST_P(PowerFailure, AtEveryCallOfARecovery) {
  // The first run leaves work to do: small files that only the catalog has, a manifest, and the current file.
  for (const std::string first :
       {"power:syncfs:1", "kill:ingest.accept.committed:3", "kill:ingest.accept.described:3"}) {
    SCOPED_TRACE("after DELTADROP_FAULT=" + first);
    const TemporaryFolder folder;
    const DriverPaths before{folder.path(), files()};
    run_driver(before, first);
    strike("recover", before, check_after);
    if (HasFailure()) return;
  }
}

/// A file in the archive without a known upload. A rebuild keeps it.
constexpr const char* kUnknownFile = "20200101000000000_acme_00000000.csv";
constexpr const char* kUnknownBytes = "id,name\n1,a\n";

void check_after_rebuild(const DriverPaths& paths) {
  const Layout layout{paths.data_dir()};
  io::SystemClock clock;
  // If there is no catalog, rebuild it again, as the message says, unless it was already rebuilt.
  const bool found = refuse_lost_catalog(layout).has_value();
  EXPECT_TRUE(found || !fs::exists(paths.rebuilt())) << "the rebuilt catalog is gone";
  if (!found) {
    Options options;
    options.data_dir = layout.root;
    const auto again = rebuild_catalog(options, clock);
    ASSERT_TRUE(again.has_value()) << again.error().text();
  }
  if (!found || fs::exists(paths.rebuilt())) {
    const auto place = layout.archive_folder(kTable) / kUnknownFile;
    EXPECT_FALSE(fs::exists(place));
    const auto bytes = io::read_whole_file(layout.lost_and_found() / place.lexically_relative(layout.root));
    ASSERT_TRUE(bytes.has_value()) << bytes.error().text();
    EXPECT_EQ(bytes.value(), kUnknownBytes);
  }
  check_after(paths);
}

TEST_P(PowerFailure, AtEveryCallOfARebuild) {
  const TemporaryFolder folder;
  const DriverPaths before{folder.path(), files()};
  EXPECT_TRUE(was_killed(run_driver(before, "kill:ingest.discard.begin:1")));
  std::ofstream(Layout{before.data_dir()}.archive_folder(kTable) / kUnknownFile) << kUnknownBytes;
  strike("rebuild", before, check_after_rebuild);
}

TEST_P(PowerFailure, AtEveryCallOfARebuildWithoutAnOldCatalog) {
  const TemporaryFolder folder;
  const DriverPaths before{folder.path(), files()};
  // There is no held file in this case; only a catalog would know about it.
  EXPECT_TRUE(was_killed(run_driver(before, "kill:ingest.hold.synced:2")));
  if (files() == Files::small || files() == Files::mixed) run_driver(before, "", "recover");
  std::ofstream(Layout{before.data_dir()}.archive_folder(kTable) / kUnknownFile) << kUnknownBytes;
  for (const std::string suffix : {"", "-wal", "-shm"})
    fs::remove(before.data_dir() / ("catalog.db" + suffix));
  strike("rebuild", before, check_after_rebuild);
}

INSTANTIATE_TEST_SUITE_P(Files, PowerFailure,
                         ::testing::Combine(::testing::Values(Files::small, Files::large, Files::mixed,
                                                              Files::workbooks),
                                            ::testing::Bool()),
                         [](const auto& tested) {
                           return name_of(std::get<0>(tested.param)) +
                                  (std::get<1>(tested.param) ? "_names_survive" : "_nothing_survives");
                         });

INSTANTIATE_TEST_SUITE_P(Files, IngestFaults, ::testing::Values(Files::small, Files::large, Files::workbooks),
                         [](const auto& tested) { return name_of(tested.param); });

}  // namespace
}  // namespace deltadrop::ingest
