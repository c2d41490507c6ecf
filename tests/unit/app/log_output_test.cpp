#include "app/log_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>

namespace deltadrop::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kPatienceMs = 20'000;
constexpr std::size_t kWaitingBytes = 64 * 1024;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  [[nodiscard]] int to_write() const { return ends_[1]; }
  /// Reads up to and including `text`.
  [[nodiscard]] std::string read_until(const std::string& text) const {
    std::string all;
    std::array<char, 4096> piece{};
    while (all.find(text) == std::string::npos) {
      pollfd ready{ends_[0], POLLIN, 0};
      if (::poll(&ready, 1, kPatienceMs) != 1) break;
      const auto count = ::read(ends_[0], piece.data(), piece.size());
      if (count <= 0) break;
      all.append(piece.data(), static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  std::array<int, 2> ends_{};
};

LogOutput::Options to(int descriptor) {
  return {descriptor, kWaitingBytes, [](std::uint64_t lines) { return fmt::format("{} missing\n", lines); }};
}

TEST(LogOutput, WritesLinesInTheirOrder) {
  const Pipe pipe;
  LogOutput output(to(pipe.to_write()));
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const auto line = fmt::format("line {}\n", i);
    all += line;
    output.write(line);
  }
  const std::string longer_than_a_pipe_takes(10'000, 'x');
  output.write(longer_than_a_pipe_takes + "\n");
  output.write("end\n");
  EXPECT_EQ(pipe.read_until("end\n"), all + longer_than_a_pipe_takes + "\nend\n");
  EXPECT_TRUE(output.flush(seconds(20)));
}

TEST(LogOutput, NobodyWaitsForAPipeThatNobodyReads) {
  const Pipe pipe;
  LogOutput output(to(pipe.to_write()));
  constexpr int kLines = 20'000;
  const std::string rest(90, 'x');
  // This is more than the pipe and the buffer hold, so a blocking write would never return.
  for (int i = 0; i < kLines; ++i) output.write(fmt::format("{:05} {}\n", i, rest));
  EXPECT_FALSE(output.flush(milliseconds(1)));
  const auto text = pipe.read_until(" missing\n");
  const auto written = std::count(text.begin(), text.end(), '\n') - 1;
  const auto told = text.rfind('\n', text.size() - 2) + 1;
  EXPECT_EQ(std::stoi(text.substr(told)), kLines - written) << "each line is written or counted";
  EXPECT_GE(written, 100);
  EXPECT_TRUE(text.starts_with("00000 "));
  EXPECT_TRUE(output.flush(seconds(20)));
  output.write("again\n");
  EXPECT_EQ(pipe.read_until("again\n"), "again\n");
}

TEST(LogOutput, AFullDiskDropsLinesAndIsToldOf) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  const Pipe pipe;
  const int descriptor = ::dup(full);
  const auto told = std::make_shared<std::atomic<int>>(0);
  auto options = to(descriptor);
  options.dropped_line = [told, missing = options.dropped_line](std::uint64_t lines) {
    ++*told;
    told->notify_all();
    return missing(lines);
  };
  {
    LogOutput output(options);
    output.write("lost\n");
    told->wait(0);  // the line is lost because the disk was full
    EXPECT_FALSE(output.flush(milliseconds(1))) << "it is not written";
    // The disk has space again.
    ASSERT_EQ(::dup3(pipe.to_write(), descriptor, O_CLOEXEC), descriptor);
    EXPECT_EQ(pipe.read_until(" missing\n"), "1 missing\n");
    EXPECT_TRUE(output.flush(seconds(20)));
  }
  ::close(full);
}

TEST(LogOutput, LeavesBehindWhatTheOutputDoesNotTake) {
  const Pipe pipe;
  LogOutput output(to(pipe.to_write()));
  for (int i = 0; i < 20'000; ++i) output.write(std::string(100, 'x') + "\n");
  // The destructor must return.
}

}  // namespace
}  // namespace deltadrop::app
