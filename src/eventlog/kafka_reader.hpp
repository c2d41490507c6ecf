#pragma once

#include <memory>
#include <string>

#include "eventlog/event_log.hpp"
#include "eventlog/kafka_admin.hpp"
#include "eventlog/kafka_client.hpp"

/// A member of a consumer group: eager assignment by ranges, no offset in Kafka.
namespace deltadrop::eventlog::kafka {

/// `options`, `admin` and `interrupt` outlive the reader. The group is joined when first polled with a broker
/// there.
Result<std::unique_ptr<LogReader>> open_reader(const Options& options, const std::string& group, Admin& admin,
                                               Interrupt& interrupt);

}  // namespace deltadrop::eventlog::kafka
