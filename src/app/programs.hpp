#pragma once

#include "app/settings.hpp"
#include "core/result.hpp"

/// The programs that run until SIGTERM or SIGINT. Each returns after everything is flushed, committed and
/// closed. An error is the reason why it could not start or continue.
namespace deltadrop::app {

/// `deltadrop dev`: the API, the consumer, the embedded log and the embedded history in one process.
Result<void> run_dev(const Settings& settings);

/// `deltadrop serve`: the API. Publishes to Kafka and reads the history from PostgreSQL. Runs without either.
Result<void> run_serve(const Settings& settings);

/// `deltadrop consume`: Kafka to PostgreSQL to the lake. If the events after the recorded offset are lost,
/// `accept_gap` continues at the topic's first offset.
Result<void> run_consume(const Settings& settings, bool accept_gap);

}  // namespace deltadrop::app
