#pragma once

#include "app/settings.hpp"
#include "core/result.hpp"

/// The programs that run until SIGTERM or SIGINT. Each returns when everything is flushed, committed and
/// closed; an error is why it could not start or go on.
namespace deltadrop::app {

/// `deltadrop dev`: the API, the consumer, the embedded log and the embedded history in one process.
Result<void> run_dev(const Settings& settings);

/// `deltadrop serve`: the API. Publishes to Kafka, reads the history from PostgreSQL; needs neither to be
/// there.
Result<void> run_serve(const Settings& settings);

/// `deltadrop consume`: Kafka to PostgreSQL to the lake. `accept_gap`: go on at the topic's first offset
/// where what follows the recorded one is lost.
Result<void> run_consume(const Settings& settings, bool accept_gap);

}  // namespace deltadrop::app
