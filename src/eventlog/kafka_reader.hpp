#pragma once

#include <memory>
#include <string>

#include "eventlog/event_log.hpp"
#include "eventlog/kafka_admin.hpp"
#include "eventlog/kafka_client.hpp"

/// A member of a consumer group, with eager assignment by ranges and without offsets in Kafka.
namespace deltadrop::eventlog::kafka {

/// `options`, `admin` and `interrupt` must outlive the reader. The reader joins the group at the first poll
/// that reaches a broker.
Result<std::unique_ptr<LogReader>> open_reader(const Options& options, const std::string& group, Admin& admin,
                                               Interrupt& interrupt);

}  // namespace deltadrop::eventlog::kafka
