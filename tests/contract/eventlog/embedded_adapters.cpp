#include "event_log_contract.hpp"
#include "eventlog/memory_log.hpp"
#include "eventlog/sqlite_log.hpp"
#include "support/result_check.hpp"

namespace deltadrop::eventlog {
namespace {

using testing::must;

std::unique_ptr<EventLog> open_memory(const std::filesystem::path&, io::Clock& clock) {
  return memory::open({.topic = "topic", .partitions = 3, .message_bytes_max = kMessageBytesMax}, clock);
}

std::unique_ptr<EventLog> open_sqlite(const std::filesystem::path& folder, io::Clock& clock) {
  return must(sqlite::open({folder / "log.db", "topic", kMessageBytesMax}, clock));
}

const Adapter kAdapters[] = {{"memory", open_memory}, {"sqlite", open_sqlite}};

}  // namespace

std::span<const Adapter> adapters() { return kAdapters; }

}  // namespace deltadrop::eventlog
