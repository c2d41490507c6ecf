#include "app/process_limits.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <thread>

#include "app/settings.hpp"
#include "io/file.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::app {
namespace {

constexpr int kTrouble = 2;

void lower(int resource, rlim_t to) {
  const rlimit limit{to, to};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) std::_Exit(99);
}

[[noreturn]] void end_with_check() {
  const auto checked = check_process_limits();
  if (checked.has_error()) std::fprintf(stderr, "%s\n", checked.error().text().c_str());
  std::_Exit(checked.has_error() ? kTrouble : 0);
}

TEST(ProcessLimits, OrdinaryOnesAreEnough) {
  const auto checked = check_process_limits();
  EXPECT_TRUE(checked.has_value()) << checked.error().text();
}

TEST(ProcessLimitsDeathTest, ATooLowOneIsNamed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto ended = ::testing::ExitedWithCode(kTrouble);
  EXPECT_EXIT((lower(RLIMIT_NOFILE, 64), end_with_check()), ended,
              "open files \\(ulimit -n\\) is 64, and a server needs");
  EXPECT_EXIT((lower(RLIMIT_FSIZE, 1 << 20), end_with_check()), ended,
              "size of a file in KiB \\(ulimit -f\\) is 1024");
}

TEST(LastResortDeathTest, AnExceptionThatNobodyCatchesEndsTheProcessWithAMessage) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto ended = ::testing::ExitedWithCode(kTrouble);
  EXPECT_EXIT((set_last_resort(), std::thread([] { throw std::bad_alloc(); }).join()), ended,
              "deltadrop: the system refused to give this process more memory.*\n *fix: raise its limit");
  EXPECT_EXIT((set_last_resort(), std::thread([] { throw std::runtime_error("odd thing"); }).join()), ended,
              "deltadrop: it cannot go on: odd thing");
}

TEST(LastResortDeathTest, AFileThatMayNotGrowIsAnError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const testing::TemporaryFolder folder;
  const auto write = [&] {
    set_last_resort();
    auto file = io::File::create(folder.path() / "file").value();
    lower(RLIMIT_FSIZE, 4096);
    const std::string bytes(8192, 'x');
    const auto written = file.write(bytes);
    std::fprintf(stderr, "%s %s\n", written.error().type.c_str(), written.error().message.c_str());
    std::_Exit(kTrouble);
  };
  EXPECT_EXIT(write(), ::testing::ExitedWithCode(kTrouble), "file-size-limit .*the limit is 4096 bytes");
}

/// Nobody would notice a setting that does not reach the engine, or reaches it with another value.
TEST(IngestOptions, HaveWhatTheSettingsSay) {
  const Settings::Values flags = {{"DISK_RESERVE", "3MiB"},      {"HELD_TTL", "5d"},
                                  {"DRY_RUN_TTL", "7h"},         {"IDEMPOTENCY_TTL", "11h"},
                                  {"CLOCK_JUMP_MAX", "13h"},     {"PUBLISH_TIMEOUT", "17s"},
                                  {"MAX_UPLOAD_BYTES", "19MiB"}, {"HOLD_MIN_ROWS", "23"}};
  const auto settings = Settings::load(flags, [](std::string_view) { return std::nullopt; }, "").value();
  const auto& options = settings.ingest;
  using namespace std::chrono_literals;
  EXPECT_EQ(options.disk_reserve, std::uint64_t{3} << 20);
  EXPECT_EQ(options.held_ttl, 5 * 24h);
  EXPECT_EQ(options.dry_run_ttl, 7h);
  EXPECT_EQ(options.idempotency_ttl, 11h);
  EXPECT_EQ(options.clock_jump_max, 13h);
  EXPECT_EQ(options.publish_timeout, 17s);
  EXPECT_EQ(options.upload_bytes_max, std::uint64_t{19} << 20);
  EXPECT_EQ(options.hold_min_rows, 23);
}

}  // namespace
}  // namespace deltadrop::app
